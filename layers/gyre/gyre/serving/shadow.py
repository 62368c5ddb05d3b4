"""Asking a challenger what production has answered, beside the caller's path."""

from datetime import datetime
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict

from gyre.pseudonyms import Pseudonym, Pseudonyms
from gyre.registry.releases import Released
from gyre.serving.kept import Kept
from gyre.serving.question import Question, Row, RowId
from gyre.spec.model import ModelSpec


class ShadowRow(BaseModel):
    """What the caller sent, as far as it may be told."""

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
    hidden: tuple[str, ...] = ()
    """The columns whose values are pseudonyms."""
    hides_ids: bool = False
    """Whether the rows' ids are."""

    def asked(self) -> list[Row]:
        """The rows as a challenger is asked them. No model looks at what is hidden, and a pseudonym is no value."""
        hidden = set(self.hidden)
        return [
            Row(None if self.hides_ids else row.id, {k: v for k, v in row.features.items() if k not in hidden})
            for row in self.rows
        ]

    def told(self) -> list[Row]:
        """The rows as they are recorded."""
        hidden = set(self.hidden)
        return [
            Row(
                _hidden(row.id) if self.hides_ids else row.id,
                {name: _hidden(value) if name in hidden else value for name, value in row.features.items()},
            )
            for row in self.rows
        ]


class Shadows(Protocol):
    """The way to whoever asks challengers."""

    def put(self, call: ShadowCall) -> None:
        """Takes the call, or says `Unavailable`."""


def shadow_call(
    question: Question,
    challenger: Released,
    spec: ModelSpec,
    pseudonyms: Pseudonyms | None = None,
    *,
    event_id: str,
    at: datetime,
    caller: str,
    correlation_id: str,
) -> ShadowCall:
    """The same rows, for another release: as they will be recorded, because a queue is a place like any other."""
    kept = Kept(spec, pseudonyms)
    rows = [
        ShadowRow(id=None if row.id is None else kept.id(row), features=kept.features(row.features))
        for row in question.rows
    ]
    return ShadowCall(
        event_id=event_id, model=question.model, at=at, caller=caller, correlation_id=correlation_id,
        challenger=challenger, rows=tuple(rows), hidden=tuple(sorted(kept.hidden)), hides_ids=kept.hides_ids,
    )  # fmt: skip


def _hidden(value: Any) -> RowId:
    return None if value is None else Pseudonym(value)
