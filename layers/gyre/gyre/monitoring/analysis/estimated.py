"""Metrics of rows whose truth nobody knows yet, by NannyML's estimators. Classes by confidence (CBPE): probabilities,
calibrated on the reference, tell how often predictions are right. Numbers by learned losses (DLE): a model of the
reference's errors tells those of other rows."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from gyre.monitoring.analysis.measuring import (
    LEAST_ROWS,
    Course,
    Measure,
    Way,
    asked_of,
    cuts_of,
    failures,
    is_regression,
    lacking,
    metrics_of,
    quietly,
    sample,
)
from gyre.monitoring.analysis.nanny import nannyml
from gyre.monitoring.analysis.scored import Scored, scored
from gyre.monitoring.found import Kind
from gyre.monitoring.side import Pair, Side, names, numbers

LOSS_ROWS = 10_000
"""So many rows of the reference teach DLE."""
MOST_ROWS = 100_000
"""Of a larger reference or window, CBPE looks at a sample of so many rows."""
# LightGBM's own settings otherwise: one thread and a fixed order of sums, so that the same rows give the same figure.
_LEARNER: Mapping[str, Any] = {
    "n_jobs": 1, "deterministic": True, "force_row_wise": True, "random_state": 7, "verbose": -1,
}  # fmt: skip


def estimate(pair: Pair, labelled: Scored, loss_rows: int = LOSS_ROWS) -> Way:
    """Of the window; the reference's rows with labels are `labelled`."""
    every = scored(pair, pair.window)
    if is_regression(pair):
        way = Way("estimated", "DLE", sample(labelled, loss_rows), every)
    else:
        known = _without_loners(labelled.in_classes.with_chances)
        way = Way("estimated", "CBPE", sample(known, MOST_ROWS), sample(every.with_chances, MOST_ROWS))
    if why := lacking(pair, every) or _lacking(pair, labelled, way):
        return way.without(why)
    try:
        with quietly():
            courses = _by_loss(pair, way) if is_regression(pair) else _by_confidence(pair, way)
    except failures() as error:
        return way.without(f"NannyML could not tell: {error}")
    lost = 0 if is_regression(pair) else len(every) - len(every.with_chances)
    note = f"{lost:,} rows without probabilities are left out" if lost else None
    return Way("estimated", way.by, way.reference, way.window, courses, note)


def _by_confidence(pair: Pair, way: Way) -> Mapping[str, Course]:
    metrics = metrics_of(pair)
    # A class that the reference never saw has no area under a curve, and NannyML refuses all metrics for it.
    if len(np.unique(way.reference.truth)) < len(pair.classes):
        metrics = tuple(each for each in metrics if each != "roc_auc")
    estimator = nannyml().CBPE(metrics=list(metrics), **asked_of(pair.classes))
    measure = Measure(estimator.fit(way.reference.frame()), metrics)
    return measure.of(way.window.frame().drop(columns="truth"), cuts_of(pair, way.window))


def _by_loss(pair: Pair, way: Way) -> Mapping[str, Course]:
    shared = pair.reference.columns.keys() & pair.window.columns.keys()
    kinds = {name: kind for name, kind in pair.features.items() if kind != "text" and name in shared}
    codes = {name: _codes(pair, name) for name, kind in kinds.items() if kind == "category"}
    reference = _with_features(way.reference, pair.reference, kinds, codes)
    window = _with_features(way.window, pair.window, kinds, codes).drop(columns="truth")
    features = [each for each in window.columns if each != "said"]
    metrics = metrics_of(pair)
    estimator = nannyml().DLE(
        metrics=list(metrics), feature_column_names=features, hyperparameters=dict(_LEARNER), **asked_of(())
    )
    return Measure(estimator.fit(reference), metrics).of(window, cuts_of(pair, way.window))


def _with_features(rows: Scored, side: Side, kinds: Mapping[str, Kind], codes: Mapping[str, Mapping[Any, int]]) -> Any:
    """The frame, and the features as `feature_0` and so on, since LightGBM takes no signs in names. Categories are
    numbers that DLE takes for categories: of texts pandas makes what its imputer cannot read."""
    frame = rows.frame()
    for at, (name, kind) in enumerate(kinds.items()):
        values = side.columns[name][rows.places]
        if kind == "category":
            frame[f"feature_{at}"] = np.array([codes[name][each] for each in names(values)], dtype=object)
        else:
            frame[f"feature_{at}"] = numbers(values)
    return frame


def _codes(pair: Pair, name: str) -> dict[Any, int]:
    """A number for each category of either side, in the order of their names; a gap is one, too."""
    both = {each for side in (pair.reference, pair.window) for each in names(side.columns[name])}
    return {each: at for at, each in enumerate(sorted(both, key=lambda each: (each is not None, each)))}


def _without_loners(rows: Scored) -> Scored:
    """Without classes of one row: a calibration that is checked on rows it has not seen needs two."""
    counts = np.bincount(rows.truth.astype(np.int64), minlength=len(rows.classes) + 1)
    return rows.chosen(counts[rows.truth.astype(np.int64)] > 1)


def _lacking(pair: Pair, labelled: Scored, way: Way) -> str | None:
    """What keeps an estimate from being made."""
    if pair.reference.label is None:
        return "the reference has no labels"
    if pair.reference.prediction is None:
        return "the reference has no predictions"
    if not is_regression(pair):
        for side, name in ((labelled, "reference"), (way.window, "window")):
            if side.chances is None:
                return f"the {name} has no probabilities"
    for rows, told in ((way.reference, "of the reference have all that is needed"), (way.window, "of the window")):
        if len(rows) < LEAST_ROWS:
            return f"{len(rows)} rows {told}; {LEAST_ROWS} are needed"
    return None
