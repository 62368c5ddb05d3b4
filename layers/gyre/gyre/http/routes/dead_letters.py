"""/journal: messages that became no records of the journal, and how they are sent again."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import ConfigDict, Field

from gyre.documented import Documented
from gyre.errors import Invalid
from gyre.http.shapes import Model, as_object
from gyre.journal.dead_letters import LETTER_PATTERN, DeadLetter, DeadLetters
from gyre.journal.replay import MOST_IDS, Replay

LetterId = Annotated[str, Field(pattern=LETTER_PATTERN)]
# A function's answer may have 6 MB, and as text in JSON it grows.
_MOST_BYTES, _SECONDS = 2_500_000, 600
Words = Annotated[str, Field(min_length=1, max_length=500)]


class ReplayRequest(Documented):
    """Which dead letters to send again: some by their ids, or all."""

    model_config = ConfigDict(extra="forbid")

    ids: Annotated[list[LetterId], Field(min_length=1, max_length=MOST_IDS)] | None = None
    """As `GET /journal/dead-letters` tells them."""
    all: bool = False
    """All of them, or all that the next two fields leave."""
    model: Model | None = None
    """Of `all`: those that tell of calls to this model."""
    cause: Words | None = None
    """Of `all`: those with these words in their cause, in capitals or not."""
    cursor: Annotated[str, Field(max_length=200)] | None = None
    """Of `all`: where the last call ended; the other fields stay the same then."""


class LetterAnswer(DeadLetter):
    """A dead letter with its content."""

    get_url: str | None = None
    """Where the whole letter can be got for ten minutes, if its record is too large for an answer."""


def router(letters: DeadLetters, replay: Replay) -> APIRouter:
    """The routes about dead letters."""
    routes = APIRouter()

    @routes.get("/journal/dead-letters", summary="Messages that the journal did not take, with the cause of each.")
    def listed(
        model: Model | None = None,
        cause: Words | None = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
        cursor: LetterId | None = None,
    ) -> dict[str, Any]:
        page = letters.page(limit, cursor, model=model, cause=cause)
        return as_object({"dead_letters": page.letters, "cursor": page.after})

    @routes.get("/journal/dead-letters/{letter}", summary="One of them with its message.")
    def one(letter: LetterId) -> LetterAnswer:
        found = letters.find(letter)
        told = found.model_dump()
        if found.size <= _MOST_BYTES:
            return LetterAnswer(**told)
        return LetterAnswer(**told | {"aside": None}, get_url=letters.data.get_address(found.key, _SECONDS))

    @routes.post("/journal/replay", summary="Send dead letters to the journal again.")
    def again(wanted: ReplayRequest) -> dict[str, Any]:
        if (wanted.ids is None) != wanted.all:
            raise Invalid('Say which: {"ids": […]}, or {"all": true} with what narrows it.', field="ids")
        if wanted.ids is not None and (wanted.model or wanted.cause or wanted.cursor):
            raise Invalid("`model`, `cause` and `cursor` go with `all` alone: `ids` names each letter.", field="ids")
        if wanted.ids is not None:
            return as_object(replay.these(wanted.ids))
        return as_object(replay.all(wanted.cursor, model=wanted.model, cause=wanted.cause))

    return routes
