"""Parts of a window: every row is in exactly one, in the order of time."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gyre.monitoring.analysis.parts import Part, chunker, parts

START = np.datetime64("2026-01-01T00:00:00", "us")


def moments(*minutes: float) -> np.ndarray:
    return START + (np.array(minutes) * 60e6).astype("m8[us]")


def at(minutes: float) -> datetime:
    return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)


@given(
    st.lists(st.integers(0, 10_000), max_size=60).map(sorted), st.integers(1, 30), st.sampled_from(["count", "time"])
)
def test_every_row_is_in_exactly_one_part(minutes: list[int], count: int, by: str) -> None:
    # when
    found = parts(moments(*minutes), count, by)

    # then
    rows = [row for part in found for row in range(part.first, part.last)]
    assert rows == list(range(len(minutes)))
    assert len(found) <= count
    for one, next_one in pairwise(found):
        assert one.last == next_one.first and one.end <= next_one.start
    for part in found:
        assert all(part.start <= at(minutes[row]) <= part.end for row in range(part.first, part.last))


def test_by_count_the_parts_are_as_large_as_can_be_and_none_is_empty() -> None:
    # when
    found = parts(moments(*range(11)), 4, "count")

    # then
    assert [len(part) for part in found] == [2, 3, 3, 3]
    assert (found[0].start, found[0].end) == (at(0), at(1))
    assert [len(part) for part in parts(moments(1, 2, 3), 5, "count")] == [1, 1, 1]


def test_by_time_the_parts_are_as_long_as_each_other_and_a_quiet_night_is_an_empty_one() -> None:
    # when
    found = parts(moments(0, 1, 2, 90, 91, 100), 4, "time")

    # then
    assert [len(part) for part in found] == [3, 0, 0, 3]
    assert [(part.start, part.end) for part in found] == [
        (at(0), at(25)), (at(25), at(50)), (at(50), at(75)), (at(75), at(100)),
    ]  # fmt: skip


@pytest.mark.parametrize(("by", "sizes"), [("count", [2, 2]), ("time", [4])])
def test_rows_of_one_moment_have_no_course_over_time(by: str, sizes: list[int]) -> None:
    assert [len(part) for part in parts(moments(7, 7, 7, 7), 2, by)] == sizes


def test_no_rows_are_no_parts() -> None:
    assert parts(moments(), 5, "count") == parts(moments(), 5, "time") == ()


def test_nannyml_gets_the_whole_first_and_then_each_part_that_has_rows() -> None:
    # given
    cuts = (Part(0, 2, at(0), at(1)), Part(2, 2, at(1), at(2)), Part(2, 5, at(2), at(3)))

    # when
    chunks = chunker(cuts).split(pd.DataFrame({"value": [10, 11, 12, 13, 14]}))

    # then
    assert [chunk.data["value"].tolist() for chunk in chunks] == [[10, 11, 12, 13, 14], [10, 11], [12, 13, 14]]
    assert [chunk.chunk_index for chunk in chunks] == [0, 1, 2]
    assert [chunk.key for chunk in chunks] == ["whole", "[0:1]", "[2:4]"]
