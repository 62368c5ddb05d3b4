"""The ring in S3, as deploy writes it and as functions read it: over the fake, boto3 and our own signed calls."""

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from gyre.aws import clients
from gyre.aws.direct import DirectBucket
from gyre.aws.s3 import S3Bucket
from gyre.errors import Unavailable
from gyre.objects import ObjectStore
from gyre.pseudonyms import FRESH_SECONDS, PseudonymKeys, read_pseudonyms
from infra.deploy.pseudonyms import add_pseudonym_key, ensure_pseudonym_keys
from tests.contract.mlflow_grounds import s3_over_http
from tests.fakes.objects import MemoryBucket
from tests.unit.parts import Clock

Buckets = tuple[ObjectStore, ObjectStore]
"""Where deploy writes, and where a function reads."""
_NUMBERS = itertools.count()


@pytest.fixture(scope="module")
def s3() -> Iterator[Any]:
    with s3_over_http() as made:
        yield made


@pytest.fixture(params=["memory", "boto3", "direct"])
def buckets(request: pytest.FixtureRequest) -> Buckets:
    if request.param == "memory":
        one = MemoryBucket()
        return one, one
    name = f"artifacts-{next(_NUMBERS)}"
    request.getfixturevalue("s3").create_bucket(Bucket=name)
    return S3Bucket(name), S3Bucket(name) if request.param == "boto3" else DirectBucket(name)


def test_what_deploy_makes_is_what_functions_read(buckets: Buckets) -> None:
    deploy, function = buckets
    assert (ensure_pseudonym_keys(deploy), ensure_pseudonym_keys(deploy)) == (True, False)
    assert read_pseudonyms(function).of("ann") == read_pseudonyms(deploy).of("ann")


def test_a_warm_function_finds_a_newer_key(buckets: Buckets) -> None:
    deploy, function = buckets
    ensure_pseudonym_keys(deploy)
    clock = Clock()
    keys = PseudonymKeys(function, clock)
    former = keys.current().of("ann")
    add_pseudonym_key(deploy)
    assert keys.current().of("ann") == former
    clock.now += FRESH_SECONDS
    assert keys.current().of("ann").startswith("p2:") and former in keys.current().every("ann")


def test_a_deployment_without_one_is_told_as_such(buckets: Buckets) -> None:
    with pytest.raises(Unavailable, match="deploy again"):
        PseudonymKeys(buckets[1]).current()


@pytest.mark.parametrize("bucket", [S3Bucket, DirectBucket])
def test_a_bucket_that_does_not_answer_is_unavailable(
    s3: Any, bucket: Callable[[str], ObjectStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of ours listens on that port."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    clients.client.cache_clear()
    with pytest.raises(Unavailable, match="could not be reached"):
        PseudonymKeys(bucket("artifacts")).current()
    clients.client.cache_clear()
