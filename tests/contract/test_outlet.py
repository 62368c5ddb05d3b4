"""The fake outlet and SQS keep one contract: a record arrives as it was, however large, or the call hears of it."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import boto3
import pytest
from moto import mock_aws

from gyre.aws import clients
from gyre.aws.direct import DirectQueue
from gyre.aws.queue import SqsOutlet, SqsShadows
from gyre.aws.s3 import S3Bucket
from gyre.bundle.ref import BundleRef
from gyre.errors import Invalid, NotFound, Unavailable
from gyre.journal.outlet import Outlet, unpack
from gyre.journal.record import JournalRecord, JournalRow
from gyre.registry.releases import Released
from gyre.serving.shadow import ShadowCall, ShadowRow, Shadows
from tests.fakes.moto_direct import answered_by_moto
from tests.fakes.outlet import MemoryOutlet, MemoryShadows

Arrived = Callable[[], list[JournalRecord]]
Ended = Callable[[], None]
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def record(number: int, text: str = "") -> JournalRecord:
    return JournalRecord(
        event_id=f"event-{number:04}", model="wine", at=NOON, status=200, duration_ms=1.5, caller="ann",
        correlation_id="c-1", rows=(JournalRow(id=number, version=1, features={"alcohol": 13.2, "note": text}),),
    )  # fmt: skip


def shadow_call(colour: str | None) -> ShadowCall:
    return ShadowCall(
        event_id="event-0001", model="wine", at=NOON, caller="ann", correlation_id="c",
        challenger=Released(version=2, bundle=BundleRef("bundles/wine/abc/", "abc", 10)),
        rows=(ShadowRow(id="1", features={"alcohol": 13.2, "colour": colour}),),
    )  # fmt: skip


class Queue:
    """One in moto."""

    def __init__(self, name: str) -> None:
        self.sqs = boto3.client("sqs")
        self.url = self.sqs.create_queue(QueueName=name)["QueueUrl"]

    def bodies(self) -> list[str]:
        found = []
        while answer := self.sqs.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10).get("Messages"):
            found += [each["Body"] for each in answer]
        return found

    def end(self) -> None:
        self.sqs.delete_queue(QueueUrl=self.url)


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws(), answered_by_moto():
        clients.client.cache_clear()
        boto3.client("s3").create_bucket(Bucket="data")
        yield
    clients.client.cache_clear()


@pytest.fixture(params=["fake", "sqs"])
def outlet(request: pytest.FixtureRequest, aws: None) -> tuple[Outlet, Arrived, Ended]:
    """An outlet, what came out at the other end, and a way to end it."""
    if request.param == "fake":
        fake = MemoryOutlet()
        return fake, lambda: fake.records, lambda: setattr(fake, "down", True)
    queue = Queue("journal")
    data = S3Bucket("data")
    return SqsOutlet(DirectQueue(queue.url), data), lambda: [unpack(each, data) for each in queue.bodies()], queue.end


def test_a_record_arrives_as_it_was(outlet: tuple[Outlet, Arrived, Ended]) -> None:
    put, arrived, _ = outlet
    put.put(record(1))
    put.put(record(2, "ü" * 1000))
    assert sorted(arrived(), key=lambda each: each.event_id) == [record(1), record(2, "ü" * 1000)]


@pytest.mark.parametrize("text", ["\x00\x0b\x1f", "\ufffe\uffff", "\x7f\ufffd\U0001ffff"])
def test_a_message_has_no_characters_that_sqs_refuses(aws: None, text: str) -> None:
    """Given text that XML cannot carry, when a record or a shadow of it is sent, then its message can be, and is read
    as what was sent."""
    queue, data = Queue("odd"), S3Bucket("data")
    call = shadow_call(text)
    SqsOutlet(DirectQueue(queue.url), data).put(record(1, text))
    SqsShadows(DirectQueue(queue.url)).put(call)
    told, shadow = sorted(queue.bodies(), key=lambda each: "challenger" in each)
    assert re.fullmatch("[\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]+", told + shadow)
    assert unpack(told, data) == record(1, text)
    assert ShadowCall.model_validate_json(shadow) == call


@pytest.mark.parametrize("size", [249_000, 260_000, 2_000_000])
def test_a_large_record_arrives_too(outlet: tuple[Outlet, Arrived, Ended], size: int) -> None:
    put, arrived, _ = outlet
    put.put(record(1, "ü" * (size // 2)))
    assert arrived() == [record(1, "ü" * (size // 2))]


def test_a_queue_that_is_gone_is_told(outlet: tuple[Outlet, Arrived, Ended]) -> None:
    put, _, end = outlet
    end()
    with pytest.raises(Unavailable):
        put.put(record(1))


def test_a_record_that_lies_nowhere_is_told(aws: None) -> None:
    queue, data = Queue("journal"), S3Bucket("data")
    SqsOutlet(DirectQueue(queue.url), data).put(record(1, "x" * 300_000))
    boto3.client("s3").delete_object(Bucket="data", Key="overflow/wine/2026-11-21/event-0001.json")
    (body,) = queue.bodies()
    with pytest.raises(NotFound, match="overflow/wine"):
        unpack(body, data)


@pytest.mark.parametrize("body", ["poison", "{}", "[]", '{"shape": 2, "event_id": "event-0001", "lies_at": "a"}'])
def test_what_is_neither_a_record_nor_a_place_is_invalid(aws: None, body: str) -> None:
    with pytest.raises(Invalid):
        unpack(body, S3Bucket("data"))


def test_a_place_outside_of_what_was_put_aside_is_not_read(aws: None) -> None:
    boto3.client("s3").put_object(Bucket="data", Key="inbox/wine/a.csv", Body=record(1).model_dump_json().encode())
    with pytest.raises(Invalid):
        unpack('{"shape": 1, "event_id": "event-0001", "lies_at": "inbox/wine/a.csv"}', S3Bucket("data"))


@pytest.mark.parametrize("kind", ["fake", "sqs"])
def test_a_shadow_call_arrives_or_is_told(aws: None, kind: str) -> None:
    fake, queue = MemoryShadows(), Queue("shadow")
    put: Shadows = fake if kind == "fake" else SqsShadows(DirectQueue(queue.url))
    call = shadow_call(None)
    put.put(call)
    arrived = fake.calls if kind == "fake" else [ShadowCall.model_validate_json(each) for each in queue.bodies()]
    assert arrived == [call]
    fake.down = True
    queue.end()
    with pytest.raises(Unavailable):
        put.put(call)
