"""An emulator of the tests' own, on a free port and in a folder of its own: the developer's goes on undisturbed."""

from __future__ import annotations

import base64
import io
import json
import os
import socket
import subprocess
import sys
import textwrap
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY / "infra" / "emulator"))

from gyre_emulator import control, processes  # noqa: E402
from gyre_emulator.content import search_paths  # noqa: E402
from gyre_emulator.sandbox import Blueprint, Call, Sandbox  # noqa: E402

FUNCTION_PYTHON = REPOSITORY / ".venv" / "function" / "bin" / "python"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(60))


@dataclass(frozen=True)
class Answer:
    """What an invocation gave back."""

    payload: Any
    error: str | None
    tail: str


@dataclass(frozen=True)
class Aws:
    """The emulated account, as a client sees it."""

    emulator: control.Emulator
    images: Path

    def client(self, service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.emulator.url,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"max_attempts": 0}, read_timeout=30, max_pool_connections=16),
        )

    @property
    def role(self) -> str:
        """Logs go to the account of the role, so it must be this one."""
        return f"arn:aws:iam::{self.client('sts').get_caller_identity()['Account']}:role/function"

    def create(self, name: str, code: str, **options: Any) -> str:
        """A function from source, ready to be called."""
        options = {"Timeout": 10, "MemorySize": 256, **options}
        client = self.client("lambda")
        client.create_function(
            FunctionName=name, Runtime="python3.12", Handler="app.handler", Role=self.role,
            Code={"ZipFile": zipped({"app.py": textwrap.dedent(code)})}, **options,
        )  # fmt: skip
        wait_active(client, name)
        return name

    def invoke(self, name: str, event: Any = None, **options: Any) -> Answer:
        answer = self.client("lambda").invoke(
            FunctionName=name, Payload=json.dumps(event if event is not None else {}), LogType="Tail", **options
        )
        return Answer(
            json.loads(answer["Payload"].read()),
            answer.get("FunctionError"),
            base64.b64decode(answer["LogResult"]).decode(),
        )


def wait_active(client: Any, name: str) -> None:
    def is_settled() -> bool:
        configuration = client.get_function(FunctionName=name)["Configuration"]
        return "Pending" not in configuration["State"] and configuration.get("LastUpdateStatus") != "InProgress"

    assert processes.wait_until(is_settled, 20), f"{name} did not become active"


def zipped(files: dict[str, str]) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as content:
        for name, text in files.items():
            content.writestr(name, text)
    return archive.getvalue()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    home, images = tmp_path_factory.mktemp("emulator"), tmp_path_factory.mktemp("images")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("GYRE_IMAGES", str(images))
        environment.setenv("GYRE_EMULATOR_CONCURRENCY", "2")
        environment.setenv("SECRET_OF_THE_CALLER", "must not be seen")
        environment.setenv("HTTPS_PROXY", "http://proxy.invalid:1")
        emulator = control.start(home=home, port=free_port())
    try:
        yield Aws(emulator, images)
    finally:
        control.stop(home=home)


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Callable[..., Sandbox]]:
    """Makes environments from source, without LocalStack."""
    made: list[Sandbox] = []

    def make(code: str, environment: dict[str, str] | None = None, **options: Any) -> Sandbox:
        root = tmp_path / f"code{len(made)}"
        root.mkdir()
        (root / "app.py").write_text(textwrap.dedent(code))
        options = {"memory_megabytes": 256, "timeout_seconds": 5, **options}
        paths = search_paths(FUNCTION_PYTHON, root, None)
        sandbox = Sandbox(
            Blueprint(FUNCTION_PYTHON, "app.handler", root, environment={**paths, **(environment or {})}, **options)
        )
        made.append(sandbox)
        return sandbox

    yield make
    for each in made:
        each.stop()


def call(event: Any = None, **options: Any) -> Call:
    options = {"request_id": "request-1", "function_arn": "arn:aws:lambda:::function:f", **options}
    return Call(payload=json.dumps(event if event is not None else {}).encode(), **options)


def is_alive(pid: int) -> bool:
    try:
        return (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def run_command(*arguments: str, **environment: str) -> Any:
    """`python -m gyre_emulator` as the Makefile calls it."""
    return subprocess.run(
        [sys.executable, "-m", "gyre_emulator", *arguments],
        capture_output=True, text=True, timeout=60,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(REPOSITORY / "infra" / "emulator"), **environment},
    )  # fmt: skip
