"""The sink's function over moto: what is taken, put off, put aside; and how the journal's function tells its queue."""

import json
from types import ModuleType
from typing import Any

import pytest

from gyre.errors import Unavailable
from tests.fakes.journal import MemoryJournal
from tests.fakes.sink import TOO_LARGE, MemorySink
from tests.unit.functions.conftest import DEAD_LETTERS, Aws, Load
from tests.unit.journal.test_record import body


@pytest.fixture
def sink() -> MemorySink:
    return MemorySink()


@pytest.fixture
def app(load: Load, aws: Aws, sink: MemorySink, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.setenv("GYRE_SINK_SECRET", "gyre/postgres")
    monkeypatch.setenv("GYRE_SINK_QUEUE", aws.queue("sink"))
    monkeypatch.setenv("GYRE_SINK_DEAD_LETTERS", aws.queue("sink-dead-letters"))
    app = load("prediction_log", "sink")
    monkeypatch.setattr(app, "PostgresSink", lambda _: sink)
    return app


def handed_out(aws: Aws, *bodies: str) -> dict[str, Any]:
    """As Lambda gets them from the sink's queue."""
    url = aws.queue("sink")
    for each in bodies:
        aws.sqs.send_message(QueueUrl=url, MessageBody=each)
    told = aws.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, AttributeNames=["All"])["Messages"]
    return {"Records": [{"messageId": each["MessageId"], "receiptHandle": each["ReceiptHandle"], "body": each["Body"],
                         "attributes": each["Attributes"]} for each in told]}  # fmt: skip


def told(number: int, version: int = 1) -> str:
    return body(event_id=f"event-{number:04}", rows=[{"id": "1", "version": version, "features": {}}])


def test_a_batch_is_written_and_forgotten(app: ModuleType, aws: Aws, sink: MemorySink) -> None:
    assert app.handler(handed_out(aws, told(1), told(2)), None) == {"batchItemFailures": []}
    assert sorted(sink.records) == ["event-0001", "event-0002"]


def test_what_is_never_taken_is_put_aside_with_its_reason(app: ModuleType, aws: Aws, sink: MemorySink) -> None:
    assert app.handler(handed_out(aws, told(1), told(2, TOO_LARGE), "junk"), None) == {"batchItemFailures": []}
    assert list(sink.records) == ["event-0001"]
    assert sorted(aws.waiting("sink-dead-letters")) == sorted(["junk", told(2, TOO_LARGE)])


