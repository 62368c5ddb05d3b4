"""The tables of datasets: all of an ingest or nothing, once, for many writers at once, and no version is ever lost."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import count, pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import DeltaTable

from gyre.aws.datasets import DeltaDatasets
from gyre.datasets.table import ROW, UPLOAD, Batches, DatasetTables
from gyre.datasets.typed import ARROW_TYPES
from gyre.errors import Conflict, Invalid, NotFound, TooLarge, Unavailable

KINDS = {name: kind for name, kind in ARROW_TYPES.items() if name != "category"}
TOLD = {name: "category or text" if name == "text" else name for name in KINDS}
VALUES: dict[str, list[Any]] = {
    "number": [1.5, None, -1e308],
    "integer": [2**63 - 1, None, -(2**63)],
    "text": ["", None, "ä\n\0'\"\\"],
    "boolean": [True, None, False],
    "time": [datetime(1, 1, 1, tzinfo=UTC), None, datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)],
}


@pytest.fixture
def tables(tmp_path: Path) -> DatasetTables:
    return DeltaDatasets(str(tmp_path / "datasets"))


def schema(**columns: pa.DataType) -> pa.Schema:
    return pa.schema([(UPLOAD, pa.string()), (ROW, pa.int64()), *columns.items()])


def batch(ingest: str, of: pa.Schema, columns: Sequence[Sequence[Any]], first: int = 1) -> pa.RecordBatch:
    rows = len(columns[0])
    numbers = range(first, first + rows)
    return pa.RecordBatch.from_arrays(
        [pa.array(each, kind) for each, kind in zip(([ingest] * rows, numbers, *columns), of.types, strict=True)],
        schema=of,
    )


def rows(ingest: str, *values: Any, name: str = "x", kind: pa.DataType | None = None) -> Callable[[], Batches]:
    """Rows of one column, each in a batch of its own."""
    of = schema(**{name: kind or pa.int64()})
    return lambda: Batches(of, (batch(ingest, of, [[value]], at) for at, value in enumerate(values, 1)))


def append(tables: DatasetTables, ingest: str, *values: Any, replace: bool = False, **column: Any) -> int:
    return tables.append("m", "processed", ingest, rows(ingest, *values, **column), replace=replace)


def held(tables: DatasetTables, version: int | None = None, name: str = "x", ingest: str | None = None) -> list[Any]:
    """The values of a version, by ingest and row."""
    found = tables.read("m", "processed", version, [UPLOAD, ROW, name], ingest)
    return list(found.sort_by([(UPLOAD, "ascending"), (ROW, "ascending")])[name].to_pylist())


# --- versions


def test_what_was_never_written_does_not_exist(tables: DatasetTables) -> None:
    assert tables.version_of("m", "processed", "a") is None
    for version in (0, 1, -1):
        with pytest.raises(NotFound):
            tables.rows("m", "processed", version)
        with pytest.raises(NotFound):
            tables.read("m", "processed", version, [ROW])
    with pytest.raises(NotFound):
        tables.read("m", "processed", None, [ROW])


def test_versions_are_counted_from_1_without_gaps(tables: DatasetTables) -> None:
    found = [append(tables, name, 1, replace=name in "cf") for name in "abcdefg"]
    assert found == [1, 2, 3, 4, 5, 6, 7]
    assert [tables.version_of("m", "processed", name) for name in "abcdefgh"] == [*found, None]


def test_a_version_outside_of_those_there_are_is_not_found(tables: DatasetTables) -> None:
    append(tables, "a", 1)
    assert tables.rows("m", "processed", 0) == 0
    for version in (2, -1, 10**9):
        with pytest.raises(NotFound) as lacking:
            tables.rows("m", "processed", version)
        assert lacking.value.field == "version"
        with pytest.raises(NotFound, match=f"version {version}"):
            tables.read("m", "processed", version, ["x"])


def test_models_and_tables_have_versions_of_their_own(tables: DatasetTables) -> None:
    assert tables.append("m", "processed", "a", rows("a", 1)) == 1
    assert tables.append("m", "raw", "a", rows("a", 1, 2)) == 1
    assert tables.append("m", "quarantine", "b", rows("b", 1)) == 1
    assert tables.append("n", "processed", "a", rows("a", 1, 2, 3)) == 1
    assert tables.version_of("m", "processed", "b") is None
    assert [tables.rows(m, t, 1) for m, t in (("m", "processed"), ("m", "raw"), ("n", "processed"))] == [1, 2, 3]  # type: ignore[arg-type]


def test_every_version_stays_as_it_was(tables: DatasetTables) -> None:
    # Given versions that append, replace, and have new columns
    append(tables, "a", 1, 2)
    append(tables, "b", 3)
    append(tables, "c", "new", name="y", kind=pa.string())
    append(tables, "d", 4, replace=True)
    append(tables, "e", 5)
    # When and then
    assert [held(tables, version) for version in range(1, 6)] == [[1, 2], [1, 2, 3], [1, 2, 3, None], [4], [4, 5]]
    assert [tables.rows("m", "processed", version) for version in range(6)] == [0, 2, 3, 4, 1, 2]
    assert held(tables) == [4, 5]
    assert held(tables, 3, "y") == [None, None, None, "new"]


def test_versions_from_before_a_checkpoint_stay_readable(tables: DatasetTables, tmp_path: Path) -> None:
    # Given a checkpoint, as Delta makes one after every hundred commits
    append(tables, "a", 1)
    append(tables, "b", 2)
    DeltaTable(str(tmp_path / "datasets/m/processed")).create_checkpoint()
    # When another ingest comes, and the first one again
    assert append(tables, "c", 3) == 3
    assert append(tables, "a", 9) == 1
    # Then
    assert [held(tables, version) for version in (1, 2, 3)] == [[1], [1, 2], [1, 2, 3]]


def test_the_table_keeps_its_log_for_ever_also_when_it_begins_anew(tables: DatasetTables, tmp_path: Path) -> None:
    append(tables, "a", 1)
    append(tables, "b", "x", kind=pa.string(), replace=True)
    metadata = DeltaTable(str(tmp_path / "datasets/m/processed")).metadata()
    assert metadata.configuration["delta.enableExpiredLogCleanup"] == "false"
    assert metadata.partition_columns == [UPLOAD]


# --- reading


def test_values_of_every_type_come_back(tables: DatasetTables) -> None:
    of = schema(**KINDS, codes=pa.list_(pa.string()))
    columns = [*VALUES.values(), [["a", "b"], None, []]]
    tables.append("m", "processed", "a", lambda: Batches(of, iter([batch("a", of, columns)])))
    found = tables.read("m", "processed", 1, [ROW, *VALUES, "codes"]).sort_by(ROW)
    assert found.to_pydict() == {ROW: [1, 2, 3], **VALUES, "codes": [["a", "b"], None, []]}
    assert [found.schema.field(name).type for name in KINDS] == list(KINDS.values())


def test_columns_come_in_the_order_in_which_they_are_asked_for(tables: DatasetTables) -> None:
    append(tables, "a", 1)
    assert tables.read("m", "processed", 1, ["x", UPLOAD]).to_pylist() == [{"x": 1, UPLOAD: "a"}]
    assert tables.read("m", "processed", 1, [ROW]).column_names == [ROW]


def test_one_ingest_is_read_alone(tables: DatasetTables) -> None:
    append(tables, "a", 1, 2)
    append(tables, "b", 3)
    assert (held(tables, 2, ingest="a"), held(tables, 2, ingest="b")) == ([1, 2], [3])
    assert held(tables, 1, ingest="b") == held(tables, 2, ingest="it's nobody") == []


def test_a_column_that_a_version_does_not_have_is_told_and_not_tried_again(tables: DatasetTables) -> None:
    append(tables, "a", 1)
    append(tables, "b", 2, name="y")
    with pytest.raises(Invalid, match="Version 1 of m has no column y") as refused:
        tables.read("m", "processed", 1, ["x", "y"])
    assert refused.value.field == "version"
    assert held(tables, 2, "y") == [None, 2]


@pytest.mark.parametrize(
    "name",
    ["a b", "a.b", "a;b", "a=b", "a,b", "a/b", "a\\b", "a%20b", "'a'", '"a"', "{a}", "(a)", "#", "ä", "日本", "1",
     "part", "_order", "a" * 128, " a"],
)  # fmt: skip
def test_any_name_can_name_a_column(tables: DatasetTables, name: str) -> None:
    append(tables, "a", 1, name=name)
    append(tables, "b", 2, name=name)
    assert held(tables, 2, name) == [1, 2]


# --- columns that change


def test_columns_may_be_added_and_left_out(tables: DatasetTables) -> None:
    append(tables, "a", 1)
    append(tables, "b", "new", name="y", kind=pa.string())
    append(tables, "c", 2)
    assert (held(tables, 3), held(tables, 3, "y")) == ([1, None, 2], [None, "new", None])


@pytest.mark.parametrize(("before", "now"), [*pairwise([*KINDS, "number"]), *pairwise([*KINDS][::-1])])
def test_a_column_keeps_its_type_and_no_value_is_bent_to_it(tables: DatasetTables, before: str, now: str) -> None:
    # Given
    append(tables, "a", VALUES[before][0], kind=KINDS[before])
    # When it comes with another type
    with pytest.raises(Invalid, match=f"'x' is of type {TOLD[now]} now, and was {TOLD[before]} before") as refused:
        append(tables, "b", *VALUES[now], kind=KINDS[now])
    # Then nothing was written
    assert refused.value.field == "columns"
    assert (tables.version_of("m", "processed", "b"), held(tables)) == (None, [VALUES[before][0]])
    # And beginning anew is possible, with the old version as it was
    assert append(tables, "b", VALUES[now][0], kind=KINDS[now], replace=True) == 2
    assert (held(tables, 1), held(tables, 2)) == ([VALUES[before][0]], [VALUES[now][0]])


def test_an_ingest_that_was_refused_binds_nobody_to_its_types(tables: DatasetTables) -> None:
    # Given a first upload that was refused, because the column was declared wrongly
    with pytest.raises(Invalid, match="all rejected"):
        tables.append("m", "processed", "a", failing(Invalid("all rejected")))
    # When it comes again under a better declaration
    assert append(tables, "b", "text", kind=pa.string()) == 1
    # Then
    assert held(tables) == ["text"]


def test_to_a_table_names_that_differ_in_capitals_are_one(tables: DatasetTables) -> None:
    append(tables, "a", 1, name="Age")
    append(tables, "b", 2, name="age")
    assert held(tables, 2, "AGE") == held(tables, 2, "Age") == [1, 2]
    assert tables.read("m", "processed", 2, ["aGe"], "b").to_pylist() == [{"aGe": 2}]
    with pytest.raises(Invalid, match="'AGE' is of type category or text"):
        append(tables, "c", "3", name="AGE", kind=pa.string())


def test_two_such_names_at_once_are_refused(tables: DatasetTables) -> None:
    of = schema(a=pa.int64(), A=pa.int64())
    with pytest.raises(Invalid, match="a, A"):
        tables.append("m", "processed", "a", lambda: Batches(of, iter([batch("a", of, [[1], [2]])])))
    assert tables.version_of("m", "processed", "a") is None


# --- once, and all or nothing


@pytest.mark.parametrize("replace", [False, True])
def test_an_ingest_is_committed_once(tables: DatasetTables, replace: bool) -> None:
    # Given
    append(tables, "a", 1)
    first = append(tables, "b", 2, replace=replace)
    append(tables, "c", 3)
    # When it is told again, with whatever rows
    assert append(tables, "b", 7, 8, 9, replace=replace) == first == 2
    assert append(tables, "b", 7, 8, 9, replace=not replace) == first
    # Then
    assert held(tables) == ([2, 3] if replace else [1, 2, 3])


def test_an_ingest_without_rows_is_a_version_too(tables: DatasetTables) -> None:
    append(tables, "a", 1)
    assert append(tables, "b") == 2
    assert append(tables, "b") == 2
    assert (held(tables, 2), append(tables, "c", replace=True), held(tables, 3)) == ([1], 3, [])


def test_a_first_ingest_without_rows_has_its_columns(tables: DatasetTables) -> None:
    assert append(tables, "a") == 1
    assert (held(tables), tables.rows("m", "processed", 1)) == ([], 0)


def test_rows_are_taken_from_the_source_as_they_are_written(tables: DatasetTables) -> None:
    # Given rows of more than one file's size, of which no two batches are ever there at once
    of, alive = schema(x=pa.int64()), list[int]()

    def batches() -> Iterator[pa.RecordBatch]:
        for at in range(40):
            alive.append(at)
            yield batch("a", of, [range(5_000)], at * 5_000)

    # When
    tables.append("m", "processed", "a", lambda: Batches(of, batches()))
    # Then
    assert (tables.rows("m", "processed", 1), alive) == (200_000, list(range(40)))


def failing(error: Exception, after: int = 2) -> Callable[[], Batches]:
    of = schema(x=pa.int64())

    def batches() -> Iterator[pa.RecordBatch]:
        for at in range(after):
            yield batch("bad", of, [[at] * 1000], at * 1000)
        raise error

    return lambda: Batches(of, batches())


ERRORS = [
    Invalid("wrong", field="x", details=[{"row": 1}]), Conflict("changed"), TooLarge("a bomb"), Unavailable("for now"),
    ValueError("v"), OSError("disk"), MemoryError(), StopIteration(), pa.ArrowInvalid("arrow"), Exception("any"),
]  # fmt: skip
CASES = [(error, 2) for error in ERRORS] + [(Invalid("at once"), 0), (KeyError("at once"), 0)]


@pytest.mark.parametrize(("error", "after"), CASES, ids=lambda each: type(each).__name__)
def test_what_the_source_raises_comes_out_and_nothing_is_committed(
    tables: DatasetTables, error: Exception, after: int
) -> None:
    # Given
    append(tables, "a", 1)
    # When
    with pytest.raises((type(error), RuntimeError)) as raised:
        tables.append("m", "processed", "bad", failing(error, after))
    # Then it is that very error (Python itself makes another of a StopIteration)
    assert raised.value is error or isinstance(error, StopIteration)
    assert (tables.version_of("m", "processed", "bad"), held(tables)) == (None, [1])
    # And the next one takes the next number
    assert append(tables, "bad", 2) == 2


def test_what_the_source_raises_before_its_first_row_comes_out_too(tables: DatasetTables) -> None:
    def source() -> Batches:
        raise Invalid("no header")

    with pytest.raises(Invalid, match="no header"):
        tables.append("m", "processed", "a", source)
    assert append(tables, "a", 1) == 1


# --- many at once


def together(number: int, work: Callable[[int], Any]) -> list[Any]:
    """All begin at the same moment."""
    barrier = threading.Barrier(number)

    def begun(at: int) -> Any:
        barrier.wait(timeout=30)
        return work(at)

    with ThreadPoolExecutor(number) as pool:
        return list(pool.map(begun, range(number)))


def meanwhile(work: Callable[[], Any]) -> None:
    """In a thread of its own, as Delta reads the source in one of its own."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(work).result(timeout=30)


