"""A question over HTTP: answered, and put on the way to the journal before the answer leaves, however it ended."""

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools import Logger
from fastapi import Request

from gyre.errors import GyreError, TooLarge, Unavailable, UnsupportedMedia
from gyre.http.errors import STATUS
from gyre.journal.calls import Call, record_of
from gyre.journal.outlet import Outlet
from gyre.journal.record import Fault, JournalRecord
from gyre.serving.answer import Serving
from gyre.serving.question import Answer, Question
from gyre.serving.shadow import Shadows, shadow_call

MOST_BYTES = 6_000_000
_JSON = ("application/json", "text/json")


@dataclass(frozen=True)
class Answered:
    """What a route makes its own answer from."""

    event_id: str
    question: Question
    answer: Answer
    logged: bool = True


class Desk:
    """Takes questions of whatever protocol."""

    def __init__(
        self, serving: Serving, outlet: Outlet, shadows: Shadows, log: Logger, *, memory_mb: int | None = None
    ) -> None:
        self._serving, self._outlet, self._shadows, self._log = serving, outlet, shadows, log
        self._memory_mb = memory_mb
        self._beside = ThreadPoolExecutor(1, "shadow")

    def ask(self, request: Request, read: Callable[[], Question]) -> Answered:
        """Reads the question and answers it. What goes wrong is raised, and recorded before."""
        state = request.state
        call = Call(
            str(uuid.uuid4()), datetime.now(UTC), state.caller.id, state.request_id,
            cold=bool(state.cold), memory_mb=self._memory_mb,
        )  # fmt: skip
        question: Question | None = None
        answer: Answer | None = None
        try:
            with state.times.of("read"):
                question = read()
            answer = self._serving.answer(question, call.event_id, state.times)
            if answer.refusal:
                raise answer.refusal
        except GyreError as error:
            fault = Fault(code=error.code, message=error.message[:2_000], field=error.field)
            self._told(record_of(call, STATUS[type(error)], state.times, question, answer, fault))
            raise
        except Exception:
            fault = Fault(code="internal", message="Something broke on our side.")
            self._told(record_of(call, 500, state.times, question, answer, fault))
            raise
        self._shadow(call, question, answer)
        record = record_of(call, 200, state.times, question, answer)
        with state.times.of("log"):
            logged = self._kept(record, unlogged=answer.spec.release.serve_unlogged)
        return Answered(call.event_id, question, answer, logged)

    def _kept(self, record: JournalRecord, *, unlogged: bool) -> bool:
        try:
            self._outlet.put(record)
        except Unavailable as error:
            self._log.error("not recorded", extra={"event_id": record.event_id, "reason": error.message})
            if unlogged:
                return False
            raise Unavailable(
                f"The answer was made and could not be recorded, so it is not given: {error.message} Call again; "
                "`release: serve_unlogged: true` in model.yaml would answer all the same."
            ) from error
        return True

    def _told(self, record: JournalRecord) -> None:
        """Of a call that is refused anyway: what is wrong with it is worth more to its caller than a full queue."""
        self._kept(record, unlogged=True)

    def _shadow(self, call: Call, question: Question, answer: Answer) -> None:
        """Nobody waits for it, and nobody hears if it fails: it is a sample."""
        if answer.shadow is None:
            return
        asked = shadow_call(
            question, answer.shadow, event_id=call.event_id, at=call.at, caller=call.caller,
            correlation_id=call.correlation_id,
        )  # fmt: skip
        self._beside.submit(self._send, asked)

    def _send(self, asked: Any) -> None:
        try:
            self._shadows.put(asked)
        except GyreError as error:
            self._log.warning("no shadow", extra={"event_id": asked.event_id, "reason": error.message})


async def body_of(request: Request, *, types: tuple[str, ...] = _JSON) -> bytes:
    """What was sent, if it is no more than we take and says what it is."""
    kind = request.headers.get("content-type", types[0]).partition(";")[0].strip().lower()
    if kind not in types and not kind.endswith("+json"):
        raise UnsupportedMedia(f"The body is {kind[:100]}; send {types[0]}.", field="content-type")
    blocks, size = [], 0
    async for block in request.stream():
        blocks.append(block)
        size += len(block)
        if size > MOST_BYTES:
            raise TooLarge(f"The body is larger than {MOST_BYTES:,} bytes: send fewer rows, or a file to batch/.")
    return b"".join(blocks)
