"""The journal as a Delta table in S3."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

from arro3.core import DataType
from deltalake import DeltaTable

from gyre.aws.once import TIME, OnceTable, Row, among, day_of, fitting, literal, micros_of, moment_of, quoted
from gyre.errors import NotFound
from gyre.journal.lines import Line, lines_of, records_of
from gyre.journal.record import JournalRecord
from gyre.journal.table import Figures, Latency, Page, Place, Spread, Wanted, Window

TABLE = "predictions"
_MOST_CLASSES = 1_000
_TEXT, _WHOLE, _NUMBER = DataType.utf8(), DataType.int64(), DataType.float64()
_COLUMNS: dict[str, DataType] = {
    "event_id": _TEXT, "row": DataType.int32(), "rows": DataType.int32(), "model": _TEXT, "day": _TEXT, "at": TIME,
    "kind": _TEXT, "status": DataType.int32(), "version": _WHOLE, "row_id": _TEXT, "prediction": _TEXT,
    "value": _NUMBER, "confidence": _NUMBER, "duration_ms": _NUMBER, "caller": _TEXT, "features": _TEXT,
    "answer": _TEXT, "call": _TEXT, "erased": DataType.bool(),
}  # fmt: skip
_AT = list(_COLUMNS).index("at")
# Times are read as numbers: arro3 would look for a time zone database, which Lambda need not have.
_SELECTED = ", ".join("cast(at as bigint) as at" if name == "at" else f'"{name}"' for name in _COLUMNS)
# Of a page, whatever is in it: the newest calls first, and of each its rows in their order.
_PLACE = 'coalesce("row", -1)'
_ORDER = f"order by at desc, event_id desc, {_PLACE}"
_BLANK = ("row_id", "prediction", "value", "confidence", "features", "answer")


class DeltaJournal:
    """`Journal` over a Delta table; `uri` is s3://… in a deployment and a folder in tests."""

    def __init__(self, uri: str) -> None:
        self.table = OnceTable(
            f"{uri}/{TABLE}", _COLUMNS, key="event_id", partitions=("model", "day"),
            # Nothing that could tell of a person: the log outlives what is erased.
            told=("event_id", "at", "status", "version", "confidence"),
        )  # fmt: skip

    def append(self, records: Sequence[JournalRecord]) -> frozenset[str]:
        return self.table.append({each.event_id: [_row(line) for line in lines_of(each)] for each in records})

    def find(self, event_id: str) -> JournalRecord:
        lines = self._lines(f"where event_id = {quoted(event_id)} {_ORDER}")
        if not lines:
            raise NotFound(
                f"The journal holds no {event_id}. A record appears some seconds after its answer.", field="event_id"
            )
        return records_of(lines)[0]

    def page(self, wanted: Wanted, limit: int, after: Place | None = None) -> Page:
        # First where they lie, by small columns alone; then those lines, out of the few files that hold them.
        where = f"where {_wanted(wanted)}{_beyond(after)}"
        places = self._rows(
            f'select cast(at as bigint) as at, event_id, {_PLACE} as "row" from entries {where} {_ORDER} '
            f"limit {limit + 1}"
        )
        if not places:
            return Page((), None)
        first, last = (
            Place(moment_of(each["at"]), each["event_id"], each["row"]) for each in (places[0], places[:limit][-1])
        )
        span = f"{_from(last.at)} and {_to(first.at)}"
        lines = tuple(self._lines(f"{where} and {span} {_ORDER} limit {limit}"))
        # What was appended between the two looks may have pushed lines out: the next page begins where this one ended.
        end = Place.of(lines[-1]) if lines else last
        return Page(lines, end if len(places) > limit or end != last else None)

    def figures(self, wanted: Wanted) -> Figures:
        where = f"where {_wanted(wanted)}"
        (calls,) = self._rows(
            "select count(*) as calls, count(*) filter (where status >= 500) as failed,"
            " count(*) filter (where status between 400 and 499) as refused,"
            " cast(min(at) as bigint) as first_at, cast(max(at) as bigint) as last_at, max(duration_ms) as most, "
            + ", ".join(f"approx_percentile_cont(duration_ms, 0.{p}) as p{p}" for p in (50, 90, 95, 99))
            + f" from entries {where} and {_PLACE} <= 0"
        ) or [{}]
        if not calls.get("calls"):
            return Figures(0, 0, 0, 0, 0, 0, None, None, {}, {}, None, None, None)
        (rows,) = self._rows(
            'select count("row") as rows, count(prediction) as answered, count(*) filter (where erased) as erased, '
            + ", ".join(f"{f}({name}) as {f}_{name}" for name in ("confidence", "value") for f in ("min", "avg", "max"))
            + f" from entries {where}"
        )
        return Figures(
            calls["calls"], calls["failed"], calls["refused"], rows["rows"], rows["answered"], rows["erased"],
            moment_of(calls["first_at"]), moment_of(calls["last_at"]),
            self._counted("version", where), self._counted("prediction", f"{where} and value is null"),
            _spread(rows, "confidence"), _spread(rows, "value"),
            Latency(*(calls[name] for name in ("p50", "p90", "p95", "p99", "most"))),
        )  # fmt: skip

    def window(self, model: str, since: datetime, limit: int) -> Window:
        where = f"where model = {quoted(model)} and {_from(since)}"
        sizes = self._rows(
            "select cast(at as bigint) as at, event_id, sum(coalesce(octet_length(features), 0)"
            " + coalesce(octet_length(answer), 0) + octet_length(call)) as size"
            f" from entries {where} group by at, event_id order by at desc, event_id desc limit {limit + 1}"
        )
        kept = min(limit, fitting(row["size"] for row in sizes), len(sizes))
        if not kept:
            return Window((), cut=False)
        oldest = sizes[kept - 1]
        moment, event = moment_of(oldest["at"]), quoted(oldest["event_id"])
        found = self._lines(f"{where} and {_from(moment)} and (at > {literal(moment)} or event_id >= {event}) {_ORDER}")
        return Window(tuple(records_of(found)), cut=len(sizes) > kept)

    def about(self, pseudonyms: Sequence[str], limit: int) -> list[Line]:
        return self._lines(f"where {_about(pseudonyms)} {_ORDER} limit {limit}")

    def erase(self, pseudonyms: Sequence[str]) -> int:
        blank, blanked = {**dict.fromkeys(_BLANK, "null"), "erased": "true"}, 0

        def change(table: DeltaTable) -> int:
            return int(table.update(updates=blank, predicate=_about(pseudonyms))["num_updated_rows"])

        while more := self.table.changed(change):  # what was appended meanwhile is blanked in another round
            blanked += more
        return blanked

    def _counted(self, column: str, where: str) -> dict[Any, int]:
        rows = self._rows(
            f"select {column} as name, count(*) as many from entries {where} and {column} is not null"
            f" group by {column} order by many desc, name limit {_MOST_CLASSES}"
        )
        return {row["name"]: row["many"] for row in rows}

    def _lines(self, clause: str) -> list[Line]:
        return [
            Line(**{**row, "at": moment_of(row["at"])})
            for row in self._rows(f"select {_SELECTED} from entries {clause}")
        ]

    def _rows(self, text: str) -> list[dict[str, Any]]:
        return self.table.rows(text)