@pytest.fixture
def another(tmp_path: Path) -> Callable[[], DatasetTables]:
    """Each writer has tables of its own, as each function has."""
    return lambda: DeltaDatasets(str(tmp_path / "datasets"))


@pytest.mark.parametrize("begun", [False, True])
def test_eight_writers_at_once_all_commit(
    tables: DatasetTables, another: Callable[[], DatasetTables], begun: bool
) -> None:
    # Given a table that is there, or that all of them find missing
    first = append(tables, "first", -1) if begun else 0
    # When
    found = together(8, lambda at: append(another(), f"w{at}", at, at + 100))
    # Then each has a version of its own, and no row is lost
    assert sorted(found) == list(range(first + 1, first + 9))
    assert sorted(held(tables)) == sorted([*([-1] * begun), *range(8), *range(100, 108)])
    for at, version in enumerate(found):
        assert held(tables, version, ingest=f"w{at}") == [at, at + 100]
        assert held(tables, version - 1, ingest=f"w{at}") == []
        assert tables.version_of("m", "processed", f"w{at}") == version


@pytest.mark.parametrize("replace", [False, True])
def test_eight_writers_of_the_same_ingest_commit_it_once(
    tables: DatasetTables, another: Callable[[], DatasetTables], replace: bool
) -> None:
    found = together(8, lambda at: append(another(), "same", 1, 2, replace=replace))
    assert (set(found), held(tables), append(tables, "next", 3)) == ({1}, [1, 2], 2)


