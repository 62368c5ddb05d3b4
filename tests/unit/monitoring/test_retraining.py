"""When a verdict starts a training, on what, and that it starts once."""

import gzip
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gyre.errors import Invalid, Unavailable
from gyre.feedback.labels import Label, Truth, label_id_of, place_of
from gyre.journal.record import JournalRecord, JournalRow, Kind
from gyre.monitoring.acting import labelled
from gyre.monitoring.acting.retraining import Retrained, claim_key, decide, retrain, training_run
from gyre.monitoring.found import Level, Look
from gyre.spec.check import read_spec
from gyre.spec.model import ModelSpec
from gyre.training.schedule import scheduled_run
from gyre.training.start import run_of_upload
from gyre.workflow import RUN_PATTERN
from tests.fakes.labels import MemoryLabels
from tests.fakes.looks import MemoryLooks
from tests.fakes.workflow import MemoryWorkflow
from tests.unit.monitoring.look_parts import HOUR, NOON, AtomicBucket, look
from tests.unit.parts import House

COLUMNS = "{y: {type: category}, weight: {type: number}, place: {type: category}}"


def spec(retrain_: str = "when: alert", columns: str = COLUMNS, more: str = "") -> ModelSpec:
    text = f"model: wine\ntask: binary\ntarget: y\ncolumns: {columns}\nretrain: {{{retrain_}}}\n{more}\n"
    return read_spec(text.encode())


# --- the policy -------------------------------------------------------------------------------------------------------


def levels(*told: Level) -> list[tuple[datetime, Level, str]]:
    """The newest first."""
    return [(NOON - at * HOUR, level, f"monitor_{at}") for at, level in enumerate(told)]


@pytest.mark.parametrize(
    ("policy", "told", "start"),
    [
        ("when: never", ["alert"] * 5, False),
        ("when: alert, verdicts: 2, of_last: 3", ["alert", "ok", "alert"], True),
        ("when: alert, verdicts: 2, of_last: 3", ["alert", "ok", "ok", "alert"], False),
        ("when: alert, verdicts: 2, of_last: 3", ["alert", "warn", "warn"], False),
        ("when: warn, verdicts: 2, of_last: 3", ["warn", "ok", "alert"], True),
        ("when: warn, verdicts: 1, of_last: 1", ["warn"], True),
        ("when: alert, verdicts: 2, of_last: 3", ["alert"], False),
        ("when: alert, verdicts: 2, of_last: 2", ["alert", "not enough data", "not enough data", "alert"], True),
        ("when: alert, verdicts: 2, of_last: 2", ["alert", "not enough data", "ok", "alert"], False),
        # The last one has to be bad, too: what is over is not mended.
        ("when: alert, verdicts: 2, of_last: 3", ["ok", "alert", "alert"], False),
        ("when: alert, verdicts: 2, of_last: 3", ["not enough data", "alert", "alert"], False),
        ("when: alert", [], False),
    ],
)
def test_so_many_of_the_last_verdicts_start_a_training(policy: str, told: list[Level], start: bool) -> None:
    decision = decide(spec(policy), levels(*told), None, NOON)
    assert decision.start == start
    assert decision.because.endswith((".", "(retrain.when is never)."))


def test_between_two_trainings_that_nobody_asked_for_lies_the_time_that_is_declared() -> None:
    declared = spec("when: alert, verdicts: 1, of_last: 1, wait_hours: 10")
    waits = [decide(declared, levels("alert"), NOON - hours * HOUR, NOON) for hours in (0, 9.9, 10)]
    assert [each.start for each in waits] == [False, False, True]
    assert "2026-11-21 12:06 UTC" in waits[1].because


@given(
    told=st.lists(st.sampled_from(["ok", "warn", "alert", "not enough data"]), max_size=12),
    verdicts=st.integers(1, 4), more=st.integers(0, 4), when=st.sampled_from(["warn", "alert"]),
)  # fmt: skip
def test_too_little_data_neither_counts_nor_hides_what_does(
    told: list[Level], verdicts: int, more: int, when: str
) -> None:
    declared = spec(f"when: {when}, verdicts: {verdicts}, of_last: {verdicts + more}")
    counting = ["alert", "warn"] if when == "warn" else ["alert"]
    told_of = [each for each in told if each != "not enough data"]
    wanted = (
        bool(told) and told[0] in counting
        and sum(each in counting for each in told_of[: verdicts + more]) >= verdicts
    )  # fmt: skip
    assert decide(declared, levels(*told), None, NOON).start == wanted


# --- starting ---------------------------------------------------------------------------------------------------------


