"""/predictions: what the journal holds."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from gyre.journal.record import EVENT_PATTERN, JournalRecord
from gyre.journal.table import Journal
from gyre.spec.base import MODEL_PATTERN

# Of a list; a function's answer may have 6 MB, and as text in JSON it grows.
_MOST_BYTES = 3_000_000


def router(journal: Journal) -> APIRouter:
    """The routes of functions/prediction_log."""
    routes = APIRouter()

    @routes.get("/predictions", summary="The newest records of the journal, as many as fit.")
    def newest(
        model: Annotated[str | None, Query(pattern=MODEL_PATTERN)] = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> Response:
        told, size = list[str](), 0
        for record in journal.newest(limit, model):
            content = record.model_dump_json()
            size += len(content.encode())
            if told and size > _MOST_BYTES:
                return _listed(told, cut=True)
            told.append(content)
        return _listed(told, cut=False)

    @routes.get("/predictions/{event_id}", summary="One record of the journal.")
    def one(event_id: Annotated[str, Path(pattern=EVENT_PATTERN)]) -> JournalRecord:
        return journal.find(event_id)

    return routes


def _listed(records: Sequence[str], *, cut: bool) -> Response:
    """`cut`: older ones were asked for, too, and there is no room for them."""
    text = f'{{"predictions": [{",".join(records)}], "cut": {str(cut).lower()}}}'
    return Response(text, media_type="application/json")
