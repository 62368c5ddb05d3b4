"""The fake, MLflow's file in S3 and an MLflow server keep one contract."""

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlflow import MlflowClient
from mlflow.entities import Run
from mlflow.utils.validation import _validate_metric_name, _validate_param_name, _validate_tag_name

from gyre.aws.mlflow_store.remote import S3File
from gyre.aws.mlflow_tracking import MlflowTracking, names, runs
from gyre.errors import Conflict, Invalid, NotFound, Unavailable
from gyre.registry.tracking import (
    Registration,
    TrackedCandidate,
    TrackedDataset,
    TrackedEvaluation,
    TrackedRun,
    TrackedTraining,
    Tracking,
)
from tests.contract import mlflow_crowd
from tests.contract.mlflow_grounds import REPOSITORY, Command, s3_over_http
from tests.fakes.tracking import MemoryTracking, SeenRun, SeenVersion

BUCKET = f"tracking-{uuid.uuid4().hex[:8]}"
ASKED: list[str] = []
BEGAN = datetime(2026, 11, 21, 9, 30, 15, 250_000, tzinfo=UTC)

pytestmark = pytest.mark.timeout(150)


class Death(Exception):
    """Of a task, in the middle."""


class Grounds(Protocol):
    """Where a contract is tested: what a `Tracking` wrote as others see it, and ways to disturb it."""

    tracking: Tracking

    def runs(self, model: str) -> list[SeenRun]:
        """All that are whole, and an error if anything else is there."""

    def versions(self, model: str) -> dict[int, SeenVersion]: ...

    def delete(self, model: str, number: int) -> None:
        """As somebody does it in MLflow's own pages."""

    def at_once(self, made: list[Registration]) -> list[int]:
        """Each is registered by somebody else, all at the same time."""

    def dying(self, where: str) -> Any:
        """Within, a record dies there."""


class MemoryGrounds:
    def __init__(self) -> None:
        self.tracking: MemoryTracking = MemoryTracking()

    def runs(self, model: str) -> list[SeenRun]:
        return [run for of, run in self.tracking.runs.values() if of == model]

    def versions(self, model: str) -> dict[int, SeenVersion]:
        return self.tracking.versions.get(model, {})

    def delete(self, model: str, number: int) -> None:
        self.tracking.delete(model, number)

    def at_once(self, made: list[Registration]) -> list[int]:
        with ThreadPoolExecutor(len(made)) as pool:
            return list(pool.map(self.tracking.register, made))

    @contextmanager
    def dying(self, where: str) -> Iterator[None]:
        self.tracking.dying.append(die)
        yield
        self.tracking.dying.clear()


