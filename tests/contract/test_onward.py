"""The fake of a queue that messages are handed on to, and SQS, keep one contract."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import boto3
import pytest
from moto import mock_aws

from gyre.aws import clients
from gyre.aws.onward import SqsOnward
from gyre.aws.secrets import read_secret
from gyre.errors import Unavailable
from gyre.journal.dead_letters import DeadLetter
from gyre.journal.intake import Message, Refused, Taken
from gyre.journal.sink import Onward, hand_on
from tests.fakes.sink import MemoryOnward

Arrived = Callable[[], list[str]]
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
POINTER = json.dumps({"shape": 1, "event_id": "event-0001", "lies_at": "overflow/wine/x.json", "size": 9_000_000})


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    clients.client.cache_clear()
    with mock_aws():
        yield
    clients.client.cache_clear()


@pytest.fixture
def url(aws: None) -> str:
    return str(boto3.client("sqs").create_queue(QueueName="sink")["QueueUrl"])


def received(url: str) -> list[dict[str, object]]:
    found = list[dict[str, object]]()
    asked = {"QueueUrl": url, "MaxNumberOfMessages": 10, "MessageAttributeNames": ["All"]}
    while more := boto3.client("sqs").receive_message(**asked).get("Messages"):
        found += more
    return found


@pytest.fixture(params=["fake", "sqs"])
def onward(request: pytest.FixtureRequest) -> tuple[Onward, Arrived]:
    if request.param == "fake":
        fake = MemoryOnward()
        return fake, lambda: [each.body for each in fake.messages]
    url = request.getfixturevalue("url")
    return SqsOnward(url), lambda: [str(each["Body"]) for each in received(url)]


def taken(*refused: str, letters: tuple[str, ...] = ()) -> Taken:
    letter = {"cause": "c", "first_seen": NOON, "kept_at": NOON, "tries": 3, "body": "b"}
    return Taken(
        (), 0, tuple(Refused(each, "down") for each in refused),
        tuple(DeadLetter(id=f"2026-11-21.{each}", **letter) for each in letters),
    )  # fmt: skip


def test_all_that_the_journal_has_is_handed_on_as_it_came(onward: tuple[Onward, Arrived]) -> None:
    """Many, large ones that fill a request alone, ones that only say where a record lies."""
    queue, arrived = onward
    bodies = [*(f"small {number}" for number in range(23)), "ü" * 125_000, "x" * 250_000, POINTER, "y" * 10]
    messages = [Message(f"m-{at}", body) for at, body in enumerate(bodies)]
    assert hand_on(messages, taken(), queue) == []
    assert sorted(arrived()) == sorted(bodies)


def test_what_the_journal_has_not_is_not_handed_on(onward: tuple[Onward, Arrived]) -> None:
    queue, arrived = onward
    messages = [Message(f"m-{at}", f"body {at}") for at in range(5)]
    assert hand_on(messages, taken("m-1", letters=("m-3",)), queue) == []
    assert sorted(arrived()) == ["body 0", "body 2", "body 4"]


def test_without_a_queue_nothing_is_handed_on() -> None:
    assert hand_on([Message("m-1", "x")], taken(), None) == []


def test_what_a_queue_that_is_gone_does_not_take_goes_back(url: str) -> None:
    boto3.client("sqs").delete_queue(QueueUrl=url)
    messages = [Message(f"m-{at}", "x") for at in range(12)]
    refused = hand_on(messages, taken("m-3"), SqsOnward(url))
    assert [each.id for each in refused] == [f"m-{at}" for at in range(12) if at != 3]
    assert "sink" in refused[0].reason


def test_what_a_queue_refuses_of_several_goes_back_alone(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a message that is too large, as no other is sent with it, and one that SQS fails to keep."""
    sqs = clients.client("sqs")
    send = sqs.send_message_batch

    def failing(**asked: object) -> object:
        answer = send(**asked)
        failed = [{"Id": each["Id"], "Code": "InternalError", "SenderFault": False}
                  for each in answer["Successful"] if each["Id"] == "1"]  # fmt: skip
        return answer | {"Failed": failed}

    messages = [Message("large", "x" * 1_100_000), *(Message(f"m-{at}", f"body {at}") for at in range(3))]
    monkeypatch.setattr(sqs, "send_message_batch", failing)
    refused = SqsOnward(url).send(messages)
    assert [each.id for each in refused] == ["large", "m-1"]
    assert refused[1].reason.endswith("did not take it: InternalError.")


@pytest.mark.parametrize("reason", ["plain", "\0\n ü \U0001f600", "x" * 5_000])
def test_a_message_that_is_put_aside_says_why(url: str, reason: str) -> None:
    assert SqsOnward(url).send_with_reasons([Message("m-1", "body 1"), Message("m-2", "body 2")], {"m-1": reason}) == []
    first, second = sorted(received(url), key=lambda each: str(each["Body"]))
    assert "MessageAttributes" not in second
    told = first["MessageAttributes"]
    assert isinstance(told, dict)
    text = told["reason"]["StringValue"]
    assert text == ascii(reason)[1:-1][:1_000] and text.isascii() and text.isprintable()


def test_a_message_is_handed_out_when_it_was_put_off_to(url: str) -> None:
    queue, sqs = SqsOnward(url), boto3.client("sqs")
    queue.send([Message(f"m-{at}", f"body {at}") for at in range(12)])
    told = received(url)
    assert (len(told), received(url)) == (12, [])
    queue.put_off({str(each["ReceiptHandle"]): 0 if each["Body"] == "body 7" else 300 for each in told})
    assert [each["Body"] for each in received(url)] == ["body 7"]
    sqs.delete_queue(QueueUrl=url)
    with pytest.raises(Unavailable):
        queue.put_off({"receipt": 30})


def test_a_secret_is_read_as_it_is_now(aws: None) -> None:
    secrets = boto3.client("secretsmanager")
    secrets.create_secret(Name="gyre/postgres", SecretString="first")
    assert read_secret("gyre/postgres") == "first"
    secrets.put_secret_value(SecretId="gyre/postgres", SecretString="second")
    assert read_secret("gyre/postgres") == "second"


def test_a_secret_that_is_not_there_is_told_by_its_name(aws: None) -> None:
    boto3.client("secretsmanager").create_secret(Name="binary", SecretBinary=b"x")
    for name in ("nowhere", "binary"):
        with pytest.raises(Unavailable, match=f"The secret {name}"):
            read_secret(name)
