"""The rows of one range of a file that was cut, read as its whole file would be."""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
import pyarrow as pa

from gyre.datasets.csv_rows import CsvRows
from gyre.datasets.json_rows import JsonRows
from gyre.datasets.ranges import FileShape, RowRange
from gyre.datasets.read_jsonl import in_batches, not_blank
from gyre.datasets.read_parquet import read_footer, row_groups, text_cells
from gyre.datasets.source import Chunk
from gyre.datasets.text import UTF8_MARK, Text

if TYPE_CHECKING:
    from gyre.spec.reading import Reading


@dataclass(frozen=True)
class RangeRows:
    """Some of a range's rows; their numbers count from 1 at the range's beginning."""

    chunk: Chunk
    lines: Sequence[str] = ()
    """All lines of the range as they came, if they are JSON."""
    typed: pa.RecordBatch | None = None
    """The rows as their file types them, if it is Parquet."""


def read_range(
    name: str, shape: FileShape, wanted: RowRange, stream: BinaryIO, reading: "Reading"
) -> Iterator[RangeRows]:
    """All rows of a range, in their order; `stream` is the file, or the copy of the range."""
    if shape.format == "parquet":
        yield from _typed(name, shape, wanted, stream, reading)
        return
    stream.seek(wanted.start)
    content = stream.read(wanted.stop - wanted.start)
    if shape.format == "jsonl":
        lines = not_blank(content)
        rows = JsonRows(shape.keys, shape.columns, reading.decimal)
        for chunk in rows.chunks(in_batches([lines])):
            yield RangeRows(chunk, lines)
        return
    # With a mark of its own, which the text takes away, so that it leaves alone what the rows begin with.
    text = Text(name, io.BytesIO(UTF8_MARK + content), "utf-8")
    for chunk in CsvRows(name, shape.columns, shape.delimiter, reading.quote).chunks(text):
        yield RangeRows(chunk)


def _typed(
    name: str, shape: FileShape, wanted: RowRange, stream: BinaryIO, reading: "Reading"
) -> Iterator[RangeRows]:  # fmt: skip
    size = stream.seek(0, io.SEEK_END)
    footer, first = read_footer(name, stream, size), 1
    for batch in row_groups(name, stream, footer, range(wanted.start, wanted.stop)):
        cells = text_cells(name, footer, batch, reading.decimal)
        numbers = pa.array(np.arange(first, first + len(cells), dtype=np.int64))
        yield RangeRows(Chunk(cells, numbers, ()), typed=batch.rename_columns(list(shape.columns)))
        first += len(cells)