class Place:
    """A model whose looks come every hour."""

    def __init__(self, policy: str = "when: alert", **declared: str) -> None:
        self.house, self.looks, self.spec = House(), MemoryLooks(), spec(policy, **declared)
        self.house.add_version("wine", 3)
        self.labels = MemoryLabels(self.house.journal)
        self.now, self.number, self.serves = NOON, 0, None
        """The release of each look, unless another serves by now."""

    serves: int | None

    @property
    def workflow(self) -> MemoryWorkflow:
        return self.house.workflow

    def look(self, level: Level, **facts: Any) -> Look:
        self.number, self.now = self.number + 1, self.now + HOUR
        told = look(f"monitor_{self.number}", level, at=self.now, **facts)
        self.looks.append(told)
        return told

    def retrain(self, told: Look, now: datetime | None = None) -> Retrained:
        return retrain(
            told, self.spec, self.looks, self.house.data, self.workflow, now or self.now, self.labels,
            serves=self.serves or told.version,
        )  # fmt: skip

    def sees(self, level: Level, **facts: Any) -> Retrained:
        return self.retrain(self.look(level, **facts))


def test_a_release_that_serves_no_more_is_not_trained_for() -> None:
    place = Place("when: alert, verdicts: 1, of_last: 1")
    seen = place.look("alert", version=4)
    place.serves = 5
    assert place.retrain(seen).run is None
    assert place.workflow.runs == {}
    place.serves = 4
    assert place.retrain(seen).run is not None


def test_enough_bad_verdicts_start_one_training_on_the_newest_data() -> None:
    place = Place()
    assert place.sees("alert").run is None
    found = place.sees("alert")
    (run,) = place.workflow.runs.values()
    assert found.run == run.name
    assert (run.input["dataset"], run.input["model"], run.input["upload"]) == (3, "wine", None)
    assert found.because == (
        "2 of the last 2 looks at this release said alert. The training "
        f"{run.name} began, on the newest data, dataset version 3."
    )
    assert place.sees("alert").run is None
    assert len(place.workflow.runs) == 1


def test_a_look_whose_row_is_not_in_the_table_yet_counts_itself() -> None:
    place = Place("when: alert, verdicts: 1, of_last: 1")
    assert place.retrain(look("monitor_x", "alert")).run is not None


def test_a_new_release_is_judged_by_its_own_looks() -> None:
    place = Place()
    place.sees("alert", version=3)
    assert place.sees("alert", version=4).run is None
    # … and so is an old one that serves again.
    assert place.sees("alert", version=3).run is None
    assert place.sees("alert", version=3).run is not None


def test_comparisons_neither_count_nor_start_anything() -> None:
    place = Place("when: alert, verdicts: 2, of_last: 2")
    place.sees("alert")
    assert place.sees("alert", kind="compare").run is None
    assert place.workflow.runs == {}
    assert place.sees("alert").run is not None


def test_a_task_that_is_done_again_starts_the_same_training() -> None:
    place = Place("when: alert, verdicts: 1, of_last: 1, wait_hours: 0")
    told = place.look("alert")
    runs = {place.retrain(told, place.now + hours * HOUR).run for hours in (0, 0, 30)}
    assert len(runs) == len(place.workflow.runs) == 1


def test_a_training_that_could_not_be_started_is_started_by_the_retry(monkeypatch: pytest.MonkeyPatch) -> None:
    place = Place("when: alert, verdicts: 1, of_last: 1")
    told = place.look("alert")

    def away(name: str, payload: Mapping[str, Any]) -> None:
        raise Unavailable("Step Functions is away")

    with monkeypatch.context() as patch:
        patch.setattr(place.workflow, "start", away)
        with pytest.raises(Unavailable):
            place.retrain(told)
    assert place.retrain(told).run == training_run(told)
    assert list(place.workflow.runs) == [training_run(told)]


def test_a_training_that_was_never_started_makes_nobody_wait() -> None:
    place = Place("when: alert, verdicts: 1, of_last: 1, wait_hours: 48")
    nothing = place.house.data
    place.house.data = type(nothing)()  # no data to train on
    found = place.sees("alert")
    assert found.run is None
    assert "No training could begin" in found.because
    for each in nothing.list("datasets/"):
        place.house.data.put(each.key, nothing.read(each.key).content)
    assert place.sees("alert").run is not None


def test_while_a_training_runs_or_waits_for_a_person_no_other_starts() -> None:
    place = Place("when: alert, verdicts: 1, of_last: 1, wait_hours: 0")
    first = place.sees("alert").run
    assert first is not None
    found = place.sees("alert")
    assert found.run is None
    assert f"{first} trains already" in found.because
    place.workflow.end(first, "failed")
    assert place.sees("alert").run is not None


