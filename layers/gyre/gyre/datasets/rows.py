"""One chunk on its way through the checks."""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gyre.datasets.source import Chunk
from gyre.datasets.typed import ARROW_TYPES, typed
from gyre.spec.model import ModelSpec

Bounds = tuple[float | None, float | None]


class Rows:
    """Its values, and what was found about each row; codes by the row's place in the chunk."""

    def __init__(self, spec: ModelSpec, chunk: Chunk, present: frozenset[str]) -> None:
        self.raw, self.numbers, self.count = chunk.rows, chunk.numbers, chunk.rows.num_rows
        self.values: dict[str, pa.Array] = {}
        self.failed: dict[str, np.ndarray] = {}
        self.rejected = np.zeros(self.count, dtype=bool)
        self.changed = np.zeros(self.count, dtype=bool)
        self.reasons: dict[int, list[str]] = {}
        self.flags: dict[int, list[str]] = {}
        self._numeric: dict[str, np.ndarray] = {}
        for name, column in spec.columns.items():
            if name in present:
                found = typed(chunk.rows.column(name), column, spec.read)
                self.values[name], self.failed[name] = found.values, found.failed
            else:
                self.values[name] = pa.nulls(self.count, ARROW_TYPES[column.type])
                self.failed[name] = np.zeros(self.count, dtype=bool)

    def cells(self, name: str) -> pa.Array:
        """A column as it came."""
        return self.raw.column(name) if name in self.raw.schema.names else pa.nulls(self.count, pa.string())

    def mark(self, where: dict[int, list[str]], broken: np.ndarray, code: str) -> None:
        for at in np.flatnonzero(broken):
            where.setdefault(int(at), []).append(code)

    def change(self, name: str, broken: np.ndarray, put: pa.Array | None) -> None:
        """Puts other values where they are `broken`, or none at all."""
        values = self.values[name]
        self.values[name] = pc.if_else(pa.array(broken), pa.scalar(None, values.type) if put is None else put, values)
        self.changed |= broken
        self._numeric.pop(name, None)

    def numeric(self, names: frozenset[str]) -> Mapping[str, np.ndarray]:
        """The columns as expressions take them."""
        for name in names - self._numeric.keys():
            self._numeric[name] = as_numpy(self.values[name])
        return self._numeric


def as_numpy(values: pa.Array) -> np.ndarray:
    """A column as gyre.features takes it: numbers and truths as floats, words as objects, times as datetime64."""
    if pa.types.is_string(values.type):
        return np.asarray(values.to_numpy(zero_copy_only=False), dtype=object)
    if pa.types.is_timestamp(values.type):
        return np.asarray(values.cast(pa.timestamp("us")).to_numpy(zero_copy_only=False))
    return np.asarray(pc.cast(values, pa.float64(), safe=False).to_numpy(zero_copy_only=False), dtype=np.float64)


def truths(mask: pa.Array) -> np.ndarray:
    """A mask; what is not known is not true."""
    return np.asarray(mask.fill_null(False).to_numpy(zero_copy_only=False), dtype=bool)


def clipped(values: pa.Array, bounds: Bounds) -> pa.Array:
    """The nearest values within the bounds."""
    low, high = limits(bounds, values.type)
    put = values if low is None else pc.max_element_wise(values, low)
    return put if high is None else pc.min_element_wise(put, high)


def limits(bounds: Bounds, kind: pa.DataType) -> tuple[pa.Scalar | None, pa.Scalar | None]:
    """The bounds as values of the column's type, inside the range: an integer above 2.5 is 3 at least."""
    low, high = (None if bound is None else float(bound) for bound in bounds)
    if pa.types.is_integer(kind):
        low = None if low is None else _integer(np.ceil(low))
        high = None if high is None else _integer(np.floor(high))
    return (None if low is None else pa.scalar(low, kind), None if high is None else pa.scalar(high, kind))


def _integer(number: float) -> int:
    """The nearest that 64 bits hold."""
    return -(2**63) if number < -(2.0**63) else 2**63 - 1 if number >= 2.0**63 else int(number)
