"""Predictions out of the journal, as one side of a look."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, NamedTuple, Protocol

import numpy as np
from pydantic_core import from_json

from gyre.features.compute import Array, with_derived
from gyre.monitoring.found import Source
from gyre.monitoring.side import Side
from gyre.serving.rows import RowCheck
from gyre.spec.base import class_name
from gyre.spec.model import ModelSpec

NO_TIME = np.datetime64(0, "us")
"""Of every row of data without times."""


class PredictedRow(NamedTuple):
    """One answered prediction, as the journal's table tells it."""

    at: int
    """Microseconds since 1970."""
    features: str
    """JSON, by column."""
    answer: str
    """JSON."""
    label: str | None
    """JSON; None where nobody said what is true."""
    row_id: str | None = None
    """Under which the caller asked."""


@dataclass(frozen=True)
class Span:
    """Which predictions are looked at."""

    model: str
    since: datetime
    until: datetime


@dataclass(frozen=True)
class SpanVolume:
    """What the journal holds of a span."""

    rows: Mapping[int, int]
    """Answered rows by release; shadows not counted."""
    calls: int
    failed: int
    """Calls that ended with a 5xx."""
    ahead: int
    """Calls dated after the span's end and after now: somebody's clock is wrong."""


class Predictions(Protocol):
    """The journal, for watching."""

    def volume(self, span: Span, now: datetime) -> SpanVolume:
        """How much there is, without reading it."""

    def rows(self, span: Span, version: int | None, share: float) -> Iterator[Sequence[PredictedRow]]:
        """Answered rows of one release or of all, with what is known to be true, in no order, some at a time. Of a
        share below 1 always the same rows, chosen by chance."""


def predicted_side(
    name: str, rows: Iterator[Sequence[PredictedRow]], of_rows: int, spec: ModelSpec, classes: Sequence[str]
) -> Side:
    """The rows as columns, in the order of time. They are read as serving read them.

    Each id counts once, by its newest row: what is asked about 200 machines every hour is what 200 rows say, and a test
    that took it for 4,800 would find drift by chance."""
    check, ids, parts = RowCheck(spec), list[str | None](), list[Side]()
    for each in rows:
        if each:
            parts.append(_part(each, check, spec, classes))
            ids += [row.row_id for row in each]
    if not parts:
        return nothing(name, spec)
    whole = Side(
        parts[0].source,
        {name: np.concatenate([each.columns[name] for each in parts]) for name in parts[0].columns},
        np.concatenate([each.at for each in parts]),
        *(_together([getattr(each, part) for each in parts]) for part in ("prediction", "probabilities", "label")),
    )
    order = np.argsort(whole.at, kind="stable")
    last = {ids[place]: place for place in order}
    newest = order[[ids[place] is None or last[ids[place]] == place for place in order]]
    repeated = len(order) - len(newest)
    side = sourced(whole.chosen(newest), name, of_rows if of_rows > len(order) else len(newest))
    return replace(side, source=side.source.model_copy(update={"repeated": repeated}))


def sourced(side: Side, name: str, of_rows: int) -> Side:
    """With its source told."""
    is_timed = len(side) > 0 and side.at[-1] != NO_TIME
    start, end = (_moment(side.at[at]) if is_timed else None for at in (0, -1))
    source = Source(
        name=name, rows=len(side), of_rows=max(of_rows, len(side)), start=start, end=end,
        labelled=len(side.labelled),
    )  # fmt: skip
    return Side(source, side.columns, side.at, side.prediction, side.probabilities, side.label)


def nothing(name: str, spec: ModelSpec) -> Side:
    """No rows at all."""
    columns = {each: np.zeros(0, dtype=object) for each in spec.features}
    return Side(Source(name=name, rows=0, of_rows=0), columns, np.zeros(0, "M8[us]"))


def _part(rows: Sequence[PredictedRow], check: RowCheck, spec: ModelSpec, classes: Sequence[str]) -> Side:
    answers = [from_json(each.answer) for each in rows]
    labels = [None if each.label is None else from_json(each.label) for each in rows]
    columns = with_derived(_served(spec), check.check([from_json(each.features) for each in rows]).columns)
    at = np.array([each.at for each in rows], dtype="M8[us]")
    told = [answer["prediction"] for answer in answers]
    features = {name: columns[name] for name in spec.features}
    source = Source(name="", rows=len(rows), of_rows=len(rows))
    if not classes:
        return Side(source, features, at, _numbers(told), None, _numbers(labels))
    probabilities = np.array(
        [[(answer.get("probabilities") or {}).get(each, np.nan) for each in classes] for answer in answers]
    )
    return Side(source, features, at, _names(told), probabilities.astype(np.float64), _names(labels))


def _served(spec: ModelSpec) -> ModelSpec:
    """Derived columns that are no features may need what no caller sends."""
    return spec.model_copy(update={"derived": {name: each for name, each in spec.derived.items() if each.feature}})


def _names(values: Sequence[Any]) -> Array:
    return np.array([*(None if each is None else class_name(each) for each in values), None], dtype=object)[:-1]


def _numbers(values: Sequence[Any]) -> Array:
    return np.array([np.nan if each is None else float(each) for each in values], dtype=np.float64)


def _together(parts: Sequence[Array | None]) -> Array | None:
    found = [each for each in parts if each is not None]
    return np.concatenate(found) if found else None


def _moment(at: np.datetime64) -> datetime:
    moment: datetime = at.astype("M8[us]").item()
    return moment.replace(tzinfo=UTC)
