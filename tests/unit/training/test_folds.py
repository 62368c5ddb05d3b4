"""Rows that a candidate is judged on were never fitted to, nor was anybody of their group, nor what came later."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gyre.errors import Invalid
from gyre.evaluation.targets import Targets
from gyre.training.folds import folds
from tests.unit.features.parts import objects
from tests.unit.training.models import NUMBERS, declared

GROUPED = declared(features=NUMBERS + ", home: {type: category}", more="group: home\n")
TIMED = declared(features=NUMBERS + ", at: {type: time}", more="time: at\nsplit: {by: time}\n")
BOTH = declared(
    features=NUMBERS + ", at: {type: number}, home: {type: category}", more="time: at\nsplit: {by: time}\ngroup: home\n"
)


def classes(values: list[int]) -> Targets:
    names = tuple(f"c{each}" for each in range(max(values) + 1))
    return Targets(names, np.array(values))


@settings(max_examples=60)
@given(st.lists(st.integers(0, 4), min_size=10, max_size=80), st.integers(2, 20))
def test_each_row_is_judged_once_and_never_by_who_saw_it(values: list[int], count: int) -> None:
    found = folds(declared(), {}, classes(values), count)
    judged = np.concatenate([judge for _, judge in found.sides])
    assert sorted(judged.tolist()) == list(range(len(values)))
    for fit, judge in found.sides:
        assert len(fit)
        assert len(judge)
        assert not set(fit) & set(judge)
    assert 2 <= len(found) <= count
    assert bool(found.told) == (len(found) < count)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 3), st.sampled_from([None, *"abcdefgh"])), min_size=10, max_size=60),
    st.integers(2, 8),
)
def test_a_group_stands_on_one_side(rows: list[tuple[int, str | None]], count: int) -> None:
    values, homes = [each for each, _ in rows], objects(*(home for _, home in rows))
    columns = {"home": homes}
    if len({home for home in homes if home}) + (homes == objects(None)[0]).sum() < 2:
        with pytest.raises(Invalid, match="All training rows have one home"):
            folds(GROUPED, columns, classes(values), count)
        return
    try:
        found = folds(GROUPED, columns, classes(values), count)
    except Invalid as error:
        assert "cannot be cut into two folds" in error.message  # noqa: PT017  # which one, Hypothesis chooses
        return
    for fit, judge in found.sides:
        assert len(judge)
        assert not {homes[at] for at in fit if homes[at]} & {homes[at] for at in judge}


@settings(max_examples=60)
@given(st.lists(st.one_of(st.none(), st.integers(0, 30)), min_size=10, max_size=60), st.integers(2, 8))
def test_time_goes_forward(days: list[int | None], count: int) -> None:
    at = np.array(["NaT" if each is None else f"2026-01-{each + 1:02}" for each in days], dtype="M8[s]")
    try:
        found = folds(TIMED, {"at": at}, classes([0, 1] * (len(days) // 2) + [0] * (len(days) % 2)), count)
    except Invalid as error:
        assert error.field == "at"  # noqa: PT017
        assert len(np.unique(at)) < count + 1 or len(days) < 3 * count or np.unique(at, return_counts=True)[1].max() > 3
        return
    moments = np.where(np.isnat(at), -1, at.astype(np.int64))
    for fit, judge in found.sides:
        assert moments[fit].max() < moments[judge].min()
    assert all(moments[a[1]].max() < moments[b[1]].min() for a, b in zip(found.sides, found.sides[1:], strict=False))


def test_a_group_stands_where_its_newest_row_does() -> None:
    at = np.arange(60.0)
    homes = objects(*("old" if row % 3 else f"h{row}" for row in range(60)))  # one home over the whole time
    found = folds(BOTH, {"at": at, "home": homes}, classes([0, 1] * 30), 3)
    for fit, judge in found.sides:
        assert not {homes[each] for each in fit} & {homes[each] for each in judge}


def test_classes_have_their_share_in_each_fold() -> None:
    found = folds(declared(), {}, classes([0] * 80 + [1] * 20), 5)
    assert [np.bincount([0] * 16 + [1] * 4).tolist()] * 5 == [
        np.bincount(np.array([0] * 80 + [1] * 20)[judge]).tolist() for _, judge in found.sides
    ]


def test_numbers_are_spread_by_quantile() -> None:
    values = np.random.default_rng(1).lognormal(0, 2, 400)
    found = folds(declared("regression"), {}, Targets((), values), 4)
    medians = [float(np.median(values[judge])) for _, judge in found.sides]
    assert max(medians) < 1.25 * min(medians)


@pytest.mark.parametrize(
    ("values", "made", "told"),
    [
        ([0] * 20 + [1] * 3, 3, "3 folds instead of 5: c1 has 3 rows."),
        # a class of one row, which no number of folds could spread
        ([0] * 20 + [1] * 20 + [2], 5, None),
        ([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], 5, None),
        ([0, 0, 1, 1, 2, 2, 3, 3, 4, 4], 2, "2 folds instead of 5: c0 has 2 rows."),
    ],
)
def test_fewer_folds_where_a_class_has_few_rows(values: list[int], made: int, told: str | None) -> None:
    found = folds(declared(), {}, classes(values), 5)
    assert (len(found), found.told) == (made, (told,) if told else ())


def test_the_seed_chooses_and_keeps() -> None:
    found = classes([0, 1] * 40)
    other = declared(training="{seed: 8}")
    sides = [[judge.tolist() for _, judge in folds(each, {}, found, 4).sides] for each in (declared(),) * 2 + (other,)]
    assert sides[0] == sides[1] != sides[2]
