"""/inference and /predict: rows in, answers and reasons out."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import ConfigDict, Field, StrictBool, StrictInt, StrictStr, ValidationError
from pydantic_core import from_json, to_json

from gyre.documented import Documented
from gyre.errors import Invalid
from gyre.http.answering import Answered, Desk, recorded
from gyre.http.errors import malformation
from gyre.http.pages import NOTHING_RUNS
from gyre.serving.question import MOST_ROWS, Question, Row, RowAnswer
from gyre.serving.waterfall import waterfall
from gyre.spec.base import MODEL_PATTERN

TOP, MOST_FEATURES = 5, 10_000
# What is told of a body that is malformed, and with it recorded.
_SHOWN = frozenset({"model", "release", "explain", "partial"})
RowId = Annotated[StrictStr, Field(max_length=200)] | Annotated[StrictInt, Field(ge=-(2**63), lt=2**63)] | None
Release = Annotated[StrictStr, Field(max_length=100)] | StrictInt
Top = Annotated[int, Field(ge=1, le=MOST_FEATURES)]
_ANY_MODEL = Annotated[str, Path(pattern=MODEL_PATTERN)]


class _Sent(Documented):
    model_config = ConfigDict(extra="forbid")


class RowIn(_Sent):
    """One row."""

    id: RowId = None
    """The caller's own name for it: told back, and the same id always meets the same release."""
    features: dict[str, Any]
    """By column of the model; null, or left out, where a value is missing."""


class ExplainIn(_Sent):
    """How much of the reasons is told."""

    top: Top = TOP
    """So many features, those that weigh most."""


class InferenceIn(_Sent):
    """What /inference takes."""

    model: Annotated[str, Field(pattern=MODEL_PATTERN)]
    """Its name."""
    release: Release = "production"
    """Who shall answer: production, champion, challenger, latest, or a version's number."""
    rows: Annotated[list[RowIn], Field(min_length=1, max_length=MOST_ROWS)]
    explain: ExplainIn | StrictBool = False
    """Whether each answer comes with the features that weighed most."""
    partial: StrictBool = False
    """Whether rows that are right are answered although others break a rule; those come back with an error each."""


# Its schema is made where the document is: to make it here would be a part of every cold start.
_INFERENCE: dict[str, Any] = {"$ref": f"#/components/schemas/{InferenceIn.__name__}"}
_OBJECT: dict[str, Any] = {"type": "object", "description": "By column of the model; null where a value is missing."}
_OBJECTS: dict[str, Any] = {
    "oneOf": [_OBJECT, {"type": "array", "items": _OBJECT, "minItems": 1, "maxItems": MOST_ROWS}]
}


def router(desk: Desk) -> APIRouter:
    """The routes of functions/inference that answer questions."""
    routes = APIRouter(route_class=recorded(desk))

    @routes.post("/inference", summary="Predict rows, and explain each answer.", openapi_extra=_body(_INFERENCE))
    async def inference(request: Request) -> Response:
        return await desk.ask(request, _question, lambda answered: _json(_whole(answered)))

    @routes.post(
        "/predict/{model}",
        summary="Predict one object, or each of a list: features by name.",
        openapi_extra=_body(_OBJECTS),
    )
    async def predict(
        request: Request, model: _ANY_MODEL, release: str = "production", top: Annotated[int | None, Query(ge=1)] = None
    ) -> Response:
        many: list[bool] = []
        return await desk.ask(
            request,
            lambda content: _objects(content, model, release, top, many),
            lambda answered: _json(_each(answered) if many else _each(answered)[0]),
        )

    @routes.post(
        "/predict/{model}/explanation.svg",
        summary="Why one object is answered as it is, as a picture.",
        response_class=Response,
        responses={200: {"content": {"image/svg+xml": {}}}},
        openapi_extra=_body(_OBJECT),
    )
    async def picture(
        request: Request, model: _ANY_MODEL, release: str = "production", top: Annotated[int, Query(ge=1, le=30)] = 10
    ) -> Response:
        return await desk.ask(
            request,
            lambda content: _single(content, model, release),
            lambda answered: Response(_picture(answered, top), media_type="image/svg+xml", headers=NOTHING_RUNS),
        )

    return routes


def _question(content: bytes) -> Question:
    try:
        asked = InferenceIn.model_validate_json(content)
    except ValidationError as error:
        raise malformation(error.errors(include_url=False), shown=_SHOWN) from None
    explain = ExplainIn() if asked.explain is True else asked.explain
    rows = [Row(row.id, row.features) for row in asked.rows]
    return Question(asked.model, rows, str(asked.release), explain.top if explain else None, asked.partial)


def _objects(content: bytes, model: str, release: str, top: int | None, many: list[bool]) -> Question:
    """`many` learns whether a list was sent: its answer is one, too."""
    sent = _json_of(content)
    if isinstance(sent, list):
        many.append(True)
        if not 1 <= len(sent) <= MOST_ROWS:
            raise Invalid(f"A list of {len(sent):,} objects; send 1 to {MOST_ROWS:,}.")
    rows = [_object(each) for each in (sent if isinstance(sent, list) else [sent])]
    return Question(model, rows, _release(release), top)


def _single(content: bytes, model: str, release: str) -> Question:
    return Question(model, [_object(_json_of(content))], _release(release), MOST_FEATURES)


def _object(sent: Any) -> Row:
    if not isinstance(sent, dict):
        kind = {str: "text", list: "a list", bool: "true or false", type(None): "null"}.get(type(sent), "a number")
        raise Invalid(f"An object with a value for each feature is needed, and there is {kind}.")
    return Row(None, sent)


def _release(told: str) -> str:
    if len(told) > 100:
        raise Invalid("release: a version's number, latest, production, champion or challenger.", field="release")
    return told


def _json_of(content: bytes) -> Any:
    try:
        return from_json(content)
    except ValueError as error:
        raise Invalid(f"The body is not JSON: {error}.") from None


def _whole(answered: Answered) -> dict[str, Any]:
    told = {
        "model": answered.question.model, "version": answered.answer.version, "event_id": answered.event_id,
        "predictions": [_row(row) for row in answered.answer.rows],
    }  # fmt: skip
    return told if answered.logged else {**told, "logged": False}


def _each(answered: Answered) -> list[dict[str, Any]]:
    whose: dict[str, Any] = {"model": answered.question.model, "event_id": answered.event_id}
    whose |= {} if answered.logged else {"logged": False}
    return [{**whose, **_row(row)} for row in answered.answer.rows]


def _row(row: RowAnswer) -> dict[str, Any]:
    told: dict[str, Any] = {"id": row.id, "version": row.version, "prediction": row.prediction}
    if row.fault:
        return {**told, "error": {key: each for key, each in vars(row.fault).items() if each is not None}}
    if row.probabilities is not None:
        told |= {"probabilities": row.probabilities, "confidence": row.confidence}
    if row.explanation is not None:
        told |= {"base_value": row.base_value, "score": row.score, "explanation": row.reasons}
    return told


def _picture(answered: Answered, most: int) -> str:
    (row,) = answered.answer.rows
    why, base = row.explanation or (), row.base_value or 0.0
    return waterfall(
        base, why, row.score or 0.0, title=f"{answered.question.model}: {row.prediction}",
        unit=answered.answer.unit, most=most,
    )  # fmt: skip


def _json(told: Any) -> Response:
    return Response(to_json(told), media_type="application/json")


def _body(schema: dict[str, Any]) -> dict[str, Any]:
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}
