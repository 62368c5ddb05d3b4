"""An upload becomes a version once, whole or not at all, and a report tells why."""

import gzip
import hashlib
import io
import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gyre.aws.datasets import DeltaDatasets
from gyre.datasets import text
from gyre.datasets.report import RowCounts, report_of
from gyre.datasets.table import FLAGS, UPLOAD, DatasetTables
from gyre.datasets.upload import Upload
from gyre.datasets.version import DatasetVersion, dataset_version
from gyre.errors import Conflict, GyreError, Invalid, NotFound, TooLarge, Unavailable
from gyre.objects import ObjectStore
from tests.unit.datasets.taking import COLUMNS, Lake

GOOD = "x,c,y\n1,a,yes\n2,b,no\n"
MIXED = "x,c,y\n1,a,yes\nmuch,b,no\n3,,yes\n"


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path)


def refused(lake: Lake, upload: Upload, kind: type[GyreError] = Invalid, **how: Any) -> str:
    """Why an upload is not taken; nothing of it may be left but its report and its quarantine."""
    before = (lake.commits() | {"quarantine": 0}, lake.records())
    with pytest.raises(kind) as error:
        lake.take(upload, **how)
    assert (lake.commits() | {"quarantine": 0}, lake.records()) == before
    told = lake.report(how.get("run", "run-1"))
    assert (told["outcome"], told["reason"], told["dataset_version"]) == ("refused", error.value.message, None)
    assert b"<!doctype html>" in report_of("m", how.get("run", "run-1"), "html", lake.data)
    return error.value.message


# --- taken


def test_an_upload_becomes_a_version(lake: Lake) -> None:
    # Given
    upload, spec = lake.put(MIXED), lake.declare()
    # When
    found = lake.take(upload, spec)
    # Then its record tells all
    assert found == DatasetVersion(
        model="m",
        version=1,
        ingest=found.ingest,
        upload="inbox/m/a.csv",
        upload_version="v1",
        sha256=hashlib.sha256(MIXED.encode()).hexdigest(),
        size=len(MIXED),
        facts={"format": "csv", "delimiter": ",", "compression": "none", "encoding": "utf-8"},
        run="run-1",
        at=found.at,
        spec_version=1,
        raw_version=1,
        quarantine_version=1,
        mode="append",
        rows=RowCounts(read=3, accepted=2, rejected=1),
        total_rows=2,
        report="runs/m/run-1/ingest.json",
        alerts=(),
    )
    assert dataset_version("m", 1, lake.data) == found
    # And the tables hold it: what is right as values, all of it as text, what is wrong with its reasons
    assert lake.rows(["_gyre_row", "x", "c", "y", FLAGS]) == [(1, 1.0, "a", True, None), (3, 3.0, None, True, None)]
    assert lake.rows(["_gyre_row", "x", "c", "y"], table="raw") == [
        (1, "1", "a", "yes"), (2, "much", "b", "no"), (3, "3", None, "yes"),
    ]  # fmt: skip
    ((row, codes, record),) = lake.rows(["_gyre_row", "codes", "record"], table="quarantine")
    assert (row, codes, json.loads(record)) == (2, ["type:x"], {"x": "much", "c": "b", "y": "no"})
    # And whoever watches hears how far it is
    assert lake.progress == [3]


