"""Files are fetched from a real server; what is kept, in memory and in S3, is all of a file or nothing."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import boto3
import pytest

from gyre.datasets.fetch import FileFetcher
from gyre.datasets.upload import Upload
from gyre.errors import GyreError, Invalid, TooLarge, Unavailable
from gyre.objects import ObjectStore
from tests.contract.test_objects import BUCKETS, opened_bucket

CONTENT = bytes(range(256)) * 40
# More than S3 takes in one piece.
LARGE = 9 * 1024 * 1024
LIMIT = LARGE + 100
Answer = Callable[[BaseHTTPRequestHandler], None]


def sends(status: int = 200, content: bytes = CONTENT, /, *, told: int | None = None, **headers: str) -> Answer:
    """An answer that tells its length, or another one."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        request.send_header("Content-Length", str(len(content) if told is None else told))
        for name, value in headers.items():
            request.send_header(name.replace("_", "-"), value)
        request.end_headers()
        request.wfile.write(content)

    return answer


def flows(*chunks: bytes, ends: bool = True) -> Answer:
    """An answer in chunks, with its end or without."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Transfer-Encoding", "chunked")
        request.end_headers()
        for chunk in (*chunks, *([b""] if ends else [])):
            request.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))

    return answer


def endless(request: BaseHTTPRequestHandler) -> None:
    """Goes on until nobody listens."""
    request.send_response(200)
    request.end_headers()
    while True:
        request.wfile.write(b"x" * 65_536)


def says(head: bytes) -> Answer:
    """Whatever stands there in place of HTTP."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.wfile.write(head)

    return answer


@contextmanager
def serving(answers: dict[str, Answer], asked: list[str]) -> Iterator[int]:
    """A server on loopback; its port."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            asked.append(self.path)
            self.close_connection = True
            try:
                answers[self.path](self)
            except (BrokenPipeError, ConnectionResetError):
                """Nobody reads on."""

        def log_message(self, *_: Any) -> None:
            """Nobody reads it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Elsewhere:
    """A host with files, and where they are fetched to."""

    def __init__(self, data: ObjectStore, answers: dict[str, Answer], asked: list[str], port: int) -> None:
        self.data, self.answers, self.asked = data, answers, asked
        self.at = f"http://127.0.0.1:{port}"
        self._fetcher = FileFetcher(frozenset({"127.0.0.1"}), data, LIMIT)

    def fetch(self, path: str, name: str = "a.csv") -> Upload:
        return self._fetcher.fetch("wine", "run-1", f"{self.at}{path}", name)

    def refused(self, path: str, kind: type[GyreError]) -> str:
        """The message, after checking that nothing is left behind."""
        with pytest.raises(kind) as refused:
            self.fetch(path)
        assert type(refused.value) is kind
        assert list(self.data.list("")) == []
        if not hasattr(self.data, "put"):
            uploads = boto3.client("s3").list_multipart_uploads(Bucket="one")
            assert uploads.get("Uploads", []) == []
        return refused.value.message


@pytest.fixture(params=BUCKETS)
def elsewhere(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Elsewhere]:
    """For what is kept: in memory and in S3."""
    with opened(request.param, monkeypatch) as made:
        yield made


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Iterator[Elsewhere]:
    """For what is asked and answered, whatever is done with it."""
    with opened("fake", monkeypatch) as made:
        yield made


@contextmanager
def opened(kind: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Elsewhere]:
    answers: dict[str, Answer] = {"/a.csv": sends()}
    asked: list[str] = []
    # A proxy of the environment is never asked; whoever set it may see what goes through.
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with serving(answers, asked) as port, opened_bucket(kind, monkeypatch) as bucket:
        yield Elsewhere(bucket, answers, asked, port)


# --- what comes -------------------------------------------------------------------------------------------------------


def test_a_file_is_kept_byte_for_byte_outside_of_the_inbox(elsewhere: Elsewhere) -> None:
    upload = elsewhere.fetch("/a.csv")
    assert (upload.model, upload.key) == ("wine", "fetched/wine/run-1/a.csv")
    assert elsewhere.data.read(upload.key, upload.version).content == CONTENT


