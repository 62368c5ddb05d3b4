"""An upload of any size, read in chunks of rows whose cells are text."""

import io
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Literal

from gyre.datasets.upload import SUFFIXES
from gyre.errors import Invalid, TooLarge
from gyre.spec.base import COLUMN_PATTERN, OURS

if TYPE_CHECKING:
    import pyarrow as pa

    from gyre.datasets.text import Text
    from gyre.spec.reading import Reading

MAX_COLUMNS = 2_000
MAX_ROWS = 200_000_000
CHUNK_ROWS = 65_536
# Of a chunk, of a block that is read at once, and so of one row.
CHUNK_BYTES = 16 * 1024 * 1024
SHOWN_TEXT = 2_000

Format = Literal["csv", "tsv", "jsonl", "parquet"]

_FORMATS: dict[str, Format] = {
    "csv": "csv",
    "txt": "csv",
    "tsv": "tsv",
    "jsonl": "jsonl",
    "ndjson": "jsonl",
    "parquet": "parquet",
}
_FOREIGN = {
    b"PK\x03\x04": "is a ZIP archive or an Excel workbook: unpack it, or save the sheet as CSV",
    b"\xd0\xcf\x11\xe0": "is an old Excel workbook: save the sheet as CSV",
    b"\xfd7zXZ": "is packed by xz: unpack it, or pack it by gzip",
    b"\x28\xb5\x2f\xfd": "is packed by Zstandard: unpack it, or pack it by gzip",
    b"PAR1": "holds Parquet: give its name the ending .parquet",
    b"\x1f\x8b": "is packed by gzip, and what it holds should not be: take one gzip away",
}
_GZIP = b"\x1f\x8b"


@dataclass(frozen=True)
class Malformed:
    """A row that could not be read as a row, counted from 1; `text` is what stands there, cut at 2,000 characters."""

    row: int
    code: str
    text: str
    detail: str = ""


@dataclass(frozen=True)
class Chunk:
    """Rows that follow each other, all cells text or missing; `numbers` are theirs in the file, the first is 1."""

    rows: "pa.RecordBatch"
    numbers: "pa.Array"
    malformed: tuple[Malformed, ...]


@dataclass(frozen=True)
class Opened:
    """A file whose columns are known and whose rows are still to be read; `facts` are what was found out about it."""

    columns: tuple[str, ...]
    facts: Mapping[str, str]
    chunks: Iterator[Chunk]


@dataclass(frozen=True)
class Kind:
    """What a file is, by its name and its first bytes."""

    format: Format
    size: int
    packed: bool
    """By gzip, whatever its name says."""


def kind_of(name: str, stream: BinaryIO) -> Kind:
    """`Invalid` if it is none of ours, or not what it is named."""
    kind = format_of(name)
    size = stream.seek(0, io.SEEK_END)
    stream.seek(0)
    magic = stream.read(4)
    stream.seek(0)
    if kind == "parquet":
        if magic != b"PAR1":  # of the others, Parquet's own reader has more to say
            refuse_foreign(name, magic)
        return Kind(kind, size, packed=False)
    packed = magic.startswith(_GZIP)
    if name.lower().endswith(".gz") and not packed and size:
        raise Invalid(f"{name} is not a gzip file, though its name ends with .gz. Name it as what it is, or pack it.")
    return Kind(kind, size, packed)


def text_of(name: str, stream: BinaryIO, kind: Kind, reading: "Reading") -> "Text":
    """A file of text, unpacked and decoded."""
    from gyre.datasets.text import Text, Unpacked

    return Text(name, Unpacked(name, stream, kind.size) if kind.packed else stream, reading.encoding)


def open_upload(name: str, stream: BinaryIO, reading: "Reading") -> Opened:
    """Reads the head of a file. What cannot be read at all is `Invalid`, here or while the chunks are taken."""
    kind = kind_of(name, stream)
    if kind.format == "parquet":
        from gyre.datasets.read_parquet import open_parquet

        return open_parquet(name, stream, kind.size, reading)
    text = text_of(name, stream, kind, reading)
    if kind.format == "jsonl":
        from gyre.datasets.read_jsonl import open_jsonl

        opened = open_jsonl(name, text, reading)
    else:
        from gyre.datasets.read_csv import open_csv

        opened = open_csv(name, text, reading, tabs=kind.format == "tsv")
    facts = {"compression": "gzip" if kind.packed else "none", "encoding": text.encoding}
    return Opened(opened.columns, {**opened.facts, **facts}, opened.chunks)


def refuse_foreign(name: str, head: bytes) -> None:
    """Says what a file is that is none of ours; a text file full of what looks like noise helps nobody."""
    for magic, words in _FOREIGN.items():
        if head.startswith(magic):
            raise Invalid(f"{name} {words}.")


def checked_columns(name: str, found: Sequence[str]) -> tuple[str, ...]:
    """The names of a file's columns without the blanks around them, if they can name columns of a table."""
    if len(found) > MAX_COLUMNS:
        raise TooLarge(
            f"{name} has {len(found):,} columns; {MAX_COLUMNS:,} are the most. Leave out what no model uses."
        )
    columns = tuple(each.strip() for each in found)
    if not any(columns):
        raise Invalid(f"{name} has no columns: its first row must name them.")
    for at, column in enumerate(columns, 1):
        if not column:
            raise Invalid(
                f"{name}: column {at} of {len(columns)} has no name. Name it, or leave it out (pandas: index=False)."
            )
        if not re.fullmatch(COLUMN_PATTERN, column):
            raise Invalid(
                f"{name}: column {at} is named {column[:60]!r}. A name has 128 characters at most, no line breaks or "
                "other control characters, and no backticks. Rename it."
            )
        if column.startswith(OURS):
            raise Invalid(f"{name}: column {column!r} begins with {OURS}, as only Gyre's own columns do. Rename it.")
    if repeated := [repr(column) for column, times in Counter(columns).items() if times > 1]:
        raise Invalid(f"{name} has more than one column named {', '.join(repeated[:10])}. Rename all but one.")
    return columns


def no_rows(name: str) -> Invalid:
    return Invalid(f"{name} has columns and no rows: a header alone teaches nothing. Upload it with its rows.")


def format_of(name: str) -> Format:
    """How a file is read, by the ending of its name."""
    plain = name.lower().removesuffix(".gz")
    kind = _FORMATS.get(plain.rpartition(".")[2]) if "." in plain else None
    if kind is None:
        raise Invalid(f"{name} has an unknown ending: use one of {', '.join(SUFFIXES)}.")
    if kind == "parquet" and plain != name.lower():
        raise Invalid(f"{name}: Parquet is packed inside, column by column. Upload it without gzip, as .parquet.")
    return kind
