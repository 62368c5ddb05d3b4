"""How far chance alone moves a metric: its standard error, from what each row adds to it.

NannyML's own sampling errors take the classes of F1 for independent, and of the area under the ROC curve they know the
rarer class alone; they are shown, and these here decide.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
from scipy.stats import rankdata  # type: ignore[import-untyped]

from gyre.monitoring.analysis.scored import Mask, Numbers, Scored

# Two rows right and two wrong that nobody saw: else twenty right answers would leave no doubt (Agresti and Coull).
_UNSEEN_ROWS = 4
_SEED = 7


def standard_error(metric: str, rows: Scored) -> float:
    """Of the metric over these labelled rows; NaN where it cannot be told."""
    if len(rows) < 2:
        return math.nan
    if metric == "accuracy":
        return _of_accuracy(rows)
    with np.errstate(all="ignore"):
        adds = _ADDS[metric](rows)
        found = float(np.std(adds, ddof=1) / math.sqrt(len(adds))) if len(adds) > 1 else math.nan
    return max(found, _of_accuracy(rows)) if metric == "f1" else found


def as_likely(rows: Scored) -> Scored:
    """With truths drawn by the rows' probabilities: what labels would be like if these are right."""
    assert rows.chances is not None  # noqa: S101  # callers have looked
    drawn = np.random.default_rng(_SEED).random((len(rows), 1)) * rows.chances.sum(axis=1, keepdims=True)
    truth = (rows.chances.cumsum(axis=1) > drawn).argmax(axis=1).astype(np.float64)
    return replace(rows, truth=truth)


def _of_accuracy(rows: Scored) -> float:
    count = len(rows) + _UNSEEN_ROWS
    right = (float((rows.said == rows.truth).sum()) + _UNSEEN_ROWS / 2) / count
    return math.sqrt(right * (1 - right) / count)


def _to_f1(rows: Scored) -> Numbers:
    """F1 of a class is 2 right / (said + true); a row changes that of the class it is in and of the class it was said
    to be in. Of two classes the second counts alone."""
    count, width = len(rows.classes), len(rows.classes) + 1
    said, truth = rows.said.astype(np.int64), rows.truth.astype(np.int64)
    right = said == truth
    either = np.bincount(said, minlength=width) + np.bincount(truth, minlength=width).astype(np.float64)
    f1 = np.divide(2.0 * np.bincount(said[right], minlength=width), either, out=np.zeros(width), where=either > 0)
    weights = np.array([0.0, 1.0, 0.0]) if count == 2 else np.array([*np.full(count, 1 / count), 0.0])
    each = np.divide(len(rows) * weights, either, out=np.zeros(width), where=either > 0)
    wrong = -(each[said] * f1[said] + each[truth] * f1[truth])
    return np.asarray(np.where(right, each[said] * (2 - 2 * f1[said]), wrong))


def _to_area(rows: Scored) -> Numbers:
    """Of each row, the share of the other side's rows that it is ranked right to (DeLong 1988); the mean over
    classes."""
    rows = rows.in_classes.with_chances
    classes = range(1, 2) if len(rows.classes) == 2 else range(len(rows.classes))
    if rows.chances is None or not len(rows):
        return np.empty(0)
    adds = [_to_area_of(rows.chances[:, at], rows.truth == at) for at in classes]
    return np.asarray(np.mean(adds, axis=0))


def _to_area_of(chances: Numbers, inside: Mask) -> Numbers:
    above, below = int(inside.sum()), int((~inside).sum())
    if not above or not below:
        return np.full(len(inside), np.nan)
    ranks = rankdata(chances)
    adds = np.empty(len(chances))
    adds[inside] = (ranks[inside] - rankdata(chances[inside])) / below
    adds[~inside] = 1 - (ranks[~inside] - rankdata(chances[~inside])) / above
    area = adds[inside].mean()
    scale = np.where(inside, len(chances) / above, len(chances) / below)
    return np.asarray((adds - area) * scale)


def _to_mae(rows: Scored) -> Numbers:
    return np.abs(rows.said - rows.truth)


def _to_rmse(rows: Scored) -> Numbers:
    squares = (rows.said - rows.truth) ** 2
    root = math.sqrt(float(squares.mean()))
    return squares / (2 * root) if root else np.zeros(len(squares))


_ADDS: Mapping[str, Callable[[Scored], Numbers]] = {
    "f1": _to_f1, "roc_auc": _to_area, "mae": _to_mae, "rmse": _to_rmse,
}  # fmt: skip
