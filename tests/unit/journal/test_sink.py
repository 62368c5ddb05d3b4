"""What becomes of a batch on its way into the sink, and when it comes again."""

import json
from collections.abc import Sequence

import pytest

from gyre.errors import TooManyRequests, Unavailable
from gyre.journal.intake import Message, Refused, Taken
from gyre.journal.outlet import parcel
from gyre.journal.record import JournalRecord, read_record
from gyre.journal.sink import FIRST_REST, LONGEST_REST, Poured, hand_on, pour, rest
from gyre.objects import StoredObject
from tests.fakes.objects import MemoryBucket
from tests.fakes.sink import TOO_LARGE, MemorySink
from tests.unit.journal.test_record import body

FOURTEEN_DAYS = 14 * 86_400
MOST_RECEIVES = 1_000


def record(number: int, version: int = 1) -> JournalRecord:
    return read_record(body(event_id=f"event-{number:04}", rows=[{"id": "1", "version": version, "features": {}}]))


def message(number: int, version: int = 1) -> Message:
    return Message(f"m-{number}", record(number, version).model_dump_json())


def test_a_large_record_is_read_where_it_lies() -> None:
    sink, data = MemorySink(), MemoryBucket()
    assert pour([Message("m-1", parcel(record(1), data, 10))], sink, data) == Poured(1, (), ())
    assert list(sink.records.values()) == [record(1)]


def test_a_sink_that_is_down_postpones_what_can_be_read_and_nothing_else() -> None:
    sink = MemorySink()
    sink.down = True
    poured = pour([message(1), Message("junk", "poison"), message(2)], sink, MemoryBucket())
    assert ([each.id for each in poured.postponed], [each.id for each in poured.spoilt]) == (["m-1", "m-2"], ["junk"])
    assert poured.written == 0 and "does not answer" in poured.postponed[0].reason


@pytest.mark.parametrize("error", [Unavailable("away"), TooManyRequests("slow down")])
def test_what_cannot_be_read_now_is_postponed(error: Exception) -> None:
    class Away(MemoryBucket):
        def read(self, key: str, version: str | None = None) -> StoredObject:
            raise error

    poured = pour([message(1), Message("m-2", parcel(record(2), MemoryBucket(), 10))], MemorySink(), Away())
    assert (poured.written, [each.id for each in poured.postponed], poured.spoilt) == (1, ["m-2"], ())


def test_a_sink_that_goes_down_while_it_looks_for_the_bad_one_spoils_no_good_one() -> None:
    """Given a batch with a bad record, when the sink ends after the first try, then all are postponed."""

    class Ends(MemorySink):
        def write(self, records: object) -> None:
            try:
                super().write(records)  # type: ignore[arg-type]
            finally:
                self.down = True

    poured = pour([message(1), message(2, TOO_LARGE), message(3)], Ends(), MemoryBucket())
    assert (poured.written, poured.spoilt, len(poured.postponed)) == (0, (), 3)


def test_only_bad_ones_leave_nothing_to_write() -> None:
    sink = MemorySink()
    poured = pour([message(number, TOO_LARGE) for number in range(5)], sink, MemoryBucket())
    assert (poured.written, len(poured.spoilt), sink.records) == (0, 5, {})
    assert pour([], sink, MemoryBucket()) == Poured(0, (), ())


def test_a_message_comes_again_soon_and_less_often_the_longer_it_waits() -> None:
    """And in 14 days not as often as after which SQS gives it up."""
    rests = [rest(tries) for tries in range(1, MOST_RECEIVES + 1)]
    assert rests[0] == FIRST_REST and rests == sorted(rests) and max(rests) == LONGEST_REST
    assert sum(rests) > FOURTEEN_DAYS
    assert rest(10**9) == LONGEST_REST


class Queue:
    """Takes what it is told to take."""

    def __init__(self, *not_taken: str, down: bool = False) -> None:
        self.not_taken, self.down, self.asked = not_taken, down, 0

    def send(self, messages: Sequence[Message]) -> list[Refused]:
        self.asked += 1
        return [Refused(each.id, "down") for each in messages if self.down or each.id in self.not_taken]


def test_a_queue_that_is_down_is_not_asked_for_each_of_a_thousand() -> None:
    messages, taken = [message(number) for number in range(1_000)], Taken((), 0, (), ())
    queue = Queue(down=True)
    assert hand_on(messages, taken, queue) == [Refused(each.id, "down") for each in messages]
    assert queue.asked == 1
    assert hand_on([], taken, queue) == []


def test_a_queue_that_takes_some_is_asked_for_all() -> None:
    messages, queue = [message(number) for number in range(25)], Queue("m-3", "m-24")
    assert [each.id for each in hand_on(messages, Taken((), 0, (), ()), queue)] == ["m-3", "m-24"]
    assert queue.asked == 3


def test_the_same_message_twice_is_one_record() -> None:
    sink = MemorySink()
    assert pour([message(1), Message("m-9", message(1).body)], sink, MemoryBucket()).written == 2
    assert [json.loads(each.model_dump_json())["event_id"] for each in sink.records.values()] == ["event-0001"]
