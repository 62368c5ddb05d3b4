"""From a file in the bucket to its answers: the entry points, over moto."""

import json
from types import ModuleType
from typing import Any

import pytest

from gyre.aws.s3 import S3Bucket
from gyre.bundle.format import write_bundle
from gyre.datasets.batch_file import run_of_batch
from gyre.errors import Invalid
from gyre.journal.outlet import unpack
from gyre.registry.moves import promote
from gyre.settings import SettingsError
from gyre.spec.versions import add_spec
from tests.unit.functions.conftest import Aws, Load
from tests.unit.registry.house import ANNA, registered
from tests.unit.tasks.batching import PETS, as_csv, expected, made, pets, read_csv
from tests.unit.tasks.machine import Machine


@pytest.fixture
def batch(load: Load) -> ModuleType:
    return load("science", "batch")


@pytest.fixture
def released(aws: Aws) -> Aws:
    """A model that serves."""
    artifacts: Any = S3Bucket("artifacts")
    artifacts.put = lambda key, content: artifacts.write(key, content, content_type="application/octet-stream")
    add_spec(PETS.encode(), artifacts)
    ref = write_bundle(made(PETS).parts, artifacts, "bundles/pets")
    registered("pets", 1, artifacts, bundle=ref, spec_version=1)
    promote("pets", 1, artifacts, ANNA)
    return aws


def created(key: str, version: str) -> dict[str, Any]:
    return {"detail": {"object": {"key": key, "version-id": version}}}


def test_a_file_becomes_answers_and_messages(
    load: Load, released: Aws, batch: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    machines = {name: released.machine(name) for name in ("training", "batch-own")}
    monkeypatch.setenv("GYRE_TRAINING_STATE_MACHINE", machines["training"])
    monkeypatch.setenv("GYRE_BATCH_STATE_MACHINE", machines["batch-own"])
    key, rows = "batch/pets/in/a.csv", pets(12)
    version = released.put(key, as_csv(rows))
    trigger = load("training_trigger")
    answers = [trigger.handler(created(key, version), None) for _ in range(2)]
    run = run_of_batch(key, version)
    assert answers == [{"run": run}] * 2
    assert (released.runs(machines["batch-own"]), released.runs(machines["training"])) == ([run], [])
    machine = Machine(
        lambda event: batch.handler(dict(event), None), "batch.asl.json", lambda key: released.get("data", key)
    )
    machine.run(released.input_of(machines["batch-own"], run))
    out = read_csv(released.get("data", "batch/pets/out/a.csv"))
    assert [each["prediction"] for each in out] == expected(rows)[0]
    assert json.loads(released.get("data", "batch/pets/out/a.csv.summary.json"))["predicted"] == 12
    (record,) = [unpack(body, S3Bucket("data")) for body in released.waiting("journal")]
    assert (record.kind, len(record.rows), record.correlation_id) == ("batch", 12, run)


def test_what_a_batch_writes_calls_for_nothing(load: Load, aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GYRE_TRAINING_STATE_MACHINE", aws.machine("training"))
    told = load("training_trigger").handler(created("batch/pets/out/in/a.csv", "v"), None)
    assert told == {"ignored": "a file that a batch made"}


@pytest.mark.parametrize("key", ["batch/Pets/in/a.csv", "batch/pets/in/a.xlsx"])
def test_a_file_of_no_model_or_kind_starts_nothing_and_is_told(
    load: Load, aws: Aws, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    """An error of the function goes to the notices, by its destination for failures."""
    monkeypatch.setenv("GYRE_TRAINING_STATE_MACHINE", aws.machine("training"))
    with pytest.raises(Invalid):
        load("training_trigger").handler(created(key, "v"), None)


def test_a_task_that_is_none_is_refused(aws: Aws, batch: ModuleType) -> None:
    for task in ("ingest", None, 7):
        with pytest.raises(Invalid, match="there are: plan, predict, join"):
            batch.handler({"task": task}, None)


def test_without_its_variables_the_function_says_which(batch: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match=r"BatchTasksSettings: .*GYRE_JOURNAL_QUEUE"):
        batch.handler({"task": "plan"}, None)
