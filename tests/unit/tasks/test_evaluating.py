"""A registered version on the rows of any dataset version."""

from dataclasses import replace
from typing import Any

import pytest

from gyre.registry.version import keep_version
from tests.unit.tasks.machine import Failed
from tests.unit.tasks.world import World, all_trained_on


@pytest.mark.parametrize("part", ["unseen", "test", "reference", "all"])
def test_a_version_is_evaluated_on_rows_of_any_dataset(world: World, part: str) -> None:
    """The first version, on the rows of the second dataset."""
    before = (world.versions(), world.serves())
    told = world.train("eval_1", evaluate={"version": 1, "dataset": 2, "part": part})["evaluation"]
    # 700 rows, of which the first version was trained on 280, and on the like of two others
    rows = {"unseen": 418, "test": 140, "reference": 69, "all": 700}[part]
    assert (told["version"], told["dataset"], told["part"], told["rows"]) == (1, 2, part, rows)
    assert told["metric"] == "f1_macro" and 0.6 < told["value"] <= 1
    kept = world.run("eval_1").read_json("evaluation.json")
    assert (kept["rows"], kept["evaluated"]) == (rows, {"version": 1, "dataset": 2, "part": part})
    assert world.run("eval_1").read_json("fairness.json")["before"] is None
    _, run = next(each for each in world.tracking.runs.values() if each[1].run == "eval_1")
    assert (run.kind, run.parameters["version"], run.parameters["part"]) == ("eval", "1", part)
    # Of 69 rows a group has fewer than it takes to be told.
    assert ("fairness_demographic_parity_difference" in run.metrics) == (rows > 100)
    assert (world.versions(), world.serves()) == before


def test_where_everything_was_trained_on_nothing_can_be_told(world: World) -> None:
    made = replace(world.version(2), version=3, run="run-3", split=all_trained_on(world, 2))
    keep_version(made, world.artifacts)
    with pytest.raises(Failed, match="was trained on every row of dataset version 1"):
        world.train("eval_1", evaluate={"version": 3, "dataset": 1, "part": "unseen"})
    assert world.machine.notices[-1]["step"] == "Evaluate a version"
    assert list(world.run("eval_1").list()) == []


@pytest.mark.parametrize(
    ("evaluate", "says"),
    [
        ({"version": 9, "dataset": 1, "part": "all"}, "no version 9"),
        ({"version": 1, "dataset": 9, "part": "all"}, "no version 9 of processed rows"),
    ],
)
def test_what_is_not_there_is_not_evaluated(world: World, evaluate: dict[str, Any], says: str) -> None:
    with pytest.raises(Failed, match=says) as failed:
        world.train("eval_1", evaluate=evaluate)
    assert failed.value.error == "NotFound"
    assert world.machine.notices[-1]["step"] == "Evaluate a version"
