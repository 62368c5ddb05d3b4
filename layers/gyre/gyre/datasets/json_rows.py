"""Lines of JSON on their way into columns."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, count, repeat
from typing import cast

import pyarrow as pa
import pyarrow.compute as pc

from gyre.cycles import no_search_for_cycles
from gyre.datasets.arrow_text import empty_is_missing, float_text
from gyre.datasets.source import CHUNK_BYTES, CHUNK_ROWS, SHOWN_TEXT, Chunk, Malformed

Cell = str | float | bool | None
Pairs = tuple[tuple[str, Cell], ...]

_PLAIN = {str, float, bool, type(None)}
_TEXT, _FLOATS, _TRUTHS = {str, type(None)}, {float, type(None)}, {bool, type(None)}


class NotARow(Exception):
    """Why a line is none."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(code)
        self.code, self.detail = code, detail[:SHOWN_TEXT]


def object_of(line: str) -> Pairs:
    """What a line says, as it stands there: keys may come twice, and values be none of a cell."""
    text = line.strip()
    try:
        found, end = _decode(text)
    except json.JSONDecodeError as error:
        raise NotARow("not_json", f"{error.msg} at character {error.pos + 1:,}") from error
    except RecursionError as error:
        raise NotARow("nested", "too deep to be read") from error
    if end < len(text):
        raise NotARow("not_json", f"more than one value, the second at character {end + 1:,}")
    if not isinstance(found, tuple):
        raise NotARow("not_an_object", "a line holds one object")
    return found


def _constant(literal: str) -> Cell:
    return None if literal == "NaN" else float(literal)


# Objects come as tuples, to tell them from arrays and to see keys that come twice; integers stay as they are written.
_decode = json.JSONDecoder(object_pairs_hook=tuple, parse_int=str, parse_constant=_constant).raw_decode


def _objects_of(lines: Sequence[str]) -> list[Pairs] | None:
    """The same of many lines, in half the time; none if one of them is no object.

    They are read as one array with a number between every two, over which lines can only grow together inside of an
    array: within an object no number can stand there. So plain objects are those of the lines.
    """
    text = f"[{',0,'.join(lines)}]"
    try:
        found, end = _decode(text)
    except (json.JSONDecodeError, RecursionError):
        return None
    objects, between = found[::2], found[1::2]
    is_sound = end == len(text) and len(objects) == len(lines) and between == ["0"] * (len(lines) - 1)
    return cast(list[Pairs], objects) if is_sound and set(map(type, objects)) == {tuple} else None


def _is_plain(pairs: Pairs) -> bool:
    return _PLAIN.issuperset(type(cell) for _, cell in pairs)


def checked_row(pairs: Pairs) -> dict[str, Cell]:
    """An object as a row: plain values of different keys, all of them text that can be written down again."""
    row = dict(pairs)
    if not _is_plain(pairs):
        key = next(key for key, cell in pairs if type(cell) not in _PLAIN)
        raise NotARow("nested", f"{key!r} holds more than one value")
    if len(row) != len(pairs):
        times = Counter(key for key, _ in pairs)
        raise NotARow("duplicate_key", ", ".join(repr(key) for key in row if times[key] > 1))
    try:
        _join(chain(row, row.values())).encode()
    except UnicodeEncodeError as error:
        raise NotARow("not_text", "half of a surrogate pair") from error
    return row


def _join(cells: Iterable[Cell]) -> str:
    return "".join(cell for cell in cells if isinstance(cell, str))


class JsonRows:
    """Rows of the given keys, and the lines that are no such rows."""

    def __init__(self, keys: tuple[str, ...], columns: tuple[str, ...], decimal: str) -> None:
        self._keys, self._known, self._decimal = keys, frozenset(keys), decimal
        self._schema = pa.schema([(column, pa.string()) for column in columns])
        self._last = 0
        self._clear()

    def _clear(self) -> None:
        self._parts: list[list[pa.Array]] = []
        self._numbers: list[int] = []
        self._malformed: list[Malformed] = []
        self._size = 0

    def chunks(self, batches: Iterable[Sequence[str]]) -> Iterator[Chunk]:
        for lines in batches:
            size = sum(map(len, lines))
            count = len(self._numbers) + len(self._malformed)
            if count and (count + len(lines) > CHUNK_ROWS or self._size + size > CHUNK_BYTES):
                yield self._taken()
            self._add(lines)
            self._size += size
        if self._parts:
            yield self._taken()

    def _add(self, lines: Sequence[str]) -> None:
        first, self._last = self._last + 1, self._last + len(lines)
        with no_search_for_cycles():
            objects = _objects_of(lines)
            columns = self._uniform(objects) if objects else None
            if columns:
                self._numbers.extend(range(first, self._last + 1))
            else:
                columns = self._one_by_one(lines, first, objects)
        self._parts.append(columns)

    def _uniform(self, objects: Sequence[Pairs]) -> list[pa.Array] | None:
        """The columns, if all objects have all keys in the same order, as those of most files do."""
        width = len(self._keys)
        pairs = list(chain.from_iterable(objects))
        if len(pairs) != width * len(objects):
            return None
        keys, cells = zip(*pairs, strict=True)
        if keys[:width] != self._keys or keys != keys[:width] * len(objects):
            return None
        try:
            return self._columns(cells)
        except (NotARow, UnicodeEncodeError):  # somewhere: one by one it will be found
            return None

    def _one_by_one(self, lines: Sequence[str], first: int, objects: Sequence[Pairs] | None) -> list[pa.Array]:
        if objects and not all(_is_plain(pairs) for pairs in objects):
            objects = None
        cells: list[Cell] = []
        for number, line, pairs in zip(count(first), lines, objects or repeat(None)):
            try:
                row = checked_row(object_of(line) if pairs is None else pairs)
                if not row.keys() <= self._known:
                    raise NotARow("new_key", ", ".join(repr(key) for key in row if key not in self._known))
            except NotARow as error:
                self._malformed.append(Malformed(number, error.code, line.rstrip("\r")[:SHOWN_TEXT], error.detail))
            else:
                cells.extend(map(row.get, self._keys))
                self._numbers.append(number)
        return self._columns(cells)

    def _columns(self, cells: Sequence[Cell]) -> list[pa.Array]:
        width = len(self._keys)
        return [self._column(cells[at::width]) for at in range(width)]

    def _column(self, cells: Sequence[Cell]) -> pa.Array:
        kinds = set(map(type, cells))
        if kinds <= _TEXT:
            return empty_is_missing(pa.array(cells, pa.string()))
        if kinds <= _TRUTHS:
            return pa.array(cells, pa.bool_()).cast(pa.string())
        if kinds <= _FLOATS:
            return float_text(pa.array(cells, pa.float64()), self._decimal)
        if not kinds <= _PLAIN:
            raise NotARow("nested", "")
        of_one_kind = [[cell if type(cell) is kind else None for cell in cells] for kind in (str, bool, float)]
        return pc.coalesce(*map(self._column, of_one_kind))

    def _taken(self) -> Chunk:
        """All rows so far; then there are none."""
        columns = [pa.concat_arrays(parts) for parts in zip(*self._parts, strict=True)]
        rows = pa.RecordBatch.from_arrays(columns, schema=self._schema)
        chunk = Chunk(rows, pa.array(self._numbers, pa.int64()), tuple(self._malformed))
        self._clear()
        return chunk
