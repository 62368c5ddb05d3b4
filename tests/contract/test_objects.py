"""The fake bucket and the S3 adapter keep one contract."""

import io
from collections.abc import Iterator

import boto3
import pytest
from moto import mock_aws

from gyre.aws import clients
from gyre.aws.s3 import S3Bucket
from gyre.errors import Conflict, NotFound
from gyre.objects import ObjectStore
from tests.fakes.objects import MemoryBucket

TEXT = "text/plain"


@pytest.fixture(params=["fake", "s3"])
def bucket(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[ObjectStore]:
    if request.param == "fake":
        yield MemoryBucket()
        return
    for name, value in {
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        clients.client.cache_clear()
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket="one")
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
    if isinstance(bucket, MemoryBucket):
        return bucket.put(key, content)
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
