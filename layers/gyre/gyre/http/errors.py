"""Errors as HTTP: one table of statuses, one JSON shape."""

from collections.abc import Container, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from gyre import errors

STATUS: dict[type[errors.GyreError], int] = {
    errors.Invalid: 422,
    errors.Unauthenticated: 401,
    errors.Forbidden: 403,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.TooLarge: 413,
    errors.UnsupportedMedia: 415,
    errors.TooManyRequests: 429,
    errors.NotReady: 503,
    errors.Unavailable: 503,
}

# Where the Open Inference Protocol is spoken.
PROTOCOL = "/v2"


def error_answer(
    status: int,
    code: str,
    message: str,
    request_id: str,
    path: str,
    field: str | None = None,
    details: Sequence[Mapping[str, Any]] = (),
) -> JSONResponse:
    """The one shape every error has. Only the Open Inference Protocol has another: its clients put the error into a
    sentence and break at anything but text, so ours stands beside it."""
    told: dict[str, Any] = {"code": code, "message": message, "request_id": request_id}
    if field:
        told["field"] = field
    if details:
        told["details"] = list(details)
    if path == PROTOCOL or path.startswith(f"{PROTOCOL}/"):
        return JSONResponse({"error": told.pop("message"), **told}, status)
    return JSONResponse({"error": told}, status)


def answer_for(error: errors.GyreError, request_id: str, path: str) -> JSONResponse:
    status = STATUS[type(error)]
    return error_answer(status, error.code, error.message, request_id, path, error.field, error.details)


def unknown_answer(request_id: str, path: str) -> JSONResponse:
    """Nothing of the cause: that is for the log."""
    message = "Something broke on our side. The log holds it under this request_id."
    return error_answer(500, "internal", message, request_id, path)


def malformation(faults: Sequence[Any], *, shown: Container[str] | None = None) -> errors.Invalid:
    """What pydantic found, as one of ours: its first fault. Where rows are sent, what was sent is told of the `shown`
    fields alone, and if it is one value: rows may stand at any wrong place."""
    first, sent = faults[0], faults[0].get("input")
    no_json = first["type"] == "json_invalid"  # its place is a position in the text
    place = [str(part)[:80] for part in first["loc"] if part not in ("body", "query", "path")]
    field = None if no_json else ".".join(place)[:200] or None
    untold = no_json or first["type"] == "missing"
    if shown is not None:
        known = len(first["loc"]) > 0 and first["loc"][0] in shown
        untold = untold or not known or isinstance(sent, list | dict)
    told = "" if untold else f" (sent: {repr(sent)[:80]})"
    return errors.Invalid(f"{field or 'The request'}: {first['msg']}{told}.", field=field)


def map_errors(app: FastAPI) -> None:
    """What FastAPI itself refuses, in our shape; our own errors go out by `answer_for`, in factory.py."""

    @app.exception_handler(RequestValidationError)
    async def malformed(request: Request, error: RequestValidationError) -> JSONResponse:
        return answer_for(malformation(error.errors()), request.state.request_id, request.url.path)

    @app.exception_handler(HTTPException)
    async def protocol(request: Request, error: HTTPException) -> JSONResponse:
        code = HTTPStatus(error.status_code).phrase.lower().replace(" ", "_")
        message = str(error.detail)
        if error.status_code == 400:  # FastAPI's word for a body that Python's json gave up on
            told = errors.Invalid("The body cannot be read as JSON: it is nested too deep, or no UTF-8.")
            return answer_for(told, request.state.request_id, request.url.path)
        if error.status_code == 404:
            message = f"{request.url.path} does not exist here. /docs lists what does."
        answer = error_answer(error.status_code, code, message, request.state.request_id, request.url.path)
        answer.headers.update(error.headers or {})
        return answer
