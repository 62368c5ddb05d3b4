import re

import pytest

from gyre.errors import Invalid, NotFound
from gyre.training.start import run_of_upload, start_by_request, start_from_upload
from gyre.workflow import checked_run_name
from tests.fakes.objects import MemoryBucket
from tests.fakes.workflow import MemoryWorkflow

KEY = "inbox/wine/a.csv"


@pytest.fixture
def workflow() -> MemoryWorkflow:
    return MemoryWorkflow()


@pytest.fixture
def uploads() -> MemoryBucket:
    return MemoryBucket()


def test_an_event_told_twice_runs_once(workflow: MemoryWorkflow) -> None:
    first, second = (start_from_upload(KEY, "v1", workflow) for _ in range(2))
    assert first == second
    assert list(workflow.runs) == [first.run]


def test_a_new_version_of_an_upload_is_a_new_run(workflow: MemoryWorkflow) -> None:
    runs = {start_from_upload(KEY, version, workflow).run for version in ("v1", "v2", None)}
    assert len(runs) == 3


def test_a_run_reads_the_very_version_that_was_told(workflow: MemoryWorkflow) -> None:
    started = start_from_upload(KEY, "v1", workflow)
    assert workflow.runs[started.run].input == {
        "run": started.run,
        "model": "wine",
        "upload": {"key": KEY, "version": "v1"},
    }


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


def test_the_newest_upload_is_the_one_put_last(uploads: MemoryBucket, workflow: MemoryWorkflow) -> None:
    for key in ("inbox/wine/a.csv", "inbox/wine/c.csv", "inbox/wine/b.csv", "inbox/wine2/d.csv"):
        uploads.put(key, b"x")
    uploads.put("inbox/wine/a.csv", b"again")
    assert start_by_request("wine", None, uploads, workflow).upload.key == "inbox/wine/a.csv"


def test_a_folders_marker_is_no_upload(uploads: MemoryBucket, workflow: MemoryWorkflow) -> None:
    """S3's console puts an empty object where a person makes a folder."""
    uploads.put("inbox/wine/a.csv", b"x")
    uploads.put("inbox/wine/", b"")
    assert start_by_request("wine", None, uploads, workflow).upload.key == "inbox/wine/a.csv"


def test_the_name_of_a_requested_run_tells_when(uploads: MemoryBucket, workflow: MemoryWorkflow) -> None:
    uploads.put(KEY, b"x")
    started = start_by_request("wine", None, uploads, workflow)
    assert re.fullmatch(r"train_\d{8}T\d{6}-[0-9a-f]{8}", started.run)
    assert list(workflow.runs) == [started.run]


def test_another_models_upload_starts_nothing(uploads: MemoryBucket, workflow: MemoryWorkflow) -> None:
    uploads.put("inbox/beer/a.csv", b"x")
    with pytest.raises(Invalid, match="beer"):
        start_by_request("wine", "inbox/beer/a.csv", uploads, workflow)
    assert workflow.runs == {}


def test_a_missing_upload_starts_nothing(uploads: MemoryBucket, workflow: MemoryWorkflow) -> None:
    for dataset in (None, "a.csv", KEY):
        with pytest.raises(NotFound):
            start_by_request("wine", dataset, uploads, workflow)
    assert workflow.runs == {}
