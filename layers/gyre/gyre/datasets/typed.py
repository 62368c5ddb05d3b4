"""From the text of a cell to a value of the declared type, a chunk at a time."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gyre.spec.columns import END_OF_TIME, FIRST_SECOND, Column, ColumnType
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
_WHOLE = r"^[-+]?[0-9]+$"
# Where a decimal comma is declared; anything else with a dot, such as 1.5, is no number: is it 15, or one and a half?
_THOUSANDS = r"^[-+]?[0-9]{1,3}(\.[0-9]{3})+(,[0-9]*)?$"
# ISO 8601 begins so; what does not may be seconds.
_DAY = r"^[0-9]{4}(-[0-9]{2}-[0-9]{2}|[0-9]{4}|-?W[0-9]{2}(-?[0-9])?)($|[T ])"
_TRUE = pa.array(["true", "t", "yes", "y", "1", "1.0"])
_FALSE = pa.array(["false", "f", "no", "n", "0", "0.0"])
# A float holds every integer below, and rounds those above.
_EXACT = 2**53
_LONGEST = 19  # digits of an integer of 64 bits
_EPOCH, _MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)
_NO_TEXT = pa.scalar(None, pa.string())


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
        cells = _with_point(cells)
    try:
        numbers = pc.cast(cells, pa.float64())
    except pa.ArrowInvalid:  # arrow knows no `null if it is none`: look for the culprits, then cast the others
        right = pc.match_substring_regex(cells, _NUMBER)
        plain = pc.utf8_ltrim(cells, "+")
        numbers = pc.cast(pc.if_else(right, plain, _NO_TEXT), pa.float64())
    return pc.if_else(pc.is_finite(numbers), numbers, pa.scalar(None, pa.float64()))


def _with_point(cells: pa.Array) -> pa.Array:
    """Numbers with a decimal comma as others write them."""
    dotted = pc.match_substring(cells, ".")
    if pc.any(dotted).as_py():
        grouped = pc.match_substring_regex(cells, _THOUSANDS)
        cells = pc.if_else(dotted, pc.if_else(grouped, pc.replace_substring(cells, ".", ""), "no number"), cells)
    return pc.replace_substring(cells, ",", ".")


def _integers(cells: pa.Array, reading: Reading) -> pa.Array:
    whole = pc.match_substring_regex(cells, _WHOLE)
    digits = pc.utf8_ltrim(pc.if_else(whole, cells, _NO_TEXT), "+")
    try:
        integers = pc.cast(digits, pa.int64())
    except pa.ArrowInvalid:  # one of them is too large
        integers = pa.array([_integer(each) for each in digits.to_pylist()], pa.int64())
    others = pc.if_else(whole, _NO_TEXT, cells)
    if others.null_count == len(others):
        return integers
    numbers = _numbers(others, reading)  # 3.0 is an integer, too
    exact = pc.and_(pc.equal(numbers, pc.floor(numbers)), pc.less(pc.abs(numbers), float(_EXACT)))
    return pc.coalesce(integers, pc.cast(pc.if_else(exact, numbers, pa.scalar(None, pa.float64())), pa.int64()))


def _integer(digits: str | None) -> int | None:
    if digits is None or len(digits.lstrip("-0")) > _LONGEST:
        return None
    integer = int(digits.lstrip("-0") or "0") * (-1 if digits.startswith("-") else 1)
    return integer if -(2**63) <= integer < 2**63 else None


def _booleans(cells: pa.Array, _: Reading) -> pa.Array:
    lower = pc.utf8_lower(cells)
    known = pc.or_(pc.is_in(lower, value_set=_TRUE), pc.is_in(lower, value_set=_FALSE))
    return pc.if_else(known, pc.is_in(lower, value_set=_TRUE), pa.scalar(None, pa.bool_()))


def _times(cells: pa.Array, reading: Reading) -> pa.Array:
    days = pc.match_substring_regex(cells, _DAY)
    forms = (pa.timestamp("us", tz="UTC"), pa.timestamp("us")) if pc.all(days).as_py() else ()
    for form in forms:  # all with a zone, or all without: UTC then
        try:
            return _dated(pc.cast(pc.cast(cells, form), pa.int64()))
        except pa.ArrowInvalid:
            continue
    moments = [_microseconds(text) for text in pc.if_else(days, cells, _NO_TEXT).to_pylist()]
    seconds = _numbers(pc.if_else(days, _NO_TEXT, cells), reading)
    near = pc.and_(pc.greater_equal(seconds, float(FIRST_SECOND)), pc.less(seconds, float(END_OF_TIME)))
    counted = pc.round(pc.multiply(pc.if_else(near, seconds, pa.scalar(None, pa.float64())), 1e6))
    return _dated(pc.coalesce(pa.array(moments, pa.int64()), pc.cast(counted, pa.int64())))


def _dated(microseconds: pa.Array) -> pa.Array:
    within = pc.and_(pc.greater_equal(microseconds, FIRST_SECOND * 10**6), pc.less(microseconds, END_OF_TIME * 10**6))
    return pc.cast(pc.if_else(within, microseconds, pa.scalar(None, pa.int64())), ARROW_TYPES["time"])


def _microseconds(text: str | None) -> int | None:
    """Of a time as ISO 8601 writes it, since 1970."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (moment.replace(tzinfo=moment.tzinfo or UTC) - _EPOCH) // _MICROSECOND


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