def test_a_training_that_the_clock_started_counts_as_one_that_nobody_asked_for() -> None:
    place = Place("when: alert, verdicts: 1, of_last: 1, wait_hours: 5, every_hours: 24")
    run = scheduled_run("wine", 24, place.now + HOUR)
    place.workflow.start(run, {})
    place.workflow.end(run, "succeeded")
    place.workflow.runs[run] = replace(place.workflow.runs[run], started_at=NOON)
    assert [bool(place.sees("alert").run) for _ in range(5)] == [False] * 4 + [True]


def test_a_run_that_is_dated_ahead_makes_nobody_wait_for_that_long() -> None:
    place = Place("when: alert, verdicts: 1, of_last: 1, wait_hours: 2, every_hours: 24")
    run = scheduled_run("wine", 24, place.now + HOUR)
    place.workflow.start(run, {})
    place.workflow.end(run, "succeeded")
    place.workflow.runs[run] = replace(place.workflow.runs[run], started_at=NOON + 1000 * HOUR)
    found = place.sees("alert")
    assert "after 2026-11-21 15:00 UTC" in found.because


def test_looks_that_end_at_once_start_one_training() -> None:
    place = Place("when: alert, verdicts: 1, of_last: 1, wait_hours: 0")
    place.house.data = AtomicBucket(place.house.data)
    told = [look(f"monitor_{number}", "alert", at=NOON + number * HOUR / 60) for number in range(8)]
    barrier, found = Barrier(len(told)), list[Retrained]()

    def tell(each: Look) -> None:
        barrier.wait()
        found.append(place.retrain(each))

    threads = [Thread(target=tell, args=(each,)) for each in told]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sum(each.run is not None for each in found) == len(place.workflow.runs) == 1


def test_a_claim_of_a_moment_ago_keeps_others_from_starting_another(monkeypatch: pytest.MonkeyPatch) -> None:
    place = Place("when: alert, verdicts: 1, of_last: 1, wait_hours: 0")
    first, second = place.look("alert"), place.look("alert")
    found: list[Retrained] = []
    start = place.workflow.start

    def meanwhile(name: str, payload: Mapping[str, Any]) -> None:
        monkeypatch.setattr(place.workflow, "start", start)
        found.append(place.retrain(second))
        start(name, payload)

    monkeypatch.setattr(place.workflow, "start", meanwhile)
    found.append(place.retrain(first))
    assert [each.run is None for each in found] == [True, False]
    assert "starts a training right now" in found[0].because


def test_runs_are_named_so_that_they_can_be_started_and_two_models_have_two() -> None:
    names = {training_run(look("monitor_1", model=model)) for model in ("wine", "beer")}
    assert len(names) == 2
    assert all(re.fullmatch(RUN_PATTERN, name) for name in names)


def test_a_claim_that_nobody_can_read_is_told() -> None:
    place = Place("when: alert, verdicts: 1, of_last: 1")
    place.house.data.put(claim_key("wine"), b"?")
    with pytest.raises(Unavailable, match="put back its former version"):
        place.sees("alert")


# --- what was predicted, as data --------------------------------------------------------------------------------------

JOURNAL = "when: alert, verdicts: 1, of_last: 1, wait_hours: 0, journal: true"


class Journal(Place):
    """With predictions, of which the truth of some is known."""

    def __init__(self, columns: str = COLUMNS, more: str = "") -> None:
        super().__init__(JOURNAL, columns=columns, more=more)

    def predict(
        self, number: int, *rows: Mapping[str, Any], at: datetime = NOON - 3 * HOUR, ids: Sequence[str | None] = (),
        kind: Kind = "online", suffix: str = "",
    ) -> None:  # fmt: skip
        told = [
            JournalRow(id=(ids or [None] * len(rows))[place], version=4, features=dict(row), prediction="red")
            for place, row in enumerate(rows)
        ]
        record = JournalRecord(
            event_id=event(number) + suffix, model="wine", at=at, status=200, duration_ms=1, caller="c",
            correlation_id="x", kind=kind, rows=tuple(told),
        )  # fmt: skip
        self.house.journal.append([record])

    def learn(self, number: int, truth: Truth, row: int | None = None, at: datetime = NOON - 2 * HOUR) -> None:
        name = label_id_of(place_of("wine", event(number), None), (row, truth, at))
        label = Label(
            label_id=name, model="wine", event_id=event(number), row=row, label=truth, received_at=at, source="key"
        )
        self.labels.append([label])

    def uploads(self) -> list[list[dict[str, Any]]]:
        """What lies in the inbox, the oldest file first."""
        keys = [each.key for each in self.house.data.list("inbox/wine/")]
        files = [gzip.decompress(self.house.data.read(key).content).decode() for key in keys]
        return [[json.loads(line) for line in file.splitlines()] for file in files]


