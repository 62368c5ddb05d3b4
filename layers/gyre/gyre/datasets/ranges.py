"""A file cut into ranges of whole rows, so that many can read it side by side; read_range.py reads one of them."""

import io
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, BinaryIO, Literal

import pyarrow as pa
import pyarrow.parquet as pq

from gyre.datasets.csv_rows import PIECE_BYTES, CsvRows
from gyre.datasets.read_csv import read_head
from gyre.datasets.read_jsonl import LOOKED_AT_CHARACTERS, LOOKED_AT_ROWS, keys_of, not_blank, too_long
from gyre.datasets.read_parquet import Footer, read_footer, row_groups
from gyre.datasets.source import CHUNK_BYTES, Kind, checked_columns, kind_of, text_of
from gyre.datasets.text import UTF8_MARK, Text

if TYPE_CHECKING:
    from gyre.spec.reading import Reading

RANGE_ROWS = 10_000
# Rows may be long: a range is in memory as a whole.
RANGE_BYTES = 8 * 1024 * 1024
# A text is looked at in pieces of about so many rows; a range ends where a piece does.
_PIECE_ROWS, _LEAST_PIECE = 1_000, 16 * 1024

Copy = Callable[[int, bytes], str]
Piece = tuple[bytes, int]


@dataclass(frozen=True)
class FileShape:
    """What must be known of a file to read any part of it."""

    format: Literal["csv", "jsonl", "parquet"]
    columns: tuple[str, ...]
    keys: tuple[str, ...] = ()
    """Of JSON Lines: the columns' names as they stand there."""
    delimiter: str = ","
    packed: bool = False


@dataclass(frozen=True)
class RowRange:
    """Rows that follow each other: from `start` to before `stop`, in bytes or, of Parquet, in row groups."""

    number: int
    """From 1."""
    first: int
    """The number of its first row, from 1."""
    rows: int
    start: int
    stop: int
    key: str | None = None
    """Of a copy of these rows, where the file itself cannot be read from its middle."""


@dataclass(frozen=True)
class CutFile:
    """The file is read while its ranges are taken; copies are made by then, too."""

    shape: FileShape
    ranges: Iterator[RowRange]


def cut_file(name: str, stream: BinaryIO, reading: "Reading", copy: Copy, rows: int | None = None) -> CutFile:
    """Reads a file once, into ranges of about so many rows. One that is packed, or not in UTF-8, is copied range by
    range, as text in UTF-8; so are Parquet's row groups where these are too large. `copy` keeps one, and says where."""
    most = rows or RANGE_ROWS
    kind = kind_of(name, stream)
    if kind.format == "parquet":
        footer = read_footer(name, stream, kind.size)
        return CutFile(FileShape("parquet", footer.columns), _groups(name, stream, footer, copy, most))
    marked = stream.read(len(UTF8_MARK)) == UTF8_MARK
    stream.seek(0)
    text = text_of(name, stream, kind, reading)
    as_it_lies = not kind.packed and text.encoding == "utf-8"
    offset = len(UTF8_MARK) if marked else 0
    piece_bytes = _piece_bytes(text.head, min(_PIECE_ROWS, most))
    if kind.format == "jsonl":
        shape, pieces = _jsonl(name, text, kind, piece_bytes)
    else:
        head = read_head(name, text, reading, tabs=kind.format == "tsv")
        shape = FileShape("csv", head.columns, delimiter=head.delimiter, packed=kind.packed)
        pieces = CsvRows(name, head.columns, head.delimiter, reading.quote).cut(text, piece_bytes)
        offset += head.size
    return CutFile(shape, _spans(pieces, offset, most) if as_it_lies else _copies(pieces, copy, most))


def _piece_bytes(head: bytes, rows: int) -> int:
    width = len(head) / max(1, head.count(b"\n"))
    return max(_LEAST_PIECE, min(PIECE_BYTES, int(width * rows)))


