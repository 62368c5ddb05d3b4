"""`Labels` in memory, beside a journal in memory; held to the same contract as the Delta table."""

from collections.abc import Collection, Sequence
from datetime import datetime

from gyre.errors import Unavailable
from gyre.feedback.labels import (
    Coverage,
    Joined,
    Judged,
    KnownId,
    KnownRow,
    Label,
    call_of,
    current,
)
from gyre.journal.lines import Line, row_of
from gyre.journal.record import Kind
from tests.fakes.journal import MemoryJournal


class MemoryLabels:
    def __init__(self, journal: MemoryJournal | None = None) -> None:
        self.journal = journal or MemoryJournal()
        self.labels: list[Label] = []
        self.down = False

    def append(self, labels: Sequence[Label]) -> frozenset[str]:
        if self.down:
            raise Unavailable("The labels are down.")
        known = {each.label_id for each in self.labels}
        fresh: dict[str, Label] = {}
        for each in labels:
            if each.label_id not in known:
                fresh.setdefault(each.label_id, each)
        self.labels += fresh.values()
        return frozenset(fresh)

    def of_events(self, event_ids: Collection[str]) -> list[Label]:
        return [each for each in self.labels if each.event_id in event_ids]

    def of_ids(self, model: str, row_ids: Collection[str]) -> list[Label]:
        return [each for each in self.labels if each.model == model and each.row_id in row_ids]

    def through_events(self, model: str, row_ids: Collection[str]) -> list[tuple[str, Label]]:
        lines = [line for line in self.journal.lines if line.model == model and line.row_id in row_ids]
        return [
            (str(line.row_id), label)
            for line in lines
            for label in self.labels
            if label.model == model and label.event_id == line.event_id and label.is_of(line.row or 0, line.rows)
        ]

    def known_rows(self, event_ids: Collection[str], rows: Collection[int]) -> list[KnownRow]:
        return [
            KnownRow(line.event_id, line.model, line.row, line.rows, line.row_id, line.at, line.prediction is not None)
            for line in self.journal.lines
            if line.event_id in event_ids and (not line.row or line.row in rows)
        ]

    def known_ids(self, model: str, row_ids: Collection[str]) -> dict[str, KnownId]:
        found: dict[str, list[Line]] = {}
        for line in self.journal.lines:
            if line.model == model and line.row_id is not None and line.row_id in row_ids and line.kind != "shadow":
                found.setdefault(line.row_id, []).append(line)
        return {
            row_id: KnownId(
                len(lines), sum(each.prediction is not None for each in lines), min(each.at for each in lines)
            )
            for row_id, lines in found.items()
        }

    def joined(self, model: str, since: datetime, until: datetime, limit: int, kinds: Collection[Kind] = ()) -> Joined:
        lines = [
            line
            for line in self.journal.lines
            if line.model == model and line.prediction is not None and since <= line.at < until
            if not kinds or line.kind in kinds
        ]
        lines.sort(key=lambda line: (line.at, line.event_id, line.row), reverse=True)
        judged = [self._judged(line) for line in lines]
        labelled = [each for each in judged if each.label is not None]
        about = {id(label) for line in self.journal.lines for label in self._said_of(line)}
        received = [each for each in self.labels if each.model == model and since <= each.received_at < until]
        unknown = sum(id(each) not in about for each in received)
        coverage = Coverage(
            len(labelled), len(judged) - len(labelled), sum(each.corrected for each in labelled), unknown
        )
        return Joined(tuple(judged[:limit]), coverage, cut=len(judged) > limit)

    def _said_of(self, line: Line) -> list[Label]:
        return [
            each
            for each in self.labels
            if each.model == line.model
            if (each.event_id == call_of(line.event_id) and each.is_of(line.row or 0, line.rows))
            or (each.row_id is not None and each.row_id == line.row_id)
        ]

    def _judged(self, line: Line) -> Judged:
        row = row_of(line)
        assert row is not None and row.prediction is not None and line.row is not None
        said = self._said_of(line)
        last = current(said)
        return Judged(
            event_id=line.event_id, row=line.row, row_id=line.row_id, kind=line.kind, at=line.at, version=line.version,
            prediction=row.prediction, value=line.value, probabilities=row.probabilities, confidence=line.confidence,
            features=row.features, label=None if last is None else last.label,
            happened_at=None if last is None else last.happened_at,
            received_at=None if last is None else last.received_at,
            corrected=len({str(each.label) for each in said}) > 1,
        )  # fmt: skip
