"""Which released models are to be looked at now: by the clock, or because so much was predicted since the last look."""

from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime, timedelta

from pydantic import AwareDatetime, ValidationError

from gyre.errors import Invalid, NotFound, NotReady
from gyre.monitoring.found import Found
from gyre.monitoring.gathering.predicted import Predictions, Span
from gyre.monitoring.kept import JSON, latest_at
from gyre.objects import ObjectStore
from gyre.registry.releases import Release, releases
from gyre.spec.policy import Monitoring
from gyre.spec.versions import spec_of

# The clock that asks is late at times, and the next time it asks is as much later: what is almost due is due.
_SLACK, _SLACK_SHARE = timedelta(minutes=10), 0.1
# Whoever began to look before that and kept nothing failed.
_LOST = timedelta(hours=3)


class Begun(Found):
    """That a run began to look at a model."""

    run: str
    at: AwareDatetime


def due(
    artifacts: ObjectStore, data: ObjectStore, predictions: Predictions, now: datetime, *,
    every: bool = False, run: str | None = None,
) -> list[str]:  # fmt: skip
    """Models by name; `every`: whatever their clocks say. What `run` itself began is due still, if it asks again.

    A model whose declaration or pointer cannot be read is due once a day: it holds up no other, and its own look fails
    with the words that say why."""
    found = releases(artifacts)
    return [each.model for each in found if every or _is_due(each, artifacts, data, predictions, now, run)]


def begin(models: Iterable[str], run: str, now: datetime, data: ObjectStore) -> None:
    """Notes that a run begins to look at these: until it ends or is lost, they are not due."""
    for model in models:
        data.write(begun_key(model), Begun(run=run, at=now).dump(), content_type=JSON)


def begun_key(model: str) -> str:
    return f"monitoring/{model}/begun.json"


def _is_due(
    release: Release, artifacts: ObjectStore, data: ObjectStore, predictions: Predictions, now: datetime,
    run: str | None,
) -> bool:  # fmt: skip
    model = release.model
    policy = _policy(release, artifacts)
    begun = _begun(model, data)
    if begun and (begun.run == run or (policy is not None and now - begun.at > _LOST)):
        begun = None
    lasts = [at for at in (latest_at(model, data), begun and begun.at) if at]
    if not lasts:
        return True
    last, wanted = max(lasts), policy or Monitoring()
    hours = timedelta(hours=wanted.every_hours)
    if now - last >= hours - min(_SLACK, _SLACK_SHARE * hours):
        return True
    if wanted.every_rows is None or release.version is None or last >= now:
        return False
    rows = predictions.volume(Span(model, last, now), now).rows
    return rows.get(release.version, 0) >= wanted.every_rows


def _policy(release: Release, artifacts: ObjectStore) -> Monitoring | None:
    """How the model wants to be watched; None if nobody can tell."""
    if release.fault is not None:
        return None
    try:
        return spec_of(release.model, artifacts).spec.monitoring
    except (Invalid, NotFound, NotReady):  # of another Gyre's, or released by hand and never declared
        return None


def _begun(model: str, data: ObjectStore) -> Begun | None:
    with suppress(NotFound, ValidationError):  # a mark that nobody can read marks nothing
        return Begun.read(data.read(begun_key(model)).content)
    return None
