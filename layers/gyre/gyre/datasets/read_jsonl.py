"""A file of one JSON object per line in chunks."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from gyre.datasets.arrow_text import empty_is_missing, float_text
from gyre.datasets.source import (
    CHUNK_BYTES,
    CHUNK_ROWS,
    SHOWN_TEXT,
    Chunk,
    Malformed,
    Opened,
    checked_columns,
)
from gyre.datasets.text import Text
from gyre.errors import Invalid

if TYPE_CHECKING:
    from gyre.spec.reading import Reading

LOOKED_AT_ROWS = 1_000
LOOKED_AT_CHARACTERS = 32 * 1024 * 1024
BLOCK_BYTES = 4 * 1024 * 1024
# So few at a time become columns that they are still in the processor's cache when that happens.
ROWS_AT_ONCE = 1_024

Cell = str | float | bool | None
Object = tuple[tuple[str, ...], tuple[Cell, ...]]

_PLAIN = {str, float, bool, type(None)}
_TEXT, _FLOATS, _TRUTHS = {str, type(None)}, {float, type(None)}, {bool, type(None)}


class _NotARow(Exception):
    """Why a line is none."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(code)
        self.code, self.detail = code, detail


def open_jsonl(name: str, text: Text, reading: "Reading") -> Opened:
    """Takes the columns from the first 1,000 lines, which then are read like all the others."""
    lines = _lines(name, text)
    head: list[str] = []
    size, keys, reason = 0, dict[str, None](), ""
    for line in lines:
        head.append(line)
        size += len(line)
        try:
            keys.update(dict.fromkeys(_object(line)[0]))
        except _NotARow as error:
            reason = reason or f"{error.code}, {error.detail}: {line[:100]}"
        if len(head) == LOOKED_AT_ROWS or size > LOOKED_AT_CHARACTERS:
            break
    if not head:
        raise Invalid(f"{name} holds blank lines alone. Write one JSON object per line.")
    if reason and not keys:
        raise Invalid(
            f"{name}: none of its first {len(head):,} lines is a JSON object of plain values (the first: {reason}). "
            "Write one object per line."
        )
    columns = checked_columns(name, list(keys))
    table = _Table(tuple(keys), columns, reading.decimal)
    return Opened(columns, {"format": "jsonl"}, _chunks(table, chain(head, lines)))


def _lines(name: str, text: Text) -> Iterator[str]:
    """The lines that are not blank."""
    rest = b""
    while block := text.read(BLOCK_BYTES):
        whole, _, rest = (rest + block).rpartition(b"\n")
        if len(rest) > CHUNK_BYTES:
            raise Invalid(
                f"{name}: a line is longer than {CHUNK_BYTES >> 20} MiB. Write one JSON object per line; "
                "a JSON array is not read."
            )
        for line in whole.decode().split("\n"):
            if line and not line.isspace():
                yield line
    if rest and not rest.isspace():
        yield rest.decode()


def _object(line: str) -> Object:
    """Keys and cells of a line, or the reason why it is no row."""
    if line[0] != "{":
        line = line.lstrip()
    try:
        found, end = _decode(line)
    except json.JSONDecodeError as error:
        raise _NotARow("not_json", f"{error.msg} at character {error.pos + 1:,}") from error
    except RecursionError as error:
        raise _NotARow("nested", "too deep to be read") from error
    if end < len(line) and line[end:].strip():
        raise _NotARow("not_json", f"more than one value, the second at character {end + 1:,}")
    if type(found) is not tuple:
        raise _NotARow("not_an_object", "a line holds one object")
    keys, cells = zip(*found, strict=True) if found else ((), ())
    if not _PLAIN.issuperset(map(type, cells)):
        key = next(key for key, cell in found if type(cell) not in _PLAIN)
        raise _NotARow("nested", f"{key!r} holds more than one value")
    if "\\u" in line:
        _check_text(chain(keys, cells))
    return keys, cells


