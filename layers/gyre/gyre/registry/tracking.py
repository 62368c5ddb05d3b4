"""What Gyre needs of MLflow: trainings and evaluations as runs, model versions with numbers, what serves as aliases.

MLflow shows and numbers. What serves is decided by the release pointer, which the aliases follow.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from gyre.errors import Conflict, Invalid
from gyre.spec.policy import Bound

BASELINE, FAIRNESS = "baseline_", "fairness_"
STAGE, CANDIDATE = "stage", "candidate"
# By this tag a run, or a version, of ours is found again.
OUR_RUN = "gyre.run"
_LONGEST_PART = 255
_LONGEST_DIGEST = 36


@dataclass(frozen=True)
class TrackedDataset:
    """The rows that a run read."""

    name: str
    digest: str
    """At most 36 characters that name its content."""
    source: str
    """The address where it lies: `s3://…`."""

    def __post_init__(self) -> None:
        if not 0 < len(self.digest) <= _LONGEST_DIGEST:
            raise Invalid(f"{self.name}: a digest has 1 to {_LONGEST_DIGEST} characters, not {self.digest!r}.")


@dataclass(frozen=True)
class TrackedCandidate:
    """One set of hyper-parameters, and how it did."""

    number: int
    estimator: str
    parameters: Mapping[str, Bound]
    mean: float | None = None
    deviation: float | None = None
    """Of the score, over the folds."""
    failed: str | None = None
    """Why it has no score."""
    stopped_early: bool = False


@dataclass(frozen=True, kw_only=True)
class TrackedRun:
    """What a training and an evaluation have in common."""

    model: str
    run: str
    """Our name of it."""
    started: datetime
    ended: datetime
    parameters: Mapping[str, Bound]
    """All that it was told: estimator, hyper-parameters, seed, dataset, spec, split, metric."""
    figures: Mapping[str, float]
    tags: Mapping[str, str] = field(default_factory=dict)
    artifacts: Mapping[str, bytes] = field(default_factory=dict)
    """Files by their names; a slash makes a folder."""
    dataset: TrackedDataset | None = None
    commit: str = ""
    """Of the code that ran."""
    note: str = ""
    """For people, in Markdown."""

    kind = "run"

    def __post_init__(self) -> None:
        _check_files(self.model, self.artifacts)

    @property
    def name(self) -> str:
        """What it is called in MLflow: an upload's run by when it began, others by their own name."""
        if self.run.startswith(f"{self.kind}_"):
            return self.run
        return f"{self.kind}_{self.started.astimezone(UTC):%Y%m%dT%H%M%S}"

    @property
    def settings(self) -> Mapping[str, Bound]:
        """All parameters."""
        return self.parameters

    @property
    def metrics(self) -> Mapping[str, float]:
        """All figures, each under one name."""
        return self.figures


@dataclass(frozen=True, kw_only=True)
class TrackedTraining(TrackedRun):
    """One finished training."""

    baseline: Mapping[str, float] = field(default_factory=dict)
    """Figures of the model that always says the same."""
    fairness: Mapping[str, float] = field(default_factory=dict)
    candidates: tuple[TrackedCandidate, ...] = ()

    kind = "train"

    def __post_init__(self) -> None:
        super().__post_init__()
        _ = self.metrics

    @property
    def metrics(self) -> Mapping[str, float]:
        groups = {"": self.figures, BASELINE: self.baseline, FAIRNESS: self.fairness}
        named = [(prefix + name, value) for prefix, group in groups.items() for name, value in group.items()]
        return _once(named, self.model)


@dataclass(frozen=True, kw_only=True)
class TrackedEvaluation(TrackedRun):
    """One finished evaluation of a version."""

    version: int

    kind = "eval"

    @property
    def settings(self) -> Mapping[str, Bound]:
        return {**self.parameters, "version": self.version}


@dataclass(frozen=True, kw_only=True)
class Registration:
    """What becomes a model version."""

    model: str
    run: str
    """Our run that made it: it has one version, however often it is registered."""
    tracked: str
    """Its run in MLflow."""
    source: str
    """The folder of the bundle: `s3://…/`."""
    reference: str
    """Where the rows lie that drift is measured against."""
    dataset: int
    spec: int
    commit: str
    bundle: str
    """The bundle's hash."""
    estimator: str
    note: str = ""
    """For people, in Markdown."""

    @property
    def tags(self) -> dict[str, str]:
        """As MLflow shows them; `stage` follows what becomes of the version."""
        return {
            STAGE: CANDIDATE,
            OUR_RUN: self.run,
            "drift-data": self.reference,
            "dataset_version": str(self.dataset),
            "spec_version": str(self.spec),
            "commit": self.commit,
            "bundle_hash": self.bundle,
            "estimator": self.estimator,
        }


class Tracking(Protocol):
    """An MLflow, with or without a server. What may pass by itself is `Unavailable`."""

    def record(self, training: TrackedTraining) -> str:
        """The run in MLflow, whole. Of one training there is one, however often this is called or was broken off."""

    def record_evaluation(self, evaluation: TrackedEvaluation) -> str:
        """The same for an evaluation."""

    def register(self, made: Registration, known: int = 0) -> int:
        """The number of the version; each run has one. Numbers never fall, so one that has given none as high as
        `known`, the highest of ours, is another MLflow: `Conflict`, and nothing is made."""

    def mirror(self, model: str, aliases: Mapping[str, int | None], stages: Mapping[int, str]) -> bool:
        """Sets these aliases and stages, takes away aliases that are None, leaves others; whether anything differed.

        An alias of a version that is not there is `NotFound`, and nothing is set. A stage of one is left out: people
        may delete versions in MLflow.
        """

    def mirrored(self, model: str) -> Mapping[str, int]:
        """The aliases as MLflow has them; none of a model that was never registered."""


def taken(model: str, highest: int, known: int) -> Conflict | None:
    """Why no version is made where its number, one above the highest there, may be another version's here."""
    if highest >= known:
        return None
    return Conflict(
        f"MLflow numbers {model} from {highest + 1} where Gyre knows version {known}: point MLFLOW_TRACKING_URI at the "
        "one that knows them, or move its registry first.",
        field="version",
    )


def _once(named: Iterable[tuple[str, float]], model: str) -> dict[str, float]:
    told: dict[str, float] = {}
    for name, value in named:
        if name in told:
            raise Invalid(f"{model}: two figures would be called {name!r} in MLflow. Give one of them another name.")
        told[name] = value
    return told


def _check_files(model: str, names: Iterable[str]) -> None:
    """Names must be files below one folder, on a disk too."""
    files = {tuple(name.split("/")) for name in names}
    folders = {path[:depth] for path in files for depth in range(1, len(path))}
    for path in sorted(files):
        wrong = any(part in ("", ".", "..") or "\x00" in part or len(part.encode()) > _LONGEST_PART for part in path)
        if wrong or path in folders:
            raise Invalid(
                f"{model}: {'/'.join(path)[:300]!r} cannot be the name of an artifact. Name a file in a folder."
            )
