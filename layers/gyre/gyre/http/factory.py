"""One way to build an app: request ids, keys, errors, times and logs are the same in every function."""

import uuid
from collections.abc import Iterable

from aws_lambda_powertools import Logger
from fastapi import APIRouter, FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gyre import __version__
from gyre.errors import GyreError
from gyre.http.access import KeyRing, Role, permit, presented
from gyre.http.errors import answer_for, map_errors, unknown_answer
from gyre.telemetry import TimeSplit

# Everything else needs a key, also paths that do not exist: a stranger learns nothing by trying.
OPEN_PATHS = frozenset({"/", "/health", "/ready", "/docs", "/openapi.json", "/v2/health/live", "/v2/health/ready"})
OPEN_PREFIXES = ("/console/",)
# Of every route, until each declares its own: the one key of a deployment is an admin's.
NEEDED_ROLE: Role = "admin"


def create_app(
    title: str, routers: Iterable[APIRouter], keys: KeyRing, log: Logger, *, init_ms: float = 0.0
) -> FastAPI:
    """An app with the given routes, behind the check of keys. `init_ms`: what came before its first call."""
    # A redirect to add a slash would lead out of the gateway's stage, which the app does not know.
    app = FastAPI(
        title=title, version=__version__, docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False
    )
    for router in routers:
        # Not by include_router: it keeps routers whole, and looks for the route of a call three times.
        app.router.routes.extend(router.routes)
    map_errors(app)
    app.add_middleware(_Admission, keys=keys, log=log, init_ms=init_ms)
    return app


class _Admission:
    """Around every route. Plain ASGI: FastAPI's own kind of middleware takes a task group and two streams a call."""

    def __init__(self, app: ASGIApp, keys: KeyRing, log: Logger, init_ms: float) -> None:
        self._app, self._keys, self._log, self._init_ms = app, keys, log, init_ms
        self._cold = True

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        times, request_id, status = TimeSplit(), _request_id(scope), 0
        cold, self._cold = self._cold, False
        scope.setdefault("state", {}).update(request_id=request_id, times=times, cold=cold)
        # Of this call alone: under uvicorn others go on beside it.
        self._log.thread_safe_append_keys(correlation_id=request_id)

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["x-request-id"] = request_id
                headers["server-timing"] = (f"cold;dur={self._init_ms:g}, " if cold else "") + times.header()
            await send(message)

        try:
            await self._admitted(scope, receive, answer, times)
        except GyreError as error:
            await answer_for(error, request_id, scope["path"])(scope, receive, answer)
        except ClientDisconnect:  # in the middle of a body: nobody is there to be told anything
            status = 499
        except Exception:  # the outermost place: whatever goes wrong ends here, logged, as a bare 500
            self._log.exception("broke")
            if status:  # too late to say so
                raise
            await unknown_answer(request_id, scope["path"])(scope, receive, answer)
        told = {"method": scope["method"], "path": _logged(scope["path"]), "status": status, "ms": times.total}
        told |= times.parts | ({"cold": True, "init_ms": self._init_ms} if cold else {})
        self._log.info("answered", extra=told)

    async def _admitted(self, scope: Scope, receive: Receive, send: Send, times: TimeSplit) -> None:
        if not is_open(scope["path"]):
            secret = presented(Headers(scope=scope))
            with times.of("auth"):
                # A thread is worth it only where a bucket is to be asked.
                fresh = self._keys.fresh
                caller = self._keys.caller(secret) if fresh else await run_in_threadpool(self._keys.caller, secret)
            scope["state"]["caller"] = caller
            permit(caller, NEEDED_ROLE)
        await self._app(scope, receive, send)


def _logged(path: str) -> str:
    """A path without the person that it is about."""
    about, _, rest = path.removeprefix("/").partition("/")
    return f"/{about}/…" if about == "subjects" and rest and not rest.startswith("erasures/") else path


def is_open(path: str) -> bool:
    return path in OPEN_PATHS or path.startswith(OPEN_PREFIXES)


def _request_id(scope: Scope) -> str:
    """The gateway's own id of the request, so that its log and ours meet; one of ours under uvicorn."""
    event = scope.get("aws.event") or {}
    told = event.get("requestContext", {}).get("requestId")
    return str(told or uuid.uuid4())
