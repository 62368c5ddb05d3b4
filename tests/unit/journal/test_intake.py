import json
from collections import Counter
from datetime import UTC, datetime
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gyre.errors import Invalid, NotFound, TooManyRequests, Unavailable
from gyre.journal.dead_letters import DEAD_LETTERS, DeadLetters
from gyre.journal.intake import ENOUGH_SECONDS, MOST_BYTES, MOST_LOOKS, Intake, Message, Taken, portions
from gyre.journal.outlet import parcel, weight
from gyre.journal.record import read_record
from gyre.objects import StoredObject, Written
from tests.fakes.journal import MemoryJournal
from tests.fakes.objects import MemoryBucket
from tests.unit.journal.test_record import body

SENT = datetime(2026, 11, 21, 23, 59, tzinfo=UTC)
TRIES = 3


class PickyJournal(MemoryJournal):
    """Tells how often it was written to; refuses as a table does that cannot hold one of the records."""

    def __init__(self) -> None:
        super().__init__()
        self.appends = 0
        self.cannot: dict[str, Exception] = {}
        """By event: what is wrong with it."""

    def append(self, records: Any) -> frozenset[str]:
        self.appends += 1
        for each in records:
            if each.event_id in self.cannot:
                raise self.cannot[each.event_id]
        return super().append(records)


class WeakBucket(MemoryBucket):
    """Some of its keys cannot be read or written for now."""

    def __init__(self) -> None:
        super().__init__()
        self.weak: tuple[str, ...] = ()

    def read(self, key: str, version: str | None = None) -> StoredObject:
        self._try(key)
        return super().read(key, version)

    def write(self, key: str, content: bytes, **how: Any) -> Written:
        self._try(key)
        return super().write(key, content, **how)

    def _try(self, key: str) -> None:
        if key.startswith(self.weak):
            raise Unavailable(f"{key} is away.")


class Place:
    """Where a batch is taken in."""

    def __init__(self) -> None:
        self.journal, self.data = PickyJournal(), WeakBucket()
        self.letters = DeadLetters(self.data)

    def take(self, *messages: Message, seconds: float = 60.0) -> Taken:
        return Intake(self.journal, self.data, self.letters, TRIES).take(messages, lambda: seconds)

    @property
    def events(self) -> list[str]:
        return [each.event_id for each in self.journal.records]

    @property
    def causes(self) -> dict[str, str]:
        """Of the letters that are kept, by their messages."""
        return {each.id.partition(".")[2]: each.cause for each in self.letters.page(1000).letters}


@pytest.fixture
def place() -> Place:
    return Place()


def message(number: int, text: str | None = None, tries: int = 1, **facts: Any) -> Message:
    told = body(event_id=f"event-{number:04}") if text is None else text
    return Message(f"m-{number}", told, tries, SENT, **facts)


def aside(number: int) -> str:
    """A message that points elsewhere."""
    lies_at = f"overflow/wine/2026-11-21/event-{number:04}.json"
    return json.dumps({"shape": 1, "event_id": f"event-{number:04}", "lies_at": lies_at, "size": 100})


# --- what is taken ----------------------------------------------------------------------------------------------------


def test_a_batch_becomes_one_append(place: Place) -> None:
    taken = place.take(message(1), message(2), message(3))
    assert (taken.appended, taken.known, taken.refused, taken.letters, place.journal.appends) == (3, 0, (), (), 1)
    assert place.events == ["event-0001", "event-0002", "event-0003"]


def test_a_record_told_twice_in_a_batch_is_kept_once(place: Place) -> None:
    taken = place.take(message(1), Message("m-2", message(1).body), message(3))
    assert (taken.appended, taken.refused) == (2, ())
    assert place.events == ["event-0001", "event-0003"]


def test_what_the_journal_has_already_is_acknowledged_and_counts_for_nothing(place: Place) -> None:
    """Given a batch whose function ended before its answer, when it comes again with others, then only they are new."""
    place.take(message(1), message(2))
    taken = place.take(message(1), message(2), message(3))
    assert ([each.event_id for each in taken.records], taken.known, taken.refused) == (["event-0003"], 2, ())


def test_the_first_telling_of_a_record_counts(place: Place) -> None:
    changed = json.dumps({**json.loads(message(1).body), "status": 503})
    place.take(message(1), Message("m-2", changed))
    assert [each.status for each in place.journal.records] == [200]


def test_an_empty_batch_writes_nothing(place: Place) -> None:
    assert place.take().appended == place.journal.appends == 0