class MlflowGrounds:
    def __init__(self, uri: str, folder: Path) -> None:
        self.uri, self._folder = uri, folder
        self.tracking: Tracking = MlflowTracking(uri)
        self.client = MlflowClient(uri, uri)

    def runs(self, model: str) -> list[SeenRun]:
        experiment = self.client.get_experiment_by_name(model)
        found = list(self.client.search_runs([experiment.experiment_id])) if experiment else []
        below: dict[str, list[Run]] = {}
        for run in found:
            below.setdefault(run.data.tags.get("mlflow.parentRunId", ""), []).append(run)
        whole = [self._seen(run, below.pop(run.info.run_id, [])) for run in below.pop("", [])]
        assert not below, "candidates without their run"
        return whole

    def versions(self, model: str) -> dict[int, SeenVersion]:
        found = self.client.search_model_versions(f"name = '{model}'")
        return {
            int(each.version): SeenVersion(each.source, each.run_id, each.description or "", each.tags)
            for each in found
        }

    def delete(self, model: str, number: int) -> None:
        self.client.delete_model_version(model, str(number))

    def at_once(self, made: list[Registration]) -> list[int]:
        return mlflow_crowd.crowd([(mlflow_crowd.register, self.uri, each) for each in made], len(made))

    @contextmanager
    def dying(self, where: str) -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patch:
            if where == "candidates":
                patch.setattr(MlflowClient, "create_run", dies_at(3, MlflowClient.create_run))
            elif where == "artifacts":
                log = MlflowClient.log_artifacts

                def some(client: MlflowClient, run: str, folder: str) -> None:
                    next(path for path in Path(folder).rglob("*") if path.is_file()).unlink()
                    log(client, run, folder)
                    die()

                patch.setattr(MlflowClient, "log_artifacts", some)
            else:
                patch.setattr(runs, "finish", dies_at(1, runs.finish))
            yield

    def _seen(self, run: Run, below: list[Run]) -> SeenRun:
        assert run.info.status == "FINISHED"
        folder = self._folder / run.info.run_id
        if not folder.exists():
            folder.mkdir()
        self.client.download_artifacts(run.info.run_id, "", str(folder))
        files = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        tags = {read(name): value for name, value in run.data.tags.items()}
        read_from = [each.dataset for each in run.inputs.dataset_inputs]
        return SeenRun(
            name=run.info.run_name,
            kind=tags["gyre.kind"],
            run=tags["gyre.run"],
            started=moment(run.info.start_time),
            ended=moment(run.info.end_time),
            parameters={read(name): value for name, value in run.data.params.items()},
            metrics={read(name): value for name, value in run.data.metrics.items()},
            tags={name: value for name, value in tags.items() if not name.startswith(("gyre.", "mlflow."))},
            artifacts=files,
            dataset=next(
                (TrackedDataset(each.name, each.digest, json.loads(each.source)["uri"]) for each in read_from), None
            ),
            commit=tags.get("mlflow.source.git.commit", ""),
            note=tags.get("mlflow.note.content", ""),
            candidates=tuple(sorted((candidate(each) for each in below), key=lambda each: each.number)),
        )


def candidate(run: Run) -> TrackedCandidate:
    parameters = {read(name): value for name, value in run.data.params.items()}
    failed = run.data.tags.get("gyre.failed")
    assert (run.info.status == "FAILED") == (failed is not None)
    return TrackedCandidate(
        number=int(run.data.tags["gyre.candidate"]),
        estimator=parameters.pop("estimator"),
        parameters=parameters,
        mean=run.data.metrics.get("score"),
        deviation=run.data.metrics.get("score_deviation"),
        failed=failed,
        stopped_early=run.info.status == "KILLED",
    )


def read(name: str) -> str:
    found = names.read(name)
    return name if found is None else found


def moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def die(*_: Any) -> None:
    raise Death


def dies_at(call: int, method: Callable[..., Any]) -> Callable[..., Any]:
    calls = iter(range(1, 1000))

    def dying(*given: Any, **named: Any) -> Any:
        return die() if next(calls) == call else method(*given, **named)

    return dying


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, s3: Any) -> Iterator[Command]:
    """Starts by itself while the others are tested; whoever asks it waits first."""
    folder = tmp_path_factory.mktemp("server")
    backend, artifacts = f"sqlite:///{folder}/mlflow.db", str(folder / "artifacts")
    command = Command.start(
        folder / "run", "server", "--backend-store-uri", backend, "--artifacts-destination", artifacts
    )
    yield command
    command.stop()


@pytest.fixture(scope="module")
def s3() -> Iterator[Any]:
    with s3_over_http(ASKED) as client:
        client.create_bucket(Bucket=BUCKET)
        yield client


@pytest.fixture(scope="module")
def opened(s3: Any, server: Command, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Grounds]:
    """Each of them once; tests take models of their own."""
    made: dict[str, Grounds] = {"fake": MemoryGrounds()}

    def grounds_of(name: str) -> Grounds:
        if name not in made:
            uri = f"s3+sqlite://{BUCKET}/mlflow/mlflow.db"
            if name == "server":
                server.wait()
                uri = server.url
            made[name] = MlflowGrounds(uri, tmp_path_factory.mktemp(name))
        return made[name]

    return grounds_of


@pytest.fixture(params=["fake", "s3", "server"], scope="module")
def grounds(request: pytest.FixtureRequest, opened: Callable[[str], Grounds]) -> Grounds:
    return opened(request.param)


@pytest.fixture(params=["s3", "server"], scope="module")
def mlflow(request: pytest.FixtureRequest, opened: Callable[[str], Any]) -> MlflowGrounds:
    found: MlflowGrounds = opened(request.param)
    return found


