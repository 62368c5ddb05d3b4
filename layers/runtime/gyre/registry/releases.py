"""Which models have a release: one pointer object per model."""

import json
from dataclasses import dataclass

from gyre.objects import ObjectStore

POINTERS = "releases/"


@dataclass(frozen=True)
class Release:
    """What serves for a model."""

    model: str
    version: str


def releases(artifacts: ObjectStore) -> tuple[Release, ...]:
    """Every model that has a release, by name."""
    found = []
    for each in artifacts.list(POINTERS):
        if each.key.endswith(".json"):
            pointer = json.loads(artifacts.read(each.key).content)
            found.append(Release(each.key.removeprefix(POINTERS).removesuffix(".json"), str(pointer["version"])))
    return tuple(found)
