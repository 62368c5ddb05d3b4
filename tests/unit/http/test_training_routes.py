"""/train and /runs."""

from dataclasses import replace
from typing import Any

import pytest
from httpx import Response

from gyre.datasets.report import report_key
from gyre.http.routes.datasets import Form
from gyre.workflow import RUN_PATTERN, Step
from tests.unit.parts import NOT_WISHED, House, told


@pytest.fixture
def house() -> House:
    return House()


def train(house: House, **body: Any) -> Response:
    return house.client("training_trigger").post("/train", json=body)


def get(house: House, path: str) -> Response:
    return house.client("training_trigger").get(path)


# --- starting ---------------------------------------------------------------------------------------------------------


def test_the_newest_dataset_version_is_taken_where_nothing_is_named(house: House) -> None:
    house.add_version(number=1)
    house.add_version(number=4)
    house.add_version("beer", 9)
    house.data.put("inbox/wine/newer.csv", b"x")
    answer = train(house, model="wine")
    assert answer.status_code == 202
    run = answer.json()["run"]
    assert answer.json() == {"run": run, "status_url": f"/runs/{run}", "dataset": 4, "upload": None}
    assert house.workflow.runs[run].input == {
        "run": run, "model": "wine", "upload": None, "dataset": 4, "fetch": None, **NOT_WISHED,
    }  # fmt: skip


def test_before_the_first_version_the_newest_upload_is_taken(house: House) -> None:
    house.data.put("inbox/wine/b.csv", b"old")
    version = house.data.put("inbox/wine/a.csv", b"new")
    house.data.put("inbox/beer/z.csv", b"newer, and another model's")
    answer = train(house, model="wine").json()
    assert (answer["dataset"], answer["upload"]) == (None, "inbox/wine/a.csv")
    assert version == "v2"
    assert house.workflow.runs[answer["run"]].input == {
        "run": answer["run"], "model": "wine", "upload": {"key": "inbox/wine/a.csv", "version": None}, "dataset": None,
        "fetch": None, **NOT_WISHED,
    }  # fmt: skip


def test_an_older_version_is_named_by_its_number(house: House) -> None:
    house.add_version(number=1)
    house.add_version(number=2)
    assert train(house, model="wine", dataset=1).json()["dataset"] == 1


@pytest.mark.parametrize("upload", ["b.csv", "inbox/wine/b.csv", "2026/b.csv"])
def test_an_upload_is_named_by_file_or_whole_key(house: House, upload: str) -> None:
    key = f"inbox/wine/{upload.removeprefix('inbox/wine/')}"
    house.data.put(key, b"x")
    house.data.put("inbox/wine/newer.csv", b"x")
    house.add_version()
    answer = train(house, model="wine", upload=upload).json()
    assert (answer["upload"], answer["dataset"]) == (key, None)


def test_each_request_is_a_run_of_its_own(house: House) -> None:
    house.add_version()
    runs = {train(house, model="wine").json()["run"] for _ in range(3)}
    assert len(runs) == len(house.workflow.runs) == 3


def test_with_nothing_to_train_on_it_says_where_to_put_it(house: House) -> None:
    error = told(train(house, model="wine"), 404)
    assert error["field"] == "model"
    assert "inbox/wine/" in error["message"]


@pytest.mark.parametrize("dataset", [2, 10**30])
def test_a_missing_version_is_told_here_and_starts_nothing(house: House, dataset: int) -> None:
    house.add_version()
    error = told(train(house, model="wine", dataset=dataset), 404)
    assert error["field"] == "dataset"
    assert house.workflow.runs == {}


def test_a_missing_upload_is_told_here_and_starts_nothing(house: House) -> None:
    error = told(train(house, model="wine", upload="missing.csv"), 404)
    assert error["field"] == "upload"
    assert "inbox/wine/missing.csv" in error["message"]
    assert house.workflow.runs == {}


@pytest.mark.parametrize("body", [{"dataset": 1, "upload": "a.csv"}, {"dataset": 2, "upload": "missing.csv"}])
def test_a_run_works_on_one_thing(house: House, body: dict[str, Any]) -> None:
    house.add_version()
    house.data.put("inbox/wine/a.csv", b"x")
    assert told(train(house, model="wine", **body), 422)["field"] == "dataset"
    assert house.workflow.runs == {}


def test_another_models_upload_is_refused(house: House) -> None:
    house.data.put("inbox/beer/x.csv", b"x")
    error = told(train(house, model="wine", upload="inbox/beer/x.csv"), 422)
    assert error["field"] == "upload"
    assert "beer" in error["message"]
    assert house.workflow.runs == {}


