import json
from typing import Any

import pytest

from gyre.errors import Unavailable
from gyre.journal.intake import MOST_BYTES, Message, portions, take_batch
from gyre.journal.outlet import parcel, weight
from gyre.journal.record import read_record
from tests.fakes.journal import MemoryJournal
from tests.fakes.objects import MemoryBucket
from tests.unit.journal.test_record import body


class CountingJournal(MemoryJournal):
    """Tells how often it was written to."""

    appends = 0

    def append(self, records: Any) -> None:
        self.appends += 1
        super().append(records)


@pytest.fixture
def journal() -> CountingJournal:
    return CountingJournal()


def message(number: int, text: str | None = None) -> Message:
    return Message(f"m-{number}", body(event_id=f"event-{number:04}") if text is None else text)


def test_a_batch_becomes_one_append(journal: CountingJournal) -> None:
    taken = take_batch([message(1), message(2), message(3)], journal, MemoryBucket())
    assert (taken.appended, taken.refused, journal.appends) == (3, (), 1)
    assert [each.event_id for each in journal.records] == ["event-0001", "event-0002", "event-0003"]


@pytest.mark.parametrize(
    "poison",
    ["", "not a record", "{}", body(shape=2), body(at="9999-12-31T23:59:59-12:00"), body(model="wine\n")],
)
def test_poison_never_holds_up_the_others(journal: CountingJournal, poison: str) -> None:
    taken = take_batch([message(1), message(2, poison), message(3)], journal, MemoryBucket())
    assert taken.appended == 2
    assert [refused.id for refused in taken.refused] == ["m-2"]
    assert taken.refused[0].reason
    assert [each.event_id for each in journal.records] == ["event-0001", "event-0003"]


def test_a_record_told_twice_in_a_batch_is_kept_once(journal: CountingJournal) -> None:
    taken = take_batch([message(1), Message("m-2", message(1).body), message(3)], journal, MemoryBucket())
    assert (taken.appended, taken.refused) == (2, ())
    assert [each.event_id for each in journal.records] == ["event-0001", "event-0003"]


def test_the_first_telling_of_a_record_counts(journal: CountingJournal) -> None:
    changed = json.dumps({**json.loads(message(1).body), "status": 503})
    take_batch([message(1), Message("m-2", changed)], journal, MemoryBucket())
    assert [each.status for each in journal.records] == [200]


def test_a_journal_that_is_down_gives_everything_back(journal: CountingJournal) -> None:
    journal.down = True
    taken = take_batch([message(1), message(2, "poison"), message(3)], journal, MemoryBucket())
    assert taken.appended == 0
    assert [refused.id for refused in taken.refused] == ["m-1", "m-2", "m-3"]
    assert journal.records == []


def test_poison_alone_writes_nothing(journal: CountingJournal) -> None:
    taken = take_batch([message(1, "poison")], journal, MemoryBucket())
    assert (taken.appended, len(taken.refused), journal.appends) == (0, 1, 0)


def test_an_empty_batch_writes_nothing(journal: CountingJournal) -> None:
    assert take_batch([], journal, MemoryBucket()).appended == journal.appends == 0


def test_what_nobody_expected_is_not_swallowed(journal: CountingJournal) -> None:
    class Broken(MemoryJournal):
        def append(self, records: Any) -> None:
            raise KeyError("a fault of ours")

    with pytest.raises(KeyError):
        take_batch([message(1)], Broken(), MemoryBucket())


def test_the_fake_is_down_when_it_says_so(journal: CountingJournal) -> None:
    journal.down = True
    with pytest.raises(Unavailable):
        journal.append([])


def test_a_batch_is_read_in_portions_that_fit_into_memory() -> None:
    """Given a hundred messages of a few bytes, when their records lie elsewhere and are large, then they are not all
    read at once; each is in one portion, in its order."""
    place = {"shape": 1, "event_id": "event-0001", "lies_at": "overflow/wine/x.json"}
    large = json.dumps({**place, "size": MOST_BYTES // 3})
    messages = [message(1), *(message(each, large) for each in range(2, 100)), message(100)]
    found = list(portions(messages))
    assert [each for portion in found for each in portion] == messages
    assert max(map(len, found)) <= 4 and len(found) >= 33


def test_small_messages_are_one_portion() -> None:
    messages = [message(each) for each in range(100)] + [message(100, "poison")]
    assert list(portions(messages)) == [messages]
    assert list(portions([])) == []


def test_a_record_larger_than_a_portion_is_one_of_its_own() -> None:
    unknown = json.dumps({"shape": 1, "event_id": "event-0001", "lies_at": "overflow/wine/x.json"})
    whole = message(2, "x" * (MOST_BYTES + 1))
    assert [len(each) for each in portions([message(1), whole, message(3, unknown), message(4)])] == [1, 1, 2]


def test_a_message_tells_how_large_what_it_leads_to_is() -> None:
    record = read_record(message(1).body)
    aside, inline = parcel(record, MemoryBucket(), 10), parcel(record, MemoryBucket(), 10_000)
    assert weight(aside) == weight(inline) == len(inline.encode()) > len(aside)
