"""Every figure as sums over rows and a formula over the sums."""

from collections.abc import Sequence

import numpy as np
from scipy.stats import rankdata  # type: ignore[import-untyped]

from gyre.bundle.scores import Floats
from gyre.evaluation.answers import Answers, Places
from gyre.evaluation.metric import areas_by_class, losses
from gyre.evaluation.rates import areas, by_class, divided, mean_where, of_errors, over_classes
from gyre.evaluation.resamples import Measure, adding
from gyre.features.compute import Array
from gyre.spec.base import class_name

OVERALL = ("accuracy", "balanced_accuracy", "f1_macro", "f1_weighted", "precision_macro", "recall_macro")
EACH = ("precision", "recall", "f1")
ERRORS = ("rmse", "mae", "r2", "bias")
BINS = 10
# Above so many classes areas have no intervals: a resample would sort every row once for each class.
MOST_RANKED = 30
_LEVELS = 256


def measure_of(metric: str, told: Answers) -> Measure:
    """The measure of one metric."""
    if metric in OVERALL:
        return overall(told, (metric,))
    if metric in ERRORS:
        return errors(told, (metric,))
    return ranks(told, each=False) if metric == "roc_auc" else likelihoods(told, ("log_loss",))


def overall(told: Answers, names: Sequence[str] = OVERALL, *, each: bool = False) -> Measure:
    """What is computed from how many rows of each class were told right; with `each`, also by class."""
    width = len(told.classes) + 1
    by = tuple(f"{figure}.{class_name(name)}" for figure in EACH for name in told.classes) if each else ()
    right = np.where(told.truth == told.said, told.truth, -1)

    def formula(sums: Floats) -> Floats:
        true = sums.reshape(3, width, -1)
        found = over_classes(true[0], true[1], true[2])
        wanted = [np.stack([found[name] for name in names])]
        if by:
            figures = by_class(true[0], true[1], true[2])
            wanted += [figures[figure][:-1] for figure in EACH]
        return np.concatenate(wanted)

    return Measure(
        (*names, *by), adding((right, width + told.truth, 2 * width + told.said), (1.0, 1.0, 1.0), 3 * width), formula
    )


def ranks(told: Answers, *, each: bool = True) -> Measure:
    """Areas under ROC curves. Values are exact; resamples take scores together in 256 levels."""
    exact = areas_by_class(told)
    whole = mean_where(exact, ~np.isnan(exact))
    names = ("roc_auc", *(f"roc_auc.{class_name(name)}" for name in told.classes)) if each else ("roc_auc",)
    values = np.array([whole, *exact]) if each else np.array([whole])
    count = len(told.classes)
    if told.probabilities is None or count > MOST_RANKED or np.isnan(exact).all():
        return _unsure(names, values, len(told))
    classes = (1,) if count == 2 else tuple(range(count))
    places = []
    for at, place in enumerate(classes):
        level = np.full(len(told), -1)
        level[told.known] = _levels(told.probabilities[told.known, place])
        positive = told.truth == place
        places.append(np.where(level < 0, -1, (2 * at + positive) * _LEVELS + level))

    def formula(sums: Floats) -> Floats:
        table = sums.reshape(len(classes), 2, _LEVELS, -1)
        found = np.stack([areas(kinds[1], kinds[0]) for kinds in table])
        macro = mean_where(found, ~np.isnan(found))[None]
        if not each:
            return macro
        return np.concatenate([macro, np.repeat(found, 2, axis=0) if count == 2 else found])

    sums = adding(places, [1.0] * len(places), 2 * _LEVELS * len(classes))
    return Measure(names, sums, formula, exact=values)