def test_a_step_that_is_repeated_pins_the_bytes_that_it_got(elsewhere: Elsewhere) -> None:
    first = elsewhere.fetch("/a.csv")
    elsewhere.answers["/a.csv"] = sends(200, b"changed")
    second = elsewhere.fetch("/a.csv")
    contents = [elsewhere.data.read(each.key, each.version).content for each in (first, second)]
    assert (first.key, contents) == (second.key, [CONTENT, b"changed"])


@pytest.mark.parametrize(
    "answer",
    [sends(200, b"x" * LARGE), flows(*[b"x" * 65_536] * (LARGE // 65_536)), flows(b"x" * LARGE)],
    ids=["told", "in many chunks", "in one chunk"],
)
def test_a_large_file_is_kept_whole(elsewhere: Elsewhere, answer: Answer) -> None:
    elsewhere.answers["/a.csv"] = answer
    upload = elsewhere.fetch("/a.csv")
    assert elsewhere.data.size(upload.key, upload.version) == LARGE


@pytest.mark.parametrize("answer", [sends(200, b"x" * LIMIT), flows(b"x" * LIMIT)], ids=["told", "untold"])
def test_a_file_of_just_the_limit_is_kept(elsewhere: Elsewhere, answer: Answer) -> None:
    elsewhere.answers["/a.csv"] = answer
    assert elsewhere.data.size(elsewhere.fetch("/a.csv").key) == LIMIT


@pytest.mark.parametrize("answer", [sends(200, b""), flows()], ids=["told", "untold"])
def test_an_empty_file_is_a_file(elsewhere: Elsewhere, answer: Answer) -> None:
    """That it has no rows is said by the step that reads it."""
    elsewhere.answers["/a.csv"] = answer
    assert elsewhere.data.read(elsewhere.fetch("/a.csv").key).content == b""


def test_what_a_secret_is_asked_with_arrives(host: Elsewhere) -> None:
    host.answers["/a.csv?key=swordfish"] = sends(200, b"secret")
    assert host.data.read(host.fetch("/a.csv?key=swordfish").key).content == b"secret"


# --- where it leads ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("to", ["/other.csv", "{at}/other.csv", "other.csv"])
def test_it_is_followed_on_the_same_host(host: Elsewhere, code: int, to: str) -> None:
    host.answers["/a.csv"] = sends(code, b"", Location=to.format(at=host.at))
    host.answers["/other.csv"] = sends(200, b"other")
    upload = host.fetch("/a.csv")
    assert (upload.key, host.data.read(upload.key).content) == ("fetched/wine/run-1/a.csv", b"other")


@pytest.mark.parametrize(
    ("to", "says"),
    [
        ("http://169.254.169.254/latest/meta-data", "169.254.169.254"),
        ("//elsewhere.example/a.csv", "elsewhere.example"),
        ("http://localhost/a.csv", "localhost"),
        ("http://127.0.0.1@elsewhere.example/a.csv", "is not an address"),
        ("http://user:word@127.0.0.1/a.csv", "is not an address"),
        (r"http://127.0.0.1\@elsewhere.example/", "is not an address"),
        ("ftp://127.0.0.1/a.csv", "is not an address"),
        ("file:///etc/passwd", "302"),
        ("data:,a", "302"),
        ("http://[::1/a.csv", "no address"),
        ("http://127.0.0.1:99999/", "is not an address"),
    ],
)
def test_it_leads_nowhere_else(host: Elsewhere, to: str, says: str) -> None:
    host.answers["/a.csv"] = sends(302, b"", Location=to)
    assert says in host.refused("/a.csv", Invalid)
    assert host.asked == ["/a.csv"]


def test_a_second_step_may_not_leave_either(host: Elsewhere) -> None:
    host.answers["/a.csv"] = sends(302, b"", Location="/b.csv")
    host.answers["/b.csv"] = sends(302, b"", Location="http://elsewhere.example/c.csv")
    assert "elsewhere.example" in host.refused("/a.csv", Invalid)
    assert host.asked == ["/a.csv", "/b.csv"]


def test_going_round_in_circles_ends(host: Elsewhere) -> None:
    host.answers["/a.csv"] = sends(302, b"", Location="/b.csv")
    host.answers["/b.csv"] = sends(302, b"", Location="/a.csv")
    message = host.refused("/a.csv", Invalid)
    assert "infinite loop" in message
    assert "\n" not in message
    assert len(host.asked) <= 12


def test_a_redirect_to_nowhere_is_told(host: Elsewhere) -> None:
    host.answers["/a.csv"] = sends(302, b"")
    assert "answers 302" in host.refused("/a.csv", Invalid)


@pytest.mark.parametrize(
    "url", ["http://localhost/a.csv", "file:///etc/passwd", "ftp://127.0.0.1/a.csv", "http://x@127.0.0.1/a.csv"]
)
def test_an_address_that_is_not_allowed_is_never_asked(url: str, host: Elsewhere) -> None:
    with pytest.raises(Invalid) as refused:
        FileFetcher(frozenset({"127.0.0.1"}), host.data).fetch("wine", "run-1", url, "a.csv")
    assert refused.value.field == "url"
    assert host.asked == []


# --- what goes wrong --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [400, 401, 403, 404, 410, 304])
def test_what_is_not_there_is_the_callers_to_mend(host: Elsewhere, code: int) -> None:
    host.answers["/a.csv?key=swordfish"] = sends(code, b"")
    message = host.refused("/a.csv?key=swordfish", Invalid)
    assert f"{host.at}/a.csv answers {code}" in message
    assert "swordfish" not in message


@pytest.mark.parametrize("code", [429, 500, 502, 503, 504])
def test_a_host_in_trouble_is_asked_again_later(host: Elsewhere, code: int) -> None:
    """The state machine repeats a step that ends in Unavailable."""
    host.answers["/a.csv"] = sends(code, b"")
    assert f"answers {code}" in host.refused("/a.csv", Unavailable)


def test_a_host_that_is_down_is_asked_again_later(host: Elsewhere) -> None:
    with serving({}, []) as port:
        pass
    host.at = f"http://127.0.0.1:{port}"
    assert "refused" in host.refused("/a.csv", Unavailable)


@pytest.mark.parametrize(
    "head", [b"", b"SSH-2.0-OpenSSH\r\n", b"HTTP/9.9 200 OK\r\n\r\n", b"HTTP/1.1 200 " + b"x" * 70_000]
)
def test_a_host_that_speaks_no_http_is_told(host: Elsewhere, head: bytes) -> None:
    host.answers["/a.csv"] = says(head)
    assert "cannot be fetched" in host.refused("/a.csv", Unavailable)


@pytest.mark.parametrize(
    "answer",
    [
        sends(200, CONTENT, told=len(CONTENT) + 1),
        sends(200, b"", told=5),
        sends(200, b"x" * LARGE, told=LARGE + 1),
        flows(CONTENT, ends=False),
        flows(*[b"x" * 1024 * 1024] * 9, ends=False),
    ],
    ids=["short", "empty", "short in parts", "no last chunk", "no last chunk in parts"],
)
def test_half_a_file_is_never_kept_as_a_whole_one(elsewhere: Elsewhere, answer: Answer) -> None:
    elsewhere.answers["/a.csv"] = answer
    assert "broke off after" in elsewhere.refused("/a.csv", Unavailable)


def test_half_a_file_takes_nothing_from_what_was_kept_before(elsewhere: Elsewhere) -> None:
    upload = elsewhere.fetch("/a.csv")
    elsewhere.answers["/a.csv"] = sends(200, b"half", told=8)
    with pytest.raises(Unavailable):
        elsewhere.fetch("/a.csv")
    assert elsewhere.data.read(upload.key).content == CONTENT


@pytest.mark.parametrize(
    "answer",
    [sends(200, b"x", told=LIMIT + 1), sends(200, b"x", told=10**30), flows(b"x" * (LIMIT + 1)), endless],
    ids=["told", "absurd", "untold", "endless"],
)
def test_what_is_too_large_is_refused_once_that_is_known(elsewhere: Elsewhere, answer: Answer) -> None:
    elsewhere.answers["/a.csv"] = answer
    assert "limit" in elsewhere.refused("/a.csv", TooLarge)


@pytest.mark.parametrize("told", ["many", "-5", "1e9", "", "٣"])
def test_a_length_that_is_none_is_not_believed(host: Elsewhere, told: str) -> None:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.wfile.write(f"HTTP/1.1 200 OK\r\nContent-Length: {told}\r\n\r\n".encode() + CONTENT)

    host.answers["/a.csv"] = answer
    assert host.data.read(host.fetch("/a.csv").key).content == CONTENT
