"""The answers of a range as a part of a file: in the file's format, its own columns as they came, ours behind them."""

import io
import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from gyre.datasets.arrow_text import as_text
from gyre.datasets.read_range import RangeRows
from gyre.datasets.source import SHOWN_TEXT
from gyre.spec.reading import Reading
from gyre.tasks.batch.answers import BatchRow
from gyre.tasks.batch.manifest import BatchManifest

_UNREADABLE = "unreadable"


class PartWriter:
    """One part, filled with a chunk after the other."""

    def __init__(self, plan: BatchManifest, reading: Reading) -> None:
        self._plan, self._reading = plan, reading
        self._texts: list[bytes] = []
        self._tables: list[pa.Table] = []

    def add(self, read: RangeRows, rows: Sequence[BatchRow], order: Sequence[int]) -> None:
        """The rows of a chunk in the order of the file; `order` tells where each stood in the chunk."""
        ours = added_columns(self._plan, rows)
        if self._plan.shape.format == "jsonl":
            self._texts.append(_jsonl(read, rows, ours))
        elif read.typed is not None:
            kept = pa.Table.from_batches([read.typed])
            self._tables.append(_beside(kept, ours))
        else:
            own = [_placed(cells, order) for cells in read.chunk.rows.columns]
            told = [as_text("", name, values, self._reading.decimal) for name, values in ours.items()]
            self._texts.append(csv_lines([*own, *told], self._plan.shape.delimiter, self._reading.quote))

    def content(self) -> bytes:
        """The whole part. Text has no header here."""
        if not self._tables:
            return b"".join(self._texts)
        table, sink = pa.concat_tables(self._tables).unify_dictionaries(), io.BytesIO()
        pq.write_table(table, sink, row_group_size=max(1, table.num_rows))
        return sink.getvalue()


def csv_header(plan: BatchManifest, quote: str) -> bytes:
    """The first line of the answers."""
    names = [*plan.shape.columns, *(name for name, _ in plan.added.values())]
    return csv_lines([pa.array([name], pa.string()) for name in names], plan.shape.delimiter, quote)


def parquet_schema(plan: BatchManifest, own: pa.Schema) -> pa.Schema:
    """Of the answers to a file of this schema."""
    fields = [field.with_name(name) for field, name in zip(own, plan.shape.columns, strict=True)]
    return pa.schema([*fields, *plan.added.values()])


def csv_lines(columns: Sequence[pa.Array], delimiter: str, quote: str) -> bytes:
    """Lines of cells, quoted where they have to be. Nothing is nothing."""
    special = f"[{re.escape(delimiter)}{re.escape(quote)}\r\n]"
    cells = [_quoted(pc.fill_null(each, ""), special, quote) for each in columns]
    lines = pc.binary_join_element_wise(*cells, delimiter)
    return _joined(pc.binary_join_element_wise(lines, "", "\n"))


def _quoted(cells: pa.Array, special: str, quote: str) -> pa.Array:
    needs = pc.match_substring_regex(cells, special)
    if not pc.any(needs).as_py():
        return cells
    doubled = pc.replace_substring(cells, quote, quote * 2)
    return pc.if_else(needs, pc.binary_join_element_wise(quote, doubled, quote, ""), cells)


def _joined(lines: pa.Array) -> bytes:
    """All of them, one behind the other."""
    _, offsets, data = lines.buffers()
    if data is None or not len(lines):
        return b""
    ends = memoryview(offsets).cast("i")
    return bytes(memoryview(data)[ends[lines.offset] : ends[lines.offset + len(lines)]])


def _placed(cells: pa.Array, order: Sequence[int]) -> pa.Array:
    """A column's cells as the file has them; of a row that could not be read there is none."""
    if len(order) == len(cells):
        return cells
    return cells.take(pa.array([at if at < len(cells) else None for at in order], pa.int64()))


def added_columns(plan: BatchManifest, rows: Sequence[BatchRow]) -> dict[str, pa.Array]:
    """Ours, by their names in the file."""
    return {name: pa.array(_values(what, rows), kind) for what, (name, kind) in plan.added.items()}


def _values(what: str, rows: Sequence[BatchRow]) -> Iterable[Any]:
    if what == "error":
        return (None if row.answer else error_of(row) for row in rows)
    if what == "explanation":
        return (None if row.answer is None else json.dumps(row.answer.reasons, ensure_ascii=False) for row in rows)
    if what.startswith("probability_"):
        of = what.removeprefix("probability_")
        return (None if row.answer is None else (row.answer.probabilities or {})[of] for row in rows)
    return (None if row.answer is None else getattr(row.answer, what) for row in rows)


def error_of(row: BatchRow) -> str:
    """Why a row has no answer."""
    if row.malformed is None:
        return ", ".join(row.broken)
    told = (row.malformed.code, row.malformed.detail)
    return ": ".join(filter(None, told))


# --- JSON Lines -------------------------------------------------------------------------------------------------------


def _jsonl(read: RangeRows, rows: Sequence[BatchRow], ours: dict[str, pa.Array]) -> bytes:
    """Each line as it came, with ours before its last brace: numbers stay as they were written."""
    values = [
        pc.binary_join_element_wise(json.dumps(name, ensure_ascii=False), _as_json(name, each), ": ")
        for name, each in ours.items()
    ]
    told = pc.binary_join_element_wise(*values, ", ").to_pylist()
    numbers = iter(read.chunk.numbers.to_pylist())
    lines = [
        _unreadable(row.malformed.text, added) if row.malformed else _spliced(read.lines[next(numbers) - 1], added)
        for row, added in zip(rows, told, strict=True)
    ]
    return "".join(lines).encode()


def _spliced(line: str, added: str) -> str:
    body = line.strip()[:-1].rstrip()
    return f"{body}{'' if body.endswith('{') and body.strip() == '{' else ', '}{added}}}\n"


def _unreadable(text: str, added: str) -> str:
    return f"{{{json.dumps(_UNREADABLE)}: {json.dumps(text[:SHOWN_TEXT], ensure_ascii=False)}, {added}}}\n"


def _as_json(name: str, values: pa.Array) -> pa.Array:
    if name.endswith("explanation"):  # JSON already
        return pc.fill_null(values, "null")
    if not pa.types.is_string(values.type):
        return pc.fill_null(as_text("", name, values, "."), "null")
    coded = values.dictionary_encode()
    texts = [json.dumps(each, ensure_ascii=False) for each in coded.dictionary.to_pylist()]
    return pc.fill_null(pa.array(texts, pa.string()).take(coded.indices), "null")


def _beside(own: pa.Table, ours: dict[str, pa.Array]) -> pa.Table:
    for name, values in ours.items():
        own = own.append_column(name, values)
    return own
