"""Calls as a server hands them to the app: bytes in blocks, headers as somebody wrote them, connections that break."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI
from starlette.types import Message

# None of them breaks what has been promised: what is 500 is ours.
DOCUMENTED = {200, 404, 405, 409, 413, 415, 422, 429, 503}
MOST_SECONDS = 20.0
JSON_TYPE = (b"content-type", b"application/json")


@dataclass(frozen=True)
class Heard:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """As a strict reader takes it: NaN and Infinity are no JSON."""
        return json.loads(self.body, parse_constant=_no_number)


def _no_number(told: str) -> None:
    raise AssertionError(f"{told} is no JSON")


def call(
    app: FastAPI,
    path: str,
    body: bytes | list[bytes],
    key: str,
    *,
    query: bytes = b"",
    headers: Sequence[tuple[bytes, bytes]] = (JSON_TYPE,),
    method: str = "POST",
    hangs_up: bool = False,
) -> Heard:
    """One call. Blocks are taken out of their list as they are read; `hangs_up` breaks the connection where more of
    them were to come."""
    blocks = [body] if isinstance(body, bytes) else body
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http",
        "path": path, "raw_path": path.encode(errors="replace"), "query_string": query, "root_path": "",
        "headers": [(b"host", b"gyre"), (b"x-api-key", key.encode()), *headers],
        "client": ("192.0.2.1", 1), "server": ("gyre", 80),
    }  # fmt: skip
    sent: list[Message] = []

    async def receive() -> Message:
        if not blocks:
            return {"type": "http.disconnect"}
        block = blocks.pop(0)
        return {"type": "http.request", "body": block, "more_body": bool(blocks) or hangs_up}

    async def send(message: Message) -> None:
        sent.append(message)

    async def ask() -> None:
        await asyncio.wait_for(app(scope, receive, send), MOST_SECONDS)

    asyncio.run(ask())
    if not sent:
        return Heard(0, {}, b"")
    start, *rest = sent
    told = {name.decode(): value.decode() for name, value in start["headers"]}
    return Heard(start["status"], told, b"".join(each.get("body", b"") for each in rest))


def refused(heard: Heard, path: str) -> dict[str, Any]:
    """The error in an answer, in the shape of its protocol."""
    told = heard.json()
    error: dict[str, Any] = told if path.startswith("/v2") else told["error"]
    message = error["error"] if path.startswith("/v2") else error["message"]
    assert isinstance(message, str) and message and error["code"] not in ("internal", "error")
    assert error["request_id"] == heard.headers["x-request-id"]
    assert len(error.get("field", "")) < 300 and len(heard.body) < 100_000
    return error
