"""A question over HTTP: answered, and put on the way to the journal before the answer leaves, however it ended."""

import uuid
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import BoundedSemaphore
from typing import Any

from aws_lambda_powertools import Logger
from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool

from gyre.errors import GyreError, TooLarge, Unavailable, UnsupportedMedia
from gyre.http.errors import STATUS, malformation
from gyre.journal.calls import Call, record_of
from gyre.journal.outlet import Outlet
from gyre.journal.record import Fault, JournalRecord
from gyre.serving.answer import Serving
from gyre.serving.question import Answer, Question
from gyre.serving.shadow import Shadows, shadow_call

MOST_BYTES = 6_000_000
JSON = ("application/json", "text/json")
# What Lambda takes back from a function, without its headers; below half of it nobody counts.
_MOST_ANSWER = 6_280_000
# Calls that wait to be told to the shadow; each holds its rows.
_MOST_WAITING = 100


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
        self._waiting = BoundedSemaphore(_MOST_WAITING)

    async def ask(
        self,
        request: Request,
        read: Callable[[bytes], Question],
        tell: Callable[[Answered], Response],
        types: tuple[str, ...] = JSON,
    ) -> Response:
        """Reads the question and answers it. What goes wrong is raised, and recorded before."""
        try:
            content = await _body(request, types)
        except GyreError as error:
            await run_in_threadpool(self.refuse, request, error)
            raise
        if "aws.event" in request.scope:  # a Lambda environment has one call at a time: a thread would only cost
            return self._asked(request, content, read, tell)
        return await run_in_threadpool(self._asked, request, content, read, tell)

    def refuse(self, request: Request, error: GyreError) -> None:
        """Records a call of which nothing was read."""
        self._told(record_of(self._call(request), STATUS[type(error)], request.state.times, None, None, _fault(error)))

    def _asked(
        self,
        request: Request,
        content: bytes,
        read: Callable[[bytes], Question],
        tell: Callable[[Answered], Response],
    ) -> Response:
        times, call = request.state.times, self._call(request)
        question: Question | None = None
        answer: Answer | None = None
        try:
            with times.of("read"):
                question = read(content)
            answer = self._serving.answer(question, call.event_id, times)
            if answer.refusal:
                raise answer.refusal
            told = tell(Answered(call.event_id, question, answer))
            if "aws.event" in request.scope:
                _within_limits(told)
        except GyreError as error:
            shown = answer if answer and answer.refusal else None  # an answer that was not given is none
            self._told(record_of(call, STATUS[type(error)], times, question, shown, _fault(error)))
            raise
        except Exception:
            fault = Fault(code="internal", message="Something broke on our side.")
            self._told(record_of(call, 500, times, question, None, fault))
            raise
        self._shadow(call, question, answer)
        record = record_of(call, 200, times, question, answer)
        with times.of("log"):
            logged = self._kept(record, unlogged=answer.spec.release.serve_unlogged)
        return told if logged else tell(Answered(call.event_id, question, answer, logged=False))

    def _call(self, request: Request) -> Call:
        state = request.state
        return Call(
            str(uuid.uuid4()), datetime.now(UTC), state.caller.id, state.request_id,
            cold=bool(state.cold), memory_mb=self._memory_mb,
        )  # fmt: skip

    def _kept(self, record: JournalRecord, *, unlogged: bool) -> bool:
        try:
            self._outlet.put(record)
        except GyreError as error:  # whatever it is, the caller did nothing wrong
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
        """Nobody waits for it, and nobody hears if it fails: it is a sample. So is what a slow queue lets through."""
        if answer.shadow is None:
            return
        if not self._waiting.acquire(blocking=False):
            self._log.warning("no shadow", extra={"event_id": call.event_id, "reason": "too many wait for the queue"})
            return
        asked = shadow_call(
            question, answer.shadow, answer.spec, event_id=call.event_id, at=call.at, caller=call.caller,
            correlation_id=call.correlation_id,
        )  # fmt: skip
        self._beside.submit(self._send, asked)

    def _send(self, asked: Any) -> None:
        try:
            self._shadows.put(asked)
        except GyreError as error:
            self._log.warning("no shadow", extra={"event_id": asked.event_id, "reason": error.message})
        finally:
            self._waiting.release()


def recorded(desk: Desk) -> type[APIRoute]:
    """Routes whose questions are recorded also where FastAPI itself refuses them: a path or a query breaks a rule."""

    class Recorded(APIRoute):
        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            answer = super().get_route_handler()
            if self.methods != {"POST"}:
                return answer

            async def handle(request: Request) -> Response:
                try:
                    return await answer(request)
                except RequestValidationError as error:
                    refusal = malformation(error.errors())
                    await run_in_threadpool(desk.refuse, request, refusal)
                    raise refusal from None

            return handle

    return Recorded


def _fault(error: GyreError) -> Fault:
    return Fault(code=error.code, message=error.message[:2_000], field=error.field and error.field[:200])


def _within_limits(told: Response) -> None:
    """Lambda puts an answer into a JSON text of its own, or into base64, and drops it if that is too large."""
    body = bytes(told.body)
    if len(body) < _MOST_ANSWER // 2:
        return
    is_text = told.media_type != "application/octet-stream"
    size = len(body) + body.count(b'"') + body.count(b"\\") if is_text else len(body) * 4 // 3
    if size > _MOST_ANSWER:
        raise TooLarge(
            f"The answer has {size:,} bytes, and a function gives back {_MOST_ANSWER:,} at most: send fewer rows, ask "
            "for fewer reasons, or send a file to batch/."
        )


async def _body(request: Request, types: tuple[str, ...]) -> bytes:
    """What was sent, if it is no more than we take and says what it is."""
    kind = request.headers.get("content-type", types[0]).partition(";")[0].strip().lower()
    if kind not in types and not kind.endswith("+json"):
        raise UnsupportedMedia(f"The body is {kind[:100]}; send {types[0]}.", field="content-type")
    if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise UnsupportedMedia("The body is compressed; send it as it is.", field="content-encoding")
    blocks, size = [], 0
    async for block in request.stream():
        blocks.append(block)
        size += len(block)
        if size > MOST_BYTES:
            raise TooLarge(f"The body is larger than {MOST_BYTES:,} bytes: send fewer rows, or a file to batch/.")
    return b"".join(blocks)
