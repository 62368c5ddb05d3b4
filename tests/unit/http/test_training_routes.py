from typing import Any

import pytest

from gyre.workflow import RUN_PATTERN
from tests.unit.parts import House, told


@pytest.fixture
def house() -> House:
    return House()


def train(house: House, **body: Any) -> Any:
    return house.client("training_trigger").post("/train", json=body)


def test_the_newest_upload_is_taken_where_none_is_named(house: House) -> None:
    house.data.put("inbox/wine/b.csv", b"old")
    house.data.put("inbox/wine/a.csv", b"new")
    house.data.put("inbox/beer/z.csv", b"newer, and another model's")
    answer = train(house, model="wine")
    assert answer.status_code == 202
    assert answer.json()["dataset"] == "inbox/wine/a.csv"


@pytest.mark.parametrize("dataset", ["b.csv", "inbox/wine/b.csv", "2026/b.csv"])
def test_an_upload_is_named_by_file_or_whole_key(house: House, dataset: str) -> None:
    key = f"inbox/wine/{dataset.removeprefix('inbox/wine/')}"
    house.data.put(key, b"x")
    house.data.put("inbox/wine/newer.csv", b"x")
    assert train(house, model="wine", dataset=dataset).json()["dataset"] == key


def test_a_run_starts_with_what_it_needs(house: House) -> None:
    house.data.put("inbox/wine/a.csv", b"x")
    answer = train(house, model="wine").json()
    run = house.workflow.runs[answer["run"]]
    assert dict(run.input) == {
        "run": answer["run"],
        "model": "wine",
        "upload": {"key": "inbox/wine/a.csv", "version": None},
    }
    assert answer["status_url"] == f"/runs/{answer['run']}"


def test_each_request_is_a_run_of_its_own(house: House) -> None:
    house.data.put("inbox/wine/a.csv", b"x")
    runs = {train(house, model="wine").json()["run"] for _ in range(3)}
    assert len(runs) == len(house.workflow.runs) == 3


def test_without_an_upload_it_says_where_to_put_one(house: House) -> None:
    error = told(train(house, model="wine"), 404)
    assert error["field"] == "model"
    assert "inbox/wine/" in error["message"]


def test_a_missing_upload_is_told_here_and_starts_nothing(house: House) -> None:
    error = told(train(house, model="wine", dataset="missing.csv"), 404)
    assert error["field"] == "dataset"
    assert "inbox/wine/missing.csv" in error["message"]
    assert house.workflow.runs == {}


def test_another_models_upload_is_refused(house: House) -> None:
    house.data.put("inbox/beer/x.csv", b"x")
    assert told(train(house, model="wine", dataset="inbox/beer/x.csv"), 422)["field"] == "dataset"
    assert house.workflow.runs == {}


@pytest.mark.parametrize("dataset", ["inbox/", "inbox/wine", "inbox/wine/", "inbox//x.csv", ""])
def test_a_key_that_is_no_upload_is_refused(house: House, dataset: str) -> None:
    house.data.put(dataset or "-", b"x")
    told(train(house, model="wine", dataset=dataset), 422)


@pytest.mark.parametrize("model", ["", "Wine", "1wine", "wi ne", "wine/../beer", "w" * 64, "wine\n", "wïne", None, 1])
def test_what_is_no_models_name_is_refused(house: House, model: Any) -> None:
    assert told(train(house, model=model), 422)["field"] == "model"


def test_a_run_is_shown(house: House) -> None:
    house.data.put("inbox/wine/a.csv", b"x")
    run = train(house, model="wine").json()["run"]
    shown = house.client("training_trigger").get(f"/runs/{run}").json()
    assert (shown["run"], shown["status"], shown["steps"]) == (run, "running", [])
    assert shown["input"]["model"] == "wine"
    assert "ended_at" not in shown
    assert "name" not in shown


def test_an_unknown_run_is_404(house: House) -> None:
    told(house.client("training_trigger").get("/runs/never"), 404)


@pytest.mark.parametrize("run", ["a%20b", "a.b", "x" * 81, "a:b", "a%0A"])
def test_what_is_no_runs_name_is_422(house: House, run: str) -> None:
    assert told(house.client("training_trigger").get(f"/runs/{run}"), 422)["field"] == "run"


def test_models_with_a_release_are_listed(house: House) -> None:
    house.artifacts.put("releases/wine.json", b'{"version": "7"}')
    assert house.client("training_trigger").get("/models").json() == {"models": [{"model": "wine", "version": "7"}]}


def test_a_run_that_was_named_is_one_that_may_be_named() -> None:
    assert RUN_PATTERN.endswith("$") and RUN_PATTERN.startswith("^")
