"""The port to where persons may be found."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from gyre.journal.lines import Line

# Says whether it is time to stop and be called again.
Short = Callable[[], bool]


class KnownLines(Protocol):
    """What is needed of the journal."""

    def about(self, pseudonyms: Sequence[str], limit: int) -> list[Line]:
        """Lines in which one of these stands."""

    def erase(self, pseudonyms: Sequence[str]) -> int:
        """Blanks them."""


@dataclass(frozen=True)
class Found:
    """Something that is kept about a person: rows as they are there, or an object that cannot be shown in rows."""

    where: str
    rows: tuple[Mapping[str, Any], ...] = ()
    count: int = 0


@dataclass(frozen=True)
class Step:
    """How far one go at a place came."""

    done: bool
    waits: bool = False
    """Somebody else is at it: go on in a while."""


class Place(Protocol):
    """One place. All of it is safe to repeat."""

    @property
    def name(self) -> str:
        """What it is called in a proof."""

    def find(self, limit: int) -> Iterator[Found]:
        """What is kept there, of each kind so many rows."""

    def erase(self, short: Short) -> Step:
        """Goes on with erasing, until it is done or time is short."""
