"""Which rows a candidate is fitted to and which it is judged on, in turn. The same rows and seed, the same folds."""

import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from gyre.datasets.split import QUANTILES, by_quantile, moments_of
from gyre.errors import Invalid
from gyre.evaluation.targets import Targets
from gyre.features.compute import Array, Columns, is_missing
from gyre.spec.model import ModelSpec

Places = npt.NDArray[np.int64]

# A figure of one row says little, and some figures of it say nothing.
_ROWS_OF_A_FOLD = 2


@dataclass(frozen=True)
class Folds:
    """Of each fold the rows to fit on and those to judge on."""

    sides: tuple[tuple[Places, Places], ...]
    told: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.sides)


def folds(spec: ModelSpec, columns: Columns, found: Targets, count: int) -> Folds:
    """So many, or as many as the rows allow, at least two: stratified, groups whole; in time order where splits are."""
    groups = None if spec.group is None else _group_codes(columns[spec.group])
    if spec.split.by == "time" and spec.time is not None:
        sides = _in_time(columns[spec.time], groups, count)
        if len(sides) < 2:
            raise Invalid(
                f"{spec.model} is judged in the order of time, and its {len(found.values)} training rows hold too few "
                f"moments of {spec.time} for two folds.",
                field=spec.time,
            )
        return Folds(sides, _fewer(count, len(sides), f"{spec.time} has few moments, or many rows of one"))
    strata = _strata(found, count)
    wanted, why = _allowed(spec, found, groups, count)
    sides = tuple(_shuffled(strata, groups, wanted, spec.training.seed))
    if len(sides) < 2:
        raise Invalid(f"The training rows of {spec.model} cannot be cut into two folds.", field=spec.group)
    return Folds(sides, _fewer(count, len(sides), why))


def _allowed(spec: ModelSpec, found: Targets, groups: Places | None, count: int) -> tuple[int, str]:
    """How many folds there may be, and what keeps them from being more."""
    rows = len(found.values)
    limits = [(rows // _ROWS_OF_A_FOLD, f"there are {rows} rows")]
    if groups is not None:
        known = int(groups.max()) + 1
        if known < 2:
            raise Invalid(
                f"All training rows have one {spec.group}, and rows of one group never stand on both sides of a fold.",
                field=spec.group,
            )
        limits.append((known, f"there are {known} groups"))
    if found.classes:
        sizes = np.bincount(found.values, minlength=len(found.classes))
        # A class of a single row is on one side only, however few folds there are.
        rare = min((each for each in range(len(sizes)) if sizes[each] > 1), key=lambda each: sizes[each], default=None)
        if rare is not None:
            limits.append((int(sizes[rare]), f"{found.classes[rare]} has {sizes[rare]} rows"))
    most, why = min(limits, key=lambda each: each[0])
    return max(2, min(count, most)), why


def _fewer(wanted: int, made: int, why: str) -> tuple[str, ...]:
    return (f"{made} folds instead of {wanted}: {why}.",) if made < wanted else ()


def _shuffled(strata: Places, groups: Places | None, count: int, seed: int) -> Iterator[tuple[Places, Places]]:
    if np.bincount(strata).max() < count:
        strata = np.zeros_like(strata)  # nothing could be in every fold
    splitter = StratifiedKFold if groups is None else StratifiedGroupKFold
    with warnings.catch_warnings():
        # Told of a stratum that is not in every fold, which no candidate minds.
        warnings.filterwarnings("ignore", message="The least populated class", category=UserWarning)
        parts = splitter(count, shuffle=True, random_state=seed).split(np.zeros(len(strata)), strata, groups)
        # With few groups of unlike sizes a fold may stay empty.
        yield from ((fit, judge) for fit, judge in parts if len(fit) and len(judge))


def _in_time(time: Array, groups: Places | None, count: int) -> tuple[tuple[Places, Places], ...]:
    """Each fold is judged on what came after the rows it is fitted to. A moment is never cut in two; a group stands
    where its newest row does; rows that tell no time are the oldest."""
    moments = moments_of(time, groups)
    ordered = np.sort(moments)
    count = min(count, max(2, len(time) // _ROWS_OF_A_FOLD - 1))
    wanted = ordered[np.linspace(0, len(ordered), count + 2)[1:-1].astype(np.int64)]
    # The first moments that belong to the next piece.
    edges = [each for each in np.unique(wanted) if each > ordered[0]]
    if not edges:
        return ()
    return tuple(
        (np.flatnonzero(moments < edge), np.flatnonzero((moments >= edge) & (moments < after)))
        for edge, after in zip(edges, (*edges[1:], ordered[-1] + 1), strict=True)
    )


def _strata(found: Targets, count: int) -> Places:
    """The class of each row, or the quantile of a numeric target."""
    if found.classes:
        return found.values.astype(np.int64)
    return by_quantile(found.values, max(1, min(QUANTILES, len(found.values) // count)))


def _group_codes(group: Array) -> Places:
    """Rows that name no group are not one group: each stands for itself."""
    seen: dict[object, int] = {}
    alone = is_missing(group)
    values: Iterable[object] = ((at,) if alone[at] else value for at, value in enumerate(group.tolist()))
    return np.fromiter((seen.setdefault(value, len(seen)) for value in values), np.int64, len(group))
