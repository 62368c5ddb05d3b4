"""How far the numbers of a regression are off, and where. Counts and quantiles only, never single rows."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from gyre.bundle.scores import Floats
from gyre.evaluation.answers import Answers, Places
from gyre.evaluation.plain import rounded

_QUANTILES = (0, 1, 5, 25, 50, 75, 95, 99, 100)
_BINS, _CELLS, _BARS = 10, 24, 30
# What lies outside stands in the outermost cell: one far value would squash all others.
_ENDS = (0.5, 99.5)


@dataclass(frozen=True)
class Band:
    """Rows of which about the same was predicted."""

    low: float
    high: float
    """Between which predictions."""
    rows: int
    predicted: float
    true: float
    """Means."""
    true_low: float
    true_high: float
    """Between which 90 of 100 true values lie."""


@dataclass(frozen=True)
class Residuals:
    """Predicted minus true."""

    quantiles: Mapping[str, float]
    """By percentage."""
    bands: tuple[Band, ...]
    """By tenth of the predictions."""
    edges: tuple[float, ...]
    counts: tuple[int, ...]
    """The histogram of residuals; its outermost bars hold all that lies beyond."""
    grid_edges: tuple[float, ...]
    grid: tuple[tuple[int, ...], ...]
    """Rows by true (first) and predicted value; its outermost cells hold all that lies beyond."""


def residuals(told: Answers) -> Residuals | None:
    """None where the numbers are not finite, or none."""
    errors = told.values - told.numbers
    if not len(errors) or not np.isfinite(errors).all():
        return None
    edges = _edges(errors, _BARS)
    both = _edges(np.concatenate([told.numbers, told.values]), _CELLS)
    grid = np.zeros((_CELLS, _CELLS), dtype=np.int64)
    np.add.at(grid, (_cell(told.numbers, both), _cell(told.values, both)), 1)
    counts = np.bincount(_cell(errors, edges), minlength=_BARS)
    found = np.percentile(errors, _QUANTILES)
    return Residuals(
        {str(at): float(value) for at, value in zip(_QUANTILES, found, strict=True)},
        _bands(told), _told(edges), tuple(counts.tolist()), _told(both), tuple(tuple(row) for row in grid.tolist()),
    )  # fmt: skip


def _bands(told: Answers) -> tuple[Band, ...]:
    edges = np.unique(np.quantile(told.values, np.linspace(0, 1, _BINS + 1)))
    if len(edges) == 1:
        edges = np.repeat(edges, 2)
    place = _cell(told.values, edges)
    bands = []
    for at in np.unique(place):
        values, numbers = told.values[place == at], told.numbers[place == at]
        low, high = np.percentile(numbers, [5, 95])
        bands.append(
            Band(
                rounded(edges[at]), rounded(edges[at + 1]), len(values), rounded(values.mean()),
                rounded(numbers.mean()), rounded(low), rounded(high),
            )
        )  # fmt: skip
    return tuple(bands)


def _edges(values: Floats, count: int) -> Floats:
    low, high = np.percentile(values, _ENDS)
    if not high > low:
        low, high = low - max(1.0, abs(low)) / 2, high + max(1.0, abs(high)) / 2
    return np.linspace(low, high, count + 1)


def _cell(values: Floats, edges: Floats) -> Places:
    return np.asarray(np.clip(np.searchsorted(edges, values, side="right") - 1, 0, len(edges) - 2), dtype=np.int64)


def _told(values: Floats) -> tuple[float, ...]:
    return tuple(rounded(each) for each in values)
