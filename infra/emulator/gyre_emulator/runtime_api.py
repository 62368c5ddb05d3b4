"""The Lambda Runtime API of one execution environment: the HTTP that AWS's runtime client speaks.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

from __future__ import annotations

import contextlib
import json
import queue
import socket
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from socketserver import BaseServer
from typing import cast

VERSION = "/2018-06-01/runtime"
MAX_RESPONSE_BYTES = 6 * 1024 * 1024 + 100  # AWS's limit for a synchronous answer


@dataclass(frozen=True)
class Invocation:
    """One call as the function sees it."""

    request_id: str
    function_arn: str
    payload: bytes
    deadline_ms: int
    trace_id: str = ""
    client_context: str | None = None

    def headers(self) -> dict[str, str]:
        headers = {
            "Content-Type": "application/json",
            "Lambda-Runtime-Aws-Request-Id": self.request_id,
            "Lambda-Runtime-Deadline-Ms": str(self.deadline_ms),
            "Lambda-Runtime-Invoked-Function-Arn": self.function_arn,
        }
        if self.trace_id:
            headers["Lambda-Runtime-Trace-Id"] = self.trace_id
        if self.client_context:
            headers["Lambda-Runtime-Client-Context"] = self.client_context
        return headers


@dataclass(frozen=True)
class Ready:
    """The runtime client has loaded the handler and asks for work."""


@dataclass(frozen=True)
class InitFailed:
    """The handler could not be loaded."""

    error: bytes


@dataclass(frozen=True)
class Answered:
    """The handler returned, or raised."""

    request_id: str
    body: bytes
    is_error: bool


@dataclass(frozen=True)
class TooLarge:
    """The handler's answer is larger than AWS allows."""

    request_id: str
    size: int


@dataclass(frozen=True)
class Exited:
    """The process ended, with this status as subprocess reports it."""

    status: int


Event = Ready | InitFailed | Answered | TooLarge | Exited


class RuntimeApi:
    """Serves one function process; what it reports arrives in `events`."""

    def __init__(self, events: queue.Queue[Event]) -> None:
        self.events = events
        self._work: queue.Queue[Invocation | None] = queue.Queue()
        self._current: str | None = None
        self._asked = False
        self._closed = False
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=16)
        self._connections: set[socket.socket] = set()
        self._lock = threading.Lock()
        threading.Thread(target=self._accept, name="gyre-runtime-api", daemon=True).start()

    @property
    def address(self) -> str:
        host, port = self._listener.getsockname()[:2]
        return f"{host}:{port}"

    def hand_over(self, invocation: Invocation) -> None:
        self._work.put(invocation)

    def close(self) -> None:
        """Ends every connection, so no thread of ours stays behind."""
        with self._lock:
            self._closed = True
            sockets = [self._listener, *self._connections]
        self._work.put(None)
        for each in sockets:
            with contextlib.suppress(OSError):  # the other side was faster
                each.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def next_invocation(self) -> Invocation | None:
        if not self._asked:
            self._asked = True
            self.events.put(Ready())
        self._current = None
        invocation = self._work.get()
        if invocation is not None:
            self._current = invocation.request_id
        return invocation

    def is_current(self, request_id: str) -> bool:
        return self._current is not None and self._current == request_id

    def _accept(self) -> None:
        while True:
            try:
                connection, address = self._listener.accept()
            except OSError:
                return
            with self._lock:
                if self._closed:
                    connection.close()
                    return
                self._connections.add(connection)
            serve = threading.Thread(target=self._serve, args=(connection, address), name="gyre-runtime-call")
            serve.daemon = True
            serve.start()

    def _serve(self, connection: socket.socket, address: tuple[str, int]) -> None:
        try:
            _Call(connection, address, self)
        except (OSError, ValueError):
            pass  # the process ended in the middle of a call: its watcher reports that
        finally:
            with self._lock:
                self._connections.discard(connection)
            connection.close()


class _Call(BaseHTTPRequestHandler):
    """The calls on one connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # head and body leave as one packet: two would wait 40 ms for a delayed acknowledgement

    def __init__(self, connection: socket.socket, address: tuple[str, int], api: RuntimeApi) -> None:
        self.api = api
        super().__init__(connection, address, cast(BaseServer, None))  # it never asks its server anything

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the standard library's name
        """The function's log is no place for our access log."""

    def do_GET(self) -> None:
        if self.path != f"{VERSION}/invocation/next":
            return self._answer(404, _error("no such call", "InvalidRequest"))
        invocation = self.api.next_invocation()
        if invocation is None:
            self.close_connection = True
            return None
        return self._answer(200, invocation.payload, invocation.headers())

    def do_POST(self) -> None:
        body = self._body()
        parts = self.path.removeprefix(f"{VERSION}/").split("/")
        if parts == ["init", "error"]:
            self.api.events.put(InitFailed(body))
            return self._answer(202, b'{"status": "OK"}')
        if len(parts) != 3 or parts[0] != "invocation" or parts[2] not in ("response", "error"):
            return self._answer(404, _error("no such call", "InvalidRequest"))
        if not self.api.is_current(parts[1]):
            return self._answer(400, _error("Invalid request ID", "InvalidRequestID"))
        if len(body) > MAX_RESPONSE_BYTES:
            self.api.events.put(TooLarge(parts[1], len(body)))
            return self._answer(413, _error("Exceeded maximum allowed payload size", "RequestEntityTooLarge"))
        self.api.events.put(Answered(parts[1], body, is_error=parts[2] == "error"))
        return self._answer(202, b'{"status": "OK"}')

    def _body(self) -> bytes:
        if "chunked" not in self.headers.get("Transfer-Encoding", "").lower():
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        chunks = []
        while size := int(self.rfile.readline(64).split(b";")[0], 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline(8)
        while self.rfile.readline(65536).strip():
            pass  # trailers, then an empty line
        return b"".join(chunks)

    def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {"Content-Type": "application/json"}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()


def _error(message: str, kind: str) -> bytes:
    return json.dumps({"errorMessage": message, "errorType": kind}).encode()
