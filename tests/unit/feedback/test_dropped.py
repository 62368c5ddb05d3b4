"""Files of labels: read line by line, taken in parts, told in a report, and never twice."""

import gzip
import io
import json
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest

from gyre.errors import Invalid, TooLarge, Unavailable
from gyre.feedback.desk import Sender, Taken
from gyre.feedback.dropped import Dropped, LabelReport, is_dropped, take_file
from gyre.feedback.label_file import LabelFile
from gyre.feedback.sayings import Remark, Said
from tests.fakes.objects import MemoryBucket
from tests.unit.feedback.label_house import LATER, LabelHouse, call, event

KEY = "feedback/wine/truth.csv"


def read(content: str | bytes, name: str = "truth.csv") -> list[Said | Remark]:
    raw = content if isinstance(content, bytes) else content.encode()
    return list(LabelFile(name, "wine", io.BytesIO(raw)).lines())


def said(at: int, label: Any, event_id: str | None = None, **more: Any) -> Said:
    return Said(at, label, "wine", event_id, **more)


# --- reading ----------------------------------------------------------------------------------------------------------


def test_csv_as_it_is_usually_written() -> None:
    lines = f"event_id,row,label,happened_at\n{event(1)},0,red,2026-11-21\n{event(2)},,white,\n"
    assert read(lines) == [
        said(2, "red", event(1), row=0, happened_at="2026-11-21"), said(3, "white", event(2)),
    ]  # fmt: skip


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_delimiters_marks_and_packing_are_found_out(
    delimiter: str, pack: Callable[[bytes], bytes], encoding: str
) -> None:
    text = f"id{delimiter}label{delimiter}who\r\nä{delimiter}rosé{delimiter}x\r\n"
    assert read(pack(text.encode(encoding)), "t.csv") == [said(2, "rosé", id="ä")]


def test_lines_are_counted_as_an_editor_does() -> None:
    text = 'label,id\nred,a\n\n"ro\nse",b\n,c\nx\nwhite, d \n'
    assert read(f"\n  \n{text}") == [
        said(4, "red", id="a"), said(6, "ro\nse", id="b"), Remark(8, "label", "it is missing"),
        Remark(9, "line", "1 cells where the header has 2"), said(10, "white", id="d"),
    ]  # fmt: skip


def test_json_lines_keep_the_kinds_of_values() -> None:
    lines = [
        {"id": 7, "label": True}, {"event_id": event(1), "row": 2, "label": 2.5, "happened_at": 5, "note": "x"},
        {"id": "7", "label": "7"},
    ]  # fmt: skip
    text = "\n".join(map(json.dumps, lines)) + "\n\n[1]\nnothing\n" + "[" * 9_000
    assert read(text, "t.jsonl") == [
        said(1, True, id=7), said(2, 2.5, event(1), row=2, happened_at=5), said(3, "7", id="7"),
        *(Remark(number, "line", "it is no JSON object") for number in (5, 6, 7)),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("cells", "name"),
    [
        ({"event_id": "no id!"}, "event_id"), ({"event_id": 5}, "event_id"), ({"row": -1}, "row"),
        ({"row": 1.5}, "row"), ({"row": True}, "row"), ({"row": "one"}, "row"), ({"id": 1.5}, "id"),
        ({"id": "x" * 201}, "id"), ({"id": 2**63}, "id"), ({"id": True}, "id"), ({"label": None}, "label"),
        ({"label": ""}, "label"), ({"label": [1]}, "label"), ({"label": "x" * 1_001}, "label"),
        ({"label": 10**30}, "label"),
    ],
)  # fmt: skip
def test_a_line_that_says_nothing_is_told_by_its_field(cells: dict[str, Any], name: str) -> None:
    (found,) = read(json.dumps({"event_id": event(1), "label": "red", **cells}), "t.jsonl")
    assert isinstance(found, Remark) and (found.at, found.field) == (1, name)


