"""What the clock starts, and how often."""

from datetime import UTC, datetime, timedelta

import pytest

from gyre.spec.versions import add_spec
from gyre.training.schedule import scheduled_run, start_due
from tests.fakes.objects import MemoryBucket
from tests.fakes.workflow import MemoryWorkflow
from tests.unit.parts import House

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def declare(house: House, model: str, retrain: str) -> None:
    text = (
        f"model: {model}\ntask: binary\ntarget: y\ncolumns: {{y: {{type: boolean}}, x: {{type: number}}}}\n{retrain}\n"
    )
    add_spec(text.encode(), house.artifacts)


def due(house: House, now: datetime) -> tuple[dict[str, str], dict[str, str]]:
    found = start_due(now, house.data, house.artifacts, house.workflow)
    return found.runs, found.faults


def test_who_declares_no_hours_is_never_due() -> None:
    house = House()
    declare(house, "wine", "")
    house.add_version("wine")
    assert due(house, NOON) == ({}, {})
    assert house.workflow.runs == {}


def test_what_is_due_begins_once_however_often_the_clock_asks() -> None:
    house = House()
    declare(house, "wine", "retrain: {every_hours: 24}")
    house.add_version("wine", 3)
    for minutes in range(0, 24 * 60, 7):
        due(house, NOON.replace(hour=0) + timedelta(minutes=minutes))
    (run,) = house.workflow.runs.values()
    assert (run.name[:21], run.input["dataset"], run.input["model"]) == ("train_20261121T000000", 3, "wine")
    due(house, NOON + timedelta(hours=12))
    assert len(house.workflow.runs) == 2


def test_a_model_without_data_is_told_and_holds_up_no_other() -> None:
    house = House()
    for model in ("beer", "wine"):
        declare(house, model, "retrain: {every_hours: 1}")
    house.add_version("wine")
    runs, faults = due(house, NOON)
    assert list(runs) == ["wine"]
    assert "no upload" in faults["beer"]


def test_two_models_have_two_runs_at_one_time() -> None:
    names = {scheduled_run(model, 24, NOON) for model in ("beer", "wine")}
    assert len(names) == 2


@pytest.mark.parametrize("hours", [1, 1.5, 24, 168, 8784])
def test_a_run_is_named_by_the_hours_it_is_for(hours: float) -> None:
    named = [scheduled_run("wine", hours, NOON + timedelta(hours=hours * step / 4)) for step in range(41)]
    assert 10 <= len(set(named)) <= 11
    assert named == sorted(named)
    workflow = MemoryWorkflow()
    workflow.start(named[0], {})  # it is a name that a run may have


def test_nothing_declared_nothing_due() -> None:
    found = start_due(NOON, MemoryBucket(), MemoryBucket(), MemoryWorkflow())
    assert (found.runs, found.faults) == ({}, {})
