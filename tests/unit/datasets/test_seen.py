"""What was seen before is told as a set of all earlier values would tell it, however the values come in chunks."""

import time
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gyre.datasets.seen import Seen, hashes_of

quick = settings(max_examples=100, deadline=None)
few = st.integers(0, 40) | st.sampled_from([2**63, 2**64 - 1, 2**32])


def told_by_a_set(chunks: list[list[Any]]) -> list[list[bool]]:
    seen: set[Any] = set()
    return [[value in seen or bool(seen.add(value)) for value in chunk] for chunk in chunks]


def told_by_seen(chunks: list[list[int]]) -> list[list[bool]]:
    seen = Seen()
    return [seen.repeated(np.array(chunk, dtype=np.uint64)).tolist() for chunk in chunks]


def repeated(*columns: pa.Array) -> list[bool]:
    """Which rows repeat an earlier one."""
    return Seen().repeated(hashes_of(list(columns))).tolist()


def words(*values: str | None) -> pa.Array:
    return pa.array(values, pa.string())


@quick
@given(st.lists(st.lists(few, max_size=20), max_size=12))
def test_it_tells_what_a_set_tells(chunks: list[list[int]]) -> None:
    assert told_by_seen(chunks) == told_by_a_set(chunks)


def test_it_tells_what_a_set_tells_of_many_chunks_of_very_different_sizes() -> None:
    # Given chunks of one value and of thousands, so that its runs are merged in every way
    random = np.random.default_rng(7)
    sizes = [0, 1, 1, 1, 3000, 1, 0, 2, 5, 1500, 1500, 1, 800, 400, 200, 100, 50, 25, 12, 6, 3, 2, 1, 4000]
    chunks = [random.integers(0, 12_000, size).tolist() for size in sizes]
    # When and then
    assert told_by_seen(chunks) == told_by_a_set(chunks)


def test_the_first_of_equal_values_in_one_chunk_is_the_one_that_is_new() -> None:
    assert told_by_seen([[5, 5, 5], [5]]) == [[False, True, True], [True]]


def test_it_is_fast_enough_and_keeps_few_runs() -> None:
    # Given two million values that are all different, in chunks as files have them
    seen, random = Seen(), np.random.default_rng(1)
    chunks = [random.permutation(2**16).astype(np.uint64) + np.uint64(at << 16) for at in range(32)]
    # When
    began = time.process_time()
    found = sum(int(seen.repeated(chunk).sum()) for chunk in chunks)
    # Then it takes a fraction of what reading them took: half a microsecond a value is usual here
    assert found == 0
    assert time.process_time() - began < 10
    assert seen.repeated(chunks[0]).all()
    assert not seen.repeated(np.array([32 << 16], dtype=np.uint64)).any()


# --- rows


rows = st.lists(st.tuples(*[st.none() | st.sampled_from(["", "a", "b", "ab", "\0", "é", "e\u0301"])] * 3), max_size=30)


@quick
@given(rows)
def test_rows_are_equal_if_each_cell_is_missing_values_included(table: list[tuple[str | None, ...]]) -> None:
    columns = [words(*(row[at] for row in table)) for at in range(3)]
    assert repeated(*columns) == told_by_a_set([table])[0]


@quick
@given(rows, st.integers(0, 30))
def test_however_rows_are_cut_their_hashes_are_the_same(table: list[tuple[str | None, ...]], cut: int) -> None:
    columns = [words(*(row[at] for row in table)) for at in range(3)]
    apart = [hashes_of([each.slice(0, cut) for each in columns]), hashes_of([each.slice(cut) for each in columns])]
    assert np.concatenate(apart).tolist() == hashes_of(columns).tolist()


def test_columns_are_not_run_together() -> None:
    assert repeated(words("ab", "a", "abc", ""), words("c", "bc", "", "abc")) == [False] * 4


def test_the_order_of_columns_counts() -> None:
    assert repeated(words("a", "b", None, "a"), words("b", "a", "a", None)) == [False] * 4


def test_missing_is_no_empty_text_and_no_word_for_it() -> None:
    assert repeated(words(None, "", "None", "nan", "NaN", None)) == [False, False, False, False, False, True]


@pytest.mark.parametrize(
    "values",
    [
        pa.array([1.5, 2.5, None, 1.5, None], pa.float64()),
        pa.array([2**62, 2**62 + 1, None, 2**62, None], pa.int64()),
        pa.array([True, False, None, True, None], pa.bool_()),
        pa.array(
            [
                datetime(1, 1, 1, tzinfo=UTC),
                datetime(9999, 12, 31, tzinfo=UTC),
                None,
                datetime(1, 1, 1, tzinfo=UTC),
                None,
            ],
            pa.timestamp("us", tz="UTC"),
        ),
    ],
    ids=["number", "integer", "boolean", "time"],
)
def test_values_of_every_type_are_told_apart(values: pa.Array) -> None:
    assert repeated(values) == [False, False, False, True, True]


@pytest.mark.parametrize("kind", [pa.string(), pa.float64(), pa.int64(), pa.bool_(), pa.timestamp("us", tz="UTC")])
def test_columns_without_rows_or_without_values_are_hashed_too(kind: pa.DataType) -> None:
    assert hashes_of([pa.array([], kind)]).tolist() == []
    assert repeated(pa.nulls(3, kind)) == [False, True, True]
    assert Seen().repeated(hashes_of([pa.array([], kind)])).tolist() == []


def test_different_rows_have_as_many_hashes() -> None:
    values = pa.array(np.arange(400)).cast(pa.string())
    pairs = [values.take(pa.array(each)) for each in (np.repeat(np.arange(400), 400), np.tile(np.arange(400), 400))]
    assert len(np.unique(hashes_of(pairs))) == 160_000
