"""Labels on their way into the table: late, repeated, corrected, of nothing, and wrong."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gyre.errors import Unavailable
from gyre.feedback.desk import Sender
from gyre.feedback.labels import Label, current, history, label_id_of, place_of
from gyre.feedback.sayings import Said
from gyre.pseudonyms import Pseudonyms
from tests.unit.feedback.label_house import LATER, NOON, LabelHouse, call, event, messages


@pytest.fixture
def house() -> LabelHouse:
    made = LabelHouse()
    made.journal.append([call(1, "a"), call(2, "b", "c", "d"), call(3, 7), call(4, "a", model="beer")])
    return made


# --- kept -------------------------------------------------------------------------------------------------------------


def test_a_label_is_kept_with_who_said_it_and_when(house: LabelHouse) -> None:
    taken = house.say("white", happened_at="2026-11-22T10:00:00+02:00", source="key-9")
    assert (taken.kept, taken.repeated, taken.unknown, taken.warnings, taken.faults) == (1, 0, (), (), ())
    (kept,) = house.labels.labels
    assert (kept.model, kept.event_id, kept.row, kept.row_id, kept.label) == ("wine", event(1), None, None, "white")
    assert (kept.happened_at, kept.received_at) == (datetime(2026, 11, 22, 8, tzinfo=UTC), house.now)
    assert kept.source == "key-9"
    assert house.counts()[event(1), 0] == "white"


def test_a_label_of_one_row_among_several(house: LabelHouse) -> None:
    assert house.say("white", 2, 1).kept == 1
    assert {place: value for place, value in house.counts().items() if value} == {(event(2), 1): "white"}


def test_a_label_by_the_callers_id_is_of_its_model_alone(house: LabelHouse) -> None:
    assert house.take(Said(0, "white", "wine", id="a"), Said(1, "rose", "wine", id=7)).kept == 2
    assert (house.counts()[event(1), 0], house.counts()[event(3), 0]) == ("white", "rose")
    assert set(house.counts("beer").values()) == {None}


def test_an_id_that_several_predictions_have_is_told(house: LabelHouse) -> None:
    house.journal.append([call(5, "a"), call(6, "a", kind="shadow")])
    taken = house.take(Said(0, "white", "wine", id="a"))
    assert messages(taken, "warnings") == [(0, "id", "2 predictions have this id: all of them have the label now")]
    assert [house.counts()[event(5), 0], house.counts()[event(1), 0]] == ["white", "white"]


def test_the_model_need_not_be_said_where_the_journal_knows_it(house: LabelHouse) -> None:
    assert house.say("white", 4).kept == 1
    assert house.labels.labels[0].model == "beer"


def test_a_shadows_event_names_the_call(house: LabelHouse) -> None:
    house.take(Said(0, "white", event_id=f"{event(1)}-shadow"))
    assert house.labels.labels[0].event_id == event(1)


# --- repeated and corrected -------------------------------------------------------------------------------------------


def test_the_same_word_again_is_kept_once(house: LabelHouse) -> None:
    house.say("white")
    for source in ("key-1", "key-2"):
        again = house.say("white", source=source)
        assert (again.kept, again.repeated) == (0, 1)
    assert house.values() == ["white"]


def test_a_correction_is_a_new_line_also_back_to_what_was_first(house: LabelHouse) -> None:
    for value in ("white", "red", "white", "red"):
        assert house.say(value).kept == 1
    assert house.values() == ["white", "red", "white", "red"]
    assert house.counts()[event(1), 0] == "red"


def test_another_moment_of_the_same_truth_is_a_correction(house: LabelHouse) -> None:
    house.say("white", happened_at="2026-11-22")
    assert house.say("white").repeated == 1
    assert house.say("white", happened_at="2026-11-23").kept == 1
    assert house.say("white", happened_at="2026-11-23").repeated == 1


def test_by_event_and_by_id_one_row_is_one_row(house: LabelHouse) -> None:
    """Whoever speaks last counts, whichever way."""
    for said in ("white", "rose", "white"):
        assert house.take(Said(0, said, "wine", id="a")).kept == 1
        assert house.say(said).repeated == 1
    house.say("red")
    assert house.counts()[event(1), 0] == "red"
    assert house.take(Said(0, "white", "wine", id="a")).kept == 1
    assert house.counts()[event(1), 0] == "white"


def test_a_label_of_one_prediction_is_not_yet_one_of_all_with_its_id(house: LabelHouse) -> None:
    house.journal.append([call(5, "a")])
    house.say("white")
    assert house.take(Said(0, "white", "wine", id="a")).kept == 1
    assert house.counts()[event(5), 0] == "white"


def test_row_nought_is_the_only_row(house: LabelHouse) -> None:
    house.say("white")
    assert house.say("white", row=0).repeated == 1
    assert house.say("red", row=0).kept == 1
    assert house.say("white").kept == 1
    assert house.counts()[event(1), 0] == "white"


def test_a_retry_under_its_name_says_nothing_new_whatever_came_between(house: LabelHouse) -> None:
    house.say("white", token="t-1")
    house.say("red", source="key-2")
    again = house.say("white", token="t-1")
    assert (again.kept, again.repeated) == (0, 1)
    assert house.counts()[event(1), 0] == "red"
    assert house.say("white", token="t-2").kept == 1
    assert house.say("red", token="t-1", source="key-2").kept == 1  # somebody else's name for a sending


def test_of_a_sending_only_what_was_kept_is_remembered(house: LabelHouse) -> None:
    """What repeats what counts leaves no line: a second one would have another moment, by which labels are counted."""
    house.say("white")
    assert house.say("white", source="key-2", token="t-1").repeated == 1
    house.say("red", source="key-3")
    assert house.say("white", source="key-2", token="t-1").kept == 1
    assert house.values() == ["white", "red", "white"]


def test_two_who_say_the_same_at_once_are_one(house: LabelHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither saw the other's label when it looked."""
    monkeypatch.setattr(house.labels, "of_events", lambda _: [])
    assert house.say("white").kept == 1
    again = house.say("white", source="key-2")
    assert (again.kept, again.repeated) == (0, 1)
    assert house.values() == ["white"]


