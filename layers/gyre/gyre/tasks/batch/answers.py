"""A range's rows with their answers, those that have none among them, in the order of the file."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from gyre.datasets.arrow_text import as_text
from gyre.datasets.asked import AskedCheck, AskedRows
from gyre.datasets.read_range import RangeRows
from gyre.datasets.rows import as_numpy
from gyre.datasets.source import Chunk, Malformed
from gyre.datasets.typed import typed
from gyre.serving.predicted import predicted
from gyre.serving.question import RowAnswer, RowId, kept_columns
from gyre.serving.shelf import Loaded
from gyre.spec.model import ModelSpec
from gyre.telemetry import TimeSplit

# Of an explanation, as many features as weigh most.
TOP = 5


@dataclass(frozen=True)
class BatchRow:
    """One row: its answer, or the checks that it breaks."""

    id: RowId
    features: Mapping[str, Any]
    answer: RowAnswer | None = None
    broken: Sequence[str] = ()
    malformed: Malformed | None = None


@dataclass
class AnsweredRange:
    """All rows of a range, filled as they are read."""

    rows: list[BatchRow] = field(default_factory=list)
    changed: int = 0
    flagged: int = 0


class Answerer:
    """One release over the rows of a file, as its spec reads them."""

    def __init__(self, spec: ModelSpec, loaded: Loaded, present: Collection[str], *, explain: bool) -> None:
        self._spec, self._loaded, self._top = spec, loaded, TOP if explain else None
        # What the journal may hold of a row; what is to be predicted was not asked.
        told = (kept_columns(spec) & set(present)) - {spec.target}
        self._check = AskedCheck(spec, spec.needed, told)

    def answer(self, read: RangeRows, into: AnsweredRange, times: TimeSplit) -> list[int]:
        """Adds these rows; the places in the chunk that they had, in the order of the file: after its rows stand those
        that could not be read."""
        chunk = read.chunk
        with times.of("check"):
            asked = self._check.check(chunk)
        good = ~asked.refused
        chosen = {name: as_numpy(values)[good] for name, values in asked.values.items()}
        ids, features = self._ids(chunk), _features(chunk, asked)
        places = np.flatnonzero(good).tolist()
        found = predicted(self._loaded, [ids[at] for at in places], chosen, self._top, times) if places else []
        answers = {at: each for at, each in zip(places, found, strict=True) if each.fault is None}
        lost = {at: (each.fault.rule,) for at, each in zip(places, found, strict=True) if each.fault}
        rows = [
            BatchRow(ids[at], features[at], answers.get(at), asked.reasons.get(at, lost.get(at, ())))
            for at in range(chunk.rows.num_rows)
        ]
        rows += [BatchRow(None, {}, malformed=each) for each in chunk.malformed]
        order = _order(chunk)
        into.rows += [rows[at] for at in order]
        into.changed += asked.changed
        into.flagged += asked.flagged
        return order

    def _ids(self, chunk: Chunk) -> Sequence[RowId]:
        """As the file names its rows, unless that tells who somebody is; else nobody does."""
        name = self._spec.id
        if name is None or self._spec.columns[name].personal or name not in chunk.rows.schema.names:
            return [None] * chunk.rows.num_rows
        cells = chunk.rows.column(name)
        if self._spec.columns[name].type != "integer":
            return list(cells.to_pylist())
        found = typed(cells, self._spec.columns[name], self._spec.read).values.to_pylist()
        return [text if number is None else number for number, text in zip(found, cells.to_pylist(), strict=True)]


def _order(chunk: Chunk) -> list[int]:
    """The chunk's rows and, behind them, its malformed ones, as the file has them."""
    if not chunk.malformed:
        return list(range(chunk.rows.num_rows))
    numbers = np.concatenate([chunk.numbers.to_numpy(), [each.row for each in chunk.malformed]])
    order: list[int] = np.argsort(numbers, kind="stable").tolist()
    return order


def _features(chunk: Chunk, asked: AskedRows) -> list[dict[str, Any]]:
    """What was sent of what the model looks at: values of their types, and the text of those that are none."""
    columns = []
    for name, values in asked.sent.items():
        plain = as_text("", name, values, ".") if pa.types.is_timestamp(values.type) else values  # as JSON tells it
        found = plain.to_pylist()
        for at in np.flatnonzero(asked.failed[name]).tolist():
            found[at] = chunk.rows.column(name)[at].as_py()
        columns.append(found)
    names = list(asked.sent)
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]
