"""Runs that are begun again, killed, or go on beside another; and the same training twice."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gyre.datasets.version import version_numbers as dataset_numbers
from gyre.errors import Conflict
from gyre.registry.mirror import mirrored
from gyre.registry.moves import Mover, retire, rollback
from gyre.registry.releases import history
from gyre.registry.version import keep_version
from gyre.training.candidates import read_plan
from tests.unit.tasks.machine import Failed, Killed
from tests.unit.tasks.world import RELEASED, TOLERANT, World, forget, pets, told_of, until_fitted, verdicts


def test_who_resumes_does_nothing_anew_that_was_done(world: World) -> None:
    before = {key: len(each) for key, each in world.artifacts._versions.items()}
    written = {key: len(each) for key, each in world.data._versions.items()}
    world.train("run-2", **told_of(world, "run-2"))
    assert {key: len(each) for key, each in world.data._versions.items()} == written
    again = {key for key, each in world.artifacts._versions.items() if len(each) > before.get(key, 0)}
    allowed = ("steps/propose", "steps/register", "steps/gates", "steps/promote", "judgement", "card", "mirrors/")
    assert [key for key in again if not any(each in key for each in allowed)] == []
    assert (world.versions(), len(world.tracking.runs), world.serves()) == ([1, 2], 2, 2)
    assert [each.version for each in history("pets", world.artifacts)] == [2, 1]


def test_a_promotion_that_is_asked_for_again_tells_the_same(world: World) -> None:
    """Lambda's answer may be lost on its way to the state machine."""
    event = {
        "task": "promote", "run": "run-2", "model": "pets", "version": 2, "expected": 1, "actor": "gates",
    }  # fmt: skip
    first = world.call(event)
    rollback("pets", world.artifacts, Mover("anna"))
    assert first == world.call(event) == {"revision": 2, "before": 1}
    assert world.serves() == 1  # what a person did since stays as it is


@pytest.mark.parametrize("state", ["Split", "Propose", "Score", "Evaluate", "Register", "Promote", "Mirror"])
def test_a_run_that_was_killed_goes_on_and_leaves_nothing_half_done(world: World, state: str) -> None:
    """Given a run that found what it found up to a state, and is begun again."""
    forget(world, "run-2")

    def die() -> None:
        raise Killed

    world.machine.before[state] = [die]
    with pytest.raises(Killed):
        world.train("run-2", **told_of(world, "run-2"))
    half = world.versions()
    assert half == ([1, 2] if state in ("Promote", "Mirror") else [1])
    world.train("run-2", **told_of(world, "run-2"))
    assert (world.versions(), world.serves()) == ([1, 2], 2)
    assert (len(world.tracking.runs), sorted(world.tracking.versions["pets"])) == (2, [1, 2])
    assert dataset_numbers("pets", world.data) == [1, 2]
    assert world.tracking.mirrored("pets")["production"] == 2


@pytest.mark.parametrize("prefix", ["registry/", "runs/pets/run-2/steps/register"])
def test_who_dies_while_registering_registers_one_version(world: World, prefix: str) -> None:
    forget(world, "run-2")
    writing = world.artifacts.write
    left = [Killed()]

    def dying(key: str, *args: Any, **more: Any) -> Any:
        if key.startswith(prefix) and left:
            raise left.pop()
        return writing(key, *args, **more)

    world.artifacts.write = dying  # type: ignore[method-assign]
    with pytest.raises(Killed):
        world.train("run-2", **told_of(world, "run-2"))
    world.train("run-2", **told_of(world, "run-2"))
    assert (world.versions(), len(world.tracking.runs), sorted(world.tracking.versions["pets"])) == ([1, 2], 2, [1, 2])
    assert world.version(2).run == "run-2"


def test_registering_twice_gives_one_version(world: World) -> None:
    event = _register(world)
    assert world.call(event) == world.call(event) == {"version": 2, "tracked": world.version(2).tracked}
    assert (world.versions(), len(world.tracking.runs)) == ([1, 2], 2)


def test_an_mlflow_that_begins_anew_overwrites_no_version(world: World) -> None:
    """Given an empty MLflow, which numbers from 1 again."""
    world.tracking.versions, world.tracking.runs = {}, {}
    with pytest.raises(Conflict, match="numbers pets from 1 where Gyre knows version 2: point MLFLOW_TRACKING_URI"):
        world.call(_register(world))
    assert world.version(1).run == "run-1"
    assert world.tracking.versions == {}


def test_a_version_that_is_gone_from_mlflow_keeps_its_number(world: World) -> None:
    """Given a run whose version somebody deleted there, and MLflow numbers on."""
    world.tracking.highest = {"pets": 2}
    world.tracking.delete("pets", 2)
    assert world.call(_register(world))["version"] == 3
    assert (world.versions(), world.version(2).run) == ([1, 2, 3], "run-2")


def _register(world: World) -> dict[str, Any]:
    made = world.version(2)
    return {
        "task": "register", "run": "run-2", "model": "pets", "spec_version": 1, "split": made.split, "dataset": 2,
        "best": world.step("run-2", "propose")["best"], "bundle": vars(made.bundle),
    }  # fmt: skip


def test_two_trainings_at_once_judge_again_what_the_other_released(world: World) -> None:
    """Given a second run that promotes after the gates of the first have looked."""
    forget(world, "run-2")
    keep_version(replace(world.version(1), version=2, run="run-9"), world.artifacts)
    world.tracking.versions["pets"][2] = world.tracking.versions["pets"][1]
    world.machine.before["Promote"] = [lambda: world.promote(2)]
    world.train("run-2", **told_of(world, "run-2"))
    judged = ["Promote", "Gates", "What now", *RELEASED]
    assert world.machine.visited[-len(judged) :] == judged
    assert [each.version for each in history("pets", world.artifacts)] == [3, 2, 1]
    assert world.machine.notices[-1]["before"] == 2
    assert "version 2" in " ".join(each["because"] for each in verdicts(world, "run-2"))


