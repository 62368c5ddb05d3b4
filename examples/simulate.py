"""Ways to spoil a frame as the world spoils data: drift, new values, gaps, wrong labels, a relation that changed.

Each is a pure function: the frame it gets stays as it is, and the same seed spoils the same rows. Each has one figure
for how much: `by` (of any size) or `share` (of the rows, 0 to 1)."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from examples.draws import Floats, Rng, Truths, stream

_MOST_DECIMALS: Final = 4


class CannotSimulate(ValueError):
    """What was asked for does not go with this frame; the text says why."""


def shift(frame: pd.DataFrame, column: str, by: float, *, gradual: bool = False, seed: int = 0) -> pd.DataFrame:
    """Covariate shift: a number column moves by so many standard deviations; gradually: from the first row, which
    stays, to the last one, which moves by all of it."""
    ramp = np.linspace(0, 1, len(frame)) if gradual else np.ones(len(frame))
    return _moved(frame, column, by * ramp, stream("shift", seed))


def seasonal(frame: pd.DataFrame, column: str, by: float, *, periods: int = 1, seed: int = 0) -> pd.DataFrame:
    """A number column rises by so many standard deviations and comes back, so many times from first to last row. It
    only rises (or, below 0, falls), because a price or a count would otherwise swing through nothing."""
    if periods < 1:
        raise CannotSimulate(f"there must be at least one period, and not {periods}")
    turns = 2 * np.pi * periods * (np.arange(len(frame)) + 0.5) / max(len(frame), 1)
    return _moved(frame, column, by * (1 - np.cos(turns)) / 2, stream("seasonal", seed))


def new_category(frame: pd.DataFrame, column: str, name: str, share: float, *, seed: int = 0) -> pd.DataFrame:
    """So many of the values that are there give way to one that never occurred."""
    values = _column(frame, column)
    if pd.api.types.is_numeric_dtype(values) or not len(values):
        raise CannotSimulate(f"{column!r} holds no categories")
    if (values == name).any():
        raise CannotSimulate(f"{name!r} is not new: it occurs in {column!r}")
    rows = _some(stream("new_category", seed), values.notna().to_numpy(), share)
    return frame.assign(**{column: values.mask(rows, name)})


def missing_surge(frame: pd.DataFrame, column: str, share: float, *, seed: int = 0) -> pd.DataFrame:
    """So many of the values that are there are missing."""
    values = _column(frame, column)
    if not pd.api.types.is_extension_array_dtype(values.dtype):
        # A gap would turn whole numbers into fractions, and truths into objects.
        values = values.astype({"i": "Int64", "b": "boolean"}.get(values.dtype.kind, values.dtype))
    rows = _some(stream("missing_surge", seed), values.notna().to_numpy(), share)
    return frame.assign(**{column: values.mask(rows)})


def label_flip(frame: pd.DataFrame, target: str, share: float, *, seed: int = 0) -> pd.DataFrame:
    """So many labels are another one, any of the others: a careless annotator."""
    labels = _column(frame, target)
    classes = sorted(labels.dropna().unique())
    if len(classes) < 2:
        raise CannotSimulate(f"{target!r} holds fewer than two classes, so no label can be another one")
    rng = stream("label_flip", seed)
    rows = _some(rng, labels.notna().to_numpy(), share)
    places = np.searchsorted(np.asarray(classes), labels[rows].to_numpy())
    others = (places + rng.integers(1, len(classes), size=len(places))) % len(classes)
    flipped = labels.copy()
    flipped[rows] = np.asarray(classes, dtype=object)[others]
    return frame.assign(**{target: flipped})


def concept_change(
    frame: pd.DataFrame, target: str, *, order: Sequence[str], column: str, share: float, seed: int = 0
) -> pd.DataFrame:
    """The relation between features and label changes while every feature stays as it is: in the group of rows whose
    `column` is highest (words: last in the alphabet), a label becomes the next one of `order`, and the last one the one
    before it. At least `share` of the rows that have a value: equal values stay together."""
    del seed  # nothing here is left to chance
    _checked_share(share)
    labels, values = _column(frame, target), _column(frame, column)
    if len(order) < 2:
        raise CannotSimulate("an order needs two classes at least")
    if unknown := sorted({str(label) for label in labels.dropna().unique()} - set(order)):
        raise CannotSimulate(f"{target!r} holds {', '.join(unknown)}, which is not in the order {', '.join(order)}")
    if column == target:
        raise CannotSimulate(f"the group must be told by a feature, and {column!r} is the target")
    present = int(values.notna().sum())
    group = (values.rank(method="max") > (1 - share) * present).fillna(False).to_numpy(dtype=bool)
    follower = {label: order[at + 1 if at + 1 < len(order) else at - 1] for at, label in enumerate(order)}
    return frame.assign(**{target: labels.mask(group & labels.notna().to_numpy(), labels.map(follower))})


def prior_shift(frame: pd.DataFrame, target: str, label: str, by: float, *, seed: int = 0) -> pd.DataFrame:
    """A class becomes 1 + `by` times as frequent, measured against the others, which keep their proportions about. Rows
    are left out and none comes twice, so the frame is shorter: ids stay unique."""
    labels = _column(frame, target)
    if by <= -1:
        raise CannotSimulate(f"1 + by must be above 0, and by is {by:g}")
    chosen = (labels == label).fillna(False).to_numpy(dtype=bool)
    if not chosen.any():
        raise CannotSimulate(f"{label!r} does not occur in {target!r}")
    times = 1 + by
    spare, gone = (~chosen, 1 - 1 / times) if times > 1 else (chosen, 1 - times)
    left_out = _some(stream("prior_shift", seed), spare, gone)
    return frame[~left_out].reset_index(drop=True)


SIMULATORS: Final[dict[str, Callable[..., pd.DataFrame]]] = {
    "shift": shift,
    "seasonal": seasonal,
    "new_category": new_category,
    "missing_surge": missing_surge,
    "label_flip": label_flip,
    "concept_change": concept_change,
    "prior_shift": prior_shift,
}


def simulated(
    frame: pd.DataFrame, name: str, settings: Mapping[str, Any], *, strength: float = 1.0, seed: int = 0
) -> pd.DataFrame:
    """A simulator by its name; `strength` multiplies its figure, and a share ends at 1."""
    amount = {"by": settings["by"] * strength} if "by" in settings else {"share": min(settings["share"] * strength, 1)}
    return SIMULATORS[name](frame, **{**settings, **amount}, seed=seed)


def spread(values: pd.Series) -> float:
    """The standard deviation, with the outermost hundredths of the values drawn in: a few slips of the unit would
    otherwise make a small move a huge one."""
    present = values.dropna().astype(float)
    inner = present.clip(*present.quantile([0.01, 0.99])) if len(present) else present
    return float(inner.std(ddof=0)) if len(present) else 0.0


def _column(frame: pd.DataFrame, column: str) -> pd.Series:
    if column not in frame:
        raise CannotSimulate(f"there is no column {column!r}; there are: {', '.join(map(str, frame.columns))}")
    return frame[column]


def _checked_share(share: float) -> None:
    if not 0 <= share <= 1:
        raise CannotSimulate(f"a share lies between 0 and 1, and this one is {share:g}")


def _some(rng: Rng, rows: Truths, share: float) -> Truths:
    """Exactly this share of the rows that are true."""
    _checked_share(share)
    candidates = np.flatnonzero(rows)
    some = np.zeros(len(rows), dtype=bool)
    some[rng.choice(candidates, round(share * len(candidates)), replace=False)] = True
    return some


def _moved(frame: pd.DataFrame, column: str, deviations: Floats, rng: Rng) -> pd.DataFrame:
    """The column plus so many standard deviations in each row, written as it was before."""
    values = _column(frame, column)
    if not pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values):
        raise CannotSimulate(f"{column!r} holds no numbers")
    if (width := spread(values)) == 0:
        raise CannotSimulate(f"{column!r} has no spread to measure a move by")
    told = values.to_numpy(dtype=float, na_value=np.nan)
    moved = told + deviations * width
    if pd.api.types.is_integer_dtype(values):
        # Rounded up or down by chance: a move of less than a half would otherwise be none.
        moved = np.floor(moved + rng.random(len(moved)))
    else:
        moved = _rounded_like(told, moved)
    return frame.assign(**{column: pd.Series(moved, index=values.index).astype(values.dtype)})


def _rounded_like(told: Floats, moved: Floats) -> Floats:
    present = told[~np.isnan(told)]
    for decimals in range(_MOST_DECIMALS + 1):
        if np.array_equal(np.round(present, decimals), present):
            return np.round(moved, decimals)
    return moved