def likelihoods(told: Answers, names: Sequence[str] = ("log_loss", "brier")) -> Measure:
    """The mean of what each row costs. Brier's score of two classes is of the second alone, as everybody tells it."""
    if told.probabilities is None:
        return _unsure(tuple(names), np.full(len(names), np.nan), len(told))
    costs = np.zeros((2, len(told)))
    costs[0, told.known] = losses(told)
    wrong = told.probabilities - (np.arange(len(told.classes)) == told.truth[:, None])
    costs[1] = np.square(wrong[:, 1]) if len(told.classes) == 2 else np.square(wrong).sum(axis=1)
    at = [("log_loss", "brier").index(name) for name in names]

    def formula(sums: Floats) -> Floats:
        return np.stack([divided(sums[1 + place], sums[0]) for place in at])

    there = np.where(told.known, 0, -1)
    return Measure(
        tuple(names), adding((there, there + told.known, there + 2 * told.known), (1.0, costs[0], costs[1]), 3), formula
    )


def confidences(told: Answers) -> Measure:
    """How far confidence and accuracy are apart, over ten bins of confidence (expected calibration error)."""
    if told.probabilities is None:
        return _unsure(("calibration_error",), np.full(1, np.nan), len(told))
    confidence = told.probabilities.max(axis=1)
    place = np.where(told.known, bins_of(confidence), -1)
    right = np.asarray(told.truth == told.said, dtype=np.float64)

    def formula(sums: Floats) -> Floats:
        rows, gaps = sums[:BINS].sum(axis=0), np.abs(sums[BINS:]).sum(axis=0)
        return divided(gaps, rows)[None]

    beside = np.where(place < 0, -1, place + BINS)
    return Measure(("calibration_error",), adding((place, beside), (1.0, right - confidence), 2 * BINS), formula)


def errors(told: Answers, names: Sequence[str] = ERRORS) -> Measure:
    """What is computed from sums of errors."""
    with np.errstate(over="ignore", invalid="ignore"):
        error = told.values - told.numbers
        true = told.numbers - (told.numbers.mean() if len(told) else 0.0)
        amounts: list[Array | float] = [1.0, error, np.abs(error), error**2, true, true**2]

    def formula(sums: Floats) -> Floats:
        found = of_errors(sums[0], sums[1], sums[2], sums[3], sums[4], sums[5])
        return np.stack([found[name] for name in names])

    places = [np.full(len(told), at) for at in range(len(amounts))]
    return Measure(tuple(names), adding(places, amounts, len(amounts)), formula)


def middle_error(told: Answers) -> Measure:
    """The median of absolute errors. The value is exact; resamples choose among 256 levels of errors."""
    error = np.abs(told.values - told.numbers)
    exact = np.array([np.median(error) if len(error) else np.nan])
    if not len(error) or not np.isfinite(error).all():
        return _unsure(("median_absolute_error",), exact, len(told))
    level = _levels(error)
    counts = np.bincount(level, minlength=_LEVELS)
    of_level = np.bincount(level, weights=error, minlength=_LEVELS) / np.maximum(counts, 1)

    def formula(sums: Floats) -> Floats:
        reached = np.cumsum(sums, axis=0)
        return np.asarray(of_level[(reached >= reached[-1] / 2).argmax(axis=0)])[None]

    return Measure(("median_absolute_error",), adding((level,), (1.0,), _LEVELS), formula, exact=exact)


def bins_of(shares: Floats) -> Places:
    """By value between 0 and 1 its bin, each with its upper end."""
    return np.asarray(np.clip(np.ceil(np.nan_to_num(shares) * BINS) - 1, 0, BINS - 1), dtype=np.int64)


def _levels(values: Floats) -> Places:
    """Equal values share a level, and levels rise with values."""
    found, level = np.unique(values, return_inverse=True)
    if len(found) <= _LEVELS:
        return np.asarray(level, dtype=np.int64)
    return np.asarray((rankdata(values) - 0.5) / len(values) * _LEVELS, dtype=np.int64)


def _unsure(names: tuple[str, ...], values: Floats, rows: int) -> Measure:
    """Figures without intervals."""
    nothing = adding((np.full(rows, -1),), (1.0,), 1)
    return Measure(names, nothing, lambda sums: np.full((len(names), sums.shape[-1]), np.nan), exact=values)