def test_an_outage_fails_the_call_and_puts_its_messages_off(
    app: ModuleType, aws: Aws, sink: MemorySink, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_off: dict[str, int] = {}
    monkeypatch.setattr("gyre.aws.onward.SqsOnward.put_off", lambda _, receipts: put_off.update(receipts))
    event = handed_out(aws, told(1), told(2))
    event["Records"][1]["attributes"]["ApproximateReceiveCount"] = "4"
    sink.down = True
    with pytest.raises(Unavailable, match="None of 2 records was taken"):
        app.handler(event, None)
    assert [put_off[each["receiptHandle"]] for each in event["Records"]] == [30, 240]
    assert aws.waiting("sink-dead-letters") == []


def test_what_is_put_off_rests(app: ModuleType, aws: Aws, sink: MemorySink) -> None:
    """Given a queue that would hand messages out again at once."""
    aws.sqs.set_queue_attributes(QueueUrl=aws.queue("sink"), Attributes={"VisibilityTimeout": "0"})
    sink.down = True
    with pytest.raises(Unavailable):
        app.handler(handed_out(aws, told(1)), None)
    assert aws.waiting("sink") == []


def test_where_some_were_taken_only_the_others_come_again(
    app: ModuleType, aws: Aws, sink: MemorySink, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a record that lies in a bucket which does not answer."""
    pointer = json.dumps({"shape": 1, "event_id": "event-0002", "lies_at": "overflow/wine/x.json"})
    event = handed_out(aws, told(1), pointer)

    def away(*_: Any) -> Any:
        raise Unavailable("away")

    monkeypatch.setattr("gyre.aws.s3.S3Bucket.read", away)
    (again,) = (each["messageId"] for each in event["Records"] if each["body"] == pointer)
    assert app.handler(event, None) == {"batchItemFailures": [{"itemIdentifier": again}]}
    assert list(sink.records) == ["event-0001"]


def test_what_cannot_be_put_aside_comes_again(
    app: ModuleType, aws: Aws, sink: MemorySink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GYRE_SINK_DEAD_LETTERS", "https://queues.example/nowhere")
    event = handed_out(aws, told(1), "junk")
    (again,) = (each["messageId"] for each in event["Records"] if each["body"] == "junk")
    assert app.handler(event, None) == {"batchItemFailures": [{"itemIdentifier": again}]}


def test_messages_that_cannot_be_put_off_come_again_all_the_same(
    app: ModuleType, aws: Aws, sink: MemorySink, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = handed_out(aws, told(1), "junk")
    monkeypatch.setenv("GYRE_SINK_QUEUE", "https://queues.example/nowhere")
    monkeypatch.setenv("GYRE_SINK_DEAD_LETTERS", "https://queues.example/nowhere")
    assert len(app.handler(event, None)["batchItemFailures"]) == 1
    assert list(sink.records) == ["event-0001"]


# --- the journal's function -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("on", [True, False])
def test_the_journal_tells_the_sinks_queue_if_there_is_one(
    load: Load, aws: Aws, journal: MemoryJournal, monkeypatch: pytest.MonkeyPatch, on: bool
) -> None:
    """Also of what it had before; not of what it cannot read."""
    monkeypatch.setenv("GYRE_SINK_QUEUE", aws.queue("sink") if on else "")
    app = load("prediction_log")
    monkeypatch.setattr(app, "DeltaJournal", lambda _: journal)
    texts = {"m-1": body(event_id="event-0001"), "m-2": "poison", "m-3": body(event_id="event-0003")}
    event = {"Records": [{"messageId": name, "body": text} for name, text in texts.items()]}
    for _ in range(2):
        assert app.handler(event, None) == {"batchItemFailures": []}
        assert sorted(aws.waiting("sink")) == (sorted([texts["m-1"], texts["m-3"]]) if on else [])
    assert len(journal.records) == 2


def test_a_sinks_queue_that_is_down_makes_no_letter_of_what_the_journal_has(
    load: Load, aws: Aws, journal: MemoryJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a queue that gave up a message because the sink was never told, when it comes among the dead letters, then
    it waits there until the sink is told."""
    monkeypatch.setenv("GYRE_SINK_QUEUE", "https://queues.example/nowhere")
    app = load("prediction_log")
    monkeypatch.setattr(app, "DeltaJournal", lambda _: journal)
    message = {"messageId": "m-1", "body": body(event_id="event-0001"), "attributes": {"ApproximateReceiveCount": "3"}}
    goes_back = {"batchItemFailures": [{"itemIdentifier": "m-1"}]}
    assert app.handler({"Records": [message]}, None) == goes_back
    given_up = {"Records": [{**message, "eventSourceARN": DEAD_LETTERS}]}
    assert app.handler(given_up, None) == goes_back
    monkeypatch.setenv("GYRE_SINK_QUEUE", aws.queue("sink"))
    app.parts.cache_clear()
    assert app.handler(given_up, None) == {"batchItemFailures": []}
    assert (len(journal.records), aws.waiting("sink")) == (1, [message["body"]])
    assert "Contents" not in aws.s3.list_objects_v2(Bucket="data", Prefix="dead-letters/")


def test_what_the_sinks_queue_is_not_told_goes_back_and_is_in_the_journal_once(
    load: Load, aws: Aws, journal: MemoryJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GYRE_SINK_QUEUE", "https://queues.example/nowhere")
    app = load("prediction_log")
    monkeypatch.setattr(app, "DeltaJournal", lambda _: journal)
    event = {"Records": [{"messageId": "m-1", "body": body(event_id="event-0001")}]}
    assert app.handler(event, None) == {"batchItemFailures": [{"itemIdentifier": "m-1"}]}
    monkeypatch.setenv("GYRE_SINK_QUEUE", aws.queue("sink"))
    app.parts.cache_clear()
    assert app.handler(event, None) == {"batchItemFailures": []}
    assert (len(journal.records), aws.waiting("sink")) == (1, [body(event_id="event-0001")])
