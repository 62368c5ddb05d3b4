"""A second home for the journal's records, for those who want them in a database of their own. It has its own queue,
so that the journal never waits for it: what the journal has is handed on, and poured out there."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import batched, chain
from typing import Protocol

from gyre.errors import Invalid, NotFound, TooManyRequests, Unavailable
from gyre.journal.intake import Message, Refused, Taken
from gyre.journal.outlet import unpack
from gyre.journal.record import JournalRecord
from gyre.objects import ObjectStore

# How long a message rests after its first try; twice as long after each further one. With the longest rest all tries
# of 14 days stay below the thousand after which SQS gives a message up.
FIRST_REST, LONGEST_REST = 30, 1_800
# Messages that a queue takes in one request.
_AT_ONCE = 10


class Sink(Protocol):
    """Where the records go."""

    def write(self, records: Sequence[JournalRecord]) -> None:
        """Each of them once, however often it comes, or none of them: `Invalid` if there is one that it can never
        take, `Unavailable` if it takes none now."""

    def erase(self, pseudonyms: Sequence[str]) -> int:
        """Blanks the rows in which one of these stands, also those that are still on their way; says how many it
        found."""


class Onward(Protocol):
    """A queue that messages are handed on to."""

    def send(self, messages: Sequence[Message]) -> list[Refused]:
        """Those that it did not take."""


@dataclass(frozen=True)
class Poured:
    """What became of a batch."""

    written: int
    spoilt: tuple[Refused, ...]
    """What can never be written."""
    postponed: tuple[Refused, ...]
    """What may be taken another time."""


def hand_on(messages: Sequence[Message], taken: Taken, queue: Onward | None) -> list[Refused]:
    """Tells the sink's queue, if there is one, of all that the journal has: also of what it had before, as it may have
    ended before it could tell. What is not told goes back, and the journal will know it."""
    if queue is None:
        return []
    gone = {each.id for each in taken.refused} | {letter.id.partition(".")[2] for letter in taken.letters}
    return passed_on([message for message in messages if message.id not in gone], queue)


def passed_on(messages: Sequence[Message], queue: Onward) -> list[Refused]:
    """Those that a queue did not take. One that takes none of several is down: to ask it for each of a thousand lasts
    longer than the function."""
    refused, waiting = list[Refused](), batched(messages, _AT_ONCE)
    for few in waiting:
        here = queue.send(few)
        refused += here
        if len(here) == len(few):
            refused += _refused(chain.from_iterable(waiting), here[0].reason)
    return refused


def pour(messages: Sequence[Message], sink: Sink, data: ObjectStore) -> Poured:
    """Writes what can be read. What is bad never holds up the others."""
    held, spoilt, postponed = list[tuple[Message, JournalRecord]](), list[Refused](), list[Refused]()
    for message in messages:
        try:
            held.append((message, unpack(message.body, data)))
        except (Invalid, NotFound) as error:
            spoilt.append(Refused(message.id, error.message))
        except (Unavailable, TooManyRequests) as error:
            postponed.append(Refused(message.id, error.message))
    _write(held, sink, spoilt, postponed)
    return Poured(len(messages) - len(spoilt) - len(postponed), tuple(spoilt), tuple(postponed))


def rest(tries: int) -> int:
    """Seconds until a message is handed out again. An outage is found over soon after it is, and costs little."""
    return min(LONGEST_REST, FIRST_REST << min(tries - 1, 10))


def _write(
    held: Sequence[tuple[Message, JournalRecord]], sink: Sink, spoilt: list[Refused], postponed: list[Refused]
) -> None:
    """In one transaction; where one of them cannot be taken, in two, and so on until it stands alone."""
    if not held:
        return
    try:
        sink.write([record for _, record in held])
    except Invalid as error:
        if len(held) == 1:
            spoilt.append(Refused(held[0][0].id, error.message))
            return
        middle = len(held) // 2
        for half in (held[:middle], held[middle:]):
            _write(half, sink, spoilt, postponed)
    except Unavailable as error:
        postponed.extend(_refused((message for message, _ in held), error.message))


def _refused(messages: Iterable[Message], reason: str) -> list[Refused]:
    return [Refused(message.id, reason) for message in messages]
