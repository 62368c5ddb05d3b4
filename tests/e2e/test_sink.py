"""A second stack beside the first, over the same buckets, whose journal goes to PostgreSQL, too."""

import json
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import boto3
import pytest

from cli.client import GyreClient
from infra.deploy.emulator import api_url, deploy_to_emulator
from infra.deploy.stacks import Stacks
from infra.deploy.target import Target, commit_of, target_named
from infra.packaging.workshop import Workshop
from tests.contract.postgres_server import Server, running_or_skipped
from tests.e2e.conftest import journal_record

# What would run over the data of the first stack a second time.
QUIET = dict.fromkeys(("MonitoringSchedule", "TrainingSchedule", "TrialSchedule", "UpkeepSchedule"), "rate(1 day)")
SECONDS = 120.0


@dataclass(frozen=True)
class Beside(Target):
    """A stack that has no data of its own."""

    storage: str = ""

    @property
    def storage_stack(self) -> str:
        return self.storage


@dataclass
class World:
    """The stack, its database, and what is in both."""

    gyre: GyreClient
    server: Server
    database: str

    def tell(self, event_id: str) -> None:
        """A record, as the inference function sends it."""
        body, url = json.dumps(journal_record(event_id, "sink-model")), self.gyre.record.journal_queue_url
        self.gyre.aws("sqs").send_message(QueueUrl=url, MessageBody=body)

    def calls(self) -> set[str]:
        if self.server.ask("select to_regclass('gyre.calls')", self.database) == [[None]]:
            return set()
        return {event_id for (event_id,) in self.server.ask("select event_id from gyre.calls", self.database)}

    def in_journal(self, event_id: str) -> bool:
        return self.gyre.send("GET", f"predictions/{event_id}").status_code == 200


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running_or_skipped() as made:
        yield made


@pytest.fixture(scope="module")
def world(gyre: GyreClient, server: Server) -> Iterator[World]:
    database, name = server.database(), f"gyre-test/{uuid.uuid4().hex[:8]}"
    secrets, first = gyre.aws("secretsmanager"), target_named("local")
    secrets.create_secret(Name=name, SecretString=server.secret(database))
    target = Beside(
        "local", "gyre-sink", first.region, {**first.parameters, **QUIET, "SinkSecret": name}, first.endpoint,
        storage=first.storage_stack,
    )  # fmt: skip
    said: list[str] = []
    try:
        _, stack = deploy_to_emulator(target, commit_of(), Workshop(), said.append)
        record = replace(
            gyre.record, stack=stack.name, api_url=api_url(target, stack),
            journal_queue_url=stack.outputs["JournalQueueUrl"],
        )  # fmt: skip
        yield World(GyreClient(record), server, database)
    finally:
        stacks = Stacks(boto3.client("cloudformation"), said.append)
        if stacks.find(target.stack):
            stacks.delete(target.stack)
        secrets.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)


def wait_for(what: str, true: Callable[[], bool]) -> None:
    until = time.monotonic() + SECONDS
    while not true():
        assert time.monotonic() < until, f"{what} did not come within {SECONDS:.0f} s"
        time.sleep(0.3)


@pytest.mark.timeout(400)
def test_a_call_stands_in_the_journal_and_in_postgres(world: World) -> None:
    """Given a call through the gateway, and a record of a row; neither waits for the other's place."""
    answer = world.gyre.send("POST", "predict/no-such-model", json={"x": 1})
    assert answer.status_code == 404
    told = f"sink-{uuid.uuid4()}"
    world.tell(told)
    wait_for("the records", lambda: told in world.calls() and len(world.calls()) == 2)
    ((status, error, model),) = world.server.ask(
        "select status, error ->> 'code', model from gyre.calls where event_id <> :told", world.database, told=told
    )
    assert (status, error, model) == (404, "not_found", None)
    rows = world.server.ask("select event_id, row_id, features from gyre.predictions", world.database)
    assert rows == [[told, "1", {"alcohol": 13.2}]]
    assert world.in_journal(told)


@pytest.mark.timeout(400)
def test_an_outage_of_postgres_holds_up_no_journal_and_loses_nothing(world: World) -> None:
    events = [f"sink-{uuid.uuid4()}" for _ in range(5)]
    world.server.stop()
    try:
        for event_id in events:
            world.tell(event_id)
        wait_for("the journal", lambda: all(map(world.in_journal, events)))
        wait_for("a try of the sink", lambda: "did not answer" in _log(world))
    finally:
        world.server.start()
    wait_for("the records", lambda: set(events) <= world.calls())
    counted = "select count(*), count(distinct event_id) from gyre.predictions where event_id = any(:events)"
    assert world.server.ask(counted, world.database, events=events) == [[5, 5]]


def _log(world: World) -> str:
    logs, group = world.gyre.aws("logs"), f"/aws/lambda/{world.gyre.record.stack}-sink"
    found: list[Any] = logs.filter_log_events(logGroupName=group)["events"]
    return "\n".join(each["message"] for each in found)
