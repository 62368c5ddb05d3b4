"""Records of a trial, as the request path leaves them: version 1 is production, version 2 its challenger."""

import itertools
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Literal

from gyre.journal.record import Contribution, Fault, JournalRecord, JournalRow, Served
from gyre.trials.sides import SHADOW

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
WRONG = Fault(code="range", message="it is out of range", field="x")
_EVENTS = (f"event-{number:06}" for number in itertools.count())
_ALIAS: dict[int, Literal["production", "challenger"]] = {1: "production", 2: "challenger"}
Prediction = bool | int | float | str | None


def served(version: int, rows: int = 1, ms: float = 1.0, fault: str | None = None) -> Served:
    return Served(version=version, alias=_ALIAS.get(version), rows=rows, ms=0.0 if fault else ms, fault=fault)


def row(version: int | None, prediction: Prediction = "red", id: str | int | None = None, **facts: Any) -> JournalRow:  # noqa: A002
    """Words are classes, and have probabilities."""
    if isinstance(prediction, str | bool):
        facts = {"probabilities": {"red": 0.7, "white": 0.3}, "confidence": 0.7} | facts
    return JournalRow(id=id, version=version, prediction=prediction, **facts)


def explained(version: int) -> JournalRow:
    return row(version, explanation=(Contribution(feature="x", value=1, contribution=0.5),))


def wrong(id: str | int | None = None) -> JournalRow:  # noqa: A002
    """A row that breaks a rule."""
    return JournalRow(id=id, fault=WRONG)


def record(who: Sequence[Served], rows: Sequence[JournalRow], **facts: Any) -> JournalRecord:
    told: dict[str, Any] = {
        "event_id": next(_EVENTS), "model": "wine", "at": NOON, "status": 200, "duration_ms": 5.0, "caller": "test",
        "correlation_id": "c", "served": tuple(who), "rows": tuple(rows),
    }  # fmt: skip
    return JournalRecord(**told | facts)


def call(version: int, *predictions: Prediction, ms: float = 1.0, **facts: Any) -> JournalRecord:
    """One that a release had alone; of one row that is red, if nothing else is said."""
    rows = [row(version, each) for each in predictions or ("red",)]
    return record([served(version, len(rows), ms)], rows, **facts)


def failure(rows: int = 1, **facts: Any) -> JournalRecord:
    """The challenger could not answer, so production did."""
    return record([served(2, rows, fault="RuntimeError: broken"), served(1, rows)], [row(1)] * rows, **facts)


def refusal(version: int, rows: int = 1, **facts: Any) -> JournalRecord:
    """A call with rows that break a rule, refused as a whole."""
    return record([served(version, 0)], [wrong() for _ in range(rows)], **{"status": 422} | facts)


def shadow(base: JournalRecord, *predictions: Prediction, ms: float = 1.0, **facts: Any) -> JournalRecord:
    """The same rows for the challenger."""
    rows = [row(2, each, id=one.id) for each, one in zip(predictions, base.rows, strict=True)]
    told = {"event_id": base.event_id + SHADOW, "kind": "shadow", "asked": "challenger", "at": base.at} | facts
    return record([served(2, len(rows), ms)], rows, **told)
