"""What callers did today, counted: functions keep no counters, so the journal is asked."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from gyre.journal.record import Kind
from gyre.monitoring.figures.prometheus import Spread

# Of a call's duration, in seconds: where the parts of the histogram end.
BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


@dataclass(frozen=True)
class Traffic:
    """Calls since midnight (UTC) that one release answered in one way, and rows of such calls."""

    model: str | None
    """None where there is no such model."""
    version: int | None
    """Of rows the release that answered them, of calls the one that answered their first row; None where nobody did."""
    kind: Kind
    status: int
    """The first digit of the HTTP status."""
    calls: int
    rows: int
    cold: int
    """Calls that were the first of their environment."""
    took: Spread
    """What these calls took, in seconds, over `BOUNDS`."""


class TrafficBook(Protocol):
    """Counts that only grow until the day ends. What stands in the journal for good is what is counted: a figure over
    the whole journal would shrink when old records are removed, and a reader would take that for a new beginning."""

    def today(self, now: datetime) -> list[Traffic]:
        """Of the day of this moment in UTC, by model, version, kind and status."""
