"""functions/prediction_log over S3 and SQS: what the queue hands over that is no record, and its way back."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import ModuleType, SimpleNamespace
from typing import Any

import boto3
import pytest

from gyre.aws.onward import SqsOnward
from gyre.journal.intake import MOST_BYTES
from tests.fakes.journal import MemoryJournal
from tests.unit.functions.conftest import DEAD_LETTERS, Aws, Load
from tests.unit.journal.test_record import body
from tests.unit.parts import proxy_event

SENT = datetime(2026, 11, 21, 9, tzinfo=UTC)


@pytest.fixture
def app(load: Load, aws: Aws, journal: MemoryJournal, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    found = load("prediction_log")
    monkeypatch.setattr(found, "DeltaJournal", lambda uri: journal)
    return found


def told(number: int, text: str | None = None, *, tries: int = 1, queue: str = "arn:journal") -> dict[str, Any]:
    """A message as Lambda hands it over."""
    return {
        "messageId": f"m-{number}", "body": body(event_id=f"event-{number:04}") if text is None else text,
        "attributes": {
            "ApproximateReceiveCount": str(tries), "SentTimestamp": str(int(SENT.timestamp() * 1000)),
        },
        "eventSourceARN": queue,
    }  # fmt: skip


class Context:
    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def get_remaining_time_in_millis(self) -> int:
        return int(self._seconds * 1000)


def ask(app: ModuleType, aws: Aws, method: str, path: str, sent: Any = None, **query: str) -> Any:
    event = proxy_event(method, path, None if sent is None else json.dumps(sent), **{
        "x-api-key": aws.secret, "content-type": "application/json",
    })  # fmt: skip
    event["queryStringParameters"] = query
    event["multiValueQueryStringParameters"] = {name: [value] for name, value in query.items()}
    answer = app.handler(event, None)
    assert answer["statusCode"] == 200, answer["body"]
    return json.loads(answer["body"])


def alarmed() -> float:
    points = boto3.client("cloudwatch").get_metric_statistics(
        Namespace="Gyre", MetricName="DeadLetters", Period=86_400, Statistics=["Sum"],
        StartTime=datetime.now(UTC) - timedelta(hours=2), EndTime=datetime.now(UTC) + timedelta(hours=2),
    )["Datapoints"]  # fmt: skip
    return float(sum(each["Sum"] for each in points))


def test_a_letter_goes_the_whole_way(app: ModuleType, aws: Aws, journal: MemoryJournal) -> None:
    """Given a message of a newer Gyre, when it is listed, shown and replayed, then it is in the queue, and no more
    among the letters."""
    newer = body(event_id="event-0002", shape=2)
    assert app.handler({"Records": [told(1), told(2, newer), told(3)]}, None) == {"batchItemFailures": []}
    assert (len(journal.records), alarmed()) == (2, 1)
    listed = ask(app, aws, "GET", "/journal/dead-letters", model="wine", cause="SHAPE 2")
    (letter,) = listed["dead_letters"]
    assert (letter["id"], letter["event_id"], letter["tries"]) == ("2026-11-21.m-2", "event-0002", 1)
    assert ask(app, aws, "GET", f"/journal/dead-letters/{letter['id']}")["body"] == newer
    assert ask(app, aws, "POST", "/journal/replay", {"all": True}) == {
        "replayed": 1, "left": 0, "failed": [], "cursor": None,
    }  # fmt: skip
    assert aws.waiting("journal") == [newer]
    assert ask(app, aws, "GET", "/journal/dead-letters") == {"dead_letters": [], "cursor": None}
    assert "Versions" not in aws.s3.list_object_versions(Bucket="data", Prefix="dead-letters/")


def test_what_the_queue_gave_up_becomes_a_letter_and_is_not_tried(
    app: ModuleType, aws: Aws, journal: MemoryJournal
) -> None:
    event = {"Records": [told(1, tries=4, queue=DEAD_LETTERS), told(2, "poison", tries=4, queue=DEAD_LETTERS)]}
    assert app.handler(event, Context(29)) == {"batchItemFailures": []}
    found = ask(app, aws, "GET", "/journal/dead-letters")["dead_letters"]
    assert [each["event_id"] for each in found] == ["event-0001", None]
    assert {each["cause"][:56] for each in found} == {"The function ended 3 times while it held this message: i"}
    assert (journal.records, alarmed()) == ([], 2)


def test_the_last_try_counts_and_the_others_go_back(app: ModuleType, aws: Aws, journal: MemoryJournal) -> None:
    journal.down = True
    event = {"Records": [told(1, tries=2), told(2, tries=3)]}
    assert app.handler(event, Context(29)) == {"batchItemFailures": [{"itemIdentifier": "m-1"}]}
    (letter,) = ask(app, aws, "GET", "/journal/dead-letters")["dead_letters"]
    assert "The journal is down." in letter["cause"]


def test_a_letter_that_cannot_be_kept_goes_back(app: ModuleType, aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GYRE_DATA_BUCKET", "nowhere")
    assert app.handler({"Records": [told(1, "poison"), told(2)]}, None) == {
        "batchItemFailures": [{"itemIdentifier": "m-1"}]
    }
    assert alarmed() == 0


# --- more than there is time for --------------------------------------------------------------------------------------


def large(number: int, aws: Aws) -> dict[str, Any]:
    """A message whose record lies aside and needs half of what is read at once."""
    key = f"overflow/wine/{number}.json"
    aws.put(key, body(event_id=f"event-{number:04}").encode())
    place = {"shape": 1, "event_id": f"event-{number:04}", "lies_at": key, "size": MOST_BYTES // 2}
    return told(number, json.dumps(place), tries=3)


@pytest.fixture
def slow(journal: MemoryJournal, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each append, and each look at the journal, takes ten seconds."""
    clock, append, find = [0.0], journal.append, journal.find

    def later(do: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def done(asked: Any) -> Any:
            clock[0] += 10
            return do(asked)

        return done

    monkeypatch.setattr(journal, "append", later(append))
    monkeypatch.setattr(journal, "find", later(find))
    monkeypatch.setattr("gyre.journal.from_queue.time", SimpleNamespace(monotonic=lambda: clock[0]))


@pytest.mark.usefixtures("slow")
def test_what_there_is_no_time_for_is_put_back_as_never_handed_out(
    app: ModuleType, aws: Aws, journal: MemoryJournal
) -> None:
    """Given large records at their last try, when the time is over after some of them, then the others are in the queue
    anew, and neither a try nor a letter."""
    batch = [large(number, aws) for number in range(10)]
    assert app.handler({"Records": batch}, Context(29)) == {"batchItemFailures": []}
    assert len(journal.records) == 6
    waiting = aws.waiting("journal")
    assert sorted(waiting) == sorted(each["body"] for each in batch[6:])
    again = {"Records": [told(number, text) for number, text in enumerate(waiting)]}
    assert app.handler(again, Context(29)) == {"batchItemFailures": []}
    assert len(journal.records) == 10
    assert ask(app, aws, "GET", "/journal/dead-letters")["dead_letters"] == []


@pytest.mark.usefixtures("slow")
def test_where_it_cannot_be_put_back_it_goes_back(app: ModuleType, aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GYRE_JOURNAL_QUEUE", "https://queues.example/nowhere")
    batch = [large(number, aws) for number in range(30)]
    asked: list[int] = []
    send = SqsOnward.send
    monkeypatch.setattr(SqsOnward, "send", lambda self, few: asked.append(len(few)) or send(self, few))
    failed = app.handler({"Records": batch}, Context(29))["batchItemFailures"]
    assert failed == [{"itemIdentifier": f"m-{number}"} for number in range(6, 30)]
    assert asked == [10]  # to ask for all of them would last longer than the function


@pytest.mark.usefixtures("slow")
def test_however_short_the_time_a_portion_is_taken(app: ModuleType, aws: Aws, journal: MemoryJournal) -> None:
    """Otherwise messages could go round for ever."""
    event = {"Records": [large(number, aws) for number in range(4)]}
    assert app.handler(event, Context(1)) == {"batchItemFailures": []}
    assert (len(journal.records), len(aws.waiting("journal"))) == (2, 2)


@pytest.mark.usefixtures("slow")
def test_what_the_queue_gave_up_stays_there_when_the_time_is_over(app: ModuleType, aws: Aws) -> None:
    batch = [{**large(number, aws), "eventSourceARN": DEAD_LETTERS} for number in range(6)]
    failed = app.handler({"Records": batch}, Context(29))["batchItemFailures"]
    assert failed == [{"itemIdentifier": "m-4"}, {"itemIdentifier": "m-5"}]
    assert aws.waiting("journal") == []


@pytest.mark.parametrize(("seconds", "taken"), [(29, 3), (6, 0)])
def test_parts_of_a_batch_are_tried_while_there_is_time(
    app: ModuleType, journal: MemoryJournal, monkeypatch: pytest.MonkeyPatch, seconds: int, taken: int
) -> None:
    append = journal.append

    def picky(records: Any) -> frozenset[str]:
        if any(each.event_id == "event-0002" for each in records):
            raise OverflowError("too large for int64")
        return append(records)

    monkeypatch.setattr(journal, "append", picky)
    failed = app.handler({"Records": [told(number) for number in range(4)]}, Context(seconds))["batchItemFailures"]
    assert (len(journal.records), len(failed)) == (taken, 4 - taken)
