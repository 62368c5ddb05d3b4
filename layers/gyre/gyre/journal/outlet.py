"""Where a call's record goes before its answer leaves."""

from typing import Annotated, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gyre.journal.record import SHAPE, JournalRecord, read_record
from gyre.objects import ObjectStore

OVERFLOW = "overflow/"
_LONGEST_PLACE = 1_000

# XML knows no such characters, so SQS refuses them, also in what it takes and gives as JSON.
_UNKNOWN_TO_XML = {0xFFFE: "\\ufffe", 0xFFFF: "\\uffff"}


class Outlet(Protocol):
    """The way into the journal."""

    waits: bool
    """Whether to put takes as long as a network does: elsewhere no thread is worth it."""

    def put(self, record: JournalRecord) -> None:
        """Takes the record for good, or says `Unavailable`."""


class Elsewhere(BaseModel):
    """The message in the place of a record that is too large for one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    shape: Literal[1] = SHAPE
    event_id: str
    lies_at: Annotated[str, Field(pattern=f"^{OVERFLOW}")]
    """Its key in the data bucket."""
    size: Annotated[int, Field(ge=0)] = 12_000_000
    """In bytes: what is read at once must fit into memory. As large as one can be, where it is not told."""


def parcel(record: JournalRecord, data: ObjectStore, most_bytes: int) -> str:
    """The body of the message: the record, or where it lies if it has more bytes. It lies there before it is told."""
    body = sendable(record.model_dump_json())
    if len(body.encode()) <= most_bytes:
        return body
    key = f"{OVERFLOW}{record.model or 'unknown'}/{record.day}/{record.event_id}.json"
    data.write(key, body.encode(), content_type="application/json")
    return Elsewhere(event_id=record.event_id, lies_at=key, size=len(body.encode())).model_dump_json()


def weight(body: str) -> int:
    """How many bytes of JSON a message leads to."""
    place = _place(body)
    return len(body.encode()) if place is None else place.size


def sendable(body: str) -> str:
    """A JSON text that means the same, of characters that a queue takes: pydantic has written the rest by their
    numbers already."""
    return body.translate(_UNKNOWN_TO_XML)


def unpack(body: str, data: ObjectStore) -> JournalRecord:
    """The record of a message; `Invalid` if it is none, `NotFound` if it lies nowhere."""
    place = _place(body)
    return read_record(body if place is None else data.read(place.lies_at).content)


def _place(body: str) -> Elsewhere | None:
    """Where the record lies, if the message is not the record itself: that is longer, and costs more to read."""
    if len(body) >= _LONGEST_PLACE:
        return None
    try:
        return Elsewhere.model_validate_json(body)
    except ValidationError:
        return None
