"""However the rows of a file are cut into batches, the profile of its columns is the same, and it is right."""

import json
import math
import statistics
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gyre.datasets.column_profile import MOST_BARS, MOST_DISTINCT, MOST_SAMPLED, Profiler
from gyre.datasets.report import ColumnProfile
from gyre.spec.model import ModelSpec

SPEC = ModelSpec.model_validate(
    {
        "model": "m",
        "task": "binary",
        "target": "truth",
        "columns": {
            "number": {"type": "number"},
            "integer": {"type": "integer"},
            "category": {"type": "category"},
            "text": {"type": "text"},
            "truth": {"type": "boolean"},
            "time": {"type": "time"},
            "person": {"type": "number", "personal": True},
            "name": {"type": "category", "personal": True},
        },
        "derived": {
            "size": {"bin": "number", "edges": [1, 2]},
            "share": {"ratio": ["number", "integer"]},
            "told": {"formula": "person * 2", "feature": False},
        },
    }
)
TYPES = {
    "number": pa.float64(), "integer": pa.int64(), "category": pa.string(), "text": pa.string(), "truth": pa.bool_(),
    "time": pa.timestamp("us", "UTC"), "person": pa.float64(), "name": pa.string(), "size": pa.string(),
    "share": pa.float64(), "told": pa.float64(),
}  # fmt: skip

rows = st.fixed_dictionaries(
    {
        "number": st.none() | st.floats(-1e9, 1e9) | st.just(math.nan),
        "integer": st.none() | st.integers(-(2**62), 2**62),
        "category": st.none() | st.text("ab", max_size=3),
        "text": st.none() | st.text(max_size=100),
        "truth": st.none() | st.booleans(),
        "time": st.none() | st.datetimes(timezones=st.just(UTC)),
    }
)


def batch_of(rows: list[dict[str, Any]]) -> pa.RecordBatch:
    names = list(rows[0]) if rows else ["number", "integer", "category", "text", "truth", "time"]
    return pa.record_batch(
        [pa.array([row[name] for row in rows], TYPES[name]) for name in names],
        schema=pa.schema([(n, TYPES[n]) for n in names]),
    )


def profile_of(*batches: pa.RecordBatch) -> dict[str, ColumnProfile]:
    profiler = Profiler(SPEC)
    for batch in batches:
        profiler.add(batch)
    return {column.name: column for column in profiler.columns()}


def digits(profile: ColumnProfile) -> float:
    """What the order of a sum may change, beside the largest value that is summed up."""
    ends = [abs(end) for end in (profile.minimum, profile.maximum) if isinstance(end, float | int)]
    return max(ends, default=0) * 1e-9 + 1e-150  # squares of less are nothing


def bars_of(found: ColumnProfile) -> list[tuple[str, int]]:
    """With a plain hyphen: in source code the dash between two ends looks the same."""
    return [(bar.label.replace("\u2013", "-"), bar.count) for bar in found.bars]


def column(name: str, values: Any, batch: int = 4_096) -> ColumnProfile:
    array = pa.array(values, TYPES[name])
    parts = [array.slice(at, batch) for at in range(0, len(array), batch)]
    return profile_of(*(pa.record_batch({name: part}) for part in parts))[name]


@given(st.lists(rows, max_size=30), st.lists(st.integers(0, 30), max_size=5))
def test_the_cut_into_batches_makes_no_difference(rows: list[dict[str, Any]], cuts: list[int]) -> None:
    # given a table, whole and in pieces of which some may be empty
    bounds = [0, *sorted(min(cut, len(rows)) for cut in cuts), len(rows)]
    whole = profile_of(batch_of(rows))
    pieces = profile_of(*(batch_of(rows[a:b]) for a, b in pairwise(bounds)))
    # then all is equal but the last digits of what is summed up
    for name, found in pieces.items():
        wanted, exact = asdict(whole[name]), asdict(found)
        for figure in ("mean", "deviation"):
            summed, right = exact.pop(figure), wanted.pop(figure)
            assert summed == right or summed == pytest.approx(right, rel=1e-9, abs=digits(whole[name]))
        assert exact == wanted


