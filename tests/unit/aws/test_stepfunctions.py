"""Histories as Step Functions tells them, and the steps a caller is shown."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gyre.aws.stepfunctions import steps_of
from gyre.workflow import Step

START = datetime(2026, 11, 21, 9, tzinfo=UTC)
LAMBDA = {"resourceType": "lambda", "resource": "invoke"}


def at(second: int) -> datetime:
    return START + timedelta(seconds=second)


def history(*events: tuple[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """One event a second; what belongs to a kind stands under its own name, as in the API."""
    return [
        {"type": kind, "timestamp": at(second), "id": second + 1, "previousEventId": second, **details}
        for second, (kind, details) in enumerate(events)
    ]


def entered(name: str, kind: str = "Task") -> tuple[str, dict[str, Any]]:
    return f"{kind}StateEntered", {"stateEnteredEventDetails": {"name": name, "input": "{}"}}


def left(name: str, kind: str = "Task") -> tuple[str, dict[str, Any]]:
    return f"{kind}StateExited", {"stateExitedEventDetails": {"name": name, "output": "{}"}}


def failed(error: str | None = "Unavailable", cause: str | None = None) -> tuple[str, dict[str, Any]]:
    told = {name: value for name, value in (("error", error), ("cause", cause)) if value}
    return "TaskFailed", {"taskFailedEventDetails": {**LAMBDA, **told}}


def lambda_cause(message: str) -> str:
    return json.dumps({"errorMessage": message, "errorType": "Unavailable", "stackTrace": ["a", "b"]})


BEGIN: tuple[str, dict[str, Any]] = ("ExecutionStarted", {"executionStartedEventDetails": {"input": "{}"}})
SCHEDULED: tuple[str, dict[str, Any]] = ("TaskScheduled", {"taskScheduledEventDetails": LAMBDA})
STARTED: tuple[str, dict[str, Any]] = ("TaskStarted", {"taskStartedEventDetails": LAMBDA})
SUCCEEDED: tuple[str, dict[str, Any]] = ("TaskSucceeded", {"taskSucceededEventDetails": LAMBDA})
TIMED_OUT: tuple[str, dict[str, Any]] = (
    "TaskTimedOut",
    {"taskTimedOutEventDetails": {**LAMBDA, "error": "States.Timeout"}},
)
ATTEMPT = (SCHEDULED, STARTED)


def test_a_run_that_has_just_begun_has_no_steps() -> None:
    assert steps_of([]) == steps_of(history(BEGIN)) == ()


def test_a_step_runs_until_it_has_ended() -> None:
    running = steps_of(history(BEGIN, entered("Profile"), *ATTEMPT))
    assert running == (Step("Profile", "running", at(1)),)
    done = steps_of(history(BEGIN, entered("Profile"), *ATTEMPT, SUCCEEDED, left("Profile")))
    assert done == (Step("Profile", "succeeded", at(1), at(4)),)


RANGES = (entered("Predict all", "Map"), ("MapStateStarted", {}), ("MapRunStarted", {"mapRunStartedEventDetails": {}}))


@pytest.mark.parametrize(
    ("ends", "status", "cause"),
    [
        ([], "running", None),
        ([("MapRunSucceeded", {}), ("MapStateSucceeded", {})], "succeeded", None),
        (
            [("MapRunFailed", {"mapRunFailedEventDetails": {"error": "States.Exceed", "cause": "too many"}})],
            "failed",
            "States.Exceed: too many",
        ),
        ([("MapRunFailed", {})], "failed", None),
        ([("MapRunAborted", {})], "failed", None),
        ([("ExecutionAborted", {})], "failed", "the run was ended: Aborted"),
    ],
)
def test_a_distributed_map_is_one_step(ends: list[Any], status: str, cause: str | None) -> None:
    """What it does for its items stands in other histories."""
    plan = (entered("Plan"), *ATTEMPT, SUCCEEDED, left("Plan"))
    before, found = steps_of(history(BEGIN, *plan, *RANGES, *ends))
    assert (before.name, before.status) == ("Plan", "succeeded")
    assert found == Step("Predict all", status, at(8), at(9) if ends else None, cause, 1, int(status == "failed"))  # type: ignore[arg-type]


def test_what_comes_after_a_distributed_map_stands_behind_it() -> None:
    done = (*RANGES, ("MapRunSucceeded", {}), left("Predict all", "Map"), entered("Join"), *ATTEMPT, SUCCEEDED)
    assert [(step.name, step.status) for step in steps_of(history(BEGIN, *done))] == [
        ("Predict all", "succeeded"),
        ("Join", "succeeded"),
    ]


def test_steps_stand_in_their_order() -> None:
    both = (entered("A"), *ATTEMPT, SUCCEEDED, left("A"), entered("B"), *ATTEMPT)
    assert [(step.name, step.status) for step in steps_of(history(BEGIN, *both))] == [
        ("A", "succeeded"),
        ("B", "running"),
    ]


def test_a_step_keeps_its_cause_although_a_catch_went_on() -> None:
    steps = steps_of(
        history(
            BEGIN,
            entered("Profile"),
            *ATTEMPT,
            failed("Invalid", lambda_cause("a.csv has no columns.")),
            left("Profile"),
            entered("Profile failed", "Pass"),
            left("Profile failed", "Pass"),
            entered("Tell the failure"),
            *ATTEMPT,
            SUCCEEDED,
            left("Tell the failure"),
            entered("Failed", "Fail"),
            ("ExecutionFailed", {"executionFailedEventDetails": {"error": "Invalid"}}),
        )
    )
    assert steps == (
        Step("Profile", "failed", at(1), at(4), "Invalid: a.csv has no columns.", failed=1),
        Step("Tell the failure", "succeeded", at(8), at(11)),
    )


def test_a_retry_that_succeeded_leaves_no_cause() -> None:
    steps = steps_of(history(entered("A"), *ATTEMPT, failed(), *ATTEMPT, SUCCEEDED, left("A")))
    assert steps == (Step("A", "succeeded", at(0), at(6)),)


def test_while_a_retry_runs_the_step_runs() -> None:
    steps = steps_of(history(entered("A"), *ATTEMPT, failed(), *ATTEMPT))
    assert [(step.status, step.started_at, step.ended_at) for step in steps] == [("running", at(0), None)]


def test_retries_that_all_failed_leave_the_last_cause() -> None:
    tries = [event for number in range(3) for event in (*ATTEMPT, failed("Unavailable", lambda_cause(f"{number}")))]
    steps = steps_of(history(entered("A"), *tries))
    assert steps == (Step("A", "failed", at(0), at(9), "Unavailable: 2", failed=1),)


def test_a_task_that_ran_out_of_time_has_failed() -> None:
    steps = steps_of(history(entered("A"), *ATTEMPT, TIMED_OUT))
    assert steps == (Step("A", "failed", at(0), at(3), "States.Timeout", failed=1),)


def test_a_step_of_a_run_that_was_ended_from_outside_no_longer_runs() -> None:
    for end in ("ExecutionAborted", "ExecutionTimedOut"):
        (step,) = steps_of(history(entered("A"), *ATTEMPT, (end, {})))
        assert (step.status, step.ended_at) == ("failed", at(3))


def test_a_cause_that_is_no_json_is_told_as_it_is() -> None:
    (step,) = steps_of(history(entered("A"), *ATTEMPT, failed("Lambda.Unknown", "The function was gone")))
    assert step.cause == "Lambda.Unknown: The function was gone"


def test_any_json_can_be_a_cause() -> None:
    for cause in ("[1]", "7", '"text"', '{"other": 1}', "null"):
        (step,) = steps_of(history(entered("A"), *ATTEMPT, failed("E", cause)))
        assert step.cause == f"E: {cause}"


def test_a_failure_without_words_is_a_failure() -> None:
    (step,) = steps_of(history(entered("A"), *ATTEMPT, failed(None, None)))
    assert step.status == "failed"


@pytest.mark.parametrize("kind", ["TaskStartFailed", "TaskSubmitFailed"])
def test_a_task_that_could_not_be_handed_over_has_failed(kind: str) -> None:
    details = {f"t{kind[1:]}EventDetails": {**LAMBDA, "error": "AccessDenied", "cause": "no"}}
    (step,) = steps_of(history(entered("Ask"), *ATTEMPT, (kind, details)))
    assert (step.status, step.cause, step.failed) == ("failed", "AccessDenied: no", 1)


def test_a_task_that_waits_for_a_person_runs_until_the_answer() -> None:
    submitted: tuple[str, dict[str, Any]] = ("TaskSubmitted", {"taskSubmittedEventDetails": LAMBDA})
    (waiting,) = steps_of(history(entered("Ask"), *ATTEMPT, submitted))
    assert (waiting.status, waiting.ended_at) == ("running", None)
    (answered,) = steps_of(history(entered("Ask"), *ATTEMPT, submitted, SUCCEEDED, left("Ask")))
    assert answered == Step("Ask", "succeeded", at(0), at(4))
    (late,) = steps_of(history(entered("Ask"), *ATTEMPT, submitted, TIMED_OUT))
    assert (late.status, late.cause) == ("failed", "States.Timeout")


def test_visits_one_after_the_other_are_one_step() -> None:
    """Given gates that looked again, because somebody else promoted meanwhile."""
    promoted = (entered("Promote"), *ATTEMPT, failed("Conflict", lambda_cause("judge again")), left("Promote"))
    again = (entered("Gates"), *ATTEMPT, SUCCEEDED, left("Gates"), entered("Promote"), *ATTEMPT, SUCCEEDED)
    gates, promote = steps_of(history(*again[:5], *promoted, *again))
    assert (gates.status, gates.visits, gates.failed, gates.cause) == ("succeeded", 2, 0, None)
    assert (promote.status, promote.visits, promote.failed) == ("succeeded", 2, 1)
    assert promote.cause == "Conflict: judge again"
    assert (promote.started_at, promote.ended_at) == (at(5), at(18))


# --- a Map: visits side by side ---------------------------------------------------------------------------------------

# What one candidate's task may tell after it was entered, and how its visit stands then.
VISITS: dict[str, tuple[list[tuple[str, dict[str, Any]]], str]] = {
    "scored": ([*ATTEMPT, SUCCEEDED, left("Score")], "succeeded"),
    "again": ([*ATTEMPT, failed(), *ATTEMPT, SUCCEEDED, left("Score")], "succeeded"),
    "lost": ([*ATTEMPT, failed("Lost", lambda_cause("gone")), left("Score"), entered("Lost", "Pass")], "failed"),
    "late": ([*ATTEMPT, TIMED_OUT, left("Score")], "failed"),
    "going on": ([*ATTEMPT], "running"),
    "not begun": ([], "running"),
}


def interleaved(visits: list[str], turns: list[int], *after: tuple[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """A Map as Step Functions tells it: each iteration leads back to its own events, whatever came in between."""
    events = history(BEGIN, ("MapStateEntered", {"stateEnteredEventDetails": {"name": "Score all"}}))
    queues = [[("MapIterationStarted", {}), entered("Score"), *VISITS[visit][0]] for visit in visits]
    last = dict.fromkeys(range(len(visits)), 2)
    order = [turn % len(visits) for turn in turns] + [at_ for at_ in range(len(visits)) for _ in queues[at_]]
    for turn in order:
        if queues[turn]:
            kind, details = queues[turn].pop(0)
            number = len(events) + 1
            told = {"type": kind, "timestamp": at(number), "id": number, "previousEventId": last[turn], **details}
            events.append(told)
            last[turn] = number
    for kind, details in after:
        number = len(events) + 1
        events.append({"type": kind, "timestamp": at(number), "id": number, "previousEventId": number - 1, **details})
    return events


@given(st.lists(st.sampled_from(sorted(VISITS)), min_size=1, max_size=6), st.lists(st.integers(0, 5), max_size=60))
def test_each_event_of_a_map_belongs_to_its_own_visit(visits: list[str], turns: list[int]) -> None:
    events = interleaved(visits, turns)
    (step,) = steps_of(events)
    stands = [VISITS[visit][1] for visit in visits]
    assert (step.name, step.visits, step.failed) == ("Score", len(visits), stands.count("failed"))
    if "running" in stands:
        assert (step.status, step.ended_at) == ("running", None)
    else:
        first = [each["id"] for each in events if each["type"] == "TaskStateEntered"]
        order = [visits[each] for each in _iterations(events, visits, turns)]
        assert step.status == ("succeeded" if "succeeded" in stands else VISITS[order[-1]][1])
        ends = [e["timestamp"] for e in events if e["type"] in ("TaskSucceeded", "TaskFailed", "TaskTimedOut")]
        assert (step.started_at, step.ended_at) == (at(min(first)), max(ends))


def _iterations(events: list[dict[str, Any]], visits: list[str], turns: list[int]) -> list[int]:
    """Which visit was entered first, second, …"""
    entered_at: dict[int, int] = {}
    began = [each["id"] for each in events if each["type"] == "MapIterationStarted"]
    by_turn = list(dict.fromkeys([turn % len(visits) for turn in turns] + list(range(len(visits)))))
    for visit, number in zip(by_turn, began, strict=True):
        (entered_at[visit],) = [
            e["id"] for e in events if e["type"] == "TaskStateEntered" and e["previousEventId"] == number
        ]
    return sorted(entered_at, key=lambda each: entered_at[each])


def test_the_cause_of_one_candidate_is_never_told_of_the_step_after() -> None:
    turns = [0, 1, 0, 1, 0, 1, 0, 1, 1, 0]
    after = (entered("Fit"), *ATTEMPT, SUCCEEDED)
    score, fit = steps_of(interleaved(["scored", "lost"], turns, ("MapStateExited", {}), *after))
    assert (score.failed, score.visits, score.cause) == (1, 2, "Lost: gone")
    assert (fit.status, fit.cause, fit.visits) == ("succeeded", None, 1)


def test_two_rounds_of_a_search_are_one_step() -> None:
    first = interleaved(["scored", "scored"], [0, 1] * 9)
    count = len(first)
    second = [
        {**each, "id": each["id"] + count, "previousEventId": each["previousEventId"] + count}
        for each in interleaved(["scored", "lost", "going on"], [0, 1, 2] * 9)
    ]
    (step,) = steps_of(first + second)
    assert (step.status, step.visits, step.failed) == ("running", 5, 1)


def test_when_the_run_has_failed_nothing_of_its_map_runs_on() -> None:
    """Step Functions breaks off the iterations beside the one that failed, and tells no end of their tasks."""
    end = ("ExecutionFailed", {"executionFailedEventDetails": {"error": "States.Runtime"}})
    (step,) = steps_of(interleaved(["going on", "scored", "not begun"], [0, 1, 2] * 5, ("MapStateFailed", {}), end))
    assert (step.status, step.failed, step.visits) == ("failed", 2, 3)
    assert step.ended_at is not None
