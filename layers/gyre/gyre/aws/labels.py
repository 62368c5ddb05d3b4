"""What turned out to be true, as a Delta table beside the journal's."""

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from arro3.core import DataType, RecordBatch
from deltalake import DeltaTable

from gyre.aws.lake import DeltaJournal
from gyre.aws.once import (
    TIME,
    OnceTable,
    Row,
    among,
    batches,
    day_of,
    fitting,
    literal,
    micros_of,
    moment_of,
    query,
    quoted,
    seen,
    span,
)
from gyre.feedback.labels import BY_ID, Coverage, Joined, Judged, KnownId, KnownRow, Label, place_of
from gyre.journal.record import SHADOW, Kind

TABLE = "labels"
_TEXT = DataType.utf8()
_COLUMNS: dict[str, DataType] = {
    "label_id": _TEXT, "model": _TEXT, "event_id": _TEXT, "row": DataType.int32(), "row_id": _TEXT, "label": _TEXT,
    "happened_at": TIME, "received_at": TIME, "day": _TEXT, "source": _TEXT,
}  # fmt: skip
_TIMES = ("happened_at", "received_at")
# Times are read as numbers: arro3 would look for a time zone database, which Lambda need not have.
_SELECTED = ", ".join(
    f"cast(l.{name} as bigint) as {name}" if name in _TIMES else f'l."{name}"' for name in Label.model_fields
)
_SQL = {"row": "int", "rows": "int", "status": "int", "version": "bigint", "value": "double", "confidence": "double"}
_SQL |= dict.fromkeys((*_TIMES, "at"), "timestamp")
# What queries ask of the journal.
_ASKED = (
    "event_id", "row", "rows", "model", "day", "at", "kind", "status", "version", "row_id", "prediction", "value",
    "confidence", "features", "answer",
)  # fmt: skip
# The row of a call that a label means: it may be left out where there is one alone.
_OF_ROW = '(l."row" = w."row" or (l."row" is null and w.rows <= 1))'


class DeltaLabels:
    """`Labels` over two Delta tables; `uri` is the journal's: s3://… in a deployment and a folder in tests."""

    def __init__(self, uri: str) -> None:
        self.table = OnceTable(
            # The day is what upkeep goes by. It is no partition: a label that is said again on another day has to be
            # found where the first one lies.
            f"{uri}/{TABLE}", _COLUMNS, key="label_id", partitions=("model",),
            # No id of a caller's: the log outlives what is erased. By label ids the files of a row are found anyway.
            told=("label_id", "event_id", "received_at", "day"),
        )  # fmt: skip
        self._journal = DeltaJournal(uri).table

    def append(self, labels: Sequence[Label]) -> frozenset[str]:
        rows: dict[str, list[Row]] = {}
        for each in labels:
            rows.setdefault(each.label_id, [_row(each)])
        return self.table.append(rows)

    def of_events(self, event_ids: Collection[str]) -> list[Label]:
        return self._labels(f"{among('l.event_id', event_ids)} and {span('l.label_id', event_ids, '~')}")

    def of_ids(self, model: str, row_ids: Collection[str]) -> list[Label]:
        places = [place_of(model, None, each) for each in row_ids]
        return self._labels(
            f"l.model = {quoted(model)} and {among('l.row_id', row_ids)} and {span('l.label_id', places, '~')}"
        )

    def through_events(self, model: str, row_ids: Collection[str]) -> list[tuple[str, Label]]:
        rows = self._rows(
            f"select w.row_id as of_id, {_SELECTED} from predictions w join labels l"
            f" on l.model = w.model and l.event_id = w.event_id and {_OF_ROW}"
            f" where w.model = {quoted(model)} and {among('w.row_id', row_ids)}"
        )
        return [(row.pop("of_id"), _label(row)) for row in rows]

    def known_rows(self, event_ids: Collection[str], rows: Collection[int]) -> list[KnownRow]:
        wanted = ", ".join(str(int(each)) for each in {0, *rows})
        found = self._rows(
            'select event_id, model, "row", rows, row_id, cast(at as bigint) as at, prediction is not null as answered'
            f" from predictions where {among('event_id', event_ids)} and {span('event_id', event_ids)}"
            f' and ("row" is null or "row" in ({wanted}))'
        )
        return [KnownRow(**{**row, "at": moment_of(row["at"])}) for row in found]

    def known_ids(self, model: str, row_ids: Collection[str]) -> dict[str, KnownId]:
        rows = self._rows(
            "select row_id, count(*) as predictions, count(prediction) as answered, cast(min(at) as bigint) as at"
            f" from predictions where model = {quoted(model)} and {among('row_id', row_ids)} and kind <> 'shadow'"
            " group by row_id"
        )
        return {r["row_id"]: KnownId(r["predictions"], r["answered"], moment_of(r["at"])) for r in rows}

    def joined(self, model: str, since: datetime, until: datetime, limit: int, kinds: Collection[Kind] = ()) -> Joined:
        return seen(lambda: _joined(self.sight(), model, since, until, limit, kinds))

    def _labels(self, where: str) -> list[Label]:
        return [_label(row) for row in self._rows(f"select {_SELECTED} from labels l where {where}")]

    def _rows(self, text: str) -> list[dict[str, Any]]:
        return seen(lambda: self.sight().rows(text))

    def sight(self) -> "Sight":
        """Both tables as they are now."""
        return Sight(self.table.latest(), self._journal.latest())