def test_the_senders_clock_orders_nothing(house: LabelHouse) -> None:
    house.say("white", happened_at="2026-12-01")
    house.say("red", happened_at="2026-11-22")
    assert house.counts()[event(1), 0] == "red"


def test_in_one_call_the_same_twice_is_once_and_the_contrary_is_refused(house: LabelHouse) -> None:
    twice = house.take(Said(0, "white", event_id=event(1)), Said(1, "white", event_id=event(1), row=0))
    assert (twice.kept, twice.repeated) == (1, 1)
    refused = house.take(
        Said(0, "red", event_id=event(2), row=0), Said(1, "red", event_id=event(1)),
        Said(2, "rose", event_id=event(1), row=0),
    )  # fmt: skip
    assert messages(refused) == [(2, "label", "a label before it says something else of the same row")]
    assert house.values() == ["white"]


# --- unknown, and known later -----------------------------------------------------------------------------------------


def test_a_label_that_is_faster_than_its_record_joins_it_later(house: LabelHouse) -> None:
    by_event, by_id = Said(0, "white", "wine", event(8)), Said(1, "rose", "wine", id="z")
    taken = house.take(by_event, by_id)
    assert (taken.kept, taken.unknown) == (2, (by_event, by_id))
    house.journal.append([call(8, "y"), call(9, "z")])
    assert (house.counts()[event(8), 0], house.counts()[event(9), 0]) == ("white", "rose")
    again = house.take(by_event, by_id)
    assert (again.kept, again.repeated, again.unknown) == (0, 2, ())


def test_of_an_unknown_event_the_model_must_be_said(house: LabelHouse) -> None:
    refused = house.take(Said(0, "white", event_id=event(8)), Said(1, "white", id="a"))
    assert [(at, name) for at, name, _ in messages(refused)] == [(0, "model"), (1, "model")]
    assert "does not hold this event yet: say the model" in refused.faults[0].message


