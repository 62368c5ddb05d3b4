import re

import pytest

from gyre.errors import Invalid, NotFound
from gyre.training.start import (
    Started,
    Wishes,
    run_of_upload,
    start_by_request,
    start_by_url,
    start_evaluation,
    start_from_upload,
)
from gyre.workflow import checked_run_name
from tests.fakes.objects import MemoryBucket
from tests.fakes.workflow import MemoryWorkflow
from tests.unit.parts import NOT_WISHED, House

KEY = "inbox/wine/a.csv"
HOSTS = {"files.example", "::1"}


@pytest.fixture
def workflow() -> MemoryWorkflow:
    return MemoryWorkflow()


@pytest.fixture
def data() -> MemoryBucket:
    return MemoryBucket()


def start(
    data: MemoryBucket, workflow: MemoryWorkflow, dataset: int | None = None, upload: str | None = None
) -> Started:
    return start_by_request("wine", dataset, upload, data, workflow)


# --- by an upload -----------------------------------------------------------------------------------------------------


def test_an_event_told_twice_runs_once(workflow: MemoryWorkflow) -> None:
    first, second = (start_from_upload(KEY, "v1", workflow) for _ in range(2))
    assert first == second
    assert list(workflow.runs) == [first.run]


def test_a_new_version_of_an_upload_is_a_new_run(workflow: MemoryWorkflow) -> None:
    runs = {start_from_upload(KEY, version, workflow).run for version in ("v1", "v2", None)}
    assert len(runs) == 3


def test_a_run_reads_the_very_version_that_was_told(workflow: MemoryWorkflow) -> None:
    started = start_from_upload(KEY, "v1", workflow)
    assert started == Started(started.run, "wine", KEY, None)
    assert workflow.runs[started.run].input == {
        "run": started.run, "model": "wine", "upload": {"key": KEY, "version": "v1"}, "dataset": None, "fetch": None,
        **NOT_WISHED,
    }  # fmt: skip


def test_whoever_uploads_knows_the_run(workflow: MemoryWorkflow) -> None:
    assert start_from_upload(KEY, "v1", workflow).run == run_of_upload(KEY, "v1")


def test_key_and_version_are_never_mixed_up() -> None:
    assert run_of_upload("inbox/wine/a", "bc") != run_of_upload("inbox/wine/ab", "c")


@pytest.mark.parametrize("key", [KEY, "inbox/wine/" + "ü" * 500, "inbox/wine/a b?.csv"])
def test_the_run_of_any_key_has_a_valid_name(key: str) -> None:
    assert checked_run_name(run_of_upload(key, "v")) == run_of_upload(key, "v")


@pytest.mark.parametrize("key", ["elsewhere/a.csv", "inbox/wine/", "inbox/NO/a.csv"])
def test_what_is_no_upload_starts_nothing(workflow: MemoryWorkflow, key: str) -> None:
    with pytest.raises(Invalid):
        start_from_upload(key, "v1", workflow)
    assert workflow.runs == {}


# --- by a request -----------------------------------------------------------------------------------------------------


def test_the_newest_upload_is_the_one_put_last(data: MemoryBucket, workflow: MemoryWorkflow) -> None:
    for key in ("inbox/wine/a.csv", "inbox/wine/c.csv", "inbox/wine/x/b.csv", "inbox/wine2/d.csv"):
        data.put(key, b"x")
    data.put("inbox/wine/a.csv", b"again")
    assert start(data, workflow).upload == "inbox/wine/a.csv"


@pytest.mark.parametrize(
    "other", ["inbox/wine/", "inbox/wine/x/", "inbox/wine/model.yaml", "inbox/wine/x/Model.YML", "inbox/wine2/b.csv"]
)
def test_what_is_no_data_of_the_model_is_no_upload(data: MemoryBucket, workflow: MemoryWorkflow, other: str) -> None:
    """S3's console puts an empty object where a person makes a folder; a model.yaml may lie beside the data."""
    data.put("inbox/wine/a.csv", b"x")
    data.put(other, b"x")
    assert start(data, workflow).upload == "inbox/wine/a.csv"


def test_a_model_yaml_alone_is_nothing_to_train_on(data: MemoryBucket, workflow: MemoryWorkflow) -> None:
    data.put("inbox/wine/model.yaml", b"model: wine")
    with pytest.raises(NotFound) as refused:
        start(data, workflow)
    assert refused.value.field == "model"
    assert workflow.runs == {}


def test_a_newest_file_that_cannot_be_read_is_told_and_not_passed_over(
    data: MemoryBucket, workflow: MemoryWorkflow
) -> None:
    """Whoever put a workbook there last must not be left to think that it was trained on."""
    data.put("inbox/wine/a.csv", b"x")
    data.put("inbox/wine/b.xlsx", b"x")
    with pytest.raises(Invalid, match=r"b\.xlsx.*\.parquet"):
        start(data, workflow)
    assert workflow.runs == {}


def test_a_dataset_version_comes_before_any_upload(workflow: MemoryWorkflow) -> None:
    house = House()
    house.add_version(number=2)
    house.add_version(number=10)
    house.data.put(KEY, b"x")
    started = start(house.data, workflow)
    assert (started.dataset, started.upload) == (10, None)
    assert workflow.runs[started.run].input["upload"] is None
    assert start(house.data, workflow, dataset=2).dataset == 2
    assert start(house.data, workflow, upload="a.csv").upload == KEY


def test_the_name_of_a_requested_run_tells_when(data: MemoryBucket, workflow: MemoryWorkflow) -> None:
    data.put(KEY, b"x")
    started = start(data, workflow)
    assert re.fullmatch(r"train_\d{8}T\d{6}-[0-9a-f]{8}", started.run)
    assert list(workflow.runs) == [started.run]


