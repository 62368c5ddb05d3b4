"""What people hear of a model, and what they do not."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from gyre.errors import TooManyRequests, Unavailable
from gyre.monitoring.acting.incident import Links, Told, incident_key, incident_of, notices_of, tell
from gyre.monitoring.acting.notice import headline
from gyre.monitoring.found import Finding, Level, Look
from gyre.objects import Written
from gyre.spec.check import read_spec
from gyre.spec.model import ModelSpec
from tests.fakes.notices import MemoryNotices
from tests.fakes.objects import MemoryBucket
from tests.unit.monitoring.look_parts import HOUR, NOON, AtomicBucket, finding, full_look, look

SPEC = "model: wine\ntask: binary\ntarget: y\ncolumns: {y: {type: boolean}, weight: {type: number}}\n"
ALERT = finding("realised_performance", None, "alert")


def spec(cool_down_hours: float = 24) -> ModelSpec:
    return read_spec(f"{SPEC}monitoring: {{cool_down_hours: {cool_down_hours}}}\n".encode())


class Place:
    """A model, those who hear of it, and a clock."""

    def __init__(self, data: MemoryBucket | None = None, cool_down_hours: float = 24) -> None:
        self.data, self.notices, self.spec = data or MemoryBucket(), MemoryNotices(), spec(cool_down_hours)
        self.runs, self.now = 0, NOON

    def look(self, level: Level, *findings: Finding, hours: float = 1, **facts: Any) -> Look:
        """The next one."""
        self.runs, self.now = self.runs + 1, self.now + hours * HOUR
        wanted = findings or {"warn": (finding(),), "alert": (ALERT,)}.get(level, ())
        return look(f"monitor_{self.runs}", level, wanted, self.now, **facts)

    def tell(self, told: Look, now: datetime | None = None) -> Told:
        return tell(told, self.spec, self.data, self.notices, Links("https://api.example/"), now or self.now)

    def sees(self, level: Level, *findings: Finding, hours: float = 1) -> str:
        return self.tell(self.look(level, *findings, hours=hours)).action

    @property
    def subjects(self) -> list[str]:
        return [subject.removeprefix("Gyre: wine: ") for subject, _ in self.notices.heard]


# --- what is told -----------------------------------------------------------------------------------------------------


def test_where_nothing_is_wrong_nobody_hears_anything() -> None:
    place = Place()
    assert [place.sees("ok"), place.sees("not enough data"), place.sees("ok")] == ["none"] * 3
    assert (place.subjects, incident_of("wine", place.data), notices_of("wine", place.data)) == ([], None, [])


def test_an_incident_is_told_once_and_so_is_its_end() -> None:
    place = Place()
    actions = [place.sees(level) for level in ("warn", "warn", "warn", "ok", "ok")]
    assert actions == ["opened", "silent", "silent", "recovered", "none"]
    assert place.subjects == ["warn: weight moved", "recovered"]
    assert incident_of("wine", place.data) is None


def test_too_little_data_neither_ends_an_incident_nor_begins_another() -> None:
    place = Place()
    assert [place.sees(level) for level in ("warn", "not enough data", "warn")] == ["opened", "none", "silent"]
    incident = incident_of("wine", place.data)
    assert incident is not None
    assert incident.opened_at == NOON + HOUR


def test_what_gets_worse_is_told_at_once() -> None:
    place = Place()
    seen = [
        place.sees("warn"),
        place.sees("warn", finding(), finding(column="age")),  # one more of the same kind
        place.sees("warn", finding(), finding("missing", "age")),  # another kind
        place.sees("alert", finding(severity="alert")),
        place.sees("warn", finding("missing", "age")),  # known
        place.sees("alert", finding(severity="alert")),  # and so is this
    ]
    assert seen == ["opened", "silent", "worse", "worse", "silent", "silent"]
    incident = incident_of("wine", place.data)
    assert incident is not None
    assert incident.codes == incident.told_codes == ("drift:age", "drift:weight", "missing:age")
    assert place.subjects[1:] == ["worse: warn: weight moved, age is missing more often", "worse: alert: weight moved"]


def test_what_goes_on_is_told_again_after_the_cool_down() -> None:
    place = Place(cool_down_hours=10)
    seen = [place.sees("warn", hours=4) for _ in range(8)]
    assert seen == ["opened", "silent", "silent", "reminder", "silent", "silent", "reminder", "silent"]
    assert place.subjects[1] == "still warn: weight moved"


def test_notes_are_no_reason_to_speak() -> None:
    place = Place()
    place.sees("warn")
    assert place.sees("warn", finding(), finding("constant", "age", "note")) == "silent"


def test_a_comparison_that_somebody_asked_for_tells_nobody() -> None:
    place = Place()
    assert place.tell(place.look("alert", ALERT, kind="compare")).action == "none"
    assert (place.subjects, [*place.data.list("")]) == ([], [])


def test_a_notice_tells_what_where_and_what_next() -> None:
    place = Place()
    told = place.tell(full_look("monitor_7", NOON, verdict=full_look().verdict))
    ((subject, message),) = place.notices.heard
    assert subject == "Gyre: wine: alert: f1 macro fell, weight moved"
    assert {name: message[name] for name in ("kind", "severity", "action", "model", "version", "run")} == {
        "kind": "monitoring_alert", "severity": "alert", "action": "opened", "model": "wine", "version": 4,
        "run": "monitor_7",
    }  # fmt: skip
    assert message["findings"] == ["None realised_performance told in words", "weight drift told in words"]
    assert message["report"] == "https://api.example/reports/wine/monitor_7"
    assert message["release"] == "https://api.example/models/wine/versions/4"
    assert message["window"] == {
        "rows": 500, "from": (NOON - 24 * HOUR).isoformat(), "to": NOON.isoformat(), "labelled": 40
    }  # fmt: skip
    assert told.incident is not None
    assert (told.incident.told_at, told.incident.told_level) == (NOON, "alert")


def test_a_recovery_says_that_it_is_one_and_since_when_it_was() -> None:
    place = Place()
    place.sees("alert")
    place.sees("ok")
    message = place.notices.heard[-1][1]
    assert (message["kind"], message["severity"]) == ("monitoring_recovered", "ok")
    assert (message["since"], message["findings"]) == ((NOON + HOUR).isoformat(), [])


def test_only_the_first_findings_are_told_and_how_many_more_there_are() -> None:
    place = Place()
    place.sees("warn", *(finding(column=f"column {number}") for number in range(40)))
    subject, message = place.notices.heard[0]
    assert (len(message["findings"]), message["more_findings"]) == (5, 35)
    assert len(subject) <= 99
    assert subject == "Gyre: wine: warn: column 0 moved, column 1 moved, column 2 moved, column 3 moved and 36 more"


@pytest.mark.parametrize("room", [10, 60, 99])
def test_a_headline_is_one_even_where_there_is_hardly_room(room: int) -> None:
    said = headline(look(level="warn", findings=[finding(column="x" * 500), finding("unheard_of", "{}")]), room)
    assert said.startswith("x" * 21 + "... moved")
    assert len(said) < 60


def test_without_an_address_links_are_paths() -> None:
    assert Links().report("wine", "r") == "/reports/wine/r"


# --- once, and not lost -----------------------------------------------------------------------------------------------


def test_a_task_that_is_done_again_tells_nobody_twice() -> None:
    place = Place(cool_down_hours=1)
    first = place.look("alert")
    told = [place.tell(first, place.now + hours * HOUR).action for hours in (0, 0, 5)]
    assert (told, len(place.subjects)) == (["opened"] * 3, 1)
    over = place.look("ok")
    assert [place.tell(over).action for _ in range(3)] == ["recovered"] * 3
    assert len(place.subjects) == 2


def test_a_notice_that_was_refused_is_told_by_the_retry_or_by_the_next_look() -> None:
    place = Place()
    first = place.look("warn")
    place.notices.failure = Unavailable("SNS is away")
    for _ in range(2):
        with pytest.raises(Unavailable):
            place.tell(first)
    incident = incident_of("wine", place.data)
    assert incident is not None
    assert (incident.told_at, notices_of("wine", place.data)) == (None, [])
    place.notices.failure = None
    assert place.sees("warn") == "opened"
    # The retry comes late; what it had to tell was told.
    assert place.tell(first).action == "none"
    assert len(place.subjects) == 1


def test_an_incident_of_which_nobody_heard_ends_in_silence() -> None:
    place = Place()
    place.notices.failure = TooManyRequests("slower")
    with pytest.raises(TooManyRequests):
        place.sees("warn")
    place.notices.failure = None
    assert place.sees("ok") == "none"
    assert place.subjects == []


def test_a_recovery_that_was_refused_is_told_by_the_next_look() -> None:
    place = Place()
    place.sees("warn")
    place.notices.failure = Unavailable("SNS is away")
    with pytest.raises(Unavailable):
        place.sees("ok")
    place.notices.failure = None
    assert [place.sees("ok"), place.sees("ok")] == ["recovered", "none"]


def test_an_older_look_that_ends_later_changes_nothing() -> None:
    place = Place()
    older = place.look("alert")
    place.sees("ok")
    assert place.tell(older).action == "none"
    assert (place.subjects, incident_of("wine", place.data)) == ([], None)


class Died(Exception):
    """A function that is ended in the middle of its work."""


class Interrupted(MemoryNotices):
    """Something happens while people are being told, before or after they hear it."""

    def __init__(self) -> None:
        super().__init__()
        self.before: Any = None
        self.after: Any = None

    def tell(self, subject: str, message: Mapping[str, Any]) -> None:
        for happens in (self.before, lambda: super(Interrupted, self).tell(subject, message), self.after):
            if happens:
                happens()


def dies() -> None:
    raise Died


def test_two_looks_at_one_moment_tell_once() -> None:
    place, notices = Place(), Interrupted()
    one, other = place.look("alert"), look("monitor_other", "alert", [ALERT], NOON + HOUR)
    seen: list[str] = []

    def meanwhile() -> None:
        notices.before = None
        seen.append(tell(other, place.spec, place.data, notices, Links(), place.now).action)

    notices.before = meanwhile
    seen.append(tell(one, place.spec, place.data, notices, Links(), place.now).action)
    assert (seen, len(notices.heard)) == (["silent", "opened"], 1)
    assert [each.run for each in notices_of("wine", place.data)] == ["monitor_1"]


def test_many_looks_at_one_moment_tell_once() -> None:
    place, barrier, seen = Place(AtomicBucket()), Barrier(8), list[str]()
    looks = [look(f"monitor_{number}", "alert", [ALERT], NOON) for number in range(8)]

    def tells(each: Look) -> None:
        barrier.wait()
        seen.append(place.tell(each).action)

    threads = [Thread(target=tells, args=(each,)) for each in looks]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(seen) == ["opened", *["silent"] * 7]
    assert len(place.subjects) == len(notices_of("wine", place.data)) == 1


@pytest.mark.parametrize("heard", [True, False])
def test_a_look_that_died_while_it_told_is_not_asked_again_and_the_next_one_tells(heard: bool) -> None:
    place, notices = Place(), Interrupted()
    place.notices = notices
    first = place.look("alert")
    setattr(notices, "after" if heard else "before", dies)
    with pytest.raises(Died):
        place.tell(first)
    notices.before = notices.after = None
    assert [place.tell(first, place.now + hours * HOUR).action for hours in (0, 5)] == ["silent"] * 2
    assert len(notices.heard) == heard
    assert place.sees("alert") == "opened"
    assert len(notices.heard) == heard + 1


def test_somebody_whose_word_was_taken_over_still_counts_as_heard() -> None:
    place, notices = Place(), Interrupted()
    slow, later = place.look("warn"), place.look("warn", hours=2)

    def meanwhile() -> None:
        notices.before = None
        tell(later, place.spec, place.data, notices, Links(), place.now)

    notices.before = meanwhile
    assert tell(slow, place.spec, place.data, notices, Links(), NOON + HOUR).action == "opened"
    assert [each.run for each in notices_of("wine", place.data)] == ["monitor_1", "monitor_2"]
    assert tell(slow, place.spec, place.data, notices, Links(), place.now).action == "opened"
    assert len(notices.heard) == 2


class Deaf(MemoryBucket):
    """Takes a conditional write, and loses its answer: it is repeated, and refused."""

    def write(
        self, key: str, content: bytes, *, content_type: str, replaces: str | None = None, new: bool = False
    ) -> Written:
        super().write(key, content, content_type=content_type, replaces=replaces, new=new)
        return super().write(key, content, content_type=content_type, replaces=replaces, new=new)


def test_a_write_whose_answer_was_lost_loses_no_notice() -> None:
    place = Place(Deaf())
    assert [place.sees(level) for level in ("warn", "alert", "ok")] == ["opened", "worse", "recovered"]
    assert len(place.subjects) == 3


def test_only_so_many_notices_are_kept_the_newest_first() -> None:
    place = Place(cool_down_hours=0)
    for _ in range(130):
        place.sees("warn")
    kept = notices_of("wine", place.data)
    assert (len(kept), kept[0].run, kept[-1].run) == (100, "monitor_130", "monitor_31")


def test_a_state_that_nobody_can_read_is_told_and_never_passed_over() -> None:
    place = Place()
    place.data.put(incident_key("wine"), b"{}{")
    with pytest.raises(Unavailable, match="put back its former version"):
        place.sees("warn")
    assert place.subjects == []


# --- any course of things ---------------------------------------------------------------------------------------------

LEVELS: st.SearchStrategy[Level] = st.sampled_from(["ok", "warn", "alert", "not enough data"])
KINDS = st.lists(st.sampled_from(["drift", "missing", "multivariate"]), min_size=1, max_size=3, unique=True)


class Course(RuleBasedStateMachine):
    """Looks with and without faults, failures of SNS, tasks that die, and tasks that are done again."""

    @initialize(cool_down=st.sampled_from([0, 3, 24]))
    def begins(self, cool_down: float) -> None:
        self.place = Place(cool_down_hours=cool_down)
        self.notices = self.place.notices = Interrupted()
        self.looks: list[Look] = []
        self.died: set[str] = set()
        self.cool_down = timedelta(hours=cool_down)

    @rule(level=LEVELS, kinds=KINDS, hours=st.sampled_from([0.25, 2, 30]), fate=st.sampled_from("....fda"))
    def sees(self, level: Level, kinds: list[str], hours: float, fate: str) -> None:
        severity = "alert" if level == "alert" else "warn"
        found = [finding(kind, "weight", severity) for kind in kinds] if level in ("warn", "alert") else []
        self.looks.append(self.place.look(level, *found, hours=hours))
        self._tells(self.looks[-1], fate)

    @precondition(lambda self: self.looks)
    @rule(back=st.integers(0, 3), fate=st.sampled_from("...fda"))
    def is_done_again(self, back: int, fate: str) -> None:
        self._tells(self.looks[-1 - min(back, len(self.looks) - 1)], fate)

    def _tells(self, told: Look, fate: str) -> None:
        """`f`: SNS refuses. `d`, `a`: the function dies, before or after it was heard."""
        before, open_ = len(self.notices.heard), incident_of("wine", self.place.data)
        self.notices.failure = Unavailable("away") if fate == "f" else None
        self.notices.before, self.notices.after = (dies if fate == each else None for each in "da")
        try:
            found = self.place.tell(told)
        except Unavailable:
            assert fate == "f"
            return
        except Died:
            self.died.add(told.run)
            return
        new = self.notices.heard[before:]
        newest = told is self.looks[-1]
        if found.action in ("silent", "none"):
            assert new == []
        if newest and fate == "." and told.verdict.level in ("warn", "alert") and found.action == "silent":
            # Silence needs a reason: people know, or this very look died while it told them.
            after = incident_of("wine", self.place.data)
            assert after is not None
            known = after.told_at is not None and self.place.now - after.told_at < max(self.cool_down, HOUR / 60)
            assert known or told.run in self.died
        if newest and told.verdict.level == "ok" and open_ and open_.told_at and told.run not in self.died:
            assert found.action == "recovered"
            assert incident_of("wine", self.place.data) is None

    @invariant()
    def nobody_hears_twice_of_one_run(self) -> None:
        runs = [message["run"] for _, message in getattr(self, "notices", MemoryNotices()).heard]
        assert len(runs) == len(set(runs))

    @invariant()
    def no_recovery_without_an_incident_and_none_twice(self) -> None:
        """Unless whoever told of it died before that could be noted: then it is told again, rather than never."""
        was_open = False
        for _, message in getattr(self, "notices", MemoryNotices()).heard:
            if message["action"] == "recovered":
                assert was_open
            was_open = message["action"] != "recovered" or message["run"] in self.died


TestCourse = Course.TestCase
TestCourse.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
