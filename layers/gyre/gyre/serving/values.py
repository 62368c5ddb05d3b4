"""Values as JSON tells them, read as a column's type: a column at a time, for it may be a thousand rows."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from math import isfinite
from typing import Any, NamedTuple

import numpy as np

from gyre.features.compute import Array
from gyre.spec.columns import END_OF_TIME, FIRST_SECOND, ColumnType

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_INTEGERS = range(-(2**63), 2**63)
# What needs no second look, as long as all of it is finite.
_PLAIN = frozenset({float})


class Values(NamedTuple):
    """A column as gyre.features takes it; `failed` are the places where what was sent is none of its type: they are
    missing here."""

    values: Array
    failed: Sequence[int] = ()


class _Wrong:
    """What no value can be."""


WRONG = _Wrong()
# Reads the cells of a column; the texts that mean that a value is missing are told with them.
Reader = Callable[[Sequence[Any], frozenset[str]], Values]


def _numbers(cells: Sequence[Any], _: frozenset[str]) -> Values:
    if _PLAIN.issuperset(map(type, cells)):
        values = np.array(cells, dtype=np.float64)
        if np.isfinite(values).all():
            return Values(values)
    return _each(cells, _number, np.nan, np.float64)


def _number(sent: Any) -> Any:
    if isinstance(sent, bool) or not isinstance(sent, int | float):
        return WRONG
    try:
        number = float(sent)
    except OverflowError:
        return WRONG
    return number if isfinite(number) else WRONG


def _integer(sent: Any) -> Any:
    """3.0 is an integer, too. As a float, like every number that a model is given."""
    number: Any = _number(sent)
    return number if number is not WRONG and number == int(number) and int(sent) in _INTEGERS else WRONG


def _truth(sent: Any) -> Any:
    return float(sent) if isinstance(sent, bool | int) and sent in (0, 1) else WRONG


def _category(sent: Any) -> Any:
    """A category may be a number: 1 is "1", as in a file."""
    if isinstance(sent, int) and not isinstance(sent, bool):
        return str(sent)
    return sent.strip() if isinstance(sent, str) else WRONG


def _text(sent: Any) -> Any:
    return sent if isinstance(sent, str) else WRONG


def _time(sent: Any) -> Any:
    since: Any
    if isinstance(sent, str):
        try:
            moment = datetime.fromisoformat(sent.strip())
            # Without a zone it is UTC. Its zone may move it beyond the calendar.
            since = (moment.replace(tzinfo=moment.tzinfo or UTC) - _EPOCH).total_seconds()
        except (ValueError, OverflowError):
            return WRONG
    else:
        since = _number(sent)
    if since is WRONG or not FIRST_SECOND <= since < END_OF_TIME:
        return WRONG
    return np.datetime64(round(since * 1e6), "us")


def _each(cells: Sequence[Any], read: Callable[[Any], Any], missing: Any, dtype: Any) -> Values:
    values, failed = np.empty(len(cells), dtype=dtype), []
    for at, cell in enumerate(cells):
        each = None if cell is None else read(cell)
        if each is WRONG:
            failed.append(at)
        values[at] = missing if each is None or each is WRONG else each
    return Values(values, failed)


def _words(read: Callable[[Any], Any]) -> Reader:
    def words(cells: Sequence[Any], missing: frozenset[str]) -> Values:
        found = _each(cells, read, None, object)
        for at, text in enumerate(found.values):
            if text is not None and text.strip() in missing:
                found.values[at] = None
        return found

    return words


READERS: dict[ColumnType, Reader] = {
    "number": _numbers,
    "integer": lambda cells, _: _each(cells, _integer, np.nan, np.float64),
    "category": _words(_category),
    "text": _words(_text),
    "boolean": lambda cells, _: _each(cells, _truth, np.nan, np.float64),
    "time": lambda cells, _: _each(cells, _time, np.datetime64("NaT", "us"), "M8[us]"),
}
