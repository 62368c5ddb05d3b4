"""What NannyML's calculators and estimators of performance have in common: how they are asked, and what they answer."""

import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np

from gyre.evaluation.metric import Metric, metric_of
from gyre.monitoring.analysis.nanny import nannyml
from gyre.monitoring.analysis.parts import Part, chunker, parts_of
from gyre.monitoring.analysis.scored import Scored, class_names
from gyre.monitoring.side import Pair

LEAST_ROWS = 30
"""Of fewer nothing is told."""
_SEED = 7
_REGRESSION, _CLASSES = ("rmse", "mae"), ("accuracy", "f1", "roc_auc")
_NEAREST: Mapping[Metric, str] = {
    "f1_macro": "f1", "f1_weighted": "f1", "balanced_accuracy": "f1", "accuracy": "accuracy", "roc_auc": "roc_auc",
    "log_loss": "roc_auc", "rmse": "rmse", "mae": "mae", "r2": "rmse",
}  # fmt: skip


@dataclass(frozen=True)
class Figure:
    """A metric over some rows; NaN where it cannot be told."""

    value: float = math.nan
    error: float = math.nan
    """NannyML's sampling error of it."""


@dataclass(frozen=True)
class Course:
    """A metric over the rows of a window, and over those of each part."""

    rows: int = 0
    whole: Figure = Figure()
    parts: tuple[tuple[Part, Figure], ...] = ()
    because: str | None = None
    """Why there is no figure."""


@dataclass(frozen=True)
class Way:
    """One way of telling: from what, and what it told."""

    how: Literal["estimated", "realised"]
    by: str
    reference: Scored
    """With labels."""
    window: Scored
    """The figures are of these rows."""
    courses: Mapping[str, Course] = field(default_factory=dict)
    """By metric."""
    because: str | None = None
    """Why there are no figures, or what else to know of them."""

    def without(self, because: str) -> "Way":
        return replace(self, because=because)


@dataclass(frozen=True)
class Measure:
    """A calculator or an estimator that knows its reference."""

    by: Any
    metrics: tuple[str, ...]

    def of(self, frame: Any, cuts: Sequence[Part] = ()) -> dict[str, Course]:
        """By metric; `cuts` count the frame's rows."""
        self.by.chunker = chunker(cuts)
        tell = getattr(self.by, "calculate", None) or self.by.estimate
        found = tell(frame).filter(period="analysis").data
        return {metric: _course(found[metric], len(frame), cuts) for metric in self.metrics}


def metrics_of(pair: Pair) -> tuple[str, ...]:
    """The watched one first."""
    watched = _NEAREST[metric_of(pair.spec)]
    every = _REGRESSION if is_regression(pair) else _CLASSES
    return (watched, *(each for each in every if each != watched))


def is_regression(pair: Pair) -> bool:
    return pair.spec.task == "regression"


def asked_of(classes: Sequence[str]) -> dict[str, Any]:
    """What NannyML has to know of `Scored.frame`."""
    told: dict[str, Any] = {"y_true": "truth", "y_pred": "said", "chunker": chunker()}
    if not classes:
        return told
    if len(classes) == 2:
        return {**told, "problem_type": "classification_binary", "y_pred_proba": "chance"}
    chances = {name: f"chance {name}" for name in class_names(len(classes))}
    return {**told, "problem_type": "classification_multiclass", "y_pred_proba": chances}


@contextmanager
def quietly() -> Iterator[None]:
    """What cannot be told is NaN, and is told so; no library has to warn of it as well."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield


def failures() -> tuple[type[Exception], ...]:
    """What NannyML, scikit-learn and LightGBM raise of data that they can do nothing with."""
    from lightgbm.basic import LightGBMError

    return (nannyml().exceptions.NannyMLException, LightGBMError, ValueError)


def cuts_of(pair: Pair, rows: Scored) -> tuple[Part, ...]:
    """The parts of the window, counted in those of its rows."""

    def cuts() -> Iterator[Part]:
        for part in parts_of(pair):
            first, last = np.searchsorted(rows.places, (part.first, part.last)).tolist()
            yield replace(part, first=first, last=last)

    return tuple(cuts())


def sample(rows: Scored, most: int) -> Scored:
    """So many of them at most, always the same, in their order."""
    if len(rows) <= most:
        return rows
    chosen = np.zeros(len(rows), bool)
    chosen[np.random.default_rng(_SEED).choice(len(rows), most, replace=False)] = True
    return rows.chosen(chosen)


def lacking(pair: Pair, window: Scored) -> str | None:
    """What keeps anything from being told of the window."""
    if not is_regression(pair) and len(pair.classes) < 2:
        return "fewer than two classes are known"
    if pair.window.prediction is None:
        return "the window has no predictions"
    if not len(window):
        return "no row of the window has a prediction of this model"
    return None


def _course(found: Any, rows: int, cuts: Sequence[Part]) -> Course:
    figures = [Figure(*map(float, each)) for each in zip(found["value"], found["sampling_error"], strict=True)]
    of_parts = iter(figures[1:])
    return Course(rows, figures[0], tuple((cut, next(of_parts) if len(cut) else Figure()) for cut in cuts))