def test_writers_that_append_and_writers_that_replace_come_one_after_the_other(
    tables: DatasetTables, another: Callable[[], DatasetTables]
) -> None:
    # Given
    append(tables, "first", -1)
    # When
    found = together(8, lambda at: append(another(), f"w{at}", at, replace=at % 2 == 1))
    # Then each version holds what its number says: everything since the last that replaced, and that
    assert sorted(found) == list(range(2, 10))
    by_version = {version: at for at, version in enumerate(found)}
    expected = [-1]
    for version in range(2, 10):
        at = by_version[version]
        expected = [at] if at % 2 else [*expected, at]
        assert sorted(held(tables, version)) == sorted(expected)


def test_writers_that_add_columns_at_once_add_all_of_them(
    tables: DatasetTables, another: Callable[[], DatasetTables]
) -> None:
    found = together(6, lambda at: append(another(), f"w{at}", at, name=f"c{at}"))
    assert sorted(found) == [1, 2, 3, 4, 5, 6]
    for at in range(6):
        assert [value for value in held(tables, name=f"c{at}") if value is not None] == [at]


def test_writers_that_disagree_on_a_type_cannot_both_be_right(
    tables: DatasetTables, another: Callable[[], DatasetTables]
) -> None:
    # Given
    append(tables, "first", -1)

    def write(at: int) -> int | str:
        kind, value = (pa.int64(), at) if at % 2 else (pa.string(), str(at))
        try:
            return append(another(), f"w{at}", value, name="new", kind=kind)
        except Invalid as error:
            return error.message

    # When
    found = together(6, write)
    # Then those of one type were taken, and the others told why not
    taken = [at for at, each in enumerate(found) if isinstance(each, int)]
    assert taken in ([0, 2, 4], [1, 3, 5])
    assert all("'new' is of type" in each for each in found if isinstance(each, str))
    assert sorted(v for v in held(tables, name="new") if v is not None) == [
        at if taken == [1, 3, 5] else str(at) for at in taken
    ]


