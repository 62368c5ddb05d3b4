"""What looks found, as rows of a table: each figure one row, so that its course can be asked for and any engine can
read it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal, Protocol

from gyre.monitoring.found import Drift, Level, Look, Multivariate, Performance, Quality

What = Literal["verdict", "volume", "drift", "multivariate", "estimated", "realised", "quality"]
Kind = Literal["watch", "compare"]


@dataclass(frozen=True)
class HistoryRow:
    """One figure of one look. The order of the fields is that of the table's columns."""

    run: str
    line: int
    """Its place among the rows of the look."""
    model: str
    day: str
    at: datetime
    """When it was looked."""
    kind: Kind
    version: int | None
    """The release that was watched."""
    what: What
    column: str | None = None
    """None of what is no column's."""
    name: str | None = None
    """The measure of a drift, the metric of a performance, the flaw of a quality, what a volume counts."""
    value: float | None = None
    reference: float | None = None
    """What it was, or was expected to be, on the reference."""
    low: float | None = None
    high: float | None = None
    threshold: float | None = None
    """What counts; of a performance the fall that does."""
    p: float | None = None
    adjusted: float | None = None
    counts: bool | None = None
    """Whether it drifted, fell, or is broken; None of what is just told."""
    text: str | None = None
    """The level of a verdict; of the others why there is no value."""
    window_start: datetime | None = None
    window_end: datetime | None = None
    rows: int | None = None
    """That it was told from."""


@dataclass(frozen=True)
class HistoryWanted:
    """Which rows of one model are asked for; what is None does not matter."""

    model: str
    what: What | None = None
    column: str | None = None
    name: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    """Not included."""
    kind: Kind | None = None


@dataclass(frozen=True)
class HistoryPlace:
    """Where a page ends: the next one begins with the row after it."""

    at: datetime
    run: str
    line: int


@dataclass(frozen=True)
class HistoryPage:
    """Rows, the newest look first and its rows in their order; `after` is where the next page begins, if there is
    one."""

    rows: tuple[HistoryRow, ...]
    after: HistoryPlace | None


class Looks(Protocol):
    """Partitioned by model and day; each look at a model stands in it once."""

    def append(self, look: Look) -> bool:
        """All rows of a look in one commit, or none (`Unavailable`); tells whether they were new."""

    def history(self, wanted: HistoryWanted, limit: int, after: HistoryPlace | None = None) -> HistoryPage:
        """The newest rows that are wanted, or those that come after a place."""

    def verdicts(self, model: str, limit: int) -> list[tuple[datetime, Level, str]]:
        """When the last watching looks were, what they concluded, and their runs; the newest first."""


def rows_of(look: Look) -> list[HistoryRow]:
    """All rows of a look."""
    base = HistoryRow(
        run=look.run, line=0, model=look.model, day=f"{look.at.astimezone(UTC):%Y-%m-%d}", at=look.at, kind=look.kind,
        version=look.version, what="verdict", text=look.verdict.level,
    )  # fmt: skip
    if window := look.window:
        base = replace(base, window_start=window.start, window_end=window.end, rows=window.rows)
    return [replace(each, line=line) for line, each in enumerate((base, *_figures(look, replace(base, text=None))))]


def verdicts_of(rows: Sequence[HistoryRow]) -> list[tuple[datetime, Level, str]]:
    """Rows of verdicts, whose text is a level, because it was written from one."""
    return [(row.at, row.text, row.run) for row in rows if row.text]  # type: ignore[misc]


def _figures(look: Look, base: HistoryRow) -> Iterator[HistoryRow]:
    volumes = {"calls": look.calls, "failed_calls": look.failed_calls}
    if look.window:
        volumes |= {"rows": look.window.of_rows, "labelled": look.window.labelled}
    for name, value in volumes.items():
        yield replace(base, what="volume", name=name, value=value)
    for each in look.univariate.drifts if look.univariate else ():
        yield _drift(each, base)
    if look.multivariate:
        yield _multivariate(look.multivariate, base)
    for figure in look.performance.figures if look.performance else ():
        yield _performance(figure, base)
    for check in look.quality.checks if look.quality else ():
        yield _quality(check, base)


def _drift(found: Drift, base: HistoryRow) -> HistoryRow:
    return replace(
        base, what="drift", column=found.column, name=found.method, value=found.value, threshold=found.threshold,
        p=found.p, adjusted=found.adjusted, counts=found.drifted, text=found.because,
    )  # fmt: skip


def _multivariate(found: Multivariate, base: HistoryRow) -> HistoryRow:
    return replace(
        base, what="multivariate", name=found.method, value=found.value, reference=found.expected,
        threshold=found.threshold, p=found.p, counts=found.drifted, text=found.because,
    )  # fmt: skip


def _performance(found: Performance, base: HistoryRow) -> HistoryRow:
    return replace(
        base, what=found.how, name=found.metric, value=found.value, reference=found.expected, low=found.low,
        high=found.high, threshold=found.limit, counts=None if found.limit is None else found.fallen,
        text=found.because, rows=found.rows,
    )  # fmt: skip


def _quality(found: Quality, base: HistoryRow) -> HistoryRow:
    return replace(
        base, what="quality", column=found.column, name=found.flaw, value=found.window, reference=found.reference,
        p=found.p, adjusted=found.adjusted, counts=found.broken,
    )  # fmt: skip
