"""How sure a figure is: it is computed again from rows drawn anew, many times (the bootstrap).

A figure is a formula over sums over rows, so a resample is a weight for each row and all resamples of all figures are
products of one sparse and one dense matrix. Figures of one call share their resamples: differences are paired."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse  # type: ignore[import-untyped]

from gyre.bundle.scores import Floats
from gyre.evaluation.answers import Places
from gyre.evaluation.groups import Groups
from gyre.features.compute import Array

_LEVEL = 95.0
# Fewer for large parts: there the percentiles of 500 differ by less than the figure is rounded to.
_RESAMPLES, _RESAMPLES_OF_MANY, _MANY = 1_000, 500, 5_000
# Weights, or sums, in memory at one time: 40 MB.
_MOST_CELLS = 5_000_000


@dataclass(frozen=True)
class Measure:
    """Figures that are computed from the same sums."""

    names: tuple[str, ...]
    sums: Any
    """Sparse, a row for each sum and a column for each row of the data: what the row adds to the sum."""
    formula: Callable[[Floats], Floats]
    """From sums (by resample along the last axis) to figures."""
    exact: Floats | None = None
    """The figures over all rows, where sums hold them only nearly (scores are taken together in levels)."""

    @property
    def values(self) -> Floats:
        """The figures over all rows."""
        if self.exact is not None:
            return self.exact
        return self.formula(np.asarray(self.sums.sum(axis=1)).reshape(-1, 1))[:, 0]


def adding(places: Sequence[Array], amounts: Sequence[Array | float], width: int) -> Any:
    """The matrix of sums: each pair tells where every row adds how much. A negative place adds nowhere."""
    rows = np.arange(len(places[0]))
    there = [place >= 0 for place in places]
    at = np.concatenate([place[each] for place, each in zip(places, there, strict=True)])
    columns = np.concatenate([rows[each] for each in there])
    spread = [
        np.broadcast_to(amount, len(rows))[each].astype(np.float64)
        for amount, each in zip(amounts, there, strict=True)
    ]  # fmt: skip
    return sparse.csr_matrix((np.concatenate(spread), (at, columns)), shape=(width, len(rows)))


def within(measure: Measure, groups: Groups) -> Measure:
    """The same figures for each group, one group after the other."""
    sums, count = measure.sums.tocoo(), measure.sums.shape[0]
    place = groups.places[sums.col]
    there = place >= 0
    at = place[there] * count + sums.row[there]
    width = len(groups.names)

    def formula(told: Floats) -> Floats:
        each = told.reshape(width, count, -1).transpose(1, 0, 2)
        found = measure.formula(each.reshape(count, -1))
        resamples = told.shape[-1]
        return found.reshape(len(measure.names), width, resamples).transpose(1, 0, 2).reshape(-1, resamples)

    return Measure(
        tuple(f"{group} {name}" for group in groups.names for name in measure.names),
        sparse.csr_matrix((sums.data[there], (at, sums.col[there])), shape=(width * count, sums.shape[1])),
        formula,
    )


def resampled(measures: Sequence[Measure], rows: int, *, seed: int) -> list[Floats]:
    """Of each measure the figures (first axis) of every resample."""
    if not rows:
        return [np.zeros((len(each.names), 0)) for each in measures]
    draw = np.random.default_rng(seed)
    most = max([rows, *(each.sums.shape[0] for each in measures)])
    found: list[list[Floats]] = [[] for _ in measures]
    for weights in _weights(draw, rows, max(1, _MOST_CELLS // most)):
        for each, kept in zip(measures, found, strict=True):
            with np.errstate(over="ignore", invalid="ignore"):
                kept.append(each.formula(np.asarray(each.sums @ weights)))
    return [np.concatenate(each, axis=1) for each in found]


def interval(figures: Floats) -> tuple[Floats, Floats]:
    """Between which 95 of 100 resamples lie; NaN for a figure that most resamples cannot tell."""
    low, high = np.full((2, len(figures)), np.nan)
    finite = np.where(np.isfinite(figures), figures, np.nan)
    told = np.isfinite(finite).sum(axis=1) * 2 > max(1, figures.shape[1])
    if told.any():
        tail = (100 - _LEVEL) / 2
        low[told], high[told] = np.nanpercentile(finite[told], [tail, 100 - tail], axis=1)
    return low, high


def _weights(draw: np.random.Generator, rows: int, most: int) -> Iterator[Floats]:
    """By row and resample, how often the row was drawn."""
    left = _RESAMPLES if rows <= _MANY else _RESAMPLES_OF_MANY
    while left > 0:
        count = min(left, most)
        left -= count
        drawn: list[Places] = [np.bincount(draw.integers(0, rows, rows), minlength=rows) for _ in range(count)]
        yield np.ascontiguousarray(np.stack(drawn).T, dtype=np.float64)