def test_another_models_upload_starts_nothing(data: MemoryBucket, workflow: MemoryWorkflow) -> None:
    data.put("inbox/beer/a.csv", b"x")
    with pytest.raises(Invalid, match="beer"):
        start(data, workflow, upload="inbox/beer/a.csv")
    assert workflow.runs == {}


@pytest.mark.parametrize("upload", [None, "a.csv", KEY, "../beer/a.csv"])
def test_a_missing_upload_starts_nothing(data: MemoryBucket, workflow: MemoryWorkflow, upload: str | None) -> None:
    data.put("inbox/beer/a.csv", b"x")
    with pytest.raises(NotFound):
        start(data, workflow, upload=upload)
    assert workflow.runs == {}


@pytest.mark.parametrize("dataset", [1, 10**30])
def test_a_missing_version_starts_nothing(data: MemoryBucket, workflow: MemoryWorkflow, dataset: int) -> None:
    with pytest.raises(NotFound) as refused:
        start(data, workflow, dataset=dataset)
    assert refused.value.field == "dataset"
    assert workflow.runs == {}


@pytest.mark.parametrize("model", ["Wine", "../beer", "", "wine\n"])
def test_what_is_no_models_name_starts_nothing(data: MemoryBucket, workflow: MemoryWorkflow, model: str) -> None:
    ways = [(None, None), (1, None), (None, "a.csv")]
    for dataset, upload in ways:
        with pytest.raises(Invalid):
            start_by_request(model, dataset, upload, data, workflow)
    with pytest.raises(Invalid):
        start_by_url(model, "https://files.example/a.csv", HOSTS, workflow)
    assert workflow.runs == {}


# --- by an address ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://files.example/a.csv", "a.csv"),
        ("http://files.example:8080/x/y/a.csv.gz?key=b.csv#c.csv", "a.csv.gz"),
        ("https://[::1]:8443/a.parquet", "a.parquet"),
        ("https://files.example/a%20b%2Bc.csv", "a b+c.csv"),
    ],
)
def test_an_address_starts_a_run_that_fetches_it(workflow: MemoryWorkflow, url: str, name: str) -> None:
    started = start_by_url("wine", url, HOSTS, workflow)
    assert started == Started(started.run, "wine")
    assert workflow.runs[started.run].input == {
        "run": started.run, "model": "wine", "upload": None, "dataset": None, "fetch": {"url": url, "name": name},
        **NOT_WISHED,
    }  # fmt: skip


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "/a",
        "/a.xlsx",
        "/a.csv/",
        "/..",
        "/%2e%2e%2fa.csv",
        "/a%2Fb.csv",
        "/a%00.csv",
        "/.csv",
        "?a.csv",
        "#a.csv",
    ],
)
def test_an_address_must_end_in_the_name_of_a_file(workflow: MemoryWorkflow, path: str) -> None:
    with pytest.raises(Invalid) as refused:
        start_by_url("wine", f"https://files.example{path}", HOSTS, workflow)
    assert refused.value.field == "url"
    assert workflow.runs == {}


def test_an_address_elsewhere_starts_nothing(workflow: MemoryWorkflow) -> None:
    with pytest.raises(Invalid, match=r"elsewhere\.example"):
        start_by_url("wine", "https://elsewhere.example/a.csv", HOSTS, workflow)
    assert workflow.runs == {}


# --- with wishes ------------------------------------------------------------------------------------------------------


def test_wishes_go_into_the_run(workflow: MemoryWorkflow) -> None:
    house = House()
    house.add_version(number=1)
    wishes = Wishes(spec=2, base=3, search={"folds": 4})
    started = start_by_request("wine", None, None, house.data, workflow, wishes)
    assert workflow.runs[started.run].input == {
        "run": started.run, "model": "wine", "upload": None, "dataset": 1, "fetch": None, "evaluate": None,
        "spec": 2, "base": 3, "search": {"folds": 4},
    }  # fmt: skip


@pytest.mark.parametrize("upload", ["a.csv", None])
def test_an_upload_is_taken_in_by_the_newest_spec_alone(
    data: MemoryBucket, workflow: MemoryWorkflow, upload: str | None
) -> None:
    """Also where nothing is named, and there is no dataset version yet."""
    data.put(KEY, b"x")
    with pytest.raises(Invalid) as refused:
        start_by_request("wine", None, upload, data, workflow, Wishes(spec=1))
    assert refused.value.field == "spec"
    assert workflow.runs == {}
    started = start_by_request("wine", None, upload, data, workflow, Wishes(base=1))
    assert workflow.runs[started.run].input["base"] == 1


# --- an evaluation alone ----------------------------------------------------------------------------------------------


def test_an_evaluation_trains_nothing(workflow: MemoryWorkflow) -> None:
    house = House()
    for number in (1, 2):
        house.add_version(number=number)
    started = start_evaluation("wine", 7, 1, "unseen", house.data, workflow)
    assert re.fullmatch(r"eval_\d{8}T\d{6}-[0-9a-f]{8}", started.run)
    assert started.dataset == 1
    assert workflow.runs[started.run].input == {
        "run": started.run, "model": "wine", "upload": None, "dataset": None, "fetch": None, **NOT_WISHED,
        "evaluate": {"version": 7, "dataset": 1, "part": "unseen"},
    }  # fmt: skip
    assert start_evaluation("wine", 7, None, "all", house.data, workflow).dataset == 2


@pytest.mark.parametrize("dataset", [None, 3])
def test_without_its_rows_no_evaluation_starts(
    data: MemoryBucket, workflow: MemoryWorkflow, dataset: int | None
) -> None:
    with pytest.raises(NotFound):
        start_evaluation("wine", 1, dataset, "all", data, workflow)
    assert workflow.runs == {}
