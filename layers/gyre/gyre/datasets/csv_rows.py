"""The rows of a CSV file. pyarrow parses piece by piece; what it takes for granted or does not tell is seen to here.

Its own streaming reader is not used: it calls back into Python from a thread of its own (and once ended the process
that way), keeps twice as much in memory, and must be told beforehand how long a row may be.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from pyarrow import csv

from gyre.datasets.source import CHUNK_BYTES, CHUNK_ROWS, SHOWN_TEXT, Chunk, Malformed, no_rows
from gyre.datasets.text import UTF8_MARK, Text
from gyre.errors import Invalid

# Small enough for the processor's cache, so that more at a time is slower.
PIECE_BYTES = 2 * 1024 * 1024
# Of one piece. Good rows are never so many that as many malformed ones could be worth their memory.
MAX_MALFORMED = 200_000

_BREAKS = (b"\n", b"\r")
_LOOKED_AT_BREAKS, _TRIES = 1_000, 3


@dataclass(frozen=True)
class _Piece:
    """The rows of one piece; not closed if a quote is still open where it ends."""

    rows: pa.RecordBatch
    malformed: list[Malformed]
    last: int
    is_closed: bool


class CsvRows:
    """Reads rows of the given columns."""

    def __init__(self, name: str, columns: tuple[str, ...], delimiter: str, quote: str) -> None:
        self._name, self._quote = name, quote
        self._schema = pa.schema([(column, pa.string()) for column in columns])
        # A row with a cell too many, put behind each piece: if it does not come back, an open quote has swallowed it.
        self._sentinel = delimiter * len(columns)
        self._delimiter = delimiter

    def chunks(self, text: Text) -> Iterator[Chunk]:
        waiting = _Waiting()
        for _, piece in self._pieces(text, PIECE_BYTES):
            waiting.add(piece)
            if waiting.is_full:
                yield from waiting.chunks()
        if not waiting.last:
            raise no_rows(self._name)
        yield from waiting.chunks()

    def cut(self, text: Text, piece_bytes: int) -> Iterator[tuple[bytes, int]]:
        """The text in pieces of whole rows, each with how many they are."""
        before = 0
        for content, piece in self._pieces(text, piece_bytes):
            yield content, piece.last - before
            before = piece.last

    def _pieces(self, text: Text, piece_bytes: int) -> Iterator[tuple[bytes, _Piece]]:
        rest, row = b"", 0
        while block := text.read(piece_bytes):
            rest += block
            for end in _row_ends(rest, self._quote.encode()):
                piece = self._parsed(rest[:end], row)
                if piece.is_closed:
                    yield rest[:end], piece
                    rest, row = rest[end:], piece.last
                    break
            else:
                if len(rest) > CHUNK_BYTES:
                    raise Invalid(
                        f"{self._name} cannot be read after row {row:,}: a row there is longer than "
                        f"{CHUNK_BYTES >> 20} MiB, or opens a {self._quote} that is never closed."
                    )
        piece = self._parsed(rest + b"\n", row)
        if not piece.is_closed:
            raise Invalid(
                f"{self._name}: row {piece.last:,} opens a {self._quote} that is never closed, and so swallows the "
                "rest of the file. Close it, or double it if it is part of the text."
            )
        yield rest, piece

    def _parsed(self, content: bytes, row: int) -> _Piece:
        malformed: list[Malformed] = []

        def on_ragged(found: csv.InvalidRow) -> str:
            if len(malformed) > MAX_MALFORMED:
                return "error"
            # pyarrow counts from 1, and blank lines not at all.
            detail = f"{found.actual_columns:,} cells where the header has {found.expected_columns:,}"
            malformed.append(Malformed(row + found.number, "ragged", found.text[:SHOWN_TEXT], detail))
            return "skip"

        # pyarrow takes one byte order mark from the beginning of whatever it is given, also where it is part of a cell.
        mark = UTF8_MARK if content.startswith(UTF8_MARK) else b""
        whole = mark + content + self._sentinel.encode() + b"\n"
        try:
            table = csv.read_csv(
                pa.py_buffer(whole),
                csv.ReadOptions(use_threads=False, block_size=len(whole) + 1, column_names=self._schema.names),
                csv.ParseOptions(
                    delimiter=self._delimiter,
                    quote_char=self._quote,
                    newlines_in_values=True,
                    invalid_row_handler=on_ragged,
                ),
                csv.ConvertOptions(default_column_type=pa.string(), strings_can_be_null=True, null_values=[""]),
            )
        except pa.ArrowInvalid as error:
            raise self._unreadable(row, malformed) from error
        last = row + table.num_rows + len(malformed)
        is_closed = bool(malformed) and malformed[-1].row == last and malformed[-1].text == self._sentinel
        if is_closed:
            malformed.pop()
            last -= 1
        columns = [column.combine_chunks() for column in table.columns]
        return _Piece(pa.RecordBatch.from_arrays(columns, schema=self._schema), malformed, last, is_closed)

    def _unreadable(self, row: int, malformed: list[Malformed]) -> Invalid:
        if len(malformed) > MAX_MALFORMED:
            first = malformed[0]
            return Invalid(
                f"{self._name}: nearly all rows after row {row:,} are ragged; row {first.row:,} has {first.detail}. "
                "Look at the delimiter and the quotes, or say in model.yaml what they are: "
                "`read: {delimiter: ..., quote: ...}`."
            )
        return Invalid(f"{self._name} cannot be read after row {row:,}.")


def _row_ends(text: bytes, quote: bytes) -> Iterator[int]:
    """Places where a row may end, from the right: line breaks before which the quotes are even, then the others.

    Only the parser knows. An even count is a good guess and no more: a quote inside of an unquoted cell is text.
    """
    quotes, before = text.count(quote), len(text)
    places = {each: text.rfind(each) for each in _BREAKS}
    evens, odds = 0, list[int]()
    for _ in range(_LOOKED_AT_BREAKS):
        at, kind = max((place, each) for each, place in places.items())
        if at < 0:
            break
        quotes -= text.count(quote, at, before)
        before, places[kind] = at, text.rfind(kind, 0, at)
        if quotes % 2:
            odds.append(at + 1)
        elif evens < _TRIES:
            evens += 1
            yield at + 1
    yield from odds[:_TRIES]


class _Waiting:
    """Pieces on their way into chunks."""

    def __init__(self) -> None:
        self._pieces: list[_Piece] = []
        self._first, self._size = 1, 0
        self.last = 0

    def add(self, piece: _Piece) -> None:
        self._pieces.append(piece)
        self._size += piece.rows.nbytes
        self.last = piece.last

    @property
    def is_full(self) -> bool:
        return self.last - self._first + 1 >= CHUNK_ROWS or self._size >= CHUNK_BYTES - PIECE_BYTES

    def chunks(self) -> Iterator[Chunk]:
        """All rows so far; then there are none."""
        if self.last < self._first:
            return
        rows = pa.concat_batches([piece.rows for piece in self._pieces])
        malformed = [each for piece in self._pieces for each in piece.malformed]
        numbers = np.arange(self._first, self.last + 1, dtype=np.int64)
        ragged = np.fromiter((each.row for each in malformed), np.int64, len(malformed))
        numbers = np.delete(numbers, ragged - self._first)
        self._pieces, self._first, self._size = [], self.last + 1, 0
        for at in range(0, max(len(rows), 1), CHUNK_ROWS):
            part = numbers[at : at + CHUNK_ROWS]
            is_last = at + CHUNK_ROWS >= len(rows)
            upto = len(malformed) if is_last else int(np.searchsorted(ragged, part[-1]))
            start = int(np.searchsorted(ragged, numbers[at - 1])) if at else 0
            yield Chunk(rows.slice(at, CHUNK_ROWS), pa.array(part), tuple(malformed[start:upto]))
