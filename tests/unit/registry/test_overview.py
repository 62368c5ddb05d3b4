"""Versions as somebody looks at them."""

import os
import subprocess
import sys
from typing import Any

import pytest

from gyre.errors import NotFound, Unavailable
from gyre.registry.gates import Judgement, Verdict, keep_judgement
from gyre.registry.moves import promote, retire
from gyre.registry.overview import folder_of, listed, whole
from gyre.registry.releases import pointer_key
from gyre.registry.version import model_version
from tests.fakes.objects import MemoryBucket
from tests.unit.registry.house import ANNA, registered, released

VERDICT = Verdict("metrics", "f1_macro", 0.8, "at least 0.9", False, "f1_macro is 0.8, below 0.9")


def numbers(artifacts: MemoryBucket, **page: Any) -> tuple[list[int], int | None]:
    found, before = listed("wine", artifacts, **{"limit": 100, "before": None} | page)
    return [each["version"] for each in found], before


def test_the_newest_come_first_and_each_page_tells_where_to_go_on() -> None:
    artifacts = released(5)
    assert numbers(artifacts) == ([5, 4, 3, 2, 1], None)
    assert numbers(artifacts, limit=2) == ([5, 4], 4)
    assert numbers(artifacts, limit=2, before=4) == ([3, 2], 2)
    assert numbers(artifacts, limit=2, before=2) == ([1], None)
    assert numbers(artifacts, limit=5) == ([5, 4, 3, 2, 1], None)
    assert numbers(artifacts, before=1) == ([], None)


def test_numbers_are_in_the_order_of_numbers() -> None:
    artifacts = MemoryBucket()
    for number in (9, 10, 99_999_999, 100_000_000):
        registered("wine", number, artifacts)
    assert sorted(numbers(artifacts)[0]) == [9, 10, 99_999_999, 100_000_000]


def test_another_models_versions_are_not_ours() -> None:
    artifacts = released(1)
    registered("wine2", 2, artifacts)
    artifacts.put("registry/wine/", b"")
    artifacts.put("registry/wine/notes.txt", b"x")
    assert numbers(artifacts) == ([1], None)


def test_where_a_version_stands() -> None:
    artifacts = released(4, 1, 2)
    promote("wine", 3, artifacts, ANNA, alias="challenger")
    retire("wine", 4, artifacts, ANNA)
    found = {
        each["version"]: (each["aliases"], each["retired"])
        for each in listed("wine", artifacts, limit=9, before=None)[0]
    }
    assert found == {1: ([], False), 2: (["production", "champion"], False), 3: (["challenger"], False), 4: ([], True)}


def test_a_metric_that_could_not_be_measured_has_no_value() -> None:
    artifacts = MemoryBucket()
    registered("wine", 1, artifacts, figures={})
    assert listed("wine", artifacts, limit=1, before=None)[0][0]["value"] is None


def test_one_version_is_told_with_its_gates() -> None:
    artifacts = released(1)
    folder = folder_of(model_version("wine", 1, artifacts), artifacts)
    keep_judgement(Judgement((VERDICT,)), folder)
    found = whole("wine", 1, artifacts)
    assert (found["gates"], found["judgement"]["passed"]) == ("failed", False)
    assert found["judgement"]["verdicts"][0]["because"] == VERDICT.because
    assert found["bundle"]["hash"] and found["run"] == "train-1"


def test_what_is_not_there_is_not_found() -> None:
    with pytest.raises(NotFound, match="no version 9"):
        whole("wine", 9, released(1))


def test_a_pointer_that_cannot_be_read_is_not_passed_over() -> None:
    artifacts = released(1, 1)
    artifacts.put(pointer_key("wine"), b"{")
    for look in (lambda: whole("wine", 1, artifacts), lambda: listed("wine", artifacts, limit=1, before=None)):
        with pytest.raises(Unavailable, match=r"releases/wine\.json"):
            look()


def test_the_routes_need_nothing_scientific() -> None:
    """The function that answers them is a small one."""
    code = (
        "import sys, gyre.http.routes.releases, gyre.http.routes.training, gyre.registry.overview\n"
        "sys.exit(' '.join({'numpy', 'pandas', 'sklearn', 'mlflow', 'pyarrow'} & sys.modules.keys()) or None)"
    )
    path = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], env=path, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
