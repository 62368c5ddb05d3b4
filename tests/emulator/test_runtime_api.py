"""The Runtime API over real sockets, spoken to by hand."""

from __future__ import annotations

import http.client
import json
import queue
import socket
import threading
from collections.abc import Iterator

import pytest

from gyre_emulator.runtime_api import VERSION, Answered, Event, InitFailed, Invocation, Ready, RuntimeApi, TooLarge

Api = tuple[RuntimeApi, "queue.Queue[Event]"]


@pytest.fixture
def api() -> Iterator[Api]:
    events: queue.Queue[Event] = queue.Queue()
    served = RuntimeApi(events)
    yield served, events
    served.close()


def connect(api: RuntimeApi) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(api.address, timeout=5)


def ask_next(api: RuntimeApi) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
    connection = connect(api)
    connection.request("GET", f"{VERSION}/invocation/next")
    return connection, connection.getresponse()


def test_next_waits_for_work_and_carries_it(api: Api) -> None:
    # given
    served, events = api
    threading.Timer(
        0.1, served.hand_over, [Invocation("id-1", "arn", b'{"a": 1}', 1234, "Root=1", '{"custom": {}}')]
    ).start()
    # when
    _, answer = ask_next(served)
    # then
    assert events.get(timeout=1) == Ready()
    assert answer.read() == b'{"a": 1}'
    assert answer.headers["Lambda-Runtime-Aws-Request-Id"] == "id-1"
    assert answer.headers["Lambda-Runtime-Deadline-Ms"] == "1234"
    assert answer.headers["Lambda-Runtime-Invoked-Function-Arn"] == "arn"
    assert answer.headers["Lambda-Runtime-Trace-Id"] == "Root=1"
    assert answer.headers["Lambda-Runtime-Client-Context"] == '{"custom": {}}'


def test_chunked_answers_are_put_together(api: Api) -> None:
    # given
    served, events = api
    served.hand_over(Invocation("id-1", "arn", b"{}", 0))
    connection, answer = ask_next(served)
    answer.read()
    assert events.get(timeout=1) == Ready()
    # when: on the same connection, as the client does
    connection.request(
        "POST", f"{VERSION}/invocation/id-1/response", body=iter([b'{"par', b'ts": ', b"2}"]), encode_chunked=True
    )
    # then
    assert connection.getresponse().status == 202
    assert events.get(timeout=1) == Answered("id-1", b'{"parts": 2}', is_error=False)


def test_chunk_extensions_and_trailers_are_read(api: Api) -> None:
    # given
    served, events = api
    served.hand_over(Invocation("id-1", "arn", b"{}", 0))
    ask_next(served)[1].read()
    assert events.get(timeout=1) == Ready()
    host, port = served.address.split(":")
    # when
    with socket.create_connection((host, int(port)), timeout=5) as raw:
        raw.sendall(
            f"POST {VERSION}/invocation/id-1/error HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
            + b"4;name=value\r\nabcd\r\n0\r\nX-Trailer: 1\r\n\r\n"
        )
        status = raw.recv(100).split()[1]
    # then
    assert status == b"202"
    assert events.get(timeout=1) == Answered("id-1", b"abcd", is_error=True)


def test_an_answer_to_another_call_is_refused(api: Api) -> None:
    # given
    served, events = api
    served.hand_over(Invocation("id-2", "arn", b"{}", 0))
    connection, answer = ask_next(served)
    answer.read()
    assert events.get(timeout=1) == Ready()
    # when
    connection.request("POST", f"{VERSION}/invocation/id-1/response", body=b"{}")
    refused = connection.getresponse()
    # then
    assert refused.status == 400
    assert json.loads(refused.read())["errorType"] == "InvalidRequestID"
    assert events.empty()


def test_an_answer_that_is_too_large_is_refused(api: Api) -> None:
    # given
    served, events = api
    served.hand_over(Invocation("id-1", "arn", b"{}", 0))
    connection, answer = ask_next(served)
    answer.read()
    assert events.get(timeout=1) == Ready()
    # when
    connection.request("POST", f"{VERSION}/invocation/id-1/response", body=b"x" * 6_291_557)
    # then
    assert connection.getresponse().status == 413
    assert events.get(timeout=1) == TooLarge("id-1", 6_291_557)


def test_an_init_error_is_passed_on_untouched(api: Api) -> None:
    # given
    served, events = api
    connection = connect(served)
    # when
    connection.request("POST", f"{VERSION}/init/error", body=b'{"errorType": "X"}')
    # then
    assert connection.getresponse().status == 202
    assert events.get(timeout=1) == InitFailed(b'{"errorType": "X"}')


@pytest.mark.parametrize("path", ["/", f"{VERSION}/invocation/x/nothing", "/2099-01-01/runtime/invocation/next"])
def test_unknown_calls_are_not_found(api: Api, path: str) -> None:
    # given
    connection = connect(api[0])
    # when
    connection.request("GET" if path.endswith("next") else "POST", path)
    # then
    assert connection.getresponse().status == 404


def test_close_ends_a_waiting_client_and_its_threads(api: Api) -> None:
    # given
    served, events = api
    connection = connect(served)
    connection.request("GET", f"{VERSION}/invocation/next")
    assert events.get(timeout=5) == Ready()
    # when
    served.close()
    # then
    with pytest.raises((http.client.HTTPException, OSError)):
        connection.getresponse()
    for thread in threading.enumerate():
        if thread.name.startswith("gyre-runtime"):
            thread.join(5)
            assert not thread.is_alive()
