"""A CSV file in chunks: what it looks like is found out here, then csv_rows.py reads its rows."""

import csv
import io
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from gyre.datasets.csv_rows import CsvRows
from gyre.datasets.source import Opened, checked_columns
from gyre.datasets.text import Text
from gyre.errors import Invalid

if TYPE_CHECKING:
    from gyre.spec.reading import Reading

# In the order of preference where two fit equally well: a comma is also found inside of names and numbers.
DELIMITERS = ("\t", ";", "|", ",")
LOOKED_AT_BYTES = 64 * 1024
LOOKED_AT_ROWS = 200


def open_csv(name: str, text: Text, reading: "Reading", *, tabs: bool) -> Opened:
    """Finds delimiter and columns; the rows follow when the chunks are taken."""
    head = read_head(name, text, reading, tabs=tabs)
    rows = CsvRows(name, head.columns, head.delimiter, reading.quote)
    told = "tab" if head.delimiter == "\t" else head.delimiter
    return Opened(head.columns, {"format": "csv", "delimiter": told}, rows.chunks(text))


@dataclass(frozen=True)
class Head:
    """What stands before the rows, and how many bytes it takes."""

    columns: tuple[str, ...]
    delimiter: str
    size: int


def read_head(name: str, text: Text, reading: "Reading", *, tabs: bool) -> Head:
    """Finds delimiter and columns; what is read on from the text are its rows."""
    _check_marks(name, reading)
    head = text.head.decode(errors="ignore")  # its last character may be cut in two
    delimiter = reading.delimiter or ("\t" if tabs else _delimiter_of(head, reading))
    header, length = _header(name, head, delimiter, reading.quote, text.head_is_all)
    columns = checked_columns(name, header)
    return Head(columns, delimiter, len(text.read(length)))


def _check_marks(name: str, reading: "Reading") -> None:
    for field, mark in (("delimiter", reading.delimiter), ("quote", reading.quote)):
        if mark is not None and (not mark.isascii() or mark in "\r\n\0"):
            raise Invalid(
                f"{name}: {mark!r} cannot be the {field} of a CSV file: it must be one ASCII character, no line break.",
                field=f"read.{field}",
            )
    if reading.delimiter == reading.quote:
        raise Invalid(f"{name}: delimiter and quote are both {reading.quote!r}.", field="read.quote")


def _delimiter_of(head: str, reading: "Reading") -> str:
    """The one that cuts most rows into as many cells as the header has; a single column needs none."""
    best, most = ",", (0.0, 1)
    for delimiter in DELIMITERS:
        if delimiter == reading.quote:
            continue
        counts = _cell_counts(head[:LOOKED_AT_BYTES], delimiter, reading.quote)
        if len(head) > LOOKED_AT_BYTES and len(counts) > 1:
            counts.pop()  # cut off
        if counts and counts[0] > 1:
            found = (round(counts.count(counts[0]) / len(counts), 2), counts[0])
            best, most = (delimiter, found) if found > most else (best, most)
    return best


def _cell_counts(head: str, delimiter: str, quote: str) -> list[int]:
    # A cell of so short a text is never too long for csv, and nothing else is an error to it.
    rows = csv.reader(io.StringIO(head, newline=""), delimiter=delimiter, quotechar=quote)
    return [len(row) for row in islice(rows, LOOKED_AT_ROWS) if row]


def _header(name: str, head: str, delimiter: str, quote: str, head_is_all: bool) -> tuple[list[str], int]:
    """The first row that is not blank, and how many bytes it takes with the blank lines before it."""
    file = io.StringIO(head, newline="")
    try:
        header = next((row for row in csv.reader(file, delimiter=delimiter, quotechar=quote) if row), [])
    except csv.Error as error:
        raise Invalid(f"{name}: its header cannot be read ({error}). The first row must name the columns.") from error
    if not head_is_all and file.tell() == len(head):
        raise Invalid(f"{name}: its first row is longer than a megabyte. The first row must name the columns.")
    return header, len(head[: file.tell()].encode())
