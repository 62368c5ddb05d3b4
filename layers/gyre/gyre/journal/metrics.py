"""Figures about calls, made of their records: what an operator watches."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import isfinite
from typing import Literal, Protocol

from aws_lambda_powertools import Logger

from gyre.errors import GyreError
from gyre.journal.cost import cost
from gyre.journal.record import JournalRecord, Kind

NO_MODEL, NO_VERSION, SEVERAL = "(unknown)", "none", "several"
# CloudWatch refuses a whole request over one moment that lies further away: of dead letters that come back late.
OLDEST, NEWEST = timedelta(days=13), timedelta(hours=1)
# How many messages were given up; template.yaml has an alarm on it.
LETTERS = "DeadLetters"
_MOST_MS = 1e9
_TIMES = {"predict": "PredictMs", "explain": "ExplainMs", "load": "LoadMs"}

Unit = Literal["Count", "Milliseconds", "None"]


@dataclass(frozen=True)
class Metric:
    """One figure of one minute: each value, and how often it occurred."""

    name: str
    unit: Unit
    model: str | None
    """None where it is about no model: it has no dimensions then, so that one alarm watches it."""
    version: str | None
    kind: Kind
    at: datetime
    values: Mapping[float, int]


class Metrics(Protocol):
    """Where operators look."""

    def tell(self, metrics: Sequence[Metric]) -> None:
        """Adds these to what was told before, or says `Unavailable`."""


def tell_calls(records: Sequence[JournalRecord], metrics: Metrics, now: datetime, log: Logger) -> None:
    """The journal has these records already: where their figures cannot be told, that is logged and no more."""
    _tell(metrics_of(records, now), metrics, log)


def tell_letters(count: int, metrics: Metrics, now: datetime, log: Logger) -> None:
    """So many messages became dead letters; the letters themselves are kept already."""
    if count:
        minute = now.replace(second=0, microsecond=0)
        _tell((Metric(LETTERS, "Count", None, None, "online", minute, {float(count): 1}),), metrics, log)


def _tell(found: Sequence[Metric], metrics: Metrics, log: Logger) -> None:
    try:
        if found:
            metrics.tell(found)
    except GyreError as error:
        log.warning("metrics not told", extra={"metrics": len(found), "reason": error.message})


def metrics_of(records: Sequence[JournalRecord], now: datetime) -> tuple[Metric, ...]:
    """The figures of these calls, each by name, model, version and minute."""
    found: defaultdict[tuple[str, Unit, str, str, Kind, datetime], Counter[float]] = defaultdict(Counter)
    for record in records:
        if record.at < now - OLDEST:
            continue
        minute = min(record.at, now + NEWEST).replace(second=0, microsecond=0)
        for name, unit, version, value in _figures(record):
            found[name, unit, record.model or NO_MODEL, version, record.kind, minute][value] += 1
    return tuple(Metric(*told, values=dict(sorted(values.items()))) for told, values in sorted(found.items()))


def _figures(record: JournalRecord) -> Iterator[tuple[str, Unit, str, float]]:
    """A call counts for each version that was asked in it; what it took, for the one that answered."""
    asked = {each.version: False for each in record.served}
    for each in record.served:
        asked[each.version] |= each.fault is not None
    for version, failed in asked.items() or ((NO_VERSION, False),):
        yield "Calls", "Count", str(version), 1.0
        yield "Failures", "Count", str(version), float(failed or record.status >= 500)
    answered = {row.version for row in record.rows if row.version is not None} or set(asked)
    by = str(next(iter(answered))) if len(answered) == 1 else SEVERAL if answered else NO_VERSION
    yield "ColdStarts", "Count", by, float(record.cold)
    yield from _took("DurationMs", by, record.duration_ms)
    if (dollars := cost(record)) is not None:
        yield "CostMicroDollars", "None", by, float(f"{dollars * 1e6:.3g}")
    for part, name in _TIMES.items():
        if part in record.times:
            yield from _took(name, by, record.times[part])


def _took(name: str, version: str, milliseconds: float) -> Iterator[tuple[str, Unit, str, float]]:
    """Three digits: enough for percentiles, and values that many calls share are sent once."""
    if isfinite(milliseconds):
        yield name, "Milliseconds", version, float(f"{min(milliseconds, _MOST_MS):.3g}")