def test_the_report_tells_what_was_found(lake: Lake) -> None:
    # Given a file that lacks a column and has one too many
    spec = lake.declare(columns=COLUMNS | {"w": {"type": "text"}})
    # When
    lake.take(lake.put("z,x,c,y\n1,1,a,yes\n1,x,b,no\n1,5,b,no\n"), spec)
    # Then
    told = lake.report()
    assert (told["outcome"], told["dataset_version"], told["spec_version"], told["reason"]) == ("accepted", 1, 1, None)
    assert told["rows"] == {"read": 3, "accepted": 2, "rejected": 1, "filtered": 0, "flagged": 0, "changed": 0}
    assert told["findings"] == [{"code": "type", "action": "reject", "count": 1, "column": "x", "examples": ["x"]}]
    assert (told["unknown_columns"], told["absent_columns"]) == (["z"], ["w"])
    assert [each["name"] for each in told["columns"]] == ["x", "c", "y", "w"]
    assert {each["code"] for each in told["alerts"]} == {"unknown_columns", "absent_columns"}
    assert dataset_version("m", 1, lake.data).alerts == tuple(each["message"] for each in told["alerts"])
    assert told["seconds"] > 0 and told["sha256"] == dataset_version("m", 1, lake.data).sha256


def test_a_second_upload_is_added_to_the_first(lake: Lake) -> None:
    lake.take(lake.put(GOOD))
    second = lake.take(lake.put(MIXED, "b.csv"), run="run-2")
    assert (second.version, second.total_rows, second.rows.accepted) == (2, 4, 2)
    assert sorted(lake.rows(["x"])) == [(1.0,), (1.0,), (2.0,), (3.0,)]
    assert sorted(lake.rows(["x"], 1)) == [(1.0,), (2.0,)]


def test_an_upload_without_wrong_rows_leaves_no_quarantine(lake: Lake) -> None:
    found = lake.take(lake.put(GOOD))
    assert found.quarantine_version is None
    assert lake.commits() == {"processed": 1, "raw": 1, "quarantine": 0}


def test_every_format_gives_the_same_rows(lake: Lake) -> None:
    # Given
    cells = {"x": [1.5, None, 3.0], "c": ["a", "ä", None], "y": [True, False, True]}
    lines = "".join(json.dumps(dict(zip(cells, row, strict=True))) + "\n" for row in zip(*cells.values(), strict=True))
    parquet = io.BytesIO()
    pq.write_table(pa.table(cells), parquet)
    files = {
        "a.csv": b"x,c,y\n1.5,a,true\n,\xc3\xa4,false\n3,,true\n",
        "b.tsv": "x\tc\ty\n1.5\ta\ttrue\n\tä\tfalse\n3\t\ttrue\n".encode("utf-16"),
        "c.jsonl": lines.encode(),
        "d.parquet": parquet.getvalue(),
        "e.csv.gz": gzip.compress(b"y;c;x\ntrue;a;1.5\nfalse;\xe4;\ntrue;;3\n"),
    }
    # When each is taken
    spec = lake.declare(dataset={"mode": "replace"})
    for name, content in files.items():
        version = lake.take(lake.put(content, name), spec, run=name).version
        # Then
        assert lake.rows(["x", "c", "y"], version) == [(1.5, "a", True), (None, "ä", False), (3.0, None, True)]
    assert lake.commits()["raw"] == len(files)


# --- the same again


def test_the_same_content_under_another_name_is_the_same_version(lake: Lake) -> None:
    first = lake.take(lake.put(MIXED))
    assert lake.take(lake.put(MIXED, "copy.csv"), run="run-2") == first
    assert (lake.commits(), lake.records()) == ({"processed": 1, "raw": 1, "quarantine": 1}, ["00000001.json"])
    with pytest.raises(NotFound):
        lake.report("run-2")


def test_a_spec_that_says_the_same_of_data_makes_no_new_version(lake: Lake) -> None:
    first = lake.take(lake.put(GOOD), lake.declare())
    again = lake.declare(split={"test": 0.3}, description="new", gates={"baseline": False})
    assert again.version == 2
    assert lake.take(lake.put(GOOD), again, run="run-2") == first