def _jsonl(name: str, text: Text, kind: Kind, piece_bytes: int) -> tuple[FileShape, Iterator[Piece]]:
    pieces, head, lines = _lines(name, text, piece_bytes), list[Piece](), list[str]()
    for piece in pieces:
        head.append(piece)
        lines += not_blank(piece[0])
        if len(lines) >= LOOKED_AT_ROWS or sum(map(len, lines)) > LOOKED_AT_CHARACTERS:
            break
    keys = keys_of(name, lines[:LOOKED_AT_ROWS])
    shape = FileShape("jsonl", checked_columns(name, keys), keys=tuple(keys), packed=kind.packed)
    return shape, chain(head, pieces)


def _lines(name: str, text: Text, piece_bytes: int) -> Iterator[Piece]:
    rest = b""
    while block := text.read(piece_bytes):
        whole, end, rest = (rest + block).rpartition(b"\n")
        if len(rest) > CHUNK_BYTES:
            raise too_long(name)
        if end:
            yield whole + end, len(not_blank(whole))
    if rest:
        yield rest, len(not_blank(rest))


def _spans(pieces: Iterable[Piece], offset: int, most: int) -> Iterator[RowRange]:
    """Ranges of the file as it lies."""
    number, first, rows, start, stop = 1, 1, 0, offset, offset
    for content, count in pieces:
        rows, stop = rows + count, stop + len(content)
        if rows and _is_enough(rows, stop - start, most):
            yield RowRange(number, first, rows, start, stop)
            number, first, rows, start = number + 1, first + rows, 0, stop
    if rows:
        yield RowRange(number, first, rows, start, stop)


def _copies(pieces: Iterable[Piece], copy: Copy, most: int) -> Iterator[RowRange]:
    number, first, rows, held = 1, 1, 0, bytearray()
    for content, count in pieces:
        rows += count
        held += content
        if rows and _is_enough(rows, len(held), most):
            yield RowRange(number, first, rows, 0, len(held), copy(number, bytes(held)))
            number, first, rows = number + 1, first + rows, 0
            held.clear()
    if rows:
        yield RowRange(number, first, rows, 0, len(held), copy(number, bytes(held)))


def _groups(name: str, stream: BinaryIO, footer: Footer, copy: Copy, most: int) -> Iterator[RowRange]:
    """Row groups of a usable size as they lie; a file with larger ones is copied, for a group is read as a whole."""
    sizes = [footer.metadata.row_group(at) for at in range(footer.metadata.num_row_groups)]
    if any(each.num_rows > 2 * most or each.total_byte_size > 8 * RANGE_BYTES for each in sizes):
        yield from _rewritten(row_groups(name, stream, footer, range(len(sizes))), copy, most)
        return
    number, first, rows, size, start = 1, 1, 0, 0, 0
    for at, group in enumerate(sizes, 1):
        rows, size = rows + group.num_rows, size + group.total_byte_size
        if rows and (_is_enough(rows, size, most) or at == len(sizes)):
            yield RowRange(number, first, rows, start, at)
            number, first, rows, size, start = number + 1, first + rows, 0, 0, at


def _rewritten(batches: Iterable[pa.RecordBatch], copy: Copy, most: int) -> Iterator[RowRange]:
    number, first, held = 1, 1, list[pa.RecordBatch]()
    for batch in batches:
        for at in range(0, len(batch), most):
            held.append(batch.slice(at, most))
            rows, size = sum(map(len, held)), sum(each.nbytes for each in held)
            if _is_enough(rows, size, most):
                yield RowRange(number, first, rows, 0, 1, copy(number, _as_parquet(held)))
                number, first, held = number + 1, first + rows, []
    if rows := sum(map(len, held)):
        yield RowRange(number, first, rows, 0, 1, copy(number, _as_parquet(held)))


def _as_parquet(batches: list[pa.RecordBatch]) -> bytes:
    sink, table = io.BytesIO(), pa.Table.from_batches(batches)
    pq.write_table(table, sink, row_group_size=max(1, table.num_rows))
    return sink.getvalue()


def _is_enough(rows: int, size: int, most: int) -> bool:
    return rows >= most or size >= RANGE_BYTES
