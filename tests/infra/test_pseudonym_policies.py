"""Who may read the keys of pseudonyms: those that hash, and that search. Nobody writes them but a deployment."""

from fnmatch import fnmatchcase

import pytest

from gyre.pseudonyms import PSEUDONYM_KEYS, PseudonymKeys, with_newer_key
from tests.infra.facts import functions
from tests.infra.test_batch_policies import guarded
from tests.infra.test_policies import Guarded, allowed
from tests.unit.tasks.batching import Batching, as_csv, pets

READERS = {"InferenceFunction", "BatchTasksFunction", "PredictionLogFunction", "FeedbackFunction"}


def may(function: str, bucket: str, action: str) -> bool:
    patterns = {name: keys for name, keys in allowed(function, bucket).items() if fnmatchcase(action, name)}
    return any(fnmatchcase(f"/{PSEUDONYM_KEYS}", pattern) for keys in patterns.values() for pattern in keys)


def test_who_may_read_them() -> None:
    assert {name for name in functions() if may(name, "artifacts", "s3:GetObject")} == READERS


@pytest.mark.parametrize("action", ["s3:PutObject", "s3:DeleteObject", "s3:DeleteObjectVersion", "s3:GetObjectVersion"])
def test_nobody_may_write_or_remove_them(action: str) -> None:
    assert [name for name in functions() if may(name, "artifacts", action)] == []


@pytest.mark.parametrize("function", sorted(READERS))
def test_a_function_reads_them_within_its_role(function: str) -> None:
    broken: list[str] = []
    bucket = Guarded(function, "artifacts", broken)
    bucket.put(PSEUDONYM_KEYS, with_newer_key(None, "now"))
    assert PseudonymKeys(bucket).current().of("ann").startswith("p1:")
    assert broken == []


def test_a_batch_of_people_does_what_its_role_allows() -> None:
    broken: list[str] = []
    kept = Batching().release()
    run = kept.put("a.csv", as_csv(pets(9)))
    data, artifacts = guarded("BatchTasksFunction", broken, kept)
    world = Batching(data=data, artifacts=artifacts, outlet=kept.outlet, workflow=kept.workflow)
    broken.clear()  # what declaring the model did
    world.go(run)
    assert all(row.features["owner"].startswith("p1:") for each in kept.outlet.records for row in each.rows)
    assert broken == []
