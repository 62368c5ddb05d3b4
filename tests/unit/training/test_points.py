"""Where a search may look: between the bounds, never twice, and to the last point."""

from itertools import count

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from gyre.training.candidates import Identities
from gyre.training.estimators import Between, OneOf
from gyre.training.fitting import Candidate
from gyre.training.points import Box, Draws, boxes_of
from tests.unit.training.models import declared

NUMBERS = st.floats(1e-6, 1e6, allow_nan=False)
RANGES = st.builds(
    lambda ends, whole, log: Between(ends[0], ends[1], whole=whole, log=log),
    st.one_of(
        st.tuples(NUMBERS, NUMBERS).filter(lambda ends: ends[0] < ends[1]),
    ),
    st.just(False), st.booleans(),
) | st.builds(
    lambda low, more, log: Between(low, low + more, whole=True, log=log),
    st.integers(1, 1_000), st.integers(1, 1_000_000), st.booleans(),
)  # fmt: skip


@given(RANGES, st.integers(0, 2**32 - 1), st.integers(3, 60))
def test_points_and_grids_are_within_the_bounds(where: Between, seed: int, points: int) -> None:
    # given a box of one range, when points of it are drawn and it is cut into a grid
    box, draw = Box("linear", {"C": where}), np.random.default_rng(seed)
    drawn = [box.drawn(draw).parameters["C"] for _ in range(5)]
    grid = box.gridded(points)
    # then all are between the bounds and of their kind, and a grid reaches both ends
    found = [*drawn, *grid.space["C"].values]
    assert all(where.low <= each <= where.high for each in found)
    assert all(isinstance(each, int) is where.whole for each in found)
    assert {where.low, where.high} <= set(grid.space["C"].values)
    assert grid.size <= points


@given(st.lists(st.integers(1, 6), min_size=1, max_size=3), st.integers(0, 99))
def test_each_point_of_a_small_space_is_drawn_once(sizes: list[int], seed: int) -> None:
    names = ("n_estimators", "max_depth", "min_samples_leaf")
    space = {name: OneOf(tuple(range(1, size + 1))) for name, size in zip(names, sizes, strict=False)}
    box = Box("random_forest", space)
    spec = declared(training="{estimators: [random_forest]}")
    draws = Draws(spec, [box], (), seed)
    found = [each for each, _ in zip(iter(draws.next, None), count(), strict=False)]
    assert len({str(each) for each in found}) == len(found) == box.size
    assert draws.next() is None


def test_estimators_take_turns_until_they_are_used_up() -> None:
    spec = declared(training="{estimators: [linear, boosting], space: {linear: {C: [1, 2, 3]}}}")
    draws = Draws(spec, boxes_of(spec), (), 1)
    found = [draws.next().estimator for _ in range(9)]
    assert found == ["linear", "boosting"] * 3 + ["boosting"] * 3


def test_a_range_that_holds_few_numbers_ends() -> None:
    spec = declared(training="{estimators: [linear], space: {linear: {C: [0.1, 0.1001]}}}")
    draws = Draws(spec, boxes_of(spec), (), 1)
    found = [each.parameters["C"] for each in iter(draws.next, None)]
    assert sorted(found) == [0.1, 0.1001]


def test_a_grid_has_as_many_steps_as_there_is_room_for() -> None:
    (linear,) = boxes_of(declared(training="{estimators: [linear]}"))
    assert linear.gridded(5).space["C"].values == (0.01, 0.1, 1.0, 10.0, 100.0)
    assert len(linear.gridded(1).space["C"].values) == 3
    (boosting,) = boxes_of(declared(training="{estimators: [boosting]}"))
    assert boosting.gridded(24).size == 3**5


def test_a_candidate_is_the_same_with_and_without_its_defaults() -> None:
    spec = declared()
    linear, forest = Candidate("linear"), Candidate("random_forest", {"max_features": 1})
    of = Identities(spec).of
    assert of(linear) == of(Candidate("linear", {"C": 1, "max_iter": 2_000}))
    assert of(linear) != of(Candidate("linear", {"C": 1.5}))
    # one column is not all columns
    assert of(forest) != of(Candidate("random_forest", {"max_features": 1.0}))
