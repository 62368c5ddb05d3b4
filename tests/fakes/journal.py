"""A `Journal` in memory; held to the same contract as the Delta table."""

from collections.abc import Sequence
from datetime import datetime

from gyre.errors import NotFound, Unavailable
from gyre.journal.record import JournalRecord
from gyre.journal.table import Volume, Window


class MemoryJournal:
    def __init__(self) -> None:
        self.records: list[JournalRecord] = []
        self.down = False

    def append(self, records: Sequence[JournalRecord]) -> None:
        if self.down:
            raise Unavailable("The journal is down.")
        self.records.extend(records)

    def find(self, event_id: str) -> JournalRecord:
        for record in self.records:
            if record.event_id == event_id:
                return record
        raise NotFound(f"The journal holds no {event_id}.")

    def newest(self, limit: int, model: str | None = None) -> list[JournalRecord]:
        wanted = [record for record in self.records if model in (None, record.model)]
        return sorted(wanted, key=lambda record: record.at, reverse=True)[:limit]

    def volumes(self, since: datetime) -> list[Volume]:
        recent = [record for record in self.records if record.at >= since]
        return [
            Volume(
                model,
                len(own := [record for record in recent if record.model == model]),
                sum(record.status >= 500 for record in own),
                min(record.at for record in own),
                max(record.at for record in own),
            )
            for model in sorted({record.model for record in recent})
        ]

    def window(self, model: str, since: datetime, limit: int) -> Window:
        if self.down:
            raise Unavailable("The journal is down.")
        found = [record for record in self.newest(len(self.records), model) if record.at >= since]
        return Window(tuple(found[:limit]), len(found) > limit)
