"""Values of an Arrow array as text that loses nothing."""

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import types

from gyre.errors import Invalid

# From here on Arrow, and from there on Python, writes a whole float with an exponent. Between them it may be an id.
_ARROW_SHORTENS, _PYTHON_SHORTENS = 1e10, 1e16

_MISSING = pa.scalar(None, pa.string())


def has_text(kind: Any) -> bool:
    """Whether one text tells a value of this type."""
    if types.is_dictionary(kind):
        return has_text(kind.value_type)
    if isinstance(kind, pa.BaseExtensionType):
        return has_text(kind.storage_type)
    return bool(
        _is_text(kind)
        or types.is_integer(kind)
        or types.is_floating(kind)
        or types.is_decimal(kind)
        or types.is_boolean(kind)
        or types.is_null(kind)
        or types.is_date(kind)
        or types.is_time(kind)
        or types.is_timestamp(kind)
    )


def as_text(name: str, column: str, values: pa.Array, decimal: str) -> pa.Array:
    """As strings. Fractions are written as the model's text files write them, so that all files read alike."""
    values = _unwrapped(values)
    kind = values.type
    if _is_text(kind):
        text = _checked_text(name, column, values)
    elif types.is_floating(kind):
        text = float_text(values, decimal)
    elif types.is_decimal(kind):
        text = _fractions(values.cast(pa.string()), decimal)
    elif types.is_timestamp(kind):
        text = _time_text(values, kind)
    elif types.is_time(kind):
        text = _without_zeros(values.cast(pa.string()), kind.unit)
    else:
        text = values.cast(pa.string())
    return text


def _unwrapped(values: pa.Array) -> pa.Array:
    """The values themselves, where the type only says how they are kept or what they are for."""
    if types.is_dictionary(values.type):
        return _unwrapped(values.dictionary_decode())
    if isinstance(values.type, pa.UuidType):
        return pa.array([None if each is None else str(each) for each in values.to_pylist()], pa.string())
    if isinstance(values.type, pa.BaseExtensionType):
        return _unwrapped(values.storage)
    return values


def _is_text(kind: Any) -> bool:
    return bool(
        types.is_string(kind)
        or types.is_large_string(kind)
        or types.is_string_view(kind)
        or types.is_binary(kind)
        or types.is_large_binary(kind)
        or types.is_binary_view(kind)
        or types.is_fixed_size_binary(kind)
    )


def _checked_text(name: str, column: str, values: pa.Array) -> pa.Array:
    try:
        # By way of bytes, because that is when Arrow looks whether they are text: a file may say so and be wrong.
        text = values.cast(pa.large_binary()).cast(pa.string())
    except pa.ArrowInvalid as error:
        raise Invalid(
            f"{name}: column {column!r} holds bytes that are not UTF-8 text. Write text, or leave the column out."
        ) from error
    return empty_is_missing(text)


def empty_is_missing(text: pa.Array) -> pa.Array:
    lengths = pc.binary_length(text)
    return pc.if_else(pc.equal(lengths, 0), _MISSING, text) if pc.min(lengths).as_py() == 0 else text


def float_text(values: pa.Array, decimal: str) -> pa.Array:
    """As short as reads back as the same float, whole ones as integers; what is no number is missing."""
    text = values.cast(pa.string())
    floats = values.cast(pa.float64())
    sizes = pc.abs(floats)
    if pc.any(pc.is_nan(sizes)).as_py():
        text = pc.if_else(pc.is_nan(sizes), _MISSING, text)
    is_shortened = pc.and_(pc.greater_equal(sizes, _ARROW_SHORTENS), pc.less(sizes, _PYTHON_SHORTENS))
    if pc.any(is_shortened).as_py():
        digits = pa.array([repr(each).removesuffix(".0") for each in floats.filter(is_shortened).to_pylist()])
        text = pc.replace_with_mask(text, pc.fill_null(is_shortened, False), digits)
    return _fractions(text, decimal)


def _fractions(text: pa.Array, decimal: str) -> pa.Array:
    return text if decimal == "." else pc.replace_substring(text, ".", decimal)


def _time_text(values: pa.Array, kind: Any) -> pa.Array:
    """ISO 8601. An instant is told in UTC, as it is stored: its zone would need a time zone database."""
    text = pc.replace_substring(values.cast(pa.timestamp(kind.unit)).cast(pa.string()), " ", "T", max_replacements=1)
    text = _without_zeros(text, kind.unit)
    return pc.binary_join_element_wise(text, "Z", "") if kind.tz else text


def _without_zeros(text: pa.Array, unit: str) -> pa.Array:
    """Of the fraction of a second; Arrow writes it in full, and for whole seconds none."""
    return text if unit == "s" else pc.ascii_rtrim(pc.ascii_rtrim(text, "0"), ".")
