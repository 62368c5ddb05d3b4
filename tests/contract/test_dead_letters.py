"""Dead letters in the fake bucket and in S3: kept once, listed in order, found, sent again, gone."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest

from gyre.aws.direct import DirectQueue
from gyre.errors import Invalid, NotFound, Unavailable
from gyre.journal import dead_letters, replay
from gyre.journal.dead_letters import DEAD_LETTERS, DeadLetter, DeadLetters, id_of, key_of
from gyre.journal.outlet import parcel, unpack
from gyre.journal.record import read_record
from gyre.journal.replay import Replay
from gyre.objects import ObjectStore, StoredObject
from tests.contract.test_objects import BUCKETS, opened_bucket
from tests.contract.test_outlet import record
from tests.fakes.moto_direct import answered_by_moto
from tests.fakes.objects import MemoryBucket
from tests.fakes.queue import MemoryQueue

NIGHT = datetime(2026, 11, 21, 23, 59, 59, tzinfo=UTC)
TEXT = record(1).model_dump_json()


@pytest.fixture(params=BUCKETS)
def data(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[ObjectStore]:
    if request.param == "s3":  # moto stumbles over a deletion beside a listing
        monkeypatch.setattr(replay, "WORKERS", 1)
    with opened_bucket(request.param, monkeypatch) as opened:
        yield opened


@pytest.fixture
def letters(data: ObjectStore) -> DeadLetters:
    return DeadLetters(data)


def keep(letters: DeadLetters, number: int, body: str = "poison", cause: str = "no JSON", days: int = 0) -> DeadLetter:
    return letters.keep(f"m-{number:04}", body, cause, NIGHT + timedelta(days=days), 3)


def ids(letters: DeadLetters) -> list[str]:
    return [each.id for each in letters.page(1000).letters]


# --- kept -------------------------------------------------------------------------------------------------------------


def test_a_letter_has_all_that_is_needed_to_send_it_again(letters: DeadLetters) -> None:
    made = keep(letters, 1, TEXT, "shape 2 is newer")
    assert letters.find("2026-11-21.m-0001") == made
    assert (made.cause, made.tries, made.first_seen, made.body) == ("shape 2 is newer", 3, NIGHT, TEXT)
    assert (made.event_id, made.model, made.size, made.aside) == ("event-0001", "wine", len(TEXT.encode()), None)
    assert made.key == "dead-letters/2026-11-21/m-0001.json"


def test_of_the_same_message_the_first_letter_stays(letters: DeadLetters) -> None:
    first = keep(letters, 1, cause="one")
    keep(letters, 1, cause="other")
    assert letters.find(first.id).cause == "one"
    assert len(list(letters.data.versions(DEAD_LETTERS))) == 1


def test_one_message_that_many_give_up_at_once_is_one_letter(letters: DeadLetters) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda at: keep(letters, 1, cause=f"cause {at}"), range(16)))
    assert ids(letters) == [made[0].id]


def test_a_large_record_lies_in_its_letter(letters: DeadLetters) -> None:
    """Where it lay it expires; the letter must not be empty then."""
    large = record(1, "ü" * 5000)
    body = parcel(large, letters.data, 100)
    made = keep(letters, 1, body)
    assert (made.body, made.event_id, made.model) == (body, "event-0001", "wine")
    assert read_record(made.aside or "") == large
    assert made.size == len((made.aside or "").encode())


def test_what_a_message_of_another_shape_points_to_lies_in_its_letter_too(
    letters: DeadLetters, queue: MemoryQueue
) -> None:
    """Given a newer Gyre's message, then its record is there when that Gyre is, however much later."""
    letters.data.write("overflow/wine/2026-11-21/e.json", b'{"shape": 2}', content_type="application/json")
    body = '{"shape": 2, "event_id": "event-0007", "lies_at": "overflow/wine/2026-11-21/e.json", "new": 1}'
    made = keep(letters, 1, body)
    assert (made.aside, made.event_id, made.model) == ('{"shape": 2}', "event-0007", "wine")
    for each in list(letters.data.versions("overflow/")):
        letters.data.remove(each.key, each.version)
    assert Replay(letters, queue).these([made.id]).replayed == 1
    assert letters.data.read("overflow/wine/2026-11-21/e.json").content == b'{"shape": 2}'


