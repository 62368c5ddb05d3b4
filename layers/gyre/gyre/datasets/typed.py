"""From the text of a cell to a value of the declared type, a chunk at a time."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gyre.spec.columns import Column, ColumnType
from gyre.spec.reading import Reading

ARROW_TYPES: dict[ColumnType, pa.DataType] = {
    "number": pa.float64(),
    "integer": pa.int64(),
    "category": pa.string(),
    "text": pa.string(),
    "boolean": pa.bool_(),
    "time": pa.timestamp("us", tz="UTC"),
}

_NUMBER = r"^[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?$"
_TRUE = pa.array(["true", "t", "yes", "y", "1", "1.0"])
_FALSE = pa.array(["false", "f", "no", "n", "0", "0.0"])
# A float holds every integer up to here.
_EXACT = 2**53


@dataclass(frozen=True)
class Typed:
    """A column's values; where `failed`, the text was none of its type and the value is missing."""

    values: pa.Array
    failed: np.ndarray


def typed(cells: pa.Array, column: Column, reading: Reading) -> Typed:
    """The values of one column of a chunk. `missing` texts become missing values and do not fail."""
    trimmed = pc.utf8_trim_whitespace(cells)
    absent = pc.is_in(trimmed, value_set=pa.array([*reading.missing, *column.missing], pa.string()))
    kept = cells if column.type == "text" else trimmed
    present = pc.if_else(absent, pa.scalar(None, pa.string()), kept)
    values = _CASTS[column.type](present, reading)
    return Typed(values, _mask(pc.and_(pc.is_valid(present), pc.is_null(values))))


def _mask(truths: pa.Array) -> np.ndarray:
    return np.asarray(truths.to_numpy(zero_copy_only=False), dtype=bool)


def _numbers(cells: pa.Array, reading: Reading) -> pa.Array:
    if reading.decimal == ",":
        cells = pc.replace_substring(pc.replace_substring(cells, ".", ""), ",", ".")
    try:
        numbers = pc.cast(cells, pa.float64())
    except pa.ArrowInvalid:  # arrow knows no `null if it is none`: look for the culprits, then cast the others
        right = pc.match_substring_regex(cells, _NUMBER)
        plain = pc.utf8_ltrim(cells, "+")
        numbers = pc.cast(pc.if_else(right, plain, pa.scalar(None, pa.string())), pa.float64())
    return pc.if_else(pc.is_finite(numbers), numbers, pa.scalar(None, pa.float64()))


def _integers(cells: pa.Array, reading: Reading) -> pa.Array:
    try:
        return pc.cast(cells, pa.int64())
    except pa.ArrowInvalid:
        numbers = _numbers(cells, reading)  # 3.0 is an integer, too
        whole = pc.and_(pc.equal(numbers, pc.floor(numbers)), pc.less_equal(pc.abs(numbers), float(_EXACT)))
        return pc.cast(pc.if_else(whole, numbers, pa.scalar(None, pa.float64())), pa.int64())


def _booleans(cells: pa.Array, _: Reading) -> pa.Array:
    lower = pc.utf8_lower(cells)
    known = pc.or_(pc.is_in(lower, value_set=_TRUE), pc.is_in(lower, value_set=_FALSE))
    return pc.if_else(known, pc.is_in(lower, value_set=_TRUE), pa.scalar(None, pa.bool_()))


def _times(cells: pa.Array, _: Reading) -> pa.Array:
    kind = ARROW_TYPES["time"]
    for form in (pa.timestamp("us", tz="UTC"), pa.timestamp("us")):  # all with a zone, or all without: UTC then
        try:
            return pc.cast(pc.cast(cells, form), kind)
        except pa.ArrowInvalid:
            continue
    return pa.array([_moment(text) for text in cells.to_pylist()], kind)


def _moment(text: str | None) -> datetime | None:
    """ISO 8601 as Python reads it, or seconds since 1970."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        try:
            return datetime.fromtimestamp(float(text), UTC)
        except (ValueError, OverflowError, OSError):
            return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def _texts(cells: pa.Array, _: Reading) -> pa.Array:
    return cells


_CASTS: dict[ColumnType, Callable[[pa.Array, Reading], Any]] = {
    "number": _numbers,
    "integer": _integers,
    "category": _texts,
    "text": _texts,
    "boolean": _booleans,
    "time": _times,
}
