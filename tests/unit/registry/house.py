"""Registered versions with small bundles, as training leaves them, and buckets in which others are faster or die."""

import hashlib
import json
from collections.abc import Callable
from typing import Any

from gyre.bundle.ref import BundleRef
from gyre.errors import Conflict
from gyre.objects import Written
from gyre.registry.moves import Mover, promote
from gyre.registry.version import ModelVersion, keep_version
from tests.fakes.objects import MemoryBucket

ANNA, BEN = Mover("anna"), Mover("ben")


def registered(model: str, version: int, artifacts: MemoryBucket, **facts: Any) -> ModelVersion:
    """The record of a version and a bundle of two files."""
    part = f"{model} {version}".encode()
    manifest = json.dumps({"parts": {"model.onnx": {"sha256": hashlib.sha256(part).hexdigest(), "size": len(part)}}})
    name = hashlib.sha256(manifest.encode()).hexdigest()
    key = f"bundles/{model}/{name}/"
    artifacts.put(f"{key}model.onnx", part)
    artifacts.put(f"{key}manifest.json", manifest.encode())
    told: dict[str, Any] = {
        "run": f"train-{version}", "at": "2026-11-21T09:00:00+00:00", "dataset": 3, "split": "splits/1.json",
        "rows": {"train": 700, "test": 200, "reference": 100}, "spec_version": 2, "commit": "c0ffee", "seed": 7,
        "estimator": "boosting", "parameters": {"max_iter": 100}, "metric": "f1_macro", "figures": {"f1_macro": 0.8},
        "baseline": {"f1_macro": 0.2}, "tracked": None,
        "bundle": BundleRef(key, name, len(part) + len(manifest)),
    } | facts  # fmt: skip
    made = ModelVersion(model=model, version=version, **told)
    return keep_version(made, artifacts)


def release(model: str, version: int, artifacts: MemoryBucket) -> None:
    """A version that serves."""
    registered(model, version, artifacts)
    promote(model, version, artifacts, ANNA)


def released(count: int, *promoted: int, model: str = "wine") -> MemoryBucket:
    """So many versions, of which these were promoted one after the other."""
    artifacts = MemoryBucket()
    for version in range(1, count + 1):
        registered(model, version, artifacts)
    for version in promoted:
        promote(model, version, artifacts, ANNA)
    return artifacts


class Died(Exception):
    """The process ended here."""


class Meddled(MemoryBucket):
    """Something happens just before the next write under a prefix: somebody is faster, the process dies, the network
    fails."""

    def __init__(self) -> None:
        super().__init__()
        self._before: list[tuple[str, Callable[[], None]]] = []

    def before(self, prefix: str, happens: Callable[[], None]) -> None:
        self._before.append((prefix, happens))

    def write(
        self, key: str, content: bytes, *, content_type: str, replaces: str | None = None, new: bool = False
    ) -> Written:
        for each in [each for each in self._before if key.startswith(each[0])]:
            self._before.remove(each)
            each[1]()
        return super().write(key, content, content_type=content_type, replaces=replaces, new=new)


class Unanswered(MemoryBucket):
    """S3 takes a conditional write, and its answer is lost: boto3 writes again, and is refused."""

    def write(
        self, key: str, content: bytes, *, content_type: str, replaces: str | None = None, new: bool = False
    ) -> Written:
        super().write(key, content, content_type=content_type, replaces=replaces, new=new)
        if replaces or new:
            raise Conflict(f"{key} was changed by somebody else.")
        return super().write(key, content, content_type=content_type)
