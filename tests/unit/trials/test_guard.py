"""A challenger that breaks its limits is withdrawn; one that was unlucky once is not."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gyre.errors import Unavailable
from gyre.journal.record import JournalRecord
from gyre.journal.table import Window
from gyre.registry.moves import promote, retire, withdraw
from gyre.registry.releases import pointer, pointer_key
from gyre.registry.traffic import send_traffic
from gyre.spec.policy import Trial
from gyre.spec.versions import add_spec
from gyre.trials.guard import ACTOR, Watched, broken, end_failing_trials
from gyre.trials.sides import sides
from tests.fakes.errands import MemoryErrands
from tests.fakes.journal import MemoryJournal
from tests.fakes.notices import MemoryNotices
from tests.fakes.objects import MemoryBucket
from tests.unit.registry.house import ANNA, Meddled, registered, release, released
from tests.unit.trials.trial_calls import call, explained, failure, record, refusal, served, shadow

LIMITS = Trial()


def why(records: Iterable[JournalRecord], **limits: Any) -> str | None:
    return broken(Trial(**limits), sides(list(records), 1, 2))


# --- faults -----------------------------------------------------------------------------------------------------------


def test_one_early_fault_ends_no_trial() -> None:
    assert why([failure()]) is None
    assert why([*(call(2) for _ in range(49)), failure()]) is None
    assert why([*(call(2) for _ in range(96)), *(failure() for _ in range(4))]) is None


def test_faults_beyond_the_limit_end_it_as_soon_as_that_is_certain() -> None:
    assert why([failure() for _ in range(49)]) is None
    assert why([failure() for _ in range(50)]) == "Version 2 failed on 50 of 50 rows (100 %); 2 % is the limit."
    told = why([*(call(2) for _ in range(90)), *(failure() for _ in range(10))])
    assert told == "Version 2 failed on 10 of 100 rows (10 %); 2 % is the limit."
    assert why([*(call(2) for _ in range(90)), *(failure() for _ in range(10))], faults=0.1) is None
    assert why([failure() for _ in range(500)], faults=None) is None


def test_one_large_call_ends_no_trial() -> None:
    """Given a moment in which S3 does not answer, or one caller's mistake, when a thousand rows of a call are lost,
    then that is one fault; when it happens again and again, it is the challenger's."""
    others = [call(version, *["red"] * 100) for version in (1, 2) for _ in range(10)]
    assert why([*others, failure(1_000), failure(1_000)]) is None
    assert "failed on 3,000 of 4,000" in str(why([*others, *(failure(1_000) for _ in range(3))]))
    assert why([*others, refusal(2, 1_000), refusal(2, 1_000)]) is None
    assert "refused 3,000 of 4,000" in str(why([*others, *(refusal(2, 1_000) for _ in range(3))]))


def test_a_challenger_within_its_limit_is_seldom_ended_by_chance() -> None:
    """Given shares that are the limit itself, the interval holds it: nothing is certain."""
    for rows in (50, 200, 1_000, 5_000):
        bad = round(rows * LIMITS.faults) if LIMITS.faults else 0
        assert why([*(failure() for _ in range(bad)), *(call(2) for _ in range(rows - bad))]) is None


def test_a_failing_shadow_ends_the_trial_before_any_caller_meets_it() -> None:
    calls = [call(1) for _ in range(60)]
    lost = [record([served(2, 1, fault="no")], [], kind="shadow", event_id=f"{each.event_id}-shadow") for each in calls]
    assert why([*calls, *lost]) == "Version 2 failed on 60 of 60 rows (100 %); 2 % is the limit."


def test_what_callers_send_wrong_is_not_the_challengers_fault() -> None:
    """Given 3 in 10 calls that break a rule, whoever gets them."""
    both = [each for version in (1, 2) for each in [refusal(version)] * 30 + [call(version)] * 70]
    assert why(both) is None


