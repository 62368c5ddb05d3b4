"""What MLflow is told of a run, out of what the run left in its folder."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from gyre.datasets.kept_split import KeptSplit
from gyre.registry.tracking import (
    FAIRNESS,
    TrackedCandidate,
    TrackedDataset,
    TrackedEvaluation,
    TrackedTraining,
)
from gyre.registry.version import ModelVersion
from gyre.run_folder import RunFolder
from gyre.spec.model import ModelSpec
from gyre.training.candidates import Plan, Scored

# What a person wants to see beside a run; candidates and steps are runs and figures there.
_SHOWN = ("evaluation.json", "fairness.json", "made.json", "search.json")
_DIGEST = 36


@dataclass(frozen=True)
class Training:
    """A finished training, as its folder and its records tell it."""

    spec: ModelSpec
    spec_version: int
    split: KeptSplit
    folder: RunFolder
    plan: Plan
    scored: tuple[Scored, ...]
    best: int
    bundle: str
    commit: str
    data_bucket: str
    at: datetime


def tracked_training(made: Training) -> TrackedTraining:
    """One run, with a child for each candidate."""
    evaluation = made.folder.read_json("evaluation.json")
    fairness = made.folder.find_json("fairness.json")
    best = made.plan.planned(made.best).candidate
    parameters: dict[str, Any] = {
        "estimator": best.estimator, **best.parameters, "seed": made.spec.training.seed,
        "metric": evaluation["metric"], "dataset": made.split.dataset, "spec": made.spec_version,
        "split": made.split.key,
        **{f"rows_{part}": rows for part, rows in made.split.rows.items()},
    }  # fmt: skip
    return TrackedTraining(
        model=made.spec.model,
        run=made.folder.run,
        started=made.plan.started_at,
        ended=max(made.at, made.plan.started_at),
        parameters=parameters,
        figures=figures_of(evaluation),
        baseline=evaluation["baseline"],
        fairness=fairness["after"]["figures"] if fairness else {},
        tags={"bundle_hash": made.bundle, "dataset_version": str(made.split.dataset)},
        artifacts=dict(_files(made.folder)),
        dataset=_dataset(made.split, made.data_bucket),
        commit=made.commit,
        candidates=tuple(map(_candidate, made.scored)),
        note=made.spec.description or "",
    )


def tracked_evaluation(
    made: ModelVersion, asked: Mapping[str, Any], evaluation: Mapping[str, Any], fairness: Mapping[str, float],
    folder: RunFolder, started: datetime,
) -> TrackedEvaluation:  # fmt: skip
    """One evaluation of a version that is registered."""
    return TrackedEvaluation(
        model=made.model,
        run=folder.run,
        version=made.version,
        started=started,
        ended=datetime.now(UTC),
        parameters={"version": made.version, "dataset": asked["dataset"], "part": asked["part"]},
        figures=figures_of(evaluation) | {f"{FAIRNESS}{name}": value for name, value in fairness.items()},
        tags={"bundle_hash": made.bundle.hash},
        artifacts=dict(_files(folder)),
        commit=made.commit,
        note=f"Version {made.version} on the {asked['part']} rows of dataset version {asked['dataset']}.",
    )


def figures_of(evaluation: Mapping[str, Any]) -> dict[str, float]:
    """The figures that have a value."""
    return {name: each["value"] for name, each in evaluation["figures"].items() if each["value"] is not None}


def _dataset(split: KeptSplit, bucket: str) -> TrackedDataset:
    source = f"s3://{bucket}/datasets/{split.model}/processed"
    return TrackedDataset(f"{split.model} version {split.dataset}", split.sha256[:_DIGEST], source)


def _candidate(scored: Scored) -> TrackedCandidate:
    told = asdict(scored)
    names = ("number", "estimator", "parameters", "mean", "deviation", "failed", "stopped_early")
    return TrackedCandidate(**{name: told[name] for name in names})


def _files(folder: RunFolder) -> Iterator[tuple[str, bytes]]:
    for each in folder.list():
        name = each.key.removeprefix(folder.prefix)
        if name in _SHOWN or name.startswith("plots/"):
            yield name, folder.read(name)
