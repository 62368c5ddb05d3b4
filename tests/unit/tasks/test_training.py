"""Whole trainings, as the state machine runs them, on small models of every kind."""

import io
import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from httpx import Response

from gyre.bundle.format import read_bundle
from gyre.bundle.predict import Predictor
from gyre.datasets.kept_split import split_at
from gyre.datasets.version import version_numbers as dataset_numbers
from gyre.errors import Conflict, NotFound
from gyre.evaluation.targets import LEAST_ROWS
from gyre.registry.approval import pending
from gyre.registry.mirror import mirrored
from gyre.registry.moves import Mover, retire, rollback
from gyre.registry.releases import history, pointer
from gyre.registry.version import keep_version
from gyre.training.candidates import read_plan
from tests.unit.parts import House
from tests.unit.tasks.machine import Failed, Killed
from tests.unit.tasks.world import PETS, SEARCH, World, pets, table

TOLERANT = f"{PETS}gates: {{champion_tolerance: 0.1}}\n"
SEARCHED = ["Search", "Propose", "More to score", "Score all", "Score", "Score", "Propose", "More to score"]
MADE = ["Fit", "Evaluate", "Fairness", "Register", "Gates", "What now"]
RELEASED = ["By itself", "Promote", "Mirror", "How it ended", "Tell the release", "Done"]
FIGURES = {"f1_macro", "accuracy", "roc_auc", "log_loss", "recall.yes", "precision.no"}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Two uploads, each trained on and released."""
    world = World(tmp_path_factory.mktemp("trained"))
    world.declare(TOLERANT)
    world.train("run-1", upload=world.upload("pets", pets(400, 1), "a.csv"))
    world.train("run-2", upload=world.upload("pets", pets(300, 2), "b.csv"))
    return world


@pytest.fixture
def world(trained: World) -> World:
    return trained.again()


def told_of(world: World, run: str) -> dict[str, Any]:
    """What a run of the first world was started with."""
    at = {"run-1": 0, "run-2": 1}[run]
    key = f"inbox/pets/{'ab'[at]}.csv"
    version = world.data._versions[key][0][0]
    return {"upload": {"key": key, "version": version}}


# --- from an upload to a release --------------------------------------------------------------------------------------


def test_an_upload_becomes_a_release_without_a_hand(trained: World) -> None:
    began = ["Take stock", "What came", "Ingest", "Anything odd", "Split", "Train now"]
    assert trained.machine.visited == 2 * [*began, *SEARCHED, *MADE, *RELEASED]
    assert [(each["kind"], each["version"], each["before"]) for each in trained.machine.notices] == [
        ("model_released", 1, None), ("model_released", 2, 1),
    ]  # fmt: skip
    assert [(each.action, each.version, each.actor, each.run) for each in history("pets", trained.artifacts)] == [
        ("promote", 2, "gates", "run-2"), ("promote", 1, "gates", "run-1"),
    ]  # fmt: skip


def test_the_record_tells_what_was_trained_on_what(trained: World) -> None:
    made = trained.version(2)
    split = split_at(made.split, trained.data)
    assert (made.run, made.dataset, made.spec_version, made.commit, made.seed) == ("run-2", 2, 1, "c0ffee", 7)
    assert dict(made.rows) == dict(split.rows) == {"train": 490, "test": 140, "reference": 70}
    assert made.estimator == "linear" and made.metric == "f1_macro"
    assert FIGURES - made.figures.keys() == FIGURES - made.baseline.keys() == set()
    assert made.figures["f1_macro"] > made.baseline["f1_macro"] + 0.2


def test_the_bundle_answers_as_the_figures_say(trained: World) -> None:
    made = trained.version(2)
    bundle = read_bundle(trained.artifacts, made.bundle.key, made.bundle.hash)
    told = {"age": [0.0, 14.0], "weight": [2.0, 20.0], "colour": ["red", "red"]}
    columns = {name: np.array(each, dtype=object if name == "colour" else float) for name, each in told.items()}
    labels = Predictor(bundle).predict(columns).labels
    assert labels is not None and labels.tolist() == ["yes", "no"]


def test_mlflow_shows_the_run_its_candidates_and_what_serves(trained: World) -> None:
    made = trained.version(2)
    _, run = trained.tracking.runs[str(made.tracked)]
    assert (run.run, run.kind, run.commit, run.parameters["dataset"]) == ("run-2", "train", "c0ffee", "2")
    assert run.metrics["f1_macro"] == made.figures["f1_macro"]
    assert run.metrics["baseline_f1_macro"] == made.baseline["f1_macro"]
    assert "fairness_demographic_parity_difference" in run.metrics
    assert [each.number for each in run.candidates] == [1, 2]
    assert {"evaluation.json", "fairness.json", "made.json", "search.json"} <= run.artifacts.keys()
    assert any(name.startswith("plots/") for name in run.artifacts)
    assert run.dataset is not None and run.dataset.digest == split_at(made.split, trained.data).sha256[:36]
    tags = trained.tracking.versions["pets"][2].tags
    assert (tags["stage"], tags["bundle_hash"], tags["gyre.run"]) == ("production", made.bundle.hash, "run-2")
    assert tags["drift-data"] == f"s3://data/{made.split}#reference"
    assert trained.tracking.versions["pets"][1].tags["stage"] == "archived"
    assert trained.tracking.mirrored("pets") == {"production": 2, "champion": 2}
    assert mirrored("pets", trained.artifacts) == pointer("pets", trained.artifacts).revision == 2


def test_reweighing_is_shown_before_and_after(trained: World) -> None:
    told = trained.run("run-2").read_json("fairness.json")
    assert told["before"]["figures"].keys() == told["after"]["figures"].keys()
    assert "demographic_parity_difference.sex" in told["after"]["figures"]
    made = trained.run("run-2").read_json("made.json")
    assert made["unweighed"]["hash"] != made["bundle"]["hash"]
    assert read_bundle(trained.artifacts, made["unweighed"]["key"], made["unweighed"]["hash"])
    assert set(trained.step("run-2", "fairness")["worst"]) == {
        name for name in told["after"]["figures"] if "." not in name
    }  # fmt: skip


def test_all_that_a_run_left_can_be_asked_for(trained: World) -> None:
    """Over the very routes: figures, pictures under the names they have, the card, what each step found."""
    world = trained.again()
    house = House(data=world.data, artifacts=world.artifacts)
    house.workflow.start("run-2", {"run": "run-2", "model": "pets"})
    client = house.client("training_trigger")

    def get(path: str) -> Response:
        answer = client.get(path)
        assert answer.status_code == 200, answer.text
        return answer

    found = get("/models/pets/versions/2").json()
    assert (found["aliases"], found["gates"], found["figures"]) == (
        ["production", "champion"], "passed", dict(world.version(2).figures),
    )  # fmt: skip
    assert len(found["plots"]) > 4
    for name in found["plots"]:
        assert get(f"/models/pets/versions/2/plots/{name}").text.lstrip().startswith("<?xml")
    assert get("/models/pets/versions/2/evaluation").json()["fairness"]["before"] is not None
    assert get("/models/pets/versions/2/card?form=json").json() == world.run("run-2").read_json("card.json")
    assert get("/models/pets/release").json()["mirrored"] is True
    steps = get("/runs/run-2").json()["found"]
    assert set(steps) == {
        "ingest", "split", "propose", "fit", "evaluate", "fairness", "register", "gates", "promote",
    }  # fmt: skip
    assert steps["gates"]["outcome"] == "promote"


def test_a_card_lies_beside_what_it_is_made_of(trained: World) -> None:
    folder = trained.run("run-2")
    page = folder.read("card.html").decode()
    assert page.startswith("<!doctype html>") and "<script" not in page
    assert isinstance(folder.read_json("card.json"), dict)


def test_what_serves_is_the_base_of_the_next_training(trained: World) -> None:
    assert trained.step("run-1", "propose")["base"] is None
    assert trained.step("run-2", "propose")["base"] == 1


# --- the champion -----------------------------------------------------------------------------------------------------


def test_the_champion_is_met_on_rows_that_it_never_saw(trained: World) -> None:
    """Given a second version, whose test part holds rows that the first was trained on."""
    theirs, ours = (split_at(trained.version(n).split, trained.data) for n in (1, 2))
    learned = {tuple(row.values()) for row in _rows(trained, theirs.key, 0)}
    judged = [tuple(row.values()) for row in _rows(trained, ours.key, 1)]
    unseen = sum(row not in learned for row in judged)
    (verdict,) = [each for each in _judged(trained, "run-2") if each["gate"] == "champion"]
    assert 50 < unseen < len(judged) == 140
    assert f"on {unseen} rows, at least -0.1" in verdict["because"]
    assert verdict["passed"] is True
    (first,) = [each for each in _judged(trained, "run-1") if each["gate"] == "champion"]
    assert (first["value"], first["passed"]) == (None, True)


def _rows(world: World, key: str, part: int) -> list[dict[str, Any]]:
    told = pq.read_table(io.BytesIO(world.data.read(key).content)).to_pylist()
    return [{name: each[name] for name in each if name != "part"} for each in told if each["part"] == part]


def _judged(world: World, run: str) -> list[dict[str, Any]]:
    return list(world.run(run).read_json("judgement.json")["verdicts"])


def test_on_too_few_rows_that_it_never_saw_it_is_said_that_it_knows_some(world: World) -> None:
    """Given a champion that was trained on the very same split."""
    keep_version(replace(world.version(2), version=3, run="run-3"), world.artifacts)
    world.promote(3)
    gates = world.call(_gates(world, 2))
    (verdict,) = [each for each in _judged(world, "run-2") if each["gate"] == "champion"]
    assert "on 140 rows, at least -0.1" in verdict["because"]  # no row of the test part was trained on
    keep_version(replace(world.version(2), version=4, run="run-4", split=_all_trained_on(world, 2)), world.artifacts)
    world.promote(4)
    again = world.call(_gates(world, 2))
    (verdict,) = [each for each in _judged(world, "run-2") if each["gate"] == "champion"]
    assert "140 rows, some of which the champion was trained on" in verdict["because"]
    assert (gates["expected"], again["expected"]) == (3, 4)


def _gates(world: World, version: int) -> dict[str, Any]:
    made = world.version(version)
    return {
        "task": "gates", "run": made.run, "model": "pets", "spec_version": made.spec_version, "split": made.split,
        "version": version,
    }  # fmt: skip


def _all_trained_on(world: World, version: int) -> str:
    """A split like that of a version, with every row in its train part."""
    split = split_at(world.version(version).split, world.data)
    rows = pq.read_table(io.BytesIO(world.data.read(split.key).content))
    sink = io.BytesIO()
    pq.write_table(rows.set_column(2, "part", pa.array(np.zeros(len(rows), dtype=np.int8))), sink)
    key = f"datasets/pets/splits/{split.dataset:08}-all.parquet"
    world.data.put(key, sink.getvalue())
    counts = {"train": len(rows), "test": 0, "reference": 0}
    kept = asdict(replace(split, key=key, rows=counts))
    world.data.put(key.replace(".parquet", ".json"), json.dumps(kept).encode())
    return key


def test_who_serves_already_is_not_held_against_itself(world: World) -> None:
    assert world.serves() == 2
    answer = world.call(_gates(world, 2))
    assert (answer["outcome"], answer["expected"]) == ("promote", 2)


def test_a_champion_whose_bundle_is_gone_is_told_and_holds_nothing_up(world: World) -> None:
    bundle = world.version(1).bundle
    world.promote(1)
    del world.artifacts._versions[f"{bundle.key}model.onnx"]
    answer = world.call(_gates(world, 2))
    assert answer["outcome"] == "reject"
    assert "could not be compared with the champion, version 1" in answer["because"]


def test_a_champion_of_another_target_is_told(world: World) -> None:
    text = TOLERANT.replace("target: adopted", "target: colour").replace("task: binary", "task: multiclass")
    world.declare(text)
    world.train("run-3", dataset=2)
    assert world.machine.visited[-3:] == ["How it ended", "Tell the rejection", "Done"]
    assert "could not be compared with the champion, version 2" in world.machine.notices[-1]["because"]
    made = world.version(3)
    assert {"recall.red", "recall.black", "recall.white"} <= made.figures.keys()
    assert world.serves() == 2
    assert world.tracking.versions["pets"][3].tags["stage"] == "rejected"


# --- again, at the same time, half-way --------------------------------------------------------------------------------


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
    rollback("pets", world.artifacts, Mover("anna"))
    first, second = (world.call(event) for _ in range(2))
    assert first == second == {"revision": 4, "before": 1}


@pytest.mark.parametrize("state", ["Split", "Propose", "Score", "Evaluate", "Register", "Promote", "Mirror"])
def test_a_run_that_was_killed_goes_on_and_leaves_nothing_half_done(world: World, state: str) -> None:
    """Given a run that found what it found up to a state, and is begun again."""
    _forget(world, "run-2")

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


def _forget(world: World, run: str) -> None:
    """As if a run had not come further than its ingest … but for what takes long, which is kept to be quick."""
    kept = ("steps/fit", "steps/evaluate", "steps/fairness", "evaluation.json", "fairness.json", "made.json", "plots/")
    for key in list(world.artifacts._versions):
        if key.startswith(f"runs/pets/{run}/") and not any(each in key for each in kept):
            del world.artifacts._versions[key]
        if key.startswith(("registry/pets/00000002", "releases/pets.", "moves/pets/", "mirrors/pets.")):
            del world.artifacts._versions[key]
    world.promote(1)
    world.tracking.versions["pets"].pop(2)
    for number in [number for number, (_, each) in world.tracking.runs.items() if each.run == run]:
        world.tracking.runs.pop(number)
    world.tracking.aliases = {"pets": {"production": 1, "champion": 1}}


@pytest.mark.parametrize("prefix", ["registry/", "runs/pets/run-2/steps/register"])
def test_who_dies_while_registering_registers_one_version(world: World, prefix: str) -> None:
    _forget(world, "run-2")
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
    with pytest.raises(Conflict, match="MLFLOW_TRACKING_URI"):
        world.call(_register(world))
    assert world.version(1).run == "run-1"


def _register(world: World) -> dict[str, Any]:
    made = world.version(2)
    return {
        "task": "register", "run": "run-2", "model": "pets", "spec_version": 1, "split": made.split, "dataset": 2,
        "best": world.step("run-2", "propose")["best"], "bundle": vars(made.bundle),
    }  # fmt: skip


def test_two_trainings_at_once_judge_again_what_the_other_released(world: World) -> None:
    """Given a second run that promotes after the gates of the first have looked."""
    _forget(world, "run-2")
    keep_version(replace(world.version(1), version=2, run="run-9"), world.artifacts)
    world.tracking.versions["pets"][2] = world.tracking.versions["pets"][1]
    world.machine.before["Promote"] = [lambda: world.promote(2)]
    world.train("run-2", **told_of(world, "run-2"))
    judged = ["Promote", "Gates", "What now", *RELEASED]
    assert world.machine.visited[-len(judged) :] == judged
    assert [each.version for each in history("pets", world.artifacts)] == [3, 2, 1]
    assert world.machine.notices[-1]["before"] == 2
    assert "version 2" in " ".join(each["because"] for each in _judged(world, "run-2"))


@pytest.mark.parametrize(
    ("happens", "says"),
    [
        (lambda world: retire("pets", 2, world.artifacts, Mover("anna")), "Version 2 of pets is retired"),
        (lambda world: _lost_pointer(world), r"releases/pets\.json is gone"),
    ],
)
def test_what_judging_again_would_not_mend_ends_the_run(
    world: World, happens: Callable[[World], object], says: str
) -> None:
    """A conflict about anything but what is production would lead from the gates to the same conflict, for ever."""
    _forget(world, "run-2")
    world.machine.before["Promote"] = [lambda: happens(world)]
    with pytest.raises(Failed, match=says):
        world.train("run-2", **told_of(world, "run-2"))
    assert world.machine.visited.count("Gates") <= 2
    assert world.machine.notices[-1]["step"] == "Promote"


def _lost_pointer(world: World) -> None:
    """Given one that was moved more than once; what remains of it is its history."""
    keep_version(replace(world.version(1), version=7, run="run-7"), world.artifacts)
    retire("pets", 7, world.artifacts, Mover("anna"))
    world.artifacts._versions.pop("releases/pets.json")


def test_a_bundle_that_is_gone_fails_the_promotion_and_the_release_stays(world: World) -> None:
    _forget(world, "run-2")
    key = f"{world.run('run-2').read_json('made.json')['bundle']['key']}model.onnx"
    world.machine.before["Promote"] = [lambda: world.artifacts._versions.pop(key)]
    with pytest.raises(Failed, match=r"model\.onnx is missing"):
        world.train("run-2", **told_of(world, "run-2"))
    assert world.machine.notices[-1]["step"] == "Promote"
    assert world.serves() == 1


def test_an_mlflow_that_is_away_holds_no_release_up(world: World) -> None:
    _forget(world, "run-2")
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


# --- a person decides -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def asking(trained: World) -> World:
    """A spec that asks a person, and a run that did; nobody answered."""
    world = trained.again()
    world.declare(f"{TOLERANT}release: {{approval: person}}\n")
    world.train("run-3", dataset=2)
    return world


def test_who_is_asked_in_vain_releases_nothing(asking: World) -> None:
    assert [each["kind"] for each in asking.machine.notices] == ["approval_wanted", "approval_refused"]
    assert asking.machine.notices[-1]["actor"] == "nobody"
    assert (asking.serves(), asking.versions()) == (2, [1, 2, 3])
    assert asking.tracking.versions["pets"][3].tags["stage"] == "candidate"


@pytest.mark.parametrize("approved", [True, False])
def test_a_person_says_whether_it_serves(asking: World, approved: bool) -> None:
    world = asking.again()
    tokens: list[str] = []

    def person(token: str) -> dict[str, Any]:
        waiting = pending("pets", 3, world.artifacts)
        assert (waiting.token, waiting.run, waiting.against) == (token, "run-3", 2)
        tokens.append(token)
        return {"approved": approved, "actor": "anna", "comment": "I looked"}

    world.machine.person = person
    world.train("run-3", dataset=2)
    assert len(tokens) == 1
    assert world.serves() == (3 if approved else 2)
    last = world.machine.notices[-1]
    assert (last["kind"], last["actor"]) == ("model_released" if approved else "approval_refused", "anna")
    if approved:
        assert pointer("pets", world.artifacts).last.actor == "anna"
        assert (last["before"], pointer("pets", world.artifacts).last.run) == (2, "run-3")


def test_a_person_is_asked_again_if_another_was_released_meanwhile(asking: World) -> None:
    world = asking.again()
    tokens: list[str] = []

    def person(token: str) -> dict[str, Any]:
        tokens.append(token)
        if len(tokens) == 1:
            world.promote(1)
        return {"approved": True, "actor": "anna", "comment": ""}

    world.machine.person = person
    world.train("run-3", dataset=2)
    assert (len(set(tokens)), world.serves()) == (2, 3)
    assert world.machine.notices[-1]["before"] == 1


# --- evaluating a version ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("part", ["unseen", "test", "reference", "all"])
def test_a_version_is_evaluated_on_rows_of_any_dataset(world: World, part: str) -> None:
    """The first version, on the rows of the second dataset."""
    before = (world.versions(), world.serves())
    told = world.train("eval_1", evaluate={"version": 1, "dataset": 2, "part": part})["evaluation"]
    # 700 rows, of which the first version was trained on 280
    rows = {"unseen": 420, "test": 140, "reference": 70, "all": 700}[part]
    assert (told["version"], told["dataset"], told["part"], told["rows"]) == (1, 2, part, rows)
    assert told["metric"] == "f1_macro" and 0.6 < told["value"] <= 1
    kept = world.run("eval_1").read_json("evaluation.json")
    assert (kept["rows"], kept["evaluated"]) == (rows, {"version": 1, "dataset": 2, "part": part})
    assert world.run("eval_1").read_json("fairness.json")["before"] is None
    _, run = next(each for each in world.tracking.runs.values() if each[1].run == "eval_1")
    assert (run.kind, run.parameters["version"], run.parameters["part"]) == ("eval", "1", part)
    assert "fairness_demographic_parity_difference" in run.metrics
    assert (world.versions(), world.serves()) == before


def test_where_everything_was_trained_on_nothing_can_be_told(world: World) -> None:
    made = replace(world.version(2), version=3, run="run-3", split=_all_trained_on(world, 2))
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


# --- the same again ---------------------------------------------------------------------------------------------------


def until_fitted(world: World, run: str = "run-1", **wishes: Any) -> str:
    """The hash of the bundle that a run makes."""

    def die() -> None:
        raise Killed

    world.machine.before["Evaluate"] = [die]
    with pytest.raises(Killed):
        world.train(run, **wishes)
    return str(world.step(run, "fit")["bundle"]["hash"])


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


# --- other kinds of model ---------------------------------------------------------------------------------------------


def test_numbers_are_learned_from_upload_to_release(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.declare(
        "model: rent\ntask: regression\ntarget: rent\ncolumns: {rent: {type: number}, size: {type: number}, town: "
        f"{{type: category}}, same: {{type: number}}, none: {{type: number}}}}\ntraining: {{{SEARCH}}}\n"
    )
    draw = np.random.default_rng(3)
    size, town = draw.normal(60, 20, 300).round(1), draw.choice(["a", "b"], 300)
    rent = (10 * size + 200 * (town == "a") + draw.normal(0, 20, 300)).round(2)
    rows = {"rent": rent, "size": size, "town": town, "same": [7] * 300, "none": [""] * 300}
    world.train("run-1", "rent", upload=world.upload("rent", table(rows)))
    made = world.version(1, "rent")
    assert (made.metric, world.serves("rent")) == ("rmse", 1)
    assert made.figures["rmse"] < made.baseline["rmse"] / 3 and made.figures["r2"] > 0.9
    assert world.step("run-1", "fairness", "rent") == {"measured": False, "worst": None}
    assert [each.rsplit("/", 1)[-1] for each in world.run("run-1", "rent").names("plots/")] != []
    assert world.run("run-1", "rent").find_json("fairness.json") is None


def test_texts_are_learned_from_upload_to_release(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.declare(
        "model: mood\ntask: binary\ntarget: good\ncolumns: {good: {type: boolean}, said: {type: text}}\n"
        f"training: {{{SEARCH}}}\nquality: {{duplicates: keep}}\n"
    )
    draw = np.random.default_rng(4)
    good = draw.random(300) < 0.5
    words = [
        " ".join(draw.choice(["lovely", "great", "fine", "and"] if each else ["bad", "awful", "and", "fine"], 4))
        for each in good
    ]
    world.train("run-1", "mood", upload=world.upload("mood", table({"good": good, "said": words})))
    made = world.version(1, "mood")
    assert world.serves("mood") == 1
    assert made.figures["accuracy"] > 0.9 > made.baseline["accuracy"]
    assert read_bundle(world.artifacts, made.bundle.key, made.bundle.hash).manifest.classes == (False, True)


# --- bad input --------------------------------------------------------------------------------------------------------


@pytest.fixture
def empty(tmp_path: Path) -> World:
    world = World(tmp_path)
    world.declare(PETS)
    return world


def refused(world: World, **wishes: Any) -> dict[str, Any]:
    """The notice of a run that fails, after which nothing is registered by half."""
    before = (world.versions(), world.serves(), len(world.tracking.runs), dict(world.tracking.versions))
    with pytest.raises(Failed):
        world.train("run-bad", **wishes)
    assert (world.versions(), world.serves(), len(world.tracking.runs), dict(world.tracking.versions)) == before
    assert world.machine.notices[-1]["kind"] == "training_failed"
    return world.machine.notices[-1]


def test_a_run_that_somebody_starts_by_hand_names_no_more_than_it_is_about(world: World) -> None:
    with pytest.raises(Failed, match="no dataset version 9"):
        world.machine.run({"run": "by-hand", "model": "pets", "dataset": 9})
    assert world.machine.notices[-1]["step"] == "Pin"


def test_one_class_alone_is_refused_when_it_is_split(empty: World) -> None:
    told = refused(empty, upload=empty.upload("pets", pets(100, 1, adopted=["yes"] * 100)))
    assert (told["step"], told["error"]) == ("Split", "Invalid")
    assert "the same 'adopted'" in told["cause"]


def test_a_target_without_a_value_anywhere_is_refused(empty: World) -> None:
    told = refused(empty, upload=empty.upload("pets", pets(100, 1, adopted=[""] * 100)))
    assert (told["step"], told["error"]) == ("Split", "Invalid")


def test_rows_without_a_target_are_left_out(empty: World) -> None:
    adopted = np.where(np.arange(300) % 3 == 0, "", np.where(np.arange(300) % 2, "yes", "no"))
    until_fitted(empty, upload=empty.upload("pets", pets(300, 1, adopted=adopted)))
    split = empty.step("run-1", "split")
    assert (sum(split["rows"].values()), split["left_out"]) == (200, 100)


@pytest.mark.parametrize("count", [2, 5, LEAST_ROWS])
def test_too_few_rows_are_refused_in_words(empty: World, count: int) -> None:
    adopted = ["yes", "no"] * (count // 2) + ["yes"] * (count % 2)
    told = refused(empty, upload=empty.upload("pets", pets(count, 1, adopted=adopted)))
    assert told["error"] == "Invalid"
    assert "rows" in told["cause"]


def test_fewer_rows_than_folds_make_fewer_folds(empty: World) -> None:
    empty.declare(PETS.replace("folds: 2", "folds: 20"))
    adopted = ["yes"] * 4 + ["no"] * 20
    until_fitted(empty, upload=empty.upload("pets", pets(24, 1, adopted=adopted)))
    told = empty.run("run-1").read_json("candidates/00001.json")["told"]
    assert "folds instead of 20" in " ".join(told)


def test_columns_that_tell_nothing_hold_nothing_up(empty: World) -> None:
    same = {"colour": ["red"] * 200, "age": [3] * 200, "sex": ["f"] * 200}
    empty.train("run-1", upload=empty.upload("pets", pets(200, 1, **same)))
    assert empty.versions() == [1]
    assert empty.step("run-1", "fairness")["measured"] is True
    assert empty.step("run-1", "fairness")["worst"] == {}


def test_a_column_that_the_rows_were_taken_in_without_is_told_at_once(world: World) -> None:
    """Given rows that were taken in before the column was declared."""
    world.declare(TOLERANT.replace("  age:", "  vaccinated: {type: boolean, required: true}\n  age:"))
    called = len(world.called)
    told = refused(world, dataset=1)
    assert (told["step"], told["error"]) == ("Split", "Invalid")
    assert "Version 1 of pets has no column vaccinated" in told["cause"]
    assert world.called[called:] == ["pin", "split"]


def test_a_target_that_the_rows_were_taken_in_without_is_told_at_once(world: World) -> None:
    world.declare(TOLERANT.replace("adopted", "rehomed"))
    told = refused(world, dataset=2)
    assert (told["step"], told["error"]) == ("Split", "Invalid")
    assert "rehomed" in told["cause"]


@pytest.mark.parametrize(
    ("before", "now", "says"),
    [
        ("age: {type: number}", "age: {type: category}", "age as number"),
        ("age: {type: number}", "age: {type: integer}", "age as number"),
        ("age: {type: number}", "age: {type: time}", "age as number"),
        ("colour: {type: category}", "colour: {type: number}", "colour as category or text"),
        ("adopted: {type: category}", "adopted: {type: boolean}", "adopted as category or text"),
    ],
)
def test_a_column_that_is_declared_as_something_else_now_is_told_at_once(
    world: World, before: str, now: str, says: str
) -> None:
    """Numbers that became categories would be learned, and met by no request; each text would be a true boolean."""
    world.declare(TOLERANT.replace(before, now))
    told = refused(world, dataset=1)
    assert (told["step"], told["error"]) == ("Split", "Invalid")
    assert f"Version 1 of pets holds {says}, and model.yaml declares" in told["cause"]


def test_a_dataset_or_spec_that_is_not_there_fails_by_its_step(world: World) -> None:
    assert refused(world, dataset=9)["step"] == "Pin"
    assert refused(world, dataset=1, spec=9)["step"] == "Pin"
    told = refused(world, dataset=1, base=9)
    assert (told["step"], told["error"]) == ("Propose", "NotFound")


def test_a_model_that_is_not_to_train_becomes_data_alone(empty: World) -> None:
    empty.declare(PETS.replace("training: {", "training: {on_upload: false, "))
    empty.train("run-1", upload=empty.upload("pets", pets(100, 1)))
    assert empty.machine.visited[-2:] == ["Train now", "Data alone"]
    assert dataset_numbers("pets", empty.data) == [1]
    with pytest.raises(NotFound):
        empty.version(1)
    assert until_fitted(empty, "run-2", dataset=1)
