"""In place or anew? Storage is never touched."""

import io
import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from infra.deploy import DeployError, emulator
from infra.deploy.bundle import Bundle
from infra.deploy.stacks import Stack
from infra.deploy.target import Target

TARGET = Target("local", "gyre-local", "us-east-1", {"Environment": "local"}, "http://127.0.0.1:4566")
MADE = Bundle(body='{"Resources": {}}', shape="shape-1", uploads={})
PARAMETERS = {"Environment": "local", "Commit": "c0ffee"}


class FakeStacks:
    """Writes down what is asked of it."""

    def __init__(self, found: Stack | None) -> None:
        self.found = found
        self.calls: list[str] = []
        self.request: dict[str, Any] = {}

    def wait_while_busy(self, name: str) -> Stack | None:
        return self.found

    def create(self, name: str, **request: Any) -> Stack:
        return self._done("create", name, request)

    def update(self, name: str, **request: Any) -> Stack:
        return self._done("update", name, request)

    def delete(self, name: str) -> None:
        self.calls.append(f"delete {name}")

    def _done(self, call: str, name: str, request: dict[str, Any]) -> Stack:
        self.calls.append(f"{call} {name}")
        self.request = request
        return Stack(name, f"{call.upper()}_COMPLETE", {}, tags_of(request))


def tags_of(request: dict[str, Any]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in request["Tags"]}


def outputs_of(request: dict[str, Any]) -> dict[str, str]:
    outputs = json.loads(request["TemplateBody"]).get("Outputs", {})
    return {name: output["Value"] for name, output in outputs.items()}


def main(found: Stack | None, made: Bundle = MADE, **parameters: str) -> tuple[FakeStacks, list[str]]:
    stacks, said = FakeStacks(found), list[str]()
    with mock_aws():
        emulator._main(TARGET, stacks, made, PARAMETERS | parameters, said.append)  # type: ignore[arg-type]
    return stacks, said


def deployed(status: str = "CREATE_COMPLETE") -> Stack:
    """What the first deployment leaves."""
    stacks, _ = main(None)
    return Stack("gyre-local", status, outputs_of(stacks.request), tags_of(stacks.request))


def test_a_template_too_large_for_a_call_is_read_from_the_packages() -> None:
    body, stacks = json.dumps({"Resources": {"Large": "x" * emulator.MOST_BODY_BYTES}}), FakeStacks(None)
    with mock_aws():
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket="gyre-local-packages")
        made = Bundle(body=body, shape="shape-1", uploads={})
        emulator._main(TARGET, stacks, made, PARAMETERS, lambda _: None)  # type: ignore[arg-type]
        assert "TemplateBody" not in stacks.request and tags_of(stacks.request) == {emulator.SHAPE_TAG: "shape-1"}
        place, _, key = str(stacks.request["TemplateURL"]).rpartition("/")
        assert place == "http://127.0.0.1:4566/gyre-local-packages"
        found = json.loads(s3.get_object(Bucket="gyre-local-packages", Key=key)["Body"].read())
    assert found["Resources"] == json.loads(body)["Resources"] and emulator.CONTENT_OUTPUT in found["Outputs"]


def test_where_there_is_none_a_stack_is_created() -> None:
    stacks, said = main(None)
    assert stacks.calls == ["create gyre-local"]
    assert said == ["gyre-local: create"]
    assert json.loads(stacks.request["TemplateBody"])["Resources"] == json.loads(MADE.body)["Resources"]
    assert stacks.request["Parameters"] == [
        {"ParameterKey": "Environment", "ParameterValue": "local"},
        {"ParameterKey": "Commit", "ParameterValue": "c0ffee"},
    ]


def test_without_a_change_nothing_is_done() -> None:
    stacks, said = main(deployed())
    assert stacks.calls == []
    assert said == ["gyre-local: nothing has changed"]


@pytest.mark.parametrize("status", ["CREATE_COMPLETE", "UPDATE_COMPLETE"])
def test_code_alone_is_updated_in_place(status: str) -> None:
    stacks, said = main(deployed(status), Bundle('{"Resources": {"A": 1}}', "shape-1", {}))
    assert stacks.calls == ["update gyre-local"]
    assert said == ["gyre-local: update the code"]


