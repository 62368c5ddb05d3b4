"""Two models on the same rows."""

import json

import numpy as np
import pytest

from gyre.bundle.predict import Predictions
from gyre.errors import Invalid
from gyre.evaluation.comparison import compare
from gyre.evaluation.metric import metric_value
from gyre.evaluation.targets import Targets
from tests.unit.evaluation.parts import classified, measured, said


@pytest.mark.parametrize("metric", ["f1_macro", "accuracy", "roc_auc", "log_loss", "balanced_accuracy", "f1_weighted"])
def test_the_better_one_is_better_by_any_metric(metric) -> None:
    truth, ours = classified(1, 1_000, 3, 2.0)
    theirs = said(truth.classes, 0.6 * ours.probabilities + 0.4 * classified(2, 1_000, 3)[1].probabilities)
    found = compare(metric, truth, ours, truth, theirs, seed=1)
    assert 0 < found.low < found.difference < found.high
    assert found.ours == pytest.approx(metric_value(metric, truth, ours))
    assert abs(found.ours - found.theirs) == pytest.approx(found.difference)
    # and: the other way round it is as much worse
    other = compare(metric, truth, theirs, truth, ours, seed=1)
    assert (other.difference, other.low, other.high) == pytest.approx((-found.difference, -found.high, -found.low))


@pytest.mark.parametrize("metric", ["rmse", "mae", "r2"])
def test_smaller_errors_are_better(metric) -> None:
    truth, ours = measured(1, 500)
    theirs = Predictions(values=truth.values + 2 * (ours.values - truth.values))
    found = compare(metric, truth, ours, truth, theirs, seed=1)
    assert 0 < found.low < found.difference < found.high


def test_pairs_are_surer_than_two_intervals() -> None:
    # given: the second model is wrong in ten rows more
    truth, ours = classified(1, 1_000, 2, 0.5)
    right = np.flatnonzero(ours.probabilities.argmax(axis=1) == truth.values)[:10]
    shares = ours.probabilities.copy()
    shares[right] = 1 - shares[right]
    # then: although one accuracy alone is known to two or three percent
    found = compare("accuracy", truth, ours, truth, said(truth.classes, shares), seed=1)
    assert found.difference == pytest.approx(0.01) and found.low > 0.003


def test_the_same_model_is_no_better() -> None:
    truth, ours = classified(1, 100, 3)
    found = compare("log_loss", truth, ours, truth, ours, seed=1)
    assert (found.difference, found.low, found.high) == (0, 0, 0)
    assert "-0.0" not in json.dumps(found.to_json())


def test_models_of_different_classes() -> None:
    # given: the champion has never seen the last class, and has another order
    truth, ours = classified(1, 600, 3, 3.0)
    old = ("c1", "c0")
    their_truth = Targets(old, np.array([1, 0, -1])[truth.values])
    shares = ours.probabilities[:, [1, 0]]
    theirs = said(old, shares / shares.sum(axis=1, keepdims=True))
    # then
    found = compare("accuracy", truth, ours, their_truth, theirs, seed=1)
    assert found.rows == 600 and found.difference > 0.2 and found.low > 0.2
    # and: probabilities are compared where both have one
    assert compare("log_loss", truth, ours, their_truth, theirs, seed=1).rows == (truth.values < 2).sum()


@pytest.mark.filterwarnings("error")
def test_what_cannot_be_told_is_null() -> None:
    truth, ours = classified(1, 30, 2)
    one = Targets(truth.classes, np.ones(30, np.int64))
    found = compare("roc_auc", one, ours, one, ours, seed=1)
    assert found.ours is found.difference is found.low is None
    nothing, none = classified(1, 0, 2)
    assert compare("f1_macro", nothing, none, nothing, none, seed=1).to_json() == {
        "rows": 0, "metric": "f1_macro", "ours": None, "theirs": None, "difference": None, "low": None, "high": None,
    }  # fmt: skip


def test_answers_about_other_rows_are_refused() -> None:
    with pytest.raises(Invalid, match="30 answers of one model and 20 of the other"):
        compare("accuracy", *classified(1, 30, 2), *classified(1, 20, 2), seed=1)