@pytest.mark.parametrize("place", ["inbox/wine/a.csv", "journal/x", 7, None])
def test_a_message_leads_to_no_other_objects(letters: DeadLetters, place: Any) -> None:
    letters.data.write("inbox/wine/a.csv", b"secret", content_type="text/csv")
    assert keep(letters, 1, json.dumps({"lies_at": place})).aside is None


def test_characters_that_sqs_refuses_are_sent_by_their_numbers(letters: DeadLetters, queue: MemoryQueue) -> None:
    """A letter may have been written anew since, without a person that was in it."""
    made = keep(letters, 1, record(1, "\ufffe").model_dump_json())
    assert Replay(letters, queue).these([made.id]).replayed == 1
    assert read_record(queue.bodies[0]) == record(1, "\ufffe") and "\ufffe" not in queue.bodies[0]


def test_a_record_that_lies_nowhere_is_told_by_where_it_should(letters: DeadLetters) -> None:
    made = keep(letters, 1, parcel(record(1, "x" * 500), MemoryBucket(), 100))
    assert (made.aside, made.event_id, made.model) == (None, "event-0001", "wine")


@pytest.mark.parametrize(
    ("body", "event_id", "model"),
    [
        ("", None, None),
        ("[1, 2]", None, None),
        ('{"event_id": 7, "model": null}', None, None),
        ('{"event_id": "event-0007", "model": "Not A Model"}', "event-0007", None),
        ('{"shape": 2, "event_id": "event-0007", "model": "wine", "new": 1}', "event-0007", "wine"),
    ],
)
def test_what_can_be_read_of_a_message_is_told(
    letters: DeadLetters, body: str, event_id: str | None, model: str | None
) -> None:
    made = keep(letters, 1, body)
    assert (made.event_id, made.model, letters.find(made.id).body) == (event_id, model, body)


def test_odd_ids_of_messages_lead_nowhere_else(letters: DeadLetters) -> None:
    made = letters.keep("../../journal/x?", "poison", "none", NIGHT, 1)
    assert made.key == "dead-letters/2026-11-21/______journal_x_.json"
    assert ids(letters) == [made.id]


# --- listed and found -------------------------------------------------------------------------------------------------


def test_pages_hold_every_letter_once_the_oldest_messages_first(letters: DeadLetters) -> None:
    made = sorted(keep(letters, number, days=number % 3).id for number in range(23))
    found, cursor = list[str](), None
    for _ in range(5):
        page = letters.page(5, cursor)
        found += [each.id for each in page.letters]
        cursor = page.after
    assert (found, cursor) == (made, None)
    assert letters.page(23).after is None
    assert letters.page(22).after == made[21]


def test_a_page_shows_no_content(letters: DeadLetters) -> None:
    keep(letters, 1, TEXT)
    (told,) = letters.page(10).letters
    assert not {"body", "aside"} & set(told.model_dump())


def test_letters_are_chosen_by_model_and_cause(letters: DeadLetters) -> None:
    keep(letters, 1, TEXT, "Shape 2 is newer")
    keep(letters, 2, TEXT.replace("wine", "beer"), "Shape 2 is newer")
    keep(letters, 3, "poison", "no JSON")

    def chosen(**wanted: Any) -> list[str]:
        return [each.id[-1] for each in letters.page(10, **wanted).letters]

    assert chosen() == ["1", "2", "3"]
    assert chosen(model="wine") == ["1"]
    assert chosen(cause="shape 2") == ["1", "2"]
    assert chosen(model="beer", cause="SHAPE") == ["2"]
    assert chosen(cause="shape 2.") == []


def test_a_page_of_few_among_many_ends_early_and_goes_on(letters: DeadLetters, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dead_letters, "MOST_LOOKED", 5)
    for number in range(12):
        keep(letters, number, TEXT if number == 11 else "poison")
    pages, cursor = [], None
    while not pages or cursor:
        page = letters.page(10, cursor, model="wine")
        pages.append(len(page.letters))
        cursor = page.after
    assert pages == [0, 0, 1]


def test_what_is_no_letter_is_told_as_one_and_hides_none(letters: DeadLetters) -> None:
    keep(letters, 1)
    letters.data.write(key_of("2026-11-22.broken"), b"{}", content_type="application/json")
    letters.data.write(f"{DEAD_LETTERS}README.md", b"mine", content_type="text/plain")
    keep(letters, 3, days=2)
    told = letters.page(10).letters
    assert [each.id for each in told] == ["2026-11-21.m-0001", "2026-11-22.broken", "2026-11-23.m-0003"]
    assert "cannot be replayed" in told[1].cause and "dead-letters/2026-11-22/broken.json" in told[1].cause
    with pytest.raises(Unavailable, match=r"broken\.json"):
        letters.find("2026-11-22.broken")


