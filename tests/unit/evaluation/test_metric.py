"""The metrics are scikit-learn's, where it has any."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as theirs

from gyre.bundle.predict import Predictions
from gyre.errors import Invalid
from gyre.evaluation.metric import higher_is_better, metric_of, metric_value
from gyre.evaluation.targets import Targets
from tests.unit.evaluation.parts import classified, measured, said
from tests.unit.training.models import declared

SEEDS = st.integers(0, 10_000)


@settings(max_examples=40, deadline=None)
@given(SEEDS, st.integers(1, 300), st.integers(2, 9), st.sampled_from([0.0, 0.2]), st.sampled_from([None, 1]))
def test_metrics_of_classes_are_scikit_learns(seed, rows, classes, unknown, digits) -> None:
    truth, found = classified(seed, rows, classes, unknown=unknown, digits=digits)
    places, answers = truth.values, found.probabilities.argmax(axis=1)

    for name, expected in {
        "accuracy": theirs.accuracy_score(places, answers),
        "f1_macro": theirs.f1_score(places, answers, average="macro", zero_division=0),
        "f1_weighted": theirs.f1_score(places, answers, average="weighted", zero_division=0),
        "balanced_accuracy": theirs.recall_score(
            places, answers, labels=np.unique(places), average="macro", zero_division=0
        ),
    }.items():
        assert metric_value(name, truth, found) == pytest.approx(expected, abs=1e-12)


@settings(max_examples=40, deadline=None)
@given(SEEDS, st.integers(100, 300), st.integers(2, 6), st.sampled_from([0.0, 0.2]), st.sampled_from([None, 1]))
def test_metrics_of_probabilities_are_scikit_learns(seed, rows, classes, unknown, digits) -> None:
    truth, found = classified(seed, rows, classes, unknown=unknown, digits=digits)
    known = truth.values >= 0
    places, shares = truth.values[known], found.probabilities[known]

    area = theirs.roc_auc_score(places, shares if classes > 2 else shares[:, 1], multi_class="ovr")
    assert metric_value("roc_auc", truth, found) == pytest.approx(area)
    loss = theirs.log_loss(places, shares, labels=range(classes))
    assert metric_value("log_loss", truth, found) == pytest.approx(loss)


@settings(max_examples=40, deadline=None)
@given(SEEDS, st.integers(2, 200), st.sampled_from([0.0, 0.5, 30.0]), st.sampled_from([1.0, 1e-6, 1e6]))
def test_metrics_of_numbers_are_scikit_learns(seed, rows, noise, scale) -> None:
    truth, found = measured(seed, rows, noise)
    truth, found = Targets((), truth.values * scale), Predictions(values=found.values * scale)

    for name, expected in {
        "rmse": theirs.root_mean_squared_error(truth.values, found.values),
        "mae": theirs.mean_absolute_error(truth.values, found.values),
        "r2": theirs.r2_score(truth.values, found.values),
    }.items():
        assert metric_value(name, truth, found) == pytest.approx(expected, rel=1e-9)


def test_classes_that_occur_make_the_area_of_several() -> None:
    truth, found = classified(3, 200, 4)
    some = truth.values != 2
    places, shares = truth.values[some], found.probabilities[some]
    areas = [theirs.roc_auc_score(places == at, shares[:, at]) for at in (0, 1, 3)]
    assert metric_value("roc_auc", Targets(truth.classes, places), said(truth.classes, shares)) == pytest.approx(
        np.mean(areas)
    )


@pytest.mark.parametrize("place", [0, -1])
def test_one_class_has_no_area(place) -> None:
    truth, found = classified(1, 50, 3)
    assert math.isnan(metric_value("roc_auc", Targets(truth.classes, np.full(50, place)), found))


def test_rows_of_unknown_classes_are_wrong_and_have_no_loss() -> None:
    truth, found = classified(1, 50, 3)
    unknown = Targets(truth.classes, np.full(50, -1))
    assert metric_value("accuracy", unknown, found) == metric_value("f1_macro", unknown, found) == 0
    assert math.isnan(metric_value("log_loss", unknown, found))


@pytest.mark.parametrize("metric", ["f1_macro", "accuracy", "roc_auc", "log_loss"])
def test_no_rows_have_no_metric(metric) -> None:
    truth, found = classified(1, 0, 3)
    assert math.isnan(metric_value(metric, truth, found))


def test_answers_that_are_no_numbers_have_no_metric() -> None:
    truth, found = measured(1, 20)
    found.values[3] = math.nan
    assert math.isnan(metric_value("rmse", truth, found))
    truth, found = classified(1, 20, 3)
    found.probabilities[3] = math.nan
    assert math.isnan(metric_value("roc_auc", truth, found)) and math.isnan(metric_value("log_loss", truth, found))
    assert 0 <= metric_value("accuracy", truth, found) <= 1


def test_a_constant_target_has_no_r2() -> None:
    # The mean of these is not exactly 0.1, so some spread is left over by rounding.
    assert math.isnan(metric_value("r2", Targets((), np.full(7, 0.1)), Predictions(values=np.arange(7.0))))


@pytest.mark.parametrize(
    ("truth", "found", "told"),
    [
        (Targets((), np.ones(3)), Predictions(values=np.ones(2)), "2 answers to 3 rows"),
        (Targets((), np.ones(1)), classified(1, 1, 2)[1], "answered with classes"),
        (classified(1, 1, 2)[0], Predictions(values=np.ones(1)), "answered with numbers"),
        (classified(1, 1, 2)[0], classified(1, 1, 3)[1], "tells 3 classes apart, and 2 are named"),
        (classified(1, 1, 2)[0], said(("x", "y"), np.ones((1, 2))), "answered 'x', which is none"),
    ],
)
def test_answers_that_do_not_fit_their_rows_are_refused(truth, found, told) -> None:
    with pytest.raises(Invalid, match=told):
        metric_value("accuracy" if truth.classes else "mae", truth, found)


def test_the_metric_of_a_spec() -> None:
    assert metric_of(declared()) == "f1_macro"
    assert metric_of(declared("regression")) == "rmse"
    assert metric_of(declared(training="{metric: log_loss}")) == "log_loss"
    known = ("f1_macro", "roc_auc", "r2", "log_loss", "rmse", "mae")
    assert [name for name in known if not higher_is_better(name)] == ["log_loss", "rmse", "mae"]
