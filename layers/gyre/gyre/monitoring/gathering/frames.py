"""Both sides of a look on their way from the task that gathers them to those that judge, as Parquet."""

import io
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from gyre.features.compute import Array
from gyre.monitoring.found import Source
from gyre.monitoring.side import Pair, Side
from gyre.spec.model import ModelSpec

# In front of a feature's name: what else is in the table has other beginnings.
_FEATURE, _CLASS = "f:", "p:"
_TOLD = b"gyre"


def dump(side: Side) -> bytes:
    """A side, whole."""
    arrays = {f"{_FEATURE}{name}": _array(values) for name, values in side.columns.items()}
    arrays["at"] = pa.array(side.at.astype("M8[us]"))
    for name in ("prediction", "label"):
        values = getattr(side, name)
        if values is not None:
            arrays[name] = _array(values)
    if side.probabilities is not None:
        arrays |= {f"{_CLASS}{at}": pa.array(values) for at, values in enumerate(side.probabilities.T)}
    table = pa.table(arrays).replace_schema_metadata({_TOLD: side.source.dump()})
    kept = io.BytesIO()
    pq.write_table(table, kept, compression="zstd")
    return kept.getvalue()


def load(content: bytes) -> Side:
    """The same side again."""
    table = pq.read_table(io.BytesIO(content))
    values = {name: _values(table[name]) for name in table.column_names}
    classes = sum(name.startswith(_CLASS) for name in values)
    return Side(
        Source.read(table.schema.metadata[_TOLD]),
        {name.removeprefix(_FEATURE): each for name, each in values.items() if name.startswith(_FEATURE)},
        values["at"], values.get("prediction"),
        np.column_stack([values[f"{_CLASS}{at}"] for at in range(classes)]) if classes else None,
        values.get("label"),
    )  # fmt: skip


def dump_facts(pair: Pair) -> bytes:
    """What is no row: the spec, the classes, undeclared columns."""
    told = {"spec": json.loads(pair.spec.model_dump_json(exclude_none=True)), "classes": pair.classes, "new": pair.new}
    return json.dumps(told, ensure_ascii=False).encode()


def load_pair(facts: bytes, reference: bytes, window: bytes) -> Pair:
    told = json.loads(facts)
    spec = ModelSpec.model_validate_json(json.dumps(told["spec"]))
    return Pair(spec, tuple(told["classes"]), load(reference), load(window), tuple(told["new"]))


def _array(values: Array) -> pa.Array:
    return pa.array(values, pa.string() if values.dtype.kind == "O" else None)


def _values(column: pa.ChunkedArray) -> Array:
    found: Array = column.combine_chunks().to_numpy(zero_copy_only=False)
    return found.astype(object) if pa.types.is_string(column.type) else found
