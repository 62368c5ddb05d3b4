"""From the queue into the journal: a batch of messages becomes one append."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gyre.errors import Invalid, NotFound, TooManyRequests, Unavailable
from gyre.journal.outlet import unpack, weight
from gyre.journal.record import JournalRecord
from gyre.journal.table import Journal
from gyre.objects import ObjectStore

# Of records as JSON that are read at once; as values they take about nine times as much.
MOST_BYTES = 24_000_000


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

    records: tuple[JournalRecord, ...]
    """What the journal has now."""
    refused: tuple[Refused, ...]

    @property
    def appended(self) -> int:
        return len(self.records)


def portions(messages: Sequence[Message]) -> Iterator[list[Message]]:
    """As many at a time as memory does for: a message of a few bytes may lead to a record of several megabytes."""
    held, size = list[Message](), 0
    for message in messages:
        more = weight(message.body)
        if held and size + more > MOST_BYTES:
            yield held
            held, size = [], 0
        held.append(message)
        size += more
    if held:
        yield held


def take_batch(messages: Sequence[Message], journal: Journal, data: ObjectStore) -> Taken:
    """Appends what can be read: a bad message never holds up the others, one told twice in the batch is kept once."""
    refused: list[Refused] = []
    records: dict[str, JournalRecord] = {}
    for message in messages:
        try:
            record = unpack(message.body, data)
            records.setdefault(record.event_id, record)
        except (Invalid, NotFound, Unavailable, TooManyRequests) as error:
            refused.append(Refused(message.id, error.message))
    if records:
        try:
            journal.append(list(records.values()))
        except Unavailable as error:
            return Taken((), tuple(Refused(message.id, error.message) for message in messages))
    return Taken(tuple(records.values()), tuple(refused))
