"""How well the model does: estimated while nobody knows the truth, realised once somebody does.

Classes: accuracy, F1 and the area under the ROC curve; of two classes F1 is that of the second one, of more it is the
mean over classes. Regression: mean absolute and root mean squared error. The metric of model.yaml is the watched one;
where NannyML has no such, the nearest: F1 for balanced accuracy, ROC AUC for log loss, root mean squared error for r2.
"""

import math
from collections.abc import Iterator, Mapping

import numpy as np

from gyre.evaluation.metric import higher_is_better
from gyre.monitoring.analysis.estimated import estimate
from gyre.monitoring.analysis.measuring import LEAST_ROWS, Course, Figure, Way, metrics_of
from gyre.monitoring.analysis.parts import Part
from gyre.monitoring.analysis.realised import expected, realise, rows_for
from gyre.monitoring.analysis.scored import scored
from gyre.monitoring.analysis.spread import as_likely, standard_error
from gyre.monitoring.found import Performance, Performances, Point
from gyre.monitoring.side import Pair

LEAST_OF_A_CLASS = 20
"""With fewer rows of any class neither F1 nor ROC AUC decides: accuracy does, in their place."""
SURE = 3.0902
"""So many standard errors a fall must be: chance alone does that in 1 of 1,000 windows."""
ERRORS = frozenset({"rmse", "mae"})
_WITHIN = 1.96
_IN_PLACE = "accuracy"
_MOST_NAMES = 3


def performance(pair: Pair) -> Performances:
    """Every metric both ways; one that cannot be told says why."""
    reference = scored(pair, pair.reference).labelled
    then = expected(pair, reference)
    ways = (estimate(pair, reference), realise(pair, reference))
    return Performances(figures=tuple(each for way in ways for each in _judged(pair, way, then)))


def _judged(pair: Pair, way: Way, then: Mapping[str, float]) -> Iterator[Performance]:
    """What one way told. One metric decides: the watched one, or accuracy where that one has no figure to trust."""
    metrics = metrics_of(pair)
    told = {metric: _told(metric, way, then.get(metric, math.nan)) for metric in metrics}
    first, watched = told[metrics[0]], metrics[0]
    unsure = _unsure(first.metric, way) or (first.because if first.value is None else None)
    if unsure and way.courses and _IN_PLACE in told:
        watched = _IN_PLACE
        because = f"{unsure}; {_IN_PLACE} is watched in its place"
        told[first.metric] = first.model_copy(update={"because": because})
    limit = pair.spec.monitoring.performance_drop
    fallen = _fallen(told[watched], way, limit)
    told[watched] = told[watched].model_copy(update={"limit": limit, "fallen": fallen})
    yield from told.values()


def _told(metric: str, way: Way, then: float) -> Performance:
    course = way.courses.get(metric, Course())
    value = _known(course.whole.value)
    notes = [each for each in (way.because, course.because) if each]
    if value is None and not notes:
        notes.append(_unsure(metric, way) or "the rows are of one class alone, or predicted to be")
    if value is not None and math.isnan(then):
        notes.append(f"there is no such figure of the reference, or from fewer than {LEAST_ROWS} rows")
    low, high = _interval(metric, course.whole)
    return Performance(
        metric=metric, how=way.how, by=way.by, expected=_known(then), value=value, low=low, high=high, rows=course.rows,
        fall=None if value is None else _fall(metric, then, value), because="; ".join(notes) or None,
        points=tuple(_point(metric, part, figure) for part, figure in course.parts),
    )  # fmt: skip


def _point(metric: str, part: Part, figure: Figure) -> Point:
    low, high = _interval(metric, figure)
    return Point(start=part.start, end=part.end, rows=len(part), value=_known(figure.value), low=low, high=high)


def _interval(metric: str, figure: Figure) -> tuple[float | None, float | None]:
    """95 %, as far as the metric goes."""
    most = 1.0 if higher_is_better(metric) else math.inf
    low, high = (figure.value + sign * _WITHIN * figure.error for sign in (-1, 1))
    return (None, None) if math.isnan(low) else (_known(max(low, 0.0)), _known(min(high, most)))


def _fall(metric: str, then: float, now: float) -> float | None:
    """In points; of errors in proportion, and none where there was no error to compare with."""
    if higher_is_better(metric):
        return _known(then - now)
    return _known(now / then - 1) if then else None


def _fallen(told: Performance, way: Way, limit: float) -> bool:
    """It matters, and it is more than chance."""
    if told.value is None or told.expected is None:
        return False
    worse = told.expected - told.value if higher_is_better(told.metric) else told.value - told.expected
    matters = worse > 0 and (told.fall is None or told.fall >= limit)
    return matters and worse >= SURE * _error(told, way)


def _error(told: Performance, way: Way) -> float:
    """Of the difference. A side that happened to do well looks surer than it is: that of the other counts for both,
    where it is greater."""
    reference, window = rows_for(told.metric, way.reference), rows_for(told.metric, way.window)
    then, now = len(reference), len(window)
    of_one = standard_error(told.metric, reference) * math.sqrt(then)
    if way.how == "realised":
        other = standard_error(told.metric, window) * math.sqrt(now)
    elif told.metric in ERRORS:
        # DLE tells no error of a single row; errors that are greater differ as much more from one another.
        other = of_one * told.value / told.expected if told.value and told.expected else of_one
    else:
        other = standard_error(told.metric, as_likely(window)) * math.sqrt(now)
    return max(of_one, other) * math.sqrt(1 / then + 1 / now)


def _unsure(metric: str, way: Way) -> str | None:
    """Why a metric that needs rows of every class is not to be trusted."""
    if metric not in ("f1", "roc_auc"):
        return None
    looked_at = [("reference", "labelled", way.reference.truth)]
    if way.how == "realised":
        looked_at.append(("window", "labelled", way.window.truth))
    elif metric == "f1":
        looked_at += [("reference", "predicted", way.reference.said), ("window", "predicted", way.window.said)]
    classes = way.reference.classes
    for side, how, codes in looked_at:
        counts = np.bincount(codes.astype(np.int64), minlength=len(classes))
        few = [name for name, count in zip(classes, counts, strict=False) if count < LEAST_OF_A_CLASS]
        if few:
            names = ", ".join(few[:_MOST_NAMES]) + (", ..." if len(few) > _MOST_NAMES else "")
            return f"fewer than {LEAST_OF_A_CLASS} rows of the {side} are {how} {names}"
    return None


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None
