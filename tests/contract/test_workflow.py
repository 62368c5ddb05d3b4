"""The fake workflow and Step Functions keep one contract. (moto runs no state: a run stays `running`.)"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import boto3
import pytest
from moto import mock_aws

from gyre.aws import clients
from gyre.aws.stepfunctions import StateMachine
from gyre.errors import Invalid, NotFound
from gyre.workflow import Workflow
from tests.fakes.workflow import MemoryWorkflow

DEFINITION = json.dumps({"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}})
PAYLOAD = {"run": "run-1", "upload": {"key": "inbox/wine/ä.csv", "version": None}, "numbers": [1, 2.5]}


@pytest.fixture(params=["fake", "stepfunctions"])
def workflow(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workflow]:
    if request.param == "fake":
        yield MemoryWorkflow()
        return
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        clients.client.cache_clear()
        role = "arn:aws:iam::" + "0" * 12 + ":role/states"
        made = boto3.client("stepfunctions").create_state_machine(name="one", definition=DEFINITION, roleArn=role)
        yield StateMachine(made["stateMachineArn"])
    clients.client.cache_clear()


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