def test_a_letter_that_is_not_there_is_not_found(letters: DeadLetters) -> None:
    with pytest.raises(NotFound, match="GET /journal/dead-letters"):
        letters.find("2026-11-21.nobody")


@pytest.mark.parametrize("key", ["dead-letters/", "dead-letters/x.json", "dead-letters/2026-11-21/a/b.json", "other"])
def test_no_other_key_is_a_letter(key: str) -> None:
    assert id_of(key) is None


def test_a_removed_letter_leaves_no_version_and_takes_no_other(letters: DeadLetters) -> None:
    keep(letters, 1)
    letters.data.write(key_of("2026-11-21.m-0001"), b"again", content_type="application/json")
    longer = letters.keep("m-0001x", "poison", "none", NIGHT, 1)
    beside = f"{key_of('2026-11-21.m-0001')}.bak"
    letters.data.write(beside, b"mine", content_type="text/plain")
    letters.remove("2026-11-21.m-0001")
    letters.remove("2026-11-21.m-0001")
    assert [each.key for each in letters.data.versions(DEAD_LETTERS)] == [beside, longer.key]


# --- sent again -------------------------------------------------------------------------------------------------------


@pytest.fixture
def queue() -> MemoryQueue:
    return MemoryQueue()


def test_named_letters_are_sent_and_gone(letters: DeadLetters, queue: MemoryQueue) -> None:
    made = [keep(letters, number, f"body {number}") for number in range(20)]
    told = Replay(letters, queue).these([made[3].id, made[5].id, made[3].id, "2026-11-21.nobody"])
    assert (told.replayed, told.left, told.cursor) == (2, 0, None)
    assert [each.id for each in told.failed] == ["2026-11-21.nobody"]
    assert sorted(queue.bodies) == ["body 3", "body 5"]
    assert len(ids(letters)) == 18
    assert len(list(letters.data.versions(DEAD_LETTERS))) == 18


def test_all_are_sent_over_several_calls(
    letters: DeadLetters, queue: MemoryQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replay, "MOST_LOOKED", 8)
    for number in range(20):
        keep(letters, number, f"body {number:02}", days=number % 2)
    again, told = Replay(letters, queue), []
    cursor = None
    while not told or cursor:
        told.append(again.all(cursor))
        cursor = told[-1].cursor
    assert [each.replayed for each in told] == [8, 8, 4]
    assert [each.left for each in told] == [8, 4, 0]
    assert sorted(queue.bodies) == [f"body {number:02}" for number in range(20)]
    assert ids(letters) == []


def test_only_those_that_are_wanted_are_sent(letters: DeadLetters, queue: MemoryQueue) -> None:
    keep(letters, 1, TEXT, "The journal is down.")
    keep(letters, 2, TEXT.replace("wine", "beer"), "The journal is down.")
    keep(letters, 3, TEXT.replace("0001", "0003"), "shape 2 is newer")
    told = Replay(letters, queue).all(model="wine", cause="is down")
    assert (told.replayed, told.left, told.failed, told.cursor) == (1, 0, (), None)
    assert queue.bodies == [TEXT]
    assert ids(letters) == ["2026-11-21.m-0002", "2026-11-21.m-0003"]