def test_a_spec_that_says_other_things_of_data_makes_a_new_version_of_the_same_upload(lake: Lake) -> None:
    # Given
    first = lake.take(lake.put(MIXED), lake.declare(dataset={"mode": "replace"}))
    # When numbers that cannot be read are now left out instead
    other = lake.declare(
        dataset={"mode": "replace"}, columns=COLUMNS | {"x": {"type": "number", "actions": {"type": "drop"}}}
    )
    second = lake.take(lake.put(MIXED), other, run="run-2")
    # Then the checks are done anew, and the cells as they came are there already
    assert (second.version, second.spec_version, second.rows.accepted) == (2, 2, 3)
    assert (second.raw_version, second.sha256, second.quarantine_version) == (first.raw_version, first.sha256, None)
    assert (lake.commits()["raw"], len(lake.rows(["x"]))) == (1, 3)
    # And back again it is the first one
    assert lake.take(lake.put(MIXED), lake.declare(dataset={"mode": "replace"}), run="run-3") == first


def test_another_reading_of_the_same_content_is_another_ingest_of_its_cells(lake: Lake) -> None:
    lake.take(lake.put(GOOD), lake.declare(dataset={"mode": "replace"}))
    other = lake.declare(dataset={"mode": "replace"}, read={"missing": ["a"]})
    second = lake.take(lake.put(GOOD), other, run="run-2")
    assert (second.version, second.raw_version) == (2, 2)
    assert (lake.rows(["c"], 1), lake.rows(["c"], 2)) == ([("a",), ("b",)], [(None,), ("b",)])


# --- replace


def test_a_version_that_replaces_holds_its_upload_alone(lake: Lake) -> None:
    spec = lake.declare(dataset={"mode": "replace"})
    lake.take(lake.put(MIXED), spec)
    second = lake.take(lake.put(GOOD, "b.csv"), spec, run="run-2")
    assert (second.mode, second.version, second.total_rows) == ("replace", 2, 2)
    assert (lake.rows(["x"], 2), lake.rows(["x"], 1)) == ([(1.0,), (2.0,)], [(1.0,), (3.0,)])
    # And what came in is never thrown away
    assert (lake.commits()["raw"], len(lake.rows(["x"], table="raw"))) == (2, 5)


def test_after_replacing_appending_goes_on_from_there(lake: Lake) -> None:
    lake.take(lake.put(MIXED))
    lake.take(lake.put(GOOD, "b.csv"), lake.declare(dataset={"mode": "replace"}), run="run-2")
    third = lake.take(lake.put("x,c,y\n9,z,no\n", "c.csv"), lake.declare(), run="run-3")
    assert (third.version, third.total_rows) == (3, 3)


# --- specs that change


def test_a_column_that_is_declared_later_is_missing_before(lake: Lake) -> None:
    lake.take(lake.put(GOOD))
    spec = lake.declare(
        columns={"new": {"type": "integer"}} | COLUMNS, derived={"double": {"formula": "2 * x"}, "no": {"formula": "1"}}
    )
    found = lake.take(lake.put("y,c,x,new\nyes,a,5,7\n", "b.csv"), spec, run="run-2")
    assert (found.version, found.total_rows) == (2, 3)
    assert sorted(lake.rows(["x", "new", "double"]), key=str) == [(1.0, None, None), (2.0, None, None), (5.0, 7, 10.0)]
    with pytest.raises(Invalid, match="no column new"):
        lake.rows(["new"], 1)


def test_a_column_that_changes_its_type_is_told_what_to_do(lake: Lake) -> None:
    # Given
    lake.take(lake.put(GOOD))
    spec = lake.declare(columns=COLUMNS | {"x": {"type": "integer"}})
    # When and then
    message = refused(lake, lake.put("x,c,y\n5,a,yes\n", "b.csv"), spec=spec, run="run-2")
    assert "'x' is of type integer now, and was number before" in message and "dataset.mode: replace" in message
    assert lake.rows(["x"]) == [(1.0,), (2.0,)]
    # And as it says, beginning anew is possible
    anew = lake.declare(columns=COLUMNS | {"x": {"type": "integer"}}, dataset={"mode": "replace"})
    assert lake.take(lake.put("x,c,y\n5,a,yes\n", "b.csv"), anew, run="run-3").version == 2
    assert (lake.rows(["x"]), lake.rows(["x"], 1)) == ([(5,)], [(1.0,), (2.0,)])


