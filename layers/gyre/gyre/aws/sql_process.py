"""`python -m gyre.aws.sql_process`: one query, from standard input to standard output, within bounds."""

import json
import resource
import sys
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

from arro3.core import DataType, RecordBatch
from deltalake import DeltaTable, QueryBuilder
from deltalake.exceptions import DeltaError, TableNotFoundError

from gyre.aws.delta import storage_options
from gyre.aws.sql import Refusal

TABLES = ("predictions", "labels")
# An answer has room for 6 MB, and as text in JSON it grows.
_MOST_BYTES = 3_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PER_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}


def answer(uri: str, sql: str, limit: int) -> dict[str, Any]:
    """In brackets nothing but a query can stand: nothing that writes, and no second statement."""
    reader = QueryBuilder()
    for name in TABLES:
        try:
            reader = reader.register(name, DeltaTable(f"{uri}/{name}", storage_options=storage_options(uri)))
        except TableNotFoundError:  # nothing was written to it yet
            continue
        except (DeltaError, OSError) as error:
            return _refused(f"The journal cannot be read: {error}", is_ours=True)
    try:
        batches = reader.execute(f"select * from (\n{sql.strip().rstrip(';')}\n) as answer limit {limit + 1}")
        return _read(batches, limit)
    except MemoryError:
        raise
    except BaseException as error:  # noqa: BLE001  # what goes wrong while rows are read has no class; arro3 panics
        if not isinstance(error, Exception):
            return _refused(f"{str(error)[:500]}: cast it to text", is_ours=False)
        text = str(error).replace("datafusion.public.", "").replace("datafusion.", "")
        return _refused(text[:2_000], is_ours="object store" in text.lower() or "Generic S3" in text)


def _read(batches: Any, limit: int) -> dict[str, Any]:
    rows, size, cut = list[list[Any]](), 0, False
    types = [str(field.type) for field in batches.schema]
    for batch in batches:
        for row in _rows(batch, types):
            size += len(json.dumps(row, default=str))
            if len(rows) == limit or (rows and size > _MOST_BYTES):
                cut = True
                break
            rows.append(row)
    return {"columns": batches.schema.names, "types": types, "rows": rows, "cut": cut}


def _rows(batch: RecordBatch, types: list[str]) -> list[list[Any]]:
    columns = [_values(batch.column(at), batch.schema.field(at).type) for at in range(len(types))]
    return [list(row) for row in zip(*columns, strict=True)]


def _values(column: Any, kind: DataType) -> list[Any]:
    if not DataType.is_timestamp(kind):
        return list(column.to_pylist())
    # As numbers: arro3 would look for a time zone database, which Lambda need not have.
    parts = _PER_SECOND[kind.time_unit or "us"]
    return [None if each is None else _told(each, parts) for each in column.cast(DataType.int64()).to_pylist()]


def _told(moment: int, parts: int) -> str:
    """Finer than a microsecond is none of ours, and dates beyond Python's are told as they came."""
    try:
        return (_EPOCH + timedelta(microseconds=moment * 1_000_000 // parts)).isoformat()
    except OverflowError:
        return f"{moment} {1 / parts:g} s after {_EPOCH.isoformat()}"


def _refused(message: str, *, is_ours: bool) -> dict[str, Any]:
    return {"refusal": asdict(Refusal(message, is_ours))}


def main() -> None:
    asked = json.load(sys.stdin)
    most = asked.pop("megabytes") * 2**20
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))
    json.dump(answer(**asked), sys.stdout, default=str)


if __name__ == "__main__":
    main()