@pytest.fixture
def model() -> str:
    return f"m-{uuid.uuid4().hex[:10]}"


def a_training(model: str, **differs: Any) -> TrackedTraining:
    told = TrackedTraining(
        model=model,
        run="train_20261121T093000-0a1b2c3d",
        started=BEGAN,
        ended=BEGAN + timedelta(minutes=7, milliseconds=5),
        parameters={"estimator": "boosting", "depth": 3, "rate": 0.1, "early": True, "seed": 7, "weights": None},
        figures={"accuracy": 0.875, "recall.<=50K": 0.5, "recall.>50K": 0.25},
        baseline={"accuracy": 0.5},
        fairness={"demographic_parity.sex": 0.125},
        tags={"hand": "none", "kind of data": "table"},
        artifacts={"evaluation.json": b"{}", "plots/roc.svg": b"<svg/>", "plots/deep/er.png": bytes(range(256))},
        dataset=TrackedDataset("salary-band", "v3", "s3://data/datasets/salary-band/"),
        commit="c0ffee",
        note="**Trained** by hand.",
        candidates=(
            TrackedCandidate(1, "linear", {"C": 0.5, "penalty": None}, 0.75, 0.125),
            TrackedCandidate(2, "boosting", {"depth": 3}, 0.8, 0.0, stopped_early=True),
            TrackedCandidate(3, "bayes", {}, failed="ValueError: the matrix is <too> large"),
        ),
    )
    return replace(told, **differs)


def as_seen(told: TrackedRun) -> SeenRun:
    tracking = MemoryTracking()
    tracking._record(told)
    (seen,) = tracking.runs.values()
    return seen[1]


def a_version(model: str, run: str = "train_1", **differs: Any) -> Registration:
    made = Registration(
        model=model,
        run=run,
        tracked=f"{uuid.uuid5(uuid.NAMESPACE_URL, run).hex}",
        source=f"s3://artifacts/bundles/{model}/0a1b/",
        reference="s3://data/splits/3/reference.parquet",
        dataset=3,
        spec=2,
        commit="c0ffee",
        bundle="0a1b",
        estimator="boosting",
        note="See [the card](card.html).",
    )
    return replace(made, **differs)


def test_what_was_trained_is_shown_whole(grounds: Grounds, model: str) -> None:
    told = a_training(model)
    number = grounds.tracking.record(told)
    assert number and grounds.runs(model) == [as_seen(told)]
    (seen,) = grounds.runs(model)
    assert (seen.name, seen.metrics["baseline_accuracy"]) == (told.run, 0.5)
    assert seen.metrics["fairness_demographic_parity.sex"] == 0.125


def test_what_is_recorded_twice_is_there_once(grounds: Grounds, model: str) -> None:
    told = a_training(model)
    first = grounds.tracking.record(told)
    # A task that was repeated may have measured other seconds; what is whole stays as it is.
    assert grounds.tracking.record(replace(told, figures={"accuracy": 0.1})) == first
    other = grounds.tracking.record(replace(told, run="train_other"))
    assert other != first
    assert {each.run: each.metrics["accuracy"] for each in grounds.runs(model)} == {
        told.run: 0.875,
        "train_other": 0.875,
    }


@pytest.mark.parametrize("where", ["candidates", "artifacts", "finish"])
def test_what_was_broken_off_is_made_whole_once(grounds: Grounds, model: str, where: str) -> None:
    told = a_training(model)
    with grounds.dying(where), pytest.raises(Death):
        grounds.tracking.record(told)
    # What differs in the second attempt, differs in the run: nothing of the first is left in it.
    again = replace(told, parameters={"estimator": "linear"}, candidates=told.candidates[:2])
    number = grounds.tracking.record(again)
    assert grounds.runs(model) == [as_seen(again)]
    assert grounds.tracking.record(again) == number
    assert grounds.runs(model) == [as_seen(again)]


def test_a_run_with_nothing_to_tell_is_a_run(grounds: Grounds, model: str) -> None:
    told = TrackedTraining(model=model, run="train_x", started=BEGAN, ended=BEGAN, parameters={}, figures={})
    grounds.tracking.record(told)
    assert grounds.runs(model) == [as_seen(told)]


