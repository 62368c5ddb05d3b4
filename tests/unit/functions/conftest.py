"""The entry points as Lambda loads them: by path, with their environment, over moto."""

import importlib.util
import json
import string
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import boto3
import pytest
from moto import mock_aws

from gyre.http.access import KEY_RING, dump_ring, new_key
from gyre.pseudonyms import PSEUDONYM_KEYS, with_newer_key
from tests.fakes.journal import MemoryJournal
from tests.fakes.moto_direct import answered_by_moto

ROOT = Path(__file__).resolve().parents[3]
Load = Callable[..., ModuleType]
DEAD_LETTERS = "arn:aws:sqs:us-east-1::journal-dead-letters"
PASS = json.dumps({"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}})


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Load:
    """Loads functions/<name>/app.py afresh, or another of its entry points."""

    def loaded(name: str, entry: str = "app") -> ModuleType:
        module_name = f"functions_{name}_{entry}"
        spec = importlib.util.spec_from_file_location(module_name, ROOT / "functions" / name / f"{entry}.py")
        assert spec and spec.loader
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, module_name, module)
        spec.loader.exec_module(module)
        return module

    return loaded


class Aws:
    """What a deployment has, in moto."""

    def __init__(self) -> None:
        self.s3, self.states = boto3.client("s3"), boto3.client("stepfunctions")
        self.sqs = boto3.client("sqs")
        for bucket in ("data", "artifacts"):
            self.s3.create_bucket(Bucket=bucket)
            self.s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        self.secret, key = new_key("admin-1", "admin", "now")
        self.s3.put_object(Bucket="artifacts", Key=KEY_RING, Body=dump_ring([key]))
        self.s3.put_object(Bucket="artifacts", Key=PSEUDONYM_KEYS, Body=with_newer_key(None, "now"))

    def queue(self, name: str) -> str:
        """The address of a queue of this name."""
        return str(self.sqs.create_queue(QueueName=name)["QueueUrl"])

    def waiting(self, name: str) -> list[str]:
        """The messages of a queue; nobody else gets them any more."""
        answer = self.sqs.receive_message(QueueUrl=self.queue(name), MaxNumberOfMessages=10)
        return [each["Body"] for each in answer.get("Messages", ())]

    def put(self, key: str, content: bytes) -> str:
        return str(self.s3.put_object(Bucket="data", Key=key, Body=content)["VersionId"])

    def get(self, bucket: str, key: str, version: str | None = None) -> bytes:
        pinned = {"VersionId": version} if version else {}
        return bytes(self.s3.get_object(Bucket=bucket, Key=key, **pinned)["Body"].read())

    def machine(self, name: str) -> str:
        role = "arn:aws:iam::" + "0" * 12 + ":role/states"
        return str(self.states.create_state_machine(name=name, definition=PASS, roleArn=role)["stateMachineArn"])

    def runs(self, arn: str) -> list[str]:
        return [each["name"] for each in self.states.list_executions(stateMachineArn=arn)["executions"]]

    def input_of(self, machine: str, run: str) -> Any:
        """What a run was started with."""
        arn = f"{machine.replace(':stateMachine:', ':execution:')}:{run}"
        return json.loads(self.states.describe_execution(executionArn=arn)["input"])

    def event(self, case: str) -> dict[str, Any]:
        """A committed event, with the key filled in."""
        text = (ROOT / "events" / f"{case}.json").read_text()
        told: dict[str, Any] = json.loads(string.Template(text).safe_substitute(api_key=self.secret))
        return told


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    with mock_aws(), answered_by_moto():
        made = Aws()
        for name, value in {
            "GYRE_ENVIRONMENT": "local",
            "GYRE_COMMIT": "c0ffee",
            "GYRE_ARTIFACT_BUCKET": "artifacts",
            "GYRE_DATA_BUCKET": "data",
            "GYRE_TRAIN_TASKS": "train-tasks",
            "GYRE_BATCH_STATE_MACHINE": made.machine("batch"),
            "GYRE_JOURNAL_QUEUE": made.queue("journal"),
            "GYRE_SHADOW_QUEUE": made.queue("shadow"),
            "GYRE_JOURNAL_DEAD_LETTERS": DEAD_LETTERS,
            "GYRE_JOURNAL_TRIES": "3",
            "GYRE_ERASURE_MACHINE": made.machine("erasure"),
            "GYRE_ERASURE_TASKS": "erasure-tasks",
        }.items():
            monkeypatch.setenv(name, value)
        yield made


@pytest.fixture
def journal() -> MemoryJournal:
    return MemoryJournal()
