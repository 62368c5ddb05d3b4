import subprocess
from typing import Any

import boto3
import pytest

from infra.deploy import DeployError, aws
from infra.deploy.stacks import Stack
from infra.deploy.target import Target
from tests.unit.deploy.fakes import FakeCloudFormation

TARGET = Target("dev", "gyre-dev", "us-east-1", {"Environment": "dev", "MonitoringSchedule": "rate(6 hours)"})
OUTPUTS = {"DataBucket": "data", "ArtifactBucket": "artifacts"}
STORAGE = Stack("gyre-dev-storage", "CREATE_COMPLETE", OUTPUTS, {})


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands that were run; all of them end well."""
    commands: list[list[str]] = []

    def run(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        commands.append(command)
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(subprocess, "run", run)
    return commands


def use(monkeypatch: pytest.MonkeyPatch, api: FakeCloudFormation) -> FakeCloudFormation:
    monkeypatch.setattr(boto3, "client", lambda service: api)
    monkeypatch.setattr(aws, "AWS_POLL_SECONDS", 0.0)
    return api


def test_sam_is_given_every_parameter() -> None:
    command = aws.sam_deploy(TARGET, STORAGE, "c0ffee")
    assert command[1:5] == ["deploy", "--config-env", "dev", "--parameter-overrides"]
    names = [each.partition("=")[0] for each in command[5:]]
    assert names == ["Environment", "MonitoringSchedule", "DataBucketName", "ArtifactBucketName", "Commit"]


def test_storage_comes_first_and_is_protected(monkeypatch: pytest.MonkeyPatch, ran: list[list[str]]) -> None:
    api = use(monkeypatch, FakeCloudFormation("gone", "CREATE_COMPLETE", outputs=OUTPUTS))
    prepared: list[tuple[str, int]] = []
    storage, stack = aws.deploy_to_aws(
        TARGET, "c0ffee", lambda _: None, lambda told: prepared.append((told.outputs["ArtifactBucket"], len(ran)))
    )
    assert prepared == [("artifacts", 0)]  # before any function runs
    ((call, request),) = api.calls
    assert (call, request["StackName"]) == ("create", "gyre-dev-storage")
    assert request["EnableTerminationProtection"] is True
    assert request["Parameters"] == [{"ParameterKey": "Environment", "ParameterValue": "dev"}]
    assert "AWS::S3::Bucket" in request["TemplateBody"]
    assert (storage.name, stack.name) == ("gyre-dev-storage", "gyre-dev")
    assert [command[1] for command in ran] == ["build", "deploy"]


def test_storage_that_exists_is_updated(monkeypatch: pytest.MonkeyPatch, ran: list[list[str]]) -> None:
    api = use(monkeypatch, FakeCloudFormation("UPDATE_COMPLETE", outputs=OUTPUTS))
    aws.deploy_to_aws(TARGET, "c0ffee", lambda _: None)
    assert [call for call, _ in api.calls] == ["update"]


def test_a_storage_that_fails_stops_everything(monkeypatch: pytest.MonkeyPatch, ran: list[list[str]]) -> None:
    use(monkeypatch, FakeCloudFormation("gone", "ROLLBACK_COMPLETE"))
    with pytest.raises(DeployError, match="gyre-dev-storage"):
        aws.deploy_to_aws(TARGET, "c0ffee", lambda _: None)
    assert ran == []


def test_a_sam_that_fails_stops_the_deployment(monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, FakeCloudFormation("UPDATE_COMPLETE", outputs=OUTPUTS))
    monkeypatch.setattr(subprocess, "run", lambda command, **_: subprocess.CompletedProcess(command, 2))
    with pytest.raises(DeployError, match="`sam build` ended with 2"):
        aws.deploy_to_aws(TARGET, "c0ffee", lambda _: None)


def test_a_missing_sam_says_what_to_run(monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, FakeCloudFormation("UPDATE_COMPLETE", outputs=OUTPUTS))

    def missing(command: list[str], **_: Any) -> None:
        raise FileNotFoundError(command[0])

    monkeypatch.setattr(subprocess, "run", missing)
    with pytest.raises(DeployError, match="make setup"):
        aws.deploy_to_aws(TARGET, "c0ffee", lambda _: None)
