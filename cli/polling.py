"""Looking at a run until it ended: how often, how long, and what may fail on the way."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx

POLL_SECONDS = 0.3
MOST_POLL_SECONDS = 5.0
# So long a stack that answered before may be away, or a run that was just begun be unknown.
PATIENCE_SECONDS = 30.0
_PASSING = frozenset({429, 502, 503, 504})

Answer = dict[str, Any]


class CallFailed(Exception):
    """The API answered with an error; `status` and `error` are what it said."""

    def __init__(self, status: int, error: dict[str, Any]) -> None:
        super().__init__(f"{status}: {error.get('message', error)}")
        self.status = status
        self.error = error


class TookTooLong(Exception):
    """Something did not come to its end within the limit."""


@dataclass(frozen=True)
class Clock:
    """What waiting needs of the world."""

    now: Callable[[], float] = time.monotonic
    pause: Callable[[float], None] = time.sleep


def looks(
    look: Callable[[], Answer], over: Callable[[Answer], bool], what: str, clock: Clock, *,
    seconds: float | None, attempt: int | None,
) -> Iterator[Answer]:  # fmt: skip
    """What each look finds, changed or not, until it is over. The longer nothing changes, the longer it waits."""
    begun = answered = changed = clock.now()
    last: Answer | None = None
    while seconds is None or clock.now() - begun < seconds:
        patient = clock.now() - answered < PATIENCE_SECONDS
        try:
            told = look()
            ended = over(told)
        except (CallFailed, httpx.TransportError) as error:
            if not (patient and _passes(error, seen=last is not None, just_begun=attempt is not None)):
                raise
        else:
            # What was just begun may be told late: then this is the attempt before, which has ended.
            if last is not None or not patient or told.get("attempt", 1) >= (attempt or 1):
                answered = clock.now()
                changed, last = (changed, last) if told == last else (answered, told)
                yield told
                if ended:
                    return
        clock.pause(min(MOST_POLL_SECONDS, max(POLL_SECONDS, (clock.now() - changed) / 10)))
    raise TookTooLong(f"{what} is still running after {seconds:.0f} s")


def _passes(error: CallFailed | httpx.TransportError, *, seen: bool, just_begun: bool) -> bool:
    """Whether it may be gone at the next look."""
    if not (seen or just_begun):
        return False  # of the first answer people want to know at once
    return not isinstance(error, CallFailed) or error.status in _PASSING or (error.status == 404 and not seen)