def test_a_first_upload_that_was_refused_does_not_fix_the_types(lake: Lake) -> None:
    # Given a first upload under a wrong declaration
    wrong = lake.declare(columns=COLUMNS | {"c": {"type": "integer"}})
    refused(lake, lake.put(GOOD), spec=wrong)
    # When the declaration is mended
    found = lake.take(lake.put(GOOD), lake.declare(), run="run-2")
    # Then
    assert (found.version, lake.rows(["c"])) == (1, [("a",), ("b",)])


def test_files_may_name_their_columns_in_other_capitals_where_nothing_is_declared(lake: Lake) -> None:
    lake.take(lake.put("Note,x,c,y\nn,1,a,yes\n"))
    lake.take(lake.put("NOTE,x,c,y\nm,2,a,yes\n", "b.csv"), run="run-2")
    assert sorted(lake.rows(["note"], table="raw")) == [("m",), ("n",)]


# --- refused


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "is empty"),
        (b"x,c,y\n", "columns and no rows"),
        (b"\n\n", "has no columns"),
        (b"a;b\n1;2\n", "lacks y"),
        (b"x,c\n1,a\n", "lacks y"),
        (b"x,x,y\n1,2,yes\n", "more than one column named 'x'"),
        (b"x,X,y\n1,2,yes\n", "capitals alone"),
        (b"x,,y\n1,2,yes\n", "has no name"),
        (b"x,_gyre_row,y\n1,2,yes\n", "_gyre_row"),
        (",".join(f"c{at}" for at in range(10_000)).encode() + b"\n1\n", "10,000 columns"),
        (b'x,c,y\n1,"a,yes\n2,b,no\n', "never closed"),
        (b"x,c,y\n1,\0,yes\n", "NUL"),
        (b"x,c,y\n1,2,yes,4\n1,2\n1,2,3,4,5\n", "3 of 3 rows are rejected"),
        (b"x,c,y\n-1,a,yes\n101,b,no\n5,b,no\n", "2 of 3 rows are rejected"),
        (b"x,c,y\ninf,a,yes\n1e999,b,no\nNaN0,b,no\n", "3 of 3 rows are rejected"),
        (b"x,c,y\n1,a,\n2,a,\n", "required of y: 2"),
        (b"\xff\xfex\0,\0y\0\n\0\x00\xd8\n\0", "not written in utf-16"),
        (b"PK\x03\x04x,y\n1,2\n", "is a ZIP archive or an Excel workbook"),
        (b"PAR1", "holds Parquet"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_taken_is_refused_with_the_reason(lake: Lake, content: bytes, told: str) -> None:
    kind = TooLarge if "10,000" in told else Invalid
    assert told in refused(lake, lake.put(content), kind)
    assert lake.report()["size"] == len(content)


@pytest.mark.parametrize("name", ["a.xlsx", "a", "a.csv.zip", "a.parquet"])
def test_a_file_of_another_kind_is_refused_with_the_reason(lake: Lake, name: str) -> None:
    refused(lake, lake.put(GOOD, name))


def test_nan_means_missing_and_is_taken(lake: Lake) -> None:
    lake.take(lake.put("x,c,y\nNaN,nan,yes\n"))
    assert lake.rows(["x", "c"]) == [(None, None)]


def test_a_wrong_encoding_is_refused_and_the_right_one_taken(lake: Lake) -> None:
    content = "x,c,y\n1,ä,yes\n".encode("cp1252")
    assert "not written in utf-8" in refused(lake, lake.put(content), spec=lake.declare(read={"encoding": "utf-8"}))
    lake.take(lake.put(content), lake.declare(read={"encoding": "cp1252"}), run="run-2")
    assert lake.rows(["c"]) == [("ä",)]


def test_what_is_refused_keeps_its_quarantine_and_comes_no_second_time(lake: Lake) -> None:
    # Given
    content = "x,c,y\n-1,a,yes\n101,b,no\n5,b,no\n1,2,3,4\n"
    refused(lake, lake.put(content))
    told = lake.report()
    assert told["rows"] == {"read": 4, "accepted": 1, "rejected": 3, "filtered": 0, "flagged": 0, "changed": 0}
    assert {each["code"]: each["count"] for each in told["findings"]} == {"range": 2, "ragged": 1}
    assert [each["name"] for each in told["columns"]] == ["x", "c", "y"]
    # When it comes again
    refused(lake, lake.put(content, "b.csv"), run="run-2")
    # Then
    assert lake.commits() == {"processed": 0, "raw": 0, "quarantine": 1}
    assert lake.rows(["_gyre_row", "codes"], table="quarantine") == [
        (1, ["range:x"]),
        (2, ["range:x"]),
        (4, ["ragged"]),
    ]


def test_a_check_that_fails_refuses_the_whole_upload(lake: Lake) -> None:
    spec = lake.declare(columns=COLUMNS | {"x": {"type": "number", "range": [0, 5], "actions": {"range": "fail"}}})
    message = refused(lake, lake.put("x,c,y\n1,a,yes\n6,b,no\n1,b,no\n"), spec=spec)
    assert message == "The upload breaks checks whose action is `fail`: range of x: 1 rows."
    assert lake.rows(["codes"], table="quarantine") == [(["range:x"],)]


@pytest.mark.parametrize(
    ("quality", "field"),
    [({"rejected": 0.3}, "quality.rejected"), ({"minimum_rows": 3, "rejected": 1}, "quality.minimum_rows")],
)
def test_limits_of_quality_refuse_the_whole_upload(lake: Lake, quality: dict[str, Any], field: str) -> None:
    assert field in refused(lake, lake.put(MIXED), spec=lake.declare(quality=quality))


def test_an_upload_of_which_the_filter_leaves_nothing_is_refused(lake: Lake) -> None:
    message = refused(lake, lake.put(GOOD), spec=lake.declare(filter="x > 5"))
    assert "0 of 2 rows are left" in message and "2 were left out by `filter`" in message


def test_after_a_refusal_the_next_upload_has_the_next_number(lake: Lake) -> None:
    lake.take(lake.put(GOOD))
    refused(lake, lake.put("x,c,y\n-1,a,yes\n"), run="run-2")
    assert lake.take(lake.put(MIXED), run="run-3").version == 2


def test_an_upload_that_is_gone_is_told_as_such(lake: Lake) -> None:
    message = refused(lake, Upload("m", "inbox/m/never.csv"), NotFound)
    assert "never.csv" in message
    upload = replace(lake.put(GOOD), version="v99")
    refused(lake, upload, NotFound, run="run-2")
    assert lake.report("run-2")["size"] == 0


def test_the_very_version_that_was_announced_is_taken(lake: Lake) -> None:
    upload = lake.put(GOOD)
    lake.put("x,c,y\n77,a,yes\n")
    assert lake.take(upload).upload_version == upload.version
    assert lake.rows(["x"]) == [(1.0,), (2.0,)]


# --- files that break off in their middle

LONG = b"x,c,y\n-5,a,yes\n" + b"1,a,yes\n2,b,no\n" * 175_000
BROKEN = {
    "a.csv": LONG + "3,ä,yes\n".encode("cp1252") + b"1,a,yes\n" * 1000,
    "a.csv.gz": gzip.compress(LONG + b"1,a,yes\n" * 1000, 1)[:-500],
    "b.csv": LONG + b'3,"open,yes\n' + b"1,a,yes\n" * 1000,
}


@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.parametrize("x", [{"range": [0, 100]}, {"range": [0, 100], "outliers": 30}], ids=["", "fenced"])
def test_what_was_read_before_a_file_broke_off_is_told_and_not_taken(lake: Lake, name: str, x: dict[str, Any]) -> None:
    # Given a file whose rows are right, but one, until it cannot be read any further
    spec = lake.declare(columns=COLUMNS | {"x": {"type": "number", **x}}, quality={"duplicates": "keep"})
    # When and then
    refused(lake, lake.put(BROKEN[name], name), spec=spec)
    told = lake.report()
    assert told["rows"]["rejected"] == 1 and told["rows"]["accepted"] == told["rows"]["read"] - 1 > 100_000
    assert told["columns"][0]["count"] == told["rows"]["accepted"]
    assert lake.progress[-1] == told["rows"]["read"]
    # And what was found wrong is there to be looked at
    assert lake.rows(["_gyre_row", "codes"], table="quarantine") == [(1, ["range:x"])]


def test_a_file_that_unpacks_to_far_more_than_it_is_is_refused(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text, "UNPACKED_FREELY", 1 << 20)
    monkeypatch.setattr(text, "UNPACKED_TIMES", 20)
    bomb = gzip.compress(b"x,c,y\n" + b"1,a,yes\n" * 400_000)
    assert "unpacks to more than 20 times its size" in refused(lake, lake.put(bomb, "a.csv.gz"), TooLarge)


def test_a_file_that_is_replaced_while_it_is_read_is_not_mixed_with_the_new_one(lake: Lake) -> None:
    # Given an upload of no certain version, that somebody replaces after the first chunk
    lake.put(LONG + LONG[6:])
    upload = Upload("m", "inbox/m/a.csv")
    lake.progress = Replacing(lambda: lake.put(GOOD))  # type: ignore[assignment]
    # When and then
    assert "changed" in refused(lake, upload, Conflict, spec=lake.declare(quality={"duplicates": "keep"}))
    # And what was read of it is not taken for its quarantine when it comes again
    assert lake.commits()["quarantine"] == 0


class Replacing(list[int]):
    """Does something once, when it hears of the first rows."""

    def __init__(self, work: Callable[[], Any]) -> None:
        super().__init__()
        self._work = work

    def append(self, rows: int, /) -> None:
        if not self:
            self._work()
        super().append(rows)


# --- ended anywhere, and begun again


class Breakdown:
    """Counts what is asked of store and tables, and fails at one call: before it does anything, or right after."""

    def __init__(self, at: int = -1, *, after: bool = False) -> None:
        self.calls: list[str] = []
        self._at, self._after = at, after

    def around(self, name: str, call: Callable[[], Any]) -> Any:
        self.calls.append(name)
        is_here = len(self.calls) - 1 == self._at
        if is_here and not self._after:
            raise Unavailable(f"{name} broke down")
        try:
            return call()
        finally:
            if is_here:
                raise Unavailable(f"{name} broke down after it was done")


class Fragile:
    """A store, a stream or tables whose calls may break down."""

    def __init__(self, kept: Any, breakdown: Breakdown) -> None:
        self._kept, self._breakdown = kept, breakdown

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._kept, name)
        if name == "seek":  # asks nobody
            return found

        def call(*args: Any, **kwargs: Any) -> Any:
            answer = self._breakdown.around(name, lambda: found(*args, **kwargs))
            return Fragile(answer, self._breakdown) if name == "open" else answer

        return call

    def __enter__(self) -> "Fragile":
        return self

    def __exit__(self, *_: object) -> None:
        self._kept.close()


