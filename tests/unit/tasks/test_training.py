"""Whole trainings, as the state machine runs them, on small models of every kind."""

from pathlib import Path

import numpy as np
from httpx import Response

from gyre.bundle.format import read_bundle
from gyre.bundle.predict import Predictor
from gyre.datasets.kept_split import split_at
from gyre.registry.mirror import mirrored
from gyre.registry.releases import history, pointer
from tests.unit.parts import House
from tests.unit.tasks.world import RELEASED, SEARCH, World, table

SEARCHED = ["Search", "Propose", "More to score", "Score all", "Score", "Score", "Propose", "More to score"]
MADE = ["Fit", "Evaluate", "Fairness", "Register", "Gates", "What now"]
FIGURES = {"f1_macro", "accuracy", "roc_auc", "log_loss", "recall.yes", "precision.no"}


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
    assert dict(made.rows) == dict(split.rows) == {"train": 491, "test": 140, "reference": 69}
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
