"""From the queue into the journal: a batch of messages becomes one append."""

from collections.abc import Sequence
from dataclasses import dataclass

from gyre.errors import Invalid, Unavailable
from gyre.journal.record import JournalRecord, read_record
from gyre.journal.table import Journal


@dataclass(frozen=True)
class Message:
    """One message, as the queue names it."""

    id: str
    body: str


@dataclass(frozen=True)
class Refused:
    """A message that goes back to the queue, and why; after three tries the queue moves it to the dead letters."""

    id: str
    reason: str


@dataclass(frozen=True)
class Taken:
    """What became of a batch."""

    appended: int
    refused: tuple[Refused, ...]


def take_batch(messages: Sequence[Message], journal: Journal) -> Taken:
    """Appends what can be read: a bad message never holds up the others, one told twice in the batch is kept once."""
    refused: list[Refused] = []
    records: dict[str, JournalRecord] = {}
    for message in messages:
        try:
            record = read_record(message.body)
            records.setdefault(record.event_id, record)
        except Invalid as error:
            refused.append(Refused(message.id, error.message))
    if records:
        try:
            journal.append(list(records.values()))
        except Unavailable as error:
            return Taken(0, tuple(Refused(message.id, error.message) for message in messages))
    return Taken(len(records), tuple(refused))