def event(number: int) -> str:
    return f"0190a000-{number:04}-7000-8000-000000000000"


def row(weight: float = 1.5) -> dict[str, Any]:
    return {"weight": weight, "place": "north"}


def test_predictions_whose_truth_is_known_become_an_upload_that_starts_the_training() -> None:
    place = Journal()
    place.predict(1, row(1), row(2))
    place.predict(2, row(3))  # nobody said what was true
    place.learn(1, "white", 0)
    place.learn(1, "red", 1)
    told = place.look("alert")
    found = place.retrain(told)
    key = f"inbox/wine/journal-{told.run}.jsonl.gz"
    version = next(each.version for each in place.house.data.versions(key))
    (rows,) = place.uploads()
    assert sorted(rows, key=lambda each: each["weight"]) == [
        {"weight": 1, "place": "north", "y": "white"}, {"weight": 2, "place": "north", "y": "red"},
    ]  # fmt: skip
    assert list(place.workflow.runs) == [found.run] == [run_of_upload(key, version)]
    assert place.workflow.runs[str(found.run)].input["upload"] == {"key": key, "version": version}
    assert "the newest data and 2 labelled predictions" in found.because


def test_doing_it_again_makes_neither_another_file_nor_another_training() -> None:
    place = Journal()
    place.predict(1, row())
    place.learn(1, "white")
    told = place.look("alert")
    runs = {place.retrain(told, place.now + hours * HOUR).run for hours in (0, 1)}
    place.labels.joined = None  # type: ignore[method-assign, assignment]  # nobody has to ask again
    place.predict(2, row())
    place.learn(2, "white", at=place.now)
    runs.add(place.retrain(told, place.now + 2 * HOUR).run)
    assert len(runs) == len(place.workflow.runs) == len(place.uploads()) == 1


def test_each_truth_is_added_once_however_late_it_comes() -> None:
    place = Journal()
    for number in range(4):
        place.predict(number, row(number))
    place.learn(0, "red")
    place.learn(1, "red", at=NOON + 58 * HOUR / 60)  # a moment before the look: it may still come in elsewhere
    first = place.sees("alert").run
    place.workflow.end(str(first), "succeeded")
    place.learn(2, "white", at=NOON + 61 * HOUR / 60)  # of an old prediction
    place.sees("alert")
    assert [sorted(each["weight"] for each in file) for file in place.uploads()] == [[0], [1, 2]]


def test_what_was_not_added_for_lack_of_rows_is_added_the_next_time() -> None:
    place = Journal(more="quality: {minimum_rows: 2}")
    place.predict(0, row(0))
    place.learn(0, "red")
    found = place.sees("alert")
    assert "1 are new, 2 are the least" in found.because
    assert place.workflow.runs[str(found.run)].input["dataset"] == 3
    place.workflow.end(str(found.run), "succeeded")
    place.predict(1, row(1))
    place.learn(1, "red", at=NOON + HOUR)
    place.sees("alert")
    assert sorted(each["weight"] for each in place.uploads()[0]) == [0, 1]


def test_what_shadows_repeat_is_added_once() -> None:
    place = Journal()
    place.predict(1, row())
    place.predict(1, row(), kind="shadow", suffix="-shadow")
    place.learn(1, "white")
    place.sees("alert")
    assert [len(each) for each in place.uploads()] == [1]


def test_what_was_said_otherwise_later_does_not_stand_there_twice() -> None:
    place = Journal()
    place.predict(1, row())
    place.learn(1, "white")
    place.workflow.end(str(place.sees("alert").run), "succeeded")
    place.learn(1, "red", at=NOON + HOUR)
    place.predict(2, row(9), at=NOON + 57 * HOUR / 60)
    place.learn(2, "white", at=NOON + 62 * HOUR / 60)
    place.learn(2, "red", at=NOON + 63 * HOUR / 60)  # corrected before it was ever added
    place.now += HOUR
    place.sees("alert")
    assert [[(each["weight"], each["y"]) for each in file] for file in place.uploads()] == [
        [(1.5, "white")], [(9, "red")],
    ]  # fmt: skip


