"""Dataset tables in a folder, a model of what each version holds, and a bucket that dies."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import DeltaTable

from gyre.aws.datasets import DeltaDatasets
from gyre.datasets.table import ROW, UPLOAD, Batches
from gyre.objects import Stream, Written
from gyre.spec.columns import Column
from gyre.spec.reading import Reading
from gyre.subjects.data_files import Rows
from gyre.subjects.history import Outcome, TableHistory
from gyre.subjects.naming import Naming, Person
from tests.fakes.folder import FolderBucket

ROOT = "datasets/m/raw/"
SCHEMA = pa.schema([(UPLOAD, pa.string()), (ROW, pa.int64()), ("email", pa.string()), ("x", pa.int64())])
NAMING = Naming("email", Column(type="text", personal=True), Reading())


class Died(BaseException):
    """The process ended here."""


class Mortal(FolderBucket):
    """Dies at its n-th change, before or after it."""

    changes = 0
    dies_at: int | None = None

    def _step(self, change: Callable[[], Any]) -> Any:
        self.changes += 1
        if self.changes == self.dies_at:
            raise Died
        return change()

    def write(self, key: str, content: bytes, **how: Any) -> Written:
        return self._step(lambda: super(Mortal, self).write(key, content, **how))  # type: ignore[no-any-return]

    def write_stream(self, key: str, stream: Stream, *, marks: Mapping[str, str] | None = None) -> Written:
        return self._step(lambda: super(Mortal, self).write_stream(key, stream, marks=marks))  # type: ignore[no-any-return]

    def remove(self, key: str, version: str) -> None:
        self._step(lambda: super(Mortal, self).remove(key, version))


class Lake:
    """One table that is written as ingests write it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.bucket = folder, Mortal(folder)
        self.tables = DeltaDatasets(str(folder / "datasets"))
        self.versions: dict[int, list[tuple[str, int]]] = {}
        self.count = 0

    def ingest(self, *people: str, replace: bool = False) -> int:
        """One row for each; all rows are told apart by their x."""
        rows = [(person, self.count + at) for at, person in enumerate(people, 1)]
        self.count += len(rows)
        name = f"ingest{self.count}of{len(self.versions)}"
        version = self.tables.append("m", "raw", name, lambda: batches(name, rows), replace=replace)
        before = [] if replace else self.versions.get(max(self.versions, default=0), [])
        self.versions[version] = before + rows
        return version

    def erase(self, person: str, erasure: str = "", bucket: Any = None, **how: Any) -> Outcome:
        return TableHistory(bucket or self.bucket, ROOT, erasure or f"of-{person}", rows_of(person), **how).erase()

    def forget(self, person: str) -> None:
        """In the model alone."""
        self.versions = {
            version: [each for each in rows if each[0] != person] for version, rows in self.versions.items()
        }

    def read(self, version: int) -> list[tuple[str, int]]:
        """By deltalake's own log and pyarrow's reader."""
        found = self.tables.read("m", "raw", version, ["email", "x"])
        assert self.tables.rows("m", "raw", version) == found.num_rows
        return sorted(zip(found["email"].to_pylist(), found["x"].to_pylist(), strict=True), key=lambda row: row[1])

    def newest(self) -> int:
        return DeltaTable(str(self.folder / ROOT)).version()

    def check(self) -> None:
        """Every version holds what the model says, for two readers."""
        for version, rows in self.versions.items():
            assert self.read(version) == sorted(rows, key=lambda row: row[1])
            table = DeltaTable(str(self.folder / ROOT), version=version)
            by_engine = [pq.read_table(self.folder / ROOT / path, partitioning=None) for path in table.file_uris()]
            assert sorted(x for each in by_engine for x in each["x"].to_pylist()) == [
                x for _, x in sorted(rows, key=lambda row: row[1])
            ]

    def grep(self, person: str) -> list[str]:
        """Objects in all their versions with the person's name, packed or not."""
        found = []
        for each in self.bucket.versions(""):
            content = self.bucket.read(each.key, each.version).content
            plain = str(pq.read_table(pa.BufferReader(content)).to_pylist()) if each.key.endswith(".parquet") else ""
            if person.encode() in content or person in plain:
                found.append(f"{each.key} {each.version}")
        return found


def batches(ingest: str, rows: list[tuple[str, int]]) -> Batches:
    columns = [
        [ingest] * len(rows),
        list(range(1, len(rows) + 1)),
        [each[0] for each in rows],
        [each[1] for each in rows],
    ]
    arrays = [pa.array(each, kind) for each, kind in zip(columns, SCHEMA.types, strict=True)]
    return Batches(SCHEMA, iter([pa.RecordBatch.from_arrays(arrays, schema=SCHEMA)]))


def rows_of(name: str) -> Rows:
    person = Person(name, [NAMING])
    return Rows(person.of, lambda rows, _: person.among(rows))
