"""From the rows of a call to columns of numbers and words: the checks of a model's columns, as an upload meets them.

A value that breaks a check is clipped, dropped or kept where the column says so; else its row is refused, and told."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import numpy as np

from gyre.bundle.format import needed_columns
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
        needed = needed_columns(spec)
        self._missing = frozenset(spec.read.missing)
        self._columns = {name: column for name, column in spec.columns.items() if name in needed}

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
            columns[name] = _Checked(name, column, cells, faults).values(self._missing | frozenset(column.missing))
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


class _Checked:
    """One column of a call on its way through its checks, in the order in which an upload meets them."""

    def __init__(self, name: str, column: Column, cells: list[Any], faults: list[RowFault]) -> None:
        self._name, self._column, self._cells, self._faults = name, column, cells, faults

    def values(self, missing: frozenset[str]) -> Array:
        column = self._column
        read = READERS[column.type](self._cells, missing)
        values, failed = read.values, read.failed
        if failed.any():
            self._act(values, failed, "type", f"must be {_WANTED[column.type]}, or null where it is missing")
        if column.range is not None:
            self._ranged(values, column.range)
        if column.values is not None:
            known = frozenset(column.values)
            broken = np.array([each is not None and each not in known for each in values], dtype=bool)
            self._act(values, broken, "values", f"must be one of {', '.join(column.values[:20])}")
        if (most := column.length) is not None:
            broken = np.array([each is not None and len(each) > most for each in values], dtype=bool)
            self._act(values, broken, "length", f"may have {most:,} characters at most", lambda text: text[:most])
        if column.required:
            self._act(values, is_missing(values) & ~failed, "required", "is needed in every row")
        return values

    def _ranged(self, values: Array, bounds: tuple[float | None, float | None]) -> None:
        low, high = bounds
        if self._column.type == "integer":  # the whole numbers inside: above 2.5 they begin at 3
            low, high = (None if low is None else np.ceil(low)), (None if high is None else np.floor(high))
        with np.errstate(invalid="ignore"):
            outside = (values < (-np.inf if low is None else low)) | (values > (np.inf if high is None else high))
        told = " and ".join(
            f"{word} {bound:g}" for word, bound in (("at least", low), ("at most", high)) if bound is not None
        )
        self._act(values, outside, "range", f"must be {told}", lambda number: float(np.clip(number, low, high)))

    def _act(
        self, values: Array, broken: Array, check: Check, rule: str, nearest: Callable[[Any], Any] | None = None
    ) -> None:
        """What the column wants done where a value breaks a check."""
        if not broken.any():
            return
        action = self._column.action(check)
        for at in np.flatnonzero(broken).tolist():
            if action in ("reject", "fail"):
                self._faults.append(RowFault(at, self._name, check, f"{self._name} {rule}.", self._sent(at)))
            elif action == "drop":
                values[at] = _nothing(values)
            elif action == "clip" and nearest is not None:
                values[at] = nearest(values[at])

    def _sent(self, at: int) -> str | None:
        sent = self._cells[at]
        return None if sent is None or self._column.personal else repr(sent)[:_MOST_SHOWN]


def _nothing(values: Array) -> Any:
    return {"O": None, "M": np.datetime64("NaT", "us")}.get(values.dtype.kind, np.nan)
