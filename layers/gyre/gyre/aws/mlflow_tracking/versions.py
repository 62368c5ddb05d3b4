"""Versions and aliases in MLflow's registry."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from gyre.errors import Conflict, NotFound
from gyre.registry.tracking import OUR_RUN, STAGE, Registration, taken

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion, RegisteredModel

_ABOUT = "Trained by Gyre. What serves is decided there; stages and aliases here follow it."
# Tags of a model, one for each number that was given: a deleted version keeps its number, but no search tells of it.
# One tag for all would be written by two at once, which a server's database refuses.
_GIVEN = "gyre.number."


def register(client: MlflowClient, made: Registration, known: int) -> int | Conflict:
    """The version of this run, made if there is none. Of two that were made at once the earlier one stays. A refusal
    is an answer: what rises in here, the store takes for a race that it lost."""
    if not _of_run(client, made):
        if refused := taken(made.model, _highest(client, made.model), known):
            return refused
        _ensure_model(client, made.model)
        new = client.create_model_version(
            made.model, made.source, made.tracked, made.tags, description=made.note, await_creation_for=0
        )
        client.set_registered_model_tag(made.model, f"{_GIVEN}{new.version}", made.run)
    first, *later = _of_run(client, made)
    for number in later:
        with _unless("RESOURCE_DOES_NOT_EXIST"):  # the other one looked, too
            client.delete_model_version(made.model, str(number))
    return first


def _highest(client: MlflowClient, model: str) -> int:
    found = _model(client, model)
    given = [] if found is None else [name.removeprefix(_GIVEN) for name in found.tags if name.startswith(_GIVEN)]
    there = [int(each.version) for each in _versions(client, f"name = '{model}'")]
    return max([0, *map(int, given), *there])


def _ensure_model(client: MlflowClient, model: str) -> None:
    if _model(client, model) is None:
        with _unless("RESOURCE_ALREADY_EXISTS"):
            client.create_registered_model(model, description=_ABOUT)


def aliases(client: MlflowClient, model: str) -> dict[str, int]:
    """What MLflow says serves under which name."""
    found = _model(client, model)
    return {} if found is None else {alias: int(version) for alias, version in found.aliases.items()}


def mirror(client: MlflowClient, model: str, wanted: Mapping[str, int | None], stages: Mapping[int, str]) -> bool:
    """Writes what differs; whether anything did."""
    changes = list(_changes(client, model, wanted, stages))
    for change in changes:
        change()
    return bool(changes)


def _changes(
    client: MlflowClient, model: str, wanted: Mapping[str, int | None], stages: Mapping[int, str]
) -> Iterator[Callable[[], None]]:
    there = {int(each.version): each for each in _versions(client, f"name = '{model}'")}
    if missing := sorted({version for version in wanted.values() if version is not None} - there.keys()):
        raise NotFound(
            f"{model} has no version {missing[0]} in MLflow: if it was deleted there, promote another one, else point "
            "MLFLOW_TRACKING_URI at the one that has it; then repeat.",
            field="version",
        )
    now = aliases(client, model)
    for version, stage in stages.items():
        if version in there and there[version].tags.get(STAGE) != stage:
            yield partial(client.set_model_version_tag, model, str(version), STAGE, stage)
    for alias, target in wanted.items():
        if target is None and alias in now:
            yield partial(client.delete_registered_model_alias, model, alias)
        elif target is not None and now.get(alias) != target:
            yield partial(client.set_registered_model_alias, model, alias, str(target))


def _model(client: MlflowClient, model: str) -> RegisteredModel | None:
    with _unless("RESOURCE_DOES_NOT_EXIST"):
        return client.get_registered_model(model)
    return None


def _of_run(client: MlflowClient, made: Registration) -> list[int]:
    found = _versions(client, f"name = '{made.model}' AND tags.`{OUR_RUN}` = '{made.run}'")
    return sorted(int(each.version) for each in found)


def _versions(client: MlflowClient, condition: str) -> Iterator[ModelVersion]:
    page = None
    while True:
        found = client.search_model_versions(condition, page_token=page)
        yield from found
        page = found.token
        if not page:
            return


@contextmanager
def _unless(code: str) -> Iterator[None]:
    """MLflow's error of this code is an answer, not a failure."""
    from mlflow.exceptions import MlflowException

    try:
        yield
    except MlflowException as error:
        if error.error_code != code:
            raise
