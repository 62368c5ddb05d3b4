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

    def change(self, name: str, broken: np.ndarray, bounds: Bounds | None) -> None:
        """Clips values to bounds, or drops them."""
        values = self.values[name]
        if bounds is None:
            put: pa.Array = pa.scalar(None, values.type)
        else:
            low, high = (None if bound is None else _within(bound, at, values.type) for at, bound in enumerate(bounds))
            put = values if low is None else pc.max_element_wise(values, low)
            put = put if high is None else pc.min_element_wise(put, high)
        self.values[name] = pc.if_else(pa.array(broken), put, values)
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


def _within(bound: float, at: int, kind: pa.DataType) -> pa.Scalar:
    """A bound as a value of the column's type, inside the range: an integer above 2.5 is 3 at least."""
    if pa.types.is_integer(kind):
        return pa.scalar(int(np.ceil(bound) if at == 0 else np.floor(bound)), kind)
    return pa.scalar(float(bound), kind)
