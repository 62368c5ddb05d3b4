"""What looks found, as a Delta table in S3."""

from collections.abc import Iterator
from dataclasses import astuple, fields
from datetime import datetime
from itertools import takewhile
from typing import Any

from arro3.core import DataType
from deltalake.exceptions import DeltaError

from gyre.aws.once import TIME, OnceTable, Row, among, day_of, literal, micros_of, moment_of, quoted
from gyre.errors import Unavailable
from gyre.monitoring.found import Level, Look
from gyre.monitoring.results import (
    HistoryPage,
    HistoryPlace,
    HistoryRow,
    HistoryWanted,
    rows_of,
    verdicts_of,
)

TABLE = "looks"
_TEXT, _WHOLE, _NUMBER, _TRUTH = DataType.utf8(), DataType.int64(), DataType.float64(), DataType.bool()
_COLUMNS: dict[str, DataType] = {
    "run": _TEXT, "line": DataType.int32(), "model": _TEXT, "day": _TEXT, "at": TIME, "kind": _TEXT, "version": _WHOLE,
    "what": _TEXT, "column": _TEXT, "name": _TEXT, "value": _NUMBER, "reference": _NUMBER, "low": _NUMBER,
    "high": _NUMBER, "threshold": _NUMBER, "p": _NUMBER, "adjusted": _NUMBER, "counts": _TRUTH, "text": _TEXT,
    "window_start": TIME, "window_end": TIME, "rows": _WHOLE,
}  # fmt: skip
_TIMES = frozenset(name for name, kind in _COLUMNS.items() if kind == TIME)
# Times are read as numbers: arro3 would look for a time zone database, which Lambda need not have.
_SELECTED = ", ".join(f'cast("{name}" as bigint) as "{name}"' if name in _TIMES else f'"{name}"' for name in _COLUMNS)
_ORDER = "order by at desc, run desc, line"
# Days are read from the newest back, each time so many times as many as before, until there is enough.
_FIRST_DAYS, _MORE = 8, 4


class DeltaLooks:
    """`Looks` over a Delta table beside the journal's; `uri` is the journal's, a folder in tests."""

    def __init__(self, uri: str) -> None:
        self.table = OnceTable(
            f"{uri}/{TABLE}", _COLUMNS, key="run", partitions=("model", "day"), told=("run", "at", "kind", "what"),
        )  # fmt: skip

    def append(self, look: Look) -> bool:
        return bool(self.table.append({look.run: [_row(each) for each in rows_of(look)]}))

    def history(self, wanted: HistoryWanted, limit: int, after: HistoryPlace | None = None) -> HistoryPage:
        rows = self._newest(wanted, limit + 1, after)
        more = HistoryPlace(rows[limit - 1].at, rows[limit - 1].run, rows[limit - 1].line) if rows[limit:] else None
        return HistoryPage(tuple(rows[:limit]), more)

    def verdicts(self, model: str, limit: int) -> list[tuple[datetime, Level, str]]:
        return verdicts_of(self._newest(HistoryWanted(model, "verdict", kind="watch"), limit, None))

    def _newest(self, wanted: HistoryWanted, limit: int, after: HistoryPlace | None) -> list[HistoryRow]:
        """A look has a file of its own until upkeep comes: those of years must not be opened for one page."""
        found: list[HistoryRow] = []
        where = f"model = {quoted(wanted.model)} and {_wanted(wanted)}{_beyond(after)}"
        for days in _spans(self._days(wanted, after)):
            within = f"{where} and {among('day', days)}"
            rows = self.table.rows(
                f"select {_SELECTED} from entries where {within} {_ORDER} limit {limit - len(found)}"
            )
            found += map(_history_row, rows)
            if len(found) >= limit:
                break
        return found

    def _days(self, wanted: HistoryWanted, after: HistoryPlace | None) -> list[str]:
        """Days with looks at a model, the newest first; the log alone tells them."""
        table = self.table.latest()
        if table is None:
            return []
        try:
            parts = table.partitions(file_pruning_predicate=[("model", "=", wanted.model)])
        except (DeltaError, OSError) as error:
            raise Unavailable(f"The results of looks cannot be read: {error}") from error
        ends = [day_of(each) for each in (wanted.until, after and after.at) if each]
        days = sorted({part["day"] for part in parts if all(part["day"] <= end for end in ends)}, reverse=True)
        first = day_of(wanted.since) if wanted.since else ""
        return list(takewhile(lambda day: day >= first, days))


def _spans(days: list[str]) -> Iterator[list[str]]:
    size = _FIRST_DAYS
    while days:
        yield days[:size]
        days, size = days[size:], size * _MORE


def _row(row: HistoryRow) -> Row:
    told = zip(fields(HistoryRow), astuple(row), strict=True)
    return tuple(micros_of(value) if each.name in _TIMES and value else value for each, value in told)


def _history_row(row: dict[str, Any]) -> HistoryRow:
    moments = {name: None if row[name] is None else moment_of(row[name]) for name in _TIMES}
    return HistoryRow(**row | moments)


def _wanted(wanted: HistoryWanted) -> str:
    texts = {"what": wanted.what, "column": wanted.column, "name": wanted.name, "kind": wanted.kind}
    parts = [f'"{name}" = {quoted(text)}' for name, text in texts.items() if text is not None]
    if wanted.since is not None:
        parts.append(f"at >= {literal(wanted.since)}")
    if wanted.until is not None:
        parts.append(f"at < {literal(wanted.until)}")
    return " and ".join(parts) or "true"


def _beyond(after: HistoryPlace | None) -> str:
    if after is None:
        return ""
    moment, run = literal(after.at), quoted(after.run)
    later = f"run < {run} or (run = {run} and line > {int(after.line)})"
    return f" and (at < {moment} or (at = {moment} and ({later})))"