# --- what can never be taken ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("poison", "why"),
    [
        ("", "Invalid JSON"),
        ("not a record", "Invalid JSON"),
        ("[]", "shape 1"),
        ("{}", "event_id: Field required"),
        (body(shape=2), "shape 2 is newer than this deployment reads (1): deploy the newer Gyre and replay"),
        (body(shape=0), "shape 0 is older than this deployment reads (1)"),
        (body(shape="2"), "not a journal record of shape 1"),
        (body(at="9999-12-31T23:59:59-12:00"), "beyond the calendar"),
        (body(model="wine\n"), "model: String should match"),
        (aside(2), "overflow/wine/2026-11-21/event-0002.json does not exist"),
        (aside(2).replace('"shape": 1', '"shape": 3'), "shape 3 is newer"),
        (aside(2).replace("overflow/", "inbox/"), "not a journal record"),
    ],
)
def test_poison_is_a_letter_at_once_and_never_holds_up_the_others(place: Place, poison: str, why: str) -> None:
    taken = place.take(message(1), message(2, poison), message(3))
    assert (taken.appended, taken.refused, place.journal.appends) == (2, (), 1)
    assert place.events == ["event-0001", "event-0003"]
    (letter,) = taken.letters
    assert why in letter.cause
    assert place.letters.find(letter.id) == letter
    assert (letter.id, letter.body, letter.tries, letter.first_seen) == ("2026-11-21.m-2", poison, 1, SENT)


def test_poison_alone_writes_nothing(place: Place) -> None:
    taken = place.take(message(1, "poison"))
    assert (taken.appended, len(taken.letters), place.journal.appends) == (0, 1, 0)


def test_the_same_message_twice_is_one_letter(place: Place) -> None:
    """Given a letter whose message was not acknowledged, when it comes again days later, then the first one stays."""
    first = place.take(message(1, "poison")).letters[0]
    again = place.take(message(1, "poison", tries=2))
    assert (len(again.letters), again.refused) == (1, ())
    assert place.letters.find(first.id) == first
    assert len(list(place.data.list(DEAD_LETTERS))) == 1


def test_a_letter_that_cannot_be_written_goes_back_with_both_causes(place: Place) -> None:
    place.data.weak = (DEAD_LETTERS,)
    taken = place.take(message(1), message(2, "poison"), message(3, "poison", tries=TRIES))
    assert (taken.appended, [each.id for each in taken.refused], taken.letters) == (1, ["m-2", "m-3"], ())
    assert "Invalid JSON" in taken.refused[0].reason and "dead-letters/2026-11-21/m-2.json" in taken.refused[0].reason


def test_a_letter_that_others_were_about_to_write_is_looked_for(place: Place) -> None:
    """S3 says `Conflict` of an object that is just being written, too: whether that succeeds is not known."""

    class Racing(WeakBucket):
        def write(self, key: str, content: bytes, **how: Any) -> Written:
            self.put(key, b"x") if self.wins else None
            return super().write(key, content, **how) if self.wins else _conflict()

        wins = False

    def _conflict() -> Written:
        from gyre.errors import Conflict

        raise Conflict("being written")

    place.data = Racing()
    place.letters = DeadLetters(place.data)
    assert [each.id for each in place.take(message(1, "poison")).refused] == ["m-1"]
    place.data.wins = True
    assert place.take(message(1, "poison")).refused == ()


# --- what fails for now -----------------------------------------------------------------------------------------------


def test_a_journal_that_is_down_gives_everything_back(place: Place) -> None:
    place.journal.down = True
    taken = place.take(message(1), message(2, "poison"), message(3))
    assert (taken.appended, len(taken.letters), place.journal.appends) == (0, 1, 1)
    assert [(each.id, "is down" in each.reason) for each in taken.refused] == [("m-1", True), ("m-3", True)]
    assert place.events == []


def test_what_was_given_its_last_try_is_a_letter_with_its_last_failure(place: Place) -> None:
    place.journal.down = True
    taken = place.take(message(1, tries=TRIES), message(2, tries=TRIES - 1), message(3, tries=TRIES + 4))
    assert [each.id for each in taken.refused] == ["m-2"]
    assert [each.id for each in taken.letters] == ["2026-11-21.m-1", "2026-11-21.m-3"]
    assert place.causes["m-1"].startswith("The journal did not take it: The journal is down.")
    assert [(each.event_id, each.model, each.tries) for each in taken.letters] == [
        ("event-0001", "wine", 3), ("event-0003", "wine", 7),
    ]  # fmt: skip


def test_a_large_record_that_cannot_be_read_now_goes_back_until_it_can(place: Place) -> None:
    """Also at its last try: a letter without its content would be worth nothing when the content has expired."""
    place.data.put("overflow/wine/2026-11-21/event-0002.json", body(event_id="event-0002").encode())
    place.data.weak = ("overflow/",)
    taken = place.take(message(1), message(2, aside(2), tries=TRIES))
    assert (taken.appended, [each.id for each in taken.refused], taken.letters) == (1, ["m-2"], ())
    place.data.weak = ()
    assert place.take(message(2, aside(2), tries=TRIES)).appended == 1