def test_a_challenger_that_refuses_what_production_takes_is_ended() -> None:
    records = [*(call(1) for _ in range(200)), *(refusal(2) for _ in range(30)), *(call(2) for _ in range(70))]
    assert why(records) == (
        "Version 2 refused 30 of 100 rows (30 %), and production 0 of 200; 2 % is the limit."
    )  # fmt: skip


def test_without_production_beside_it_nobody_knows_whose_fault_a_refusal_is() -> None:
    assert why([*(call(1) for _ in range(49)), *(refusal(2) for _ in range(100))]) is None


# --- latency ----------------------------------------------------------------------------------------------------------


def timed(version: int, *times: float, repeated: int = 20) -> list[JournalRecord]:
    return [call(version, ms=ms) for ms in times for _ in range(repeated)]


def test_a_challenger_that_takes_many_times_as_long_is_ended() -> None:
    told = why([*timed(1, 8, 9, 10), *timed(2, 29, 33, 36)])
    assert told == (
        "Version 2 takes 36 ms a row at the 95th percentile, and production 10 ms (calls of one row, not explained); "
        "3 times as long is the limit."
    )
    assert why([*timed(1, 8, 9, 10), *timed(2, 28, 29, 30)]) is None
    assert why([*timed(1, 8, 9, 10), *timed(2, 29, 33, 36)], latency_ratio=4) is None
    assert why([*timed(1, 8, 9, 10), *timed(2, 29, 33, 36)], latency_ratio=None) is None


def test_a_few_slow_calls_end_no_trial() -> None:
    assert why([*timed(1, 8, 9, 10), *timed(2, 9, 10, 11), *timed(2, 500, repeated=5)]) is None


def test_what_nobody_notices_ends_no_trial() -> None:
    """Given a forest after a line: twenty times as long, and two milliseconds."""
    assert why([*timed(1, 0.1), *timed(1, 0.1), *timed(2, 2.0, 2.1, 2.2)]) is None
    many = [call(version, *["red"] * 100, ms=ms) for version, ms in ((1, 10.0), (2, 70.0)) for _ in range(60)]
    assert why(many) is not None  # 0.6 ms a row, but 60 ms a call


def test_fewer_rows_of_each_call_are_not_called_slow() -> None:
    """Given a challenger with a tenth of the rows of each call: a row costs more in a small call."""
    calls = [record([served(1, 90, 30.0), served(2, 10, 20.0)], [], status=200) for _ in range(100)]
    assert why(calls) is None


def test_explained_calls_are_not_held_against_those_that_are_not() -> None:
    slow = [record([served(2, 1, 300.0)], [explained(2)]) for _ in range(60)]
    assert why([*timed(1, 1.0, 1.1, 1.2), *slow]) is None


def test_a_shadow_is_timed_like_a_call() -> None:
    calls = timed(1, 10.0, 11.0, 12.0)
    assert why([*calls, *(shadow(each, "red", ms=90.0) for each in calls)]) is not None


def test_without_production_the_ratio_is_not_judged_and_the_milliseconds_are() -> None:
    alone = timed(2, 90, 95, 100)
    assert why(alone) is None
    assert why([*timed(1, 1, repeated=29), *alone]) is None
    assert why(alone, latency_ms=80) == (
        "Version 2 takes 100 ms a row at the 95th percentile; 80 ms is the limit."
    )  # fmt: skip
    assert why(alone, latency_ms=100) is None


# --- the whole look ---------------------------------------------------------------------------------------------------


