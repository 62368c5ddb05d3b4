"""One state machine in Step Functions."""

import json
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from gyre.aws.clients import client, told
from gyre.workflow import Run, RunStatus, Step, StepStatus, checked_run_name

_STATUS: dict[str, RunStatus] = {
    "RUNNING": "running",
    "PENDING_REDRIVE": "running",
    "SUCCEEDED": "succeeded",
    "FAILED": "failed",
    "TIMED_OUT": "timed_out",
    "ABORTED": "stopped",
}


class StateMachine:
    """`Workflow` over Step Functions."""

    def __init__(self, arn: str) -> None:
        self._arn = arn

    def start(self, name: str, payload: Mapping[str, Any]) -> None:
        machine = client("stepfunctions")
        told_payload = json.dumps(payload, sort_keys=True)
        try:
            machine.start_execution(stateMachineArn=self._arn, name=checked_run_name(name), input=told_payload)
        except machine.exceptions.ExecutionAlreadyExists:
            return  # while it runs, Step Functions itself takes the same start for the same run
        except (ClientError, BotoCoreError) as error:
            raise told(error, f"the start of {name}") from error

    def show(self, name: str) -> Run:
        arn = f"{self._arn.replace(':stateMachine:', ':execution:')}:{checked_run_name(name)}"
        try:
            told_ = client("stepfunctions").describe_execution(executionArn=arn)
            pages = client("stepfunctions").get_paginator("get_execution_history").paginate(executionArn=arn)
            events = [event for page in pages for event in page["events"]]
        except (ClientError, BotoCoreError) as error:
            raise told(error, f"the run {name}") from error
        return Run(
            name,
            _STATUS[told_["status"]],
            told_["startDate"],
            told_.get("stopDate"),
            told_.get("cause") or told_.get("error"),
            json.loads(told_.get("input") or "{}"),
            json.loads(told_["output"]) if told_.get("output") else None,
            steps_of(events),
        )


def steps_of(events: list[dict[str, Any]]) -> tuple[Step, ...]:
    """The tasks of a run, from its history. A step that failed keeps its cause although a Catch went on from it."""
    steps: list[Step] = []
    for event in events:
        kind = event["type"]
        if kind == "TaskStateEntered":
            steps.append(Step(event["stateEnteredEventDetails"]["name"], "running", event["timestamp"]))
        elif kind == "TaskScheduled" and steps:
            steps[-1] = Step(steps[-1].name, "running", steps[-1].started_at)  # also after a failure: it is tried again
        elif kind in ("TaskFailed", "TaskTimedOut") and steps:
            details = event.get("taskFailedEventDetails") or event.get("taskTimedOutEventDetails") or {}
            cause = ": ".join(filter(None, (details.get("error"), _message(details.get("cause")))))
            steps[-1] = _ended(steps[-1], "failed", event, cause)
        elif kind in ("ExecutionAborted", "ExecutionTimedOut") and steps and steps[-1].status == "running":
            steps[-1] = _ended(steps[-1], "failed", event, f"the run was ended: {kind.removeprefix('Execution')}")
        elif kind == "TaskSucceeded" and steps:
            steps[-1] = _ended(steps[-1], "succeeded", event, None)
    return tuple(steps)


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