def test_the_run_of_an_upload_is_called_by_its_start(grounds: Grounds, model: str) -> None:
    told = a_training(model, run="upload-0a1b2c3d4e5f", candidates=(), artifacts={})
    grounds.tracking.record(told)
    (seen,) = grounds.runs(model)
    assert (seen.name, seen.run) == ("train_20261121T093015", "upload-0a1b2c3d4e5f")


def test_an_evaluation_is_a_run_of_the_same_model(grounds: Grounds, model: str) -> None:
    told = TrackedEvaluation(
        model=model, run="eval_20261121T093000-0a1b2c3d", version=4, started=BEGAN, ended=BEGAN + timedelta(seconds=9),
        parameters={"part": "test"}, figures={"accuracy": 0.5}, artifacts={"evaluation.json": b"{}"},
        dataset=TrackedDataset(model, "v4", "https://elsewhere.example/rows"),
    )  # fmt: skip
    number = grounds.tracking.record_evaluation(told)
    assert grounds.tracking.record_evaluation(told) == number
    grounds.tracking.record(a_training(model, candidates=(), artifacts={}))
    seen = {each.kind: each for each in grounds.runs(model)}
    assert seen["eval"] == as_seen(told) and seen["eval"].parameters["version"] == "4"
    assert seen["train"].name.startswith("train_")


ODD = [
    "<=50K", ">50K", "a:b", "a:3a:b", ":", "::", "", " ", ".", "..", "../up", "/lead", "tail/", "a//b", "a/./b", "a/b",
    "Größe", "日本", "🎈", "tab\t", "line\nfeed", "'", '"', "`", "%41", "\\", "A", "a", "\ud800", "-", ":-", "…",
]  # fmt: skip


def test_odd_names_stay_apart_and_can_be_read_again(grounds: Grounds, model: str) -> None:
    figures = {f"{prefix}{name}": float(n) for n, name in enumerate(ODD) for prefix in ("", "recall.")}
    told = a_training(
        model, figures=figures, parameters={f"{name}": n for n, name in enumerate(ODD)},
        tags={name: "" for name in ODD if not name.startswith("mlflow")}, candidates=(),
        artifacts={"plots/recall <=50K's \"ü\" & 50%.svg": b"x", "a,b;c=d+e@f(g)[h]{i}~!$": b"y"},
    )  # fmt: skip
    grounds.tracking.record(told)
    assert grounds.runs(model) == [as_seen(told)]


def test_there_may_be_many_of_everything(grounds: Grounds, model: str) -> None:
    told = a_training(
        model, figures={f"f{n}": n / 7 for n in range(1_100)}, parameters={f"p{n}": n for n in range(220)},
        tags={f"t{n}": "x" for n in range(120)}, artifacts={},
        candidates=tuple(TrackedCandidate(n, "linear", {"C": n}, n / 3, 0.0) for n in range(1, 7)),
    )  # fmt: skip
    grounds.tracking.record(told)
    assert grounds.runs(model) == [as_seen(told)]


def test_a_figure_that_could_not_be_computed_is_no_number(grounds: Grounds, model: str) -> None:
    grounds.tracking.record(a_training(model, figures={"roc_auc": float("nan")}, candidates=(), artifacts={}))
    (seen,) = grounds.runs(model)
    assert seen.metrics["roc_auc"] != seen.metrics["roc_auc"]


def test_two_figures_under_one_name_are_refused() -> None:
    with pytest.raises(Invalid, match="'baseline_accuracy'"):
        a_training("m", figures={"baseline_accuracy": 1.0})


@pytest.mark.parametrize("name", ["", "/etc/x", "../x", "a/../x", "a/", "a//b", "plots", "a\x00b", "x" * 256])
def test_a_file_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(Invalid, match="cannot be the name of an artifact"):
        a_training("m", artifacts={"plots/roc.svg": b"", name: b""})


@pytest.mark.parametrize("digest", ["", "0" * 37])
def test_a_digest_fits_mlflow(digest: str) -> None:
    with pytest.raises(Invalid, match="36"):
        TrackedDataset("m", digest, "s3://b/k")


