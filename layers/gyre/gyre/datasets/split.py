"""Which rows are trained on, judged on, kept as the reference. The same rows in the same order get the same parts."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from gyre.errors import Invalid
from gyre.features.compute import Array, is_missing
from gyre.spec.model import ModelSpec

PARTS = ("train", "test", "reference")
# Of a row without a target: nothing can be learned from it, and nothing judged.
NO_PART = -1

Codes = npt.NDArray[np.int64]
Shares = tuple[float, float, float]

_TRAIN, _TEST, _REFERENCE = range(3)
QUANTILES = 10
_EXACT = 1e-6  # what is nearer to a whole number of rows is one; shares are floats
# Rows of a class that bring it into train, test and reference: a class of one row is better learned than judged.
_ROWS_TO_BE_IN = (1, 3, 4)


def divide(spec: ModelSpec, target: Array, time: Array | None, group: Array | None) -> npt.NDArray[np.int8]:
    """The place in `PARTS` of each row's part, or `NO_PART`."""
    parts = np.full(len(target), NO_PART, dtype=np.int8)
    known = np.flatnonzero(~is_missing(target))
    if not len(known):
        raise Invalid(f"No row has a value of the target {spec.target!r}: upload rows that do.", field="target")
    shares = (1 - spec.split.test - spec.split.reference, spec.split.test, spec.split.reference)
    groups = None if group is None else _group_codes(group[known])
    if spec.split.by == "time":
        if time is None:
            raise Invalid("A split by time needs the column that says when a row came about.", field="split.by")
        parts[known] = _by_time(time[known], groups, shares)
    else:
        strata = _strata(spec, target[known]) if spec.split.by == "stratified" else np.zeros(len(known), dtype=np.int64)
        shuffle = np.random.Generator(np.random.PCG64(spec.split.seed))
        if groups is None:
            parts[known] = _by_share(strata, shares, shuffle, each_in=spec.split.by == "stratified")
        else:
            parts[known] = _by_group(strata, groups, shares, shuffle)
    _check(spec, parts[known], target[known], shares)
    return parts


def _codes(values: Array) -> Codes:
    """A number from 0 for each distinct value. Words are not sorted for it: a million would take seconds."""
    if values.dtype.kind != "O":
        return np.unique(values, return_inverse=True)[1].astype(np.int64)
    seen: dict[Any, int] = {}
    return np.fromiter((seen.setdefault(value, len(seen)) for value in values), np.int64, len(values))


def _group_codes(group: Array) -> Codes:
    """Rows that name no group are not one group: each stands for itself."""
    codes, alone = _codes(group), is_missing(group)
    codes[alone] = len(codes) + np.arange(np.count_nonzero(alone))
    return _codes(codes)


