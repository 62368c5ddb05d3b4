"""The fake workflow and Step Functions keep one contract. (moto runs no state unless it is told to: a run stays
`running`.)"""

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from moto import mock_aws

from gyre.aws import clients
from gyre.aws.stepfunctions import StateMachine
from gyre.errors import Conflict, Invalid, NotFound
from gyre.workflow import MOST_ATTEMPTS, Run, Workflow
from tests.fakes.workflow import MemoryWorkflow

DEFINITION = json.dumps({"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}})
PAYLOAD = {"run": "run-1", "upload": {"key": "inbox/wine/ä.csv", "version": None}, "numbers": [1, 2.5]}


@pytest.fixture
def deployed(monkeypatch: pytest.MonkeyPatch) -> None:
    """An account of moto's, and nothing of ours."""
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")


def machine(definition: str) -> str:
    role = "arn:aws:iam::" + "0" * 12 + ":role/states"
    made = boto3.client("stepfunctions").create_state_machine(name="one", definition=definition, roleArn=role)
    return str(made["stateMachineArn"])


@pytest.fixture(params=["fake", "stepfunctions"])
def workflow(request: pytest.FixtureRequest, deployed: None) -> Iterator[Workflow]:
    if request.param == "fake":
        yield MemoryWorkflow()
        return
    with mock_aws():
        clients.client.cache_clear()
        yield StateMachine(machine(DEFINITION))
    clients.client.cache_clear()


@pytest.fixture
def stop(workflow: Workflow) -> Callable[[str], None]:
    """Somebody ends the last attempt of a run."""
    if isinstance(workflow, MemoryWorkflow):
        return lambda name: workflow.end(name, "stopped")
    states = boto3.client("stepfunctions")

    def stopped(name: str) -> None:
        (arn,) = states.list_state_machines()["stateMachines"]
        going = states.list_executions(stateMachineArn=arn["stateMachineArn"], statusFilter="RUNNING")["executions"]
        (found,) = [each for each in going if each["name"].partition("_again")[0] == name]
        states.stop_execution(executionArn=found["executionArn"])

    return stopped


def test_a_run_is_started_and_shown(workflow: Workflow) -> None:
    workflow.start("run-1", PAYLOAD)
    run = workflow.show("run-1")
    assert (run.name, run.status, run.ended_at, run.cause, run.output) == ("run-1", "running", None, None, None)
    assert dict(run.input) == PAYLOAD
    assert abs(run.started_at - datetime.now(UTC)) < timedelta(minutes=1)
    assert run.steps == ()


def test_a_start_told_again_leaves_the_run_alone(workflow: Workflow) -> None:
    workflow.start("run-1", PAYLOAD)
    before = workflow.show("run-1")
    workflow.start("run-1", PAYLOAD)
    assert workflow.show("run-1") == before


def test_a_name_starts_once_whatever_the_payload(workflow: Workflow) -> None:
    workflow.start("run-1", PAYLOAD)
    workflow.start("run-1", {"run": "other"})
    assert dict(workflow.show("run-1").input) == PAYLOAD


def test_two_names_are_two_runs(workflow: Workflow) -> None:
    workflow.start("run-1", PAYLOAD)
    workflow.start("run-2", {"run": "run-2"})
    assert [workflow.show(name).input["run"] for name in ("run-1", "run-2")] == ["run-1", "run-2"]


def test_a_run_may_have_nothing_to_start_with(workflow: Workflow) -> None:
    workflow.start("run-1", {})
    assert dict(workflow.show("run-1").input) == {}


def test_a_run_that_was_never_started_is_not_found(workflow: Workflow) -> None:
    with pytest.raises(NotFound, match="never"):
        workflow.show("never")


@pytest.mark.parametrize("name", ["", "a b", "a:b", "a/b", "x" * 81, "a\n", "*"])
def test_what_is_no_name_is_invalid(workflow: Workflow, name: str) -> None:
    with pytest.raises(Invalid):
        workflow.start(name, {})
    with pytest.raises(Invalid):
        workflow.show(name)


# --- resuming ---------------------------------------------------------------------------------------------------------


def test_a_run_that_was_ended_goes_on_under_its_name(workflow: Workflow, stop: Callable[[str], None]) -> None:
    workflow.start("run-1", PAYLOAD)
    workflow.start("run-2", {"run": "run-2"})
    stop("run-1")
    assert (workflow.show("run-1").status, workflow.show("run-1").attempt) == ("stopped", 1)
    resumed = workflow.resume("run-1")
    assert (resumed.name, resumed.status, resumed.attempt) == ("run-1", "running", 2)
    assert dict(resumed.input) == PAYLOAD
    assert workflow.show("run-1") == resumed
    assert workflow.show("run-2").attempt == 1


def test_the_event_of_an_upload_that_is_told_again_does_not_begin_what_failed_anew(
    workflow: Workflow, stop: Callable[[str], None]
) -> None:
    workflow.start("run-1", PAYLOAD)
    stop("run-1")
    workflow.start("run-1", PAYLOAD)
    assert workflow.show("run-1").status == "stopped"


def test_what_goes_on_is_not_resumed(workflow: Workflow, stop: Callable[[str], None]) -> None:
    workflow.start("run-1", PAYLOAD)
    with pytest.raises(Conflict, match="goes on still"):
        workflow.resume("run-1")
    stop("run-1")
    workflow.resume("run-1")
    with pytest.raises(Conflict, match="goes on still"):
        workflow.resume("run-1")
    assert workflow.show("run-1").attempt == 2


def test_a_run_is_resumed_so_often_and_no_more(workflow: Workflow, stop: Callable[[str], None]) -> None:
    workflow.start("run-1", PAYLOAD)
    for attempt in range(2, MOST_ATTEMPTS + 1):
        stop("run-1")
        assert workflow.resume("run-1").attempt == attempt
    stop("run-1")
    with pytest.raises(Conflict, match="start a new run"):
        workflow.resume("run-1")


def test_what_was_never_started_is_not_resumed(workflow: Workflow) -> None:
    with pytest.raises(NotFound, match="never"):
        workflow.resume("never")
    with pytest.raises(Invalid):
        workflow.resume("a:b")


def test_a_name_with_no_room_for_another_attempt_says_so(workflow: Workflow, stop: Callable[[str], None]) -> None:
    name = "x" * 80
    workflow.start(name, PAYLOAD)
    stop(name)
    with pytest.raises(Conflict, match="too long"):
        workflow.resume(name)


# --- what only runs where states do -----------------------------------------------------------------------------------


@pytest.fixture
def running(deployed: None) -> Iterator[StateMachine]:
    """A search of three side by side, a question to a person, and a step that fails."""
    with mock_aws(config={"stepfunctions": {"execute_state_machine": True}}):
        clients.client.cache_clear()
        queue = boto3.client("sqs").create_queue(QueueName="asked")["QueueUrl"]
        yield StateMachine(machine(json.dumps(_definition(queue))))
    clients.client.cache_clear()


def _definition(queue: str) -> dict[str, Any]:
    def sent(resource: str, body: Any, to: str = queue, **more: Any) -> dict[str, Any]:
        told = {"QueueUrl": to, "MessageBody": body}
        return {"Type": "Task", "Resource": f"arn:aws:states:::sqs:{resource}", "Parameters": told, **more}

    score = {"StartAt": "Score", "States": {"Score": sent("sendMessage", "scored", End=True)}}
    return {
        "StartAt": "Score all",
        "States": {
            "Score all": {
                "Type": "Map", "ItemsPath": "$.numbers", "MaxConcurrency": 2, "ItemProcessor": score,
                "ResultPath": None, "Next": "Ask",
            },
            "Ask": sent("sendMessage.waitForTaskToken", {"token.$": "$$.Task.Token"}, ResultPath="$.said", Next="Well"),
            "Well": {
                "Type": "Choice", "Default": "Broken",
                "Choices": [{"Variable": "$.said.approved", "BooleanEquals": True, "Next": "Done"}],
            },
            "Done": {"Type": "Succeed"},
            "Broken": sent("sendMessage", "x", f"{queue}-gone", End=True),
        },
    }  # fmt: skip


def _eventually[T](look: Callable[[], T | None]) -> T:
    """The interpreter works in threads of its own."""
    until = time.monotonic() + 20
    while time.monotonic() < until:
        if (found := look()) is not None:
            return found
        time.sleep(0.02)
    raise AssertionError("it never came")


def _token() -> str | None:
    queue = boto3.client("sqs")
    told = queue.receive_message(QueueUrl=queue.get_queue_url(QueueName="asked")["QueueUrl"], MaxNumberOfMessages=10)
    bodies = [json.loads(each["Body"]) for each in told.get("Messages", []) if "token" in each["Body"]]
    return str(bodies[0]["token"]) if bodies else None


def _ended(workflow: StateMachine, name: str) -> Run:
    def look() -> Run | None:
        found = workflow.show(name)
        return None if found.status == "running" else found

    return _eventually(look)


def test_a_run_waits_for_a_person_and_goes_on_with_what_was_said(running: StateMachine) -> None:
    running.start("run-1", {"numbers": [1, 2, 3]})
    token = _eventually(_token)
    waiting = running.show("run-1")
    assert [(each.name, each.status, each.visits) for each in waiting.steps] == [
        ("Score", "succeeded", 3), ("Ask", "running", 1),
    ]  # fmt: skip
    running.answer(token, {"approved": True, "actor": "anna"})
    done = _ended(running, "run-1")
    assert (done.status, done.output) == (
        "succeeded",
        {"numbers": [1, 2, 3], "said": {"approved": True, "actor": "anna"}},
    )
    assert [(each.name, each.status) for each in done.steps] == [("Score", "succeeded"), ("Ask", "succeeded")]
    with pytest.raises(Conflict, match="nothing to resume"):
        running.resume("run-1")


def test_a_run_that_failed_tells_its_step_and_is_begun_again(running: StateMachine) -> None:
    running.start("run-1", {"numbers": [1]})
    running.answer(_eventually(_token), {"approved": False})
    failed = _ended(running, "run-1")
    assert failed.status == "failed"
    assert [(each.name, each.status) for each in failed.steps] == [
        ("Score", "succeeded"), ("Ask", "succeeded"), ("Broken", "failed"),
    ]  # fmt: skip
    assert "queue does not exist" in str(failed.steps[-1].cause)
    assert running.resume("run-1").attempt == 2
    running.answer(_eventually(_token), {"approved": True})
    done = _ended(running, "run-1")
    assert (done.status, done.attempt, done.name) == ("succeeded", 2, "run-1")


def test_an_answer_that_nobody_waits_for_is_a_conflict(running: StateMachine) -> None:
    ways: tuple[Workflow, ...] = (MemoryWorkflow(), running)
    for workflow in ways:
        with pytest.raises(Conflict, match="waits no longer"):
            workflow.answer("no-such-token", {"approved": True})
