"""The journal as a table: what the rest of Gyre needs of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from gyre.journal.record import JournalRecord


@dataclass(frozen=True)
class Volume:
    """How many calls of one model a window holds, and how many of them ended in a 5xx."""

    model: str
    calls: int
    failed: int
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True)
class Window:
    """The newest records of one model since a moment, the newest first."""

    records: tuple[JournalRecord, ...]
    cut: bool
    """Whether there are more of them, or they are larger, than was asked for."""


class Journal(Protocol):
    """Append-only; partitioned by model and day."""

    def append(self, records: Sequence[JournalRecord]) -> None:
        """All of them in one commit, or none (`Unavailable`)."""

    def find(self, event_id: str) -> JournalRecord:
        """One record, or `NotFound`."""

    def newest(self, limit: int, model: str | None = None) -> list[JournalRecord]:
        """The newest records first."""

    def volumes(self, since: datetime) -> list[Volume]:
        """Calls per model since then, by model."""

    def window(self, model: str, since: datetime, limit: int) -> Window:
        """A model's records since then: the newest if there are more, or more than fit into memory."""
