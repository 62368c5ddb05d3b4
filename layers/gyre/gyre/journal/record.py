"""One record of the journal: a call to a model and what came of it."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from gyre.errors import Invalid
from gyre.spec.base import MODEL_PATTERN

SHAPE: Literal[1] = 1
EVENT_PATTERN = r"^[A-Za-z0-9_-]{8,80}$"


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("lies beyond the calendar") from None


class JournalRecord(BaseModel):
    """What goes over the queue as one message. `shape` grows with each change that an older reader cannot take."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    shape: Literal[1] = SHAPE
    """The version of this record's shape."""
    event_id: Annotated[str, Field(pattern=EVENT_PATTERN)]
    """Names the call for ever; a record that comes twice carries the same one."""
    model: Annotated[str, Field(pattern=MODEL_PATTERN)]
    """The model that was asked."""
    version: Annotated[str, Field(max_length=100)] | None = None
    """The release that answered; none where no release could."""
    at: Annotated[AwareDatetime, AfterValidator(_in_utc)]
    """When the call came in."""
    status: Annotated[int, Field(ge=100, le=599)]
    """The HTTP status of the answer."""
    duration_ms: Annotated[float, Field(ge=0)]
    """From request to answer, inside the function."""
    caller: Annotated[str, Field(max_length=200)]
    """The id of the key that called."""
    correlation_id: Annotated[str, Field(max_length=200)]
    """The same id in the request's logs."""
    request: dict[str, Any] = {}
    """What was asked: rows with their features."""
    answer: dict[str, Any] = {}
    """What was answered: predictions, or the error."""

    @property
    def day(self) -> str:
        """The partition it lands in."""
        return self.at.strftime("%Y-%m-%d")


def read_record(text: str) -> JournalRecord:
    """A message's body as a record; `Invalid` tells every field that is off."""
    try:
        return JournalRecord.model_validate_json(text)
    except ValidationError as error:
        told = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'body'}: {e['msg']}" for e in error.errors()[:20])
        raise Invalid(f"not a journal record of shape {SHAPE}: {told}") from error
