"""A dataset version is divided once and for all, and its parts are read back as they were divided."""

import hashlib
import io
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from gyre.datasets.kept_split import KeptSplit, splits_of
from gyre.datasets.split import PARTS
from gyre.datasets.splitting import read_part, seen, split_version
from gyre.datasets.table import ROW, UPLOAD
from gyre.errors import Invalid, NotFound, Unavailable
from gyre.objects import Written
from gyre.spec.versions import SpecVersion
from tests.unit.datasets.taking import Lake

COLUMNS: dict[str, Any] = {
    "id": {"type": "integer"},
    "x": {"type": "integer"},
    "at": {"type": "time"},
    "who": {"type": "category"},
    "y": {"type": "category"},
}


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path)


def declare(lake: Lake, **changes: Any) -> SpecVersion:
    return lake.declare(columns=COLUMNS, quality={"duplicates": "keep"}, **changes)


def take(lake: Lake, rows: Sequence[Sequence[object]], spec: SpecVersion | None = None, run: str = "run-1") -> int:
    """Takes rows of id, x, at, who and y in."""
    lines = ["id,x,at,who,y", *(",".join(map(str, row)) for row in rows)]
    return lake.take(lake.put("\n".join(lines) + "\n", f"{run}.csv"), spec or declare(lake), run=run).version


def plain(count: int, first: int = 0) -> list[tuple[object, ...]]:
    """Rows of which each id occurs once, half of them of each class."""
    return [(n, n, "2026-01-01", f"w{n}", "ab"[n % 2]) for n in range(first, first + count)]


def split(lake: Lake, version: int, spec: SpecVersion | None = None) -> KeptSplit:
    return split_version(version, spec or declare(lake), lake.data, lake.tables)


def part(lake: Lake, found: KeptSplit, name: str, *columns: str) -> list[Any]:
    """One column's values, or tuples of several."""
    rows = [tuple(row.values()) for row in read_part(found, name, columns, lake.data, lake.tables).to_pylist()]
    return [row[0] for row in rows] if len(columns) == 1 else rows


def all_parts(lake: Lake, found: KeptSplit, *columns: str) -> dict[str, list[Any]]:
    return {name: part(lake, found, name, *columns) for name in PARTS}


# --- divided


def test_parts_are_disjoint_and_complete_and_in_the_order_in_which_rows_came(lake: Lake) -> None:
    # Given three uploads, whose names in the table are in no order
    for at in range(3):
        version = take(lake, plain(100, at * 100), run=f"run-{at}")
    # When
    found = split(lake, version)
    parts = all_parts(lake, found, "x")
    # Then
    assert sorted(x for each in parts.values() for x in each) == list(range(300))
    assert all(each == sorted(each) for each in parts.values())
    assert (
        {name: len(each) for name, each in parts.items()} == found.rows == {"train": 210, "test": 60, "reference": 30}
    )
    assert (found.model, found.dataset, found.left_out, found.by, found.seed) == ("m", 3, 0, "stratified", 7)


def test_each_class_has_its_share_of_each_part(lake: Lake) -> None:
    found = split(lake, take(lake, plain(200)))
    assert {name: Counter(each) for name, each in all_parts(lake, found, "y").items()} == {
        "train": {"a": 70, "b": 70}, "test": {"a": 20, "b": 20}, "reference": {"a": 10, "b": 10},
    }  # fmt: skip


def test_the_content_is_the_one_that_its_digest_names(lake: Lake) -> None:
    found = split(lake, take(lake, plain(50)))
    content = lake.data.read(found.key).content
    assert hashlib.sha256(content).hexdigest() == found.sha256
    assigned = pq.read_table(io.BytesIO(content))
    assert assigned.column_names == [UPLOAD, ROW, "part"]
    assert assigned[ROW].to_pylist() == list(range(1, 51))
    assert Counter(assigned["part"].to_pylist()) == {at: found.rows[name] for at, name in enumerate(PARTS)}


def test_the_same_version_and_spec_give_the_same_split_wherever_they_meet(tmp_path: Path) -> None:
    # Given two deployments that took in the same files
    found = []
    for name in ("one", "other"):
        lake = Lake(tmp_path / name)
        take(lake, plain(100), run="run-1")
        take(lake, plain(50, 70), run="run-2")
        # When
        found.append(split(lake, 2))
    # Then
    assert found[0] == found[1]