WITH_ID = "{y: {type: category}, weight: {type: number}, id: {type: text, required: true, unique: true}}"


def test_rows_keep_their_ids_or_get_one_of_their_own_and_each_stands_there_once() -> None:
    place = Journal(columns=WITH_ID, more="id: id")
    place.predict(1, {"weight": 1}, {"weight": 2}, ids=["a", None])
    place.predict(2, {"weight": 3}, ids=["a"], at=NOON - 2 * HOUR)  # the same case, later
    for number, at in ((1, 0), (1, 1), (2, 0)):
        place.learn(number, "red", at)
    place.sees("alert")
    assert {each["id"]: each["weight"] for each in place.uploads()[0]} == {"a": 3, f"{event(1)}-1": 2}
    assert len(place.uploads()[0]) == 2


def test_when_a_row_was_predicted_is_when_it_came_about_if_nothing_else_is_known() -> None:
    columns = "{y: {type: category}, weight: {type: number}, day: {type: time, required: true}}"
    place = Journal(columns=columns, more="time: day")
    place.predict(1, {"weight": 1}, {"weight": 2, "day": "2020-01-01"})
    place.learn(1, "red", 0)
    place.learn(1, "red", 1)
    place.sees("alert")
    assert {each["weight"]: each["day"] for each in place.uploads()[0]} == {
        1: "2026-11-21T09:00:00+00:00", 2: "2020-01-01"
    }  # fmt: skip


def test_nothing_personal_and_nothing_undeclared_is_added() -> None:
    columns = "{y: {type: category}, weight: {type: number}, name: {type: text, personal: true}}"
    place = Journal(columns=columns)
    place.predict(1, {"weight": 1, "name": "pseudonym-0190", "other": 7, "more": {"a": 1}})
    place.learn(1, "red")
    place.sees("alert")
    assert place.uploads() == [[{"weight": 1, "y": "red"}]]


@pytest.mark.parametrize(
    ("columns", "more", "why"),
    [
        ("name: {type: text, personal: true, required: true}", "", "name is required, and personal"),
        ("name: {type: text, personal: true}", "group: name", "name, which tells cases apart, is personal"),
        ("name: {type: text, personal: true}", "id: name", "name, which tells cases apart, is personal"),
        ("shop: {type: text, required: true}", "", "0 are new, 1 are the least; 1 lack a column that is required"),
    ],
)
def test_where_rows_would_not_be_whole_the_newest_data_does_and_people_hear_why(
    columns: str, more: str, why: str
) -> None:
    place = Journal(columns=f"{{y: {{type: category}}, weight: {{type: number}}, {columns}}}", more=more)
    place.predict(1, {"weight": 1, "name": "pseudonym-0190"}, ids=["pseudonym-0190"])
    place.learn(1, "red")
    found = place.sees("alert")
    assert why in found.because
    assert place.uploads() == []
    assert place.workflow.runs[str(found.run)].input["dataset"] == 3


@pytest.mark.parametrize("page", [1, 2, 3, 5, 100])
def test_however_many_are_read_at_once_all_are_added(page: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(labelled, "_PAGE", page)
    place = Journal()
    for number in range(12):
        # One row a call, so that no page is smaller than what came at one moment.
        place.predict(number, row(number), at=NOON - timedelta(hours=24 * number + 3))
        place.learn(number, "red")
    place.sees("alert")
    assert [each["weight"] for each in place.uploads()[0]] == list(range(12))


def test_calls_of_many_rows_are_whole_across_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(labelled, "_PAGE", 5)
    place = Journal()
    for number in range(6):
        place.predict(number, *(row(10 * number + at) for at in range(3)), at=NOON - timedelta(hours=24 * number + 3))
        for at in range(3):
            place.learn(number, "red", at)
    place.sees("alert")
    (found,) = place.uploads()
    assert sorted(each["weight"] for each in found) == [10 * number + at for number in range(6) for at in range(3)]


def test_only_so_many_are_added_the_newest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(labelled, "_MOST_ROWS", 4)
    place = Journal()
    for number in range(9):
        place.predict(number, row(number), at=NOON - timedelta(hours=number + 3))
        place.learn(number, "red")
    place.sees("alert")
    assert [each["weight"] for each in place.uploads()[0]] == [0, 1, 2, 3]


@pytest.mark.parametrize("more", ["dataset: {mode: replace}", "training: {on_upload: false}"])
def test_a_declaration_that_could_not_train_on_them_is_refused(more: str) -> None:
    with pytest.raises(Invalid, match=r"retrain\.journal"):
        spec(JOURNAL, more=more)
