"""What S3 itself never does in a test: answers that break in the middle."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError, IncompleteReadError, ReadTimeoutError, ResponseStreamingError
from urllib3.exceptions import ProtocolError

from gyre.aws import s3_stream
from gyre.errors import Conflict, NotFound, Unavailable

CONTENT = bytes(range(256)) * 8192

BROKEN = [
    ReadTimeoutError(endpoint_url="http://s3"),
    IncompleteReadError(actual_bytes=1, expected_bytes=2),
    ResponseStreamingError(error="cut"),
    ProtocolError("cut"),
]


class Body:
    def __init__(self, content: bytes, broken: Exception | None) -> None:
        self._content, self._broken = content, broken

    def read(self) -> bytes:
        if self._broken:
            raise self._broken
        return self._content


class Client:
    """One object; the first answers break as told."""

    def __init__(self, *broken: Exception, refusal: str = "") -> None:
        self.broken, self.refusal, self.asked = list(broken), refusal, list[tuple[int, int]]()

    def head_object(self, **wanted: str) -> dict[str, Any]:
        return {"ContentLength": len(CONTENT), "ETag": '"e"'}

    def get_object(self, Range: str, **wanted: str) -> dict[str, Any]:
        if self.refusal:
            raise ClientError({"Error": {"Code": self.refusal}}, "GetObject")
        start, stop = map(int, Range.removeprefix("bytes=").split("-"))
        self.asked.append((start, stop + 1))
        return {"Body": Body(CONTENT[start : stop + 1], self.broken.pop(0) if self.broken else None)}


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Callable[[Client], Any]:
    def open_with(client: Client) -> Any:
        monkeypatch.setattr(s3_stream, "client", lambda _: client)
        return s3_stream.opened("one", "key", None)

    monkeypatch.setattr(s3_stream, "PAUSE_SECONDS", 0)
    return open_with


@pytest.mark.parametrize("broken", BROKEN, ids=lambda each: type(each).__name__)
def test_a_range_that_breaks_is_read_again(opened: Callable[[Client], Any], broken: Exception) -> None:
    assert opened(Client(broken, broken)).read() == CONTENT


@pytest.mark.parametrize("broken", BROKEN, ids=lambda each: type(each).__name__)
def test_a_range_that_breaks_every_time_is_unavailable(opened: Callable[[Client], Any], broken: Exception) -> None:
    client = Client(*[broken] * s3_stream.TRIES)
    with pytest.raises(Unavailable, match="s3://one/key"):
        opened(client).read()
    assert len(client.asked) == s3_stream.TRIES


@pytest.mark.parametrize(("refusal", "error"), [("PreconditionFailed", Conflict), ("NoSuchKey", NotFound)])
def test_a_refusal_is_told_at_once(opened: Callable[[Client], Any], refusal: str, error: type[Exception]) -> None:
    with pytest.raises(error, match="s3://one/key"):
        opened(Client(refusal=refusal)).read()


def test_who_reads_straight_on_gets_growing_ranges(opened: Callable[[Client], Any]) -> None:
    client = Client()
    stream = opened(client)
    while stream.read(100_000):
        pass
    sizes = [stop - start for start, stop in client.asked]
    assert sizes == [512 * 1024, 1024 * 1024, 512 * 1024]
    assert client.asked == sorted(client.asked) and sum(sizes) == len(CONTENT)


def test_who_jumps_about_gets_little_more_than_asked_for(opened: Callable[[Client], Any]) -> None:
    client = Client()
    stream = opened(client)
    for place in (2_000_000, 1_000_000, 0):
        stream.seek(place)
        stream.read(1000)
    assert max(stop - start for start, stop in client.asked) == s3_stream.SMALLEST_RANGE
