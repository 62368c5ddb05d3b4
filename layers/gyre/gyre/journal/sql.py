"""Questions to the journal in SQL: they read and nothing else, for so long and with so much memory."""

from dataclasses import dataclass
from typing import Any, Protocol

MOST_ROWS = 10_000


@dataclass(frozen=True)
class Found:
    """What a query found."""

    columns: tuple[str, ...]
    types: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    """Values as JSON has them."""
    cut: bool
    """Whether there is more than was asked for, or than an answer has room for."""


class Queries(Protocol):
    """Knows the tables `predictions` and `labels`."""

    def ask(self, sql: str, limit: int) -> Found:
        """The first rows; `Invalid` where SQL, time or memory do not allow it."""
