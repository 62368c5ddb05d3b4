"""A range's rows with their answers, those that have none among them, in the order of the file."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gyre.datasets.arrow_text import as_text
from gyre.datasets.asked import AskedCheck, AskedRows
from gyre.datasets.read_range import RangeRows
from gyre.datasets.rows import as_numpy
from gyre.datasets.source import Chunk, Malformed
from gyre.datasets.typed import typed
from gyre.pseudonyms import Pseudonyms
from gyre.serving.kept import Kept
from gyre.serving.predicted import predicted
from gyre.serving.question import RowAnswer, RowId
from gyre.serving.shelf import Loaded
from gyre.spec.model import ModelSpec
from gyre.telemetry import TimeSplit

# Of an explanation, as many features as weigh most.
TOP = 5


@dataclass(frozen=True)
class BatchRow:
    """One row, as the journal may hold it: its answer, or the checks that it breaks."""

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

    def __init__(
        self, spec: ModelSpec, loaded: Loaded, present: Collection[str], pseudonyms: Pseudonyms | None, *, explain: bool
    ) -> None:
        self._spec, self._loaded, self._top = spec, loaded, TOP if explain else None
        self._kept, self._personal = Kept(spec, pseudonyms), spec.personal
        # What is to be predicted was not asked.
        self._check = AskedCheck(spec, spec.needed, (spec.columns.keys() & set(present)) - {spec.target})

    def answer(self, read: RangeRows, into: AnsweredRange, times: TimeSplit) -> list[int]:
        """Adds these rows; the places in the chunk that they had, in the order of the file: after its rows stand those
        that could not be read."""
        chunk = read.chunk
        with times.of("check"):
            asked = self._check.check(chunk)
        good = ~asked.refused
        chosen = {name: as_numpy(values)[good] for name, values in asked.values.items()}
        features = self._features(chunk, asked)
        ids = self._ids(chunk, features)
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

    def _ids(self, chunk: Chunk, features: Sequence[Mapping[str, Any]]) -> Sequence[RowId]:
        """As the file names its rows, or by a pseudonym where that tells who somebody is; else nobody does."""
        name = self._spec.id
        if name is None or name not in chunk.rows.schema.names:
            return [None] * chunk.rows.num_rows
        if name in self._personal:
            return [each[name] for each in features]
        cells = chunk.rows.column(name)
        if self._spec.columns[name].type != "integer":
            return list(cells.to_pylist())
        found = typed(cells, self._spec.columns[name], self._spec.read).values.to_pylist()
        return [text if number is None else number for number, text in zip(found, cells.to_pylist(), strict=True)]

    def _features(self, chunk: Chunk, asked: AskedRows) -> list[dict[str, Any]]:
        """What was sent: values of their types, and the text of those that are none; of personal ones pseudonyms."""
        columns = []
        for name, values in asked.sent.items():
            personal = name in self._personal
            found = _plain(chunk, name, values, personal=personal).to_pylist()
            for at in np.flatnonzero(asked.failed[name]).tolist():
                found[at] = chunk.rows.column(name)[at].as_py()
            columns.append([self._kept.value(name, each) for each in found] if personal else found)
        names = list(asked.sent)
        return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def _plain(chunk: Chunk, name: str, values: pa.Array, *, personal: bool) -> pa.Array:
    """Times as JSON tells them; those that name somebody as they were written, because a caller would send them so."""
    if not pa.types.is_timestamp(values.type):
        return values
    if personal:
        return pc.if_else(values.is_valid(), chunk.rows.column(name), pa.scalar(None, pa.string()))
    return as_text("", name, values, ".")


def _order(chunk: Chunk) -> list[int]:
    """The chunk's rows and, behind them, its malformed ones, as the file has them."""
    if not chunk.malformed:
        return list(range(chunk.rows.num_rows))
    numbers = np.concatenate([chunk.numbers.to_numpy(), [each.row for each in chunk.malformed]])
    order: list[int] = np.argsort(numbers, kind="stable").tolist()
    return order