@given(st.lists(rows, min_size=1, max_size=30))
def test_the_figures_are_those_of_the_values(rows: list[dict[str, Any]]) -> None:
    found = profile_of(batch_of(rows))
    for name, profile in found.items():
        present = [row[name] for row in rows if row[name] is not None and row[name] == row[name]]
        assert (profile.count, profile.missing) == (len(rows), len(rows) - len(present))
        assert profile.distinct == len(set(present)) and not profile.distinct_is_least
        assert sum(bar.count for bar in profile.bars) == len(present)
        assert len(profile.bars) <= MOST_BARS
        if name in ("number", "integer") and present:
            assert (profile.minimum, profile.maximum) == (min(present), max(present))
            near = digits(profile)
            assert profile.mean == pytest.approx(statistics.fmean(present), abs=near)
            if len(present) > 1:
                assert profile.deviation == pytest.approx(statistics.stdev(map(float, present)), abs=near)
            assert profile.quartiles == pytest.approx(
                np.quantile(np.array(present, float), (0.25, 0.5, 0.75)), abs=near
            )
    json.dumps([asdict(profile) for profile in found.values()], allow_nan=False)


@given(st.lists(st.floats(), min_size=1, max_size=40))
def test_every_float_makes_a_profile_that_json_can_hold(values: list[float]) -> None:
    found = column("number", values, batch=7)
    json.dumps(asdict(found), allow_nan=False)
    assert sum(bar.count for bar in found.bars) == sum(map(math.isfinite, values))


@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=30))
def test_every_integer_and_every_time_has_its_bar(values: list[int]) -> None:
    for name in ("integer", "time"):
        found = column(name, pa.array(values).cast(TYPES[name]))
        assert sum(bar.count for bar in found.bars) == len(values) and len(found.bars) <= MOST_BARS
        assert len({bar.label for bar in found.bars}) == len(found.bars)


def test_a_sample_stands_for_all_values() -> None:
    # given far more values than are sampled
    values = np.random.default_rng(3).normal(100, 15, 200_000)
    found = column("number", values)
    # then the quartiles are near, and the bars sum up to all of them
    assert found.quartiles == pytest.approx((89.9, 100, 110.1), abs=1)
    assert sum(bar.count for bar in found.bars) == 200_000
    assert (found.minimum, found.maximum) == (values.min(), values.max())
    assert found.distinct == MOST_DISTINCT and found.distinct_is_least


def test_the_sample_and_the_distinct_values_stop_growing() -> None:
    profiler = Profiler(SPEC)
    for at in range(0, 60_000, 5_000):
        numbers = [float(n) for n in range(at, at + 5_000)]
        profiler.add(pa.record_batch({"number": numbers, "category": [f"{'long' * 100}{n}" for n in numbers]}))
    number, category = profiler._columns["number"], profiler._columns["category"]
    assert len(number._sample.values) == MOST_SAMPLED and number._distinct._values is None
    assert len(category._distinct._values) == MOST_DISTINCT and category._distinct._values.nbytes < MOST_DISTINCT * 90


def test_a_large_offset_costs_no_digits() -> None:
    # given values whose squares differ in digits that a float does not have
    values = [1e9 + n % 2 for n in range(20_000)]
    assert column("number", values, batch=333).deviation == pytest.approx(0.5, rel=1e-4)


def test_ranges_are_round_and_told() -> None:
    found = column("number", [12.5, 13, 14.9, 15, 20, 30])
    assert bars_of(found)[:3] == [("12 - 13", 1), ("13 - 14", 1), ("14 - 15", 1)]
    assert bars_of(found)[-1] == ("29 - 30", 1)


def test_ranges_of_integers_name_first_and_last() -> None:
    found = column("integer", list(range(100)))
    assert bars_of(found) == [(f"{n}0 - {n}9" if n else "0 - 9", 10) for n in range(10)]


def test_few_integers_have_a_bar_each() -> None:
    found = column("integer", [3, 1, 1, 20, -4])
    assert bars_of(found) == [("-4", 1), ("1", 2), ("3", 1), ("20", 1)]