def _lost_pointer(world: World) -> None:
    """Given one that was moved more than once; what remains of it is its history."""
    keep_version(replace(world.version(1), version=7, run="run-7"), world.artifacts)
    retire("pets", 7, world.artifacts, Mover("anna"))
    world.artifacts._versions.pop("releases/pets.json")


@pytest.mark.parametrize(
    ("happens", "says"),
    [
        (lambda world: retire("pets", 2, world.artifacts, Mover("anna")), "Version 2 of pets is retired"),
        (_lost_pointer, r"releases/pets\.json is gone"),
    ],
)
def test_what_judging_again_would_not_mend_ends_the_run(
    world: World, happens: Callable[[World], object], says: str
) -> None:
    """A conflict about anything but what is production would lead from the gates to the same conflict, for ever."""
    forget(world, "run-2")
    world.machine.before["Promote"] = [lambda: happens(world)]
    with pytest.raises(Failed, match=says):
        world.train("run-2", **told_of(world, "run-2"))
    assert world.machine.visited.count("Gates") <= 2
    assert world.machine.notices[-1]["step"] == "Promote"


def test_a_bundle_that_is_gone_fails_the_promotion_and_the_release_stays(world: World) -> None:
    forget(world, "run-2")
    key = f"{world.run('run-2').read_json('made.json')['bundle']['key']}model.onnx"
    world.machine.before["Promote"] = [lambda: world.artifacts._versions.pop(key)]
    with pytest.raises(Failed, match=r"model\.onnx is missing"):
        world.train("run-2", **told_of(world, "run-2"))
    assert world.machine.notices[-1]["step"] == "Promote"
    assert world.serves() == 1


def test_an_mlflow_that_is_away_holds_no_release_up(world: World) -> None:
    forget(world, "run-2")
    mirror, world.tracking.mirror = world.tracking.mirror, None  # type: ignore[assignment, method-assign]
    world.train("run-2", **told_of(world, "run-2"))
    assert [each["kind"] for each in world.machine.notices] == ["mirror_lags", "model_released"]
    assert world.serves() == 2
    assert mirrored("pets", world.artifacts) is None
    world.tracking.mirror = mirror  # type: ignore[method-assign]
    assert world.call({"task": "mirror", "run": "mirror", "model": "pets"})["aliases"]["production"] == 2


def test_a_candidate_whose_task_is_lost_holds_no_other_up(world: World) -> None:
    scoring = world.tasks["score"]

    def lost(event: Any) -> Any:
        if event["number"] in gone:
            raise MemoryError("out of memory")
        return scoring(event)

    world.tasks["score"] = lost
    gone = {1}
    until_fitted(world, "run-9", dataset=1, base=1)
    assert world.machine.visited.count("Lost") == 1
    told = world.step("run-9", "propose")
    assert (told["best"], told["scored"], told["failed"]) == (2, 1, 1)
    # Who loses all of them fails, and begins with the search when it is resumed
    gone = {1, 2}
    with pytest.raises(Failed, match="No candidate could be scored"):
        world.train("run-10", dataset=1)
    gone = set()
    until_fitted(world, "run-10", dataset=1)
    assert world.step("run-10", "propose")["scored"] == 2


def test_the_same_rows_spec_and_seed_make_the_same_bundle(trained: World, tmp_path: Path) -> None:
    """Given another deployment, where the file is called otherwise and comes in another run."""
    other = World(tmp_path)
    other.declare(TOLERANT)
    found = until_fitted(other, "run-x", upload=other.upload("pets", pets(400, 1), "x.csv"))
    assert found == trained.version(1).bundle.hash
    other.declare(TOLERANT.replace("reweigh: true", "reweigh: true, seed: 8"))
    assert until_fitted(other, "run-y", dataset=1) != found


def test_a_version_that_is_trained_again_is_the_same(world: World) -> None:
    found = until_fitted(world, "run-9", dataset=1, spec=1, base=1, search={"candidates": 1, "rounds": 1})
    assert found == world.version(1).bundle.hash


def test_without_a_search_the_base_is_fitted_anew_as_it_is(world: World) -> None:
    keep_version(replace(world.version(1), version=7, run="run-7", parameters={"C": 0.125}), world.artifacts)
    until_fitted(world, "run-9", dataset=2, base=7, search={"candidates": 1, "rounds": 1})
    (candidate,) = [each.candidate for each in read_plan(world.run("run-9")).candidates()]
    assert (candidate.estimator, dict(candidate.parameters)) == ("linear", {"C": 0.125})
    assert world.step("run-9", "propose")["base"] == 7


def test_a_base_that_does_not_fit_the_spec_is_told_and_left_out(world: World) -> None:
    keep_version(replace(world.version(1), version=7, run="run-7", estimator="boosting"), world.artifacts)
    until_fitted(world, "run-9", dataset=2, base=7)
    assert "boosting is not among `training.estimators`" in " ".join(world.step("run-9", "propose")["told"])


def test_a_search_takes_no_more_workers_than_there_are(world: World) -> None:
    for workers, taken in ((1, 1), (40, 2), (None, 2)):
        search = {"candidates": 1, "rounds": 1} | ({"workers": workers} if workers else {})
        until_fitted(world, f"run-{workers}", dataset=1, search=search)
        assert world.step(f"run-{workers}", "propose")["concurrency"] == taken
