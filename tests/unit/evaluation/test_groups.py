"""Rows taken together."""

import numpy as np
import pytest

from gyre.evaluation.groups import grouped, joined
from tests.unit.features.parts import objects


def told(values, **more):
    found = grouped(values, **more)
    return found.names, found.places.tolist()


def test_the_most_frequent_value_first() -> None:
    assert told(objects("b", "a", None, "a")) == (("a", "b"), [1, 0, -1, 0])
    assert told(objects("b", "a", None, "a"), most=1) == (("a",), [-1, 0, -1, 0])
    assert told(np.array([1.0, 0.0, np.nan, 1.0]), boolean=True) == (("true", "false"), [0, 1, -1, 0])
    assert told(np.array([2.0, 0.5, np.inf])) == (("0.5", "2"), [1, 0, -1])
    assert told(np.array(["x", "y", "x"])) == (("x", "y"), [0, 1, 0])
    assert told(objects(1, "1", True)) == (("1", "True"), [0, 0, 1])


def test_numbers_of_many_values_by_quarter() -> None:
    names, places = told(np.arange(100.0))
    assert names[0] == "0 to 24.75" and np.bincount(places).tolist() == [25, 25, 25, 25]


def test_a_value_that_fills_quarters() -> None:
    names, places = told(np.array([0.0] * 80 + list(range(1, 21))))
    assert len(names) == 1 and set(places) == {0}
    names, places = told(np.array([0.0] * 60 + list(range(1, 41))))
    assert len(names) == 2 and np.bincount(places).tolist() == [75, 25]


@pytest.mark.parametrize("values", [objects(), objects(None), np.array([]), np.array([np.nan]), np.array([], "M8[s]")])
def test_nothing_to_group(values) -> None:
    assert told(values) == ((), [-1] * len(values))


def test_times_with_gaps() -> None:
    times = np.arange(40).astype("M8[D]")
    times[3] = "NaT"
    names, places = told(times)
    assert len(names) == 4 and places[3] == -1 and names[0].startswith("1970-01-01 00:00 to ")


def test_groups_of_several_columns() -> None:
    both = joined({"a": grouped(objects("x", "y", "x", None)), "b": grouped(np.array([1.0, 2.0, 1.0, 1.0]))})
    assert both.names == ("x & 1", "y & 2") and both.places.tolist() == [0, 1, 0, -1]
    none = joined({"a": grouped(objects(None)), "b": grouped(objects("x"))})
    assert none.names == () and none.places.tolist() == [-1]
