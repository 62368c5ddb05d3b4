"""localstack-compose.yml gives the same emulator as `make up`, on this machine's loopback address alone."""

from __future__ import annotations

import io
import json
import urllib.request
import zipfile
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
import yaml

from tests.docker import stand_in
from tests.docker.compose import FILE, Compose, accepts, find, free_port, own_addresses
from tests.docker.engine import Engine, NoEngine, wait_until

HANDLER = """
import os, sys
def handler(event, context):
    return {"got": event, "user": os.getuid(), "python": list(sys.version_info[:2])}
"""


@pytest.fixture(scope="module")
def compose(docker: Engine) -> Iterator[Compose]:
    """The emulator's image built and its container up; down again at the end."""
    try:
        command = find(docker)
        base = stand_in.ensure(docker, stand_in.PYTHON)
    except NoEngine as reason:
        pytest.skip(str(reason))
    port = free_port()
    settings = {"GYRE_EMULATOR_PORT": str(port), "GYRE_EMULATOR_BASE": base, "GYRE_BUILD_NETWORK": "host"}
    project = Compose(docker, command, f"gyretest{port}", settings)
    project("build", limit=900)
    try:
        project("up", "--detach", limit=120)
        yield project
    finally:
        project("down", "--volumes", limit=120)


@pytest.fixture(scope="module")
def container(compose: Compose) -> str:
    """The id of the container, once its own health check is content."""
    (found,) = compose.containers()

    def health() -> str:
        return compose.engine.docker("inspect", "--format", "{{.State.Health.Status}}", found).stdout.strip()

    if not wait_until(lambda: health() == "healthy", 120):
        pytest.fail(f"the container is {health()}:\n{compose.engine.docker('logs', found).stderr[-3000:]}")
    return found


def client(compose: Compose, service: Any) -> Any:
    return boto3.client(
        service,
        endpoint_url=f"http://127.0.0.1:{compose.settings['GYRE_EMULATOR_PORT']}",
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


def test_it_is_published_on_loopback_alone() -> None:
    """Given the file as it is committed, when it is read without any engine, then no port is open to the network."""
    services = yaml.safe_load(FILE.read_text())["services"]
    ports = [port for service in services.values() for port in service["ports"]]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)
    assert all("network_mode" not in service and "privileged" not in service for service in services.values())


@pytest.mark.timeout(1200)
def test_the_file_is_valid(compose: Compose) -> None:
    settled = yaml.safe_load(compose("config", limit=60))
    assert set(settled["services"]) == {"localstack"}


@pytest.mark.timeout(1200)
def test_it_answers_here_and_nowhere_else(compose: Compose, container: str) -> None:
    port = int(compose.settings["GYRE_EMULATOR_PORT"])
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/_localstack/health", timeout=10) as answer:
        assert answer.status == 200
        assert json.load(answer)["version"].startswith("4.14")
    assert [address for address in own_addresses() if accepts(address, port)] == []


@pytest.mark.timeout(1200)
def test_a_function_runs_inside(compose: Compose, container: str) -> None:
    """Given a function in a zip, when it is invoked, then it runs in Python 3.12, as a user without rights."""
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr("app.py", HANDLER)
    functions = client(compose, "lambda")
    functions.create_function(
        FunctionName="tiny",
        Runtime="python3.12",
        Handler="app.handler",
        Role="arn:aws:iam::000000000000:role/any",
        Code={"ZipFile": package.getvalue()},
        Timeout=30,
    )
    functions.get_waiter("function_active_v2").wait(FunctionName="tiny", WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    answer = functions.invoke(FunctionName="tiny", Payload=b'{"a": 1}')
    told = json.load(answer["Payload"])
    assert "FunctionError" not in answer, told
    assert told["got"] == {"a": 1}
    assert told["python"] == [3, 12]
    assert told["user"] != 0


@pytest.mark.timeout(1200)
def test_queue_addresses_hold_outside(compose: Compose, container: str) -> None:
    """Given a queue, when its address is asked for, then it is the published one, which functions inside reach too."""
    queues = client(compose, "sqs")
    address = queues.create_queue(QueueName="any")["QueueUrl"]
    assert address.startswith(f"http://127.0.0.1:{compose.settings['GYRE_EMULATOR_PORT']}/")
    queues.send_message(QueueUrl=address, MessageBody="hello")
    assert queues.receive_message(QueueUrl=address, WaitTimeSeconds=5)["Messages"][0]["Body"] == "hello"


@pytest.mark.timeout(1200)
def test_down_leaves_nothing(compose: Compose, container: str) -> None:
    """The last test of the module: it takes the container away."""
    compose("down", "--volumes", limit=120)
    assert compose.containers() == []
    only = f"label=com.docker.compose.project={compose.project}"
    assert compose.engine.docker("network", "ls", "--quiet", "--filter", only).stdout == ""