class WatchedJournal(MemoryJournal):
    """Tells how often it was read, from when."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[str, datetime]] = []

    def window(self, model: str, since: datetime, limit: int) -> Window:
        self.asked.append((model, since))
        return super().window(model, since, limit)


@dataclass
class Stage:
    """A deployment whose clock stands a minute after the traffic was set."""

    artifacts: MemoryBucket = field(default_factory=lambda: released(3, 1))
    journal: WatchedJournal = field(default_factory=WatchedJournal)
    errands: MemoryErrands = field(default_factory=MemoryErrands)
    notices: MemoryNotices = field(default_factory=MemoryNotices)
    now: datetime = field(default_factory=lambda: datetime.now(UTC) + timedelta(minutes=1))

    def try_out(self, share: float = 0.1, model: str = "wine") -> None:
        send_traffic(model, 2, share, 0, self.artifacts, ANNA)

    def happen(self, *records: JournalRecord, ago: float = 0, **facts: Any) -> None:
        at = self.now - timedelta(seconds=ago)
        self.journal.append([each.model_copy(update={"at": at, **facts}) for each in records])

    def look(self) -> Watched:
        return end_failing_trials(self.now, self.journal, self.artifacts, self.errands, self.notices)

    def challenger(self, model: str = "wine") -> int | None:
        return pointer(model, self.artifacts).version("challenger")


@pytest.fixture
def stage() -> Stage:
    made = Stage()
    made.try_out()
    return made


FAILURES = [failure() for _ in range(60)]


def test_a_failing_challenger_is_withdrawn_mirrored_and_told(stage: Stage) -> None:
    stage.happen(*FAILURES)
    because = "Version 2 failed on 60 of 60 rows (100 %); 2 % is the limit."
    assert stage.look() == Watched(["wine"], {"wine": because})
    now = pointer("wine", stage.artifacts)
    assert (now.version("production"), now.version("challenger"), now.traffic) == (1, None, None)
    last = now.last
    assert (last.action, last.before, last.actor, last.reason) == ("withdraw", 2, ACTOR, because)
    assert stage.errands.sent == [("mirror", {"run": "mirror", "model": "wine"})]
    assert stage.notices.heard == [
        ("Gyre: the trial of wine was ended", {
            "kind": "trial_ended", "model": "wine", "version": 2, "production": 1, "because": because,
            "revision": now.revision,
        })
    ]  # fmt: skip


def test_it_is_ended_once(stage: Stage) -> None:
    stage.happen(*FAILURES)
    stage.look()
    assert stage.look() == Watched()
    assert (len(stage.notices.heard), len(stage.errands.sent)) == (1, 1)


def test_a_challenger_that_keeps_its_limits_goes_on(stage: Stage) -> None:
    stage.happen(*(call(version) for version in (1, 2) for _ in range(60)))
    assert stage.look() == Watched(["wine"])
    assert (stage.challenger(), stage.notices.heard, stage.errands.sent) == (2, [], [])


def test_where_nobody_is_on_trial_the_journal_is_not_read() -> None:
    stage = Stage()
    promote("wine", 2, stage.artifacts, ANNA, alias="challenger")
    stage.happen(*FAILURES)
    assert stage.look() == Watched()
    stage.try_out()
    withdraw("wine", stage.artifacts, ANNA)
    assert (stage.look(), stage.journal.asked) == (Watched(), [])


def test_what_came_before_the_traffic_was_set_does_not_count(stage: Stage) -> None:
    stage.happen(*FAILURES, ago=120)
    assert stage.look().withdrawn == {}
    since = pointer("wine", stage.artifacts).traffic
    assert since is not None and stage.journal.asked == [("wine", since.since)]


def test_it_is_looked_as_far_back_as_the_spec_says(stage: Stage) -> None:
    add_spec(_spec("{window_minutes: 5, faults: 0.5}"), stage.artifacts)
    stage.now += timedelta(hours=1)
    stage.happen(*FAILURES, ago=301)
    stage.happen(*(call(2) for _ in range(60)), ago=10)
    assert stage.look().withdrawn == {}
    assert stage.journal.asked == [("wine", stage.now - timedelta(minutes=5))]
    stage.happen(*(failure() for _ in range(200)), ago=299)
    assert "50 % is the limit" in stage.look().withdrawn["wine"]


def test_another_models_calls_count_for_that_model(stage: Stage) -> None:
    for version in (1, 2):
        registered("beer", version, stage.artifacts)
    promote("beer", 1, stage.artifacts, ANNA)
    stage.try_out(model="beer")
    stage.happen(*FAILURES, model="beer")
    stage.happen(*(call(2) for _ in range(60)))
    found = stage.look()
    assert (found.on_trial, list(found.withdrawn)) == (["beer", "wine"], ["beer"])
    assert (stage.challenger("beer"), stage.challenger()) == (None, 2)


def test_a_model_that_cannot_be_judged_hides_no_other(stage: Stage) -> None:
    for version in (1, 2):
        registered("ale", version, stage.artifacts)
    promote("ale", 1, stage.artifacts, ANNA)
    stage.try_out(model="ale")
    stage.artifacts.put("specs/ale/00000001.yaml", b"model: ale\n")
    stage.artifacts.put(pointer_key("zider"), b"{")
    stage.happen(*FAILURES)
    found = stage.look()
    assert list(found.withdrawn) == ["wine"]
    assert set(found.faults) == {"ale", "zider"}
    assert stage.challenger("ale") == 2


def test_a_journal_that_is_down_ends_no_trial_and_is_told(stage: Stage) -> None:
    stage.journal.down = True
    found = stage.look()
    assert (found.withdrawn, list(found.faults), stage.challenger()) == ({}, ["wine"], 2)


def test_a_trial_is_ended_although_nobody_can_be_told(stage: Stage) -> None:
    stage.notices.failure, stage.errands.failure = Unavailable("SNS is away."), Unavailable("Lambda is away.")
    stage.happen(*FAILURES)
    found = stage.look()
    assert (stage.challenger(), list(found.withdrawn)) == (None, ["wine"])
    assert "SNS is away. Lambda is away. POST /models/wine/mirror" in found.faults["wine"]


def test_of_two_that_hear_of_it_one_hears_though_the_other_cannot(stage: Stage) -> None:
    stage.notices.failure = Unavailable("SNS is away.")
    stage.happen(*FAILURES)
    stage.look()
    assert len(stage.errands.sent) == 1


def test_a_person_who_is_faster_is_not_overruled() -> None:
    """Given somebody who puts another version on trial while the former one is judged."""
    stage = Stage(artifacts=Meddled())
    for version in (1, 2, 3):
        registered("wine", version, stage.artifacts)
    promote("wine", 1, stage.artifacts, ANNA)
    stage.try_out()
    stage.happen(*FAILURES)
    assert isinstance(stage.artifacts, Meddled)
    stage.artifacts.before("moves/", lambda: send_traffic("wine", 3, 0.2, 0, stage.artifacts, ANNA) and None)
    found = stage.look()
    assert (found.withdrawn, stage.challenger(), stage.notices.heard) == ({}, 3, [])
    assert "anna did it" in found.faults["wine"] or "older state" in found.faults["wine"]


def test_a_model_that_was_never_declared_has_the_usual_limits(stage: Stage) -> None:
    stage.happen(*FAILURES[:49])
    assert stage.look().withdrawn == {}
    stage.happen(FAILURES[49])
    assert list(stage.look().withdrawn) == ["wine"]


def test_other_moves_do_not_begin_the_trial_anew(stage: Stage) -> None:
    retire("wine", 3, stage.artifacts, ANNA)
    stage.happen(*FAILURES, ago=30)
    assert list(stage.look().withdrawn) == ["wine"]


def test_a_promotion_meanwhile_leaves_the_trial_to_be_judged_against_what_serves_now(stage: Stage) -> None:
    release("wine", 4, stage.artifacts)
    stage.happen(*(call(4, ms=10) for _ in range(60)), *(call(2, ms=90) for _ in range(60)))
    assert "production 10 ms" in stage.look().withdrawn["wine"]


def _spec(trial: str) -> bytes:
    columns = "columns: {y: {type: boolean}, x: {type: number}}"
    return f"model: wine\ntask: binary\ntarget: y\n{columns}\nrelease: {{trial: {trial}}}\n".encode()
