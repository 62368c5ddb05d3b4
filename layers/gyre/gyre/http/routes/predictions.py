"""/predictions: what the journal holds."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query

from gyre.journal.record import EVENT_PATTERN, JournalRecord
from gyre.journal.table import Journal
from gyre.spec.base import MODEL_PATTERN


def router(journal: Journal) -> APIRouter:
    """The routes of functions/prediction_log."""
    routes = APIRouter()

    @routes.get("/predictions", summary="The newest records of the journal.")
    def newest(
        model: Annotated[str | None, Query(pattern=MODEL_PATTERN)] = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> dict[str, Any]:
        return {"predictions": [each.model_dump(mode="json") for each in journal.newest(limit, model)]}

    @routes.get("/predictions/{event_id}", summary="One record of the journal.")
    def one(event_id: Annotated[str, Path(pattern=EVENT_PATTERN)]) -> JournalRecord:
        return journal.find(event_id)

    return routes
