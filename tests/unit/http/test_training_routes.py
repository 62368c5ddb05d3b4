"""/train and /runs."""

from dataclasses import replace
from typing import Any

import pytest
from httpx import Response

from gyre.datasets.report import report_key
from gyre.http.routes.datasets import Form
from gyre.registry.moves import promote
from gyre.registry.releases import pointer_key
from gyre.run_folder import RunFolder
from gyre.spec.versions import add_spec
from gyre.workflow import MOST_ATTEMPTS, RUN_PATTERN, Step
from tests.event_data import SPEC
from tests.unit.parts import NOT_WISHED, House, told
from tests.unit.registry.house import ANNA, registered


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


# --- what the training is told besides its data -----------------------------------------------------------------------


@pytest.fixture
def trained(house: House) -> House:
    """Two specs, two dataset versions, three model versions of which the second serves."""
    for version in (1, 2, 3):
        registered("wine", version, house.artifacts)
    promote("wine", 2, house.artifacts, ANNA)
    for text in (SPEC, b"# mended\n" + SPEC):
        add_spec(text, house.artifacts)
    house.add_version(number=1)
    house.add_version(number=2)
    return house


def started_with(house: House, **body: Any) -> dict[str, Any]:
    """The input of the run that was started."""
    answer = train(house, model="wine", **body)
    assert answer.status_code == 202, answer.text
    return dict(house.workflow.runs[answer.json()["run"]].input)


@pytest.mark.parametrize(("base", "number"), [("1", 1), ("v3", 3), ("production", 2), ("champion", 2), ("latest", 3)])
def test_the_run_is_told_the_number_of_the_base(trained: House, base: str, number: int) -> None:
    """What production is may change before the run looks."""
    assert started_with(trained, base=base)["base"] == number


def test_all_wishes_go_into_the_run(trained: House) -> None:
    search = {"sampler": "grid", "candidates": 6, "rounds": 2, "folds": 3, "patience": 1, "minutes": 0.5, "workers": 4}
    told_ = started_with(trained, dataset=1, spec=1, base="1", search=search)
    assert (told_["dataset"], told_["spec"], told_["base"], told_["search"]) == (1, 1, 1, search)


def test_of_a_search_only_what_was_wished_is_told(trained: House) -> None:
    assert started_with(trained, search={"folds": 3})["search"] == {"folds": 3}
    assert started_with(trained, search={})["search"] is None
    assert started_with(trained, search=None)["search"] is None
    assert started_with(trained)["search"] is None


def test_without_a_search_the_base_alone_is_scored(trained: House) -> None:
    told_ = started_with(trained, search=False, base="1")
    assert (told_["search"], told_["base"]) == ({"candidates": 1, "rounds": 1}, 1)


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"base": "9"}, 404, "base"),
        ({"base": "challenger"}, 404, "base"),
        ({"base": "newest"}, 422, "base"),
        ({"base": "../1"}, 422, "base"),
        ({"base": ""}, 422, "base"),
        ({"base": 1}, 422, "base"),
        ({"base": "1" * 21}, 422, "base"),
        ({"spec": 3}, 404, "spec"),
        ({"spec": 10**30}, 404, "spec"),
        ({"spec": 0}, 422, "spec"),
        ({"spec": 1, "upload": "a.csv"}, 422, "spec"),
        ({"dataset": 3}, 404, "dataset"),
        ({"wish": 1}, 422, "wish"),
    ],
)
def test_a_wish_for_what_is_not_there_is_told_here_and_starts_nothing(
    trained: House, body: dict[str, Any], status: int, field: str
) -> None:
    trained.data.put("inbox/wine/a.csv", b"x")
    assert told(train(trained, model="wine", **body), status)["field"] == field
    assert trained.workflow.runs == {}


def test_a_spec_is_not_passed_over_where_only_an_upload_is_there(trained: House) -> None:
    """Given no dataset version, the newest upload would be taken in, by the newest spec."""
    house = House(artifacts=trained.artifacts)
    house.data.put("inbox/wine/a.csv", b"x")
    assert told(train(house, model="wine", spec=1), 422)["field"] == "spec"
    assert house.workflow.runs == {}
    assert train(house, model="wine").status_code == 202


@pytest.mark.parametrize(
    "search",
    [
        True, 1, "none", [], {"sampler": "best"}, {"candidates": 0}, {"candidates": 1_001}, {"rounds": 0},
        {"rounds": 51}, {"folds": 1}, {"folds": 21}, {"patience": 0}, {"minutes": 0}, {"minutes": 601},
        {"minutes": "long"}, {"workers": 0}, {"workers": 41}, {"depth": 3},
    ],
)  # fmt: skip
def test_what_is_no_search_is_422(trained: House, search: Any) -> None:
    assert told(train(trained, model="wine", search=search), 422)["field"].startswith("search")
    assert trained.workflow.runs == {}


def test_a_model_that_nobody_declared_says_what_is_missing(house: House) -> None:
    house.data.put("inbox/wine/a.csv", b"x")
    for body in ({"base": "production"}, {"base": "latest"}, {"base": "1"}):
        assert told(train(house, model="wine", **body), 404)["field"] == "base"
    assert house.workflow.runs == {}


# --- evaluating -------------------------------------------------------------------------------------------------------


def evaluate(house: House, **body: Any) -> Response:
    return house.client("training_trigger").post("/evaluate", json={"model": "wine", **body})