def outcome(lake: Lake, run: str) -> tuple[Any, ...]:
    """All that an ingest leaves behind, without the clock."""
    told = lake.report(run)
    record = json.loads(lake.data.read("datasets/m/versions/00000001.json").content) if lake.records() else {}
    left = [{k: v for k, v in each.items() if k not in ("at", "seconds")} for each in (told, record)]
    processed = lake.rows([UPLOAD, "_gyre_row", "x", "c", "y"])
    raw, wrong = lake.rows(["_gyre_row", "x"], table="raw"), lake.rows(["_gyre_row", "codes"], table="quarantine")
    return (*left, lake.commits(), lake.records(), processed, raw, wrong)


def taken(lake: Lake, upload: Upload, breakdown: Breakdown | None = None) -> bool:
    """Whether it came to an end; a refusal is one."""
    parts = (lake.data, lake.tables) if breakdown is None else [Fragile(p, breakdown) for p in (lake.data, lake.tables)]
    try:
        lake.take(upload, data=parts[0], tables=parts[1])
    except Invalid:
        return True
    except Unavailable:
        return False
    return True


@pytest.mark.parametrize("content", [MIXED, "x,c,y\n-1,a,yes\n-2,a,yes\n1,a,no\n"], ids=["accepted", "refused"])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_an_ingest_that_is_ended_at_any_step_is_the_same_when_it_is_begun_again(
    tmp_path: Path, content: str, after: bool
) -> None:
    # Given what is left behind when nothing happens, and every call on the way
    undisturbed = Lake(tmp_path / "undisturbed")
    counted = Breakdown()
    assert taken(undisturbed, undisturbed.put(content), counted)
    expected = outcome(undisturbed, "run-1")
    assert {"open", "write", "append", "version_of", "size", "read"} <= set(counted.calls)
    for at, name in enumerate(counted.calls):
        # When it is ended there, and begun again
        lake = Lake(tmp_path / str(at))
        upload = lake.put(content)
        assert not taken(lake, upload, Breakdown(at, after=after)), name
        assert taken(lake, upload)
        # Then nothing tells that it happened
        assert outcome(lake, "run-1") == expected, (at, name)


