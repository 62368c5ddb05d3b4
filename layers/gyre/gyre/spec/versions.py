"""Every model.yaml that was ever declared, kept as it was sent: numbered from 1 for each model, never changed."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from gyre.errors import Conflict, Invalid, NotFound, NotReady
from gyre.objects import ObjectInfo, ObjectStore
from gyre.spec.check import read_spec
from gyre.spec.model import ModelSpec

SPECS = "specs/"
_KEY = re.compile(rf"{SPECS}([^/]+)/([0-9]{{8}})\.yaml")
# Each time somebody else was faster; so many who declare one model at once are a mistake, and no traffic.
_TRIES = 5


@dataclass(frozen=True)
class SpecVersion:
    """What was declared at one time; `added_at` is not known of one that has just been written."""

    model: str
    version: int
    spec: ModelSpec
    text: bytes
    added_at: datetime | None = None


@dataclass(frozen=True)
class ListedVersion:
    """A version without its text."""

    version: int
    added_at: datetime


def add_spec(text: bytes, store: ObjectStore) -> tuple[SpecVersion, bool]:
    """Keeps a declaration under the next number, and says whether it is new: what is declared already stays."""
    spec = read_spec(text)
    for _ in range(_TRIES):
        newest = _newest(spec.model, store)
        if newest and store.read(_key(spec.model, newest.version)).content == text:
            return SpecVersion(spec.model, newest.version, spec, text, newest.added_at), False
        number = newest.version + 1 if newest else 1
        try:
            store.write(_key(spec.model, number), text, content_type="application/yaml", new=True)
        except Conflict:
            continue
        return SpecVersion(spec.model, number, spec, text), True
    raise Conflict(f"Others keep declaring {spec.model} at the same time. Look at what they declared, then try again.")


def add_uploaded_spec(model: str, text: bytes, store: ObjectStore) -> SpecVersion:
    """Keeps a model.yaml that came into a model's inbox, if it speaks of that model."""
    named = read_spec(text).model
    if named != model:
        raise Invalid(f"The model.yaml in the inbox of {model} declares {named}: upload it to inbox/{named}/.")
    return add_spec(text, store)[0]


def spec_of(model: str, store: ObjectStore, version: int | None = None) -> SpecVersion:
    """What is declared about a model: its newest version, or a named one."""
    if version is None:
        listed = _newest(model, store)
        if listed is None:
            raise NotReady(
                f"{model} is not declared yet: send its model.yaml to POST /models, or upload it to inbox/{model}/.",
                field="model",
            )
    else:
        listed = next((each for _, each in _listed(store, _key(model, version))), None)
        if listed is None:
            raise NotFound(f"{model} has no spec version {version}.", field="version")
    text = store.read(_key(model, listed.version)).content
    return SpecVersion(model, listed.version, _reread(model, listed.version, text), text, listed.added_at)


def models(store: ObjectStore) -> list[str]:
    """Every model that is declared, by name."""
    return sorted({model for model, _ in _listed(store, SPECS)})


def versions(model: str, store: ObjectStore) -> list[ListedVersion]:
    """A model's versions, the oldest first; none if it is not declared."""
    return [each for _, each in _listed(store, f"{SPECS}{model}/")]


def _newest(model: str, store: ObjectStore) -> ListedVersion | None:
    return next(reversed(versions(model, store)), None)


def _listed(store: ObjectStore, prefix: str) -> Iterator[tuple[str, ListedVersion]]:
    """Models and versions by their keys alone. What else lies there, such as a console's marker of a folder, is not
    ours."""
    return (told for each in store.list(prefix) if (told := _told(each)))


def _told(listed: ObjectInfo) -> tuple[str, ListedVersion] | None:
    found = _KEY.fullmatch(listed.key)
    return (found[1], ListedVersion(int(found[2]), listed.changed_at)) if found else None


def _key(model: str, version: int) -> str:
    return f"{SPECS}{model}/{version:08}.yaml"


def _reread(model: str, version: int, text: bytes) -> ModelSpec:
    """It was right when it was added; a later Gyre may know rules that it breaks."""
    try:
        return read_spec(text)
    except Invalid as error:
        raise Invalid(
            f"Version {version} of what is declared about {model} was taken by an earlier Gyre and breaks rules of "
            f"this one; mend it and declare it anew. {error.message}",
            details=error.details,
        ) from None
