"""A file of rows without some of them: in its own format, with its own header, every other byte as it was."""

import codecs
import gzip
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from gyre.datasets.csv_rows import PIECE_BYTES, CsvRows
from gyre.datasets.read_csv import read_head
from gyre.datasets.read_jsonl import not_blank
from gyre.datasets.source import Kind, kind_of, open_upload, text_of
from gyre.datasets.text import UTF8_MARK, Text
from gyre.errors import Invalid
from gyre.spec.reading import Reading
from gyre.subjects.naming import Mask, Person

Numbers = npt.NDArray[np.int64]
# A piece with such a row is cut again, into smaller ones, until a row stands alone.
_FINER = (16 * 1024, 1)
_LINES = 1024 * 1024


def rows_of(name: str, stream: BinaryIO, person: Person, reading: Reading) -> Numbers:
    """The numbers of a person's rows, from 1. A row that could not be read is theirs if their name stands in it."""
    found: list[Numbers] = []
    for chunk in open_upload(name, stream, reading).chunks:
        numbers = chunk.numbers.to_numpy()
        found.append(numbers[person.among(chunk.rows)])
        broken = [each.row for each in chunk.malformed if person.is_named_in(f"{each.text} {each.detail}")]
        found.append(np.array(broken, dtype=np.int64))
    return np.sort(np.concatenate(found)) if found else np.empty(0, np.int64)


@contextmanager
def without(name: str, stream: BinaryIO, rows: Numbers, reading: Reading) -> Iterator[BinaryIO]:
    """The file without these rows, to be read."""
    stream.seek(0)
    kind = kind_of(name, stream)
    with tempfile.TemporaryFile() as made:
        if kind.format == "parquet":
            _write_parquet(stream, rows, made)
        else:
            _write_text(name, stream, kind, rows, reading, made)
        made.seek(0)
        yield cast(BinaryIO, made)


def _write_text(name: str, stream: BinaryIO, kind: Kind, rows: Numbers, reading: Reading, made: Any) -> None:
    mark = _mark(stream, kind)
    text = text_of(name, stream, kind, reading)
    # A mark says which of its two forms UTF-16 has, and stands once.
    encoding = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}.get(mark[:2], text.encoding)
    encoding = {codecs.BOM_UTF32_LE: "utf-32-le", codecs.BOM_UTF32_BE: "utf-32-be"}.get(mark, encoding)
    encoding = "utf-8" if codecs.lookup(encoding).name == "utf-8-sig" else encoding
    target: Any = gzip.GzipFile(fileobj=made, mode="wb", mtime=0) if kind.packed else made
    target.write(mark)
    for piece in _kept(name, text, kind, rows, reading):
        target.write(piece if encoding == "utf-8" else piece.decode().encode(encoding))
    if kind.packed:
        target.close()


def _mark(stream: BinaryIO, kind: Kind) -> bytes:
    head = (gzip.GzipFile(fileobj=stream) if kind.packed else stream).read(4)
    stream.seek(0)
    marks = (
        UTF8_MARK, codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE,
    )  # fmt: skip
    return next((mark for mark in marks if head.startswith(mark)), b"")


def _kept(name: str, text: Text, kind: Kind, rows: Numbers, reading: Reading) -> Iterator[bytes]:
    if kind.format == "jsonl":
        yield from _lines(text, set(rows.tolist()))
        return
    head_text = text.head
    head = read_head(name, text, reading, tabs=kind.format == "tsv")
    yield head_text[: head.size]
    cutter = CsvRows(name, head.columns, head.delimiter, reading.quote)
    cut = False  # between the two characters of a line's end
    for content, is_kept in _pieces(cutter, name, cutter.cut(text, PIECE_BYTES), rows, _FINER):
        if is_kept:
            yield content.removeprefix(b"\n") if cut else content
        cut = not is_kept and content.endswith(b"\r")


