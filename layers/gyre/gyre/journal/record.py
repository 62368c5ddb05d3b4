"""One record of the journal: a call to a model and what came of it."""

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, ConfigDict, Field, ValidationError
from pydantic_core import from_json

from gyre.documented import Documented
from gyre.errors import Invalid
from gyre.spec.base import MODEL_PATTERN

SHAPE: Literal[1] = 1
EVENT_PATTERN = r"^[A-Za-z0-9_-]{8,80}$"

# After the id of the call that a shadow's record repeats.
SHADOW = "-shadow"

Kind = Literal["online", "batch", "shadow"]
Milliseconds = Annotated[float, Field(ge=0)]


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("lies beyond the calendar") from None


class _Told(Documented):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Fault(_Told):
    """Why something was not answered."""

    code: str
    message: str
    field: str | None = None


class Contribution(_Told):
    """What one feature added to a score."""

    feature: str
    value: Any = None
    contribution: float


class JournalRow(_Told):
    """One row of a call, and its answer."""

    id: str | int | None = None
    """The caller's own name for it."""
    version: int | None = None
    """Who answered; none where nobody could."""
    features: Mapping[str, Any] = {}
    """As they were sent. Nothing personal is among them as it was."""
    prediction: bool | int | float | str | None = None
    probabilities: Mapping[str, float] | None = None
    """By class, in the model's order; none of a regression."""
    confidence: float | None = None
    """The probability of the class that was predicted."""
    base_value: float | None = None
    explanation: tuple[Contribution, ...] | None = None
    """The features that weighed most, if they were asked for."""
    score: float | None = None
    """Where the contributions of all features, told or not, led to from the base value."""
    fault: Fault | None = None
    """Why this row has no answer, in a call that was answered otherwise."""


class Served(_Told):
    """A release that was asked in a call."""

    version: Annotated[int, Field(ge=1)]
    alias: Literal["production", "champion", "challenger"] | None = None
    """What it was asked as; none where it was asked for by its number."""
    bundle: str | None = None
    """The hash of what answered."""
    rows: Annotated[int, Field(ge=0)] = 0
    ms: Milliseconds = 0.0
    """To predict and explain these rows."""
    fault: str | None = None
    """Why it could not answer, so that another one did."""
    unit: str | None = None
    """What its explanations are measured in."""


class JournalRecord(_Told):
    """What goes over the queue as one message. `shape` grows with each change that an older reader cannot take."""

    shape: Literal[1] = SHAPE
    """The version of this record's shape."""
    event_id: Annotated[str, Field(pattern=EVENT_PATTERN)]
    """Names the call for ever; a record that comes twice carries the same one."""
    model: Annotated[str, Field(pattern=MODEL_PATTERN)] | None
    """The model that was asked; none where there is no such model."""
    kind: Kind = "online"
    """online: a caller waited. batch: rows of a file. shadow: a challenger was asked what production had answered."""
    at: Annotated[AwareDatetime, AfterValidator(_in_utc)]
    """When the call came in."""
    status: Annotated[int, Field(ge=100, le=599)]
    """The HTTP status of the answer."""
    duration_ms: Milliseconds
    """From request to answer, inside the function."""
    times: Mapping[str, Milliseconds] = {}
    """Where they went: auth, read, load, check, predict, explain."""
    cold: bool = False
    """Whether it was the first call of its environment."""
    memory_mb: Annotated[int, Field(ge=1)] | None = None
    """What its function was given: with the duration it tells what the call cost. None outside of Lambda."""
    caller: Annotated[str, Field(max_length=200)]
    """The id of the key that called."""
    correlation_id: Annotated[str, Field(max_length=200)]
    """The same id in the request's logs."""
    asked: Annotated[str, Field(max_length=100)] = "production"
    """The release that was asked for."""
    served: tuple[Served, ...] = ()
    """The releases that were asked, with what each took."""
    rows: tuple[JournalRow, ...] = ()
    """What was asked, each row with its answer."""
    error: Fault | None = None
    """Why the call as a whole was refused."""

    @property
    def day(self) -> str:
        """The partition it lands in."""
        return self.at.strftime("%Y-%m-%d")

    @property
    def version(self) -> int | None:
        """The release that answered, if it was one alone."""
        answered = {row.version for row in self.rows if row.version is not None}
        return answered.pop() if len(answered) == 1 else None


def new_event(at: datetime) -> str:
    """An id that sorts by time (UUID version 7), so that the journal finds it by the files that are as old."""
    chance = int.from_bytes(os.urandom(10))
    parts = int(at.timestamp() * 1000) << 80 | 7 << 76 | chance >> 68 << 64 | 2 << 62 | chance & (1 << 62) - 1
    return str(UUID(int=parts))


def read_record(content: str | bytes) -> JournalRecord:
    """A message's body as a record; `Invalid` tells every field that is off."""
    try:
        return JournalRecord.model_validate_json(content)
    except ValidationError as error:
        if why := _of_another_shape(content):
            raise Invalid(why) from error
        told = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'body'}: {e['msg']}" for e in error.errors()[:20])
        raise Invalid(f"not a journal record of shape {SHAPE}: {told}") from error


def _of_another_shape(content: str | bytes) -> str | None:
    """Where a Gyre of another age wrote it: that alone is to be told, and not what it does to each field."""
    try:
        found = from_json(content)
    except ValueError:
        return None
    shape = found.get("shape") if isinstance(found, dict) else None
    if not isinstance(shape, int) or isinstance(shape, bool) or shape == SHAPE:
        return None
    if shape > SHAPE:
        return f"shape {shape} is newer than this deployment reads ({SHAPE}): deploy the newer Gyre and replay"
    return f"shape {shape} is older than this deployment reads ({SHAPE}): deploy a Gyre that reads it and replay"
