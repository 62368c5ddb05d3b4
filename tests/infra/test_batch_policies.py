"""Predicting whole files within what the roles allow, and the rule that hears of them."""

from fnmatch import fnmatchcase
from typing import Any

import pytest

from gyre.journal.outlet import parcel
from gyre.journal.record import JournalRecord
from tests.fakes.outlet import MemoryOutlet
from tests.infra.facts import MACHINE, of_type, template
from tests.infra.test_policies import Guarded
from tests.unit.parts import House
from tests.unit.tasks.batching import Batching, as_csv, pets
from tests.unit.tasks.test_batch import FORMS


class LargeRecords(MemoryOutlet):
    """Every record is too large for a message."""

    def __init__(self, data: Any) -> None:
        super().__init__()
        self._data = data

    def put(self, record: JournalRecord) -> None:
        parcel(record, self._data, 10)
        super().put(record)


def guarded(function: str, broken: list[str], kept: Batching) -> tuple[Guarded, Guarded]:
    """The buckets of a deployment as a function sees them."""
    data, artifacts = Guarded(function, "data", broken), Guarded(function, "artifacts", broken)
    data._versions, artifacts._versions = kept.data._versions, kept.artifacts._versions
    data._writes = artifacts._writes = dict.fromkeys([*data._versions, *artifacts._versions], 1)
    return data, artifacts


@pytest.mark.parametrize("form", FORMS)
def test_the_tasks_do_what_their_role_allows(form: str) -> None:
    """Given a file that is read as it lies or copied, and records too large for the queue."""
    broken: list[str] = []
    name, write, _ = FORMS[form]
    kept = Batching().release()
    run = kept.put(name, write(pets(9)))
    data, artifacts = guarded("BatchTasksFunction", broken, kept)
    world = Batching(data=data, artifacts=artifacts, outlet=LargeRecords(data), workflow=kept.workflow)
    broken.clear()  # what declaring the model did
    world.go(run)
    assert world.summary(name)["predicted"] == 9
    assert [each.key for each in data.list("overflow/pets/")]
    assert broken == []


def test_the_api_does_what_its_role_allows() -> None:
    """From the announcement of a file to the address of its answers."""
    broken: list[str] = []
    kept = Batching().release()
    run = kept.put("a.csv", as_csv(pets(3)))
    kept.go(run)
    kept.workflow.end(run, "succeeded")
    data, artifacts = guarded("TrainingTriggerFunction", broken, kept)
    house = House(data=data, artifacts=artifacts, workflow=kept.workflow)
    client = house.client("training_trigger")
    announced = client.post("/models/pets/batch", json={"name": "a.csv", "explain": True, "version": "1"}).json()
    data._may("s3:PutObject", announced["file"])
    assert client.get(f"/runs/{run}").json()["found"]["predict"] == {"ranges": 1, "done": 1}
    told = client.get(f"/runs/{run}/result").json()
    data._may("s3:GetObject", told["out"])
    assert broken == []


def test_only_files_that_come_in_call_the_function() -> None:
    """Each part that a run writes would start it for nothing."""
    events = template()["Resources"]["TrainingTriggerFunction"]["Properties"]["Events"]
    keys = events["Upload"]["Properties"]["Pattern"]["detail"]["object"]["key"]
    (pattern,) = [each["wildcard"] for each in keys if "wildcard" in each]
    assert fnmatchcase("batch/wine/in/v3/explain/a.csv", pattern)
    for key in ("batch/wine/out/a.csv", "batch/wine/work/r/0/parts/000001.csv", "batch/wine/work/r/ranges/000001"):
        assert not fnmatchcase(key, pattern)


def test_a_distributed_map_may_start_what_it_consists_of() -> None:
    machine = of_type(template(), MACHINE)["BatchStateMachine"]["Properties"]
    (own,) = [each["Statement"] for each in machine["Policies"] if "Statement" in each]
    by_action = {action: each["Resource"] for each in own for action in _list(each["Action"])}
    name = machine["Name"]["Fn::Sub"]
    assert by_action["states:StartExecution"]["Fn::Sub"].endswith(f":stateMachine:{name}")
    assert all(f":execution:{name}" in each["Fn::Sub"] for each in by_action["states:StopExecution"])
    assert by_action["s3:GetObject"]["Fn::Sub"].endswith("/batch/*/work/*")


def test_nobody_misses_a_run_that_was_cut_off() -> None:
    machines = set(of_type(template(), MACHINE))
    for rule in ("RunsCutOff", "RunsBroken"):
        watched = template()["Resources"][rule]["Properties"]["EventPattern"]["detail"]["stateMachineArn"]
        assert {each["Ref"] for each in watched} == machines


def _list(told: Any) -> list[Any]:
    return told if isinstance(told, list) else [told]
