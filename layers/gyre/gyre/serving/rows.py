"""From the rows of a call to columns of numbers and words: the checks of a model's columns, as an upload meets them.

A value that breaks a check is clipped, dropped or kept where the column says so; else its row is refused, and told."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from math import ceil, floor, inf
from typing import Any

import numpy as np

from gyre.features.compute import Array, Columns, is_missing
from gyre.serving.values import READERS
from gyre.spec.columns import Check, Column
from gyre.spec.model import ModelSpec

Features = Mapping[str, Any]
# Told in an answer; so many are enough to see what is wrong.
MOST_FAULTS = 100
_MOST_SHOWN = 80
_WANTED = {
    "number": "a number", "integer": "a whole number", "category": "one of its categories, as text", "text": "text",
    "boolean": "true or false", "time": "a time as ISO 8601 or as seconds since 1970",
}  # fmt: skip


@dataclass(frozen=True)
class RowFault:
    """One value of one row that broke a rule."""

    row: int
    field: str
    rule: str
    message: str
    value: str | None = None
    """What was sent, in short; never of a personal column."""


@dataclass(frozen=True)
class CheckedRows:
    """All rows as columns, and what is wrong with some: their answers mean nothing."""

    columns: Columns
    faults: tuple[RowFault, ...]

    @property
    def refused(self) -> frozenset[int]:
        """The rows that cannot be answered."""
        return frozenset(fault.row for fault in self.faults)


class RowCheck:
    """The rules of one model's rows; made once for a bundle."""

    def __init__(self, spec: ModelSpec) -> None:
        self._spec = spec
        self.personal = spec.personal
        needed, missing = spec.needed, frozenset(spec.read.missing)
        self._columns = {
            name: _ColumnCheck(name, column, missing, bool(self.personal))
            for name, column in spec.columns.items()
            if name in needed
        }

    def check(self, rows: Sequence[Features]) -> CheckedRows:
        """Every row against every rule."""
        faults: list[RowFault] = []
        known = self._spec.columns.keys()
        for at, row in enumerate(rows):
            if not row.keys() <= known:
                names = sorted(row.keys() - known)[:MOST_FAULTS]
                faults += [self._unknown(at, name, hint=len(faults) < MOST_FAULTS) for name in names]
        columns = {}
        for name, column in self._columns.items():
            cells = [row.get(name) for row in rows]
            columns[name] = column.values(cells, faults)
        faults.sort(key=lambda fault: fault.row)
        return CheckedRows(columns, tuple(faults))

    def _unknown(self, row: int, name: str, *, hint: bool) -> RowFault:
        """Refused, and not left out: a misspelt name must never pass for a missing value. A hint takes a while, and a
        body has room for half a million names."""
        name, told = name[:_MOST_SHOWN], f"{self._spec.model} has no column of this name."
        if hint:
            near = get_close_matches(name, self._columns, n=1)
            told += f" Is {near[0]} meant?" if near else f" It knows {', '.join(list(self._columns)[:20])}."
        return RowFault(row, name, "unknown", told)


class _ColumnCheck:
    """The checks of one column, in the order in which an upload meets them; made once, because a call is short."""

    def __init__(self, name: str, column: Column, missing: frozenset[str], of_people: bool) -> None:
        self._name, self._column, self._of_people = name, column, of_people
        self._read, self._missing = READERS[column.type], missing | frozenset(column.missing)
        self._known = None if column.values is None else frozenset(column.values)
        low, high = column.range or (None, None)
        if column.type == "integer":  # the whole numbers inside: above 2.5 they begin at 3
            low, high = (None if low is None else ceil(low)), (None if high is None else floor(high))
        self._low, self._high = (-inf if low is None else low), (inf if high is None else high)
        self._rules: dict[Check, str] = {
            "type": f"must be {_WANTED[column.type]}, or null where it is missing",
            "range": f"must be {_between(low, high)}",
            "values": f"must be one of {', '.join((column.values or ())[:20])}",
            "length": f"may have {column.length or 0:,} characters at most",
            "required": "is needed in every row",
        }

    def values(self, cells: list[Any], faults: list[RowFault]) -> Array:
        """What these cells are, after what the column wants done was done; what is refused is added to the faults."""
        values, failed = self._read(cells, self._missing)
        self._act(values, failed, "type", cells, faults)
        if self._column.range is not None:
            outside = (values < self._low) | (values > self._high)  # of a missing one neither is true
            self._act(values, _places(outside), "range", cells, faults)
        if (known := self._known) is not None:
            self._act(values, _each(values, lambda text: text not in known), "values", cells, faults)
        if (most := self._column.length) is not None:
            self._act(values, _each(values, lambda text: len(text) > most), "length", cells, faults)
        if self._column.required:
            gone = sorted(set(_places(is_missing(values))).difference(failed))
            self._act(values, gone, "required", cells, faults)
        return values

    def _act(
        self, values: Array, broken: Sequence[int], check: Check, cells: list[Any], faults: list[RowFault]
    ) -> None:
        """What the column wants done with the values that break a check."""
        if not broken:
            return
        action = self._column.action(check)
        for at in broken:
            if action in ("reject", "fail"):
                message = f"{self._name} {self._rules[check]}."
                faults.append(RowFault(at, self._name, check, message, self._sent(cells[at])))
            elif action == "drop":
                values[at] = _nothing(values)
            elif action == "clip":
                values[at] = self._nearest(values[at])

    def _nearest(self, value: Any) -> Any:
        return value[: self._column.length] if isinstance(value, str) else min(max(value, self._low), self._high)

    def _sent(self, cell: Any) -> str | None:
        """Where rows tell of people, nothing of a list or an object: a whole row may stand in it."""
        untold = cell is None or self._column.personal or (self._of_people and isinstance(cell, list | dict))
        return None if untold else repr(cell)[:_MOST_SHOWN]


def _between(low: float | None, high: float | None) -> str:
    told = (("at least", low), ("at most", high))
    return " and ".join(f"{word} {bound:g}" for word, bound in told if bound is not None)


def _places(broken: Array) -> Sequence[int]:
    # Counted first, because hardly ever is there one, and a call of a row asks this for each check of each column.
    return np.flatnonzero(broken).tolist() if np.count_nonzero(broken) else ()


def _each(values: Array, broken: Callable[[str], bool]) -> Sequence[int]:
    """Where a text is there and breaks something."""
    return [at for at, text in enumerate(values) if text is not None and broken(text)]


def _nothing(values: Array) -> Any:
    return {"O": None, "M": np.datetime64("NaT", "us")}.get(values.dtype.kind, np.nan)
