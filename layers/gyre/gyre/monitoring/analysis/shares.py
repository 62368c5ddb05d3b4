"""How often each value occurred then and now, small enough for a picture."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from gyre.monitoring.found import Shares

Numbers = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]

OTHERS = "others"
_MOST_BINS, _MOST_NAMES, _LONGEST_NAME = 20, 12, 60
# What lies further out than all but 5 of 1,000 values on its side counts in the outermost bin.
_INNER = (0.005, 0.995)


def shares_of_numbers(reference: Numbers, window: Numbers) -> Shares:
    """Of two samples without gaps."""
    edges = _edges(reference, window)
    of_both = [np.histogram(np.clip(side, edges[0], edges[-1]), edges)[0] / len(side) for side in (reference, window)]
    return Shares(edges=tuple(edges.tolist()), reference=_told(of_both[0]), window=_told(of_both[1]))


def shares_of_names(names: Sequence[str], reference: Counts, window: Counts) -> Shares:
    """Of counts by name; names that are too many for a picture stand together behind the others."""
    of_both = [side / side.sum() for side in (reference, window)]
    order = np.argsort(-(of_both[0] + of_both[1]), kind="stable")
    shown, rest = (order, order[:0]) if len(order) <= _MOST_NAMES + 1 else (order[:_MOST_NAMES], order[_MOST_NAMES:])
    told = [_told(side[shown]) + ((float(side[rest].sum()),) if len(rest) else ()) for side in of_both]
    return Shares(
        names=(*(_short(names[at]) for at in shown), *((OTHERS,) if len(rest) else ())),
        reference=told[0], window=told[1],
    )  # fmt: skip


def _edges(reference: Numbers, window: Numbers) -> Numbers:
    ends = [np.quantile(side, _INNER) for side in (reference, window)]
    low, high = float(min(ends[0][0], ends[1][0])), float(max(ends[0][1], ends[1][1]))
    whole = all(np.array_equal(side, np.floor(side)) for side in (reference, window))
    # Whole numbers that are few have a bin each.
    edges = (
        np.arange(np.floor(low), np.ceil(high) + 2) - 0.5 if whole and high - low < _MOST_BINS
        else np.linspace(low, high, _MOST_BINS + 1)
    )  # fmt: skip
    if len(edges) > 1 and np.all(np.diff(edges) > 0):
        return edges
    # One value alone, or values that floats hardly tell apart.
    around = max(0.5, 1e-9 * max(abs(low), abs(high)))
    return np.array([low - around, high + around])


def _told(shares: Numbers) -> tuple[float, ...]:
    return tuple(round(float(share), 6) for share in shares)


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"