@pytest.mark.parametrize(
    ("content", "name", "says"),
    [
        (b"", "t.csv", "is empty"), (b"PK\x03\x04xx", "t.csv", "Excel"), (b"a,b\n1,2\n", "t.csv", "must name"),
        (b"id,label,label\n", "t.csv", "more than one column label"), (b"x", "t.doc", "unknown ending"),
        (b"PAR1xxxxPAR1", "t.parquet", "Parquet, which is not read here"),
        (b'id,label\na,red\n"b,white\nc,red\n', "t.csv", "from line 3 on"),
        (b"id,label\n" + b"x" * 1_200_000 + b"\n", "t.csv", "line 2 on|longer than a megabyte"),
        (gzip.compress(b"id,label\n" + bytes(range(97, 122)) * 9_000)[:-20], "t.csv.gz", "not a whole gzip file"),
        (b"id,label\na,r\0d\n", "t.csv", "NUL"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_says_why(content: bytes, name: str, says: str) -> None:
    with pytest.raises((Invalid, TooLarge), match=says):
        read(content, name)


def test_a_long_file_is_read_as_a_short_one() -> None:
    text = "label,id\n" + "".join(f"{'red' if n % 2 else 'white'},id-{n}\n" for n in range(120_000))
    found = read(text)
    assert len(found) == 120_000
    assert found[-1] == said(120_001, "red", id="id-119999")


# --- taking -----------------------------------------------------------------------------------------------------------


class Place:
    """A bucket in which files of labels are put."""

    def __init__(self) -> None:
        self.house, self.data = LabelHouse(), MemoryBucket()
        self.house.journal.append([call(number, f"id-{number}") for number in range(1, 6)])

    def put(self, content: str | bytes, key: str = KEY, *, minutes: int = 0) -> Dropped:
        version = self.data.put(key, content.encode() if isinstance(content, str) else content)
        return Dropped(key, version, "etag", LATER + timedelta(minutes=minutes))

    def take(self, dropped: Dropped, late: Callable[[], bool] = lambda: False) -> LabelReport:
        return take_file(dropped, self.data, self.house.feedback, is_late=late)


@pytest.fixture
def place() -> Place:
    return Place()


def rows(*labels: str, begin: int = 1) -> str:
    return "event_id,label\n" + "".join(f"{event(number)},{label}\n" for number, label in enumerate(labels, begin))


def test_what_is_right_is_kept_and_the_rest_is_told_by_line(place: Place) -> None:
    content = rows("red", "green", "white") + f"{event(9)},rose\nAnn Lee,red\n{event(1)},red\n"
    report = place.take(place.put(content))
    assert (report.status, report.kept, report.repeated, report.unknown, report.faulty) == ("done", 3, 1, 1, 2)
    assert [(each.line, each.field) for each in report.faults] == [(3, "label"), (6, "event_id")]
    assert "green" not in report.model_dump_json() and "Ann" not in report.model_dump_json()
    assert {each.source for each in place.house.labels.labels} == {KEY}
    assert LabelReport.model_validate_json(place.data.read("feedback/wine/reports/truth.csv.json").content) == report


def test_the_same_event_twice_changes_nothing(place: Place) -> None:
    dropped = place.put(rows("red", "white"))
    report = place.take(dropped)
    place.house.say("rose", 1)
    written = place.data._count
    assert place.take(dropped) == report
    assert (place.house.values(), place.data._count) == (["red", "white", "rose"], written)


def test_the_same_file_put_again_doubles_nothing(place: Place) -> None:
    place.take(place.put(rows("red", "white")))
    report = place.take(place.put(rows("red", "white"), minutes=5))
    assert (report.kept, report.repeated, place.house.values()) == (0, 2, ["red", "white"])
    copy = place.take(place.put(rows("red", "white"), "feedback/wine/copy.csv", minutes=6))
    assert (copy.kept, copy.repeated) == (0, 2)


def test_two_files_of_one_second_that_say_the_same_say_it_once(place: Place) -> None:
    for name in ("a.csv", "b.csv", "c.csv"):
        place.take(place.put(rows("red", "white", "rose", "red", "white"), f"feedback/wine/{name}"))
    assert place.house.values() == ["red", "white", "rose", "red", "white"]


def test_a_file_that_says_otherwise_corrects(place: Place) -> None:
    for minutes, label in enumerate(("red", "white", "red")):
        assert place.take(place.put(rows(label), minutes=minutes)).kept == 1
    assert place.house.values() == ["red", "white", "red"]
    assert place.house.counts()[event(1), 0] == "red"


def test_a_file_counts_from_when_it_came_and_not_from_when_it_was_taken(place: Place) -> None:
    dropped = place.put(rows("red"))
    place.house.take(said(0, "white", event(1)), at=LATER + timedelta(minutes=1))
    assert place.take(dropped).kept == 1
    assert place.house.counts()[event(1), 0] == "white"


def test_of_several_lines_about_one_row_the_last_counts(place: Place) -> None:
    report = place.take(place.put(rows("red") + f"{event(1)},white\n{event(1)},rose\n{event(1)},rose\n"))
    assert (report.kept, report.repeated) == (3, 1)
    assert place.house.counts()[event(1), 0] == "rose"


@pytest.mark.parametrize("parts", [1, 2, 3])
def test_a_try_that_is_cut_off_goes_on_behind_its_last_part(
    place: Place, monkeypatch: pytest.MonkeyPatch, parts: int
) -> None:
    monkeypatch.setattr("gyre.feedback.dropped.PART_LINES", 2)
    dropped = place.put(rows("red", "green", "white", "white", "rose") + "x,red\n" + rows("white").split("\n")[1])
    late = iter([False] * parts + [True])
    with pytest.raises(Unavailable, match=f"up to line {2 * parts + 1}"):
        place.take(dropped, lambda: next(late))
    taken: list[Any] = []
    take = place.house.feedback.take

    def watched(said: Sequence[Said], sender: Sender) -> Taken:
        taken.extend(said)
        return take(said, sender)

    monkeypatch.setattr(place.house.feedback, "take", watched)
    report = place.take(dropped)
    assert min(each.at for each in taken) > 2 * parts + 1
    assert (report.status, report.kept, report.faulty, report.line) == ("done", 5, 2, 8)
    assert place.house.values() == ["red", "white", "white", "rose", "white"]


def test_a_try_that_died_between_commit_and_report_counts_its_labels_once(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    dropped = place.put(rows("red", "white") + f"{event(1)},rose\n{event(1)},red\n")

    def broken(*_: Any, **__: Any) -> None:
        raise Unavailable("S3 is down.")

    with monkeypatch.context() as down:
        down.setattr(place.data, "write", broken)
        with pytest.raises(Unavailable):
            place.take(dropped)
    kept = list(place.house.labels.labels)
    assert len(kept) == 4
    report = place.take(dropped)
    assert (report.kept, report.repeated, place.house.labels.labels) == (4, 0, kept)


def test_a_file_that_cannot_be_read_to_its_end_keeps_what_stands_before(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gyre.feedback.dropped.PART_LINES", 1)
    report = place.take(place.put(rows("red", "white") + '"never closed\n'))
    assert (report.status, report.kept) == ("refused", 2)
    assert report.reason is not None and "from line 4 on" in report.reason
    assert place.house.values() == ["red", "white"]


@pytest.mark.parametrize(
    ("key", "content", "says"),
    [
        ("feedback/wine/t.xlsx", b"PK", "unknown ending"), ("feedback/wine/t.csv", b"", "is empty"),
        ("feedback/tea/t.csv", b"id,label\na,b\n", "tea is not declared"),
    ],
)  # fmt: skip
def test_a_file_of_nothing_is_refused_in_its_report(place: Place, key: str, content: bytes, says: str) -> None:
    report = place.take(place.put(content, key))
    assert report.status == "refused" and says in str(report.reason)
    assert place.take(place.put(content, key)).status == "refused"


def test_a_file_that_is_gone_is_told(place: Place) -> None:
    report = place.take(Dropped(KEY, "v404", "etag", LATER))
    assert report.status == "refused" and "does not exist" in str(report.reason)


def test_only_so_many_faults_are_told_and_all_are_counted(place: Place) -> None:
    report = place.take(place.put(rows(*["green"] * 250)))
    assert (report.faulty, len(report.faults), report.faults[-1].line) == (250, 100, 101)


def test_other_columns_are_told(place: Place) -> None:
    report = place.take(place.put(f"event_id,label,Label,happend_at\n{event(1)},red,x,2026\n"))
    assert (report.kept, report.ignored_columns) == (1, ["Label", "happend_at"])


def test_a_report_that_is_none_of_ours_is_written_anew(place: Place) -> None:
    place.data.put("feedback/wine/reports/truth.csv.json", b"{}")
    assert place.take(place.put(rows("red"))).kept == 1


@pytest.mark.parametrize(
    ("key", "right"),
    [
        (KEY, True), ("feedback/wine/2026/11/t.csv", True), ("feedback/wine/reports/truth.csv.json", False),
        ("feedback/wine/reports/t.csv", False), ("feedback/wine/", False), ("feedback/t.csv", False),
        ("feedback/Wine/t.csv", False), ("inbox/wine/t.csv", False),
    ],
)  # fmt: skip
def test_which_keys_are_files_of_labels(key: str, right: bool) -> None:
    assert is_dropped(key) is right
