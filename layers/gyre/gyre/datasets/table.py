"""The port to the tables of datasets: raw, processed and quarantined rows, one commit an ingest."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    import pyarrow as pa

TableName = Literal["raw", "processed", "quarantine"]
# Every row tells which ingest it came with, and which row of the file it was.
UPLOAD, ROW, FLAGS = "_gyre_upload", "_gyre_row", "_gyre_flags"


@dataclass(frozen=True)
class Batches:
    """Rows to be written, read as they are written."""

    schema: "pa.Schema"
    batches: "Iterator[pa.RecordBatch]"


class DatasetTables(Protocol):
    """The tables of all models."""

    def version_of(self, model: str, table: TableName, ingest: str) -> int | None:
        """The version in which this ingest was committed, if it was."""

    def append(
        self, model: str, table: TableName, ingest: str, source: Callable[[], Batches], *, replace: bool = False
    ) -> int:
        """Commits all of the source's rows at once, or none; `replace` leaves nothing else in the new version.
        An ingest is committed once: if it was, that version is the answer. `source` is asked again when another writer
        was faster. What the source raises comes out as it is."""

    def rows(self, model: str, table: TableName, version: int) -> int:
        """How many rows a version holds."""

    def read(
        self, model: str, table: TableName, version: int | None, columns: Sequence[str], ingest: str | None = None
    ) -> "pa.Table":
        """Those columns of a version, of one ingest or of all, in no certain order; `NotFound` if it does not exist."""
