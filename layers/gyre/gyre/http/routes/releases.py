"""/models/{model}/release, /history, /promote, /rollback …: what serves, and who moved it."""

from collections.abc import Callable
from itertools import islice
from typing import Annotated, Any, Literal, Self

from fastapi import APIRouter, Query, Request
from fastapi.encoders import jsonable_encoder
from pydantic import Field, StrictBool, StrictInt, StrictStr, model_validator

from gyre.errands import Errands
from gyre.errors import GyreError
from gyre.http.routes.versions import Reasoned, Version
from gyre.http.shapes import Model
from gyre.objects import ObjectStore
from gyre.registry import moves
from gyre.registry.mirror import mirrored
from gyre.registry.moves import Mover
from gyre.registry.releases import Pointer, history, pointer, resolve
from gyre.registry.traffic import send_traffic


class MoveRequest(Reasoned):
    """A move that needs no more than a reason."""


NOTHING_SAID = MoveRequest()


class PromoteRequest(Reasoned):
    """Which version, and to what."""

    version: Annotated[StrictStr | StrictInt, Field(examples=[3])]
    """Its number, `latest` or `challenger`."""
    alias: Literal["production", "challenger"] = "production"
    """production: it serves. challenger: it is on trial beside what serves."""


class RollbackRequest(Reasoned):
    """How far back is one step, from what is production now."""

    expected: Annotated[int, Field(ge=1)] | None = None
    """What is production now, as the caller believes; 409 if it is not. So a call that is sent again because its answer
    was lost goes no further."""


BACK = RollbackRequest()
Share = Annotated[float, Field(strict=True, ge=0, le=1)]


class TrafficRequest(Reasoned):
    """What the challenger gets from now on: both shares, so what is left out is nothing."""

    challenger: Annotated[StrictStr | StrictInt, Field(examples=[3])] = "challenger"
    """Its number, `latest`, or `challenger` for the one that is on trial; another one takes its place."""
    share: Share | None = None
    """Of the rows, by their ids: those that it answers in the place of production."""
    shadow: StrictBool | Share | None = None
    """Of the calls: those that it is asked as well, after the caller has an answer. true: all of them."""

    @model_validator(mode="after")
    def something_is_said(self) -> Self:
        """An empty body would end a trial by mistake."""
        if self.share is None and self.shadow is None:
            raise ValueError("say share, shadow or both: what is left out is 0")
        return self


def router(artifacts: ObjectStore, errands: Errands) -> APIRouter:
    """The routes about releases."""
    routes = APIRouter()

    def moved(model: str, request: Request, comment: str | None, move: Callable[[Mover], Pointer]) -> dict[str, Any]:
        made = move(Mover(request.state.caller.id, comment=comment))
        return {**_move(made), "mirror": _mirror(model, errands)}

    @routes.get("/models/{model}/release", summary="What serves, and whether MLflow knows.")
    def release(model: Model) -> dict[str, Any]:
        now = pointer(model, artifacts)
        known = mirrored(model, artifacts)
        told: dict[str, Any] = jsonable_encoder(now, exclude_none=True)
        return {**told, "mirrored": known == now.revision}

    @routes.get("/models/{model}/history", summary="What was production when, and who moved it; newest first.")
    def moves_made(model: Model, limit: Annotated[int, Query(ge=1, le=500)] = 100) -> dict[str, Any]:
        found = [jsonable_encoder(each, exclude_none=True) for each in islice(history(model, artifacts), limit)]
        return {"moves": found}

    @routes.post("/models/{model}/promote", summary="Let a version serve, or put it on trial.")
    def promote(model: Model, wanted: PromoteRequest, request: Request) -> dict[str, Any]:
        number = resolve(model, str(wanted.version), artifacts)
        return moved(
            model, request, wanted.comment, lambda by: moves.promote(model, number, artifacts, by, alias=wanted.alias)
        )

    @routes.post("/models/{model}/traffic", summary="Put a version on trial, and say what share of the calls it gets.")
    def traffic(model: Model, wanted: TrafficRequest, request: Request) -> dict[str, Any]:
        number = resolve(model, str(wanted.challenger), artifacts)
        share, shadow = float(wanted.share or 0), float(wanted.shadow or 0)
        return moved(
            model, request, wanted.comment, lambda by: send_traffic(model, number, share, shadow, artifacts, by)
        )

    @routes.post("/models/{model}/rollback", summary="Back to what was production before; again, and one further.")
    def rollback(model: Model, request: Request, wanted: RollbackRequest = BACK) -> dict[str, Any]:
        expected = wanted.expected
        return moved(model, request, wanted.comment, lambda by: moves.rollback(model, artifacts, by, expected=expected))

    @routes.post("/models/{model}/withdraw", summary="Take the challenger off trial.")
    def withdraw(model: Model, request: Request, wanted: MoveRequest = NOTHING_SAID) -> dict[str, Any]:
        return moved(model, request, wanted.comment, lambda by: moves.withdraw(model, artifacts, by))

    @routes.post("/models/{model}/versions/{version}/retire", summary="A version that shall not serve any more.")
    def retire(model: Model, version: Version, request: Request, wanted: MoveRequest = NOTHING_SAID) -> dict[str, Any]:
        return moved(model, request, wanted.comment, lambda by: moves.retire(model, version, artifacts, by))

    @routes.post("/models/{model}/versions/{version}/restore", summary="A retired version may serve again.")
    def restore(model: Model, version: Version, request: Request, wanted: MoveRequest = NOTHING_SAID) -> dict[str, Any]:
        return moved(model, request, wanted.comment, lambda by: moves.restore(model, version, artifacts, by))

    @routes.post("/models/{model}/mirror", status_code=202, summary="Tell MLflow anew what serves.")
    def mirror(model: Model) -> dict[str, Any]:
        now = pointer(model, artifacts)
        errands.send("mirror", {"run": f"mirror-{now.revision}", "model": model})
        return {"model": model, "revision": now.revision, "mirror": "sent"}

    return routes


def _move(now: Pointer) -> dict[str, Any]:
    told: dict[str, Any] = jsonable_encoder(now.last, exclude_none=True)
    return {"model": now.model, **told}


def _mirror(model: str, errands: Errands) -> str:
    """The release is made; that MLflow hears of it late is told and no error."""
    try:
        errands.send("mirror", {"run": "mirror", "model": model})
    except GyreError as error:
        return f"lags: {error.message} POST /models/{model}/mirror repeats it."
    return "sent"
