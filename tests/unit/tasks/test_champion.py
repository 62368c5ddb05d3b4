"""A version is held against what serves, on rows that tell which of the two is better."""

import io
from dataclasses import replace
from typing import Any

import pyarrow.parquet as pq
import pytest

from gyre.datasets.kept_split import split_at
from gyre.errors import NotFound
from gyre.registry.gates import read_judgement
from gyre.registry.version import keep_version
from tests.unit.tasks.world import (
    TOLERANT,
    World,
    all_trained_on,
    verdicts,
)


def _gates(world: World, version: int) -> dict[str, Any]:
    made = world.version(version)
    return {
        "task": "gates", "run": made.run, "model": "pets", "spec_version": made.spec_version, "split": made.split,
        "version": version,
    }  # fmt: skip


def test_the_champion_is_met_on_rows_that_it_never_saw(trained: World) -> None:
    """Given a second version, whose test part holds rows that the first was trained on."""
    theirs, ours = (split_at(trained.version(n).split, trained.data) for n in (1, 2))
    learned = {tuple(row.values()) for row in _rows(trained, theirs.key, 0)}
    judged = [tuple(row.values()) for row in _rows(trained, ours.key, 1)]
    unseen = sum(row not in learned for row in judged)
    (verdict,) = [each for each in verdicts(trained, "run-2") if each["gate"] == "champion"]
    assert 50 < unseen < len(judged) == 140
    assert f"on {unseen} rows, at least -0.1" in verdict["because"]
    assert verdict["passed"] is True
    (first,) = [each for each in verdicts(trained, "run-1") if each["gate"] == "champion"]
    assert (first["value"], first["passed"]) == (None, True)


def _rows(world: World, key: str, part: int) -> list[dict[str, Any]]:
    told = pq.read_table(io.BytesIO(world.data.read(key).content)).to_pylist()
    return [{name: each[name] for name in each if name != "part"} for each in told if each["part"] == part]


def test_on_too_few_rows_that_it_never_saw_it_is_said_that_it_knows_some(world: World) -> None:
    """Given a champion that was trained on the very same split."""
    keep_version(replace(world.version(2), version=3, run="run-3"), world.artifacts)
    world.promote(3)
    gates = world.call(_gates(world, 2))
    (verdict,) = [each for each in verdicts(world, "run-2") if each["gate"] == "champion"]
    assert "on 140 rows, at least -0.1" in verdict["because"]  # no row of the test part was trained on
    keep_version(replace(world.version(2), version=4, run="run-4", split=all_trained_on(world, 2)), world.artifacts)
    world.promote(4)
    again = world.call(_gates(world, 2))
    (verdict,) = [each for each in verdicts(world, "run-2") if each["gate"] == "champion"]
    assert "140 rows, some of which the champion was trained on" in verdict["because"]
    assert (gates["expected"], again["expected"]) == (3, 4)


def test_who_serves_already_is_not_held_against_itself(world: World) -> None:
    assert world.serves() == 2
    answer = world.call(_gates(world, 2))
    assert (answer["outcome"], answer["expected"]) == ("promote", 2)


def test_a_champion_whose_bundle_is_gone_is_told_and_not_beaten(world: World) -> None:
    bundle = world.version(1).bundle
    world.promote(1)
    del world.artifacts._versions[f"{bundle.key}model.onnx"]
    answer = world.call(_gates(world, 2))
    assert answer["outcome"] == "reject"
    assert "could not be compared with the champion, version 1: " in answer["because"]
    assert "model.onnx is missing" in answer["because"]


def test_what_is_wrong_with_our_own_model_is_no_verdict_about_the_champion(world: World) -> None:
    bundle = world.version(2).bundle
    world.promote(1)
    del world.artifacts._versions[f"{bundle.key}model.onnx"]
    del world.artifacts._versions["runs/pets/run-2/judgement.json"]
    with pytest.raises(NotFound, match=r"model\.onnx is missing"):
        world.call(_gates(world, 2))
    assert read_judgement(world.run("run-2")) is None


def test_a_champion_of_another_target_is_told(world: World) -> None:
    text = TOLERANT.replace("target: adopted", "target: colour").replace("task: binary", "task: multiclass")
    world.declare(text)
    world.train("run-3", dataset=2)
    assert world.machine.visited[-3:] == ["How it ended", "Tell the rejection", "Done"]
    because = world.machine.notices[-1]["because"]
    assert "could not be compared with the champion, version 2: version 2 of pets predicts something else" in because
    made = world.version(3)
    assert {"recall.red", "recall.black", "recall.white"} <= made.figures.keys()
    assert world.serves() == 2
    assert world.tracking.versions["pets"][3].tags["stage"] == "rejected"
