"""Which models have a release: one pointer object per model."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from gyre.errors import Unavailable
from gyre.objects import ObjectStore

POINTERS = "releases/"


@dataclass(frozen=True)
class Release:
    """What serves for a model."""

    model: str
    version: str


def releases(artifacts: ObjectStore) -> tuple[Release, ...]:
    """Every model that has a release, by name."""
    return tuple(_release(key, artifacts.read(key).content) for key in _pointers(artifacts))


def any_release(artifacts: ObjectStore) -> bool:
    """Whether there is anything to predict with; reads no pointer."""
    return next(_pointers(artifacts), None) is not None


def _pointers(artifacts: ObjectStore) -> Iterator[str]:
    return (each.key for each in artifacts.list(POINTERS) if each.key.endswith(".json"))


def _release(key: str, content: bytes) -> Release:
    try:
        version = str(json.loads(content)["version"])
    except (ValueError, TypeError, KeyError) as error:
        raise Unavailable(f"{key} is not a release pointer; put back its former version in the bucket.") from error
    return Release(key.removeprefix(POINTERS).removesuffix(".json"), version)
