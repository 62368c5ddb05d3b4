"""One way to build an app: request ids, keys, errors and logs are the same in every function."""

import time
import uuid
from collections.abc import Awaitable, Callable, Iterable

from aws_lambda_powertools import Logger
from fastapi import APIRouter, FastAPI, Request, Response
from starlette.concurrency import run_in_threadpool

from gyre import __version__
from gyre.errors import GyreError
from gyre.http.access import KeyRing, Role, permit
from gyre.http.errors import answer_for, map_errors, unknown_answer

# Everything else needs a key, also paths that do not exist: a stranger learns nothing by trying.
OPEN_PATHS = frozenset({"/", "/health", "/ready", "/docs", "/openapi.json"})
OPEN_PREFIXES = ("/console/",)
# Of every route, until each declares its own: the one key of a deployment is an admin's.
NEEDED_ROLE: Role = "admin"


def create_app(title: str, routers: Iterable[APIRouter], keys: KeyRing, log: Logger) -> FastAPI:
    """An app with the given routes, behind the check of keys."""
    # A redirect to add a slash would lead out of the gateway's stage, which the app does not know.
    app = FastAPI(
        title=title, version=__version__, docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False
    )
    for router in routers:
        app.include_router(router)
    map_errors(app)

    @app.middleware("http")
    async def admit(request: Request, proceed: Callable[[Request], Awaitable[Response]]) -> Response:
        started = time.perf_counter()
        request.state.request_id = _request_id(request)
        log.append_keys(correlation_id=request.state.request_id)
        try:
            if not is_open(request.url.path):
                request.state.caller = await run_in_threadpool(keys.caller, request.headers.get("x-api-key"))
                permit(request.state.caller, NEEDED_ROLE)
            response = await proceed(request)
        except GyreError as error:
            response = answer_for(error, request.state.request_id)
        except Exception:  # the outermost place: whatever goes wrong ends here, logged, as a bare 500
            log.exception("broke")
            response = unknown_answer(request.state.request_id)
        response.headers["x-request-id"] = request.state.request_id
        took = round((time.perf_counter() - started) * 1000, 2)
        log.info(
            "answered",
            extra={"method": request.method, "path": request.url.path, "status": response.status_code, "ms": took},
        )
        return response

    return app


def is_open(path: str) -> bool:
    return path in OPEN_PATHS or path.startswith(OPEN_PREFIXES)


def _request_id(request: Request) -> str:
    """The gateway's own id of the request, so that its log and ours meet; one of ours under uvicorn."""
    event = request.scope.get("aws.event") or {}
    told = event.get("requestContext", {}).get("requestId")
    return str(told or uuid.uuid4())
