"""Asking a challenger what production has answered, beside the caller's path."""

from datetime import datetime
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict

from gyre.registry.releases import Released
from gyre.serving.question import Question, kept_columns
from gyre.spec.model import ModelSpec


class ShadowRow(BaseModel):
    """What the caller sent."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str | int | None
    features: dict[str, Any]


class ShadowCall(BaseModel):
    """A call that is to be made again, to the challenger."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    event_id: str
    model: str
    at: datetime
    caller: str
    correlation_id: str
    challenger: Released
    rows: tuple[ShadowRow, ...]


class Shadows(Protocol):
    """The way to whoever asks challengers."""

    def put(self, call: ShadowCall) -> None:
        """Takes the call, or says `Unavailable`."""


def shadow_call(
    question: Question,
    challenger: Released,
    spec: ModelSpec,
    *,
    event_id: str,
    at: datetime,
    caller: str,
    correlation_id: str,
) -> ShadowCall:
    """The same rows, for another release."""
    kept = kept_columns(spec)
    rows = [
        ShadowRow(id=row.id, features={k: v for k, v in row.features.items() if k in kept}) for row in question.rows
    ]
    return ShadowCall(
        event_id=event_id, model=question.model, at=at, caller=caller, correlation_id=correlation_id,
        challenger=challenger, rows=tuple(rows),
    )  # fmt: skip
