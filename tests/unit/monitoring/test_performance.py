"""A model that got worse is seen, with labels and without; one that did not stays unseen; what lacks is told."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gyre.monitoring.analysis.performance import performance
from gyre.monitoring.analysis.scored import scored
from gyre.monitoring.analysis.spread import standard_error
from gyre.monitoring.found import Performance, Performances
from gyre.monitoring.side import Pair, Side
from tests.unit.monitoring.calibrated import names_of, pair, side, without

Told = Mapping[tuple[str, str], Performance]


def told(judged: Pair) -> Told:
    return {(each.how, each.metric): each for each in performance(judged).figures}


def fallen(judged: Pair) -> set[tuple[str, str]]:
    return {(each.how, each.metric) for each in performance(judged).fallen}


# --- what got worse ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("classes", [2, 3])
def test_labels_that_no_longer_follow_the_inputs_are_seen_once_they_are_known(classes: int) -> None:
    found = told(pair(side(1_000, 1, classes), side(600, 2, classes, wrong=0.5), classes))
    realised, estimated = found["realised", "accuracy"], found["estimated", "accuracy"]
    assert realised.fallen
    assert realised.expected is not None and realised.value is not None
    assert realised.fall == pytest.approx(realised.expected - realised.value)
    assert realised.fall > 0.1
    assert realised.limit == 0.05
    # The inputs are as they were: nothing but labels can tell it.
    assert not estimated.fallen
    assert estimated.fall == pytest.approx(0, abs=0.04)


def test_inputs_that_the_model_is_unsure_of_are_seen_without_labels() -> None:
    reference, window = side(1_000, 1, shift=2.0), without(side(600, 2, shift=0.0), "label")
    found = told(pair(reference, window))
    assert found["estimated", "accuracy"].fallen
    assert found["realised", "accuracy"].value is None
    truth = told(pair(reference, side(600, 2, shift=0.0)))["realised", "accuracy"].value
    assert found["estimated", "accuracy"].value == pytest.approx(truth, abs=0.03)


@pytest.mark.parametrize("metric", ["f1_macro", "roc_auc", "log_loss", "balanced_accuracy"])
def test_every_watched_metric_sees_what_it_is_for(metric: str) -> None:
    nearest = {"f1_macro": "f1", "balanced_accuracy": "f1"}.get(metric, "roc_auc")
    found = performance(pair(side(1_500, 1, 3), side(1_500, 2, 3, wrong=0.6), 3, metric))
    assert [each.metric for each in found.figures][::3] == [nearest, nearest]
    assert [(each.how, each.metric) for each in found.fallen] == [("realised", nearest)]
    assert [each.metric for each in found.figures if each.limit is not None] == [nearest, nearest]


def test_greater_errors_are_a_rise_in_proportion() -> None:
    found = told(pair(side(1_000, 1, 0), side(600, 2, 0, noise=1.5), 0))["realised", "rmse"]
    assert found.fallen
    assert found.expected is not None and found.value is not None
    assert found.fall == pytest.approx(found.value / found.expected - 1)
    assert found.fall == pytest.approx(0.5, abs=0.15)


def test_inputs_of_greater_errors_are_seen_without_labels() -> None:
    reference, window = side(3_000, 1, 0), without(side(800, 2, 0, shift=1.5), "label")
    found = told(pair(reference, window, 0))["estimated", "rmse"]
    assert found.by == "DLE"
    assert found.fallen


def test_a_better_model_never_falls() -> None:
    assert not fallen(pair(side(800, 1, wrong=0.5), side(800, 2)))
    assert not fallen(pair(side(800, 1, 0, noise=2.0), side(800, 2, 0), 0))


def test_a_fall_below_the_limit_is_none_however_sure_it_is() -> None:
    reference, window = side(20_000, 1, sharp=4), side(20_000, 2, sharp=4, wrong=0.08)
    found = told(pair(reference, window))["realised", "accuracy"]
    assert found.fall is not None
    assert 0.01 < found.fall < 0.05
    assert not found.fallen


def test_a_fall_that_chance_makes_is_none_however_great_it_is() -> None:
    reference, window = side(200, 1), side(30, 8, wrong=0.4)
    found = told(pair(reference, window))["realised", "accuracy"]
    assert found.fall is not None
    assert found.fall > 0.05
    assert not found.fallen


def test_a_reference_without_an_error_leaves_doubt() -> None:
    # given a model that was right 30 times of 30, and now is wrong twice of 30
    perfect = replace(side(30, 1), label=side(30, 1).prediction)
    window = side(30, 2)
    assert window.prediction is not None
    label = window.prediction.copy()
    label[:2] = [each for was in label[:2] for each in names_of(2) if each != was]
    found = told(pair(perfect, replace(window, label=label)))["realised", "accuracy"]
    assert (found.expected, found.value) == (1.0, pytest.approx(28 / 30))
    assert not found.fallen


# --- what did not -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("classes", [2, 4, 0])
def test_windows_like_the_reference_are_quiet(classes: int) -> None:
    metrics = {2: ("accuracy", "f1_macro", "roc_auc"), 4: ("f1_macro", "accuracy"), 0: ("rmse", "mae")}[classes]
    for seed in range(10):
        sizes = np.random.default_rng(seed).integers(200, 900, 2)
        reference, window = side(int(sizes[0]), 2 * seed, classes), side(int(sizes[1]), 2 * seed + 1, classes)
        assert not fallen(pair(reference, window, classes, metrics[seed % len(metrics)], chunks=1))


# --- the course -------------------------------------------------------------------------------------------------------


def test_each_part_of_the_window_has_its_point() -> None:
    window = side(900, 2)
    assert window.label is not None
    label = window.label.copy()
    label[:300] = None
    found = told(pair(side(900, 1), replace(window, label=label), chunks=3))
    estimated, realised = found["estimated", "accuracy"].points, found["realised", "accuracy"].points
    assert [each.rows for each in estimated] == [300, 300, 300]
    assert [each.rows for each in realised] == [0, 300, 300]
    assert realised[0].value is None
    for point in (*estimated, *realised[1:]):
        assert point.low is not None and point.value is not None and point.high is not None
        assert 0 <= point.low < point.value < point.high <= 1
    right = window.prediction[300:600] == label[300:600]  # type: ignore[index]
    assert realised[1].value == pytest.approx(right.mean())


def test_f1_of_two_classes_is_that_of_the_second() -> None:
    window = side(500, 2)
    found = told(pair(side(500, 1), window))["realised", "f1"]
    said, was = (each == "kind 1" for each in (window.prediction, window.label))
    assert found.value == pytest.approx(2 * (said & was).sum() / (said.sum() + was.sum()))


# --- what lacks -------------------------------------------------------------------------------------------------------


def nan_chances(window: Side) -> Side:
    assert window.probabilities is not None
    chances = window.probabilities.copy()
    chances[:7, 0] = np.nan
    return replace(window, probabilities=chances)


THEN, NOW = side(300, 1), side(300, 2)


@pytest.mark.parametrize(
    ("reference", "window", "how", "metric", "because"),
    [
        (THEN, without(NOW, "label"), "realised", "accuracy", "no row of the window is labelled; 30 are needed"),
        (THEN, side(300, 2, labelled=0.04), "realised", "accuracy", "rows of the window are labelled; 30 are needed"),
        (THEN, without(NOW, "prediction"), "realised", "accuracy", "the window has no predictions"),
        (THEN, without(NOW, "prediction"), "estimated", "accuracy", "the window has no predictions"),
        (THEN, without(NOW, "probabilities"), "estimated", "accuracy", "the window has no probabilities"),
        (THEN, without(NOW, "probabilities"), "realised", "roc_auc", "there are no probabilities"),
        (without(THEN, "label"), NOW, "estimated", "accuracy", "the reference has no labels"),
        (without(THEN, "prediction"), NOW, "estimated", "accuracy", "the reference has no predictions"),
        (without(THEN, "probabilities"), NOW, "estimated", "accuracy", "the reference has no probabilities"),
        (side(20, 1), NOW, "estimated", "accuracy", "20 rows of the reference have all that is needed; 30 are needed"),
        (THEN, side(20, 1), "estimated", "accuracy", "20 rows of the window; 30 are needed"),
        (THEN, NOW.chosen(np.zeros(300, bool)), "realised", "f1", "no row of the window has a prediction"),
    ],
)
def test_what_cannot_be_told_says_why(reference: Side, window: Side, how: str, metric: str, because: str) -> None:
    found = told(pair(reference, window))[how, metric]
    assert found.value is None
    assert because in (found.because or "")
    assert not found.fallen


def test_without_a_reference_there_is_a_figure_and_nothing_to_compare_it_with() -> None:
    found = told(pair(without(THEN, "label"), NOW))["realised", "accuracy"]
    assert found.value is not None
    assert (found.expected, found.fall, found.fallen) == (None, None, False)
    assert "no such figure of the reference" in (found.because or "")


def test_rows_without_probabilities_are_left_out_and_told() -> None:
    found = told(pair(THEN, nan_chances(NOW)))["estimated", "accuracy"]
    assert found.rows == 293
    assert found.because == "7 rows without probabilities are left out"


def test_of_one_class_alone_there_is_accuracy_and_nothing_else() -> None:
    one = replace(NOW, label=np.full(300, "kind 1", dtype=object))
    found = told(pair(THEN, one, metric="roc_auc"))
    assert found["realised", "roc_auc"].value is None
    because = "fewer than 20 rows of the window are labelled kind 0; accuracy is watched in its place"
    assert found["realised", "roc_auc"].because == because
    assert found["realised", "accuracy"].limit == 0.05
    assert found["realised", "accuracy"].value == pytest.approx((NOW.prediction == "kind 1").mean())
    assert found["estimated", "roc_auc"].limit == 0.05


def test_labels_that_are_no_class_count_as_wrong() -> None:
    assert NOW.label is not None
    label = NOW.label.copy()
    label[:150] = "a kind nobody knew"
    found = told(pair(THEN, replace(NOW, label=label)))
    accuracy = found["realised", "accuracy"]
    assert accuracy.value == pytest.approx((NOW.prediction[150:] == label[150:]).sum() / 300)  # type: ignore[index]
    assert accuracy.because == "150 labels are no class of the model: they count as wrong"
    assert accuracy.fallen
    assert found["realised", "roc_auc"].rows == 150


@pytest.mark.parametrize("lacking", ["reference", "window"])
def test_a_class_that_one_side_never_had_does_not_make_f1_fall(lacking: str) -> None:
    sides = {"reference": side(600, 1, 4), "window": side(600, 2, 4)}
    sides[lacking] = sides[lacking].chosen(np.asarray(sides[lacking].label != "kind 2"))
    found = told(pair(sides["reference"], sides["window"], 4, "f1_macro"))
    realised = found["realised", "f1"]
    assert f"fewer than 20 rows of the {lacking} are labelled kind 2" in (realised.because or "")
    assert realised.limit is None
    assert not any(each.fallen for each in found.values())
    assert found["estimated", "accuracy"].value is not None


def test_a_model_without_a_single_error_has_no_proportion() -> None:
    reference, window = side(100, 1, 0), side(100, 2, 0)
    perfect = replace(reference, label=reference.prediction)
    worse = told(pair(perfect, window, 0))["realised", "rmse"]
    assert (worse.expected, worse.fall, worse.fallen) == (0.0, None, True)
    same = told(pair(perfect, replace(window, label=window.prediction), 0))["realised", "rmse"]
    assert (same.value, same.fallen) == (0.0, False)


def odd(rows: int, seed: int, classes: int, lack: frozenset[str], mess: frozenset[str]) -> Side:
    """A side that lacks what is told, and is a mess."""
    found = side(rows, seed, classes, labelled=0.7)
    chance = np.random.default_rng(seed)
    hit = chance.random(rows) < 0.3
    columns = dict(found.columns)
    if "gaps" in mess:
        columns["weight"] = np.full(rows, np.nan)
        columns["city"] = np.full(rows, None, dtype=object)
    if "absent" in mess:
        del columns["age"]
    if "infinite" in mess:
        columns["weight"] = np.where(hit, np.inf, columns["weight"])
    prediction, label, chances = found.prediction, found.label, found.probabilities
    assert prediction is not None and label is not None
    if "strange" in mess and classes:
        prediction = np.where(hit, "nothing like it", prediction)
        label = np.where(chance.random(rows) < 0.3, "nor this", label)
    if "strange" in mess and not classes:
        prediction = np.where(hit, np.inf, prediction)
        label = np.where(chance.random(rows) < 0.3, 1e300, label)
    if "one" in mess and classes:
        label = np.full(rows, "kind 0", dtype=object)
    if "holes" in mess and chances is not None:
        chances = np.where(hit[:, None], np.nan, chances)
    told = replace(found, columns=columns, prediction=prediction, label=label, probabilities=chances)
    return without(told, *lack)


LACKS = st.frozensets(st.sampled_from(["prediction", "probabilities", "label"]), max_size=2)
MESSES = st.frozensets(st.sampled_from(["gaps", "absent", "infinite", "strange", "one", "holes"]), max_size=3)


@settings(max_examples=20, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from([0, 2, 3]), st.lists(st.integers(0, 80), min_size=2, max_size=2), st.tuples(LACKS, LACKS),
    st.tuples(MESSES, MESSES),
)  # fmt: skip
def test_nothing_that_data_can_be_is_an_exception(
    classes: int, rows: list[int], lacks: tuple[frozenset[str], ...], messes: tuple[frozenset[str], ...]
) -> None:
    sides = [odd(rows[at], at, classes, lacks[at], messes[at]) for at in range(2)]
    found = performance(pair(sides[0], sides[1], classes, chunks=2))
    assert len(found.figures) == (6 if classes else 4)
    assert all(each.value is not None or each.because for each in found.figures)
    assert Performances.read(found.dump()) == found


# --- how sure ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("metric", "classes"),
    [("accuracy", 3), ("f1", 2), ("f1", 4), ("roc_auc", 2), ("roc_auc", 4), ("rmse", 0), ("mae", 0)],
)
def test_the_standard_error_is_how_far_other_samples_lie(metric: str, classes: int) -> None:
    from sklearn.metrics import f1_score, roc_auc_score

    def value(rows: Side) -> float:
        each = scored(pair(rows, rows, classes), rows)
        if metric == "f1":
            average = {"average": "macro"} if classes > 2 else {}
            return float(f1_score(each.truth, each.said, **average))
        if metric == "roc_auc":
            chances = each.chances if classes > 2 else each.chances[:, 1]  # type: ignore[index]
            return float(roc_auc_score(each.truth, chances, multi_class="ovr"))
        if metric == "accuracy":
            return float((each.said == each.truth).mean())
        errors = np.abs(each.said - each.truth)
        return float(errors.mean() if metric == "mae" else (errors**2).mean() ** 0.5)

    samples = [side(400, seed, classes) for seed in range(250)]
    errors = [standard_error(metric, scored(pair(each, each, classes), each)) for each in samples[:20]]
    assert np.mean(errors) == pytest.approx(np.std([value(each) for each in samples]), rel=0.15)
