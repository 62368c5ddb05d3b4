"""The fake bucket and the S3 adapter keep one contract."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import parse_qs, unquote, urlsplit

import boto3
import pytest
from moto import mock_aws

from gyre.aws import clients
from gyre.aws.s3 import S3Bucket
from gyre.errors import Conflict, GyreError, NotFound, Unavailable
from gyre.objects import ObjectStore
from tests.fakes.folder import FolderBucket
from tests.fakes.objects import MemoryBucket

TEXT = "text/plain"


BUCKETS = ("fake", "s3")


@pytest.fixture(params=("folder", *BUCKETS))
def bucket(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[ObjectStore]:
    with opened_bucket(request.param, monkeypatch) as opened:
        yield opened


@contextmanager
def opened_bucket(kind: str, monkeypatch: pytest.MonkeyPatch, region: str = "us-east-1") -> Iterator[ObjectStore]:
    """The fake, or the adapter over moto."""
    if kind == "fake":
        yield MemoryBucket()
        return
    if kind == "folder":
        with TemporaryDirectory() as folder:
            yield FolderBucket(Path(folder))
        return
    for name, value in {
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_DEFAULT_REGION": region,
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        clients.client.cache_clear()
        s3 = boto3.client("s3")
        elsewhere = {"CreateBucketConfiguration": {"LocationConstraint": region}} if region != "us-east-1" else {}
        s3.create_bucket(Bucket="one", **elsewhere)
        s3.put_bucket_versioning(Bucket="one", VersioningConfiguration={"Status": "Enabled"})
        yield S3Bucket("one")
    clients.client.cache_clear()


def test_what_is_written_is_read(bucket: ObjectStore) -> None:
    etag = bucket.write("a/b.txt", b"hello", content_type=TEXT).etag
    found = bucket.read("a/b.txt")
    assert (found.content, found.etag, bucket.size("a/b.txt")) == (b"hello", etag, 5)


def test_a_missing_object_is_not_found(bucket: ObjectStore) -> None:
    with pytest.raises(NotFound, match="nowhere"):
        bucket.read("nowhere")
    with pytest.raises(NotFound, match="nowhere"):
        bucket.size("nowhere")


def test_only_one_writer_makes_an_object_new(bucket: ObjectStore) -> None:
    bucket.write("key", b"first", content_type=TEXT, new=True)
    with pytest.raises(Conflict):
        bucket.write("key", b"second", content_type=TEXT, new=True)
    assert bucket.read("key").content == b"first"


def test_only_the_holder_of_the_newest_etag_replaces(bucket: ObjectStore) -> None:
    first = bucket.write("key", b"first", content_type=TEXT).etag
    bucket.write("key", b"second", content_type=TEXT, replaces=first)
    with pytest.raises(Conflict):
        bucket.write("key", b"third", content_type=TEXT, replaces=first)
    assert bucket.read("key").content == b"second"


def test_a_listing_holds_the_prefix_alone_in_order(bucket: ObjectStore) -> None:
    for key in ("in/b", "in/a", "out/c"):
        bucket.write(key, b"12", content_type=TEXT)
    assert [(each.key, each.size) for each in bucket.list("in/")] == [("in/a", 2), ("in/b", 2)]


LARGE = bytes(range(256)) * 4096


def _newest_version(bucket: ObjectStore, key: str, content: bytes) -> str:
    """Puts content as somebody outside would, and tells its version."""
    if not isinstance(bucket, S3Bucket):
        return str(bucket.write(key, content, content_type=TEXT).version)
    return str(boto3.client("s3").put_object(Bucket="one", Key=key, Body=content)["VersionId"])


def test_a_stream_gives_what_was_written_from_any_place(bucket: ObjectStore) -> None:
    bucket.write("key", LARGE, content_type=TEXT)
    with bucket.open("key") as stream:
        assert stream.seekable() and stream.readable()
        assert (stream.read(5), stream.tell()) == (LARGE[:5], 5)
        assert stream.read() == LARGE[5:]
        assert (stream.read(1), stream.read()) == (b"", b"")
        assert stream.seek(0, io.SEEK_END) == len(LARGE)
        for place in (700_001, 3, len(LARGE) - 2, 300_000, 300_005):
            assert stream.seek(place) == place
            assert stream.read(300_000) == LARGE[place : place + 300_000]
        stream.seek(10)
        assert stream.seek(5, io.SEEK_CUR) == 15
        assert stream.read(2) == LARGE[15:17]
        stream.seek(len(LARGE) + 10)
        assert stream.read(2) == b""


def test_a_stream_has_lines(bucket: ObjectStore) -> None:
    bucket.write("key", b"one\ntwo\nthree", content_type=TEXT)
    assert list(bucket.open("key")) == [b"one\n", b"two\n", b"three"]


def test_a_stream_of_nothing_is_empty(bucket: ObjectStore) -> None:
    bucket.write("key", b"", content_type=TEXT)
    assert bucket.open("key").read() == b""


def test_what_is_missing_is_not_found_when_it_is_opened(bucket: ObjectStore) -> None:
    with pytest.raises(NotFound, match="nowhere"):
        bucket.open("nowhere")


def test_a_stream_never_mixes_two_contents(bucket: ObjectStore) -> None:
    # given
    bucket.write("key", LARGE, content_type=TEXT)
    stream = bucket.open("key")
    stream.read(10)
    # when
    bucket.write("key", LARGE[::-1], content_type=TEXT)
    # then
    with pytest.raises(Conflict, match="key"):
        stream.read()


def test_the_same_content_written_again_disturbs_no_stream(bucket: ObjectStore) -> None:
    bucket.write("key", LARGE, content_type=TEXT)
    stream = bucket.open("key")
    bucket.write("key", LARGE, content_type=TEXT)
    assert stream.read() == LARGE


def test_a_stream_of_a_version_goes_on_when_another_is_written(bucket: ObjectStore) -> None:
    # given
    old = _newest_version(bucket, "key", LARGE)
    _newest_version(bucket, "key", b"other")
    stream = bucket.open("key", old)
    # when
    _newest_version(bucket, "key", b"another")
    # then
    assert stream.read() == LARGE


# --- versions ---------------------------------------------------------------------------------------------------------


def test_what_was_written_is_found_by_its_version_after_others(bucket: ObjectStore) -> None:
    written = [bucket.write("key", content, content_type=TEXT) for content in (b"one", b"other", b"one")]
    assert len({each.version for each in written}) == 3
    assert [bucket.read("key", each.version).content for each in written] == [b"one", b"other", b"one"]
    assert [bucket.size("key", each.version) for each in written] == [3, 5, 3]
    assert (written[0].etag, written[1].etag) == (written[2].etag, bucket.read("key", written[1].version).etag)


@pytest.mark.parametrize("version", ["unknown", "v99"])
def test_an_unknown_version_is_not_found(bucket: ObjectStore, version: str) -> None:
    bucket.write("key", b"one", content_type=TEXT)
    for ask in (bucket.read, bucket.size, bucket.open):
        with pytest.raises(NotFound, match="key"):
            ask("key", version)


def test_every_version_is_listed_and_can_be_taken_away_for_ever(bucket: ObjectStore) -> None:
    # given
    first, second, third = (bucket.write("a/key", text, content_type=TEXT).version for text in (b"1", b"22", b"333"))
    other = bucket.write("a/other", b"x", content_type=TEXT).version
    bucket.write("b/key", b"y", content_type=TEXT)
    told = [(each.key, each.version, each.size, each.is_current) for each in bucket.versions("a/")]
    assert told == [
        ("a/key", third, 3, True), ("a/key", second, 2, False), ("a/key", first, 1, False), ("a/other", other, 1, True),
    ]  # fmt: skip
    # when
    assert second and third
    bucket.remove("a/key", second)
    # then
    assert [each.version for each in bucket.versions("a/key")] == [third, first]
    with pytest.raises(NotFound):
        bucket.read("a/key", second)
    # and without the newest, the one before it is current
    bucket.remove("a/key", third)
    assert bucket.read("a/key").content == b"1"
    assert not any(each.is_deletion for each in bucket.versions(""))


def test_what_is_gone_may_be_taken_away_again(bucket: ObjectStore) -> None:
    version = bucket.write("key", b"1", content_type=TEXT).version
    assert version
    for _ in range(2):
        bucket.remove("key", version)
    assert list(bucket.list("")) == list(bucket.versions("")) == []


def test_a_deletion_is_a_version_without_a_content(monkeypatch: pytest.MonkeyPatch) -> None:
    """As other programs leave it: the object seems gone, and is not."""
    with opened_bucket("s3", monkeypatch) as bucket:
        bucket.write("key", b"1", content_type=TEXT)
        boto3.client("s3").delete_object(Bucket="one", Key="key")
        hidden, content = bucket.versions("")
        assert (hidden.is_deletion, hidden.is_current, hidden.size) == (True, True, 0)
        assert (content.is_deletion, content.is_current, content.size) == (False, False, 1)
        for each in (hidden, content):
            bucket.remove(each.key, each.version)
        assert list(bucket.versions("")) == []


def test_a_mark_stays_with_its_version(bucket: ObjectStore) -> None:
    marked = bucket.write_stream("key", io.BytesIO(b"1"), marks={"gyre-rewritten": "yes"}).version
    plain = bucket.write_stream("key", io.BytesIO(b"2")).version
    bucket.write("other", b"3", content_type=TEXT)
    assert bucket.marks("key", marked) == {"gyre-rewritten": "yes"}
    assert bucket.marks("key", plain) == bucket.marks("key") == bucket.marks("other") == {}
    with pytest.raises(NotFound, match="nowhere"):
        bucket.marks("nowhere")


# --- streams that are written -----------------------------------------------------------------------------------------


class Source:
    """A stream that gives what it has in pieces, and may break after them."""

    def __init__(self, content: bytes, piece: int, failure: GyreError | None = None) -> None:
        self._content, self._piece, self._failure, self._at = content, piece, failure, 0
        self.largest = 0

    def read(self, size: int = -1, /) -> bytes:
        self.largest = max(self.largest, size)
        if self._failure and self._at >= len(self._content):
            raise self._failure
        start = self._at
        self._at += self._piece if size < 0 else min(size, self._piece)
        return self._content[start : self._at]


# Below and above what S3 takes in one piece.
PARTS = 17 * 1024 * 1024 + 1


@pytest.mark.parametrize("size", [0, 1, 1024, 1025, 8 * 1024 * 1024, PARTS])
def test_a_stream_is_written_to_its_last_byte(bucket: ObjectStore, size: int) -> None:
    content = (LARGE * (size // len(LARGE) + 1))[:size]
    written = bucket.write_stream("key", io.BytesIO(content))
    found = bucket.read("key")
    assert (len(found.content), found.content == content) == (size, True)
    assert found.etag == written.etag
    assert bucket.size("key", written.version) == size


@pytest.mark.parametrize("size", [100_000, PARTS])
def test_a_stream_that_comes_in_pieces_is_written_whole(bucket: ObjectStore, size: int) -> None:
    """A read that gives less than was asked for is not the end; only one that gives nothing is."""
    content = (LARGE * (size // len(LARGE) + 1))[:size]
    bucket.write_stream("key", Source(content, 70_001))
    assert bucket.read("key").content == content


@pytest.mark.parametrize("size", [0, 10, 100_000, 8 * 1024 * 1024, PARTS])
def test_a_stream_that_fails_leaves_nothing(bucket: ObjectStore, size: int) -> None:
    failure = Unavailable("It broke.")
    with pytest.raises(Unavailable) as told:
        bucket.write_stream("key", Source(b"x" * size, 1024 * 1024, failure))
    assert told.value is failure
    assert list(bucket.list("")) == []
    if isinstance(bucket, S3Bucket):
        assert "Uploads" not in boto3.client("s3").list_multipart_uploads(Bucket="one"), "parts cost money"


def test_a_stream_that_fails_takes_nothing_away(bucket: ObjectStore) -> None:
    written = bucket.write("key", b"kept", content_type=TEXT)
    with pytest.raises(Unavailable):
        bucket.write_stream("key", Source(b"x" * PARTS, 1024 * 1024, Unavailable("It broke.")))
    assert (bucket.read("key").content, bucket.read("key").etag) == (b"kept", written.etag)


def test_a_stream_is_a_version_of_its_own(bucket: ObjectStore) -> None:
    first, second = (bucket.write_stream("key", io.BytesIO(content)) for content in (b"one", b"other"))
    assert first.version != second.version
    assert bucket.read("key", first.version).content == b"one"


def test_a_stream_is_never_asked_for_all_at_once(bucket: ObjectStore) -> None:
    source = Source(b"x" * PARTS, 1024 * 1024)
    bucket.write_stream("key", source)
    assert 0 < source.largest <= 8 * 1024 * 1024


# --- addresses to put at ----------------------------------------------------------------------------------------------


def test_an_address_names_its_object_and_ends(bucket: ObjectStore) -> None:
    address = bucket.put_address("inbox/wine/a b+c.csv", 600)
    assert "inbox/wine/a b+c.csv" in unquote(address)
    assert "600" in address
    assert bucket.put_address("inbox/wine/other.csv", 600) != address
    assert list(bucket.list("")) == []


def test_an_address_to_get_from_is_another_one(bucket: ObjectStore) -> None:
    address = bucket.get_address("batch/wine/out/a b+c.csv", 600)
    assert "batch/wine/out/a b+c.csv" in unquote(address)
    assert "600" in address
    assert address != bucket.put_address("batch/wine/out/a b+c.csv", 600)
    assert bucket.get_address("batch/wine/out/other.csv", 600) != address


def test_what_lies_at_an_address_of_s3_is_kept_by_its_own_name(monkeypatch: pytest.MonkeyPatch) -> None:
    with opened_bucket("s3", monkeypatch) as bucket:
        query = parse_qs(urlsplit(bucket.get_address("batch/wine/out/0a1b/a (1).csv", 600)).query)
    assert query["response-content-disposition"] == ['attachment; filename="a (1).csv"']


@pytest.mark.parametrize(
    ("region", "host"), [("us-east-1", "one.s3.amazonaws.com"), ("eu-central-1", "one.s3.eu-central-1.amazonaws.com")]
)
def test_an_address_of_s3_holds_in_its_region(monkeypatch: pytest.MonkeyPatch, region: str, host: str) -> None:
    """A PUT is not sent on: the address must be the bucket's own, signed as newer and encrypted buckets ask for."""
    monkeypatch.setenv("AWS_SESSION_TOKEN", "of-the-function")
    with opened_bucket("s3", monkeypatch, region) as bucket:
        address = urlsplit(bucket.put_address("inbox/wine/a b+c.csv", 600))
    query = parse_qs(address.query)
    assert (address.scheme, address.netloc, address.path) == ("https", host, "/inbox/wine/a%20b%2Bc.csv")
    assert query["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]
    assert query["X-Amz-Expires"] == ["600"]
    assert query["X-Amz-SignedHeaders"] == ["host"], "whoever puts a file need send no header"
    assert query["X-Amz-Credential"][0].split("/")[2:] == [region, "s3", "aws4_request"]
    assert query["X-Amz-Security-Token"] == ["of-the-function"]
    assert len(query["X-Amz-Signature"][0]) == 64


def test_an_address_of_an_emulator_has_no_bucket_in_its_host(monkeypatch: pytest.MonkeyPatch) -> None:
    with opened_bucket("s3", monkeypatch):
        monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4566")
        clients.client.cache_clear()
        address = urlsplit(S3Bucket("one").put_address("inbox/wine/a.csv", 600))
    assert (address.scheme, address.netloc, address.path) == ("http", "127.0.0.1:4566", "/one/inbox/wine/a.csv")
