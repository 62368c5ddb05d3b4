"""Rows taken together by a column's values: for slices, for protected groups, for weights."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from gyre.evaluation.answers import Places
from gyre.features.compute import Array, is_missing

MOST_VALUES = 12
JOINED = " & "


@dataclass(frozen=True)
class Groups:
    """By row the place of its group in `names`; -1 where it has none."""

    names: tuple[str, ...]
    places: Places

    @property
    def counts(self) -> Places:
        """Rows of each group."""
        return np.bincount(self.places[self.places >= 0], minlength=len(self.names))


def grouped(values: Array, *, boolean: bool = False, most: int | None = None) -> Groups:
    """A group for each value, the most frequent ones if there are limits; numbers of many values by quarter."""
    if values.dtype.kind in "OUS":
        values = np.array([None if value is None else str(value) for value in values], dtype=object)
    boolean = boolean or values.dtype.kind == "b"
    there = ~is_missing(values)
    if values.dtype.kind == "M":
        values = values.astype("M8[s]").astype(np.int64).astype(np.float64)
        return _quarters(values, there, times=True)
    if values.dtype.kind in "fiu":
        there &= np.isfinite(values)
        if len(np.unique(values[there])) > MOST_VALUES:
            return _quarters(values.astype(np.float64), there)
    found, at, counts = np.unique(values[there], return_inverse=True, return_counts=True)
    order = np.argsort(-counts, kind="stable")[:most]
    place = np.full(len(found) + 1, -1)
    place[order] = np.arange(len(order))
    places = np.full(len(values), -1)
    places[there] = place[at]
    return Groups(tuple(_told(found[each], boolean) for each in order), places)


def joined(each: Mapping[str, Groups]) -> Groups:
    """The groups that several columns make together; a row that lacks one of them belongs to none."""
    all_places = np.stack([groups.places for groups in each.values()], axis=1)
    there = (all_places >= 0).all(axis=1)
    found, at = np.unique(all_places[there], axis=0, return_inverse=True)
    places = np.full(len(all_places), -1)
    places[there] = at.ravel()
    columns: Sequence[Groups] = tuple(each.values())
    names = tuple(
        JOINED.join(group.names[place] for group, place in zip(columns, row, strict=True)) for row in found.tolist()
    )
    return Groups(names, places)


def _quarters(values: Array, there: Array, *, times: bool = False) -> Groups:
    """Between the quartiles; a value that fills a whole quarter joins two of them."""
    places = np.full(len(values), -1)
    if not there.any():
        return Groups((), places)
    edges = np.unique(np.quantile(values[there], [0, 0.25, 0.5, 0.75, 1]))
    count = max(1, len(edges) - 1)
    places[there] = np.clip(np.searchsorted(edges, values[there], side="right") - 1, 0, count - 1)
    ends = [_time(edge) if times else f"{edge:.6g}" for edge in edges]
    names = [f"{low} to {high}" for low, high in pairwise(ends)] or ends
    return Groups(tuple(names), places)


def _time(seconds: float) -> str:
    return str(np.datetime64(int(seconds), "s"))[:16].replace("T", " ")


def _told(value: object, boolean: bool) -> str:
    if boolean:
        return "true" if value else "false"
    return f"{value:.15g}" if isinstance(value, float) else str(value)
