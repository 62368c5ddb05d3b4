"""The fake bucket and the S3 adapter keep one contract."""

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
    etag = bucket.write("a/b.txt", b"hello", content_type=TEXT)
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
    first = bucket.write("key", b"first", content_type=TEXT)
    bucket.write("key", b"second", content_type=TEXT, replaces=first)
    with pytest.raises(Conflict):
        bucket.write("key", b"third", content_type=TEXT, replaces=first)
    assert bucket.read("key").content == b"second"


def test_a_listing_holds_the_prefix_alone_in_order(bucket: ObjectStore) -> None:
    for key in ("in/b", "in/a", "out/c"):
        bucket.write(key, b"12", content_type=TEXT)
    assert [(each.key, each.size) for each in bucket.list("in/")] == [("in/a", 2), ("in/b", 2)]
