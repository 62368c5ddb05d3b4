"""The direct bucket and queue keep the adapters' contract, over HTTP: moto listens as S3 and SQS would."""

import socket
import threading
from collections.abc import Iterator

import boto3
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gyre.aws.direct import DirectBucket, DirectQueue, Service
from gyre.errors import Conflict, GyreError, NotFound, Unavailable
from tests.contract.mlflow_grounds import s3_over_http

KEYS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20).filter(
    lambda key: not key.startswith("/") and "//" not in key and not {".", ".."} & set(key.split("/"))
)


@pytest.fixture(scope="module")
def s3() -> Iterator[object]:
    with s3_over_http() as made:
        made.create_bucket(Bucket="direct")
        made.put_bucket_versioning(Bucket="direct", VersioningConfiguration={"Status": "Enabled"})
        yield made


@pytest.fixture
def bucket(s3: object) -> DirectBucket:
    return DirectBucket("direct")


def test_what_is_written_is_read_by_both(bucket: DirectBucket, s3: object) -> None:
    written = bucket.write("a/b c+ü.txt", b"hello", content_type="text/plain")
    found = bucket.read("a/b c+ü.txt")
    theirs = s3.get_object(Bucket="direct", Key="a/b c+ü.txt")
    assert (found.content, found.etag) == (b"hello", written.etag) == (theirs["Body"].read(), theirs["ETag"])
    assert theirs["ContentType"] == "text/plain"
    assert bucket.size("a/b c+ü.txt") == 5


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None)
@given(KEYS, st.binary(max_size=100))
def test_any_key_and_content(bucket: DirectBucket, key: str, content: bytes) -> None:
    bucket.write(f"any/{key}", content, content_type="x/y")
    assert bucket.read(f"any/{key}").content == content
    assert f"any/{key}" in [each.key for each in bucket.list("any/")]


def test_a_former_version_is_read(bucket: DirectBucket) -> None:
    first = bucket.write("v", b"1", content_type="x/y")
    bucket.write("v", b"2", content_type="x/y")
    assert bucket.read("v", first.version).content == b"1"


def test_what_is_not_there(bucket: DirectBucket) -> None:
    for call in (bucket.read, bucket.size):
        with pytest.raises(NotFound, match="s3://direct/nowhere does not exist"):
            call("nowhere")
    with pytest.raises(NotFound):
        DirectBucket("no-such-bucket").read("key")
    assert list(bucket.list("nowhere/")) == []


def test_conditions_hold(bucket: DirectBucket) -> None:
    first = bucket.write("c", b"1", content_type="x/y", new=True).etag
    with pytest.raises(Conflict):
        bucket.write("c", b"2", content_type="x/y", new=True)
    bucket.write("c", b"2", content_type="x/y", replaces=first)
    with pytest.raises(Conflict):
        bucket.write("c", b"3", content_type="x/y", replaces=first)
    assert bucket.read("c").content == b"2"


def test_a_list_of_several_pages_is_whole(bucket: DirectBucket, s3: object) -> None:
    """Given more objects than S3 lists at once, when they are listed, then all come, in the order of keys."""
    for at in range(1_005):
        s3.put_object(Bucket="direct", Key=f"many/{at:04}", Body=b"")
    assert [each.key for each in bucket.list("many/")] == [f"many/{at:04}" for at in range(1_005)]


def test_what_is_seldom_asked_goes_the_long_way(bucket: DirectBucket) -> None:
    bucket.write("whole", b"hello", content_type="x/y")
    with bucket.open("whole") as file:
        assert file.read() == b"hello"


def test_a_message_arrives_as_it_was(s3: object) -> None:
    sqs = boto3.client("sqs")
    url = sqs.create_queue(QueueName="direct")["QueueUrl"]
    DirectQueue(url).send('{"note": "ü"}', "The record")
    (message,) = sqs.receive_message(QueueUrl=url)["Messages"]
    assert message["Body"] == '{"note": "ü"}'
    sqs.delete_queue(QueueUrl=url)
    with pytest.raises(GyreError, match="The record"):
        DirectQueue(url).send("{}", "The record")


class Listener:
    """Answers each connection once, with one of the given answers, and closes it without a word."""

    def __init__(self, *answers: bytes) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.answers, self.asked = list(answers), 0
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while self.answers:
            connection, _ = self._socket.accept()
            connection.recv(65_536)
            self.asked += 1
            connection.sendall(self.answers.pop(0))
            connection.close()
        self._socket.close()


OK = b'HTTP/1.1 200 OK\r\netag: "1"\r\ncontent-length: 2\r\n\r\nok'
BUSY = b"HTTP/1.1 503 Slow Down\r\ncontent-length: 29\r\n\r\n<Error><Code>SlowDown</Code>\n"


def listening(monkeypatch: pytest.MonkeyPatch, *answers: bytes) -> Listener:
    listener = Listener(*answers)
    for name, value in {
        "AWS_ENDPOINT_URL": listener.url,
        "AWS_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "y",
    }.items():
        monkeypatch.setenv(name, value)
    return listener


def test_a_connection_that_was_closed_meanwhile_is_made_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """Given an environment that was frozen, whose connections nobody kept, when it reads, then nobody notices."""
    listener = listening(monkeypatch, OK, OK, OK)
    bucket = DirectBucket("b")
    assert [bucket.read("k").content for _ in range(3)] == [b"ok"] * 3
    assert listener.asked == 3


def test_a_busy_or_silent_service_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    listener = listening(monkeypatch, BUSY, b"", OK)
    assert DirectBucket("b").read("k").content == b"ok"
    assert listener.asked == 3


def test_one_that_stays_busy_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    listener = listening(monkeypatch, BUSY, BUSY, BUSY)
    with pytest.raises(GyreError, match="slow down"):
        DirectBucket("b").read("k")
    assert listener.asked == 3


def test_one_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "y")
    with pytest.raises(Unavailable, match="s3://b/k: AWS could not be reached"):
        DirectBucket("b").read("k")


@pytest.mark.parametrize(
    ("region", "host"),
    [("eu-west-1", "b.s3.eu-west-1.amazonaws.com"), ("cn-north-1", "b.s3.cn-north-1.amazonaws.com.cn")],
)
def test_without_an_emulator_the_address_is_the_regions(
    monkeypatch: pytest.MonkeyPatch, region: str, host: str
) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setenv("AWS_REGION", region)
    assert Service("s3", "b.")._host == host