def test_the_source_is_asked_again_when_another_writer_was_faster(
    tables: DatasetTables, another: Callable[[], DatasetTables]
) -> None:
    # Given a source during whose first reading another ingest is committed
    append(tables, "a", 1)
    of, calls = schema(x=pa.int64()), list[int]()

    def batches() -> Iterator[pa.RecordBatch]:
        calls.append(1)
        yield batch("mine", of, [[10]])
        if len(calls) == 1:
            meanwhile(lambda: append(another(), "faster", 2))
        yield batch("mine", of, [[11]], 2)

    # When it is to replace everything
    version = tables.append("m", "processed", "mine", lambda: Batches(of, batches()), replace=True)
    # Then it was read twice, and the rows of one reading are there
    assert (version, len(calls)) == (3, 2)
    assert (held(tables, 2), held(tables, 3)) == ([1, 2], [10, 11])


def test_a_reading_that_loses_against_the_same_ingest_changes_nothing(
    tables: DatasetTables, another: Callable[[], DatasetTables]
) -> None:
    of = schema(x=pa.int64())

    def batches() -> Iterator[pa.RecordBatch]:
        meanwhile(lambda: append(another(), "same", 1))
        yield batch("same", of, [[1]])

    assert tables.append("m", "processed", "same", lambda: Batches(of, batches())) == 1
    assert held(tables) == [1]


