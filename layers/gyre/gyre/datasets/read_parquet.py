"""A Parquet file in chunks, its values as text."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow import types

from gyre.datasets.arrow_text import as_text, has_text
from gyre.datasets.source import CHUNK_BYTES, CHUNK_ROWS, MAX_ROWS, Chunk, Opened, checked_columns, no_rows
from gyre.errors import Invalid, TooLarge

if TYPE_CHECKING:
    from gyre.spec.reading import Reading

UNPACKED_FREELY = 2 * 1024**3
UNPACKED_TIMES = 200
# Between the file and the decoders, for all columns together: without it a column's part of a row group is read whole.
BUFFER_BYTES = 64 * 1024 * 1024
# What a cell takes as text with all that belongs to it, where its column says nothing about it.
USUAL_CELL = 32
# Of a chunk in which every row has the longest of the texts that its row group repeats: hardly ever reached.
SKEWED_CHUNK_BYTES = 4 * CHUNK_BYTES

# Every reason of pyarrow not to read a file. Errors of the stream itself are GyreErrors, and pass.
_UNREADABLE = (pa.ArrowException, OSError, UnicodeDecodeError)


@dataclass(frozen=True)
class Footer:
    """What a file says of itself."""

    metadata: Any
    schema: pa.Schema
    columns: tuple[str, ...]
    limit: int
    """So many bytes it may unpack to."""

    @property
    def rows(self) -> int:
        return int(self.metadata.num_rows)


def open_parquet(name: str, stream: BinaryIO, size: int, reading: "Reading") -> Opened:
    """Reads the footer: columns, and whether the file is in a sane relation to what it holds."""
    found = read_footer(name, stream, size)
    if not found.rows:
        raise no_rows(name)
    facts = {"format": "parquet", "compression": "internal", "rows": f"{found.rows}"}
    return Opened(found.columns, facts, _chunks(name, stream, found, reading.decimal))


def read_footer(name: str, stream: BinaryIO, size: int) -> Footer:
    """The footer of a file that can be read here, though it may have no row."""
    if not size:
        raise Invalid(f"{name} is empty: it has no bytes at all. Upload it again.")
    try:
        file = _opened(stream)
        found, schema = file.metadata, file.schema_arrow
        names = schema.names
    except _UNREADABLE as error:
        raise _unreadable(name, error) from error
    columns = checked_columns(name, names)
    for column, field in zip(columns, schema, strict=True):
        if not has_text(field.type):
            raise Invalid(
                f"{name}: column {column!r} holds {field.type}, and a cell is one text, number, time or truth value. "
                "Make plain columns of it, or leave it out."
            )
    if found.num_rows > MAX_ROWS:
        raise TooLarge(f"{name} has {found.num_rows:,} rows; {MAX_ROWS:,} are the most. Split it into several files.")
    limit = max(UNPACKED_FREELY, UNPACKED_TIMES * size)
    if sum(found.row_group(at).total_byte_size for at in range(found.num_row_groups)) > limit:
        raise _bomb(name)
    return Footer(found, schema, columns, limit)


def row_groups(name: str, stream: BinaryIO, footer: Footer, groups: Iterable[int]) -> Iterator[pa.RecordBatch]:
    """Their rows as the file types them, as many at once as fit into memory as text, too."""
    try:
        file, sizes = _opened(stream, footer.metadata), _Sizes(stream, footer.metadata)
        for group in groups:
            yield from file.iter_batches(sizes.rows_at_once(group), row_groups=[group], use_threads=False)
    except _UNREADABLE as error:
        raise _unreadable(name, error) from error


def text_cells(name: str, footer: Footer, batch: pa.RecordBatch, decimal: str) -> pa.RecordBatch:
    """The same rows, every cell as text."""
    try:
        cells = [as_text(name, *each, decimal) for each in zip(footer.columns, batch.columns, strict=True)]
    except _UNREADABLE as error:
        raise _unreadable(name, error) from error
    return pa.RecordBatch.from_arrays(cells, schema=pa.schema([(column, pa.string()) for column in footer.columns]))


def _opened(stream: BinaryIO, metadata: Any = None, dictionaries: Sequence[str] = ()) -> pq.ParquetFile:
    columns = metadata.num_columns if metadata else 1
    return pq.ParquetFile(
        pa.PythonFile(stream, mode="r"),
        metadata=metadata,
        read_dictionary=list(dictionaries),
        pre_buffer=False,
        buffer_size=min(max(BUFFER_BYTES // columns, 64 * 1024), 1024 * 1024),
        coerce_int96_timestamp_unit="us",
        page_checksum_verification=True,
    )


def _unreadable(name: str, error: Exception) -> Invalid:
    return Invalid(f"{name} is not a whole Parquet file: {str(error).rstrip('. ')}. Write it and upload it again.")


def _bomb(name: str) -> TooLarge:
    return TooLarge(
        f"{name} unpacks to more than {UNPACKED_TIMES} times its size and more than {UNPACKED_FREELY >> 30} GiB. "
        "If that is meant, split it into several files."
    )


def _chunks(name: str, stream: BinaryIO, footer: Footer, decimal: str) -> Iterator[Chunk]:
    first, told = 1, 0
    for batch in row_groups(name, stream, footer, range(footer.metadata.num_row_groups)):
        rows = text_cells(name, footer, batch, decimal)
        if rows.nbytes > CHUNK_BYTES:
            _check_rows(name, rows.columns, first)
        told += rows.nbytes - 4 * rows.num_columns * len(rows)  # a missing cell has its place, and is no text
        if told > footer.limit:
            raise _bomb(name)
        yield Chunk(rows, pa.array(np.arange(first, first + len(rows), dtype=np.int64)), ())
        first += len(rows)


def _check_rows(name: str, cells: Sequence[pa.Array], first: int) -> None:
    sizes = sum(pc.fill_null(pc.binary_length(each), 0).to_numpy().astype(np.int64) for each in cells)
    if np.max(sizes) > CHUNK_BYTES:
        row = first + int(np.argmax(sizes))
        raise Invalid(f"{name}: row {row:,} is longer than {CHUNK_BYTES >> 20} MiB. Shorten it, or leave it out.")


class _Sizes:
    """How many rows fit into memory at once: of a text that stands in the file once, many rows may have a copy.

    Only the sizes of whole row groups are asked for. On a damaged footer, asking for those of one column ends the
    process: pyarrow does not catch what its C++ throws there.
    """

    def __init__(self, stream: BinaryIO, metadata: Any) -> None:
        self._metadata = metadata
        columns = [metadata.schema.column(at) for at in range(metadata.num_columns)]
        fixed = [max(each.length, 0) for each in columns if each.physical_type == "FIXED_LEN_BYTE_ARRAY"]
        self._width = len(columns) * USUAL_CELL + sum(fixed)
        self._texts = [each.path for each in columns if each.physical_type == "BYTE_ARRAY"]
        self._file = _opened(stream, metadata, dictionaries=self._texts)

    def rows_at_once(self, group: int) -> int:
        found = self._metadata.row_group(group)
        rows = max(found.num_rows, 1)
        width = self._width + found.total_byte_size // rows
        longest = self._longest(group) if found.total_byte_size * min(rows, CHUNK_ROWS) > CHUNK_BYTES else 0
        return int(max(1, min(CHUNK_ROWS, CHUNK_BYTES // width, SKEWED_CHUNK_BYTES // (width + longest))))

    def _longest(self, group: int) -> int:
        """The longest texts of the dictionaries, added up: the first row brings them all along."""
        if not self._texts:
            return 0
        batch = next(self._file.iter_batches(1, row_groups=[group], columns=self._texts, use_threads=False))
        texts = [each.dictionary for each in batch.columns if types.is_dictionary(each.type)]
        return sum(int(pc.max(pc.binary_length(each)).as_py() or 0) for each in texts)
