"""Numbers that lie absurdly far out, drawn in before they are measured."""

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]

_INNER = (0.005, 0.995)
# So many widths of what 99 of 100 values of the reference span, a number may lie outside of that span.
_WIDTHS = 3.0
# Beyond it even squares of numbers are none.
_MOST = 1e150


def fenced(reference: Numbers, *others: Numbers) -> tuple[Numbers, ...]:
    """All sides, with what lies beyond the reference's fences at the fence. NannyML's bins span the whole reference,
    and its components follow squares: a single slip of the unit would put all other values into one bin, or be all
    that components tell. Gaps stay."""
    low, high = np.quantile(reference[~np.isnan(reference)], _INNER)
    width = _WIDTHS * (high - low)
    if not width:  # nearly all are the same, and any other one tells something
        return (reference, *others)
    return tuple(np.clip(side, low - width, high + width) for side in (reference, *others))


def bounded(values: Numbers) -> Numbers:
    """Numbers that can be reckoned with."""
    return np.clip(values, -_MOST, _MOST)