# --- warnings ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("happened_at", "says"),
    [
        (LATER + timedelta(days=1), "it lies in the future"),
        (NOON - timedelta(hours=1), "it lies before the call"),
        (NOON - timedelta(seconds=30), None),
        (NOON, None),
        (LATER + timedelta(seconds=90), None),
    ],
)
def test_clocks_that_disagree_are_told_and_kept(house: LabelHouse, happened_at: datetime, says: str | None) -> None:
    for said in (Said(0, "white", event_id=event(1)), Said(0, "rose", "wine", id="d")):
        told = Said(0, said.label, said.model, said.event_id, id=said.id, happened_at=happened_at.isoformat())
        taken = house.take(told, at=LATER + timedelta(minutes=1))
        assert taken.kept == 1
        assert messages(taken, "warnings") == ([(0, "happened_at", says)] if says else [])


def test_rows_without_an_answer_take_their_label_with_a_warning(house: LabelHouse) -> None:
    house.journal.append([call(5, "n", prediction=None), call(6)])
    taken = house.take(
        Said(0, "white", event_id=event(5)), Said(1, "red", event_id=event(6)), Said(2, "rose", "wine", id="n")
    )
    assert taken.kept == 3
    assert [(at, name, "had an" in text or "had no" in text) for at, name, text in messages(taken, "warnings")] == [
        (0, "event_id", True), (1, "event_id", True), (2, "id", True)
    ]  # fmt: skip


# --- faults -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "name", "says"),
    [
        ({"event_id": event(2)}, "row", "the call has 3 rows: say which, from 0 to 2"),
        ({"event_id": event(2), "row": 3}, "row", "no such row: 0 to 2 are its rows"),
        ({"event_id": event(1), "row": 1}, "row", "no such row"),
        ({"event_id": event(1), "model": "beer"}, "model", "this event is one of wine"),
        ({"event_id": event(1), "model": "tea"}, "model", "this event is one of wine"),
        ({"id": "a", "model": "tea"}, "model", "tea is not declared yet"),
        ({"id": "a", "model": "wine", "row": 0}, "row", "an id needs none"),
        ({"id": " ", "model": "wine"}, "id", "it is empty"),
        ({"id": "a", "model": "wine", "event_id": event(1)}, "event_id", "one of them"),
        ({}, "event_id", "say whose it is"),
        ({"event_id": event(5)}, "event_id", "a model that there is not"),
        ({"event_id": event(1), "label": "green"}, "label", "none of the classes of wine: red, white, rose"),
        ({"event_id": event(1), "happened_at": "yesterday"}, "happened_at", "it is no moment"),
    ],
)
def test_what_is_wrong_is_told_by_place_and_field(
    house: LabelHouse, said: dict[str, Any], name: str, says: str
) -> None:
    house.journal.append([call(5, "a", model=None)])
    right = Said(0, "white", event_id=event(3))
    taken = house.take(right, Said(4, **{"label": "red", **said}))
    ((at, field, message),) = messages(taken)
    assert (at, field) == (4, name) and says in message
    assert (taken.kept, house.values()) == (0, [])


def test_of_a_file_the_right_lines_are_kept(house: LabelHouse) -> None:
    taken = house.take(
        Said(2, "green", event_id=event(1)), Said(3, "white", event_id=event(1)), token="v1", is_file=True
    )
    assert (taken.kept, [each.at for each in taken.faults], house.values()) == (1, [2], ["white"])


def test_where_labels_cannot_be_kept_nothing_is(house: LabelHouse) -> None:
    house.labels.down = True
    with pytest.raises(Unavailable):
        house.say("white")
    house.labels.down = False
    assert house.say("white").kept == 1


# --- personal ids -----------------------------------------------------------------------------------------------------


def pseudonym(house: LabelHouse, value: object, key: int = 0) -> str:
    return Pseudonyms([house.keys[key]]).of(value)


def test_a_personal_id_is_kept_as_its_pseudonym(house: LabelHouse) -> None:
    house.journal.append([call(9, pseudonym(house, "Ann"), model="people", prediction=True)])
    assert house.take(Said(0, True, "people", id=" Ann")).unknown == ()
    (kept,) = house.labels.labels
    assert kept.row_id == pseudonym(house, "Ann") and "Ann" not in kept.model_dump_json()
    assert house.counts("people") == {(event(9), 0): True}