def test_an_ingest_may_be_ended_again_and_again(tmp_path: Path) -> None:
    # Given
    undisturbed, lake = Lake(tmp_path / "undisturbed"), Lake(tmp_path / "lake")
    assert taken(undisturbed, undisturbed.put(MIXED))
    upload = lake.put(MIXED)
    # When each try comes one call further than the one before
    tries = 0
    while not taken(lake, upload, Breakdown(tries)):
        tries += 1
    # Then
    assert tries > 10
    assert outcome(lake, "run-1") == outcome(undisturbed, "run-1")


def test_a_record_that_was_never_written_is_made_up_for_by_the_next_run(lake: Lake) -> None:
    # Given a run that was ended right before its record, and another upload since
    with pytest.raises(Unavailable):
        lake.take(lake.put(MIXED), tables=_without(lake.tables, "rows"))
    assert (lake.records(), lake.commits()["processed"]) == ([], 1)
    assert lake.take(lake.put(GOOD, "b.csv"), run="run-2").version == 2
    # When the same content comes again, in another run
    found = lake.take(lake.put(MIXED, "c.csv"), run="run-3")
    # Then it is the version that was committed, counted as it was
    assert (found.version, found.run, found.total_rows) == (1, "run-3", 2)
    assert found.rows == RowCounts(read=3, accepted=2, rejected=1)
    assert lake.records() == ["00000001.json", "00000002.json"]
    assert lake.report("run-3")["outcome"] == "accepted"


