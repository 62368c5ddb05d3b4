"""/feedback: what turned out to be true of rows that were predicted."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request
from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictFloat, StrictInt, StrictStr, ValidationError
from pydantic_core import from_json

from gyre.documented import Documented
from gyre.errors import Invalid
from gyre.feedback.desk import Feedback, Sender, Taken
from gyre.feedback.sayings import Remark, Said
from gyre.feedback.told import ToldRow
from gyre.feedback.truths import MOST_CHARACTERS
from gyre.http.routes.predictions import Event
from gyre.http.shapes import Body, Model

MOST_LABELS = 1_000
# Of what is unknown, of warnings and of faults.
MOST_TOLD = 100

# Of fields that may be one of several things: pydantic tells of each why it is not that.
_WANTED = {
    "label": f"it must be a class as text of up to {MOST_CHARACTERS:,} characters, a number, true or false",
    "id": "it must be a text of 1 to 200 characters, or a whole number",
    "happened_at": "it must be ISO 8601 as text, or seconds since 1970 as a number",
}
_Words = Annotated[StrictStr, Field(max_length=MOST_CHARACTERS)]
_Whole = Annotated[StrictInt, Field(ge=-(2**63), lt=2**63)]


class LabelIn(Documented):
    """What is true of one row: of an event of ours, or of all predictions with an id of yours."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    label: StrictBool | _Whole | StrictFloat | _Words
    """A class or a number, as the model predicts it."""
    model: Model | None = None
    """Needed with `id`; with `event_id` only as long as the journal does not hold the event."""
    event_id: Event | None = None
    """As the answer to the call told it …"""
    row: Annotated[StrictInt, Field(ge=0, lt=2**31)] | None = None
    """… and the row's place in it, from 0; needed where the call had more than one."""
    id: Annotated[StrictStr, Field(min_length=1, max_length=200)] | _Whole | None = None
    """Your own id of the row, as it was sent with it."""
    happened_at: Annotated[StrictStr, Field(max_length=40)] | StrictInt | StrictFloat | None = None
    """When the truth was known: ISO 8601, in UTC where no zone is told, or seconds since 1970."""


class LabelsIn(Documented):
    """Several of them, taken as a whole or not at all."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    labels: Annotated[list[LabelIn], Field(min_length=1, max_length=MOST_LABELS)]
    """Of several about one row the one that reached us last counts."""
    model: Model | None = None
    """Of all labels that name none."""


class Remarked(BaseModel):
    """Something about one label."""

    label: int
    """Its place in the call, from 0."""
    field: str
    message: str


class UnknownLabel(BaseModel):
    """A label of a row that the journal does not hold; it is kept, and joined as soon as the row is there."""

    label: int
    event_id: str | None = None
    row: int | None = None
    id: str | int | None = None


class FeedbackAnswer(BaseModel):
    """What became of the labels."""

    kept: int
    repeated: int
    """They say what counts already."""
    unknown: list[UnknownLabel]
    """The first hundred."""
    unknown_count: int
    warnings: list[Remarked]
    """The first hundred."""


class HistoryAnswer(BaseModel):
    """What was said of the rows of one call, or of one id."""

    known: bool
    """Whether the journal holds it."""
    rows: list[ToldRow]


def _schemas() -> dict[str, Any]:
    one, many = LabelIn.model_json_schema(), LabelsIn.model_json_schema()
    many.pop("$defs")
    many["properties"]["labels"]["items"] = one
    return {"application/json": {"schema": {"anyOf": [one, many]}}}


def router(feedback: Feedback) -> APIRouter:
    """The routes about ground truth."""
    routes = APIRouter()

    @routes.post(
        "/feedback",
        summary="Tell what was true: one label, or up to 1,000, all of them or none.",
        openapi_extra={"requestBody": {"required": True, "content": _schemas()}},
    )
    def tell(
        request: Request,
        content: Body,
        idempotency_key: Annotated[str | None, Header(min_length=1, max_length=200)] = None,
    ) -> FeedbackAnswer:
        said = [Said(at, **vars(each)) for at, each in enumerate(read_labels(content))]
        sender = Sender(request.state.caller.id, datetime.now(UTC), idempotency_key)
        return _answer(feedback.take(said, sender))

    @routes.get("/feedback", summary="What was said of the rows of a call, or of your own id, and what counts.")
    def history(
        event_id: Event | None = None,
        model: Model | None = None,
        id: Annotated[str | None, Query(min_length=1, max_length=200)] = None,  # noqa: A002  # the callers' word
    ) -> HistoryAnswer:
        if event_id is not None and id is None and model is None:
            known, rows = feedback.told_of_call(event_id)
        elif id is not None and model is not None and event_id is None:
            known, rows = feedback.told_of_id(model, id)
        else:
            raise Invalid("Ask by ?event_id=, or by ?model= and &id=.", field="event_id")
        return HistoryAnswer(known=known, rows=list(rows))

    return routes


def read_labels(content: bytes) -> list[LabelIn]:
    """One object or several; `Invalid` tells every fault by its place."""
    try:
        sent = from_json(content)
    except (ValueError, RecursionError):
        raise Invalid("The body cannot be read as JSON.", field="body") from None
    if not isinstance(sent, dict):
        raise Invalid('Send one label as an object, or several as {"labels": […]}.', field="body")
    try:
        if "labels" not in sent:
            return [LabelIn.model_validate(sent)]
        several = LabelsIn.model_validate(sent)
    except ValidationError as error:
        told = [_malformed(each["loc"], each["msg"]) for each in error.errors()]
        once: dict[tuple[Any, Any], dict[str, Any]] = {}
        for each in told:
            once.setdefault((each["label"], each["field"]), each)
        raise _refusal(list(once.values())) from None
    return [each.model_copy(update={"model": each.model or several.model}) for each in several.labels]


def _malformed(loc: Sequence[int | str], message: str) -> dict[str, Any]:
    """Which label it is about, if one, and which field. A place within a union names its members, too."""
    at = loc[1] if len(loc) > 1 and loc[0] == "labels" else None
    names = [each for each in (loc[2:] if at is not None else loc) if isinstance(each, str)]
    name = names[0] if names else "labels"
    return {"label": at or 0, "field": name[:80], "message": _WANTED.get(name, message)}


def _answer(taken: Taken) -> FeedbackAnswer:
    if taken.faults:
        raise _refusal([vars(_remarked(each)) for each in taken.faults])
    unknown = [
        UnknownLabel(label=each.at, event_id=each.event_id, row=each.row, id=each.id)
        for each in taken.unknown[:MOST_TOLD]
    ]
    return FeedbackAnswer(
        kept=taken.kept, repeated=taken.repeated, unknown=unknown, unknown_count=len(taken.unknown),
        warnings=[_remarked(each) for each in taken.warnings[:MOST_TOLD]],
    )  # fmt: skip


def _remarked(remark: Remark) -> Remarked:
    return Remarked(label=remark.at, field=remark.field, message=remark.message)


def _refusal(faults: list[dict[str, Any]]) -> Invalid:
    first = faults[0]
    more = f" ({len(faults):,} faults, the first {min(len(faults), MOST_TOLD)} in `details`)" if len(faults) > 1 else ""
    return Invalid(
        f"Label {first['label']}, {first['field']}: {first['message']}{more}. Nothing of this call was kept.",
        field=first["field"], details=faults[:MOST_TOLD],
    )  # fmt: skip