def test_what_becomes_a_letter_after_the_first_call_is_not_sent_for_ever(
    letters: DeadLetters, queue: MemoryQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given poison that comes back as a new letter as soon as it is sent, then a replay of all ends."""
    monkeypatch.setattr(replay, "MOST_LOOKED", 1)
    for number in range(9):
        keep(letters, number)
    began = datetime.now(UTC) + timedelta(seconds=2)
    again = Replay(letters, queue, lambda: began)
    first = again.all()
    assert (first.replayed, first.left) == (8, 1)
    newer = DeadLetters(_Later(letters.data))
    third = Replay(newer, queue).all(first.cursor)
    assert (third.replayed, third.cursor) == (0, None)
    assert Replay(letters, queue).all(first.cursor).replayed == 1


class _Later:
    """The same bucket, whose objects were written a day later."""

    def __init__(self, data: ObjectStore) -> None:
        self._data = data

    def __getattr__(self, name: str) -> Any:
        return getattr(self._data, name)

    def list(self, prefix: str) -> Iterator[Any]:
        from dataclasses import replace

        return (replace(each, changed_at=datetime.now(UTC) + timedelta(days=1)) for each in self._data.list(prefix))


def test_a_large_record_is_put_where_its_message_points_to(letters: DeadLetters, queue: MemoryQueue) -> None:
    """Given that it expired there."""
    large = record(1, "ü" * 5000)
    made = keep(letters, 1, parcel(large, letters.data, 100))
    for each in list(letters.data.versions("overflow/")):
        letters.data.remove(each.key, each.version)
    assert Replay(letters, queue).these([made.id]).replayed == 1
    assert unpack(queue.bodies[0], letters.data) == large


def test_a_queue_that_is_down_costs_no_letter(letters: DeadLetters, queue: MemoryQueue) -> None:
    made = [keep(letters, number) for number in range(3)]
    queue.down = True
    for told in (Replay(letters, queue).all(), Replay(letters, queue).these([each.id for each in made])):
        assert (told.replayed, told.left, told.cursor) == (0, 0, None)
        assert [each.id for each in told.failed] == [each.id for each in made]
        assert "does not answer" in told.failed[0].reason
    assert ids(letters) == [each.id for each in made]


def test_a_letter_that_was_sent_and_cannot_be_removed_says_so(letters: DeadLetters, queue: MemoryQueue) -> None:
    made = keep(letters, 1)

    class Stuck(_Later):
        def remove(self, key: str, version: str) -> None:
            raise Unavailable("S3 is away.")

    told = Replay(DeadLetters(Stuck(letters.data)), queue).these([made.id])
    assert (told.replayed, len(queue.bodies)) == (0, 1)
    assert "It was sent, and is here still; replay it again. S3 is away." in told.failed[0].reason
    assert Replay(letters, queue).these([made.id]).replayed == 1


def test_no_more_are_begun_when_the_time_is_over(
    letters: DeadLetters, queue: MemoryQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = [keep(letters, number) for number in range(20)]
    monkeypatch.setattr(replay, "MOST_SECONDS", 0.0)
    told = Replay(letters, queue).these([each.id for each in made])
    assert (told.replayed, len(told.failed)) == (0, 20)
    told = Replay(letters, queue).all()
    assert (told.replayed, told.left) == (8, 12)
    assert told.cursor and told.cursor.endswith(f"_{made[7].id}")


def test_what_cannot_be_read_is_passed_over_and_told(letters: DeadLetters, queue: MemoryQueue) -> None:
    keep(letters, 1)
    letters.data.write(key_of("2026-11-22.broken"), b"{}", content_type="application/json")
    keep(letters, 3, days=2)
    told = Replay(letters, queue, lambda: datetime.now(UTC) + timedelta(seconds=2)).all()
    assert (told.replayed, [each.id for each in told.failed]) == (2, ["2026-11-22.broken"])


@pytest.mark.parametrize("cursor", ["x", "2026-11-21.m-1", "20261121T000000.000000Z_x", "_2026-11-21.m-1"])
def test_a_cursor_that_is_none_is_refused(letters: DeadLetters, queue: MemoryQueue, cursor: str) -> None:
    with pytest.raises(Invalid, match="cursor"):
        Replay(letters, queue).all(cursor)


def test_a_large_block_is_read_in_parts() -> None:
    """So much as memory does for, however many letters there are."""
    data, most = MemoryBucket(), 0
    letters = DeadLetters(data)
    for number in range(6):
        keep(letters, number, "x" * 20_000_000)
    for block in dead_letters.blocks(letters.infos()):
        most = max(most, sum(each.size for each in block))
        assert all(isinstance(data.read(each.key), StoredObject) for each in block)
    assert most < 48_000_000


def test_letters_reach_the_queue_of_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    with opened_bucket("s3", monkeypatch) as data, answered_by_moto():
        sqs = boto3.client("sqs")
        url = sqs.create_queue(QueueName="journal")["QueueUrl"]
        letters = DeadLetters(data)
        made = [keep(letters, number, f'{{"n": {number}}}') for number in range(9)]
        told = Replay(letters, DirectQueue(url)).these([each.id for each in made])
        assert (told.replayed, told.failed) == (9, ())
        found = []
        while answer := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            found += [each["Body"] for each in answer]
        assert sorted(found) == [each.body for each in made]
        assert ids(letters) == []