def test_both_messages_of_a_record_go_back(place: Place) -> None:
    place.journal.down = True
    taken = place.take(message(1), Message("m-2", message(1).body, TRIES, SENT))
    assert ([each.id for each in taken.refused], [each.id for each in taken.letters]) == (["m-1"], ["2026-11-21.m-2"])


# --- what fails for a reason of one record ----------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 2, 3, 7, 100])
@pytest.mark.parametrize("error", [OverflowError("too large for int64"), Invalid("no such column")])
def test_one_record_that_the_table_cannot_hold_holds_up_no_other(place: Place, count: int, error: Exception) -> None:
    bad = f"event-{count // 2:04}"
    place.journal.cannot = {bad: error}
    taken = place.take(*(message(each) for each in range(count)))
    assert (taken.appended, bad in place.events) == (count - 1, False)
    assert place.journal.appends <= 15
    if isinstance(error, Invalid):
        assert (taken.refused, place.causes) == ((), {f"m-{count // 2}": f"The journal cannot take it: {error}"})
    else:  # it may be a fault of ours, which the next deployment mends
        (refused,) = taken.refused
        assert (refused.id, taken.letters) == (f"m-{count // 2}", ())
        assert refused.reason == "The journal did not take it: OverflowError: too large for int64"
        last = place.take(message(count // 2, tries=TRIES))
        assert "OverflowError: too large for int64" in last.letters[0].cause


def test_before_a_batch_is_given_up_its_records_are_tried_one_by_one(place: Place) -> None:
    """Given a table that says `Unavailable` over one record, then at their last try the others are taken."""
    place.journal.cannot = {"event-0003": Unavailable("Some error of the engine.")}
    assert place.take(*(message(each) for each in range(8))).appended == 0
    taken = place.take(*(message(each, tries=TRIES) for each in range(8)))
    assert (taken.appended, taken.refused, list(place.causes)) == (7, (), ["m-3"])


def test_nothing_is_halved_when_the_time_is_short(place: Place) -> None:
    place.journal.cannot = {"event-0003": OverflowError("too large")}
    taken = place.take(*(message(each) for each in range(8)), seconds=5)
    assert (taken.appended, len(taken.refused), place.journal.appends) == (0, 8, 1)


def test_what_ends_the_function_is_not_caught(place: Place) -> None:
    place.journal.cannot = {"event-0001": KeyboardInterrupt()}  # type: ignore[dict-item]
    with pytest.raises(KeyboardInterrupt):
        place.take(message(1))


# --- what the queue gave up -------------------------------------------------------------------------------------------


def test_what_ended_the_function_is_not_tried_again(place: Place) -> None:
    taken = place.take(message(1, given_up=True), message(2, "poison", given_up=True, tries=4))
    assert (taken.appended, taken.refused, place.journal.appends) == (0, (), 0)
    assert all(
        each.startswith("The function ended 3 times while it held this message") for each in place.causes.values()
    )
    assert [(each.event_id, each.tries) for each in taken.letters] == [("event-0001", 1), (None, 4)]


def test_what_the_journal_has_is_no_letter_when_the_queue_gives_it_up(place: Place) -> None:
    """Given a function that ended after its commit each time, or a sink that could not be told; also of a record that
    lies aside, and without reading it."""
    place.take(message(1), message(2))
    place.data.weak = ("overflow/",)
    taken = place.take(message(1, given_up=True), message(2, aside(2), given_up=True))
    assert (taken.known, taken.appended, taken.refused, taken.letters) == (2, 0, (), ())
    assert place.journal.appends == 1


def test_what_the_queue_gave_up_waits_while_the_journal_cannot_be_asked_and_not_for_ever(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQS forgets it after 14 days."""
    place.take(message(1))

    def away(event: str) -> Any:
        raise Unavailable("The journal cannot be read.")

    monkeypatch.setattr(place.journal, "find", away)
    taken = place.take(message(1, given_up=True, tries=MOST_LOOKS - 1))
    assert ([each.reason for each in taken.refused], taken.letters) == (["The journal cannot be read."], ())
    (letter,) = place.take(message(1, given_up=True, tries=MOST_LOOKS)).letters
    assert letter.cause.startswith("The queue gave it up and handed it out 1000 times: the journal could not be asked")


def test_a_given_up_message_whose_letter_cannot_be_kept_stays_in_its_queue(place: Place) -> None:
    place.data.weak = (DEAD_LETTERS,)
    assert [each.id for each in place.take(message(1, given_up=True)).refused] == ["m-1"]


# --- any mix of them --------------------------------------------------------------------------------------------------

KINDS = ("good", "double", "poison", "newer", "lost", "large", "away", "unheld", "given up")
FAILURES = st.sampled_from([None, None, Unavailable("down"), TooManyRequests("slower"), KeyError("a fault of ours")])


@settings(max_examples=150, deadline=None)
@example(kinds=["given up", "double"], failures=[], letters_fail=1, seconds=60.0, order=Random(1))
@given(
    kinds=st.lists(st.sampled_from(KINDS), max_size=14),
    failures=st.lists(FAILURES, max_size=4),
    letters_fail=st.integers(0, 2),
    seconds=st.sampled_from([1.0, 60.0]),
    order=st.randoms(use_true_random=False),
)
def test_every_message_ends_in_the_journal_once_or_as_one_letter(
    kinds: list[str], failures: list[Exception | None], letters_fail: int, seconds: float, order: Any
) -> None:
    """Given any mix, a journal and letters that fail at times, when the queue hands out again what goes back, and gives
    up after three times, then nothing is lost, nothing is doubled, and only what can never be taken is a letter."""
    place = Place()
    queue = [_made(number, kind, place) for number, kind in enumerate(kinds)]
    ended: Counter[str] = Counter()
    for turn in range(TRIES + 4):
        order.shuffle(queue)
        place.data.weak = (DEAD_LETTERS, "overflow/away") if turn < letters_fail else ()
        failure = failures[turn] if turn < len(failures) else None
        place.journal.cannot = _unheld(kinds) | ({f"event-{n:04}": failure for n in range(14)} if failure else {})
        taken = place.take(*queue, seconds=seconds)
        back = {each.id for each in taken.refused}
        assert not back & {each.id.partition(".")[2] for each in taken.letters}
        ended.update({each.id for each in queue} - back)
        queue = [_again(each) for each in queue if each.id in back]
    # then
    assert queue == []
    assert set(ended.values()) <= {1}
    events, letters = Counter(place.events), set(place.causes)
    assert set(events.values()) <= {1}
    for number, kind in enumerate(kinds):
        assert f"m-{number}" in letters or events[_event(number, kind)] == 1
    never = {f"m-{number}" for number, kind in enumerate(kinds) if _is_bad(number, kind, kinds)}
    # Whose letter could not be kept at first may be known meanwhile.
    told = {f"m-{n}" for n, pair in enumerate(pairwise(kinds)) if pair == ("given up", "double") and letters_fail}
    assert never - told <= letters
    assert not {_event(number, kind) for number, kind in enumerate(kinds) if kind == "unheld"} & set(events)
    if not any(failures) and not letters_fail and seconds > ENOUGH_SECONDS:
        assert letters == never


def _event(number: int, kind: str) -> str:
    """A double tells of the one before."""
    return f"event-{max(0, number - (kind == 'double')):04}"


def _is_bad(number: int, kind: str, kinds: list[str]) -> bool:
    after_unheld = kind == "double" and number > 0 and kinds[number - 1] == "unheld"
    return after_unheld or kind in ("poison", "newer", "lost", "unheld", "given up")


def _made(number: int, kind: str, place: Place) -> Message:
    record = body(event_id=_event(number, kind))
    if kind == "large":
        place.data.put(f"overflow/wine/2026-11-21/event-{number:04}.json", record.encode())
        return message(number, aside(number))
    if kind == "away":
        place.data.put(f"overflow/away/event-{number:04}.json", record.encode())
        return message(number, aside(number).replace("wine/2026-11-21", "away"))
    texts = {"poison": "poison", "newer": body(shape=2), "lost": aside(number)}
    return message(number, texts.get(kind, record), given_up=kind == "given up")


def _unheld(kinds: list[str]) -> dict[str, Exception]:
    return {f"event-{at:04}": OverflowError("too large") for at, kind in enumerate(kinds) if kind == "unheld"}


def _again(told: Message) -> Message:
    """As the queue hands it out once more, or gives it up."""
    return Message(told.id, told.body, told.tries + 1, told.sent_at, told.given_up or told.tries >= TRIES)


def test_the_fake_is_down_when_it_says_so(place: Place) -> None:
    place.journal.down = True
    with pytest.raises(Unavailable):
        place.journal.append([])


def test_the_bucket_is_weak_where_it_says_so(place: Place) -> None:
    place.data.weak = ("a/",)
    with pytest.raises(Unavailable):
        place.data.read("a/b")
    with pytest.raises(NotFound):
        place.data.read("b")


# --- portions ---------------------------------------------------------------------------------------------------------


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