def test_a_label_finds_what_was_named_by_a_former_key(house: LabelHouse) -> None:
    old = pseudonym(house, 12)
    house.journal.append([call(9, old, model="people", prediction=True)])
    house.keys.append(("2", b"z" * 32))
    taken = house.take(Said(0, False, "people", id="12"))
    assert (taken.kept, taken.unknown) == (1, ())
    assert sorted(str(each.row_id) for each in house.labels.labels) == sorted([old, pseudonym(house, 12, 1)])
    house.journal.append([call(10, pseudonym(house, 12, 1), model="people", prediction=True)])
    assert set(house.counts("people").values()) == {False}
    assert house.take(Said(0, False, "people", id=12)).repeated == 1


# --- the rule ---------------------------------------------------------------------------------------------------------


def line(number: int, value: str, moment: int) -> Label:
    place = place_of("wine", event(1), None)
    return Label(
        label_id=label_id_of(place, (number, value)), model="wine", event_id=event(1), label=value,
        received_at=NOON + timedelta(seconds=moment), source="s",
    )  # fmt: skip


LINES = st.lists(
    st.tuples(st.integers(0, 5), st.sampled_from(["red", "white", "rose"]), st.integers(0, 3)),
    min_size=1, max_size=12, unique_by=lambda each: each[:2],
)  # fmt: skip


@given(LINES, st.data())
@settings(max_examples=200, deadline=None)
def test_any_order_and_any_repetition_of_lines_tells_the_same(
    told: list[tuple[int, str, int]], data: st.DataObject
) -> None:
    lines = [line(*each) for each in told]
    again = data.draw(st.lists(st.sampled_from(lines), max_size=8))
    mixed = data.draw(st.permutations([*lines, *again]))
    assert history(mixed) == history(lines)
    counts = current(mixed)
    assert counts is not None
    assert all((each.received_at, each.label_id) <= (counts.received_at, counts.label_id) for each in lines)


WORDS = st.lists(st.tuples(st.sampled_from(["red", "white", "rose"]), st.booleans(), st.booleans()), max_size=12)


@given(WORDS)
@settings(max_examples=200, deadline=None)
def test_whatever_is_said_the_last_word_counts_and_a_retry_adds_no_line(words: list[tuple[str, bool, bool]]) -> None:
    """Each word by event or by id, some sent twice."""
    house, last = LabelHouse(), None
    house.journal.append([call(1, "a")])
    for word, by_id, twice in words:
        said = Said(0, word, "wine", id="a") if by_id else Said(0, word, event_id=event(1))
        house.take(said)
        lines = len(house.labels.labels)
        if twice:
            assert house.take(said).repeated == 1
        assert len(house.labels.labels) == lines
        last = word
        assert house.counts() == {(event(1), 0): last}
    changes = sum(word != before for (word, *_), before in zip(words, [None, *(w for w, *_ in words)], strict=False))
    assert changes <= len(house.labels.labels) <= len(words)


@given(
    st.lists(st.tuples(st.integers(1, 3), st.sampled_from(["red", "white"])), min_size=1, max_size=12),
    st.lists(st.integers(0, 12), max_size=4),
)
@settings(max_examples=200, deadline=None)
def test_a_file_that_is_cut_off_anywhere_and_taken_again_leaves_the_same_lines(
    said: list[tuple[int, str]], cuts: list[int]
) -> None:
    """Parts of it may have been taken before, and somebody spoke meanwhile."""
    lines = [Said(at, value, "wine", event(number)) for at, (number, value) in enumerate(said, 2)]
    sender = Sender("feedback/wine/f.csv", NOON, "v1", is_file=True)
    whole, pieces = LabelHouse(), LabelHouse()
    for house in (whole, pieces):
        house.journal.append([call(number, f"id-{number}") for number in (1, 2, 3)])
    whole.feedback.take(lines, sender)
    for cut in cuts:
        pieces.feedback.take(lines[:cut], sender)
    pieces.say("rose", 2)
    taken = pieces.feedback.take(lines, sender)
    ours = [each for each in pieces.labels.labels if each.source == sender.source]
    assert sorted(each.label_id for each in ours) == sorted(each.label_id for each in whole.labels.labels)
    assert (taken.kept, taken.repeated) == (len(ours), len(lines) - len(ours))
    last = {event(number): value for number, value in said} | {event(2): "rose"}
    assert {place[0]: value for place, value in pieces.counts().items() if value is not None} == last
