"""One candidate, cross-validated: as good as it is on rows that it was not fitted to."""

import math
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from gyre.bundle.predict import Predictions
from gyre.bundle.scores import Floats
from gyre.errors import Invalid, NotFound
from gyre.evaluation.metric import metric_of, metric_value
from gyre.evaluation.targets import Targets
from gyre.features.compute import Array
from gyre.run_folder import RunFolder
from gyre.spec.model import ModelSpec
from gyre.training.calibration import calibrated
from gyre.training.candidates import Planned, Scored, gain, keep_scored, read_plan, read_scored
from gyre.training.estimators import Entry
from gyre.training.fitting import Candidate, checked_entry, fit_model, with_class_weights
from gyre.training.rows import PartRows
from gyre.training.scores import raw_scores
from gyre.training.warm import PreparedFold, PreparedRows, WarmRows

# A candidate is given up when it is behind the best, on the same first folds, by so many deviations of the best over
# its folds; or when it had to be ahead by so many, on each fold that is left, to be as good at the end.
_BEHIND, _TO_MAKE_UP = 3.0, 1.0
# Both at least by this share of the score: folds may happen to be alike.
_SHARE = 0.05


def score(
    spec: ModelSpec, rows: PartRows, number: int, folder: RunFolder,
    weights: Array | None = None, warm: WarmRows | None = None,
) -> Scored:  # fmt: skip
    """Scores a planned candidate and keeps the result, be it a failure; one that is kept already is the answer.
    `weights` are of the rows; what is `warm` makes the next candidate cheaper, and changes nothing."""
    try:
        return read_scored(number, folder)
    except NotFound:
        plan = read_plan(folder)
    planned = plan.planned(number)
    candidate, metric = planned.candidate, metric_of(spec)
    nothing = Scored(number, planned.round, candidate.estimator, candidate.parameters, metric)
    started = time.perf_counter()
    try:
        entry = checked_entry(spec, candidate)
        prepared = (warm or WarmRows()).of(spec, rows, plan.search.folds)
        found = _cross_validated(_Folded(prepared, entry, planned, metric, weights), nothing)
    except Invalid as error:
        found = replace(nothing, failed=error.message, field=error.field)
    found = replace(found, seconds=round(time.perf_counter() - started, 3))
    keep_scored(found, folder)
    return found


class _Folded:
    """A candidate on one fold after the other."""

    def __init__(
        self, prepared: PreparedRows, entry: Entry, planned: Planned, metric: str, weights: Array | None
    ) -> None:  # fmt: skip
        self.prepared, self.planned, self.metric = prepared, planned, metric
        self._entry, self._candidate = entry, planned.candidate
        self._weights = weights
        training = prepared.spec.training
        # With class weights a calibration has them, too, and few labels move; without, more do where a class is rare.
        # Still it would cost each fold a fifth of its rows, so only a metric that judges nothing but probabilities
        # sees those that will be told.
        self._method = training.calibrate if metric == "log_loss" and prepared.truth.classes else "none"

    def score(self, at: int) -> float:
        """On one fold; NaN if it cannot tell."""
        fold = self.prepared.fold(
            at, self._entry, self._candidate.estimator, calibrated=self._method != "none"
        )  # fmt: skip
        truth = self.prepared.truth
        found = self._predicted(fold, truth)
        answer = found.values if found.probabilities is None else found.probabilities
        if answer is None or not np.isfinite(answer).all():
            raise Invalid(f"{_told(self._candidate)} answers with what is no number, on fold {at + 1}.")
        value = metric_value(self.metric, Targets(truth.classes, truth.values[fold.judge]), found)
        if math.isinf(value):
            raise Invalid(f"{_told(self._candidate)} is endlessly wrong: {self.metric} is {value} on fold {at + 1}.")
        return value

    def _predicted(self, fold: PreparedFold, truth: Targets) -> Predictions:
        values = truth.values[fold.on]
        weights, held = self._weighed(fold, truth)
        present = np.unique(values)
        if truth.classes and len(present) == 1:  # there is nothing to fit, and nothing else to answer
            return _as_predictions(truth, np.ones((len(fold.judge), 1)), present)
        model = fit_model(
            self._entry, self._candidate, fold.fit_rows, values, weights, self.prepared.spec.training.seed
        )  # fmt: skip
        if not truth.classes:
            return Predictions(values=np.asarray(model.predict(fold.judge_rows), dtype=np.float64))
        if self._method == "none" or not len(fold.off):
            return _as_predictions(truth, model.predict_proba(fold.judge_rows), present)
        unit = self._entry.score
        curve = calibrated(self._method, raw_scores(model, fold.off_rows, unit), truth.values[fold.off], held)
        return _as_predictions(truth, curve.probabilities(raw_scores(model, fold.judge_rows, unit)), present)

    def _weighed(self, fold: PreparedFold, truth: Targets) -> tuple[Array | None, Array | None]:
        """What the rows to fit on count, and those to calibrate on: by the classes of both, as in `fit`."""
        both = np.concatenate([fold.on, fold.off])
        weights = None if self._weights is None else self._weights[both]
        weights = with_class_weights(self.prepared.spec, truth.values[both], weights)
        return (None, None) if weights is None else (weights[: len(fold.on)], weights[len(fold.on) :])


