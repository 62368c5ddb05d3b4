"""Which rows are the same case: those of one group, of one id, or equal in all that is known of them.

What was learned from one row is known of the same case: a model is judged on none of them."""

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from gyre.datasets.rows import as_numpy
from gyre.datasets.table import UPLOAD
from gyre.features.compute import is_missing
from gyre.spec.model import ModelSpec

Identities = npt.NDArray[np.uint64]
# Of a row that is the same as no other.
ALONE = np.uint64(0)
_ODD = np.uint64(0x9E3779B97F4A7C15)
# Where fewer rows of an upload are unlike all others of it (few columns, few values), equal rows are several cases.
_LEAST_DISTINCT = 0.5


def identity_columns(spec: ModelSpec) -> tuple[str, ...]:
    """What tells cases apart. Personal columns do not: of a person who was erased they are gone."""
    named = spec.group or spec.id
    return (named,) if named else tuple(name for name, column in spec.columns.items() if not column.personal)


def identities(rows: pa.Table, spec: ModelSpec) -> Identities:
    """Of each row a number that its like have, too, in any version. `rows` hold `identity_columns` and their upload."""
    named = spec.group or spec.id
    if named:
        values = as_numpy(rows[named].combine_chunks())
        return np.where(is_missing(values), ALONE, _hashed(values))
    found = np.full(rows.num_rows, _ODD, dtype=np.uint64)
    for name in identity_columns(spec):
        found = found * _ODD ^ _hashed(as_numpy(rows[name].combine_chunks()))
    uploads = rows[UPLOAD].combine_chunks().dictionary_encode().indices.to_numpy().astype(np.uint64)
    distinct = len(np.unique(found * _ODD ^ _hashed(uploads)))
    return found if distinct >= _LEAST_DISTINCT * rows.num_rows else np.full(rows.num_rows, ALONE)


def first_of_each(found: Identities) -> npt.NDArray[np.int64]:
    """Of each row the place of the first one that is the same case."""
    places = np.arange(len(found))
    _, first, at = np.unique(found, return_index=True, return_inverse=True)
    return np.where(found == ALONE, places, first[at])


def _hashed(values: npt.NDArray[np.generic]) -> Identities:
    plain = values.astype("M8[us]").astype(np.int64) if values.dtype.kind == "M" else values
    return np.asarray(pd.util.hash_array(plain, categorize=True), dtype=np.uint64)