def _strata(spec: ModelSpec, target: Array) -> Codes:
    """The class of each row, or the quantile of a numeric target."""
    if spec.task != "regression":
        return _codes(target)
    return by_quantile(target, min(QUANTILES, max(1, len(target) // 10)))


def _by_share(strata: Codes, shares: Shares, shuffle: np.random.Generator, *, each_in: bool) -> npt.NDArray[np.int8]:
    order = shuffle.permutation(len(strata))
    order = order[np.argsort(strata[order], kind="stable")]
    counts = _quotas(np.bincount(strata).tolist(), shares, each_in=each_in)
    parts = np.empty(len(strata), dtype=np.int8)
    parts[order] = np.repeat(np.tile(np.arange(3, dtype=np.int8), len(counts)), np.ravel(counts))
    return parts


def _quotas(sizes: Sequence[int], shares: Shares, *, each_in: bool) -> list[list[int]]:
    """How many rows of each stratum go to each part: the share, rounded down or up by the largest remainder. What one
    stratum got too much counts in the next, so that the parts as a whole keep their shares."""
    owed = [0.0, 0.0, 0.0]
    counts = []
    for size in sizes:
        exact = [size * share for share in shares]
        taken = [math.floor(each + _EXACT) for each in exact]
        open_to = [p for p in range(3) if exact[p] - taken[p] > _EXACT]
        open_to.sort(key=lambda p: taken[p] - exact[p] - owed[p])
        for part in open_to[: size - sum(taken)]:
            taken[part] += 1
        if each_in:
            _bring_in(taken, size, shares)
        owed = [owed[p] + exact[p] - taken[p] for p in range(3)]
        counts.append(taken)
    return counts


def _bring_in(taken: list[int], size: int, shares: Shares) -> None:
    """A class of a few rows is not lost to rounding."""
    least = [int(size >= rows and share > 0) for rows, share in zip(_ROWS_TO_BE_IN, shares, strict=True)]
    for part in range(3):
        if taken[part] < least[part]:
            giver = max(range(3), key=lambda p: taken[p] - least[p])
            taken[part] += 1
            taken[giver] -= 1


def moments_of(time: Array, groups: Codes | None) -> Codes:
    """Rows in the order of time: equal ones at the same moment, a group where its newest row is, and -1 for a row that
    tells no time."""
    moments = np.full(len(time), -1, dtype=np.int64)
    told = ~is_missing(time)
    moments[told] = np.unique(time[told], return_inverse=True)[1]
    if groups is None:
        return moments
    newest = np.full(int(groups.max()) + 1, -1, dtype=np.int64)
    np.maximum.at(newest, groups, moments)
    return np.asarray(newest[groups])


def by_quantile(values: Array, pieces: int) -> Codes:
    """Of each number the piece that it falls in, of so many of about as many rows."""
    edges = np.unique(np.quantile(values, np.linspace(0, 1, pieces + 1)[1:-1]))
    return np.searchsorted(edges, values, side="right").astype(np.int64)


def _by_time(time: Array, groups: Codes | None, shares: Shares) -> npt.NDArray[np.int8]:
    """The newest rows are the test part, those before them the reference. A moment is never cut in two, and rows that
    tell no time are trained on. A group stands where its newest row does."""
    moments = moments_of(time, groups)
    told = moments >= 0
    there, at = np.unique(moments[told], return_inverse=True)
    # So many rows lie in the newest moment, in the newest two, …
    newer = np.cumsum(np.bincount(at, minlength=len(there))[::-1])
    cuts = _cuts(newer, len(time), bool(told.all()), shares)
    parts = np.full(len(time), _TRAIN, dtype=np.int8)
    age = len(there) - 1 - at
    parts[told] = np.where(age < cuts[0], _TEST, np.where(age < cuts[1], _REFERENCE, _TRAIN))
    return parts


def _cuts(newer: Codes, rows: int, all_told: bool, shares: Shares) -> tuple[int, int]:
    """How many of the newest moments are the test part, and how many that and the reference: those whose rows come
    nearest to the shares, and leave the other parts something."""
    with_reference = int(shares[_REFERENCE] > 0)
    last = len(newer) - int(all_told)  # where nothing else is left to train on, the oldest moment is
    if last < 1 + with_reference:
        raise Invalid(
            f"The rows tell {len(newer)} different times, too few to cut by: upload rows of other times, or declare "
            "another `split.by`.",
            field="split.by",
        )
    test = _nearest(newer, rows * shares[_TEST], 1, last - with_reference)
    if not with_reference:
        return test, test
    return test, _nearest(newer, rows * (shares[_TEST] + shares[_REFERENCE]), test + 1, last)


def _nearest(newer: Codes, wanted: float, least: int, most: int) -> int:
    return least + int(np.argmin(np.abs(newer[least - 1 : most] - wanted)))


def _by_group(strata: Codes, groups: Codes, shares: Shares, shuffle: np.random.Generator) -> npt.NDArray[np.int8]:
    """Large groups first, because small ones can make up for them; each to the part that it brings nearest to its share
    of every stratum and of all rows, by the squared distance over the share."""
    sizes = np.bincount(groups)
    order = shuffle.permutation(len(sizes))
    order = order[np.argsort(-sizes[order], kind="stable")]
    held = _held(strata, groups)
    wanted = [[share * rows for rows in (*np.bincount(strata).tolist(), len(strata))] for share in shares]
    have = [[0] * len(each) for each in wanted]
    empty = {part for part, share in enumerate(shares) if share > 0}
    asked = sorted(empty)
    part_of = np.empty(len(sizes), dtype=np.int8)
    for left, group in zip(range(len(order), 0, -1), order.tolist(), strict=True):
        part = min(
            asked if left > len(empty) else sorted(empty) or asked,
            key=lambda p: sum(
                rows * (2 * (have[p][at] - wanted[p][at]) + rows) / wanted[p][at] for at, rows in held[group]
            ),
        )
        for at, rows in held[group]:
            have[part][at] += rows
        empty.discard(part)
        part_of[group] = part
    return part_of[groups]


def _held(strata: Codes, groups: Codes) -> list[list[tuple[int, int]]]:
    """For each group, how many rows of which stratum it has; the stratum after the last is all rows."""
    wide = int(strata.max()) + 1
    pairs, counts = np.unique(groups * wide + strata, return_counts=True)
    starts = np.searchsorted(pairs, np.arange(groups.max() + 2) * wide).tolist()
    entries = list(zip((pairs % wide).tolist(), counts.tolist(), strict=True))
    return [[*(own := entries[start:end]), (wide, sum(rows for _, rows in own))] for start, end in pairwise(starts)]


def _check(spec: ModelSpec, parts: npt.NDArray[np.int8], target: Array, shares: Shares) -> None:
    """A split that could not be trained or judged on is refused here, in words, and not hours later."""
    counts = np.bincount(parts, minlength=len(PARTS))
    for name, share, count in zip(PARTS, shares, counts, strict=True):
        if share > 0 and not count:
            of = " and too few groups" if spec.group else ""
            raise Invalid(
                f"{len(parts)} rows with a target are too few{of} for a {name} part of {share:.0%}, which would be "
                f"empty: upload at least {math.ceil(1 / share)} rows{' of several groups' if spec.group else ''}, or "
                f"declare other shares under `split`.",
                field="split",
            )
    if spec.task != "regression":
        trained = target[parts == _TRAIN]
        if not np.any(trained != trained[0]):
            raise Invalid(
                f"All rows of the train part have the same {spec.target!r}, {trained[0]}: a model needs two classes to "
                "tell apart. Upload rows of others, or declare another `split.by`.",
                field="target",
            )
