"""Which models have a release: one pointer object per model."""

import json
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
    keys = (each.key for each in artifacts.list(POINTERS) if each.key.endswith(".json"))
    return tuple(_release(key, artifacts.read(key).content) for key in keys)


def _release(key: str, content: bytes) -> Release:
    try:
        version = str(json.loads(content)["version"])
    except (ValueError, TypeError, KeyError) as error:
        raise Unavailable(f"{key} is not a release pointer; put back its former version in the bucket.") from error
    return Release(key.removeprefix(POINTERS).removesuffix(".json"), version)
