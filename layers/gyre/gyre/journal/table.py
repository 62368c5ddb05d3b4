"""The journal as a table: what the rest of Gyre needs of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, Self

from gyre.journal.lines import Line
from gyre.journal.record import JournalRecord


@dataclass(frozen=True)
class Window:
    """The newest records of one model since a moment, the newest first."""

    records: tuple[JournalRecord, ...]
    cut: bool
    """Whether there are more of them, or they are larger, than was asked for."""


@dataclass(frozen=True)
class Wanted:
    """Which lines are asked for; what is None does not matter."""

    model: str | None = None
    version: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    """Not included."""
    prediction: str | None = None
    row_id: str | None = None


@dataclass(frozen=True)
class Place:
    """Where a page ends: the next one begins with the line after it."""

    at: datetime
    event_id: str
    row: int
    """-1 of a call without rows."""

    @classmethod
    def of(cls, line: Line) -> Self:
        return cls(line.at, line.event_id, -1 if line.row is None else line.row)


@dataclass(frozen=True)
class Page:
    """Lines, the newest call first and its rows in their order; `after` is where the next page begins, if there is
    one."""

    lines: tuple[Line, ...]
    after: Place | None


@dataclass(frozen=True)
class Latency:
    """Of calls, in milliseconds."""

    p50: float
    p90: float
    p95: float
    p99: float
    most: float


@dataclass(frozen=True)
class Spread:
    """Of a number, over rows that have it."""

    least: float
    mean: float
    most: float


@dataclass(frozen=True)
class Figures:
    """What a model did in some time."""

    calls: int
    failed: int
    """Calls that ended with a 5xx."""
    refused: int
    """Calls that ended with a 4xx."""
    rows: int
    answered: int
    """Rows with a prediction."""
    erased: int
    first_at: datetime | None
    last_at: datetime | None
    versions: Mapping[int, int]
    """Rows by the release that answered."""
    predictions: Mapping[str, int]
    """Rows by class; of a regression none."""
    confidence: Spread | None
    value: Spread | None
    """Of a regression."""
    latency: Latency | None


class Journal(Protocol):
    """Partitioned by model and day; each event stands in it once."""

    def append(self, records: Sequence[JournalRecord]) -> frozenset[str]:
        """All of them in one commit, or none (`Unavailable`). What is there already is passed over: tells which events
        were new."""

    def find(self, event_id: str) -> JournalRecord:
        """One record, or `NotFound`."""

    def page(self, wanted: Wanted, limit: int, after: Place | None = None) -> Page:
        """The newest lines that are wanted, or those that come after a place."""

    def figures(self, wanted: Wanted) -> Figures:
        """Of the lines that are wanted."""

    def window(self, model: str, since: datetime, limit: int) -> Window:
        """A model's records since then: the newest if there are more, or more than fit into memory."""

    def about(self, pseudonyms: Sequence[str], limit: int) -> list[Line]:
        """The lines in which one of these stands, as a row's id or among its features; the newest first."""

    def erase(self, pseudonyms: Sequence[str]) -> int:
        """Blanks those lines, and says how many. The events stay known: what comes twice stays one."""
