"""The journal as a Delta table in S3."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import Any

from arro3.core import Array, DataType, Field, Schema, Table
from deltalake import DeltaTable, QueryBuilder, write_deltalake
from deltalake.exceptions import DeltaError, TableNotFoundError

from gyre.aws.delta import storage_options
from gyre.errors import NotFound, Unavailable
from gyre.journal.record import JournalRecord
from gyre.journal.table import Volume, Window

_TIME = DataType.timestamp("us", tz="UTC")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Of records that are read at once, as JSON: as values they take several times as much.
_MOST_BYTES = 32_000_000
_COLUMNS: dict[str, DataType] = {
    "event_id": DataType.utf8(),
    "model": DataType.utf8(),
    "day": DataType.utf8(),
    "version": DataType.int64(),
    "at": _TIME,
    "status": DataType.int32(),
    # The whole record beside the columns that are filtered by: the table's shape loses nothing of it.
    "record": DataType.utf8(),
}


class DeltaJournal:
    """`Journal` over a Delta table; `uri` is s3://… in a deployment and a folder in tests."""

    def __init__(self, uri: str) -> None:
        self._uri = uri
        self._options = storage_options(uri)

    def append(self, records: Sequence[JournalRecord]) -> None:
        try:
            write_deltalake(
                self._uri,
                _as_table(records),
                mode="append",
                partition_by=["model", "day"],
                storage_options=self._options,
                configuration={"delta.logRetentionDuration": "interval 30 days"},
            )
        except (DeltaError, OSError) as error:
            raise Unavailable(f"The journal did not take {len(records)} records: {error}") from error

    def find(self, event_id: str) -> JournalRecord:
        found = self._records(f"where event_id = {_quoted(event_id)} limit 1")
        if not found:
            raise NotFound(
                f"The journal holds no {event_id}. A record appears some seconds after its answer.", field="event_id"
            )
        return found[0]

    def newest(self, limit: int, model: str | None = None) -> list[JournalRecord]:
        where = f"where model = {_quoted(model)} " if model else ""
        return self._records(f"{where}order by at desc limit {int(limit)}")

    def window(self, model: str, since: datetime, limit: int) -> Window:
        # Their sizes first: a call may have one row or a thousand, and the memory must do for either.
        where = f"where model = {_quoted(model)} and {_from(since)}"
        sizes = self._rows(
            f"select cast(at as bigint) as moment, octet_length(record) as size from journal {where}"
            f" order by at desc limit {int(limit) + 1}"
        )
        fits = sum(size <= _MOST_BYTES for size in accumulate(row["size"] for row in sizes))
        kept = min(limit, max(1, fits), len(sizes))
        if not kept:
            return Window((), cut=False)
        oldest = _moment(sizes[kept - 1]["moment"])
        found = self._records(f"{where} and {_from(oldest)} order by at desc limit {kept}")
        return Window(tuple(found), cut=len(sizes) > kept)

    def volumes(self, since: datetime) -> list[Volume]:
        rows = self._rows(  # the one value in it is a time of ours
            "select model, count(*) as calls, count(*) filter (where status >= 500) as failed,"
            " cast(min(at) as bigint) as first_at, cast(max(at) as bigint) as last_at from journal"
            f" where {_from(since)} group by model order by model"
        )
        return [
            Volume(r["model"], r["calls"], r["failed"], _moment(r["first_at"]), _moment(r["last_at"])) for r in rows
        ]

    def _records(self, clause: str) -> list[JournalRecord]:
        return [
            JournalRecord(**json.loads(row["record"])) for row in self._rows(f"select record from journal {clause}")
        ]

    def _rows(self, query: str) -> list[dict[str, Any]]:
        try:
            table = DeltaTable(self._uri, storage_options=self._options)
            answer = QueryBuilder().register("journal", table).execute(query).read_all()
        except TableNotFoundError:
            return []  # nothing was ever predicted
        except (DeltaError, OSError) as error:
            raise Unavailable(f"The journal cannot be read: {error}") from error
        columns = {name: answer.column(name).to_pylist() for name in answer.schema.names}
        return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _as_table(records: Sequence[JournalRecord]) -> Table:
    rows = [_row(record) for record in records]
    columns = zip(zip(*rows, strict=True), _COLUMNS.values(), strict=True)
    arrays = [_array(list(values), kind) for values, kind in columns]
    fields = [Field(name, kind, nullable=name in ("version", "model")) for name, kind in _COLUMNS.items()]
    return Table.from_arrays(arrays, schema=Schema(fields))


def _row(r: JournalRecord) -> tuple[Any, ...]:
    micros = (r.at - _EPOCH) // timedelta(microseconds=1)
    return r.event_id, r.model, r.day, r.version, micros, r.status, r.model_dump_json()


def _from(since: datetime) -> str:
    """The day as well: it is the partition, so that older files are not opened."""
    moment = since.astimezone(UTC)
    return f"day >= {_quoted(moment.strftime('%Y-%m-%d'))} and at >= timestamp {_quoted(moment.isoformat())}"


def _moment(micros: int) -> datetime:
    """Times are read as numbers: arro3 would look for a time zone database, which Lambda need not have."""
    return _EPOCH + timedelta(microseconds=micros)


def _array(values: list[Any], kind: DataType) -> Array:
    if kind == _TIME:  # arro3 builds no times from Python values
        return Array(values, type=DataType.int64()).cast(_TIME)
    return Array(values, type=kind)


def _quoted(text: str) -> str:
    """A SQL literal: DataFusion takes no parameters. Names and ids were checked by their patterns before."""
    return "'" + text.replace("'", "''") + "'"
