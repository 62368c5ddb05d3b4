"""Opens made-up files and takes all that they hold."""

import io
from typing import Any

import pyarrow as pa

from gyre.datasets.source import Malformed, Opened, open_upload
from gyre.spec.reading import Reading


def opened(name: str, content: bytes, **reading: Any) -> Opened:
    return open_upload(name, io.BytesIO(content), Reading(**reading))


def taken(found: Opened) -> tuple[pa.Table, list[int], list[Malformed]]:
    """All rows, their numbers, and the malformed; each chunk must keep its promises."""
    chunks = list(found.chunks)
    for chunk in chunks:
        chunk.rows.validate(full=True)
        assert tuple(chunk.rows.schema.names) == found.columns
        assert set(chunk.rows.schema.types) == {pa.string()}
        assert (chunk.numbers.type, len(chunk.numbers)) == (pa.int64(), len(chunk.rows))
    numbers = [number for chunk in chunks for number in chunk.numbers.to_pylist()]
    malformed = [each for chunk in chunks for each in chunk.malformed]
    assert sorted([*numbers, *(each.row for each in malformed)]) == list(range(1, len(numbers) + len(malformed) + 1))
    assert numbers == sorted(numbers)
    return pa.Table.from_batches([chunk.rows for chunk in chunks]), numbers, malformed


def rows(name: str, content: bytes, **reading: Any) -> list[tuple[str | None, ...]]:
    """The cells, row by row."""
    return cells(taken(opened(name, content, **reading))[0])


def cells(table: pa.Table) -> list[tuple[str | None, ...]]:
    return list(zip(*(column.to_pylist() for column in table.columns), strict=True))


def read_all(name: str, content: bytes, **reading: Any) -> None:
    """For files that are refused somewhere on the way."""
    for _ in opened(name, content, **reading).chunks:
        pass