def test_each_run_has_one_version(grounds: Grounds, model: str) -> None:
    first = a_version(model)
    assert [grounds.tracking.register(first), grounds.tracking.register(first)] == [1, 1]
    assert grounds.tracking.register(a_version(model, "train_2")) == 2
    assert grounds.tracking.register(replace(first, source="s3://elsewhere/")) == 1
    seen = grounds.versions(model)
    assert seen.keys() == {1, 2}
    assert seen[1] == SeenVersion(first.source, first.tracked, first.note, first.tags)
    assert first.tags == {
        "stage": "candidate", "gyre.run": "train_1", "drift-data": "s3://data/splits/3/reference.parquet",
        "dataset_version": "3", "spec_version": "2", "commit": "c0ffee", "bundle_hash": "0a1b", "estimator": "boosting",
    }  # fmt: skip


def test_numbers_that_are_taken_here_are_not_given_there(grounds: Grounds, model: str) -> None:
    told = f"MLflow numbers {model} from 1 where Gyre knows version 2: point MLFLOW_TRACKING_URI at the one"
    with pytest.raises(Conflict, match=told):
        grounds.tracking.register(a_version(model), 2)
    assert grounds.versions(model) == {}
    assert grounds.tracking.register(a_version(model)) == 1
    with pytest.raises(Conflict, match=f"{model} from 2 where Gyre knows version 7"):
        grounds.tracking.register(a_version(model, "train_2"), 7)
    assert grounds.versions(model).keys() == {1}
    assert grounds.tracking.register(a_version(model), 7) == 1  # what is registered already is known by its run
    assert grounds.tracking.register(a_version(model, "train_2"), 1) == 2


def test_a_deleted_version_keeps_its_number(grounds: Grounds, model: str) -> None:
    for number, run in enumerate(("train_1", "train_2"), 1):
        assert grounds.tracking.register(a_version(model, run), number - 1) == number
    for number in (2, 1):
        grounds.delete(model, number)
    assert grounds.tracking.register(a_version(model, "train_3"), 2) == 3
    assert grounds.tracking.register(a_version(model, "train_2"), 3) == 4
    assert grounds.versions(model).keys() == {3, 4}


def test_a_version_belongs_to_its_recorded_run(grounds: Grounds, model: str) -> None:
    tracked = grounds.tracking.record(a_training(model, candidates=(), artifacts={}))
    assert grounds.tracking.register(a_version(model, tracked=tracked)) == 1
    assert grounds.versions(model)[1].tracked == tracked


def test_registered_at_once_each_run_has_a_version_of_its_own(grounds: Grounds, model: str) -> None:
    made = [a_version(model, run) for run in ("train_1", "train_1", "train_2", "train_3")]
    numbers = grounds.at_once(made)
    assert numbers[0] == numbers[1] and len(set(numbers)) == 3
    seen = {number: version.tags["gyre.run"] for number, version in grounds.versions(model).items()}
    assert seen == {number: each.run for number, each in zip(numbers, made, strict=True)}


def test_aliases_and_stages_are_set_exactly(grounds: Grounds, model: str) -> None:
    tracking = grounds.tracking
    assert tracking.mirrored(model) == {}
    for run in ("train_1", "train_2", "train_3"):
        tracking.register(a_version(model, run))
    wanted = {"champion": 1, "challenger": 2, "production": 1}
    assert tracking.mirror(model, wanted, {1: "production", 2: "challenger"})
    assert tracking.mirrored(model) == wanted
    assert [each.tags["stage"] for _, each in sorted(grounds.versions(model).items())] == [
        "production", "challenger", "candidate"
    ]  # fmt: skip
    assert not tracking.mirror(model, wanted, {1: "production", 2: "challenger"})
    # Moved, taken away, and not named.
    assert tracking.mirror(model, {"champion": 2, "challenger": None}, {1: "retired"})
    assert tracking.mirrored(model) == {"champion": 2, "production": 1}
    assert grounds.versions(model)[1].tags["stage"] == "retired"
    assert grounds.versions(model)[1].tags.items() - {("stage", "retired")} == (
        a_version(model).tags.items() - {("stage", "candidate")}
    )
    assert tracking.mirror(model, dict.fromkeys(wanted), {})
    assert tracking.mirrored(model) == {}


