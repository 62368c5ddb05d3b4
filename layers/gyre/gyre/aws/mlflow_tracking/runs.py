"""A run of ours as a run of MLflow: found by its tag, made whole, its candidates below it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from gyre.aws.mlflow_tracking import names
from gyre.errors import Invalid
from gyre.registry.tracking import OUR_RUN, TrackedCandidate, TrackedDataset, TrackedRun, TrackedTraining

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

KIND, NUMBER, FAILED = "gyre.kind", "gyre.candidate", "gyre.failed"
FINISHED = "FINISHED"
# Of the pages that MLflow has for experiments, those about models and not about chats.
MODELS = "custom_model_development"
SCORE, DEVIATION = "score", "score_deviation"

_LONGEST_PARAMETER, _LONGEST_TAG = 6_000, 8_000


def begin(client: MlflowClient, told: TrackedRun, artifacts: str | None) -> tuple[str, bool]:
    """The run in MLflow, and whether it is whole already. What an earlier attempt left of one is made anew."""
    experiment = _experiment(client, told.model, artifacts)
    found = list(_search(client, experiment, f"tags.`{OUR_RUN}` = '{told.run}'"))
    whole = min((run.info.run_id for run in found if run.info.status == FINISHED), default=None)
    for run in found:
        if run.info.run_id != whole:
            _remove(client, experiment, run.info.run_id)
    if whole:
        return whole, True
    return _make(client, experiment, told), False


def upload(client: MlflowClient, run: str, artifacts: Mapping[str, bytes]) -> None:
    """Puts the files where MLflow keeps those of the run; S3 or the server, as the run says."""
    if not artifacts:
        return
    with tempfile.TemporaryDirectory() as folder:
        for name, content in artifacts.items():
            path = Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        client.log_artifacts(run, folder)


def finish(client: MlflowClient, run: str, ended: datetime) -> None:
    """From here on the run is whole."""
    client.set_terminated(run, FINISHED, _milliseconds(ended))


def _experiment(client: MlflowClient, model: str, artifacts: str | None) -> str:
    from mlflow.exceptions import MlflowException

    found = client.get_experiment_by_name(model)
    if found is None:
        try:
            place = artifacts and f"{artifacts.rstrip('/')}/{model}"
            return str(client.create_experiment(model, place, {"mlflow.experimentKind": MODELS}))
        except MlflowException as error:
            found = client.get_experiment_by_name(model)
            if error.error_code != "RESOURCE_ALREADY_EXISTS" or found is None:
                raise
    if found.lifecycle_stage != "active":
        raise Invalid(
            f"The experiment {model} was deleted in MLflow. Bring it back with `mlflow experiments restore"
            f" --experiment-id {found.experiment_id}`, or end it for good with `mlflow gc`."
        )
    return str(found.experiment_id)


def _search(client: MlflowClient, experiment: str, condition: str) -> Iterator[Run]:
    page = None
    while True:
        found = client.search_runs([experiment], condition, page_token=page)
        yield from found
        page = found.token
        if not page:
            return


def _remove(client: MlflowClient, experiment: str, run: str) -> None:
    """With its candidates, which go first: what is broken off here is found again."""
    for child in list(_search(client, experiment, f"tags.`mlflow.parentRunId` = '{run}'")):
        client.delete_run(child.info.run_id)
    client.delete_run(run)


def _make(client: MlflowClient, experiment: str, told: TrackedRun) -> str:
    started, ended = _milliseconds(told.started), _milliseconds(told.ended)
    tags = {OUR_RUN: told.run, KIND: told.kind, **_standing(told)}
    run = str(client.create_run(experiment, started, tags, told.name).info.run_id)
    _log(client, run, ended, told.settings, told.metrics, told.tags)
    if told.dataset:
        _read(client, run, told.dataset, "evaluation" if told.kind == "eval" else "training")
    for candidate in told.candidates if isinstance(told, TrackedTraining) else ():
        _try(client, experiment, run, told, candidate)
    return run


def _standing(told: TrackedRun) -> dict[str, str]:
    """What MLflow's pages show of every run."""
    shown = {
        "mlflow.user": "gyre", "mlflow.source.type": "JOB", "mlflow.source.name": "gyre",
        "mlflow.source.git.commit": told.commit, "mlflow.note.content": _short(told.note, _LONGEST_TAG),
    }  # fmt: skip
    return {name: value for name, value in shown.items() if value}


def _read(client: MlflowClient, run: str, dataset: TrackedDataset, context: str) -> None:
    import json

    from mlflow.entities import Dataset, DatasetInput, InputTag

    source = json.dumps({"uri": dataset.source})
    read = Dataset(dataset.name, dataset.digest, "s3" if dataset.source.startswith("s3://") else "external", source)
    client.log_inputs(run, [DatasetInput(read, [InputTag("mlflow.data.context", context)])])


def _try(client: MlflowClient, experiment: str, parent: str, told: TrackedRun, candidate: TrackedCandidate) -> None:
    started, ended = _milliseconds(told.started), _milliseconds(told.ended)
    tags = {"mlflow.parentRunId": parent, NUMBER: str(candidate.number), **_standing(told)}
    tags.pop("mlflow.note.content", None)
    if candidate.failed is not None:
        tags[FAILED] = _short(candidate.failed, _LONGEST_TAG)
    run = str(client.create_run(experiment, started, tags, f"candidate_{candidate.number:03}").info.run_id)
    scores = {SCORE: candidate.mean, DEVIATION: candidate.deviation}
    figures = {name: value for name, value in scores.items() if value is not None}
    _log(client, run, ended, {"estimator": candidate.estimator, **candidate.parameters}, figures, {})
    status = "FAILED" if candidate.failed is not None else "KILLED" if candidate.stopped_early else FINISHED
    client.set_terminated(run, status, ended)


def _log(
    client: MlflowClient,
    run: str,
    at: int,
    parameters: Mapping[str, object],
    figures: Mapping[str, float],
    tags: Mapping[str, str],
) -> None:
    from mlflow.entities import Metric, Param, RunTag

    client.log_batch(
        run,
        [Metric(name, value, at, 0) for name, value in _named(figures.items())],
        [Param(name, _short(str(value), _LONGEST_PARAMETER)) for name, value in _named(parameters.items())],
        [RunTag(name, _short(value, _LONGEST_TAG)) for name, value in _named(tags.items())],
        synchronous=True,
    )


def _named[T](items: Iterable[tuple[str, T]]) -> Iterator[tuple[str, T]]:
    return ((names.told(name), value) for name, value in items)


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _milliseconds(at: datetime) -> int:
    return int(at.timestamp() * 1000)