@pytest.mark.parametrize(
    "upload",
    ["inbox/", "inbox/wine", "inbox/wine/", "inbox/wine/model.yaml", "model.yaml", "MODEL.YML", "a.xlsx", ""],
)
def test_a_key_that_is_no_upload_of_data_is_refused(house: House, upload: str) -> None:
    for key in (upload or "-", f"inbox/wine/{upload}"):
        house.data.put(key, b"x")
    assert told(train(house, model="wine", upload=upload), 422)["field"] == "upload"
    assert house.workflow.runs == {}


@pytest.mark.parametrize("dataset", [0, -1, 1.5, "newest", "1.csv", [], ""])
def test_what_is_no_number_of_a_version_is_422(house: House, dataset: Any) -> None:
    """A file's name stood here once."""
    house.add_version()
    assert told(train(house, model="wine", dataset=dataset), 422)["field"] == "dataset"


@pytest.mark.parametrize("model", ["", "Wine", "1wine", "wi ne", "wine/../beer", "w" * 64, "wine\n", "wïne", None, 1])
def test_what_is_no_models_name_is_refused(house: House, model: Any) -> None:
    assert told(train(house, model=model), 422)["field"] == "model"


# --- following --------------------------------------------------------------------------------------------------------


def test_a_run_is_shown(house: House) -> None:
    house.add_version()
    run = train(house, model="wine").json()["run"]
    shown = get(house, f"/runs/{run}").json()
    assert (shown["run"], shown["status"], shown["steps"]) == (run, "running", [])
    assert shown["input"]["model"] == "wine"
    assert "ended_at" not in shown
    assert "name" not in shown


def test_a_run_that_failed_tells_where_and_why(house: House) -> None:
    house.add_version()
    run = train(house, model="wine").json()["run"]
    started = house.workflow.runs[run]
    step = Step("Split", "failed", started.started_at, started.started_at, "Invalid: too few rows")
    house.workflow.runs[run] = replace(started, status="failed", cause="Invalid: too few rows", steps=(step,))
    shown = get(house, f"/runs/{run}").json()
    assert (shown["status"], shown["cause"]) == ("failed", "Invalid: too few rows")
    assert [(each["name"], each["status"], each["cause"]) for each in shown["steps"]] == [
        ("Split", "failed", "Invalid: too few rows")
    ]


@pytest.mark.parametrize("rest", ["", "/report", "/report?form=json"])
def test_an_unknown_run_is_404(house: House, rest: str) -> None:
    assert "never" in told(get(house, f"/runs/never{rest}"), 404)["message"]


@pytest.mark.parametrize("run", ["a%20b", "a.b", "x" * 81, "a:b", "a%0A", "%2e%2e"])
@pytest.mark.parametrize("rest", ["", "/report"])
def test_what_is_no_runs_name_is_422(house: House, run: str, rest: str) -> None:
    assert told(get(house, f"/runs/{run}{rest}"), 422)["field"] == "run"


def test_the_report_of_a_run_is_shown_also_when_it_refused(house: House) -> None:
    """There is no dataset version to ask it of then."""
    house.data.put("inbox/wine/a.csv", b"x")
    run = train(house, model="wine").json()["run"]
    house.data.put(report_key("wine", run, "html"), b"<!doctype html>refused")
    house.data.put(report_key("wine", run, "json"), b'{"outcome": "refused"}')
    page = get(house, f"/runs/{run}/report")
    assert page.content == b"<!doctype html>refused"
    assert page.headers["content-security-policy"] == "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    assert get(house, f"/runs/{run}/report?form=json").json() == {"outcome": "refused"}
    assert told(get(house, f"/runs/{run}/report?form=pdf"), 422)["field"] == "form"


@pytest.mark.parametrize("form", ["html", "json"])
def test_a_run_without_a_report_says_why(house: House, form: Form) -> None:
    house.add_version()
    run = train(house, model="wine").json()["run"]
    error = told(get(house, f"/runs/{run}/report?form={form}"), 404)
    assert error["field"] == "run"
    assert "took no upload in" in error["message"]


def test_a_run_that_names_no_model_has_no_report(house: House) -> None:
    """Somebody started the state machine by hand."""
    house.workflow.start("by-hand", {})
    assert told(get(house, "/runs/by-hand/report"), 404)["field"] == "run"


def test_a_run_that_was_named_is_one_that_may_be_named() -> None:
    assert RUN_PATTERN.endswith("$") and RUN_PATTERN.startswith("^")
