"""The deployed stack: found or started, brought up to date, spoken to through HTTP, S3 and queues alone."""

import json
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from cli.client import GyreClient
from gyre_emulator import control
from infra.deploy.__main__ import deploy


@pytest.fixture(scope="session")
def gyre() -> Iterator[GyreClient]:
    """A stack that runs what the working tree holds. An emulator that we had to start is stopped again."""
    ours = not control.status().running
    control.start()
    try:
        yield GyreClient(deploy("local"))
    finally:
        if ours:
            control.stop()


@pytest.fixture(scope="session")
def model() -> str:
    """A model that nobody used before, so that tests may run again on the same stack."""
    return f"test-{uuid.uuid4().hex[:8]}"


@pytest.fixture(scope="session")
def notices(gyre: GyreClient) -> Iterator["Notices"]:
    """A queue of our own that hears every notice."""
    sqs, sns = gyre.aws("sqs"), gyre.aws("sns")
    url = sqs.create_queue(QueueName=f"test-notices-{uuid.uuid4().hex[:8]}")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    subscription = sns.subscribe(TopicArn=gyre.record.notices_topic, Protocol="sqs", Endpoint=arn)["SubscriptionArn"]
    yield Notices(sqs, url)
    sns.unsubscribe(SubscriptionArn=subscription)
    sqs.delete_queue(QueueUrl=url)


class Notices:
    """What was told so far."""

    def __init__(self, sqs: Any, url: str) -> None:
        self._sqs, self._url = sqs, url
        self._told: list[dict[str, Any]] = []

    def about(self, run: str) -> dict[str, Any] | None:
        """The notice of one run."""
        return self.first(lambda notice: notice.get("run") == run)

    def first(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any] | None:
        """Of all that came; the queue tells ten at a time, and of every other test's runs, too."""
        while messages := self._sqs.receive_message(QueueUrl=self._url, MaxNumberOfMessages=10, WaitTimeSeconds=1).get(
            "Messages"
        ):
            for message in messages:
                self._told.append(json.loads(json.loads(message["Body"])["Message"]))
                self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])
        return next((notice for notice in self._told if wanted(notice)), None)


@pytest.fixture(scope="session", autouse=True)
def poison(gyre: GyreClient) -> str:
    """A message nobody can read: a dead letter soon."""
    body = f"poison {uuid.uuid4()}"
    gyre.aws("sqs").send_message(QueueUrl=gyre.record.journal_queue_url, MessageBody=body)
    return body


def last(gyre: GyreClient, url: str, seconds: float = 120) -> dict[str, Any]:
    """The run as it ended."""
    *_, told = gyre.follow(url, seconds)
    return told


def journal_record(event_id: str, model: str, status: int = 200) -> dict[str, Any]:
    return {
        "event_id": event_id,
        "model": model,
        "at": datetime.now(UTC).isoformat(),
        "status": status,
        "duration_ms": 2.5,
        "caller": "test",
        "correlation_id": f"c-{event_id}",
        "rows": [{"id": "1", "features": {"alcohol": 13.2}}],
    }
