"""Everything about some answers: figures that are scikit-learn's, in JSON that every program reads."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as theirs

from gyre.bundle.predict import Predictions
from gyre.evaluation.evaluate import Evaluation, evaluate
from gyre.evaluation.metric import metric_value
from gyre.evaluation.targets import Targets
from tests.unit.evaluation.parts import classified, measured, people, said
from tests.unit.training.models import declared


def judged(truth: Targets, found: Predictions, task: str | None = None, **by: np.ndarray) -> Evaluation:
    task = task or ("regression" if not truth.classes else "binary" if len(truth.classes) == 2 else "multiclass")
    return evaluate(declared(task), truth, found, by, seed=7)


def strict(found: Evaluation) -> dict:
    return json.loads(json.dumps(found.to_json(), allow_nan=False))


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.integers(60, 200), st.integers(2, 5), st.sampled_from([None, 1]))
def test_figures_of_classes_are_scikit_learns(seed, rows, classes, digits) -> None:
    truth, found = classified(seed, rows, classes, digits=digits)
    values = judged(truth, found).values
    places, answers, shares = truth.values, found.probabilities.argmax(axis=1), found.probabilities
    labels = range(classes)

    each = theirs.precision_recall_fscore_support(places, answers, labels=labels, zero_division=0)
    for figure, expected in zip(("precision", "recall", "f1"), each, strict=False):
        for at in labels:
            if f"{figure}.c{at}" in values:
                assert values[f"{figure}.c{at}"] == pytest.approx(expected[at])
    assert values["precision_macro"] == pytest.approx(
        theirs.precision_score(places, answers, average="macro", zero_division=0)
    )
    assert values["recall_macro"] == pytest.approx(
        theirs.recall_score(places, answers, average="macro", zero_division=0)
    )
    one = theirs.brier_score_loss(places, shares[:, 1]) if classes == 2 else theirs.brier_score_loss(places, shares)
    assert values["brier"] == pytest.approx(one)
    for at in labels:
        assert values[f"roc_auc.c{at}"] == pytest.approx(theirs.roc_auc_score(places == at, shares[:, at]))
    for name in ("f1_macro", "f1_weighted", "accuracy", "balanced_accuracy", "roc_auc", "log_loss"):
        assert values[name] == pytest.approx(metric_value(name, truth, found))


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 200))
def test_figures_of_numbers_are_scikit_learns(seed, rows) -> None:
    truth, found = measured(seed, rows)
    values = judged(truth, found).values
    assert values == pytest.approx(
        {
            "rmse": theirs.root_mean_squared_error(truth.values, found.values),
            "mae": theirs.mean_absolute_error(truth.values, found.values),
            "median_absolute_error": theirs.median_absolute_error(truth.values, found.values),
            "r2": theirs.r2_score(truth.values, found.values),
            "bias": np.mean(found.values - truth.values),
        }
    )


def test_every_figure_lies_in_its_interval() -> None:
    for answers in (classified(1, 400, 3), classified(1, 400, 2), measured(1, 400)):
        for name, each in judged(*answers).figures.items():
            assert each.low <= each.value <= each.high, name


def test_calibrated_answers_have_little_calibration_error() -> None:
    # given: the true class is drawn from the very probabilities that are told
    draw = np.random.default_rng(3)
    second = draw.random(3_000)
    shares = np.stack([1 - second, second], axis=1)
    truth = Targets(("no", "yes"), (draw.random(3_000) < second).astype(np.int64))
    # then
    figure = judged(truth, said(truth.classes, shares)).figures["calibration_error"]
    assert figure.low < 0.01 and figure.value < 0.04
    # and: twice as sure as it may be
    bold = np.clip(shares * 2 - 0.5, 0, 1)
    assert judged(truth, said(truth.classes, bold)).figures["calibration_error"].low > 0.05


def test_true_and_false_are_named_as_json_writes_them() -> None:
    truth, found = classified(1, 100, 2)
    values = judged(Targets((False, True), truth.values), said((False, True), found.probabilities)).values
    assert {"recall.true", "recall.false", "roc_auc.true"} <= values.keys()


def test_rows_of_unknown_classes_have_a_row_of_their_own() -> None:
    truth, found = classified(1, 300, 3, unknown=0.2)
    told = judged(truth, found)
    unknown = int((truth.values < 0).sum())
    assert told.unknown_rows == unknown == sum(told.confusion.unknown)
    matrix = np.array(told.confusion.matrix)
    expected = theirs.confusion_matrix(truth.values, found.probabilities.argmax(axis=1), labels=range(3))
    np.testing.assert_array_equal(matrix, expected)
    assert told.class_counts == tuple(np.bincount(truth.values[truth.values >= 0]))
    assert matrix.sum() + unknown == told.rows == 300


def test_the_most_frequent_mistakes() -> None:
    truth = Targets(("a", "b", "c"), np.array([0, 0, 0, 0, 1, 2]))
    found = Predictions(labels=np.array(["b", "b", "b", "c", "b", "a"], dtype=object))
    assert judged(truth, found).confusion.most_confused == (("a", "b", 3), ("a", "c", 1), ("c", "a", 1))


def test_answers_without_probabilities_have_no_figures_of_them() -> None:
    truth, found = classified(1, 100, 3)
    told = judged(truth, Predictions(labels=found.labels))
    assert told.values["accuracy"] > 0
    assert told.figures["log_loss"].value is told.figures["roc_auc.c1"].value is None
    assert told.curves == told.calibration == ()


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 400), st.integers(2, 4), st.sampled_from([None, 1]))
def test_curves_are_scikit_learns_with_fewer_points(seed, rows, classes, digits) -> None:
    truth, found = classified(seed, rows, classes, digits=digits)
    for curve in judged(truth, found).curves:
        at = truth.classes.index(curve.name)
        positive, scores = truth.values == at, found.probabilities[:, at]
        if not curve.roc:
            assert positive.all() or not positive.any()
            continue
        assert len(curve.roc) <= 100 and len(curve.precision_recall) <= 100
        false, true, _ = theirs.roc_curve(positive, scores, drop_intermediate=False)
        away = np.abs(np.array(curve.roc)[:, None] - np.stack([false, true], axis=1)).max(axis=2).min(axis=1)
        assert away.max() < 1e-4
        assert curve.roc[0] == (0, 0) and curve.roc[-1] == (1, 1)
        assert np.trapezoid(*reversed(np.array(curve.roc).T)) == pytest.approx(curve.area, abs=0.02)
        assert curve.average_precision == pytest.approx(theirs.average_precision_score(positive, scores))
        assert curve.precision_recall[-1][0] == 1


def test_bins_of_confidence_hold_every_row() -> None:
    truth, found = classified(1, 500, 3)
    told = judged(truth, found)
    assert sum(each.rows for each in told.calibration) == 500
    gaps = [each.rows * abs(each.accuracy - each.confidence) for each in told.calibration if each.rows]
    assert sum(gaps) / 500 == pytest.approx(told.values["calibration_error"], abs=1e-4)
    for each in told.calibration:
        assert each.rows == 0 or each.low - 1e-9 <= each.confidence <= each.high + 1e-9


def test_residuals_hold_every_row() -> None:
    truth, found = measured(1, 500)
    found.values[:3] = [1e9, -1e9, 100]
    told = judged(truth, found).residuals
    assert sum(told.counts) == np.sum(told.grid) == sum(each.rows for each in told.bands) == 500
    # Two values that are far off do not squash the picture.
    assert told.edges[-1] - told.edges[0] < 100
    assert told.quantiles["50"] == pytest.approx(np.median(found.values - truth.values))


ODD = {
    "one class": (Targets(("a", "b", "c"), np.ones(40, np.int64)), classified(1, 40, 3)[1].probabilities),
    "unknown classes only": (Targets(("a", "b", "c"), np.full(40, -1)), classified(1, 40, 3)[1].probabilities),
    "one row": (Targets(("a", "b"), np.zeros(1, np.int64)), np.array([[0.3, 0.7]])),
    "no row": (Targets(("a", "b"), np.zeros(0, np.int64)), np.zeros((0, 2))),
    "all the same": (Targets(("a", "b"), np.arange(40) % 2), np.full((40, 2), 0.5)),
    "no numbers": (Targets(("a", "b"), np.arange(40) % 2), np.full((40, 2), np.nan)),
    "sure and wrong": (Targets(("a", "b"), np.zeros(40, np.int64)), np.tile([0.0, 1.0], (40, 1))),
    "odd names": (Targets(("", "a.b $x$ \n", 'ü"<&'), np.arange(40) % 3), classified(1, 40, 3)[1].probabilities),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", ODD)
def test_odd_answers_are_told_without_a_fault(name) -> None:
    truth, shares = ODD[name]
    told = strict(judged(truth, said(truth.classes, shares), **people(1, len(shares))))
    assert told["rows"] == len(shares)
    assert told["figures"].keys() == judged(truth, said(truth.classes, shares)).figures.keys()


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("truth", "found"),
    [
        ([], []), ([1.0], [1.0]), ([3.0] * 30, [3.0] * 30), ([1e300, -1e300, 3.0], [np.inf, 1.0, np.nan]),
        ([1e200, -1e200, 3.0], [3.0, 1.0, 4.0]), ([0.1] * 30, list(range(30))),
    ],
)  # fmt: skip
def test_odd_numbers_are_told_without_a_fault(truth, found) -> None:
    told = judged(
        Targets((), np.array(truth)), Predictions(values=np.array(found, dtype=float)), **people(1, len(truth))
    )
    assert strict(told)["rows"] == len(truth)


def test_a_thousand_classes_are_told_within_bounds() -> None:
    truth, found = classified(1, 3_000, 1_000)
    told = judged(truth, found, **people(1, 3_000))
    assert len(json.dumps(told.to_json())) < 600_000
    assert np.array(told.confusion.matrix).shape == (51, 51) and told.confusion.others == 950
    assert np.sum(told.confusion.matrix) == 3_000
    assert len(told.curves) == 20
    assert told.figures["recall.c999"].value == pytest.approx(
        np.mean(found.labels[truth.values == 999] == "c999"), nan_ok=True
    )
    assert told.figures["roc_auc"].value is not None and told.figures["roc_auc"].low is None


def test_the_same_answers_give_the_same_evaluation() -> None:
    assert strict(judged(*classified(1, 200, 3), **people(1, 200))) == strict(
        judged(*classified(1, 200, 3), **people(1, 200))
    )


def test_json_has_the_names_its_docstring_tells() -> None:
    told = strict(judged(*classified(1, 200, 3), **people(1, 200)))
    documented = Evaluation.to_json.__doc__
    names = {*told, *told["confusion"], *told["curves"][0], *told["calibration"][0], *told["slices"]}
    names |= {*told["slices"]["slices"][0], *told["figures"]["accuracy"]}
    names |= strict(judged(*measured(1, 100)))["residuals"].keys()
    assert [name for name in names if name not in documented] == []
