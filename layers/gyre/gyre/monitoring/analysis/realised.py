"""Metrics of rows whose truth is known, by NannyML's calculator."""

from gyre.monitoring.analysis.measuring import (
    LEAST_ROWS,
    Course,
    Measure,
    Way,
    asked_of,
    cuts_of,
    failures,
    lacking,
    metrics_of,
    quietly,
)
from gyre.monitoring.analysis.nanny import nannyml
from gyre.monitoring.analysis.parts import Part
from gyre.monitoring.analysis.scored import Scored, scored
from gyre.monitoring.side import Pair


def expected(pair: Pair, labelled: Scored) -> dict[str, float]:
    """By metric, what it is over the labelled rows of the reference; nothing of fewer than are needed."""
    if len(pair.classes) == 1:
        return {}
    rows = {metric: rows_for(metric, labelled) for metric in metrics_of(pair)}
    return {metric: _course(metric, each, each).whole.value for metric, each in rows.items() if len(each) >= LEAST_ROWS}


def realise(pair: Pair, labelled: Scored) -> Way:
    """From the labelled rows of the window; those of the reference are `labelled`."""
    every = scored(pair, pair.window)
    window = every.labelled
    way = Way("realised", "labels", labelled, window)
    if why := lacking(pair, every):
        return way.without(why)
    if len(window) < LEAST_ROWS:
        told = (
            ("no row of the window is", "1 row of the window is")[len(window)]
            if len(window) < 2
            else (f"{len(window)} rows of the window are")
        )
        return way.without(f"{told} labelled; {LEAST_ROWS} are needed")
    courses = {}
    for metric in metrics_of(pair):
        rows, then = rows_for(metric, window), rows_for(metric, labelled)
        # Without a reference there are figures all the same; their sampling error is that of the window itself.
        courses[metric] = _course(metric, then if len(then) >= LEAST_ROWS else rows, rows, cuts_of(pair, rows))
    note = f"{window.strange:,} labels are no class of the model: they count as wrong" if window.strange else None
    return Way("realised", "labels", labelled, window, courses, note)


def rows_for(metric: str, rows: Scored) -> Scored:
    """What a metric is computed from: a label that is no class makes a wrong prediction, and no rank."""
    return rows.in_classes.with_chances if metric == "roc_auc" else rows


def _course(metric: str, reference: Scored, rows: Scored, cuts: tuple[Part, ...] = ()) -> Course:
    if metric == "roc_auc" and rows.chances is None:
        return Course(because="there are no probabilities")
    if not len(rows):
        return Course(because="no row has a label that is a class of the model, and probabilities")
    asked = {"problem_type": "regression", **asked_of(rows.classes)}
    calculator = nannyml().PerformanceCalculator(metrics=[metric], **asked)
    try:
        with quietly():
            return Measure(calculator.fit(reference.frame()), (metric,)).of(rows.frame(), cuts)[metric]
    except failures() as error:
        return Course(because=f"NannyML could not tell: {error}")