def _row(line: Line) -> Row:
    values = [getattr(line, each.name) for each in fields(Line)]
    values[_AT] = micros_of(line.at)
    return tuple(values)


def _wanted(wanted: Wanted) -> str:
    texts = {"model": wanted.model, "prediction": wanted.prediction, "row_id": wanted.row_id}
    parts = [f"{name} = {quoted(text)}" for name, text in texts.items() if text is not None]
    if wanted.version is not None:
        parts.append(f"version = {wanted.version}")
    if wanted.since is not None:
        parts.append(_from(wanted.since))
    if wanted.until is not None:
        parts.append(f"{_to(wanted.until)} and at < {literal(wanted.until)}")
    return " and ".join(parts) or "true"


def _beyond(after: Place | None) -> str:
    if after is None:
        return ""
    moment, event = literal(after.at), quoted(after.event_id)
    later = f"event_id < {event} or (event_id = {event} and {_PLACE} > {after.row})"
    return f" and {_to(after.at)} and (at < {moment} or {later})"


def _about(pseudonyms: Sequence[str]) -> str:
    within = " or ".join(f"features like {quoted(f'%{each}%')}" for each in pseudonyms) or "false"
    return f"not erased and ({among('row_id', pseudonyms)} or {within})"


def _from(since: datetime) -> str:
    """The day as well: it is the partition, so that older files are not opened."""
    return f"day >= {quoted(day_of(since))} and at >= {literal(since)}"


def _to(until: datetime) -> str:
    return f"day <= {quoted(day_of(until))} and at <= {literal(until)}"


def _spread(row: dict[str, Any], name: str) -> Spread | None:
    found = [row[f"{each}_{name}"] for each in ("min", "avg", "max")]
    return None if found[0] is None else Spread(*found)