class Sight:
    """Both tables as they were at one moment; either may not be there yet."""

    def __init__(self, labels: DeltaTable | None, predictions: DeltaTable | None) -> None:
        known = {"labels": labels, "predictions": predictions}
        self._tables = {name: table for name, table in known.items() if table is not None}
        columns = {"labels": tuple(_COLUMNS), "predictions": _ASKED}
        absent = [f"{name} as ({_nothing(columns[name])})" for name, table in known.items() if table is None]
        self._before = f"with {', '.join(absent)} " if absent else ""

    def rows(self, text: str) -> list[dict[str, Any]]:
        return query(self._before + text, **self._tables)

    def batches(self, text: str) -> Iterator[RecordBatch]:
        """What SQL finds, a part at a time: there may be more than fits into memory as values."""
        return batches(self._before + text, **self._tables)


def _row(label: Label) -> Row:
    said = json.dumps(label.label, ensure_ascii=False)
    told = label.model_dump() | {"label": said, "day": day_of(label.received_at)}
    moments = {name: None if told[name] is None else micros_of(told[name]) for name in _TIMES}
    return tuple((told | moments)[name] for name in _COLUMNS)


def _label(row: dict[str, Any]) -> Label:
    moments = {name: _maybe(row[name]) for name in _TIMES}
    return Label(**row | moments | {"label": json.loads(row["label"])})


def _judged(row: dict[str, Any], said: dict[str, Any]) -> Judged:
    answer = json.loads(row["answer"])
    return Judged(
        event_id=row["event_id"], row=row["row"], row_id=row["row_id"], kind=row["kind"], at=moment_of(row["at"]),
        version=row["version"], prediction=answer["prediction"], value=row["value"],
        probabilities=answer["probabilities"], confidence=row["confidence"],
        features=json.loads(row["features"] or "{}"),
        label=None if said["label"] is None else json.loads(said["label"]), happened_at=_maybe(said["happened_at"]),
        received_at=_maybe(said["received_at"]), corrected=bool(said["corrected"]),
    )  # fmt: skip