@pytest.mark.parametrize("part", ["unseen", "test", "reference", "all"])
def test_an_evaluation_is_a_run_of_its_own(trained: House, part: str) -> None:
    answer = evaluate(trained, version="v1", dataset=1, part=part)
    assert answer.status_code == 202
    run = answer.json()["run"]
    assert answer.json() == {"run": run, "status_url": f"/runs/{run}", "version": 1, "dataset": 1}
    assert trained.workflow.runs[run].input == {
        "run": run, "model": "wine", "upload": None, "dataset": None, "fetch": None,
        **NOT_WISHED, "evaluate": {"version": 1, "dataset": 1, "part": part},
    }  # fmt: skip


def test_by_itself_what_serves_is_evaluated_on_the_newest_rows(trained: House) -> None:
    run = evaluate(trained).json()["run"]
    assert run.startswith("eval_")
    assert trained.workflow.runs[run].input["evaluate"] == {"version": 2, "dataset": 2, "part": "unseen"}


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"version": "9"}, 404, "version"),
        ({"version": "newest"}, 422, "version"),
        ({"version": "challenger"}, 404, "version"),
        ({"version": 1}, 422, "version"),
        ({"model": "beer"}, 404, "model"),
        ({"model": "beer", "version": "1"}, 404, "version"),
        ({"model": "Wine"}, 422, "model"),
        ({"model": "wine\n"}, 422, "model"),
        ({"dataset": 3}, 404, "dataset"),
        ({"dataset": 0}, 422, "dataset"),
        ({"part": "train"}, 422, "part"),
        ({"part": None}, 422, "part"),
        ({"more": 1}, 422, "more"),
    ],
)
def test_what_cannot_be_evaluated_is_told_here_and_starts_nothing(
    trained: House, body: dict[str, Any], status: int, field: str
) -> None:
    assert told(evaluate(trained, **body), status)["field"] == field
    assert trained.workflow.runs == {}


def test_without_any_rows_there_is_nothing_to_evaluate_on(trained: House) -> None:
    house = House(artifacts=trained.artifacts)
    assert told(evaluate(house), 404)["message"]
    assert house.workflow.runs == {}


def test_a_pointer_that_cannot_be_read_starts_nothing(trained: House) -> None:
    trained.artifacts.put(pointer_key("wine"), b"{")
    assert told(evaluate(trained), 503)["code"] == "unavailable"
    assert told(train(trained, model="wine", base="production"), 503)["code"] == "unavailable"
    assert trained.workflow.runs == {}


# --- what the steps found, and going on -------------------------------------------------------------------------------


def test_a_run_shows_what_its_steps_found(trained: House) -> None:
    run = train(trained, model="wine").json()["run"]
    assert "found" not in get(trained, f"/runs/{run}").json()
    for step, answer in (("split", {"rows": {"train": 7}}), ("evaluate", {"metric": "f1_macro", "value": None})):
        folder = RunFolder(trained.artifacts, "wine", run)
        folder.write_json(f"steps/{step}.json", {"asked": "x", "at": "now", "seconds": 1, "answer": answer})
    other = RunFolder(trained.artifacts, "wine", f"{run}-2")
    other.write_json("steps/fit.json", {"answer": {"not": "ours"}})
    assert get(trained, f"/runs/{run}").json()["found"] == {
        "split": {"rows": {"train": 7}}, "evaluate": {"metric": "f1_macro"},
    }  # fmt: skip


def test_a_run_that_names_no_model_is_shown_as_well(house: House) -> None:
    house.workflow.start("by-hand", {"model": 7})
    assert get(house, "/runs/by-hand").json()["run"] == "by-hand"


def resume(house: House, run: str) -> Response:
    return house.client("training_trigger").post(f"/runs/{run}/resume")


@pytest.mark.parametrize("status", ["failed", "timed_out", "stopped"])
def test_a_run_that_failed_goes_on_with_what_it_was_started_with(trained: House, status: Any) -> None:
    run = train(trained, model="wine", base="1").json()["run"]
    before = trained.workflow.runs[run].input
    trained.workflow.end(run, status)
    answer = resume(trained, run)
    assert answer.status_code == 202
    assert (answer.json()["run"], answer.json()["status"], answer.json()["attempt"]) == (run, "running", 2)
    assert trained.workflow.runs[run].input == before
    # One that goes on is not begun a third time
    assert told(resume(trained, run), 409)["field"] == "run"


@pytest.mark.parametrize(("status", "says"), [("running", "goes on still"), ("succeeded", "nothing to resume")])
def test_a_run_that_did_not_fail_is_not_resumed(trained: House, status: Any, says: str) -> None:
    run = train(trained, model="wine").json()["run"]
    trained.workflow.end(run, status)
    assert says in told(resume(trained, run), 409)["message"]
    assert trained.workflow.runs[run].attempt == 1


def test_a_run_that_fails_again_and_again_is_given_up(trained: House) -> None:
    run = train(trained, model="wine").json()["run"]
    for _ in range(MOST_ATTEMPTS - 1):
        trained.workflow.end(run, "failed")
        assert resume(trained, run).status_code == 202
    trained.workflow.end(run, "failed")
    assert "start a new run" in told(resume(trained, run), 409)["message"]


def test_what_was_never_started_is_not_resumed(house: House) -> None:
    assert told(resume(house, "never"), 404)["code"] == "not_found"
    assert told(resume(house, "a.b"), 422)["field"] == "run"
