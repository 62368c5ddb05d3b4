"""What the journal is told of a range: as many records as their size asks for, the same ones whenever it is told."""

import hashlib
from collections.abc import Iterator, Sequence
from datetime import datetime

from gyre.journal.calls import row_of
from gyre.journal.record import Fault, JournalRecord, JournalRow, Served
from gyre.serving.predicted import OVERFLOW, TOO_FAR
from gyre.tasks.batch.answers import BatchRow
from gyre.tasks.batch.manifest import BatchManifest
from gyre.telemetry import TimeSplit

RECORD_ROWS = 1_000
_LONGEST_RUN = 60


def records(plan: BatchManifest, number: int, rows: Sequence[BatchRow], times: TimeSplit) -> Iterator[JournalRecord]:
    """Event ids come from run, range and piece, and the moment is the run's: told twice, a record is the same one."""
    name = plan.run if len(plan.run) <= _LONGEST_RUN else hashlib.sha256(plan.run.encode()).hexdigest()[:32]
    for at in range(0, len(rows), RECORD_ROWS):
        piece = rows[at : at + RECORD_ROWS]
        share = len(piece) / len(rows)
        parts = {part: round(ms * share, 3) for part, ms in times.parts.items()}
        told = tuple(journal_row(each) for each in piece)
        yield JournalRecord(
            event_id=f"{name}-{number:06}-{at // RECORD_ROWS:03}", model=plan.file.model, kind="batch",
            at=datetime.fromisoformat(plan.release.at), status=200, duration_ms=round(times.total * share, 3),
            times=parts, caller="batch", correlation_id=plan.run, asked=plan.file.release, rows=told,
            served=(
                Served(
                    version=plan.release.version, alias=plan.release.alias, bundle=plan.release.bundle.hash,
                    rows=sum(1 for each in piece if each.answer),
                    ms=round(parts.get("predict", 0.0) + parts.get("explain", 0.0), 3),
                ),
            ),
        )  # fmt: skip


def journal_row(row: BatchRow) -> JournalRow:
    """One row and its answer; of one that could not be read nothing is kept but that."""
    if row.answer is None:
        return JournalRow(id=row.id, features=row.features, fault=_fault(row))
    return row_of(row.id, row.features, row.answer)


def _fault(row: BatchRow) -> Fault:
    if row.malformed is not None:
        return Fault(code=row.malformed.code, message=f"It could not be read as a row: {row.malformed.code}.")
    code, _, column = row.broken[0].partition(":")
    if code == OVERFLOW:
        return Fault(code=code, message=TOO_FAR)
    return Fault(code=code, message=f"It breaks {', '.join(row.broken)} of model.yaml.", field=column or None)