def _cross_validated(folded: _Folded, nothing: Scored) -> Scored:
    count = len(folded.prepared.folds)
    values: list[float] = []
    with threadpool_limits(1):  # candidates are scored side by side
        for at in range(count):
            values.append(folded.score(at))
            if at + 1 < count and hopeless(folded.metric, values, folded.planned.to_beat):
                break
    told = [each for each in values if not math.isnan(each)]
    if not told:
        raise Invalid(f"{folded.metric} cannot be told on any fold: each holds too few rows or classes.")
    notes = list(folded.prepared.folds.told)
    if len(told) < len(values):
        notes.append(f"{folded.metric} cannot be told on {len(values) - len(told)} of {len(values)} folds.")
    return replace(
        nothing, mean=float(np.mean(told)), deviation=float(np.std(told)), told=tuple(notes),
        scores=tuple(None if math.isnan(each) else each for each in values), stopped_early=len(values) < count,
    )  # fmt: skip


def hopeless(metric: str, values: Sequence[float], to_beat: Sequence[float | None]) -> bool:
    """Whether a candidate is so far behind the best of earlier rounds, on the folds that both have seen, that the other
    folds cannot be expected to make up for it."""
    pairs = [
        (value, best)
        for value, best in zip(values, to_beat, strict=False)
        if best is not None and not math.isnan(value)
    ]  # fmt: skip
    known = [best for best in to_beat if best is not None]
    if not pairs or len(known) < len(to_beat):
        return False
    behind = -float(np.mean([gain(metric, value, best) for value, best in pairs]))
    to_make_up = behind * len(values) / max(1, len(to_beat) - len(values))
    deviation, least = float(np.std(known)), _SHARE * abs(float(np.mean(known)))
    return behind > max(_BEHIND * deviation, least) or to_make_up > max(_TO_MAKE_UP * deviation, least)


def _as_predictions(truth: Targets, found: Any, present: Array) -> Predictions:
    """Probabilities of all classes: those that no row of the fold taught are not likely at all."""
    probabilities: Floats = np.zeros((len(found), len(truth.classes)))
    probabilities[:, present] = found
    names = np.array([*truth.classes, None], dtype=object)[:-1]
    return Predictions(labels=names[probabilities.argmax(axis=1)], probabilities=probabilities)


def _told(candidate: Candidate) -> str:
    told = ", ".join(f"{name}={value!r}" for name, value in candidate.parameters.items())
    return f"{candidate.estimator}({told})"
