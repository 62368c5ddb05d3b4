"""The fake and the Delta table of labels keep one contract, each beside its journal."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import permutations
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import pytest

from bench.directory import DirectoryBucket
from gyre.aws import once
from gyre.aws.labels import DeltaLabels
from gyre.aws.lake import DeltaJournal
from gyre.aws.upkeep import DeltaUpkeep
from gyre.feedback.labels import (
    Coverage,
    Joined,
    KnownId,
    KnownRow,
    Label,
    Labels,
    Truth,
    current,
    label_id_of,
    place_of,
)
from gyre.journal.record import Fault, JournalRecord, JournalRow, Kind
from gyre.journal.table import Journal
from tests.fakes.journal import MemoryJournal
from tests.fakes.labels import MemoryLabels

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)


def event(number: int) -> str:
    return f"0190a000-{number:04}-7000-8000-000000000000"


def call(
    number: int, *ids: str | None, model: str = "wine", at: datetime = NOON, kind: Kind = "online", said: Any = "red",
    suffix: str = "",
) -> JournalRecord:  # fmt: skip
    """A call whose rows carry these ids; without any, of no row."""
    return JournalRecord(
        event_id=event(number) + suffix, model=model, at=at, kind=kind, status=200, duration_ms=1, caller="c",
        correlation_id="x",
        rows=tuple(
            JournalRow(
                id=each, version=3, features={"acid": 0.5, "place": place}, prediction=said, confidence=0.75,
                probabilities={"red": 0.75, "white": 0.25},
            )
            for place, each in enumerate(ids)
        ),
    )  # fmt: skip


def label(
    value: Truth, number: int | None = None, row: int | None = None, *, named: str | None = None, model: str = "wine",
    at: datetime = NOON + DAY, happened_at: datetime | None = None, also: str = "",
) -> Label:  # fmt: skip
    event_id = None if number is None else event(number)
    name = label_id_of(place_of(model, event_id, named), (row, value, at, happened_at, also))
    return Label(
        label_id=name, model=model, event_id=event_id, row=row, row_id=named, label=value, happened_at=happened_at,
        received_at=at, source="key-1",
    )  # fmt: skip


@dataclass(frozen=True)
class Place:
    journal: Journal
    labels: Labels

    def joined(self, limit: int = 100, kinds: Sequence[Kind] = (), model: str = "wine") -> Joined:
        return self.labels.joined(model, NOON - DAY, NOON + 2 * DAY, limit, kinds)

    def truths(self) -> dict[tuple[str, int], Truth | None]:
        return {(each.event_id, each.row): each.label for each in self.joined().rows}


@pytest.fixture(params=["fake", "delta"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param == "fake":
        journal = MemoryJournal()
        return Place(journal, MemoryLabels(journal))
    return Place(DeltaJournal(str(tmp_path)), DeltaLabels(str(tmp_path)))


def by_id(labels: Sequence[Label]) -> list[Label]:
    return sorted(labels, key=lambda each: each.label_id)


# --- kept once --------------------------------------------------------------------------------------------------------


def test_where_nothing_was_said_or_predicted_everything_is_empty(place: Place) -> None:
    assert place.labels.of_events([event(1)]) == place.labels.of_ids("wine", ["a"]) == []
    assert place.labels.through_events("wine", ["a"]) == []
    assert place.labels.known_rows([event(1)], [0]) == []
    assert place.labels.known_ids("wine", ["a"]) == {}
    assert place.joined() == Joined((), Coverage(), cut=False)


@pytest.mark.parametrize("value", [True, False, 3, -7, 2.5, 1e300, "red", "ä\n'\" ~", "true", "3"])
def test_a_label_comes_back_as_it_was(place: Place, value: Truth) -> None:
    kept = label(value, 1, 2, at=NOON + timedelta(microseconds=7), happened_at=NOON - timedelta(days=40))
    of_id = label(value, named="ä'7")
    assert place.labels.append([kept, of_id]) == {kept.label_id, of_id.label_id}
    assert place.labels.of_events([event(1), event(9)]) == [kept]
    assert place.labels.of_ids("wine", ["ä'7", "b"]) == [of_id]
    assert type(place.labels.of_events([event(1)])[0].label) is type(value)


def test_what_is_said_twice_is_kept_once(place: Place) -> None:
    first, second, third = label("red", 1), label("white", 1), label("red", named="a")
    assert place.labels.append([first, second, first]) == {first.label_id, second.label_id}
    assert place.labels.append([second, third]) == {third.label_id}
    assert place.labels.append([first, second, third]) == frozenset()
    assert by_id(place.labels.of_events([event(1)])) == by_id([first, second])


def test_labels_are_told_by_model(place: Place) -> None:
    ours, theirs = label("red", named="a"), label("red", named="a", model="beer")
    place.labels.append([ours, theirs])
    assert place.labels.of_ids("wine", ["a"]) == [ours]
    assert place.labels.of_ids("beer", ["a"]) == [theirs]
    assert place.labels.of_ids("wine", []) == place.labels.of_events([]) == []


def test_writers_at_once_keep_each_label_once(tmp_path: Path) -> None:
    """Four, each with a table of its own, saying the same and something of their own."""
    shared = [label("red", number) for number in range(8)]
    gate, new = Barrier(4), list[frozenset[str]]()

    def write(who: int) -> None:
        mine = DeltaLabels(str(tmp_path))
        gate.wait()
        for number in range(0, 8, 2):
            new.append(mine.append([*shared[number : number + 2], label("white", number, also=str(who))]))

    writers = [Thread(target=write, args=(who,)) for who in range(4)]
    for each in writers:
        each.start()
    for each in writers:
        each.join()
    kept = DeltaLabels(str(tmp_path)).of_events([event(number) for number in range(8)])
    told = [each for names in new for each in names]
    assert len(told) == len(set(told)) == len(kept) == 8 + 16
    assert {each.label_id for each in kept} == set(told)


# --- what the journal knows -------------------------------------------------------------------------------------------


def test_rows_of_calls_are_known(place: Place) -> None:
    refused = call(3).model_copy(update={"status": 422, "error": Fault(code="invalid", message="no")})
    place.journal.append([call(1, "a"), call(2, "b", None, "c", at=NOON + DAY), refused])
    found = place.labels.known_rows([event(1), event(2), event(3), event(9)], [2])
    assert sorted(found, key=lambda each: (each.event_id, each.row or 0)) == [
        KnownRow(event(1), "wine", 0, 1, "a", NOON, answered=True),
        KnownRow(event(2), "wine", 0, 3, "b", NOON + DAY, answered=True),
        KnownRow(event(2), "wine", 2, 3, "c", NOON + DAY, answered=True),
        KnownRow(event(3), "wine", None, 0, None, NOON, answered=False),
    ]


def test_ids_are_known_as_often_as_they_were_predicted(place: Place) -> None:
    unanswered = call(3, "a", at=NOON - DAY).model_copy(
        update={"rows": (JournalRow(id="a", fault=Fault(code="range", message="too far")),)}
    )
    shadow = call(1, "a", kind="shadow", suffix="-shadow")
    place.journal.append([call(1, "a"), call(2, "b", "a"), unanswered, shadow, call(4, "a", model="beer")])
    assert place.labels.known_ids("wine", ["a", "x"]) == {"a": KnownId(3, 2, NOON - DAY)}
    assert place.labels.known_ids("wine", ["b"]) == {"b": KnownId(1, 1, NOON)}


def test_what_was_said_by_events_is_found_by_their_ids(place: Place) -> None:
    place.journal.append([call(1, "a"), call(2, "b", "a"), call(3, "a", model="beer")])
    one, two, other = label("red", 1), label("white", 2, 1), label("red", 2, 0)
    vague = label("red", 2, also="of a call of several rows nobody knows which")
    place.labels.append([one, two, other, vague, label("red", 3)])
    found = place.labels.through_events("wine", ["a", "z"])
    assert sorted(found, key=lambda each: each[1].label_id) == [("a", each) for each in by_id([one, two])]


# --- joined -----------------------------------------------------------------------------------------------------------


def test_a_prediction_and_its_truth_stand_together(place: Place) -> None:
    place.journal.append([call(1, "a"), call(2, "b", at=NOON + timedelta(seconds=1))])
    place.labels.append([label("white", 1, happened_at=NOON - DAY)])
    later, first = place.joined().rows
    assert (later.event_id, later.label, later.received_at, later.corrected) == (event(2), None, None, False)
    assert (first.event_id, first.row, first.row_id, first.kind) == (event(1), 0, "a", "online")
    assert (first.at, first.version, first.prediction, first.value, first.confidence) == (NOON, 3, "red", None, 0.75)
    assert first.probabilities == {"red": 0.75, "white": 0.25}
    assert first.features == {"acid": 0.5, "place": 0}
    assert (first.label, first.happened_at, first.received_at) == ("white", NOON - DAY, NOON + DAY)
    assert place.joined().coverage == Coverage(labelled=1, unlabelled=1)


def test_the_label_received_last_counts_in_whatever_order_it_was_kept(place: Place) -> None:
    moments = [timedelta(hours=hours) for hours in (3, 1, 2)]
    orders = list(permutations(zip(("c", "a", "b"), moments, strict=True)))
    for number, order in enumerate(orders):
        place.journal.append([call(number, None, at=NOON + timedelta(seconds=number))])
        for value, later in order:
            # By the senders' clocks the order is another one.
            place.labels.append([label(value, number, at=NOON + later, happened_at=NOON - later)])
    joined = place.joined()
    assert [each.label for each in joined.rows] == ["c"] * len(orders)
    assert joined.coverage == Coverage(labelled=6, corrected=6)


def test_of_one_moment_the_same_label_counts_for_every_reader(place: Place) -> None:
    place.journal.append([call(1, "a")])
    said = [label(value, 1) for value in "abcd"] + [label(value, named="a") for value in "ef"]
    place.labels.append(said)
    counts = current(said)
    assert counts is not None
    assert place.truths() == {(event(1), 0): counts.label}


def test_a_repetition_is_no_correction(place: Place) -> None:
    place.journal.append([call(1, "a")])
    place.labels.append([label("red", 1), label("red", 1, also="again"), label("red", named="a")])
    assert place.joined().coverage == Coverage(labelled=1)


def test_a_label_by_id_is_of_all_predictions_with_it(place: Place) -> None:
    place.journal.append([call(1, "a", "b"), call(2, "a"), call(3, "a", model="beer")])
    place.labels.append([label("white", named="a"), label("red", 2, at=NOON + timedelta(hours=1))])
    assert place.truths() == {(event(1), 0): "white", (event(1), 1): None, (event(2), 0): "white"}
    assert place.joined().coverage == Coverage(labelled=2, unlabelled=1, corrected=1)
    assert place.joined(model="beer").coverage == Coverage(unlabelled=1)


def test_a_label_without_row_is_of_the_only_row(place: Place) -> None:
    place.journal.append([call(1, "a"), call(2, "a", "b")])
    place.labels.append([label("white", 1), label("white", 2), label("red", 2, 1)])
    assert place.truths() == {(event(1), 0): "white", (event(2), 0): None, (event(2), 1): "red"}
    assert place.joined().coverage == Coverage(labelled=2, unlabelled=1, unknown=1)


def test_a_shadow_is_judged_by_the_truth_of_its_call(place: Place) -> None:
    place.journal.append([call(1, None), call(1, None, kind="shadow", suffix="-shadow", said="white")])
    place.labels.append([label("white", 1)])
    assert place.truths() == {(event(1), 0): "white", (event(1) + "-shadow", 0): "white"}
    (only,) = place.joined(kinds=["shadow"]).rows
    assert (only.kind, only.prediction, only.label) == ("shadow", "white", "white")
    assert place.joined(kinds=["online"]).coverage == Coverage(labelled=1)


def test_a_label_of_nothing_is_counted_until_the_record_is_there(place: Place) -> None:
    place.journal.append([call(1, "a")])
    of_window = NOON + timedelta(hours=1)
    place.labels.append(
        [label("red", 1, 1), label("red", 7), label("red", named="x"), label("red", 8, at=NOON - 2 * DAY)]
    )
    assert place.joined().coverage == Coverage(unlabelled=1, unknown=3)
    place.journal.append([call(7, "x", at=of_window)])
    assert place.joined().coverage == Coverage(labelled=1, unlabelled=1, unknown=1)


def test_what_was_not_answered_is_no_prediction(place: Place) -> None:
    broken = call(1, "a").model_copy(
        update={"rows": (JournalRow(id="a", fault=Fault(code="range", message="too far")),)}
    )
    place.journal.append([broken, call(2)])
    place.labels.append([label("red", 1), label("red", 2)])
    assert place.joined() == Joined((), Coverage(), cut=False)


def test_a_regression_tells_its_value(place: Place) -> None:
    row = JournalRow(version=1, prediction=2.5, features={})
    place.journal.append([call(1, "a").model_copy(update={"rows": (row,)})])
    place.labels.append([label(3.0, 1)])
    (only,) = place.joined().rows
    assert (only.prediction, only.value, only.probabilities, only.label) == (2.5, 2.5, None, 3.0)


def test_a_window_begins_with_its_first_moment_and_ends_before_its_last(place: Place) -> None:
    place.journal.append(
        [
            call(1, None, at=NOON - DAY),
            call(2, None, at=NOON),
            call(4, None, at=NOON + DAY),
            call(3, None, at=NOON + DAY - timedelta(microseconds=1)),
        ]
    )
    found = place.labels.joined("wine", NOON, NOON + DAY, 10)
    assert [each.event_id for each in found.rows] == [event(3), event(2)]


@pytest.mark.parametrize(("limit", "cut"), [(1, True), (4, True), (5, False), (9, False)])
def test_of_more_than_were_asked_for_the_newest_come_and_all_are_counted(place: Place, limit: int, cut: bool) -> None:
    place.journal.append([call(1, "a", "b", "c"), call(2, "d", "e", at=NOON + timedelta(seconds=1))])
    place.labels.append([label("red", 1, 0), label("red", named="e")])
    found = place.joined(limit)
    newest = [(event(2), 1), (event(2), 0), (event(1), 2), (event(1), 1), (event(1), 0)]
    assert [(each.event_id, each.row) for each in found.rows] == newest[:limit]
    assert (found.cut, found.coverage) == (cut, Coverage(labelled=2, unlabelled=3))


def test_rows_that_do_not_fit_into_memory_are_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of one moment, as a batch is."""
    journal, labels = DeltaJournal(str(tmp_path)), DeltaLabels(str(tmp_path))
    journal.append([call(1, *"abcdef")])
    size = len('{"acid":0.5,"place":0}') + len(call(1, "a").rows[0].model_dump_json(exclude={"features"}))
    monkeypatch.setattr(once, "MOST_BYTES", 3 * size + 1)
    found = labels.joined("wine", NOON, NOON + DAY, 5)
    assert [each.row for each in found.rows] == [5, 4, 3]
    assert (found.cut, found.coverage) == (True, Coverage(unlabelled=6))


