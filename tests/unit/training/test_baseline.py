"""The model that always says the same."""

import numpy as np
import pytest

from gyre.errors import Invalid
from gyre.training.baseline import baseline
from tests.unit.features.parts import objects
from tests.unit.training.models import declared


def test_the_most_frequent_class_with_the_shares_of_all() -> None:
    found = baseline(declared(), objects(*"abbbbabbbb")).predict(2)
    assert found.labels.tolist() == ["b", "b"]
    np.testing.assert_allclose(found.probabilities, [[0.2, 0.8]] * 2)


def test_the_mean() -> None:
    assert baseline(declared("regression"), np.arange(10.0)).predict(3).values.tolist() == [4.5] * 3


def test_nothing_to_tell_apart() -> None:
    with pytest.raises(Invalid, match="y is a in every row"):
        baseline(declared(), objects(*"aaaaaaaaaa"))