def test_what_is_not_registered_is_not_mirrored_and_nothing_is_half_set(grounds: Grounds, model: str) -> None:
    with pytest.raises(NotFound, match="no version 1"):
        grounds.tracking.mirror(model, {"champion": 1}, {})
    assert not grounds.tracking.mirror(model, {"champion": None}, {})
    grounds.tracking.register(a_version(model))
    with pytest.raises(NotFound, match="no version 2"):
        grounds.tracking.mirror(model, {"production": 1, "champion": 2}, {1: "production"})
    assert grounds.tracking.mirrored(model) == {}
    assert grounds.versions(model)[1].tags["stage"] == "candidate"


def test_a_version_that_somebody_deleted_has_no_stage_and_holds_no_other_up(grounds: Grounds, model: str) -> None:
    for run in ("train_1", "train_2"):
        grounds.tracking.register(a_version(model, run))
    wanted, stages = {"champion": 2}, {1: "archived", 2: "production", 7: "retired"}
    assert grounds.tracking.mirror(model, {"champion": 1}, {1: "production"})
    grounds.delete(model, 1)
    assert grounds.tracking.mirrored(model) == {}
    assert grounds.tracking.mirror(model, wanted, stages)
    assert grounds.tracking.mirrored(model) == wanted
    assert {number: each.tags["stage"] for number, each in grounds.versions(model).items()} == {2: "production"}
    assert not grounds.tracking.mirror(model, wanted, stages)
    with pytest.raises(NotFound, match="no version 1 in MLflow"):
        grounds.tracking.mirror(model, {"champion": 1}, {})


def test_an_alias_that_somebody_else_gave_is_left(mlflow: MlflowGrounds, model: str) -> None:
    mlflow.tracking.register(a_version(model))
    mlflow.client.set_registered_model_alias(model, "favourite", "1")
    mlflow.tracking.mirror(model, {"champion": 1}, {})
    mlflow.tracking.mirror(model, {"champion": None}, {})
    assert mlflow.tracking.mirrored(model) == {"favourite": 1}


def test_an_alias_that_somebody_moved_in_mlflow_is_set_back(mlflow: MlflowGrounds, model: str) -> None:
    mlflow.tracking.register(a_version(model))
    mlflow.tracking.register(a_version(model, "train_2"))
    mlflow.tracking.mirror(model, {"champion": 1}, {1: "production"})
    mlflow.client.set_registered_model_alias(model, "champion", "2")
    mlflow.client.delete_model_version_tag(model, "1", "stage")
    assert mlflow.tracking.mirrored(model) == {"champion": 2}
    assert mlflow.tracking.mirror(model, {"champion": 1}, {1: "production"})
    assert mlflow.tracking.mirrored(model) == {"champion": 1}
    assert mlflow.versions(model)[1].tags["stage"] == "production"


def test_long_names_and_values_are_cut_and_stay_apart(mlflow: MlflowGrounds, model: str) -> None:
    long = {f"{'<x>' * 120}{end}": end for end in ("a", "b")}
    told = a_training(
        model, figures=dict.fromkeys(long, 1.0), parameters=long | {"long": "p" * 7_000}, tags={"long": "t" * 9_000},
        note="n" * 9_000, candidates=(TrackedCandidate(1, "linear", {"q": "q" * 7_000}, failed="f" * 9_000),),
    )  # fmt: skip
    number = mlflow.tracking.record(told)
    data = mlflow.client.get_run(number).data
    assert len(data.metrics) == 2 + 2 and len(data.params) == 3
    assert all(len(name) <= names.LONGEST for name in (*data.metrics, *data.params))
    assert data.params["long"] == "p" * 5_999 + "…" and data.tags["long"] == "t" * 7_999 + "…"


def test_a_deleted_run_is_recorded_anew(mlflow: MlflowGrounds, model: str) -> None:
    told = a_training(model, artifacts={})
    number = mlflow.tracking.record(told)
    for run in mlflow.client.search_runs([mlflow.client.get_run(number).info.experiment_id]):
        mlflow.client.delete_run(run.info.run_id)
    assert mlflow.tracking.record(told) != number
    assert mlflow.runs(model) == [as_seen(told)]


