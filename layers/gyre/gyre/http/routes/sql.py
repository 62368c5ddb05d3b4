"""/journal/sql: the journal's tables, asked in SQL."""

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import ConfigDict, Field

from gyre.documented import Documented
from gyre.http.shapes import as_object
from gyre.journal.sql import MOST_ROWS, Queries


class SqlRequest(Documented):
    """A question."""

    model_config = ConfigDict(extra="forbid")

    sql: Annotated[str, Field(min_length=1, max_length=20_000)]
    """One query over `predictions` and `labels`: `select …` or `with … select …`."""
    limit: Annotated[int, Field(ge=1, le=MOST_ROWS)] = 1_000
    """So many rows at most."""


def router(queries: Queries) -> APIRouter:
    """The routes of functions/prediction_log that take SQL."""
    routes = APIRouter()

    @routes.post("/journal/sql", summary="Ask the journal in SQL: it reads, for a while, and nothing else.")
    def ask(asked: SqlRequest) -> dict[str, Any]:
        return as_object(queries.ask(asked.sql, asked.limit))

    return routes
