"""A record as lines of a table: one for each row of the call, or one alone where there is none.

Any engine can filter by the columns; `features`, `answer` and `call` are JSON, so that the table's shape stays the same
whatever models there are. Nothing of a record is lost on the way."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from pydantic_core import to_json

from gyre.journal.record import Fault, JournalRecord, JournalRow, Kind
from gyre.spec.base import class_name

# What of a call has no column of its own.
_REST = frozenset({"shape", "times", "cold", "memory_mb", "correlation_id", "asked", "served", "error"})
ERASED = Fault(code="erased", message="What this row held was erased at a person's request.")


@dataclass(frozen=True)
class Line:
    """One row of a call and its answer. The order of the fields is that of the table's columns."""

    event_id: str
    row: int | None
    """Its place in the call; none in a call of which no row was read."""
    rows: int
    """How many the call has."""
    model: str | None
    day: str
    at: datetime
    kind: Kind
    status: int
    version: int | None
    row_id: str | None
    prediction: str | None
    value: float | None
    """The prediction of a regression, as a number."""
    confidence: float | None
    duration_ms: float
    caller: str
    features: str | None
    answer: str | None
    call: str
    erased: bool = False


def lines_of(record: JournalRecord) -> list[Line]:
    """All lines of a record."""
    call = record.model_dump_json(include=set(_REST))
    return [_line(record, call, at, row) for at, row in enumerate(record.rows)] or [_line(record, call, None, None)]


def records_of(lines: Iterable[Line]) -> list[JournalRecord]:
    """The records of lines that stand together by event and in the order of their rows."""
    return [_record(list(each)) for _, each in groupby(lines, key=lambda line: line.event_id)]


def row_of(line: Line) -> JournalRow | None:
    """The row of a line, if it has one."""
    if line.row is None:
        return None
    if line.erased or line.answer is None:
        return JournalRow(version=line.version, fault=ERASED)
    return JournalRow(**json.loads(line.answer), features=json.loads(line.features or "{}"))


def _line(record: JournalRecord, call: str, at: int | None, row: JournalRow | None) -> Line:
    told = row or JournalRow()
    named = None if told.prediction is None else class_name(told.prediction)
    return Line(
        event_id=record.event_id, row=at, rows=len(record.rows), model=record.model, day=record.day, at=record.at,
        kind=record.kind, status=record.status, version=told.version,
        row_id=None if told.id is None else str(told.id), prediction=named,
        value=None if row is None or row.probabilities is not None else _number(row.prediction),
        confidence=told.confidence, duration_ms=record.duration_ms, caller=record.caller,
        features=None if row is None else to_json(row.features).decode(),
        answer=None if row is None else row.model_dump_json(exclude={"features"}), call=call,
    )  # fmt: skip


def _number(prediction: bool | int | float | str | None) -> float | None:
    try:
        return float(prediction) if isinstance(prediction, int | float) and not isinstance(prediction, bool) else None
    except OverflowError:  # an integer that no column of numbers can hold; `answer` has it
        return None


def _record(lines: Sequence[Line]) -> JournalRecord:
    first = lines[0]
    rows = [row for row in map(row_of, sorted(lines, key=lambda line: line.row or 0)) if row is not None]
    return JournalRecord(
        **json.loads(first.call), event_id=first.event_id, model=first.model, kind=first.kind, at=first.at,
        status=first.status, duration_ms=first.duration_ms, caller=first.caller, rows=tuple(rows),
    )  # fmt: skip
