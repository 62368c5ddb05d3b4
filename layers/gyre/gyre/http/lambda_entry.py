"""From a Lambda event to an app and back."""

import os
from collections.abc import Callable
from functools import cache
from typing import Any

from fastapi import FastAPI
from mangum import Mangum
from mangum.adapter import DEFAULT_TEXT_MIME_TYPES

from gyre.errors import TooLarge
from gyre.http.errors import answer_for
from gyre.http.limits import MOST_ANSWER, size_in_lambda
from gyre.quick_start import started

# Everything else goes out as base64, which the gateway takes back only from those who ask for it.
_TEXTS = [*DEFAULT_TEXT_MIME_TYPES, "application/yaml", "image/svg+xml"]

Handler = Callable[[dict[str, Any], Any], Any]


def http_handler(compose: Callable[[], FastAPI], *, early: bool = False) -> Handler:
    """A handler whose app is composed once, at the first call: nothing is read or opened by an import. The one
    exception is `early`, where Lambda starts an environment: what happens then has the whole CPU, and no caller waits
    for it where environments are kept ready."""

    @cache
    def adapter() -> Mangum:
        made = Mangum(compose(), lifespan="off", text_mime_types=_TEXTS)
        started()
        return made

    if early and os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE"):
        adapter()
    else:  # an environment that only a queue or a clock calls never makes an app
        started()

    def handle(event: dict[str, Any], context: Any) -> Any:
        return _within_limits(adapter()(event, context), event)

    return handle


def _within_limits(answer: dict[str, Any], event: dict[str, Any]) -> dict[str, Any]:
    """The answer, or the reason why it cannot be given."""
    size = size_in_lambda(answer["body"].encode(), is_text=True)
    if size <= MOST_ANSWER:
        return answer
    error = TooLarge(
        f"The answer has {size:,} bytes, and a function gives back {MOST_ANSWER:,} at most: ask for less, or read the "
        "table itself, as docs/journal.md says."
    )
    told = answer_for(error, answer["headers"].get("x-request-id", ""), event["path"])
    headers = {**answer["headers"], "content-type": "application/json", "content-length": str(len(told.body))}
    return {**answer, "statusCode": told.status_code, "headers": headers, "body": bytes(told.body).decode()}


def is_http(event: dict[str, Any]) -> bool:
    """True for a call through API Gateway; a function with other triggers asks this first."""
    return "httpMethod" in event