def _without(tables: DatasetTables, name: str) -> DatasetTables:
    class Without(Fragile):
        def __getattr__(self, asked: str) -> Any:
            if asked == name:
                raise Unavailable(f"{name} broke down")
            return getattr(self._kept, asked)

    return Without(tables, Breakdown())  # type: ignore[return-value]


# --- many at once


def together(lake: Lake, uploads: list[Upload], spec: Any) -> list[DatasetVersion]:
    """Runs of their own, each with tables of its own, that begin at the same moment."""
    barrier = threading.Barrier(len(uploads))

    def begun(at: int) -> DatasetVersion:
        barrier.wait(timeout=30)
        return lake.take(uploads[at], spec, run=f"run-{at}", tables=DeltaDatasets(lake.folder))

    with ThreadPoolExecutor(len(uploads)) as pool:
        return list(pool.map(begun, range(len(uploads))))


@pytest.mark.parametrize("mode", ["append", "replace"])
def test_different_uploads_at_once_become_different_versions(lake: Lake, mode: str) -> None:
    # Given
    spec = lake.declare(dataset={"mode": mode})
    uploads = [lake.put(f"x,c,y\n{at},a,yes\nbad,b,no\n{at + 10},b,no\n", f"{at}.csv") for at in range(4)]
    # When
    found = together(lake, uploads, spec)
    # Then
    assert sorted(each.version for each in found) == [1, 2, 3, 4]
    assert lake.commits() == {"processed": 4, "raw": 4, "quarantine": 4}
    for at, each in enumerate(found):
        assert each.rows == RowCounts(read=3, accepted=2, rejected=1)
        assert each.total_rows == (2 if mode == "replace" else 2 * each.version)
        held = {x for (x,) in lake.rows(["x"], each.version)}
        assert {at, at + 10} <= held and (len(held) == each.total_rows)
        assert dataset_version("m", each.version, lake.data) == each
        assert lake.report(f"run-{at}")["dataset_version"] == each.version


