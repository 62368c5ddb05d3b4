"""/predictions: what the journal holds, row by row, and where each answer came from."""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import Field
from pydantic_core import from_json, to_json

from gyre.errors import Conflict, NotFound
from gyre.http.lists import Cursor, Since, Until, cursor_of, place_of, span
from gyre.http.pages import NOTHING_RUNS
from gyre.http.shapes import Model, as_object
from gyre.journal.lineage import origins
from gyre.journal.lines import Line
from gyre.journal.record import EVENT_PATTERN, JournalRecord, JournalRow
from gyre.journal.table import Journal, Place, Wanted
from gyre.objects import ObjectStore
from gyre.serving.waterfall import MOST, waterfall

# Of a list; a function's answer may have 6 MB, and as text in JSON it grows.
_MOST_BYTES = 3_000_000

Event = Annotated[str, Field(pattern=EVENT_PATTERN)]
Number = Annotated[int | None, Query(ge=1, le=10**9)]


def router(journal: Journal, artifacts: ObjectStore, data: ObjectStore) -> APIRouter:
    """The routes of functions/prediction_log about single predictions."""
    routes = APIRouter()

    @routes.get("/predictions", summary="The newest rows of the journal, a page at a time.")
    def page(
        model: Model | None = None,
        version: Number = None,
        since: Since = None,
        until: Until = None,
        prediction: Annotated[str | None, Query(max_length=1_000)] = None,
        id: Annotated[str | None, Query(max_length=200)] = None,  # noqa: A002  # the callers' word
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
        cursor: Cursor = None,
    ) -> Response:
        wanted = Wanted(model, version, *span(since, until), prediction, id)
        found = journal.page(wanted, limit, None if cursor is None else Place(*place_of(cursor)))
        told, size, after = list[bytes](), 0, found.after
        for at, line in enumerate(found.lines):
            content = to_json(_item(line))
            size += len(content)
            if told and size > _MOST_BYTES:
                after = Place.of(found.lines[at - 1])
                break
            told.append(content)
        next_page = to_json(after and cursor_of(after.at, after.event_id, after.row))
        return Response(
            b'{"predictions":[' + b",".join(told) + b'],"cursor":' + next_page + b"}", media_type="application/json"
        )

    @routes.get("/predictions/{event_id}", summary="One call whole, with where its answers came from.")
    def one(event_id: Event) -> dict[str, Any]:
        record = journal.find(event_id)
        lineage = [asdict(origin) for origin in origins(record, artifacts, data)]
        return as_object({**record.model_dump(mode="json"), "lineage": lineage})

    @routes.get(
        "/predictions/{event_id}/explanation.svg",
        summary="Why one row of a call was answered as it was, as a picture.",
        response_class=Response,
        responses={200: {"content": {"image/svg+xml": {}}}},
    )
    def picture(
        event_id: Event,
        row: Annotated[int, Query(ge=0, lt=1_000)] = 0,
        top: Annotated[int, Query(ge=1, le=30)] = MOST,
    ) -> Response:
        record = journal.find(event_id)
        return Response(_picture(record, row, top), media_type="image/svg+xml", headers=NOTHING_RUNS)

    return routes


def _item(line: Line) -> dict[str, Any]:
    """A row as a list tells it; its reasons are told with the call alone, because they are long."""
    answer, call = from_json(line.answer) if line.answer else {}, from_json(line.call)
    told: dict[str, Any] = {
        "event_id": line.event_id, "row": line.row, "at": line.at, "model": line.model, "version": line.version,
        "kind": line.kind, "status": line.status, "id": answer.get("id"), "prediction": answer.get("prediction"),
        "confidence": line.confidence, "probabilities": answer.get("probabilities"),
        "features": from_json(line.features) if line.features else {}, "caller": line.caller,
        "correlation_id": call["correlation_id"], "duration_ms": line.duration_ms,
        "error": answer.get("fault") or call["error"],
    }  # fmt: skip
    return {**told, "erased": True} if line.erased else told


def _picture(record: JournalRecord, at: int, top: int) -> str:
    if at >= len(record.rows):
        raise NotFound(f"{record.event_id} has {len(record.rows)} rows, and no row {at}.", field="row")
    row: JournalRow = record.rows[at]
    if row.explanation is None or row.base_value is None or row.score is None:
        raise Conflict(
            f"Row {at} of {record.event_id} has no reasons: they are kept where they were asked for (`explain` of "
            f"/inference, `?top=` of /predict/{record.model}).",
            field="row",
        )
    why = [(each.feature, each.value, each.contribution) for each in row.explanation]
    title = f"{record.model}: {row.prediction}"
    unit = next((each.unit for each in record.served if each.version == row.version and each.unit), "score")
    return waterfall(row.base_value, why, row.score, title=title, unit=unit, most=top)
