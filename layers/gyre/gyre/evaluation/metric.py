"""The one figure that a search makes best and a champion is held to."""

import math
from collections.abc import Callable, Mapping
from typing import Literal

import numpy as np
from scipy.stats import rankdata  # type: ignore[import-untyped]

from gyre.bundle.predict import Predictions
from gyre.bundle.scores import Floats
from gyre.evaluation.answers import Answers, answers
from gyre.evaluation.rates import LEAST_PROBABILITY, mean_where, of_errors, over_classes
from gyre.evaluation.targets import Targets
from gyre.spec.model import ModelSpec

Metric = Literal[
    "f1_macro", "f1_weighted", "accuracy", "balanced_accuracy", "roc_auc", "log_loss", "rmse", "mae", "r2"
]  # fmt: skip
_LOWER_IS_BETTER = frozenset({"log_loss", "rmse", "mae"})


def metric_of(spec: ModelSpec) -> Metric:
    """The declared one; else f1_macro, of a regression rmse."""
    return spec.training.metric or ("rmse" if spec.task == "regression" else "f1_macro")


def higher_is_better(metric: str) -> bool:
    """Whether more of it is good; of log_loss, rmse and mae it is not."""
    return metric not in _LOWER_IS_BETTER


def metric_value(metric: str, truth: Targets, found: Predictions) -> float:
    """The figure over all rows, NaN if it cannot be told (no row, one class only). A row whose class the model does not
    know counts as wrong, and not at all for what is computed from probabilities."""
    return of_answers(metric, answers(truth, found))


def of_answers(metric: str, told: Answers) -> float:
    """The same, of rows that stand side by side already."""
    return _METRICS[metric](told) if len(told) else math.nan


def areas_by_class(told: Answers) -> Floats:
    """By class the area under the ROC curve of one against the rest. Two classes have one curve: that of the second."""
    count = len(told.classes)
    if told.probabilities is None or not np.isfinite(told.probabilities).all():
        return np.full(count, np.nan)
    truth, known = told.truth[told.known], told.probabilities[told.known]
    if count == 2:
        return np.repeat(_area(known[:, 1], truth == 1), 2)
    return np.array([_area(known[:, at], truth == at) for at in range(count)])


def losses(told: Answers) -> Floats:
    """Of each row of a known class, minus the logarithm of what was given to the true class."""
    assert told.probabilities is not None  # noqa: S101  # callers have looked
    rows = np.flatnonzero(told.known)
    given = told.probabilities[rows, told.truth[rows]]
    return np.asarray(-np.log(np.clip(given, LEAST_PROBABILITY, 1 - LEAST_PROBABILITY)))


def _area(scores: Floats, positive: Floats) -> float:
    above = int(positive.sum())
    pairs = above * (len(positive) - above)
    if not pairs:
        return math.nan
    return float((rankdata(scores)[positive].sum() - above * (above + 1) / 2) / pairs)


def _roc_auc(told: Answers) -> float:
    found = areas_by_class(told)
    return float(mean_where(found, ~np.isnan(found)))


def _log_loss(told: Answers) -> float:
    return float(losses(told).mean()) if told.probabilities is not None and told.known.any() else math.nan


def _over_classes(name: str) -> Callable[[Answers], float]:
    def value(told: Answers) -> float:
        width = len(told.classes) + 1
        right = np.bincount(told.truth[told.truth == told.said], minlength=width).astype(np.float64)
        true, said = np.bincount(told.truth, minlength=width), np.bincount(told.said, minlength=width)
        return float(over_classes(right, true.astype(np.float64), said.astype(np.float64))[name])

    return value


def _of_errors(name: str) -> Callable[[Answers], float]:
    def value(told: Answers) -> float:
        with np.errstate(over="ignore", invalid="ignore"):
            error = told.values - told.numbers
            true = told.numbers - told.numbers.mean()
            sums = (np.array(float(each.sum())) for each in (error, abs(error), error**2, true, true**2))
            return float(of_errors(np.array(float(len(told))), *sums)[name])

    return value


_METRICS: Mapping[str, Callable[[Answers], float]] = {
    **{name: _over_classes(name) for name in ("f1_macro", "f1_weighted", "accuracy", "balanced_accuracy")},
    "roc_auc": _roc_auc,
    "log_loss": _log_loss,
    **{name: _of_errors(name) for name in ("rmse", "mae", "r2")},
}
