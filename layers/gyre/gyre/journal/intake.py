"""From the queue into the journal: a batch of messages becomes one append. No message is lost on the way: it is taken,
goes back to the queue, or becomes a dead letter."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain

from gyre.errors import GyreError, Invalid, NotFound, TooManyRequests, Unavailable
from gyre.journal.dead_letters import DeadLetter, DeadLetters, event_of
from gyre.journal.groups import grouped
from gyre.journal.outlet import unpack, weight
from gyre.journal.record import JournalRecord
from gyre.journal.table import Journal
from gyre.objects import ObjectStore

# Of records as JSON that are read at once; as values they take about nine times as much.
MOST_BYTES = 24_000_000
# What another append may take, with the letters after it: below that nothing more is begun.
ENOUGH_SECONDS = 8.0
# What the queue gave up is a letter after so many times at the latest. They last for two days; SQS forgets after 14.
MOST_LOOKS = 1_000
_ENDED = (
    "The function ended {} times while it held this message: it was killed, or ran out of time or memory, or could not "
    "be started. Its log tells which."
)
_NOT_DONE = (
    "The queue gave it up and handed it out {} times: the journal could not be asked whether it has it, or the sink "
    "was not told. The log tells which."
)


@dataclass(frozen=True)
class Message:
    """One message, as the queue names it."""

    id: str
    body: str
    tries: int = 1
    """How often the queue has handed it out, with this time."""
    sent_at: datetime = datetime(1970, 1, 1, tzinfo=UTC)
    given_up: bool = False
    """Whether the queue itself put it among its dead letters."""


@dataclass(frozen=True)
class Refused:
    """A message that goes back to the queue, and why."""

    id: str
    reason: str


@dataclass(frozen=True)
class Taken:
    """What became of a batch."""

    records: tuple[JournalRecord, ...]
    """What the journal has now, and had not before."""
    known: int
    """Calls that it had already."""
    refused: tuple[Refused, ...]
    letters: tuple[DeadLetter, ...]

    @property
    def appended(self) -> int:
        return len(self.records)


@dataclass(frozen=True)
class _Held:
    """A record, with the messages that told it."""

    record: JournalRecord
    messages: list[Message]


@dataclass
class _Batch:
    """What has become of a batch so far."""

    seconds_left: Callable[[], float]
    records: list[JournalRecord] = field(default_factory=list)
    known: int = 0
    refused: list[Refused] = field(default_factory=list)
    letters: list[DeadLetter] = field(default_factory=list)


def portions(
    messages: Iterable[Message], weigh: Callable[[str], int] = weight, most: int = MOST_BYTES, many: int = 10_000
) -> Iterator[list[Message]]:
    """As many at a time as there is room for. What a message of a few bytes leads to may have several megabytes, so
    memory goes by `weight`."""
    return grouped(messages, lambda each: weigh(each.body), most, many)


class Intake:
    """The way from the queue into the journal."""

    def __init__(self, journal: Journal, data: ObjectStore, letters: DeadLetters, most_tries: int) -> None:
        """`most_tries`: how often the queue hands a message out before it puts it among its dead letters."""
        self._journal, self._data, self._letters, self._most_tries = journal, data, letters, most_tries

    def take(self, messages: Sequence[Message], seconds_left: Callable[[], float] = lambda: 60.0) -> Taken:
        """Appends what can be read: a bad message never holds up the others, one told twice in the batch is kept
        once."""
        batch, held = _Batch(seconds_left), dict[str, _Held]()
        for message in messages:
            if message.given_up:
                self._given_up(message, batch)
                continue
            try:
                record = unpack(message.body, self._data)
            except (Invalid, NotFound) as error:
                self._bury(message, error.message, batch)
            except (Unavailable, TooManyRequests) as error:
                self._later([message], error.message, batch)
            else:
                held.setdefault(record.event_id, _Held(record, [])).messages.append(message)
        self._append(list(held.values()), batch)
        return Taken(tuple(batch.records), batch.known, tuple(batch.refused), tuple(batch.letters))

    def _given_up(self, message: Message, batch: _Batch) -> None:
        """It may be what ended the function: it is not read before somebody asks. Where the journal has its event, no
        letter is needed: the function ended after its commit, or the sink was not told."""
        if message.tries >= MOST_LOOKS:
            self._bury(message, _NOT_DONE.format(message.tries), batch)
            return
        event = event_of(message.body)
        try:
            known = event is not None and self._has(event)
        except (Unavailable, TooManyRequests) as error:
            batch.refused.append(Refused(message.id, error.message))
            return
        if known:
            batch.known += 1
        else:
            self._bury(message, _ENDED.format(self._most_tries), batch)

    def _has(self, event: str) -> bool:
        try:
            self._journal.find(event)
        except NotFound:
            return False
        return True

    def _append(self, held: Sequence[_Held], batch: _Batch) -> None:
        """In one append; where that fails for what may lie in one record, in two, and so on."""
        if not held:
            return
        records = [each.record for each in held]
        try:
            fresh = self._journal.append(records)
        except Exception as error:  # noqa: BLE001  # whatever it is: it is told, and the others do not wait for it
            self._failed(held, error, batch)
        else:
            batch.records += [each for each in records if each.event_id in fresh]
            batch.known += len(records) - len(fresh)

    def _failed(self, held: Sequence[_Held], error: Exception, batch: _Batch) -> None:
        messages = list(chain.from_iterable(each.messages for each in held))
        # A journal that is down is so for all of them; before they are given up, each is tried without the others.
        common = isinstance(error, Unavailable | TooManyRequests) and not any(map(self._at_last, messages))
        if len(held) > 1 and not common and batch.seconds_left() > ENOUGH_SECONDS:
            middle = len(held) // 2
            self._append(held[:middle], batch)
            self._append(held[middle:], batch)
            return
        reason = error.message if isinstance(error, GyreError) else f"{type(error).__name__}: {error}"
        if len(held) == 1 and isinstance(error, Invalid):
            for message in messages:
                self._bury(message, f"The journal cannot take it: {reason}", batch)
        else:
            self._later(messages, f"The journal did not take it: {reason}", batch)

    def _later(self, messages: Sequence[Message], reason: str, batch: _Batch) -> None:
        """They may be taken another time, if there is one."""
        for message in messages:
            if self._at_last(message):
                self._bury(message, f"{reason} (try {message.tries}, the last one)", batch)
            else:
                batch.refused.append(Refused(message.id, reason))

    def _bury(self, message: Message, cause: str, batch: _Batch) -> None:
        try:
            letter = self._letters.keep(message.id, message.body, cause, message.sent_at, message.tries)
        except GyreError as error:
            batch.refused.append(Refused(message.id, f"{cause} Its dead letter could not be kept: {error.message}"))
        else:
            batch.letters.append(letter)

    def _at_last(self, message: Message) -> bool:
        return message.tries >= self._most_tries
