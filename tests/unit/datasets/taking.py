"""Uploads on their way into versions, as the task composes it: objects in memory, tables in a folder."""

import json
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gyre.aws.datasets import DeltaDatasets
from gyre.datasets.ingest import Parts, ingest
from gyre.datasets.report import report_of
from gyre.datasets.table import ROW, UPLOAD, DatasetTables, TableName
from gyre.datasets.upload import Upload
from gyre.datasets.version import DatasetVersion
from gyre.errors import NotFound
from gyre.objects import ObjectStore, Written
from gyre.spec.versions import SpecVersion, add_spec
from tests.fakes.objects import MemoryBucket

COLUMNS: dict[str, Any] = {
    "x": {"type": "number", "range": [0, 100]},
    "c": {"type": "category"},
    "y": {"type": "boolean", "required": True},
}
SPEC: dict[str, Any] = {"model": "m", "task": "binary", "target": "y", "columns": COLUMNS, "quality": {"rejected": 0.5}}


class OneAtATime(MemoryBucket):
    """S3 writes on a condition in one step, also when several ask at once."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()

    def write(
        self, key: str, content: bytes, *, content_type: str, replaces: str | None = None, new: bool = False
    ) -> Written:
        with self._lock:
            return super().write(key, content, content_type=content_type, replaces=replaces, new=new)


class Lake:
    """The data of one deployment."""

    def __init__(self, folder: Path) -> None:
        self.data, self.artifacts = OneAtATime(), MemoryBucket()
        self.folder = str(folder / "datasets")
        self.tables: DatasetTables = DeltaDatasets(self.folder)
        self.progress: list[int] = []

    def declare(self, **changes: Any) -> SpecVersion:
        """The usual spec with some sections changed."""
        return add_spec(json.dumps(SPEC | changes).encode(), self.artifacts)[0]

    def put(self, content: str | bytes, name: str = "a.csv") -> Upload:
        key = f"inbox/m/{name}"
        return Upload("m", key, self.data.put(key, content.encode() if isinstance(content, str) else content))

    def take(
        self,
        upload: Upload,
        spec: SpecVersion | None = None,
        run: str = "run-1",
        data: ObjectStore | None = None,
        tables: DatasetTables | None = None,
    ) -> DatasetVersion:
        parts = Parts(data or self.data, tables or self.tables, self.progress.append)
        return ingest(run, upload, spec or self.declare(), parts)

    def report(self, run: str = "run-1") -> dict[str, Any]:
        told: dict[str, Any] = json.loads(report_of("m", run, "json", self.data))
        return told

    def rows(self, columns: Sequence[str], version: int | None = None, table: TableName = "processed") -> list[Any]:
        """The rows of a table by upload and row; none if there is no such table, or nothing in it."""
        try:
            found = self.tables.read("m", table, version, [UPLOAD, ROW, *columns])
        except NotFound:
            return []
        ordered = found.sort_by([(UPLOAD, "ascending"), (ROW, "ascending")])
        return [tuple(row.values()) for row in ordered.select(list(columns)).to_pylist()]

    def commits(self) -> dict[str, int]:
        """How many ingests each table holds."""
        return {table: self._newest(table) for table in ("processed", "raw", "quarantine")}

    def _newest(self, table: TableName) -> int:
        version = 0
        try:
            while True:
                self.tables.rows("m", table, version + 1)
                version += 1
        except NotFound:
            return version

    def records(self) -> list[str]:
        return [each.key.rsplit("/", 1)[-1] for each in self.data.list("datasets/m/versions/")]