def test_a_deleted_experiment_is_not_brought_back_unasked(mlflow: MlflowGrounds, model: str) -> None:
    told = a_training(model, artifacts={})
    number = mlflow.tracking.record(told)
    experiment = mlflow.client.get_run(number).info.experiment_id
    mlflow.client.delete_experiment(experiment)
    with pytest.raises(Invalid, match=f"mlflow experiments restore --experiment-id {experiment}"):
        mlflow.tracking.record(told)
    mlflow.client.restore_experiment(experiment)
    assert mlflow.tracking.record(told) == number


def test_two_records_of_one_run_become_one_again(mlflow: MlflowGrounds, model: str) -> None:
    """On a server, which knows no transaction over many calls, two that record at the same moment may both make one."""
    told = a_training(model)
    first = mlflow.tracking.record(told)
    mlflow.client.set_tag(first, "gyre.run", "hidden")
    second = mlflow.tracking.record(told)
    mlflow.client.set_tag(first, "gyre.run", told.run)
    assert mlflow.tracking.record(told) == min(first, second)
    assert mlflow.runs(model) == [as_seen(told)]


def test_the_experiment_is_about_models_and_the_model_says_who_decides(mlflow: MlflowGrounds, model: str) -> None:
    mlflow.tracking.record(a_training(model, candidates=(), artifacts={}))
    mlflow.tracking.register(a_version(model))
    assert mlflow.client.get_experiment_by_name(model).tags["mlflow.experimentKind"] == "custom_model_development"
    assert "Trained by Gyre" in (mlflow.client.get_registered_model(model).description or "")


def test_artifacts_lie_beside_the_file_or_where_they_are_told_to(opened: Any, s3: Any, model: str) -> None:
    ours: MlflowGrounds = opened("s3")
    ours.tracking.record(a_training(model))
    other = f"{model}-elsewhere"
    MlflowTracking(ours.uri, f"s3://{BUCKET}/other/").record(a_training(other))
    for of, prefix in ((model, "mlflow/artifacts/"), (other, f"other/{other}/")):
        root = ours.client.search_runs([ours.client.get_experiment_by_name(of).experiment_id])[0].info.artifact_uri
        assert root.startswith(f"s3://{BUCKET}/{prefix}")
    keys = [each["Key"] for each in s3.list_objects_v2(Bucket=BUCKET)["Contents"]]
    assert all(key.startswith(("mlflow/", "other/")) for key in keys)
    assert any(key.startswith("other/") and key.endswith("plots/deep/er.png") for key in keys)


