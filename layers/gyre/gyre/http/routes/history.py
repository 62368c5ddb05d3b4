"""/monitoring/{model}/history, /notices: the course of every figure that looks found, and what people heard."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from fastapi.encoders import jsonable_encoder

from gyre.errors import Invalid
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
        since: Annotated[datetime | None, Query(alias="from")] = None,
        until: Annotated[datetime | None, Query(alias="to")] = None,
        kind: Annotated[Kind | None, Query()] = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
        cursor: Annotated[str | None, Query(max_length=400)] = None,
    ) -> dict[str, Any]:
        first, end = _in_utc(since, "from"), _in_utc(until, "to")
        if first and end and first >= end:
            raise Invalid(f"`to` ({end.isoformat()}) is not after `from` ({first.isoformat()}).", field="to")
        wanted = HistoryWanted(model, what, column, name, first, end, kind)
        found = looks.history(wanted, limit, None if cursor is None else _read(cursor))
        more = found.after and _cursor(found.after)
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


def _in_utc(moment: datetime | None, field: str) -> datetime | None:
    """A time without a zone is UTC."""
    try:
        return moment and moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    except OverflowError:
        raise Invalid(f"`{field}` lies beyond the calendar.", field=field) from None


def _cursor(place: HistoryPlace) -> str:
    return urlsafe_b64encode(f"{place.at.isoformat()} {place.line} {place.run}".encode()).decode().rstrip("=")


def _read(cursor: str) -> HistoryPlace:
    try:
        at, line, run = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode().split(" ")
        if not re.fullmatch(r"[0-9]{1,9}", line):
            raise ValueError(line)
        return HistoryPlace(datetime.fromisoformat(at).astimezone(UTC), run, int(line))
    except (ValueError, OverflowError):
        raise Invalid(
            "This is no cursor of ours: send the one that came with the page before.", field="cursor"
        ) from None