def test_a_version_that_is_split_already_is_not_split_again(lake: Lake) -> None:
    first = split(lake, take(lake, plain(50)))
    before = [each.key for each in lake.data.list("")]
    # When it is asked for again, also under a spec that differs in nothing that matters
    assert split(lake, 1) == first
    assert split(lake, 1, declare(lake, description="other")) == first
    # Then nothing is written, nor read from the tables
    assert split_version(1, declare(lake), lake.data, None) == first  # type: ignore[arg-type]
    assert [each.key for each in lake.data.list("datasets/")] == [key for key in before if key.startswith("datasets/")]


def test_another_split_of_the_same_version_stands_beside_the_first(lake: Lake) -> None:
    take(lake, plain(100))
    found = [
        split(lake, 1, declare(lake, split=each))
        for each in ({"seed": 1}, {"seed": 2}, {"test": 0.5}, {"by": "random"})
    ]
    assert len({each.key for each in found}) == len({each.sha256 for each in found}) == 4
    assert sorted(splits_of("m", 1, lake.data), key=str) == sorted(found, key=str)
    assert all_parts(lake, found[0], "x") != all_parts(lake, found[1], "x")


def test_an_old_version_is_split_as_it_was(lake: Lake) -> None:
    take(lake, plain(50))
    take(lake, plain(50, 50), run="run-2")
    assert sum(split(lake, 1).rows.values()) == 50
    assert {x for each in all_parts(lake, split(lake, 1), "x").values() for x in each} == set(range(50))


def test_a_version_that_replaces_is_split_alone(lake: Lake) -> None:
    spec = declare(lake, dataset={"mode": "replace"})
    take(lake, plain(50), spec)
    take(lake, plain(60, 100), spec, run="run-2")
    assert sum(split(lake, 2, spec).rows.values()) == 60
    assert sum(split(lake, 1, spec).rows.values()) == 50


# --- rows that belong to no part


def test_rows_without_a_target_are_left_out(lake: Lake) -> None:
    rows = [(*row[:4], "" if row[0] in (3, 17, 40) else row[4]) for row in plain(60)]
    found = split(lake, take(lake, rows))
    assert (sum(found.rows.values()), found.left_out) == (57, 3)
    assert not {3, 17, 40} & {x for each in all_parts(lake, found, "x").values() for x in each}


def test_without_any_target_there_is_no_split(lake: Lake) -> None:
    take(lake, [(*row[:4], "") for row in plain(20)])
    with pytest.raises(Invalid, match="No row has a value of the target 'y'"):
        split(lake, 1)
    assert splits_of("m", 1, lake.data) == []


def test_of_rows_with_the_same_id_the_newest_counts(lake: Lake) -> None:
    # Given ids that come again in later uploads, and twice in one
    spec = declare(lake, id="id")
    take(lake, plain(100), spec, run="run-1")
    take(lake, [(n, 1000 + n, "2020-01-01", "w", "ab"[n % 2]) for n in range(50, 150)], spec, run="run-2")
    take(lake, [(7, 2007, "2020-01-01", "w", "a"), (7, 3007, "2020-01-01", "w", "b")], spec, run="run-3")
    # When
    found = split(lake, 3, spec)
    # Then each id is there once, with its last row
    values = dict(row for each in all_parts(lake, found, "id", "x").values() for row in each)
    assert values == {n: 3007 if n == 7 else n if n < 50 else 1000 + n for n in range(150)}
    assert (sum(found.rows.values()), found.left_out) == (150, 52)


def test_a_newer_row_without_a_target_still_replaces_the_older_one(lake: Lake) -> None:
    spec = declare(lake, id="id")
    take(lake, plain(60), spec)
    take(lake, [(5, 5, "2026-01-01", "w", "")], spec, run="run-2")
    found = split(lake, 2, spec)
    assert 5 not in {x for each in all_parts(lake, found, "id").values() for x in each}
    assert (sum(found.rows.values()), found.left_out) == (59, 2)


