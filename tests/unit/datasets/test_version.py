"""The records of dataset versions: written once, listed in order, whatever else lies beside them."""

import json
from dataclasses import replace

import pytest

from gyre.datasets.report import RowCounts
from gyre.datasets.version import (
    DatasetVersion,
    dataset_version,
    keep_version,
    newest_version,
    version_numbers,
    versions,
)
from gyre.errors import NotFound
from tests.fakes.objects import MemoryBucket

FIRST = DatasetVersion(
    model="m",
    version=1,
    ingest="i1",
    upload="inbox/m/ä.csv",
    upload_version=None,
    sha256="0" * 64,
    size=2**40,
    facts={"format": "csv"},
    run="run-1",
    at="2026-11-21T09:00:00+00:00",
    spec_version=1,
    raw_version=1,
    quarantine_version=None,
    mode="append",
    rows=RowCounts(read=3, accepted=2, rejected=1, flagged=1, changed=1),
    total_rows=2,
    report="runs/m/run-1/ingest.json",
    alerts=("columns that model.yaml does not know: ü",),
)


@pytest.fixture
def data() -> MemoryBucket:
    return MemoryBucket()


def keep(data: MemoryBucket, *numbers: int, model: str = "m") -> None:
    for number in numbers:
        keep_version(replace(FIRST, model=model, version=number, ingest=f"i{number}"), data)


def test_a_record_comes_back_as_it_was(data: MemoryBucket) -> None:
    assert keep_version(FIRST, data) == FIRST
    assert dataset_version("m", 1, data) == FIRST
    assert DatasetVersion.from_json(data.read("datasets/m/versions/00000001.json").content) == FIRST


def test_a_record_says_all_of_it_in_json(data: MemoryBucket) -> None:
    keep_version(FIRST, data)
    told = json.loads(data.read("datasets/m/versions/00000001.json").content)
    assert told["rows"] == {"read": 3, "accepted": 2, "rejected": 1, "filtered": 0, "flagged": 1, "changed": 1}
    assert (told["size"], told["quarantine_version"], told["upload"]) == (2**40, None, "inbox/m/ä.csv")


def test_a_record_is_written_once_and_the_first_stands(data: MemoryBucket) -> None:
    keep_version(FIRST, data)
    again = replace(FIRST, run="run-2", at="later", rows=RowCounts(read=9))
    assert keep_version(again, data) == FIRST
    assert dataset_version("m", 1, data) == FIRST


def test_versions_come_newest_first_and_in_order(data: MemoryBucket) -> None:
    keep(data, 2, 10, 1, 9, 100)
    assert version_numbers("m", data) == [1, 2, 9, 10, 100]
    assert [each.version for each in versions("m", data)] == [100, 10, 9, 2, 1]
    assert newest_version("m", data).version == 100


@pytest.mark.parametrize(
    ("before", "found"), [(101, [100, 10, 1]), (100, [10, 1]), (10, [1]), (5, [1]), (1, []), (-1, [])]
)
def test_versions_before_a_number(data: MemoryBucket, before: int, found: list[int]) -> None:
    keep(data, 1, 10, 100)
    assert [each.version for each in versions("m", data, before)] == found


def test_models_have_versions_of_their_own(data: MemoryBucket) -> None:
    keep(data, 1, 2, model="wine")
    keep(data, 7, model="wine2")
    assert version_numbers("wine", data) == [1, 2]
    assert version_numbers("win", data) == []


def test_what_else_lies_there_is_not_ours(data: MemoryBucket) -> None:
    # Given what a console's folder or a curious person leaves
    keep(data, 3)
    for name in ("", "readme.txt", "00000009.json.bak", "copy/00000009.json", "x0000009.json", "9.json"):
        data.put(f"datasets/m/versions/{name}", b"?")
    # When and then
    assert version_numbers("m", data) == [3]
    assert [each.version for each in versions("m", data)] == [3]


def test_only_the_records_that_are_asked_for_are_read(data: MemoryBucket) -> None:
    keep(data, 1, 3)
    data.put("datasets/m/versions/00000002.json", b"broken")
    assert next(versions("m", data)).version == 3


@pytest.mark.parametrize("number", [0, 2, -1, 10**9])
def test_a_version_that_does_not_exist_is_told_as_such(data: MemoryBucket, number: int) -> None:
    keep(data, 1)
    with pytest.raises(NotFound, match=f"m has no dataset version {number}") as lacking:
        dataset_version("m", number, data)
    assert lacking.value.field == "dataset"


def test_a_model_without_versions_is_told_what_to_do(data: MemoryBucket) -> None:
    with pytest.raises(NotFound, match="inbox/m/"):
        newest_version("m", data)
    assert list(versions("m", data)) == []
