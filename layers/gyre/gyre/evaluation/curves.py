"""What a page draws: curves by class, confusion, calibration, errors. Counts and shares only, never single rows."""

from dataclasses import dataclass

import numpy as np

from gyre.bundle.format import Class
from gyre.bundle.scores import Floats
from gyre.evaluation.answers import Answers, Places
from gyre.evaluation.measures import BINS, bins_of
from gyre.evaluation.metric import areas_by_class
from gyre.evaluation.plain import number, rounded

MOST_CURVES = 20
MOST_IN_MATRIX = 50
MOST_POINTS = 100
_MOST_CONFUSED = 20


@dataclass(frozen=True)
class Confusion:
    """Rows by true class and answer."""

    classes: tuple[Class, ...]
    """Of the matrix: all, or the most frequent 50."""
    matrix: tuple[tuple[int, ...], ...]
    """A row for each true class, a column for each answer; with `others` a last one of either for all the rest."""
    others: int
    """How many classes the rest are."""
    unknown: tuple[int, ...] | None
    """How rows were answered whose class the model does not know; null if there are none."""
    most_confused: tuple[tuple[Class, Class, int], ...]
    """True class, answer, rows: the most frequent mistakes."""


@dataclass(frozen=True)
class Bin:
    """Answers of about one confidence, and how often they were right."""

    low: float
    high: float
    rows: int
    confidence: float | None
    accuracy: float | None


@dataclass(frozen=True)
class Curve:
    """One class against the rest."""

    name: Class
    rows: int
    area: float | None
    average_precision: float | None
    roc: tuple[tuple[float, float], ...]
    """False positive rate and true positive rate, at most 100 points."""
    precision_recall: tuple[tuple[float, float], ...]
    """Recall and precision."""
    calibration: tuple[Bin, ...]
    """The probability that was given to this class, and how often it was."""


def confusion(told: Answers) -> Confusion:
    """All classes, or the most frequent ones and the rest together."""
    count = len(told.classes)
    rows = np.bincount(told.truth, minlength=count + 1)[:count]
    shown = np.arange(count)
    if count > MOST_IN_MATRIX:
        shown = np.sort(np.argsort(-rows, kind="stable")[:MOST_IN_MATRIX])
    place = np.full(count + 1, len(shown))
    place[shown] = np.arange(len(shown))
    place[count] = len(shown) + 1
    matrix = np.zeros((len(shown) + 2, len(shown) + 2), dtype=np.int64)
    np.add.at(matrix, (place[told.truth], place[told.said]), 1)
    width = len(shown) + (count > len(shown))
    return Confusion(
        tuple(told.classes[at] for at in shown),
        tuple(tuple(row[:width].tolist()) for row in matrix[:width]),
        count - len(shown),
        None if told.known.all() else tuple(matrix[-1, :width].tolist()),
        _most_confused(told),
    )


def curves(told: Answers) -> tuple[Curve, ...]:
    """Of the most frequent 20 classes; of two classes, the second alone."""
    if told.probabilities is None or not told.known.any() or not np.isfinite(told.probabilities).all():
        return ()
    truth, probabilities, areas = told.truth[told.known], told.probabilities[told.known], areas_by_class(told)
    rows = np.bincount(truth, minlength=len(told.classes))
    chosen = np.argsort(-rows, kind="stable")[:MOST_CURVES]
    shown = [1] if len(told.classes) == 2 else sorted(chosen[rows[chosen] > 0].tolist())
    return tuple(_curve(told.classes[at], probabilities[:, at], truth == at, float(areas[at])) for at in shown)


def calibration(told: Answers) -> tuple[Bin, ...]:
    """How sure the model was of its answers, and how often it was right."""
    if told.probabilities is None:
        return ()
    return _bins(told.probabilities.max(axis=1)[told.known], (told.truth == told.said)[told.known])


def _most_confused(told: Answers) -> tuple[tuple[Class, Class, int], ...]:
    count = len(told.classes)
    wrong = told.known & (told.truth != told.said)
    pairs, rows = np.unique(told.truth[wrong] * count + told.said[wrong], return_counts=True)
    order = np.argsort(-rows, kind="stable")[:_MOST_CONFUSED]
    return tuple(
        (told.classes[int(pairs[at]) // count], told.classes[int(pairs[at]) % count], int(rows[at])) for at in order
    )


def _curve(name: Class, scores: Floats, positive: Places, area: float) -> Curve:
    order = np.argsort(-scores, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(scores[order]) != 0, True))
    true = np.cumsum(positive[order])[ends].astype(np.float64)
    false = 1.0 + ends - true
    above, below = int(positive.sum()), int((~positive).sum())
    bins = _bins(scores, positive)
    if not above or not below:  # one class only: there is no curve of it
        return Curve(name, above, None, None, (), (), bins)
    recall, precision = true / above, true / (true + false)
    average = float((np.diff(recall, prepend=0.0) * precision).sum())
    rates = np.concatenate([[0.0], false / below]), np.concatenate([[0.0], recall])
    return Curve(
        name, above, number(area), average, _thinned(*rates, rates[0] + rates[1]),
        _thinned(recall, precision, recall), bins,
    )  # fmt: skip


def _thinned(x: Floats, y: Floats, along: Floats) -> tuple[tuple[float, float], ...]:
    """Points at about equal distance; the first and the last stay."""
    at = np.arange(len(x))
    if len(x) > MOST_POINTS:
        wanted = np.linspace(along[0], along[-1], MOST_POINTS - 1)
        at = np.unique(np.append(np.searchsorted(along, wanted), len(x) - 1).clip(max=len(x) - 1))
    return tuple((rounded(x[each]), rounded(y[each])) for each in at)


def _bins(shares: Floats, right: Places) -> tuple[Bin, ...]:
    place = bins_of(shares)
    rows = np.bincount(place, minlength=BINS)
    confidence = np.bincount(place, weights=shares, minlength=BINS)
    accuracy = np.bincount(place, weights=right, minlength=BINS)
    return tuple(
        Bin(
            at / BINS, (at + 1) / BINS, int(rows[at]),
            rounded(confidence[at] / rows[at]) if rows[at] else None,
            rounded(accuracy[at] / rows[at]) if rows[at] else None,
        )
        for at in range(BINS)
    )  # fmt: skip
