"""Dead letters sent again. Their messages go back into the journal's queue, and then the letters are removed: whatever
ends in between doubles nothing, because the journal knows its events."""

import re
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import batched, islice
from typing import Protocol

from gyre.errors import GyreError, Invalid
from gyre.journal.dead_letters import LETTER_PATTERN, MOST_LOOKED, WORKERS, DeadLetters, blocks, id_of, pointed_to
from gyre.journal.outlet import sendable
from gyre.objects import ObjectInfo

# Of one call: so many by their ids, and none that are begun after so long, as the gateway waits 29 s.
MOST_IDS, MOST_SECONDS = 100, 10.0
_MOMENT = "%Y%m%dT%H%M%S.%fZ"


class Sending(Protocol):
    """The journal's queue."""

    def send(self, body: str, what: str) -> None:
        """Takes the message for good, or says why not."""


@dataclass(frozen=True)
class Failed:
    """A letter that stays, and why."""

    id: str
    reason: str


@dataclass(frozen=True)
class Replayed:
    """What became of the letters that one call looked at."""

    replayed: int
    left: int
    """How many were not looked at yet, counted up to a thousand."""
    failed: tuple[Failed, ...]
    cursor: str | None
    """Where to go on; None at the end."""


class Replay:
    """Of one deployment's dead letters."""

    def __init__(
        self, letters: DeadLetters, queue: Sending, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._letters, self._queue, self._now = letters, queue, now

    def these(self, ids: Sequence[str]) -> Replayed:
        """Those that are named."""
        named, found, until = list(dict.fromkeys(ids)), list[bool | Failed](), time.monotonic() + MOST_SECONDS
        with ThreadPoolExecutor(WORKERS, "replay") as pool:
            for part in batched(named, WORKERS):
                if time.monotonic() < until:
                    found += pool.map(self._again, part)
        found += [Failed(each, "There was no time for it: name it in another call.") for each in named[len(found) :]]
        return Replayed(found.count(True), 0, _failed(found), None)

    def all(self, cursor: str | None = None, *, model: str | None = None, cause: str | None = None) -> Replayed:
        """All that are wanted, as many as there is time for. What becomes a letter after the first call is none of
        them: a message that fails again would be sent for ever."""
        began, after = _place(cursor) if cursor else (self._now(), None)
        again = partial(self._again, model=model, cause=cause)
        found, until = list[bool | Failed](), time.monotonic() + MOST_SECONDS
        with ThreadPoolExecutor(WORKERS, "replay") as pool:
            for block in blocks(self._of_before(began, after)):
                ids = [str(id_of(info.key)) for info in block]
                found += pool.map(again, ids)
                after = ids[-1]
                if len(found) >= MOST_LOOKED or time.monotonic() >= until:
                    break
        left = sum(1 for _ in islice(self._of_before(began, after), MOST_LOOKED))
        return Replayed(found.count(True), left, _failed(found), f"{began:{_MOMENT}}_{after}" if left else None)

    def _of_before(self, began: datetime, after: str | None) -> Iterator[ObjectInfo]:
        return (info for info in self._letters.infos(after) if info.changed_at <= began)

    def _again(self, letter_id: str, model: str | None = None, cause: str | None = None) -> bool | Failed:
        """Whether it was sent; False for one that is not wanted."""
        try:
            letter = self._letters.find(letter_id)
            if not letter.is_about(model, cause):
                return False
            if letter.aside is not None and (place := pointed_to(letter.body)):
                content = letter.aside.encode()
                self._letters.data.write(place, content, content_type="application/json")
            self._queue.send(sendable(letter.body), f"The dead letter {letter_id} was not taken by the queue")
        except GyreError as error:
            return Failed(letter_id, error.message)
        try:
            self._letters.remove(letter_id)
        except GyreError as error:
            return Failed(letter_id, f"It was sent, and is here still; replay it again. {error.message}")
        return True


def _failed(found: Sequence[bool | Failed]) -> tuple[Failed, ...]:
    return tuple(each for each in found if isinstance(each, Failed))


def _place(cursor: str) -> tuple[datetime, str]:
    moment, _, letter_id = cursor.partition("_")
    try:
        began = datetime.strptime(moment, _MOMENT).replace(tzinfo=UTC)
    except ValueError:
        began = None
    if began is None or not re.fullmatch(LETTER_PATTERN, letter_id):
        raise Invalid("This is no cursor: send the one of the last answer as it is.", field="cursor")
    return began, letter_id
