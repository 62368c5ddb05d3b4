"""Keys under batch/: what they say, and what starts a run."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gyre.datasets.batch_file import (
    BatchFile,
    batch_address,
    batch_file_at,
    done_ranges,
    is_batch,
    is_batch_input,
    run_of_batch,
)
from gyre.errors import Invalid
from gyre.workflow import BATCH_RUN, checked_run_name
from tests.fakes.objects import MemoryBucket


@pytest.mark.parametrize(
    ("rest", "release", "explain"),
    [
        ("a.csv", "production", False),
        ("2026/11/a.csv", "production", False),
        ("explain/a.csv", "production", True),
        ("v3/a.csv", "3", False),
        ("v12/explain/x/a.csv.gz", "12", True),
        ("v0/vv1/Explain/a.csv", "production", False),
        ("v3.csv", "production", False),
        ("in/explain.csv", "production", False),
    ],
)
def test_wishes_stand_in_the_key(rest: str, release: str, explain: bool) -> None:
    file = batch_file_at(f"batch/wine/in/{rest}", "v1")
    assert (file.model, file.version, file.release, file.explain) == ("wine", "v1", release, explain)
    assert file.out == f"batch/wine/out/{rest}"
    assert file.summary == f"batch/wine/out/{rest}.summary.json"
    assert file.work("r") == "batch/wine/work/r/"
    assert file.name == rest.rsplit("/", 1)[-1]


@pytest.mark.parametrize(
    "key", ["batch/wine/in/", "batch/wine/in/2026/", "batch/in/a.csv", "batch/wine/out/in/a.csv", "batch/wine/a.csv",
            "batch/wine/work/r/in/a.csv", "inbox/wine/in/a.csv"],
)  # fmt: skip
def test_no_other_key_is_a_file_to_predict(key: str) -> None:
    assert not is_batch_input(key)
    with pytest.raises(Invalid, match="its key must be batch/<model>/in/<file>"):
        batch_file_at(key)


@pytest.mark.parametrize("key", ["batch/Wine/in/a.csv", "batch/wine/in/a.xlsx", "batch/wine/in/a", "batch/../in/a.csv"])
def test_a_file_of_no_model_or_of_no_kind_is_refused(key: str) -> None:
    assert is_batch(key) and is_batch_input(key)
    with pytest.raises(Invalid):
        batch_file_at(key)


def test_what_a_run_makes_starts_no_run() -> None:
    file = BatchFile("wine", "batch/wine/in/in/a.csv")
    for key in (file.out, file.summary, f"{file.work('r')}0/parts/000001.csv", f"{file.work('r')}ranges/000001"):
        assert is_batch(key) and not is_batch_input(key)


@given(st.text(max_size=40), st.one_of(st.none(), st.text(max_size=40)))
def test_a_run_is_named_after_its_file(key: str, version: str | None) -> None:
    name = run_of_batch(key, version)
    assert name.startswith(BATCH_RUN) and checked_run_name(name) == name == run_of_batch(key, version)
    assert name != run_of_batch(f"{key}x", version)


def test_an_address_leads_to_a_folder_of_its_own() -> None:
    data = MemoryBucket()
    made = [batch_address("wine", "a.csv", data, explain=True, release=4) for _ in range(2)]
    assert made[0].key != made[1].key
    for each in made:
        assert re.fullmatch(r"batch/wine/in/[0-9a-f]{12}/v4/explain/a\.csv", each.key)
        assert (batch_file_at(each.key).release, batch_file_at(each.key).explain) == ("4", True)
    plain = batch_file_at(batch_address("wine", "a.csv", data, explain=False, release=None).key)
    assert (plain.release, plain.explain) == ("production", False)
    with pytest.raises(Invalid):
        batch_address("wine", "../a.csv", data, explain=False, release=None)


def test_ranges_that_are_done_are_counted() -> None:
    data = MemoryBucket()
    for key in ("told/000001.json", "told/000002.json", "parts/000003.csv", "manifest.json"):
        data.put(f"batch/wine/work/r/0/{key}", b"")
    assert done_ranges("batch/wine/work/r/0/manifest.json", data) == 2