def test_files_that_go_while_both_tables_are_read_are_missed_by_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = str(tmp_path / "journal")
    journal, labels = DeltaJournal(uri), DeltaLabels(uri)
    for number in range(4):
        journal.append([call(number, "a")])
        labels.append([label("red", number)])
    asked = ("wine", NOON, NOON + DAY, 10)
    before, said = labels.joined(*asked), labels.of_events([event(2)])
    assert before.coverage == Coverage(labelled=4) and len(said) == 1
    sight, swept = labels.sight, list[int]()

    def sight_of_what_goes() -> Any:
        """The tables as they are now, whose files are gone before anybody reads them."""
        found = sight()
        for table, name in ((DeltaJournal(uri).table, "predictions"), (DeltaLabels(uri).table, "labels")):
            upkeep = DeltaUpkeep(table, DirectoryBucket(tmp_path), f"journal/{name}/")
            swept.append(upkeep.compact() and upkeep.sweep(datetime.now(UTC) + DAY))
        return found

    monkeypatch.setattr(labels, "sight", sight_of_what_goes)
    assert labels.joined(*asked) == before
    assert swept[:2] == [4, 4] and not any(swept[2:])
    assert labels.of_events([event(2)]) == said


def test_a_quote_in_an_id_finds_nothing_and_breaks_nothing(place: Place) -> None:
    place.journal.append([call(1, "a")])
    place.labels.append([label("red", 1), label("red", named="a")])
    for sly in ("x' or '1'='1", "a'; drop table labels --"):
        assert place.labels.of_ids("wine", [sly]) == []
        assert place.labels.through_events("wine", [sly]) == []
        assert place.labels.known_ids("wine", [sly]) == {}


def test_the_log_of_the_table_tells_no_id_of_a_person(tmp_path: Path) -> None:
    labels = DeltaLabels(str(tmp_path))
    labels.append([label("secret-label", named="p1:SOMEBODY"), label("red", 1)])
    log = "".join(path.read_text() for path in (tmp_path / "labels/_delta_log").glob("*.json"))
    assert event(1) in log
    assert "SOMEBODY" not in log and "secret-label" not in log
