"""Histories as Step Functions tells them, and the steps a caller is shown."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

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
