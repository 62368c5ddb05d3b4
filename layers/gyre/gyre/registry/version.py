"""A registered model version: what was trained, on what, how good it is. Written once, numbered by MLflow."""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from gyre.bundle.ref import BundleRef
from gyre.errors import Conflict, NotFound, Unavailable
from gyre.objects import ObjectStore
from gyre.spec.policy import Bound, Estimator

VERSIONS = "registry/"
_KEY = re.compile(rf"{VERSIONS}[^/]+/([0-9]{{8,}})\.json")


@dataclass(frozen=True)
class ModelVersion:
    """One version. What it was judged by lies in the folder of its run."""

    model: str
    version: int
    run: str
    at: str
    dataset: int
    split: str
    """The key of the split; its reference part is what drift is measured against."""
    rows: Mapping[str, int]
    spec_version: int
    commit: str
    seed: int
    estimator: Estimator
    parameters: Mapping[str, Bound]
    bundle: BundleRef
    metric: str
    figures: Mapping[str, float]
    """On the test part."""
    baseline: Mapping[str, float]
    """Those of the model that always says the same."""
    tracked: str | None
    """The run in MLflow."""

    @classmethod
    def from_json(cls, content: bytes) -> Self:
        told: dict[str, Any] = json.loads(content)
        return cls(**told | {"bundle": BundleRef(**told["bundle"])})


def keep_version(made: ModelVersion, artifacts: ObjectStore) -> ModelVersion:
    """Writes the record once. The same run may write it again; another one under this number is a `Conflict`."""
    content = json.dumps(asdict(made), indent=1).encode()
    try:
        artifacts.write(_key(made.model, made.version), content, content_type="application/json", new=True)
    except Conflict:
        there = model_version(made.model, made.version, artifacts)
        if there.run != made.run:
            raise Conflict(
                f"Version {made.version} of {made.model} was made by the run {there.run}: the MLflow that numbers "
                "versions does not know it. Point MLFLOW_TRACKING_URI at the one that does, or move its registry first."
            ) from None
        return there
    return made


def model_version(model: str, version: int, artifacts: ObjectStore) -> ModelVersion:
    """The record of one version; `NotFound` if there is none, `Unavailable` if it cannot be read."""
    try:
        return _parsed(model, version, artifacts.read(_key(model, version)).content)
    except NotFound:
        raise NotFound(
            f"{model} has no version {version}: GET /models/{model}/versions lists them.", field="version"
        ) from None


def _parsed(model: str, version: int, content: bytes) -> ModelVersion:
    try:
        found = ModelVersion.from_json(content)
    except (ValueError, TypeError, KeyError):  # no JSON, or other names than ours
        found = None
    if found is None or (found.model, found.version) != (model, version):
        raise Unavailable(f"{_key(model, version)} is not that version's record: put it back as training wrote it.")
    return found


def version_numbers(model: str, artifacts: ObjectStore) -> list[int]:
    """Rising."""
    found = (_KEY.fullmatch(each.key) for each in artifacts.list(f"{VERSIONS}{model}/"))
    return [int(each[1]) for each in found if each]


def _key(model: str, version: int) -> str:
    return f"{VERSIONS}{model}/{version:08}.json"
