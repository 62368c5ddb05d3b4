"""From an upload to a release that nobody had to touch, and back again."""

import os
import signal
import threading
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cli.client import GyreClient
from examples.catalogue import EXAMPLES
from gyre.bundle.format import Bundle, read_bundle
from gyre.bundle.predict import Predictor
from gyre.objects import StoredObject
from gyre.training.making import BUNDLES
from gyre.training.schedule import scheduled_run
from gyre_emulator import control, processes
from gyre_emulator.settings import MARKER
from tests.e2e.conftest import Notices, last

QUICK = "search: {candidates: 3, rounds: 1, folds: 2}"
Train = Callable[..., dict[str, Any]]


class Bucket:
    """The artifacts as anybody may read them, with boto3 alone."""

    def __init__(self, gyre: GyreClient) -> None:
        self._read = partial(gyre.aws("s3").get_object, Bucket=gyre.record.artifact_bucket)

    def read(self, key: str, version: str | None = None) -> StoredObject:
        answer = self._read(Key=key)
        return StoredObject(key, answer["Body"].read(), answer["ETag"])


def declare(gyre: GyreClient, example: str, *changes: tuple[str, str]) -> str:
    """Declares an example under a name that nobody used before, with a small search."""
    model = f"{example.replace('_', '-')}-{uuid.uuid4().hex[:6]}"
    text = EXAMPLES[example].spec.read_text().replace(f"model: {example}\n", f"model: {model}\n")
    (search,) = [line.strip() for line in text.splitlines() if line.strip().startswith("search:")]
    for old, new in ((search, QUICK), *changes):
        assert old in text
        text = text.replace(old, new)
    gyre.declare(text.encode())
    return model


def bring(gyre: GyreClient, model: str, example: str, rows: int, seed: int) -> dict[str, Any]:
    """Uploads made-up rows and follows the run that this starts."""
    table = EXAMPLES[example].generate(rows, seed).to_csv(index=False).encode()
    return last(gyre, f"/runs/{gyre.run_of_upload(*gyre.upload(model, f'{seed}.csv', table))}", 300)


def about(notices: Notices, run: str, kind: str) -> dict[str, Any] | None:
    """The notice of this kind; a run may have others, such as of odd data."""
    return notices.first(lambda notice: (notice.get("run"), notice.get("kind")) == (run, kind))


def heard(notices: Notices, run: str, kind: str) -> bool:
    return about(notices, run, kind) is not None


def states(told: dict[str, Any]) -> dict[str, str]:
    return {step["name"]: step["status"] for step in told["steps"]}


def bundle_of(gyre: GyreClient, model: str) -> Bundle:
    """What the pointer points to."""
    released = gyre.get(f"/models/{model}/release")["aliases"]["production"]["bundle"]
    return read_bundle(Bucket(gyre), released["key"], released["hash"])  # type: ignore[arg-type]  # it only reads


def answers(gyre: GyreClient, model: str, example: str) -> bytes:
    """Every bit of what the production release says about some rows."""
    predictor = Predictor(bundle_of(gyre, model))
    spec = predictor.bundle.layout.spec
    table = EXAMPLES[example].generate(50, 99)
    columns = {}
    for name in spec.columns:
        if name in table:
            kind = spec.columns[name].type
            values = table[name].astype(object).where(table[name].notna(), None).to_numpy()
            columns[name] = values if kind in ("category", "text") else _numbers(values)
    found = predictor.predict(columns)
    assert found.probabilities is not None
    return found.probabilities.tobytes()


def _numbers(values: np.ndarray) -> np.ndarray:
    told = [np.nan if value is None or isinstance(value, str) else float(value) for value in values]
    return np.array(told, dtype=np.float64)


