"""A question over HTTP: answered, and put on the way to the journal before the answer leaves, however it ended."""

from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from inspect import signature
from threading import BoundedSemaphore
from typing import Any

from aws_lambda_powertools import Logger
from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect
from starlette.routing import request_response

from gyre.errors import GyreError, TooLarge, Unavailable, UnsupportedMedia
from gyre.http.errors import STATUS, malformation
from gyre.http.limits import MOST_ANSWER, size_in_lambda
from gyre.journal.calls import Call, record_of
from gyre.journal.outlet import Outlet
from gyre.journal.record import Fault, JournalRecord, new_event
from gyre.serving.answer import Serving
from gyre.serving.question import Answer, Question
from gyre.serving.shadow import Shadows, shadow_call
from gyre.telemetry import TimeSplit

MOST_BYTES = 6_000_000
JSON = ("application/json", "text/json")
# Of a body that is read while the others wait.
_SHORT = 16_000
# Calls that wait to be told to the shadow; each holds its rows.
_MOST_WAITING = 100


@dataclass(frozen=True)
class Answered:
    """What a route makes its own answer from."""

    event_id: str
    question: Question
    answer: Answer
    logged: bool = True


@dataclass(frozen=True)
class _Outcome:
    """How a call ended, and what is kept of it."""

    record: JournalRecord
    end: tuple[Answered, Response] | Exception


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
        """Reads the question and answers it. What goes wrong is raised, and recorded before.

        A thread costs as much as an answer, so it is taken only where one waits or takes long and others could go on
        meanwhile: never in a Lambda environment, which has one call at a time."""
        alone, times = "aws.event" in request.scope, request.state.times
        try:
            content = await _body(request, types)
            with times.of("read"):
                question = await _done(alone or len(content) <= _SHORT, read, content)
        except ClientDisconnect:  # there is no call
            raise
        except Exception as error:
            await _done(alone or not self._outlet.waits, self.refuse, request, error)
            raise
        outcome = await _done(alone or self._serving.at_hand(question), self._outcome, request, question, tell)
        return await _done(alone or not self._outlet.waits, self._recorded, times, outcome, tell)

    def refuse(self, request: Request, error: Exception) -> None:
        """Records a call of which nothing was read."""
        self._told(_failed(self._call(request), request.state.times, error))

    def _outcome(self, request: Request, question: Question, tell: Callable[[Answered], Response]) -> _Outcome:
        """Whatever happens, it is to be recorded before it is told."""
        times, call = request.state.times, self._call(request)
        answer: Answer | None = None
        try:
            answer = self._serving.answer(question, call.event_id, times)
            if answer.refusal:
                raise answer.refusal
            answered = Answered(call.event_id, question, answer)
            told = tell(answered)
            if "aws.event" in request.scope:
                _within_limits(told)
        except Exception as error:  # noqa: BLE001  # raised as it is when it is recorded
            refused = answer if answer and answer.refusal else None  # an answer that was not given is none
            return _Outcome(_failed(call, times, error, question, refused), error)
        self._shadow(call, question, answer)
        return _Outcome(record_of(call, 200, times, question, answer), (answered, told))

    def _recorded(self, times: TimeSplit, outcome: _Outcome, tell: Callable[[Answered], Response]) -> Response:
        if isinstance(outcome.end, Exception):
            self._told(outcome.record)
            raise outcome.end
        answered, told = outcome.end
        with times.of("log"):
            logged = self._kept(outcome.record, unlogged=answered.answer.spec.release.serve_unlogged)
        return told if logged else tell(replace(answered, logged=False))

    def _call(self, request: Request) -> Call:
        state = request.state
        now = datetime.now(UTC)
        return Call(
            new_event(now), now, state.caller.id, state.request_id,
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
            question, answer.shadow, answer.spec, answer.pseudonyms, event_id=call.event_id, at=call.at,
            caller=call.caller, correlation_id=call.correlation_id,
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
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            if signature(self.endpoint).parameters.keys() == {"request"}:
                # There is nothing that FastAPI could read for it: its search for that, in two stacks of contexts, takes
                # a tenth of a call.
                self.app = request_response(self.endpoint)

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


async def _done[**P, T](here: bool, what: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Here, or in a thread."""
    return what(*args, **kwargs) if here else await run_in_threadpool(what, *args, **kwargs)


def _failed(
    call: Call, times: TimeSplit, error: Exception, question: Question | None = None, answer: Answer | None = None
) -> JournalRecord:
    if not isinstance(error, GyreError):
        return record_of(
            call, 500, times, question, None, Fault(code="internal", message="Something broke on our side.")
        )
    fault = Fault(code=error.code, message=error.message[:2_000], field=error.field and error.field[:200])
    return record_of(call, STATUS[type(error)], times, question, answer, fault)


def _within_limits(told: Response) -> None:
    """Before it is recorded as given."""
    size = size_in_lambda(bytes(told.body), is_text=told.media_type != "application/octet-stream")
    if size > MOST_ANSWER:
        raise TooLarge(
            f"The answer has {size:,} bytes, and a function gives back {MOST_ANSWER:,} at most: send fewer rows, ask "
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
