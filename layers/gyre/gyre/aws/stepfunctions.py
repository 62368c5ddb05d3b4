"""One state machine in Step Functions."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from gyre.aws.clients import client, told
from gyre.errors import Conflict, NotFound
from gyre.workflow import Run, RunStatus, Step, StepStatus, attempt_name, checked_resumable, checked_run_name

_STATUS: dict[str, RunStatus] = {
    "RUNNING": "running",
    "PENDING_REDRIVE": "running",
    "SUCCEEDED": "succeeded",
    "FAILED": "failed",
    "TIMED_OUT": "timed_out",
    "ABORTED": "stopped",
}
# A task can fail before it begins, and when it is handed over.
_FAILURES = frozenset({"TaskFailed", "TaskTimedOut", "TaskStartFailed", "TaskSubmitFailed"})
_ENDS = frozenset({"ExecutionAborted", "ExecutionTimedOut", "ExecutionFailed"})
# A Distributed Map is one step: what it does for its items stands in histories of their own.
_MAP_RUNS: dict[str, StepStatus] = {
    "MapRunSucceeded": "succeeded", "MapRunFailed": "failed", "MapRunAborted": "failed", "MapRunTimedOut": "failed",
}  # fmt: skip


class StateMachine:
    """`Workflow` over Step Functions."""

    def __init__(self, arn: str) -> None:
        self._arn = arn

    def start(self, name: str, payload: Mapping[str, Any]) -> None:
        self._begin(checked_run_name(name), json.dumps(payload, sort_keys=True))

    def show(self, name: str) -> Run:
        found = self._last(checked_run_name(name))
        try:
            pages = client("stepfunctions").get_paginator("get_execution_history").paginate(
                executionArn=self._arn_of(found), maxResults=1000
            )  # fmt: skip
            events = [event for page in pages for event in page["events"]]
        except (ClientError, BotoCoreError) as error:
            raise told(error, f"the run {name}") from error
        return replace(found, steps=steps_of(events))

    def resume(self, name: str) -> Run:
        # By another name: a name starts once, and two who resume at the same time begin the same attempt.
        last = checked_resumable(self._last(checked_run_name(name)))
        self._begin(attempt_name(name, last.attempt + 1), json.dumps(last.input, sort_keys=True))
        return self.show(name)

    def answer(self, token: str, told_: Mapping[str, Any]) -> None:
        machine = client("stepfunctions")
        try:
            machine.send_task_success(taskToken=token, output=json.dumps(told_))
        except (machine.exceptions.TaskTimedOut, machine.exceptions.TaskDoesNotExist, machine.exceptions.InvalidToken):
            raise Conflict("The run waits no longer: it ended, or somebody answered before.") from None
        except (ClientError, BotoCoreError) as error:
            raise told(error, "the answer to a waiting run") from error

    def _begin(self, execution: str, payload: str) -> None:
        machine = client("stepfunctions")
        try:
            machine.start_execution(stateMachineArn=self._arn, name=execution, input=payload)
        except machine.exceptions.ExecutionAlreadyExists:
            return  # while it runs, Step Functions itself takes the same start for the same run
        except (ClientError, BotoCoreError) as error:
            raise told(error, f"the start of {execution}") from error

    def _last(self, name: str) -> Run:
        """The last attempt, without its steps; there is another one only after one that failed."""
        found = self._described(name, 1)
        while found.status not in ("running", "succeeded"):
            try:
                found = self._described(name, found.attempt + 1)
            except NotFound:
                break
        return found

    def _described(self, name: str, attempt: int) -> Run:
        try:
            found = client("stepfunctions").describe_execution(executionArn=self._execution(name, attempt))
        except (ClientError, BotoCoreError) as error:
            raise told(error, f"the run {name}") from error
        return Run(
            name,
            _STATUS[found["status"]],
            found["startDate"],
            found.get("stopDate"),
            found.get("cause") or found.get("error"),
            json.loads(found.get("input") or "{}"),
            json.loads(found["output"]) if found.get("output") else None,
            attempt=attempt,
        )

    def _arn_of(self, run: Run) -> str:
        return self._execution(run.name, run.attempt)

    def _execution(self, name: str, attempt: int) -> str:
        return f"{self._arn.replace(':stateMachine:', ':execution:')}:{attempt_name(name, attempt)}"


def steps_of(events: list[dict[str, Any]]) -> tuple[Step, ...]:
    """The tasks of a run, from its history. Visits to one state are one step: a search enters it for each candidate,
    side by side, so an event belongs to the visit that its predecessors lead back to."""
    visits: dict[int, Step] = {}
    owner: dict[int, int] = {}
    iterations = {event["id"] for event in events if event["type"] == "MapIterationStarted"}
    side_by_side: set[str] = set()
    for event in events:
        kind, at = event["type"], event["id"]
        if kind == "TaskStateEntered":
            visits[at] = Step(event["stateEnteredEventDetails"]["name"], "running", event["timestamp"])
            owner[at] = at
            if event.get("previousEventId") in iterations:
                side_by_side.add(visits[at].name)
            continue
        if kind in _ENDS:  # also of a Map that failed: what runs beside the one that failed is broken off
            cause = f"the run was ended: {kind.removeprefix('Execution')}"
            for visit in [each for each, step in visits.items() if step.status == "running"]:
                visits[visit] = _ended(visits[visit], "failed", event, cause)
                side_by_side.discard(visits[visit].name)  # what was broken off was not done
        before = owner.get(event.get("previousEventId", 0))
        if before is None or not kind.startswith("Task"):
            continue
        owner[at] = before
        step = visits[before]
        if kind == "TaskScheduled":
            visits[before] = Step(step.name, "running", step.started_at)  # also after a failure: it is tried again
        elif kind in _FAILURES:
            details = event.get(f"t{kind[1:]}EventDetails") or {}
            cause = ": ".join(filter(None, (details.get("error"), _message(details.get("cause")))))
            visits[before] = _ended(step, "failed", event, cause)
        elif kind == "TaskSucceeded":
            visits[before] = _ended(step, "succeeded", event, None)
    by_name: dict[str, list[Step]] = {}
    for _, step in sorted((visits | _map_runs(events)).items()):
        by_name.setdefault(step.name, []).append(step)
    return tuple(_together(each, name in side_by_side) for name, each in by_name.items())


def _map_runs(events: list[dict[str, Any]]) -> dict[int, Step]:
    """Each Distributed Map as one step; a machine has one at a time."""
    found: dict[int, Step] = {}
    name, going = "", 0
    for event in events:
        kind = event["type"]
        if kind == "MapStateEntered":
            name = event["stateEnteredEventDetails"]["name"]
        elif kind == "MapRunStarted":
            going = event["id"]
            found[going] = Step(name, "running", event["timestamp"])
        elif going and kind in _MAP_RUNS:
            details = event.get("mapRunFailedEventDetails") or {}
            cause = ": ".join(filter(None, (details.get("error"), details.get("cause")))) or None
            found[going], going = _ended(found[going], _MAP_RUNS[kind], event, cause), 0
        elif going and kind in _ENDS:
            told_ = f"the run was ended: {kind.removeprefix('Execution')}"
            found[going], going = _ended(found[going], "failed", event, told_), 0
    return found


def _together(visits: list[Step], side_by_side: bool) -> Step:
    """Running as long as one of them runs. Then as the last one to begin ended; of those side by side, of which none
    comes after another, as any that succeeded."""
    running = any(each.status == "running" for each in visits)
    succeeded = side_by_side and any(each.status == "succeeded" for each in visits)
    failed = [each for each in visits if each.status == "failed"]
    ended = [each.ended_at for each in visits if each.ended_at]
    return Step(
        visits[0].name,
        "running" if running else "succeeded" if succeeded else visits[-1].status,
        visits[0].started_at,
        None if running or not ended else max(ended),
        failed[-1].cause if failed else None,
        len(visits),
        len(failed),
    )


def _ended(step: Step, status: StepStatus, event: dict[str, Any], cause: str | None) -> Step:
    return Step(step.name, status, step.started_at, event["timestamp"], cause)


def _message(cause: str | None) -> str:
    """Lambda tells a cause as JSON with a message in it; anything else is the message itself."""
    if not cause:
        return ""
    try:
        told_ = json.loads(cause)
    except ValueError:
        return cause
    return str(told_.get("errorMessage", cause)) if isinstance(told_, dict) else cause