def _constant(literal: str) -> Cell:
    return None if literal == "NaN" else float(literal)


# Objects come as tuples, to tell them from arrays and to see keys that come twice; integers stay as they are written.
_decode = json.JSONDecoder(object_pairs_hook=tuple, parse_int=str, parse_constant=_constant).raw_decode


def _check_text(values: Iterable[Cell]) -> None:
    """Half a pair of escapes is JSON and yet no text: it could not be written down again."""
    try:
        for text in values:
            if isinstance(text, str):
                text.encode()
    except UnicodeEncodeError as error:
        raise _NotARow("not_text", f"half of a surrogate pair in {error.object[:100]!r}") from error


class _Table:
    """Rows on their way into columns."""

    def __init__(self, keys: tuple[str, ...], columns: tuple[str, ...], decimal: str) -> None:
        self._keys, self._known, self._decimal = keys, frozenset(keys), decimal
        self._schema = pa.schema([(column, pa.string()) for column in columns])
        self._cells: list[Cell] = []  # row after row: a list of each would keep the garbage collector busy
        self._parts: list[list[pa.Array]] = []
        self.numbers: list[int] = []

    def add(self, number: int, keys: Sequence[str], cells: Sequence[Cell]) -> None:
        if keys != self._keys:
            cells = self._in_order(keys, cells)
        self._cells.extend(cells)
        self.numbers.append(number)
        if len(self.numbers) % ROWS_AT_ONCE == 0:
            self._set_down()

    def _in_order(self, keys: Sequence[str], cells: Sequence[Cell]) -> tuple[Cell, ...]:
        row = dict(zip(keys, cells, strict=True))
        if len(row) != len(keys):
            raise _NotARow("duplicate_key", ", ".join(repr(key) for key, times in Counter(keys).items() if times > 1))
        if not row.keys() <= self._known:
            raise _NotARow("new_key", ", ".join(repr(key) for key in row if key not in self._known))
        return tuple(map(row.get, self._keys))

    def _set_down(self) -> None:
        width = len(self._keys)
        self._parts.append([self._column(self._cells[at::width]) for at in range(width)])
        self._cells.clear()

    def _column(self, cells: Sequence[Cell]) -> pa.Array:
        kinds = set(map(type, cells))
        if kinds <= _TEXT:
            return empty_is_missing(pa.array(cells, pa.string()))
        if kinds <= _TRUTHS:
            return pa.array(cells, pa.bool_()).cast(pa.string())
        if kinds <= _FLOATS:
            return float_text(pa.array(cells, pa.float64()), self._decimal)
        texts = [cell if isinstance(cell, str) else None for cell in cells]
        truths = [cell if isinstance(cell, bool) else None for cell in cells]
        floats = [cell if isinstance(cell, float) else None for cell in cells]
        return pc.coalesce(self._column(texts), self._column(truths), self._column(floats))

    def taken(self, malformed: Sequence[Malformed]) -> Chunk:
        """All rows so far; then there are none."""
        self._set_down()
        columns = [pa.concat_arrays(parts) for parts in zip(*self._parts, strict=True)]
        rows = pa.RecordBatch.from_arrays(columns, schema=self._schema)
        numbers = pa.array(self.numbers, pa.int64())
        self._parts, self.numbers = [], []
        return Chunk(rows, numbers, tuple(malformed))


def _chunks(table: _Table, lines: Iterator[str]) -> Iterator[Chunk]:
    malformed: list[Malformed] = []
    size = 0
    for number, line in enumerate(lines, 1):
        try:
            table.add(number, *_object(line))
        except _NotARow as error:
            malformed.append(Malformed(number, error.code, line[:SHOWN_TEXT], error.detail[:SHOWN_TEXT]))
        size += len(line)
        if len(table.numbers) + len(malformed) == CHUNK_ROWS or size >= CHUNK_BYTES:
            yield table.taken(malformed)
            malformed, size = [], 0
    if table.numbers or malformed:
        yield table.taken(malformed)