def tracking(gyre: GyreClient, monkeypatch: pytest.MonkeyPatch) -> Any:
    """MLflow's own client over the file in S3, as anybody may use it."""
    from mlflow import MlflowClient

    from gyre.aws import clients
    from gyre.aws.mlflow_store import register

    assert gyre.record.endpoint_url
    for name, value in {
        "AWS_ENDPOINT_URL": gyre.record.endpoint_url, "AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_DEFAULT_REGION": gyre.record.region, "MLFLOW_DISABLE_TELEMETRY": "true",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    clients.client.cache_clear()
    register()
    uri = f"s3+sqlite://{gyre.record.artifact_bucket}/mlflow/mlflow.db"
    return MlflowClient(uri, uri)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_is_trained_released_and_rolled_back(
    gyre: GyreClient, notices: Notices, example: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a declared example, when data comes twice, then two releases, nobody touching either, and the way back."""
    asks = ("approval: person", "approval: automatic")  # who is asked is tested below
    model = declare(gyre, example, *([asks] if example == "salary_band" else []))
    first = bring(gyre, model, example, 1500, 1)
    assert first["status"] == "succeeded", first
    assert set(states(first)) >= {
        "Ingest", "Split", "Propose", "Score", "Fit", "Evaluate", "Fairness", "Register", "Gates", "Promote", "Mirror",
    }  # fmt: skip
    assert set(states(first).values()) == {"succeeded"}
    found = first["found"]
    assert found["register"]["version"] == 1
    assert found["evaluate"]["value"] > found["evaluate"]["baseline"] + 0.2

    version = gyre.get(f"/models/{model}/versions/1")
    assert (version["aliases"], version["gates"], version["dataset"]) == (["production", "champion"], "passed", 1)
    gates = {(each["gate"], each["figure"]): each for each in version["judgement"]["verdicts"]}
    accuracy = gates["metrics", "accuracy"]
    assert accuracy["value"] == version["figures"]["accuracy"] >= float(accuracy["limit"].removeprefix("at least "))
    gyre.until(lambda: heard(notices, first["run"], "model_released"), "the notice of the release")

    page = gyre.get(f"/models/{model}/versions/1/card")
    assert page.startswith("<!doctype html>") and len(page) < 1_000_000
    assert gyre.get(f"/models/{model}/versions/1/card", form="json")["version"] == 1
    told = gyre.get(f"/models/{model}/versions/1/evaluation")
    interval = told["figures"]["accuracy"]
    assert interval["low"] < interval["value"] < interval["high"]
    assert {"confusion_matrix.svg", "roc.svg", "calibration.svg", "importance.svg"} <= set(version["plots"])
    picture = gyre.send("GET", f"/models/{model}/versions/1/plots/roc.svg")
    assert picture.headers["content-type"].startswith("image/svg") and b"<svg" in picture.content

    before = answers(gyre, model, example)
    second = bring(gyre, model, example, 1500, 2)
    assert second["status"] == "succeeded", second
    assert second["found"]["register"]["version"] == 2
    released = gyre.get(f"/models/{model}/release")["aliases"]["production"]["version"]
    assert released == (2 if second["found"]["gates"]["outcome"] == "promote" else 1)
    if (
        released == 1
    ):  # it was worse than the champion on rows that neither was trained on; a person may think otherwise
        gyre.post(f"/models/{model}/promote", {"version": 2, "comment": "more data"})
    assert answers(gyre, model, example) != before

    moved = gyre.post(f"/models/{model}/rollback", {"comment": "just to see"})
    assert (moved["version"], moved["before"], moved["mirror"]) == (1, 2, "sent")
    assert answers(gyre, model, example) == before
    moves = gyre.get(f"/models/{model}/history")["moves"]
    assert [(each["action"], each["version"]) for each in moves] == [("rollback", 1), ("promote", 2), ("promote", 1)]
    assert moves[0]["actor"].startswith("admin") and moves[-1]["actor"] == "gates"

    gyre.until(lambda: bool(gyre.get(f"/models/{model}/release")["mirrored"]), "MLflow hears of the rollback")
    client = tracking(gyre, monkeypatch)
    assert int(client.get_model_version_by_alias(model, "production").version) == 1
    one, two = (client.get_model_version(model, str(number)) for number in (1, 2))
    assert one.tags["stage"] == "production"
    assert {"drift-data", "dataset_version", "spec_version", "commit", "bundle_hash"} <= set(one.tags)
    assert one.tags["bundle_hash"] == version["bundle"]["hash"] and two.tags["dataset_version"] == "2"
    run = client.get_run(version["tracked"])
    assert run.info.run_name.startswith("train_")
    assert run.data.metrics["accuracy"] == pytest.approx(version["figures"]["accuracy"])
    assert {each.path for each in client.list_artifacts(run.info.run_id)} >= {"plots", "evaluation.json"}


@pytest.mark.timeout(400)
def test_a_person_decides_where_the_spec_says_so(gyre: GyreClient, notices: Notices) -> None:
    boosting = "learning_rate: [0.03, 0.2]\n      max_leaf_nodes: [6, 12, 24]\n      max_iter: [80, 120, 200]\n"
    alone = ("estimators: [linear, boosting]", "estimators: [linear]"), (f"    boosting:\n      {boosting}", "")
    model = declare(gyre, "salary_band", *alone)
    table = EXAMPLES["salary_band"].generate(1500, 1).to_csv(index=False).encode()
    run = gyre.run_of_upload(*gyre.upload(model, "a.csv", table))
    gyre.until(lambda: gyre.send("GET", f"/models/{model}/versions/1").status_code == 200, "version 1", 200)
    gyre.until(lambda: gyre.get(f"/models/{model}/versions/1")["waits_for_approval"], "the question", 100)
    gyre.until(lambda: heard(notices, run, "approval_wanted"), "the notice that approval is wanted")
    assert gyre.send("GET", f"/models/{model}/release").status_code == 404
    measured = gyre.get(f"/models/{model}/versions/1/evaluation")["fairness"]
    before, after = (measured[each]["figures"]["demographic_parity_difference"] for each in ("before", "after"))
    assert after < before  # what reweighing is for

    decided = gyre.post(f"/models/{model}/versions/1/approve", {"comment": "fair enough"})
    assert "token" not in str(decided)
    ended = last(gyre, f"/runs/{run}", 100)
    assert ended["status"] == "succeeded"
    moves = gyre.get(f"/models/{model}/history")["moves"]
    assert [(each["version"], each["actor"]) for each in moves] == [(1, decided["decided"]["actor"])]
    assert gyre.send("POST", f"/models/{model}/versions/1/approve", json={}).status_code == 409

    again = gyre.post("/train", {"model": model, "search": False})["run"]
    gyre.until(lambda: gyre.send("GET", f"/models/{model}/versions/2").status_code == 200, "version 2", 200)
    gyre.until(lambda: gyre.get(f"/models/{model}/versions/2")["waits_for_approval"], "the question", 100)
    # The same rows, spec, seed and hyper-parameters make the same bundle, whoever fits it when.
    hashes = [gyre.get(f"/models/{model}/versions/{number}")["bundle"]["hash"] for number in (1, 2)]
    assert hashes[0] == hashes[1]
    gyre.post(f"/models/{model}/versions/2/approve", {"approved": False, "comment": "no need"})
    assert last(gyre, f"/runs/{again}", 100)["status"] == "succeeded"
    assert gyre.get(f"/models/{model}/release")["aliases"]["production"]["version"] == 1


@pytest.mark.timeout(300)
def test_what_does_not_pass_its_gates_stays_out(
    gyre: GyreClient, notices: Notices, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = declare(gyre, "sentiment", ("accuracy: {at_least: 0.78}", "accuracy: {at_least: 0.999}"))
    ended = bring(gyre, model, "sentiment", 1000, 1)
    assert ended["status"] == "succeeded"
    assert ended["found"]["gates"]["outcome"] == "reject" and "0.999" in ended["found"]["gates"]["because"]
    gyre.until(lambda: heard(notices, ended["run"], "model_rejected"), "the notice of the rejection")
    assert gyre.send("GET", f"/models/{model}/release").status_code == 404
    assert gyre.get(f"/models/{model}/versions")["versions"][0]["gates"] == "failed"
    client = tracking(gyre, monkeypatch)
    assert client.get_model_version(model, "1").tags["stage"] == "rejected"
    assert client.get_registered_model(model).aliases == {}

    evaluated = last(gyre, gyre.post("/evaluate", {"model": model, "version": "latest"})["status_url"], 120)
    assert evaluated["status"] == "succeeded", evaluated
    judged = evaluated["output"]["evaluation"]
    rows = ended["output"]["split"]["rows"]
    assert judged["rows"] == rows["test"] + rows["reference"]  # those that it was not trained on
    assert 0.5 < judged["value"] < 1


SMALL = """\
model: {model}
task: binary
target: y
columns:
  x: {{type: number}}
  z: {{type: number}}
  y: {{type: boolean}}
training: {{estimators: [linear], search: {{candidates: 2, rounds: 1, folds: 3}}}}
"""


def small(gyre: GyreClient, rows: list[str], text: str = SMALL) -> tuple[str, dict[str, Any]]:
    model = f"small-{uuid.uuid4().hex[:8]}"
    gyre.declare(text.format(model=model).encode())
    run = gyre.run_of_upload(*gyre.upload(model, "a.csv", ("x,z,y\n" + "".join(rows)).encode()))
    return model, last(gyre, f"/runs/{run}", 100)


@pytest.mark.parametrize(
    ("rows", "step", "says"),
    [
        ([f"{n},{n % 7},true\n" for n in range(60)], "Split", "needs two classes"),
        ([f"{n},1,{'true' if n % 2 else 'false'}\n" for n in range(6)], "Propose", "3 rows to train on"),
        ([f"1,1,{'true' if n % 2 else 'false'}\n" for n in range(60)], "Propose", "same in all rows"),
    ],
)
def test_what_cannot_be_learned_from_ends_in_a_notice(
    gyre: GyreClient, notices: Notices, rows: list[str], step: str, says: str
) -> None:
    """One class alone, too few rows, nothing that differs: told with the step, and nothing is registered."""
    model, ended = small(gyre, rows)
    assert ended["status"] == "failed"
    gyre.until(lambda: heard(notices, ended["run"], "training_failed"), "the notice of the failure")
    notice = about(notices, ended["run"], "training_failed") or {}
    assert notice["step"] == step and says in notice["cause"], str(notice)
    assert gyre.get(f"/models/{model}/versions")["versions"] == []
    assert gyre.send("GET", f"/models/{model}/release").status_code == 404


def good(count: int, seed: int = 0) -> list[str]:
    random = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        x, z = random.normal(size=2)
        found.append(f"{x:.4f},{z:.4f},{'true' if x + 0.3 * random.normal() > 0 else 'false'}\n")
    return found


@pytest.mark.timeout(300)
def test_two_trainings_at_once_make_two_versions_and_one_release(gyre: GyreClient) -> None:
    model, ended = small(gyre, good(200))
    assert ended["status"] == "succeeded", ended
    runs = [gyre.post("/train", {"model": model})["status_url"] for _ in range(2)]
    both = [last(gyre, url, 200) for url in runs]
    assert [each["status"] for each in both] == ["succeeded", "succeeded"], both
    assert sorted(each["found"]["register"]["version"] for each in both) == [2, 3]
    moves = gyre.get(f"/models/{model}/history")["moves"]
    assert [each["revision"] for each in moves] == list(range(len(moves), 0, -1))
    # Each was held against what was production when it was promoted.
    for newer, older in pairwise(moves):
        assert newer["before"] == older["version"]

    statuses: list[int] = []

    def promote(version: int) -> None:
        statuses.append(gyre.send("POST", f"/models/{model}/promote", json={"version": version}).status_code)

    threads = [threading.Thread(target=promote, args=[version]) for version in (1, 2, 3, 1, 2, 3)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert set(statuses) <= {200, 409} and 200 in statuses
    after = gyre.get(f"/models/{model}/history")["moves"]
    assert [each["revision"] for each in after] == list(range(len(after), 0, -1))
    assert after[0]["version"] == gyre.get(f"/models/{model}/release")["aliases"]["production"]["version"]
    assert gyre.send("POST", f"/models/{model}/promote", json={"version": 9}).status_code == 404


@pytest.mark.timeout(300)
def test_the_clock_starts_what_is_due(gyre: GyreClient) -> None:
    """Given a model that is trained by the hour, when the clock asks (each minute, here), then its run is there."""
    began = datetime.now(UTC)
    text = SMALL.replace("estimators", "on_upload: false, estimators") + "retrain: {{every_hours: 1}}\n"
    model, taken = small(gyre, good(100), text)
    assert taken["status"] == "succeeded" and "Propose" not in states(taken)
    names = {scheduled_run(model, 1, began + timedelta(hours=hours)) for hours in (0, 1)}

    def runs() -> list[str]:
        return [name for name in names if gyre.send("GET", f"/runs/{name}").status_code == 200]

    gyre.until(lambda: bool(runs()), "the run of this hour", 150)
    assert last(gyre, f"/runs/{runs()[0]}", 100)["status"] == "succeeded"


def tasks_of_training() -> list[int]:
    """The processes that do the steps of training."""
    found = processes.marked(MARKER, str(control.status().home))
    lines = {pid: Path(f"/proc/{pid}/cmdline").read_bytes() for pid, _ in found if Path(f"/proc/{pid}").exists()}
    return [pid for pid, line in lines.items() if b"app.train" in line]


@pytest.mark.timeout(300)
def test_a_run_whose_task_was_killed_is_resumed_where_it_failed(gyre: GyreClient, notices: Notices) -> None:
    text = SMALL.replace("linear]", "random_forest], space: {{random_forest: {{n_estimators: [800, 801, 802]}}}}")
    model, first = small(gyre, good(600), text)  # many trees, so that there is time to kill who fits them
    assert first["status"] == "succeeded", first
    started = gyre.post("/train", {"model": model})
    url = started["status_url"]
    gyre.until(lambda: states(gyre.get(url)).get("Fit") == "running", "the fit begins", 100)
    killed = tasks_of_training()
    for pid in killed:
        os.kill(pid, signal.SIGKILL)
    assert killed
    ended = last(gyre, url, 100)
    assert ended["status"] == "failed", ended
    gyre.until(lambda: heard(notices, started["run"], "training_failed"), "the notice of the failure")
    assert gyre.get(f"/models/{model}/versions")["versions"][0]["version"] == 1
    gyre.post(f"/runs/{started['run']}/resume")
    resumed = last(gyre, url, 200)
    assert (resumed["status"], resumed["attempt"]) == ("succeeded", 2), resumed
    assert resumed["found"]["register"]["version"] == 2
    assert gyre.send("POST", f"/runs/{started['run']}/resume").status_code == 409
    assert BUNDLES in resumed["found"]["fit"]["bundle"]["key"]