def test_without_a_server_each_step_is_a_put_or_two(opened: Any, model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    tracking, puts, put = opened("s3").tracking, list[int](), S3File.put

    def counted(self: S3File, source: Path, replaces: str | None) -> str:
        puts.append(1)
        return put(self, source, replaces)

    monkeypatch.setattr(S3File, "put", counted)
    for work, expected in (
        (lambda: tracking.record(a_training(model)), 2),
        (lambda: tracking.record(a_training(model)), 0),
        (lambda: tracking.register(a_version(model)), 1),
        (lambda: tracking.register(a_version(model)), 0),
        (lambda: tracking.mirror(model, {"champion": 1, "production": 1}, {1: "production"}), 1),
        (lambda: tracking.mirror(model, {"champion": 1, "production": 1}, {1: "production"}), 0),
        (lambda: tracking.mirrored(model), 0),
    ):
        work()
        assert len(puts) == expected
        puts.clear()


def test_a_function_needs_to_get_and_put_below_one_folder_and_no_more(opened: Any, model: str) -> None:
    tracking = MlflowTracking(opened("s3").uri)
    ASKED.clear()
    tracking.register(a_version(model, tracked=tracking.record(a_training(model))))
    tracking.mirror(model, {"champion": 1}, {1: "production"})
    assert {each.partition(" ")[0] for each in ASKED} == {"GET", "PUT"}
    assert all(each.split()[1].startswith(f"/{BUCKET}/mlflow/") and each.split("?")[1] == "" for each in ASKED)


def test_what_cannot_be_reached_may_pass_and_what_is_missing_does_not(
    s3: Any, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(Unavailable, match=r"MLflow at http://127\.0\.0\.1:9:") as refused:
        MlflowTracking("http://user:secret@127.0.0.1:9").mirrored(model)
    assert "secret" not in refused.value.message
    with pytest.raises(NotFound, match="no bucket"):
        MlflowTracking("s3+sqlite://no-such-bucket-here/mlflow.db").record(a_training(model))
    with pytest.raises(Invalid, match="no option 'fresh'"):
        MlflowTracking("s3+sqlite://b/mlflow.db?fresh=1").mirrored(model)


def test_artifacts_that_nowhere_can_be_put_are_told_and_the_run_is_made_whole_later(
    opened: Any, s3: Any, model: str
) -> None:
    ours: MlflowGrounds = opened("s3")
    bucket = f"later-{model}"
    tracking = MlflowTracking(ours.uri, f"s3://{bucket}")
    with pytest.raises(Unavailable, match="NoSuchBucket"):
        tracking.record(a_training(model))
    s3.create_bucket(Bucket=bucket)
    tracking.record(a_training(model))
    assert ours.runs(model) == [as_seen(a_training(model))]


SILENCE = """
import sys
away = []
def heard(event, given):
    if event in ("socket.connect", "socket.getaddrinfo"):
        address = given[1][0] if event == "socket.connect" else given[0]
        if address != "127.0.0.1":
            away.append((event, address))
            raise OSError("nobody is asked but this machine")
sys.addaudithook(heard)
from gyre.aws.mlflow_tracking import MlflowTracking
assert "mlflow" not in sys.modules
trackings = [MlflowTracking(uri) for uri in sys.argv[1:]]
assert "mlflow" not in sys.modules
from datetime import datetime, UTC
from gyre.registry.tracking import TrackedTraining
now = datetime.now(UTC)
told = dict(model="silence", run="train_1", started=now, ended=now, parameters={}, figures={"a": 1.0})
for tracking in trackings:
    tracking.record(TrackedTraining(**told, artifacts={"a": b"a"}))
    tracking.mirrored("silence")
from mlflow.telemetry import get_telemetry_client
assert get_telemetry_client() is None
assert not away, away
"""


def test_nobody_else_is_asked_and_nothing_is_printed_or_left(opened: Any, tmp_path: Path) -> None:
    """As in a function: none of the settings by which MLflow knows that it is tested, and no home."""
    known = {"PATH", "AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"}
    environment = {name: value for name, value in os.environ.items() if name in known}
    environment |= {"PYTHONPATH": str(REPOSITORY / "layers" / "gyre"), "MLFLOW_TRACKING_URI": "", "TMPDIR": "tmp"}
    environment |= {"HOME": str(tmp_path / "none")}
    (tmp_path / "tmp").mkdir()
    script = [sys.executable, "-c", SILENCE, opened("s3").uri, opened("server").uri]
    ended = subprocess.run(script, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
    assert list(tmp_path.rglob("*")) == [tmp_path / "tmp"]


@given(st.lists(st.text(max_size=300), min_size=2, max_size=4, unique=True))
@settings(max_examples=300, deadline=None)
def test_names_are_allowed_apart_and_read_again(ours: list[str]) -> None:
    told = [names.told(name) for name in ours]
    assert len(set(told)) == len(ours)
    for name, theirs in zip(ours, told, strict=True):
        assert len(theirs) <= names.LONGEST
        _validate_metric_name(theirs)
        _validate_param_name(theirs)
        _validate_tag_name(theirs)
        assert names.read(theirs) in (name, None) and (len(name) > 30 or names.read(theirs) == name)


@given(st.text(st.sampled_from(":-/.<a3c \n"), max_size=12), st.text(st.sampled_from(":-/.<a3c \n"), max_size=12))
@settings(max_examples=500, deadline=None)
def test_names_made_of_marks_stay_apart(one: str, other: str) -> None:
    assert (names.told(one) == names.told(other)) == (one == other)
    assert names.read(names.told(one)) == one
    _validate_metric_name(names.told(one))