def test_a_new_commit_is_updated_in_place() -> None:
    assert main(deployed(), Commit="another")[0].calls == ["update gyre-local"]


def test_a_new_shape_is_made_anew() -> None:
    stacks, said = main(deployed(), Bundle(MADE.body, "shape-2", {}))
    assert stacks.calls == ["delete gyre-local", "create gyre-local"]
    assert said == ["gyre-local: make it anew, because the template has changed"]


@pytest.mark.parametrize("status", ["ROLLBACK_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "CREATE_FAILED", "DELETE_FAILED"])
def test_a_half_made_stack_is_made_anew(status: str) -> None:
    stacks, said = main(deployed(status))
    assert stacks.calls == ["delete gyre-local", "create gyre-local"]
    assert status.lower().replace("_", " ") in said[0]


def test_a_stack_of_before_the_tags_is_made_anew() -> None:
    assert main(Stack("gyre-local", "CREATE_COMPLETE", {}, {}))[0].calls == ["delete gyre-local", "create gyre-local"]


def test_left_over_logs_of_this_stack_alone_are_dropped() -> None:
    with mock_aws():
        logs = boto3.client("logs")
        for name in ("/aws/lambda/gyre-local-drift", "/aws/lambda/gyre-locale", "/aws/lambda/other-drift"):
            logs.create_log_group(logGroupName=name)
        emulator._main(TARGET, FakeStacks(None), MADE, PARAMETERS, lambda _: None)  # type: ignore[arg-type]
        kept = [group["logGroupName"] for group in logs.describe_log_groups()["logGroups"]]
    assert kept == ["/aws/lambda/gyre-locale", "/aws/lambda/other-drift"]


def storage(found: Stack | None, file: Path) -> tuple[FakeStacks, list[str]]:
    stacks, said = FakeStacks(found), list[str]()
    emulator._storage(TARGET, stacks, file, said.append)  # type: ignore[arg-type]
    return stacks, said


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "storage.yaml"
    path.write_text("Resources: {Bucket: {Type: 'AWS::S3::Bucket'}}")
    return path


def test_storage_is_created_once(file: Path) -> None:
    first, _ = storage(None, file)
    assert first.calls == ["create gyre-local-storage"]
    again, said = storage(Stack("gyre-local-storage", "CREATE_COMPLETE", {}, tags_of(first.request)), file)
    assert (again.calls, said) == ([], [])


def test_changed_storage_is_left_alone_and_told(file: Path) -> None:
    first, _ = storage(None, file)
    file.write_text("Resources: {Other: {Type: 'AWS::S3::Bucket'}}")
    again, said = storage(Stack("gyre-local-storage", "CREATE_COMPLETE", {}, tags_of(first.request)), file)
    assert again.calls == []
    assert "make down up deploy" in said[0]


def test_half_made_storage_is_never_deleted(file: Path) -> None:
    with pytest.raises(DeployError, match="make down up"):
        storage(Stack("gyre-local-storage", "ROLLBACK_COMPLETE", {}, {}), file)


@pytest.mark.parametrize("answer", [urllib.error.URLError("refused"), TimeoutError(), b"<html>something else</html>"])
def test_without_an_emulator_it_says_how_to_start_one(
    monkeypatch: pytest.MonkeyPatch, answer: Exception | bytes
) -> None:
    def urlopen(url: str, timeout: float) -> io.BytesIO:
        if isinstance(answer, Exception):
            raise answer
        return io.BytesIO(answer)

    monkeypatch.setattr(urllib.request, "urlopen", urlopen)
    with pytest.raises(DeployError, match="make up"):
        emulator.check_emulator(TARGET)


def test_an_emulator_that_answers_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def urlopen(url: str, timeout: float) -> io.BytesIO:
        asked.append(url)
        return io.BytesIO(json.dumps({"services": {}}).encode())

    monkeypatch.setattr(urllib.request, "urlopen", urlopen)
    emulator.check_emulator(TARGET)
    assert asked == ["http://127.0.0.1:4566/_localstack/health"]


def test_the_address_of_the_api() -> None:
    stack = Stack("gyre-local", "CREATE_COMPLETE", {"ApiId": "abc"}, {})
    assert emulator.api_url(TARGET, stack) == "http://127.0.0.1:4566/_aws/execute-api/abc/v1"