def _pieces(
    cutter: CsvRows, name: str, pieces: Iterable[tuple[bytes, int]], rows: Numbers, finer: tuple[int, ...]
) -> Iterator[tuple[bytes, bool]]:
    """Pieces of these rows alone, and of others; rows are counted from the first of them."""
    first = 1
    for content, count in pieces:
        here = rows[(rows >= first) & (rows < first + count)] - (first - 1)
        first += count
        if not len(here) or count == len(here):
            yield content, not len(here)
        else:
            if not finer:
                raise Invalid(f"{name} has rows that cannot be told apart by where they end. Remove it by hand.")
            # With a mark of its own, which the text takes away, so that it leaves alone what the rows begin with.
            text = Text(name, _Bytes(UTF8_MARK + content), "utf-8")
            yield from _pieces(cutter, name, cutter.cut(text, finer[0]), here, finer[1:])


def _lines(text: Text, rows: set[int]) -> Iterator[bytes]:
    number, rest = 0, b""
    while block := text.read(_LINES):
        whole, end, rest = (rest + block).rpartition(b"\n")
        for line in (whole + end).splitlines(keepends=True) if end else ():
            number += bool(not_blank(line.rstrip(b"\n")))
            if number not in rows or not not_blank(line):
                yield line
    if rest and (number + bool(not_blank(rest)) not in rows or not not_blank(rest)):
        yield rest


class _Bytes:
    """What is in memory, to be read on."""

    def __init__(self, content: bytes) -> None:
        self._left = memoryview(content)

    def read(self, size: int, /) -> bytes:
        content, self._left = bytes(self._left[:size]), self._left[size:]
        return content


def _write_parquet(stream: BinaryIO, rows: Numbers, made: Any) -> None:
    """Statistics are left out, for the new ones would be of fewer rows."""
    file = opened(stream)
    write_chosen(file, _staying(file, rows), made, write_statistics=False)


def _staying(file: pq.ParquetFile, rows: Numbers) -> Iterator[Mask]:
    """By row group, its rows without these."""
    first = 1
    for at in range(file.metadata.num_row_groups):
        count = file.metadata.row_group(at).num_rows
        keep = np.ones(count, dtype=bool)
        keep[rows[(rows >= first) & (rows < first + count)] - first] = False
        first += count
        yield keep


def opened(stream: BinaryIO) -> pq.ParquetFile:
    """A file of which only a part is in memory."""
    stream.seek(0)
    return pq.ParquetFile(pa.PythonFile(stream, mode="r"), pre_buffer=False, buffer_size=1024 * 1024)


def write_chosen(file: pq.ParquetFile, keep: Iterable[Mask], made: Any, **how: Any) -> int:
    """The rows that stay, row group by row group, packed as they were; says how many they are."""
    told, rows = file.metadata, 0
    packed = told.row_group(0).column(0).compression.lower() if told.num_row_groups and told.num_columns else "snappy"
    packed = "none" if packed == "uncompressed" else packed
    with pq.ParquetWriter(made, file.schema_arrow, compression=packed, **how) as writer:
        for at, mask in enumerate(keep):
            left = _chosen(file.read_row_group(at, use_threads=False), mask)
            writer.write_table(left, row_group_size=max(1, left.num_rows))
            rows += left.num_rows
    return rows


def _chosen(rows: pa.Table, keep: Mask) -> pa.Table:
    """Those rows alone: a column that is kept as a dictionary would bring along the words of the others."""
    left = rows.filter(pa.array(keep))
    for at, field in enumerate(left.schema):
        if pa.types.is_dictionary(field.type):
            whole = left.column(at).combine_chunks()
            own = (whole if isinstance(whole, pa.Array) else whole.chunk(0)).dictionary_decode().dictionary_encode()
            made = pa.DictionaryArray.from_arrays(
                own.indices.cast(field.type.index_type), own.dictionary.cast(field.type.value_type),
                ordered=field.type.ordered,
            )  # fmt: skip
            left = left.set_column(at, field, made)
    return left
