"""/stats: what the journal says of a model's releases."""

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query

from gyre.errors import Invalid, NotFound
from gyre.http.lists import Since, Until, span
from gyre.http.routes.predictions import Number
from gyre.http.shapes import Model, as_object
from gyre.journal.table import Journal, Wanted
from gyre.objects import ObjectStore
from gyre.registry.releases import Alias, Pointer, pointer
from gyre.spec.versions import models
from gyre.trials.comparison import MOST_RECORDS, compare


def router(journal: Journal, artifacts: ObjectStore) -> APIRouter:
    """The routes about figures of the journal."""
    routes = APIRouter()

    @routes.get("/stats/{model}", summary="Counts, classes, confidence and latency of a model's predictions.")
    def figures(model: Model, version: Number = None, since: Since = None, until: Until = None) -> dict[str, Any]:
        found = journal.figures(Wanted(model, version, *span(since, until)))
        if not found.calls and model not in models(artifacts):
            raise NotFound(f"There is no model {model}: GET /models lists them.", field="model")
        return {"model": model, **asdict(found)}

    @routes.get("/stats/{model}/comparison", summary="Production and challenger: what each did, whether they differ.")
    def comparison(
        model: Model,
        hours: Annotated[float, Query(gt=0, le=24 * 366)] = 24,
        production: Number = None,
        challenger: Number = None,
    ) -> dict[str, Any]:
        now = pointer(model, artifacts)
        ours, theirs = _version(now, "production", production), _version(now, "challenger", challenger)
        if ours == theirs:
            raise Invalid(f"Version {ours} cannot be compared with itself.", field="challenger")
        since = datetime.now(UTC) - timedelta(hours=hours)
        window = journal.window(model, since, MOST_RECORDS)
        told = as_object(compare(window.records, ours, theirs))
        given = now.traffic if now.version("challenger") == theirs else None
        if window.cut:  # where the figures really begin
            since = window.records[-1].at
        return {"model": model, "since": since, "cut": window.cut, "traffic": given, **told}

    return routes


def _version(now: Pointer, alias: Alias, wanted: int | None) -> int:
    found = wanted or now.version(alias)
    if found is None:
        raise NotFound(
            f"{now.model} has no {alias} now: ?{alias}=<version> compares a former one, "
            f"POST /models/{now.model}/traffic puts a version on trial.",
            field=alias,
        )
    return found
