"""What Lambda hands over from a queue, and what it is answered."""

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import chain
from typing import Any

from aws_lambda_powertools import Logger

from gyre.journal.intake import ENOUGH_SECONDS, Intake, Message, Refused, portions
from gyre.journal.metrics import Metrics, tell_calls, tell_letters
from gyre.journal.sink import Onward, hand_on, passed_on

# Where nobody tells how long it may take.
_SECONDS = 25.0


def from_queue(
    event: Mapping[str, Any], context: Any, dead_letters: str, queue: Onward, intake: Intake, metrics: Metrics,
    log: Logger, onward: Onward | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Takes the messages in; SQS takes back what stands in `batchItemFailures`, and only that. `dead_letters`: the ARN
    of the queue of those that were given up; `queue`: the journal's own; `onward`: who is told of what the journal
    has."""
    seconds_left, failed = _clock(context), list[Refused]()
    waiting = portions([message_of(each, dead_letters) for each in event["Records"]])
    for portion in waiting:
        taken = intake.take(portion, seconds_left)
        refusals = _told([*taken.refused, *hand_on(portion, taken, onward)], log)
        for letter in taken.letters:
            log.error("dead letter", extra={"letter": letter.id, "event_id": letter.event_id, "cause": letter.cause})
        told = {"records": taken.appended, "known": taken.known, "refused": len(refusals)}
        log.info("appended", extra=told | {"dead_letters": len(taken.letters)})
        tell_calls(taken.records, metrics, datetime.now(UTC), log)
        tell_letters(len(taken.letters), metrics, datetime.now(UTC), log)
        failed += refusals
        if seconds_left() < ENOUGH_SECONDS:
            break
    if rest := list(chain.from_iterable(waiting)):
        log.info("put back", extra={"messages": len(rest)})
        failed += _told(_put_back(rest, queue), log)
    return {"batchItemFailures": [{"itemIdentifier": refused.id} for refused in failed]}


def _put_back(rest: Sequence[Message], queue: Onward) -> list[Refused]:
    """Those that there is no time for, as new messages: SQS counts how often it hands one out, and this was no try.
    What it gave up stays where it is, where nothing is counted."""
    given_up = [Refused(each.id, "There was no time for it.") for each in rest if each.given_up]
    return given_up + passed_on([each for each in rest if not each.given_up], queue)


def _told(refusals: list[Refused], log: Logger) -> list[Refused]:
    for refused in refusals:
        log.warning("refused", extra={"message_id": refused.id, "reason": refused.reason})
    return refusals


def message_of(told: Mapping[str, Any], dead_letters: str) -> Message:
    """One of them."""
    facts = told.get("attributes", {})
    sent = facts.get("SentTimestamp")
    return Message(
        told["messageId"], told["body"], int(facts.get("ApproximateReceiveCount", 1)),
        datetime.fromtimestamp(int(sent) / 1000, UTC) if sent else datetime.now(UTC),
        told.get("eventSourceARN") == dead_letters,
    )  # fmt: skip


def _clock(context: Any) -> Callable[[], float]:
    """How many seconds the function has left."""
    left = context.get_remaining_time_in_millis() / 1000 if context else _SECONDS
    until = time.monotonic() + left
    return lambda: until - time.monotonic()