def test_one_far_value_does_not_flatten_the_others() -> None:
    found = column("number", [*(n / 100 for n in range(1_000)), 1e9])
    assert len(found.bars) > 8
    assert bars_of(found)[-1] == ("10 and more", 1)
    assert found.maximum == 1e9


def test_the_most_common_categories_come_first_and_the_rest_is_summed_up() -> None:
    values = [f"c{n}" for n in range(30) for _ in range(40 - n)]
    found = column("category", values, batch=50)
    assert bars_of(found)[:2] == [("c0", 40), ("c1", 39)]
    assert bars_of(found)[-1] == ("others", sum(40 - n for n in range(20, 30)))
    assert len(found.bars) == 21


def test_beyond_the_limit_common_categories_stay_counted() -> None:
    values = [value for n in range(12_000) for value in ("common", f"c{n}")]
    found = column("category", values)
    assert (found.distinct, found.distinct_is_least) == (MOST_DISTINCT, True)
    assert (found.bars[0].label, found.bars[0].count) == ("common", 12_000)
    assert sum(bar.count for bar in found.bars) == 24_000


def test_long_categories_differ_and_are_shown_in_short() -> None:
    found = column("category", ["x" * 5_000 + "a", "x" * 5_000 + "b", "x" * 5_000 + "b"])
    assert found.distinct == 2 and [bar.count for bar in found.bars] == [2, 1]
    assert all(len(bar.label) < 60 for bar in found.bars)


def test_booleans_are_counted() -> None:
    found = column("truth", [True, False, None, True])
    assert bars_of(found) == [("true", 2), ("false", 1)]
    assert (found.count, found.missing, found.distinct) == (4, 1, 2)


def test_of_texts_the_lengths_are_told() -> None:
    found = column("text", ["", "äö", "four", "a b c d e f"])
    assert (found.minimum, found.maximum, found.distinct) == (0, 11, 4)
    assert found.bars[0].label == "0" and sum(bar.count for bar in found.bars) == 4


@pytest.mark.parametrize(
    ("apart", "first"),
    [
        (timedelta(microseconds=3), "2024-03-05 06:07:08.000000 - 06:07:08.000010"),
        (timedelta(seconds=2), "2024-03-05 06:07:05 - 06:07:10"),
        (timedelta(minutes=7), "2024-03-05 06:00 - 06:30"),
        (timedelta(hours=6), "2024-03-05"),
        (timedelta(days=10), "2024-03"),
        (timedelta(days=500), "2020 - 2024"),
    ],
)
def test_bars_over_time_have_a_usual_length(apart: timedelta, first: str) -> None:
    begin = datetime(2024, 3, 5, 6, 7, 8, tzinfo=UTC)
    found = column("time", [begin + apart * n for n in range(40)])
    assert bars_of(found)[0][0] == first
    assert found.minimum == "2024-03-05T06:07:08Z"
    assert sum(bar.count for bar in found.bars) == 40


def test_personal_columns_and_what_is_computed_from_them_show_no_value() -> None:
    found = profile_of(
        pa.record_batch({"person": [1.0, None, 2.0], "name": ["Ada", "Ada", "Bob"], "told": [2.0, None, 4.0]})
    )
    assert found["person"] == ColumnProfile("person", "number", 3, 1, 2)
    assert found["name"] == ColumnProfile("name", "category", 3, 0, 2)
    assert found["told"] == ColumnProfile("told", "number", 3, 1, 2)


def test_columns_stand_in_the_order_of_the_file_without_our_own() -> None:
    batch = pa.record_batch({"_gyre_row": [1], "size": ["<1"], "share": [0.5], "number": [0.5]})
    found = profile_of(batch, batch)
    assert [(each.name, each.type, each.count) for each in found.values()] == [
        ("size", "category", 2), ("share", "number", 2), ("number", "number", 2),
    ]  # fmt: skip


def test_no_rows_and_no_values_have_a_profile() -> None:
    assert Profiler(SPEC).columns() == ()
    for name in TYPES:
        assert column(name, [None, None]).bars == ()
        assert profile_of(pa.record_batch({name: pa.array([], TYPES[name])}))[name].count == 0
