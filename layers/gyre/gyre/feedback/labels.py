"""What turned out to be true of rows that were predicted: kept as it was said, line by line, and never changed.

Truth comes weeks late, twice, and is taken back. So a label is a line that says who said what of which row, and when it
reached us; of several about one row the one that was received last counts, whatever the senders' clocks say."""

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Protocol, Self

from pydantic import AwareDatetime, ConfigDict, Field, model_validator

from gyre.documented import Documented
from gyre.journal.record import EVENT_PATTERN, SHADOW, Kind
from gyre.spec.base import MODEL_PATTERN

Truth = bool | int | float | str
# Stands behind every event id: labels by the caller's id lie together, and behind all others.
BY_ID = "~"
_DIGITS = 32


class Label(Documented):
    """One statement about one row, or about all predictions that carry an id of the caller's."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    label_id: Annotated[str, Field(min_length=1, max_length=160)]
    """Names the statement for ever: said again by a retry, it is the same one."""
    model: Annotated[str, Field(pattern=MODEL_PATTERN)]
    event_id: Annotated[str, Field(pattern=EVENT_PATTERN)] | None = None
    """The call it is about …"""
    row: Annotated[int, Field(ge=0, lt=2**31)] | None = None
    """… and the row's place in it; none: the only row of the call."""
    row_id: str | None = None
    """The caller's own id of the row, if it is told by that; a pseudonym where ids are personal."""
    label: Truth
    """What turned out to be true: a class, or a number."""
    happened_at: AwareDatetime | None = None
    """When the truth was known, as the sender says."""
    received_at: AwareDatetime
    """When it reached us: this is the order that counts."""
    source: str
    """Who said it: the id of a key, or the key of a file."""

    @model_validator(mode="after")
    def _is_of_one_row(self) -> Self:
        if (self.event_id is None) == (self.row_id is None):
            raise ValueError("a label is told by an event's id or by the caller's, and by one of them alone")
        if self.row is not None and self.event_id is None:
            raise ValueError("the caller's id needs no row")
        return self

    @property
    def place(self) -> str:
        return place_of(self.model, self.event_id, self.row_id)

    def is_of(self, row: int, rows: int) -> bool:
        """Whether it is about this row of a call of so many, given that it is about the call."""
        return self.row == row or (self.row is None and rows <= 1)


def call_of(event_id: str) -> str:
    """The call that a shadow's record repeats; what is true of the one is true of the other."""
    return event_id.removesuffix(SHADOW)


def place_of(model: str, event_id: str | None, row_id: str | None) -> str:
    """Where in the order of label ids those of one call, or of one caller's id, stand together: event ids are ordered
    by time, so that the statistics of a few files lead to them."""
    if event_id is not None:
        return event_id
    return BY_ID + hashlib.sha256(f"{model}\n{row_id}".encode()).hexdigest()[:_DIGITS]


def label_id_of(place: str, said: Iterable[object], line: int | None = None) -> str:
    """The same for the same words. `line` orders what one file says of one row: all of it is received at one time."""
    digest = hashlib.sha256("\n".join(map(repr, said)).encode()).hexdigest()[:_DIGITS]
    return f"{place}:{digest}" if line is None else f"{place}:{line:012}-{digest}"


def history(labels: Iterable[Label]) -> tuple[Label, ...]:
    """What was said of one row, the oldest first; every reader of the same lines tells the same, in whatever order and
    however often they come."""
    once: dict[str, Label] = {}
    for each in labels:
        earlier = once.setdefault(each.label_id, each)
        if each.received_at < earlier.received_at:
            once[each.label_id] = each
    return tuple(sorted(once.values(), key=lambda each: (each.received_at, each.label_id)))


def current(labels: Iterable[Label]) -> Label | None:
    """What counts: the label that was received last; of two at the same moment the one with the greater id."""
    return next(reversed(history(labels)), None)


@dataclass(frozen=True)
class KnownRow:
    """A row that the journal holds, as far as a label needs it."""

    event_id: str
    model: str | None
    row: int | None
    """None in a call of which no row was read."""
    rows: int
    row_id: str | None
    at: datetime
    answered: bool


@dataclass(frozen=True)
class KnownId:
    """How often an id of the caller's was predicted; shadows not counted."""

    predictions: int
    answered: int
    first_at: datetime


@dataclass(frozen=True)
class Judged:
    """A prediction and what is true, as far as somebody said so."""

    event_id: str
    row: int
    row_id: str | None
    kind: Kind
    at: datetime
    version: int | None
    prediction: Truth
    value: float | None
    """The prediction of a regression."""
    probabilities: Mapping[str, float] | None
    confidence: float | None
    features: Mapping[str, Any]
    label: Truth | None
    """None where nobody said anything yet."""
    happened_at: datetime | None
    received_at: datetime | None
    corrected: bool
    """Whether something else was said before."""


@dataclass(frozen=True)
class Coverage:
    """How much of a window is known to be right or wrong."""

    labelled: int = 0
    unlabelled: int = 0
    corrected: int = 0
    """Of those that are labelled: something else was said before."""
    unknown: int = 0
    """Labels received within the window that are about no prediction of the journal."""


@dataclass(frozen=True)
class Joined:
    """The newest predictions of a window with their current labels, the newest first; `coverage` counts all of it."""

    rows: tuple[Judged, ...]
    coverage: Coverage
    cut: bool
    """Whether there are more of them, or they are larger, than was asked for."""


class Labels(Protocol):
    """Append-only; partitioned by model; beside the journal, which it reads."""

    def append(self, labels: Sequence[Label]) -> frozenset[str]:
        """All of them in one commit, each id once for ever; tells which ids were new. `Unavailable`: nothing was."""

    def of_events(self, event_ids: Collection[str]) -> list[Label]:
        """What was said of these calls by their event ids, in no order."""

    def of_ids(self, model: str, row_ids: Collection[str]) -> list[Label]:
        """What was said by these ids of the caller's, in no order."""

    def through_events(self, model: str, row_ids: Collection[str]) -> list[tuple[str, Label]]:
        """What was said by event ids about predictions that carry these ids, each with the id; in no order."""

    def known_rows(self, event_ids: Collection[str], rows: Collection[int]) -> list[KnownRow]:
        """Rows of these calls that the journal holds: the first of each call, and those at these places."""

    def known_ids(self, model: str, row_ids: Collection[str]) -> dict[str, KnownId]:
        """Which of these ids were predicted."""

    def joined(self, model: str, since: datetime, until: datetime, limit: int, kinds: Collection[Kind] = ()) -> Joined:
        """Answered predictions from `since` until before `until`, of these kinds or of all."""
