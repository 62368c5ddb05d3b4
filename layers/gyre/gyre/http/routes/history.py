"""/monitoring/{model}/history, /notices: the course of every figure that looks found, and what people heard."""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from fastapi.encoders import jsonable_encoder

from gyre.http.lists import Cursor, Since, Until, cursor_of, place_of, span
from gyre.monitoring.acting.incident import incident_of, notices_of
from gyre.monitoring.results import HistoryPlace, HistoryRow, HistoryWanted, Kind, Looks, What
from gyre.objects import ObjectStore
from gyre.spec.base import MODEL_PATTERN

Model = Annotated[str, Path(pattern=MODEL_PATTERN)]
Name = Annotated[str | None, Query(max_length=200)]
# What the answer tells once, or for nobody.
_NOT_TOLD = ("model", "day", "line")


def router(looks: Looks, data: ObjectStore) -> APIRouter:
    """The routes of functions/drift about many looks."""
    routes = APIRouter()

    @routes.get("/monitoring/{model}/history", summary="What looks at a model found, figure by figure; newest first.")
    def history(
        model: Model,
        what: Annotated[What | None, Query()] = None,
        column: Name = None,
        name: Name = None,
        since: Since = None,
        until: Until = None,
        kind: Annotated[Kind | None, Query()] = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
        cursor: Cursor = None,
    ) -> dict[str, Any]:
        wanted = HistoryWanted(model, what, column, name, *span(since, until), kind)
        found = looks.history(wanted, limit, None if cursor is None else HistoryPlace(*place_of(cursor)))
        more = found.after and cursor_of(found.after.at, found.after.run, found.after.line)
        return {"model": model, "history": [_item(row) for row in found.rows], "cursor": more}

    @routes.get(
        "/monitoring/{model}/notices", summary="What people heard about a model, and what is wrong with it now."
    )
    def notices(model: Model) -> dict[str, Any]:
        told: dict[str, Any] = jsonable_encoder(
            {"model": model, "incident": incident_of(model, data), "notices": notices_of(model, data)}
        )
        return told

    return routes


def _item(row: HistoryRow) -> dict[str, Any]:
    """A figure, as far as there is something to tell."""
    told = {name: value for name, value in asdict(row).items() if name not in _NOT_TOLD and value is not None}
    encoded: dict[str, Any] = jsonable_encoder({**told, "value": row.value})
    return encoded
