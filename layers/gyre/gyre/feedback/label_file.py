"""A file of labels, line by line: CSV or JSON Lines, packed or not, of any size. Standard library alone: where labels
are taken there is no pyarrow."""

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, BinaryIO

from pydantic_core import from_json

from gyre.datasets.source import kind_of, text_of
from gyre.datasets.text import Text
from gyre.errors import Invalid
from gyre.feedback.sayings import Remark, Said
from gyre.feedback.truths import MOST_CHARACTERS
from gyre.journal.record import EVENT_PATTERN
from gyre.spec.reading import Reading

COLUMNS = ("event_id", "row", "id", "label", "happened_at")
_DELIMITERS = (",", ";", "\t", "|")
_BLOCK_BYTES = 1024 * 1024
_MOST_LINE = 1024 * 1024
_MOST_IGNORED = 20
_MOST_ID = 200
_EVENT = re.compile(EVENT_PATTERN)
_ROW = re.compile(r"[0-9]{1,9}")


class LabelFile:
    """What a file says, in its order; `Invalid` if it cannot be read at all, or from some line on."""

    def __init__(self, name: str, model: str, stream: BinaryIO) -> None:
        kind = kind_of(name, stream)
        if kind.format == "parquet":
            raise Invalid(f"{name} is Parquet, which is not read here: write the labels as CSV or JSON Lines.")
        self._name, self._model, self._is_json = name, model, kind.format == "jsonl"
        self._text = text_of(name, stream, kind, Reading())
        self.ignored: set[str] = set()
        """Columns that mean nothing here, the first few."""

    def lines(self) -> Iterator[Said | Remark]:
        """Each line that is not blank: what it says, or what is wrong with it; counted from 1, as editors do."""
        return self._json_lines() if self._is_json else self._csv_lines()

    def _json_lines(self) -> Iterator[Said | Remark]:
        for number, line in enumerate(_lines(self._name, self._text), 1):
            if line.isspace():
                continue
            try:
                told = from_json(line)
            except (ValueError, RecursionError):
                told = None
            if not isinstance(told, dict):
                yield Remark(number, "line", "it is no JSON object")
                continue
            self._ignore(told)
            yield _said(number, self._model, told)

    def _csv_lines(self) -> Iterator[Said | Remark]:
        lines, before, header = _lines(self._name, self._text), 0, ""
        while not header.strip() and (line := next(lines, None)) is not None:
            before, header = before + 1, line
        delimiter, columns = self._columns(header)
        rows = csv.reader(lines, delimiter=delimiter, strict=True)
        last = before
        while True:
            try:
                cells = next(rows, None)
            except csv.Error as error:
                raise Invalid(
                    f"{self._name} cannot be read from line {last + 1:,} on: {error}. Is a quote opened there and "
                    "never closed?"
                ) from None
            if cells is None:
                return
            number, last = last + 1, before + rows.line_num
            if not any(cells):
                continue
            if len(cells) != len(columns):
                yield Remark(number, "line", f"{len(cells)} cells where the header has {len(columns)}")
                continue
            yield _said(number, self._model, {name: cell.strip() for name, cell in zip(columns, cells, strict=True)})

    def _columns(self, header: str) -> tuple[str, Sequence[str]]:
        for delimiter in _DELIMITERS:
            try:
                found = [each.strip() for each in next(csv.reader([header], delimiter=delimiter), [])]
            except csv.Error:
                continue
            if "label" in found and ("event_id" in found or "id" in found):
                twice = sorted({each for each in found if found.count(each) > 1 and each in COLUMNS})
                if twice:
                    raise Invalid(f"{self._name} has more than one column {', '.join(twice)}.")
                self._ignore(found)
                return delimiter, found
        raise Invalid(
            f"{self._name} does not say whose labels these are: its first line must name the columns label and either "
            "event_id (with row, where a call had several) or id; happened_at may be among them."
        )

    def _ignore(self, names: Sequence[str] | Mapping[str, Any]) -> None:
        if len(self.ignored) < _MOST_IGNORED:
            self.ignored.update(each[:80] for each in names if each not in COLUMNS)


def _said(number: int, model: str, cells: Mapping[str, Any]) -> Said | Remark:
    """A line's cells, which are text in CSV and anything in JSON."""
    told: dict[str, Any] = {name: cells.get(name) for name in COLUMNS}
    for name, cell in told.items():
        if cell == "":
            told[name] = None
    event_id, row, named, label, happened_at = told.values()
    if event_id is not None and not (isinstance(event_id, str) and _EVENT.fullmatch(event_id)):
        return Remark(number, "event_id", "it is no id of an event")
    if isinstance(row, str) and _ROW.fullmatch(row):
        row = int(row)
    if row is not None and not (_is_whole(row) and 0 <= row < 2**31):
        return Remark(number, "row", "it is no place in a call: a whole number from 0")
    if named is not None and not (_is_whole(named) or _is_text(named, _MOST_ID)):
        return Remark(number, "id", f"it is no text of up to {_MOST_ID} characters, and no whole number")
    if label is None:
        return Remark(number, "label", "it is missing")
    if not (isinstance(label, bool | float) or _is_whole(label) or _is_text(label, MOST_CHARACTERS)):
        return Remark(number, "label", f"it is no number and no text of up to {MOST_CHARACTERS:,} characters")
    return Said(number, label, model, event_id, row=row, id=named, happened_at=happened_at)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63


def _is_text(value: Any, most: int) -> bool:
    return isinstance(value, str) and len(value) <= most


def _lines(name: str, text: Text) -> Iterator[str]:
    """With their breaks, so that one within quotes stays what it is."""
    rest, count = b"", 0
    while block := text.read(_BLOCK_BYTES):
        whole, found, rest = (rest + block).rpartition(b"\n")
        if len(rest) > _MOST_LINE:
            raise Invalid(f"{name}: a line after line {count + whole.count(10):,} is longer than a megabyte.")
        for line in whole.split(b"\n") if found else ():
            count += 1
            yield line.decode() + "\n"
    if rest:
        yield rest.decode()
