"""What several routes take and answer alike."""

from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.encoders import jsonable_encoder
from pydantic import Field

from gyre.spec.base import MODEL_PATTERN

Model = Annotated[str, Field(pattern=MODEL_PATTERN)]


async def body_of(request: Request) -> bytes:
    """The request's body as it is."""
    return await request.body()


Body = Annotated[bytes, Depends(body_of)]


def as_object(found: Any) -> dict[str, Any]:
    """A value of ours, as JSON has it."""
    told: dict[str, Any] = jsonable_encoder(found)
    return told