@pytest.mark.parametrize("mode", ["append", "replace"])
def test_the_same_upload_at_once_becomes_one_version(lake: Lake, mode: str) -> None:
    # Given
    spec = lake.declare(dataset={"mode": mode})
    uploads = [lake.put(MIXED, f"{at}.csv") for at in range(4)]
    # When
    found = together(lake, uploads, spec)
    # Then all are told of the same one, with what it holds
    assert found == [found[0]] * 4
    assert (found[0].version, found[0].rows, found[0].total_rows) == (1, RowCounts(3, 2, 1), 2)
    assert lake.commits() == {"processed": 1, "raw": 1, "quarantine": 1}
    assert lake.records() == ["00000001.json"]


class Late:
    """Tables in which the same ingest was committed between the question and the commit."""

    def __init__(self, tables: DatasetTables) -> None:
        self._tables = tables
        self._asked = False

    def version_of(self, model: str, table: Any, ingest: str) -> int | None:
        if not self._asked:
            self._asked = True
            return None
        return self._tables.version_of(model, table, ingest)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tables, name)


def test_who_comes_a_moment_too_late_counts_what_was_committed(lake: Lake) -> None:
    # Given a run that was ended before its record, and one that did not see its commit yet
    with pytest.raises(Unavailable):
        lake.take(lake.put(MIXED), tables=_without(lake.tables, "rows"))
    # When
    found = lake.take(lake.put(MIXED), run="run-2", tables=Late(lake.tables))  # type: ignore[arg-type]
    # Then its record and its report say what the version holds
    assert (found.version, found.rows, found.quarantine_version) == (1, RowCounts(3, 2, 1), 1)
    assert lake.report("run-2")["rows"]["accepted"] == 2


def test_a_quarantine_that_loses_a_race_is_written_whole(lake: Lake) -> None:
    # Given tables in which the first reading of the quarantine is in vain
    class Twice(Late):
        def append(self, model: str, table: Any, ingest: str, source: Callable[[], Any], **how: Any) -> int:
            if table == "quarantine":
                first: Iterator[Any] = source().batches
                next(first)
            return self._tables.append(model, table, ingest, source, **how)

    # When
    found = lake.take(lake.put(MIXED), tables=Twice(lake.tables))  # type: ignore[arg-type]
    # Then
    assert found.quarantine_version == 1
    assert lake.rows(["_gyre_row"], table="quarantine") == [(2,)]


def test_the_parts_are_the_ports(lake: Lake) -> None:
    store: ObjectStore = lake.data
    assert lake.take(lake.put(GOOD), data=store, tables=lake.tables).version == 1