def test_rows_without_an_id_stand_for_themselves(lake: Lake) -> None:
    spec = declare(lake, id="id")
    take(lake, [("", *row[1:]) for row in plain(40)], spec)
    assert sum(split(lake, 1, spec).rows.values()) == 40


def test_an_ingest_without_a_record_has_its_place_all_the_same(lake: Lake) -> None:
    # Given a second upload whose run was ended right before its record
    spec = declare(lake, id="id")
    take(lake, plain(40), spec)

    class Ended:
        def rows(self, *_: object) -> int:
            raise Unavailable("ended")

        def __getattr__(self, name: str) -> Any:
            return getattr(lake.tables, name)

    lines = "id,x,at,who,y\n" + "".join(f"{n},{n + 1000},2020-01-01,w,{'ab'[n % 2]}\n" for n in range(40))
    with pytest.raises(Unavailable):
        lake.take(lake.put(lines, "b.csv"), spec, run="run-2", tables=Ended())  # type: ignore[arg-type]
    version = take(lake, plain(10, 40), spec, run="run-3")
    # When
    found = split(lake, version, spec)
    # Then its rows are newer than those of the first
    values = sorted(x for each in all_parts(lake, found, "x").values() for x in each)
    assert values == [*range(40, 50), *range(1000, 1040)]
    # And so they are after it was taken up again
    lake.take(lake.put(lines, "c.csv"), spec, run="run-4")
    again = split(lake, version, declare(lake, id="id", split={"seed": 8}))
    assert sorted(x for each in all_parts(lake, again, "x").values() for x in each) == values


# --- by time and by group


def test_by_time_the_newest_are_judged_on_and_those_before_them_the_reference(lake: Lake) -> None:
    # Given rows in no order of time, some of which tell none
    spec = declare(lake, time="at", split={"by": "time", "test": 0.2, "reference": 0.1})
    mixed = [(n, n * 37 % 100) for n in range(100)]
    rows = [(n, x, 1_700_000_000 + x, "w", "ab"[n % 2]) for n, x in mixed] + [
        (n, n, "", "w", "a") for n in range(200, 205)
    ]
    # When
    parts = all_parts(lake, split(lake, take(lake, rows, spec), spec), "x")
    # Then
    assert (min(parts["test"]), max(parts["test"])) == (79, 99)
    assert (min(parts["reference"]), max(parts["reference"])) == (68, 78)
    assert set(parts["train"]) == {*range(68), *range(200, 205)}


