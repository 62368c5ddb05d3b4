"""Intervals hold what they promise, and sums tell what scikit-learn tells of the rows themselves."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm
from sklearn import metrics as theirs

from gyre.evaluation.answers import answers
from gyre.evaluation.groups import Groups
from gyre.evaluation.measures import errors, measure_of, middle_error, overall, ranks
from gyre.evaluation.resamples import interval, resampled, within
from tests.unit.evaluation.parts import classified, measured


def test_nineteen_of_twenty_intervals_hold_the_true_figure() -> None:
    # given: populations of which the figures are known (600 runs of the same held 0.938 to 0.963 of them)
    true = {
        "accuracy": norm.cdf(1 / np.sqrt(2)), "f1_macro": norm.cdf(1 / np.sqrt(2)), "roc_auc": norm.cdf(1.0),
        "rmse": 1.0, "mae": np.sqrt(2 / np.pi), "bias": 0.0, "median_absolute_error": norm.ppf(0.75),
    }  # fmt: skip
    held = dict.fromkeys(true, 0)
    runs = 120
    for seed in range(runs):
        # when
        classes = answers(*classified(seed, 200, 2))
        numbers = answers(*measured(seed, 200))
        for told, measures in ((classes, [overall(classes), ranks(classes)]), (numbers, [errors(numbers), middle_error(numbers)])):  # fmt: skip  # noqa: E501
            for measure, drawn in zip(measures, resampled(measures, len(told), seed=seed), strict=True):
                low, high = interval(drawn)
                for at, name in enumerate(measure.names):
                    if name in true:
                        held[name] += low[at] <= true[name] <= high[at]
    # then: four standard errors around
    assert {name: count for name, count in held.items() if not 0.86 * runs <= count <= 0.998 * runs} == {}


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 5), st.sampled_from([1, None]))
def test_a_resample_is_what_its_rows_tell(seed, classes, digits) -> None:
    told = answers(*classified(seed, 400, classes, unknown=0.1, digits=digits))
    weights = np.random.default_rng(seed).multinomial(len(told), np.full(len(told), 1 / len(told)))
    rows = np.repeat(np.arange(len(told)), weights)
    drawn = told.chosen(rows)

    def figure(name):
        measure = measure_of(name, told)
        return float(measure.formula(np.asarray(measure.sums @ weights.astype(float)[:, None]))[0, 0])

    assert figure("f1_macro") == pytest.approx(theirs.f1_score(drawn.truth, drawn.said, average="macro"))
    known = drawn.chosen(drawn.known)
    shares = known.probabilities if classes > 2 else known.probabilities[:, 1]
    # In 256 levels pairs of the same level count half.
    assert figure("roc_auc") == pytest.approx(theirs.roc_auc_score(known.truth, shares, multi_class="ovr"), abs=2e-3)
    loss = theirs.log_loss(known.truth, known.probabilities, labels=range(classes))
    assert figure("log_loss") == pytest.approx(loss)


@pytest.mark.parametrize("metric", ["f1_macro", "balanced_accuracy", "log_loss", "roc_auc"])
def test_within_a_group_it_is_the_figure_of_its_rows(metric) -> None:
    told = answers(*classified(4, 600, 3, digits=2))
    groups = Groups(("a", "b"), np.random.default_rng(1).integers(-1, 2, 600))
    measure = within(measure_of(metric, told), groups)
    found = measure.formula(np.asarray(measure.sums.sum(axis=1)))[:, 0]
    expected = [measure_of(metric, told.chosen(groups.places == at)).values[0] for at in range(2)]
    np.testing.assert_allclose(found, expected, atol=1e-9 if metric != "roc_auc" else 1e-3)


def test_chunks_do_not_change_what_is_drawn(monkeypatch) -> None:
    told = answers(*classified(4, 300, 3))
    (whole,) = resampled([overall(told)], 300, seed=3)
    monkeypatch.setattr("gyre.evaluation.resamples._MOST_CELLS", 5_000)
    (parts,) = resampled([overall(told)], 300, seed=3)
    np.testing.assert_array_equal(whole, parts)
    assert whole.shape == (6, 1_000)


def test_a_figure_that_most_resamples_cannot_tell_has_no_interval() -> None:
    figures = np.array([[1.0, 2.0, np.nan, np.nan], [1.0, np.inf, 3.0, 5.0]])
    low, high = interval(figures)
    assert np.isnan([low[0], high[0]]).all()
    assert 1 <= low[1] < high[1] <= 5


@pytest.mark.parametrize("rows", [0, 1, 2])
def test_hardly_any_rows(rows) -> None:
    told = answers(*classified(4, rows, 3))
    measures = [overall(told, each=True), ranks(told)]
    for drawn in resampled(measures, rows, seed=1):
        interval(drawn)