def _joined(
    sight: Sight, model: str, since: datetime, until: datetime, limit: int, kinds: Collection[Kind]
) -> Joined:  # fmt: skip
    window = window_of(model, since, until, kinds)
    (ends,) = sight.rows(f"select min(asked) as first, max(asked) as last from ({window})")
    unknown = _unknown(sight, model, since, until)
    if ends["first"] is None:
        return Joined((), Coverage(unknown=unknown), cut=False)
    pairs = pairs_of(window, model, ends["first"], ends["last"])
    (counts,) = sight.rows(
        "select count(*) as labelled, count(*) filter (where corrected) as corrected,"
        f" (select count(*) from ({window})) as predictions from ({pairs}) where place = 1"
    )
    labelled = counts["labelled"]
    coverage = Coverage(labelled, counts["predictions"] - labelled, counts["corrected"], unknown)
    places = sight.rows(
        'select w.size, w.event_id, w."row", p.label, p.corrected,'
        f" cast(p.happened_at as bigint) as happened_at, cast(p.received_at as bigint) as received_at"
        f" from ({window}) w left join (select * from ({pairs}) where place = 1) p"
        f' on p.event_id = w.event_id and p."row" = w."row"'
        f' order by w.at desc, w.event_id desc, w."row" desc limit {int(limit) + 1}'
    )
    kept = places[: min(limit, fitting(each["size"] for each in places))]
    rows = sight.rows(
        'select event_id, "row", row_id, kind, cast(at as bigint) as at, version, value, confidence, features,'
        f' answer from ({window}) order by at desc, event_id desc, "row" desc limit {len(kept)}'
    )
    return Joined(tuple(map(_judged, rows, kept)), coverage, cut=len(places) > len(kept))


def _unknown(sight: Sight, model: str, since: datetime, until: datetime) -> int:
    """How many labels of that time are about nothing."""
    came = (
        f"from labels where model = {quoted(model)}"
        f" and received_at >= {literal(since)} and received_at < {literal(until)}"
    )
    of_model = f"from predictions where model = {quoted(model)}"
    (counts,) = sight.rows(
        f'select (select count(*) from (select event_id, "row" {came} and event_id is not null) l left anti join'
        f' (select event_id, coalesce("row", 0) as "row", rows {of_model}) w on l.event_id = w.event_id and {_OF_ROW})'
        f" + (select count(*) from (select row_id {came} and row_id is not null) l left anti join"
        f" (select row_id {of_model} and row_id is not null) w on l.row_id = w.row_id) as unknown"
    )
    return int(counts["unknown"])


def window_of(model: str, since: datetime, until: datetime, kinds: Collection[Kind]) -> str:
    """Answered predictions of some time, each with the call that labels of it name, and its size as text."""
    days = [quoted(day_of(each)) for each in (since, until)]
    call = f"case when kind = 'shadow' then substr(event_id, 1, length(event_id) - {len(SHADOW)}) else event_id end"
    return (
        f"select *, {call} as asked, coalesce(octet_length(features), 0) + octet_length(answer) as size"
        f" from predictions where model = {quoted(model)} and day >= {days[0]} and day <= {days[1]}"
        f" and at >= {literal(since)} and at < {literal(until)} and prediction is not null"
        + (f" and {among('kind', sorted(kinds))}" if kinds else "")
    )


def pairs_of(window: str, model: str, first: str, last: str) -> str:
    """By prediction everything that was said of it, the newest at place 1. Two joins by equal ids, because one by
    either of two would compare each with each."""
    said = f'w.event_id, w."row", {", ".join(f"l.{name}" for name in ("label_id", "label", *_TIMES))}'
    of_model = f"l.model = {quoted(model)}"
    newest = "received_at desc, label_id desc"
    return (
        f'select *, row_number() over (partition by event_id, "row" order by {newest}) as place,'
        ' min(label) over (partition by event_id, "row") <> max(label) over (partition by event_id, "row") as corrected'
        f" from (select {said} from ({window}) w join labels l on l.event_id = w.asked and {_OF_ROW}"
        f" where {of_model} and {span('l.label_id', (first, last), '~')}"
        f" union all select {said} from ({window}) w join labels l on l.row_id = w.row_id"
        f" where {of_model} and l.label_id >= {quoted(BY_ID)})"
    )


def _nothing(columns: Iterable[str]) -> str:
    """A table that is not there yet."""
    cells = ", ".join(f'cast(null as {_SQL.get(name, "varchar")}) as "{name}"' for name in columns)
    return f"select {cells} where false"


def _maybe(micros: int | None) -> datetime | None:
    return None if micros is None else moment_of(micros)