def test_a_group_is_never_in_two_parts_also_across_uploads(lake: Lake) -> None:
    spec = declare(lake, group="who", split={"by": "random"})
    for run in range(2):
        take(
            lake,
            [(n, n, "", f"w{n % 30}", "ab"[n // 2 % 2]) for n in range(run * 150, run * 150 + 150)],
            spec,
            f"run-{run}",
        )
    found = all_parts(lake, split(lake, 2, spec), "who")
    assert not set(found["train"]) & set(found["test"]) | set(found["test"]) & set(found["reference"])
    assert sum(len(each) for each in found.values()) == 300


# --- read back


def test_columns_come_as_they_are_asked_for(lake: Lake) -> None:
    found = split(lake, take(lake, plain(40)))
    rows = read_part(found, "train", ["y", "x"], lake.data, lake.tables)
    assert rows.schema.equals(pa.schema([("y", pa.string()), ("x", pa.int64())]))
    assert all(y == "ab"[x % 2] for y, x in zip(rows["y"].to_pylist(), rows["x"].to_pylist(), strict=True))


@pytest.mark.parametrize("name", ["_order", "part", "order", "a.b", "Ä"])
def test_columns_may_have_any_name(lake: Lake, name: str) -> None:
    spec = lake.declare(columns={name: {"type": "integer"}, "y": {"type": "boolean"}}, quality={"duplicates": "keep"})
    lake.take(lake.put(f"{name},y\n" + "".join(f"{n},{n % 2}\n" for n in range(40))), spec)
    found = split(lake, 1, spec)
    assert sorted(n for each in all_parts(lake, found, name).values() for n in each) == list(range(40))


def test_a_part_is_that_of_its_version_whatever_came_later(lake: Lake) -> None:
    found = split(lake, take(lake, plain(40)))
    before = all_parts(lake, found, "x")
    take(lake, plain(40, 40), declare(lake, dataset={"mode": "replace"}), run="run-2")
    assert all_parts(lake, found, "x") == before


def test_a_reference_of_nothing_is_an_empty_part(lake: Lake) -> None:
    spec = declare(lake, split={"reference": 0})
    found = split(lake, take(lake, plain(40), spec), spec)
    assert (found.rows["reference"], part(lake, found, "reference", "x")) == (0, [])


# --- what is not there, and who was faster


def test_a_version_that_does_not_exist_is_not_found(lake: Lake) -> None:
    with pytest.raises(NotFound):
        split(lake, 1)
    take(lake, plain(40))
    with pytest.raises(NotFound):
        split(lake, 2)


def test_a_version_from_before_a_column_was_declared_cannot_be_split_by_it(lake: Lake) -> None:
    take(lake, plain(40))
    spec = lake.declare(columns=COLUMNS | {"new": {"type": "category"}}, group="new")
    with pytest.raises(Invalid, match="Version 1 of m has no column new"):
        split(lake, 1, spec)


@pytest.mark.parametrize("ending", [".parquet", ".json"])
def test_two_runs_that_split_at_once_agree(lake: Lake, ending: str) -> None:
    # Given a run that is overtaken right before it writes the parts, or the record
    take(lake, plain(60))
    other: list[KeptSplit] = []
    mine = lake.data.write

    def overtaken(key: str, content: bytes, **how: Any) -> Written:
        if key.endswith(ending) and not other:
            lake.data.write = mine  # type: ignore[method-assign]
            other.append(split(lake, 1))
        return mine(key, content, **how)

    lake.data.write = overtaken  # type: ignore[method-assign]
    # When
    found = split(lake, 1)
    # Then
    assert other == [found] == splits_of("m", 1, lake.data)
    assert hashlib.sha256(lake.data.read(found.key).content).hexdigest() == found.sha256


def test_a_run_that_was_ended_between_parts_and_record_is_made_up_for(lake: Lake) -> None:
    # Given
    take(lake, plain(60))
    mine = lake.data.write

    def ended(key: str, content: bytes, **how: Any) -> Written:
        if key.endswith(".json"):
            raise Unavailable("ended")
        return mine(key, content, **how)

    lake.data.write = ended  # type: ignore[method-assign]
    with pytest.raises(Unavailable):
        split(lake, 1)
    assert splits_of("m", 1, lake.data) == []
    # When
    lake.data.write = mine  # type: ignore[method-assign]
    found = split(lake, 1)
    # Then
    assert splits_of("m", 1, lake.data) == [found]


# --- what another split trained on ------------------------------------------------------------------------------------


def known(lake: Lake, found: KeptSplit, name: str, trained: KeptSplit, spec: SpecVersion | None = None) -> list[int]:
    """The rows of a part that were seen, by their x."""
    mask = seen(found, name, trained, (spec or declare(lake)).spec, lake.data, lake.tables)
    assert mask.dtype == bool
    return [x for x, was in zip(part(lake, found, name, "x"), mask, strict=True) if was]


def test_a_split_has_seen_its_train_part_and_no_other(lake: Lake) -> None:
    found = split(lake, take(lake, plain(100)))
    assert {name: len(known(lake, found, name, found)) for name in PARTS} == {"train": 70, "test": 0, "reference": 0}


def test_rows_are_known_again_in_a_later_version(lake: Lake) -> None:
    # Given two uploads, and rows that have no id
    first = split(lake, take(lake, plain(100)))
    learned = set(part(lake, first, "train", "x"))
    second = split(lake, take(lake, plain(100, 100), run="run-2"))
    for name in PARTS:
        # Then those of the first upload that were trained on are known, wherever they are now
        assert known(lake, second, name, first) == [x for x in part(lake, second, name, "x") if x in learned]
    assert {x for name in PARTS for x in known(lake, second, name, first)} == learned
    # And the other way round
    later = set(part(lake, second, "train", "x"))
    assert known(lake, first, "test", second) == [x for x in part(lake, first, "test", "x") if x in later]


def test_a_row_that_came_again_is_known_again_and_stands_where_the_first_one_does(lake: Lake) -> None:
    # Given rows of an upload that come again in the next one, and no id that would say so
    first = split(lake, take(lake, plain(60)))
    learned = set(part(lake, first, "train", "x"))
    second = split(lake, take(lake, [*plain(40), *plain(30, 100)], run="run-2"))
    # Then no case is on both sides, and what the first one learned is known wherever it is
    sides = {name: part(lake, second, name, "x") for name in PARTS}
    assert sum(map(len, sides.values())) == 130
    assert not set(sides["train"]) & set(sides["test"]) and not set(sides["train"]) & set(sides["reference"])
    for name in PARTS:
        assert known(lake, second, name, first) == [x for x in sides[name] if x in learned]


def test_in_a_replaced_table_the_same_row_is_known(lake: Lake) -> None:
    spec = declare(lake, dataset={"mode": "replace"})
    first = split(lake, take(lake, plain(60), spec), spec)
    learned = set(part(lake, first, "train", "x"))
    second = split(lake, take(lake, plain(90), spec, run="run-2"), spec)
    found = {x for name in PARTS for x in known(lake, second, name, first, spec)}
    assert found == learned


@pytest.mark.parametrize("named", ["group", "id"])
def test_who_knows_one_row_of_a_case_knows_all_of_it(lake: Lake, named: str) -> None:
    # Given rows of the same people in two uploads, with other values
    spec = declare(lake, **{named: "who"})
    first = split(lake, take(lake, plain(60), spec), spec)
    people = set(part(lake, first, "train", "who"))
    later = [(n + 1000, n + 1000, "2026-02-01", who, y) for n, _, _, who, y in plain(60)]
    second = split(lake, take(lake, later, spec, run="run-2"), spec)
    for name in PARTS:
        rows = part(lake, second, name, "x", "who")
        assert known(lake, second, name, first, spec) == [x for x, who in rows if who in people]


def test_where_few_values_make_all_rows_alike_they_are_several_cases(lake: Lake) -> None:
    rows = [(1, n % 2, "2026-01-01", "w", "ab"[n % 2]) for n in range(200)]
    first = split(lake, take(lake, rows))
    assert dict(first.rows) == {"train": 140, "test": 40, "reference": 20}
    assert set(part(lake, first, "test", "x")) == {0, 1} == set(part(lake, first, "train", "x"))
    assert known(lake, first, "test", first) == []


def test_rows_that_are_gone_from_the_table_are_not_asked_about(lake: Lake) -> None:
    """Somebody may have been erased since: the parts still name the row."""
    found = split(lake, take(lake, plain(60)))
    whole = lake.tables.read

    def without(*args: Any, **named: Any) -> pa.Table:
        rows = whole(*args, **named)
        return rows.filter(pc.greater(rows[ROW], 10))

    lake.tables.read = without  # type: ignore[method-assign]
    left = part(lake, found, "test", "x")
    assert len(left) < found.rows["test"]
    assert len(seen(found, "test", found, declare(lake).spec, lake.data, lake.tables)) == len(left)


def test_of_a_version_that_replaced_the_former_nothing_was_seen(lake: Lake) -> None:
    spec = declare(lake, dataset={"mode": "replace"})
    first = split(lake, take(lake, plain(60), spec), spec)
    second = split(lake, take(lake, plain(60, 100), spec, run="run-2"), spec)
    assert [known(lake, second, name, first) for name in PARTS] == [[], [], []]


def test_another_split_of_the_same_rows_has_seen_others(lake: Lake) -> None:
    take(lake, plain(200))
    one, other = (split(lake, 1, declare(lake, split={"seed": seed})) for seed in (1, 2))
    learned = set(part(lake, one, "train", "x"))
    found = known(lake, other, "test", one)
    assert found == [x for x in part(lake, other, "test", "x") if x in learned]
    assert 0 < len(found) < other.rows["test"]


def test_an_empty_part_has_seen_nothing(lake: Lake) -> None:
    spec = declare(lake, split={"reference": 0})
    found = split(lake, take(lake, plain(50), spec), spec)
    assert len(seen(found, "reference", found, spec.spec, lake.data, lake.tables)) == 0
