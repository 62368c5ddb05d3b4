"""How good a model is on rows it has not seen: figures with intervals, curves, and slices."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from gyre.bundle.format import Class
from gyre.bundle.predict import Predictions
from gyre.evaluation.answers import Answers, answers
from gyre.evaluation.curves import Bin, Confusion, Curve, calibration, confusion, curves
from gyre.evaluation.measures import confidences, errors, likelihoods, middle_error, overall, ranks
from gyre.evaluation.metric import metric_of
from gyre.evaluation.plain import number, plain
from gyre.evaluation.resamples import Measure, interval, resampled
from gyre.evaluation.residuals import Residuals, residuals
from gyre.evaluation.slices import Slices, sliced
from gyre.evaluation.targets import Targets
from gyre.features.compute import Array
from gyre.spec.model import ModelSpec

_CALIBRATION = "calibration_error"


@dataclass(frozen=True)
class Figure:
    """A figure and its 95 % interval; None where it cannot be told."""

    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Evaluation:
    """What was found. `to_json` has these fields by these names; see them for what they hold."""

    task: str
    metric: str
    """The one the search made best."""
    rows: int
    unknown_rows: int
    """Rows whose true class the model does not know: wrong answers, and left out of what needs probabilities."""
    classes: tuple[Class, ...]
    class_counts: tuple[int, ...]
    """Rows of each class."""
    figures: Mapping[str, Figure]
    """By name, as gates name them: f1_macro, recall.<class>, rmse …; true and false are written small."""
    confusion: Confusion | None
    curves: tuple[Curve, ...]
    calibration: tuple[Bin, ...]
    """Of the answer that was given; each curve has its class's own."""
    residuals: Residuals | None
    slices: Slices

    @property
    def values(self) -> Mapping[str, float]:
        """The figures that have a value."""
        return {name: each.value for name, each in self.figures.items() if each.value is not None}

    def to_json(self) -> dict[str, Any]:
        """For a file: {task, metric, rows, unknown_rows, classes, class_counts, figures: {<name>: {value, low, high}},
        confusion: {classes, matrix, others, unknown, most_confused}, curves: [{name, rows, area, average_precision,
        roc, precision_recall, calibration}], calibration: [{low, high, rows, confidence, accuracy}], residuals:
        {quantiles, bands, edges, counts, grid_edges, grid}, slices: {slices: [{column, value, rows, metric, low, high,
        beside, worse}], too_few, left_out}}. What a task does not have is null or empty; there is no NaN."""
        told: dict[str, Any] = plain(self)
        return told


def evaluate(
    spec: ModelSpec, truth: Targets, found: Predictions, slices_by: Mapping[str, Array], *, seed: int
) -> Evaluation:
    """Everything about these answers. A figure that cannot be told (one class only, no rows) has no value."""
    told = answers(truth, found)
    metric = metric_of(spec)
    count = len(told.classes)
    counts = np.bincount(told.truth, minlength=count + 1) if count else np.zeros(1, dtype=np.int64)
    return Evaluation(
        task=spec.task,
        metric=metric,
        rows=len(told),
        unknown_rows=int(counts[count]) if count else 0,
        classes=told.classes,
        class_counts=tuple(counts[:count].tolist()),
        figures=dict(_figures(told, seed)),
        confusion=confusion(told) if count else None,
        curves=curves(told) if count else (),
        calibration=calibration(told),
        residuals=None if count else residuals(told),
        slices=sliced(spec, metric, told, slices_by, seed=seed),
    )


def values_of(truth: Targets, found: Predictions) -> dict[str, float]:
    """The figures alone that have a value, without saying how sure they are."""
    named = (
        (name, number(value))
        for each in _measures(answers(truth, found))
        for name, value in zip(each.names, each.values, strict=True)
    )
    return {name: value for name, value in named if value is not None}


def _figures(told: Answers, seed: int) -> Iterator[tuple[str, Figure]]:
    measures = _measures(told)
    for measure, drawn in zip(measures, resampled(measures, len(told), seed=seed), strict=True):
        low, high = interval(drawn)
        values = measure.values
        if measure.names == (_CALIBRATION,):
            # Drawing rows twice tears confidence and accuracy further apart than they are: the interval is mirrored.
            low, high = np.maximum(0.0, 2 * values - high), np.maximum(values, 2 * values - low)
        for name, *figure in zip(measure.names, values, low, high, strict=True):
            yield name, Figure(*(number(each) for each in figure))


def _measures(told: Answers) -> list[Measure]:
    if not told.classes:
        return [errors(told), middle_error(told)]
    return [overall(told, each=True), ranks(told), likelihoods(told), confidences(told)]
