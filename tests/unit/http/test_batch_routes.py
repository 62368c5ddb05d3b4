"""Whole files over HTTP: announced, followed, taken away."""

import json
from typing import Any

import pytest
from starlette.testclient import TestClient

from gyre.datasets.batch_file import batch_file_at, run_of_batch
from gyre.run_folder import RunFolder
from gyre.training.intake import take_in
from gyre.workflow import BATCH_RUN, Workflows
from tests.fakes.workflow import MemoryWorkflow
from tests.unit.parts import House, told
from tests.unit.registry.house import registered, release

KEY = "batch/wine/in/a.csv"


@pytest.fixture
def house() -> House:
    made = House()
    release("wine", 1, made.artifacts)
    registered("wine", 2, made.artifacts)
    return made


@pytest.fixture
def client(house: House) -> TestClient:
    return house.client("training_trigger")


def arrived(house: House, key: str = KEY) -> str:
    """A file came, and its run began."""
    version = house.data.put(key, b"a\n1\n")
    take_in(key, version, house.data, house.artifacts, house.workflow)
    return run_of_batch(key, version)


def ended(house: House, run: str, key: str = KEY) -> None:
    file = batch_file_at(key)
    house.data.put(file.out, b"a,prediction\n1,x\n")
    house.data.put(file.summary, json.dumps({"run": run, "rows": 1}).encode())
    house.workflow.end(run, "succeeded")


def ask(client: TestClient, **body: Any) -> Any:
    return client.post("/models/wine/batch", json=body)


def test_an_address_is_given_for_a_file(client: TestClient) -> None:
    answer = ask(client, name="people.csv")
    assert answer.status_code == 202
    made = answer.json()
    file = batch_file_at(made["file"])
    assert (file.model, file.release, file.explain, file.name) == ("wine", "production", False, "people.csv")
    assert made["put_url"] == f"memory://{made['file']}?for={made['seconds']}"


@pytest.mark.parametrize(
    ("version", "release"), [("2", "2"), ("v2", "2"), ("latest", "2"), ("production", "production"), ("1", "1")]
)
def test_wishes_are_written_into_the_key(client: TestClient, version: str, release: str) -> None:
    file = batch_file_at(ask(client, name="a.parquet", version=version, explain=True).json()["file"])
    assert (file.release, file.explain) == (release, True)


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        ({"name": "a.xlsx"}, 422, "unknown ending"),
        ({"name": "../a.csv"}, 422, "not a file's name"),
        ({"name": ""}, 422, ""),
        ({}, 422, ""),
        ({"name": "a.csv", "rows": 1}, 422, ""),
        ({"name": "a.csv", "version": "9"}, 404, "wine has no version 9"),
        ({"name": "a.csv", "version": "challenger"}, 404, "wine has no challenger now"),
        ({"name": "a.csv", "version": "best"}, 422, "is no version"),
    ],
)
def test_what_cannot_be_predicted_is_told_at_once(
    client: TestClient, body: dict[str, Any], status: int, says: str
) -> None:
    assert says in told(ask(client, **body), status)["message"]


def test_a_model_without_a_release_predicts_no_file(client: TestClient) -> None:
    answer = client.post("/models/beer/batch", json={"name": "a.csv"})
    assert "beer has no release yet" in told(answer, 404)["message"]


def test_a_file_that_arrives_starts_one_run(house: House, client: TestClient) -> None:
    runs = {arrived(house), arrived(house)}
    assert len(runs) == 2 == len(house.workflow.runs)  # two versions
    version = house.data._versions[KEY][0][0]
    take_in(KEY, version, house.data, house.artifacts, house.workflow)
    assert len(house.workflow.runs) == 2
    shown = client.get(f"/runs/{run_of_batch(KEY, version)}").json()
    assert shown["input"] == {"run": shown["run"], "model": "wine", "file": {"key": KEY, "version": version}}


@pytest.mark.parametrize("key", ["batch/wine/out/in/a.csv", "batch/wine/work/r/ranges/1"])
def test_what_a_run_writes_starts_none(house: House, key: str) -> None:
    assert take_in(key, "v1", house.data, house.artifacts, house.workflow) == {"ignored": "a file that a batch made"}
    assert house.workflow.runs == {}


def test_progress_is_told_while_the_ranges_are_done(house: House, client: TestClient) -> None:
    run = arrived(house)
    assert "found" not in client.get(f"/runs/{run}").json()
    folder = RunFolder(house.artifacts, "wine", run)
    manifest = f"batch/wine/work/{run}/0a/manifest.json"
    folder.write_json("steps/plan.json", {"answer": {"rows": 30, "ranges": 3, "manifest": manifest}})
    for done in range(3):
        found = client.get(f"/runs/{run}").json()["found"]
        assert found["predict"] == {"ranges": 3, "done": done}
        assert found["plan"]["rows"] == 30
        house.data.put(f"batch/wine/work/{run}/0a/told/{done + 1:06}.json", b"{}")


def test_the_answers_are_told_and_can_be_taken_away(house: House, client: TestClient) -> None:
    run = arrived(house)
    ended(house, run)
    answer = client.get(f"/runs/{run}/result").json()
    assert answer == {
        "run": run, "out": "batch/wine/out/a.csv", "get_url": "memory://batch/wine/out/a.csv?get=3600", "seconds": 3600,
        "summary": {"run": run, "rows": 1},
    }  # fmt: skip


def test_before_it_ended_well_a_run_has_no_answers(house: House, client: TestClient) -> None:
    run = arrived(house)
    assert "goes on still" in told(client.get(f"/runs/{run}/result"), 409)["message"]
    house.workflow.end(run, "failed")
    assert "ended as failed, and nothing was written" in told(client.get(f"/runs/{run}/result"), 409)["message"]
    assert client.post(f"/runs/{run}/resume").json()["attempt"] == 2


def test_answers_that_were_replaced_are_not_passed_off_as_those_of_the_run(house: House, client: TestClient) -> None:
    first, second = arrived(house), arrived(house)
    for run in (first, second):
        ended(house, run)
    assert f"were replaced by those of {second}" in told(client.get(f"/runs/{first}/result"), 409)["message"]
    assert client.get(f"/runs/{second}/result").status_code == 200


def test_other_runs_have_no_file_of_answers(house: House, client: TestClient) -> None:
    house.workflow.start("train_1", {"model": "wine"})
    assert "train_1 is no batch" in told(client.get("/runs/train_1/result"), 404)["message"]
    told(client.get(f"/runs/{BATCH_RUN}nowhere/result"), 404)


def test_a_name_says_which_machine_a_run_is_of() -> None:
    training, batches = MemoryWorkflow(), MemoryWorkflow()
    both = Workflows(training, {BATCH_RUN: batches})
    for name in ("train_1", "upload-2", "batch_3", "batch-4"):
        both.start(name, {"a": name})
        assert both.show(name).input == {"a": name}
    assert (sorted(training.runs), sorted(batches.runs)) == (["batch-4", "train_1", "upload-2"], ["batch_3"])
    batches.end("batch_3", "failed")
    assert both.resume("batch_3").attempt == 2
    training.waiting.add("t")
    both.answer("t", {"approved": True})
    assert training.answers == [("t", {"approved": True})]