def test_who_is_never_fast_enough_is_told_to_come_again(
    tables: DatasetTables, another: Callable[[], DatasetTables]
) -> None:
    # Given a source during each reading of which something else is committed
    append(tables, "a", 1)
    of, names = schema(x=pa.int64()), count()

    def batches() -> Iterator[pa.RecordBatch]:
        meanwhile(lambda: append(another(), f"faster-{next(names)}", 2))
        yield batch("mine", of, [[10]])

    # When and then
    with pytest.raises(Unavailable, match="too many"):
        tables.append("m", "processed", "mine", lambda: Batches(of, batches()), replace=True)
    assert tables.version_of("m", "processed", "mine") is None
    assert append(tables, "mine", 10, replace=True) == next(names) + 2


# --- when what lies below is broken


def test_a_broken_log_is_no_missing_table(tables: DatasetTables, tmp_path: Path) -> None:
    # Given
    append(tables, "a", 1)
    (tmp_path / "datasets/m/processed/_delta_log/00000000000000000001.json").write_text("{broken")
    # When and then
    for call in (lambda: append(tables, "b", 2), lambda: held(tables), lambda: tables.rows("m", "processed", 1)):
        with pytest.raises(Unavailable):
            call()


def test_rows_that_are_gone_are_unavailable(tables: DatasetTables, tmp_path: Path) -> None:
    # Given
    append(tables, "a", 1)
    for each in (tmp_path / "datasets/m/processed").rglob("*.parquet"):
        each.unlink()
    # When and then
    with pytest.raises(Unavailable, match="Version 1 of m cannot be read"):
        held(tables, 1)
