"""Whom serving is measured against."""

import re
from pathlib import Path

import pytest

from bench.serving import servers
from bench.serving.load import Target
from bench.serving.models import Sent
from infra.environments import ENVIRONMENTS

LOCKS = Path(servers.ROOT) / "requirements"
ROW = Sent({"age": 30, "on": True}, {"boosting": {"no": 0.25, "yes": 0.75}})


def pinned(lock: str) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9-]+)==(\S+)", (LOCKS / lock).read_text(), re.MULTILINE))


@pytest.mark.parametrize("package", ["scikit-learn", "shap", "numpy", "pandas", "scipy", "joblib"])
def test_mlserver_has_the_libraries_that_made_the_model(package: str) -> None:
    """Otherwise two versions of scikit-learn would be compared, if the pickle could be read at all."""
    assert pinned("peer.lock")[package] == pinned("science.lock")[package]


def test_setup_does_not_build_what_only_the_benchmark_needs() -> None:
    assert {each.name for each in ENVIRONMENTS if each.on_demand} == {"peer"}


@pytest.mark.parametrize("explained", [False, True])
def test_each_side_is_asked_in_its_own_words(explained: bool) -> None:
    asked: dict[str, Target] = {
        side: servers.target(side, "http://h", "boosting", [ROW], explained=explained) for side in servers.SIDES
    }
    assert asked["Gyre"].url == "http://h/inference"
    assert b'"rows": [{"features": {"age": 30, "on": true}}]' in asked["Gyre"].bodies[0]
    assert (b'"explain": {"top": 5}' in asked["Gyre"].bodies[0]) is explained
    assert (b'"top": 5' in asked["scikit-learn"].bodies[0]) is explained
    assert asked["MLServer"].url.endswith("/boosting_explained/infer" if explained else "/boosting_plain/infer")
    assert b'{"name": "age", "shape": [1, 1], "datatype": "FP64", "data": [30.0]}' in asked["MLServer"].bodies[0]


def test_answers_are_read_alike() -> None:
    shares = {"no": 0.25, "yes": 0.75}
    assert servers.probabilities("Gyre", {"predictions": [{"probabilities": shares}]}, list(shares)) == shares
    assert servers.probabilities("scikit-learn", {"probabilities": shares}, list(shares)) == shares
    assert servers.probabilities("MLServer", {"outputs": [{"data": [0.25, 0.75]}]}, list(shares)) == shares
