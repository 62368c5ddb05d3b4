"""From a call and its answer to the record that the journal keeps."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gyre.journal.record import Contribution, Fault, JournalRecord, JournalRow, Kind, Served
from gyre.serving.kept import Kept
from gyre.serving.question import Answer, Asked, Question, RowAnswer, RowId
from gyre.telemetry import TimeSplit


@dataclass(frozen=True)
class Call:
    """Who called, and when."""

    event_id: str
    at: datetime
    caller: str
    correlation_id: str
    cold: bool = False
    memory_mb: int | None = None
    kind: Kind = "online"


def record_of(
    call: Call,
    status: int,
    times: TimeSplit,
    question: Question | None,
    answer: Answer | None,
    error: Fault | None = None,
) -> JournalRecord:
    """However it ended. Of a row only what its model declares is kept, so that nothing personal slips in as it was; of
    a call to a model that is not there nothing can be known, and no row is."""
    unknown = error is not None and (error.code, error.field) == ("not_found", "model")
    return JournalRecord(
        event_id=call.event_id,
        model=question.model if question and not unknown else None,
        kind=call.kind,
        at=call.at,
        status=status,
        duration_ms=times.total,
        times=dict(times.parts),
        cold=call.cold,
        memory_mb=call.memory_mb,
        caller=call.caller,
        correlation_id=call.correlation_id,
        asked=question.release[:100] if question else "production",
        served=tuple(map(_served, answer.asked)) if answer else (),
        rows=rows_of(question, answer) if question and answer else (),
        error=error,
    )


def rows_of(question: Question, answer: Answer) -> tuple[JournalRow, ...]:
    """Each row with its answer."""
    kept = Kept(answer.spec, answer.pseudonyms)
    pairs = zip(question.rows, answer.rows, strict=True)
    return tuple(row_of(kept.id(asked, told.id), kept.features(asked.features), told) for asked, told in pairs)


def row_of(id_: RowId, features: Mapping[str, Any], told: RowAnswer) -> JournalRow:
    """One row, as it may be kept, with its answer."""
    fault = told.fault and Fault(code=told.fault.rule, message=told.fault.message, field=told.fault.field)
    reasons = told.explanation
    why = reasons if reasons is None else tuple(Contribution(feature=f, value=v, contribution=c) for f, v, c in reasons)
    return JournalRow(
        id=id_, version=told.version, features=features, prediction=told.prediction,
        probabilities=told.probabilities, confidence=told.confidence, base_value=told.base_value, explanation=why,
        score=told.score, fault=fault,
    )  # fmt: skip


def _served(asked: Asked) -> Served:
    return Served(**vars(asked))
