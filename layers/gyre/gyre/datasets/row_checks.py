"""The checks of columns, and what their actions do to a row."""

from collections.abc import Callable, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gyre.datasets.findings import Findings
from gyre.datasets.rows import Bounds, Rows, clipped, limits, truths
from gyre.spec.columns import Action, Check, Column

Fences = Mapping[str, tuple[float, float]]


class RowChecks:
    """Over one chunk after the other; what is found is counted."""

    def __init__(self, findings: Findings, fences: Fences) -> None:
        self._findings, self._fences = findings, fences

    def column(self, rows: Rows, wanted: np.ndarray, name: str, column: Column) -> None:
        """Every check of a column that needs no other row."""
        failed = rows.failed[name]
        self.value(rows, wanted & failed, name, column, "type")
        if column.range is not None:
            low, high = column.range
            self._bounded(rows, wanted, name, column, "range", (low, high))
        if name in self._fences:
            self._bounded(rows, wanted, name, column, "outliers", self._fences[name])
        if column.values is not None:
            known = pc.is_in(rows.values[name], value_set=pa.array(column.values, pa.string()))
            self.value(rows, wanted & truths(pc.is_valid(rows.values[name])) & ~truths(known), name, column, "values")
        if column.length is not None:
            values = rows.values[name]
            long = wanted & truths(pc.greater(pc.utf8_length(values), column.length))
            self.value(rows, long, name, column, "length", lambda: pc.utf8_slice_codeunits(values, 0, column.length))
        if column.required:
            missing = truths(pc.is_null(rows.values[name])) & ~failed
            self.value(rows, wanted & missing, name, column, "required")

    def value(
        self,
        rows: Rows,
        broken: np.ndarray,
        name: str,
        column: Column,
        check: Check,
        nearest: Callable[[], pa.Array] | None = None,
    ) -> None:
        """What the column wants done where a value breaks a check; `nearest` tells the values that keep it."""
        if not broken.any():
            return
        action = column.action(check)
        cells = None if column.personal else rows.cells(name)
        self.act(rows, broken, check, action, name, cells)
        if action in ("clip", "drop"):
            rows.change(name, broken, nearest() if action == "clip" and nearest is not None else None)

    def act(
        self,
        rows: Rows,
        broken: np.ndarray,
        code: str,
        action: Action,
        column: str | None = None,
        cells: pa.Array | None = None,
    ) -> None:
        """Counts the broken rows, and marks or refuses them as the action says."""
        if not broken.any():
            return
        self._findings.add(code, action, broken, column=column, cells=cells)
        told = f"{code}:{column}" if column else code
        if action in ("reject", "fail"):
            rows.mark(rows.reasons, broken, told)
            rows.rejected |= broken
        elif action == "flag":
            rows.mark(rows.flags, broken, told)

    def _bounded(
        self,
        rows: Rows,
        wanted: np.ndarray,
        name: str,
        column: Column,
        check: Check,
        bounds: Bounds,
    ) -> None:
        values = rows.values[name]
        outside = np.zeros(rows.count, dtype=bool)
        for bound, compare in zip(limits(bounds, values.type), (pc.less, pc.greater), strict=True):
            if bound is not None:
                outside |= truths(compare(values, bound))
        self.value(rows, wanted & outside, name, column, check, lambda: clipped(values, bounds))
