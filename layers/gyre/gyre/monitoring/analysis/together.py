"""What methods share that look at all features together: frames of the features they can take, and a course."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gyre.features.compute import Array, is_missing
from gyre.monitoring.analysis.fences import bounded, fenced
from gyre.monitoring.analysis.parts import Part
from gyre.monitoring.found import Point
from gyre.monitoring.side import Pair, names, numbers

FEWEST = 30
"""Of rows, and of values of a feature, on every side; the reference has twice as many."""
LEVEL = 0.001
"""The p at and below which it is more than chance: its share of one false alarm in 100 windows."""
# Categories beyond these, and those that what is known never had, count as one.
_MOST_NAMES = 50
_OTHER = "other"
_OF_95_PERCENT = 1.96

Frame = Any


class NotJudged(Exception):
    """Nothing can be said about all features together, and why."""


@dataclass(frozen=True)
class Measured:
    """A figure of some rows."""

    value: float
    deviation: float
    """Its standard error."""
    rows: int


def course(cuts: Sequence[Part], measured: Sequence[Measured]) -> tuple[Point, ...]:
    """One point for each part; measured are those that have rows."""
    points, found = [], iter(measured)
    for part in cuts:
        each = next(found) if len(part) else None
        if each is None or each.rows < FEWEST:
            points.append(Point(start=part.start, end=part.end, rows=len(part), value=None))
        else:
            around = _OF_95_PERCENT * each.deviation
            points.append(
                Point(
                    start=part.start, end=part.end, rows=len(part), value=each.value,
                    low=max(0.0, each.value - around), high=each.value + around,
                )
            )  # fmt: skip
    return tuple(points)


def frames(pair: Pair, made_from: Array, *others: Array) -> list[Frame]:
    """Rows of the reference, the first ones telling what is known, and at last the window: with the features that can
    be used, under names of ours."""
    import pandas as pd

    columns: list[tuple[Array, ...]] = []
    for name, kind in pair.features.items():
        then, now = (side.columns.get(name) for side in (pair.reference, pair.window))
        if kind == "text" or then is None or now is None:
            continue
        if kind == "number":
            then, now = bounded(numbers(then)), bounded(numbers(now))
        else:
            then, now = _named(names(then), names(now), made_from)
        sides = (*(then[rows] for rows in (made_from, *others)), now)
        if all((~is_missing(each)).sum() >= FEWEST for each in sides) and _varies(sides[0]):
            columns.append(fenced(*sides) if kind == "number" else sides)
    if len(columns) < 2:
        raise NotJudged("fewer than two features are numbers or categories that vary in the reference")
    return [
        pd.DataFrame({f"x{at}": sides[which] for at, sides in enumerate(columns)}) for which in range(len(columns[0]))
    ]


def _named(reference: Array, window: Array, made_from: Array) -> tuple[Array, Array]:
    """Both sides with the names that stay what they are, and one for the rest."""
    import pandas as pd

    known = pd.Series(reference[made_from], dtype=object).value_counts().index[:_MOST_NAMES]

    def told(values: npt.NDArray[Any]) -> Array:
        column = pd.Series(values, dtype=object)
        return np.asarray(column.where(column.isin(known) | column.isna(), _OTHER), dtype=object)

    return told(reference), told(window)


def _varies(values: Array) -> bool:
    present = values[~is_missing(values)]
    return bool((present != present[0]).any())
