"""The tables of datasets as Delta tables in S3."""

from collections.abc import Callable, Iterator, Sequence

import pyarrow as pa
import pyarrow.dataset
from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake
from deltalake.exceptions import CommitFailedError, DeltaError, SchemaMismatchError, TableNotFoundError

from gyre.aws.delta import storage_options
from gyre.datasets.table import UPLOAD, Batches, TableName
from gyre.errors import GyreError, Invalid, NotFound, Unavailable

# Each time somebody else was faster: with twenty writers at once the last one needs about as many tries.
_TRIES = 20
_INGEST = "gyre.ingest"
_CONFIGURATION = {
    # Every version stays readable: no log is ever tidied away.
    "delta.enableExpiredLogCleanup": "false",
    "delta.logRetentionDuration": "interval 36500 days",
}
# Small enough that what is being written fits beside what is being read.
_FILE_BYTES = 64 * 1024 * 1024


class DeltaDatasets:
    """`DatasetTables` below one place: s3://… in a deployment, a folder in tests."""

    def __init__(self, uri: str) -> None:
        self._uri = uri.rstrip("/")
        self._options = storage_options(uri)

    def version_of(self, model: str, table: TableName, ingest: str) -> int | None:
        found = self._table(model, table)
        return None if found is None else _version_of(found, ingest)

    def append(
        self, model: str, table: TableName, ingest: str, source: Callable[[], Batches], *, replace: bool = False
    ) -> int:
        for _ in range(_TRIES):
            batches = source()
            found = self._table(model, table) or self._create(model, table, batches.schema)
            if (earlier := _version_of(found, ingest)) is not None:
                return earlier
            if (version := self._written(found, ingest, batches, replace)) is not None:
                return version
        raise Unavailable(f"{table} of {model} is being written by too many at once; {ingest} was not taken yet.")

    def rows(self, model: str, table: TableName, version: int) -> int:
        return int(self._at(model, table, version).count())

    def read(
        self, model: str, table: TableName, version: int | None, columns: Sequence[str], ingest: str | None = None
    ) -> pa.Table:
        try:
            dataset = self._at(model, table, version).to_pyarrow_dataset()
            wanted = None if ingest is None else pa.dataset.field(UPLOAD) == ingest
            return dataset.to_table(columns=list(columns), filter=wanted)
        except (DeltaError, OSError, pa.ArrowInvalid) as error:
            raise Unavailable(f"Version {version} of {model} cannot be read: {error}") from error

    def _written(self, table: DeltaTable, ingest: str, batches: Batches, replace: bool) -> int | None:
        """The new version; None if another writer was faster."""
        watched = _Watched(batches.batches)
        try:
            write_deltalake(
                table,
                pa.RecordBatchReader.from_batches(batches.schema, watched),
                mode="overwrite" if replace else "append",
                schema_mode="overwrite" if replace else "merge",
                partition_by=[UPLOAD],
                target_file_size=_FILE_BYTES,
                # The transaction makes the commit of one ingest impossible twice, also for two writers at once.
                commit_properties=CommitProperties(
                    custom_metadata={_INGEST: ingest}, app_transactions=[Transaction(ingest, 1)]
                ),
            )
        except CommitFailedError:
            return None
        except (DeltaError, OSError, pa.ArrowException, SchemaMismatchError) as error:
            raise watched.failure or _told(error, ingest) from error
        return _version_of(table, ingest)

    def _table(self, model: str, table: TableName) -> DeltaTable | None:
        try:
            return DeltaTable(f"{self._uri}/{model}/{table}", storage_options=self._options)
        except TableNotFoundError:
            return None
        except (DeltaError, OSError) as error:
            raise Unavailable(f"{table} of {model} cannot be reached: {error}") from error

    def _at(self, model: str, table: TableName, version: int | None) -> DeltaTable:
        found = self._table(model, table)
        if found is None or (version is not None and not 0 <= version <= found.version()):
            raise NotFound(f"{model} has no version {version} of {table} rows.", field="version")
        if version is not None:
            found.load_as_version(version)
        return found

    def _create(self, model: str, table: TableName, schema: pa.Schema) -> DeltaTable:
        """Version 0, without rows: the first ingest is version 1."""
        uri = f"{self._uri}/{model}/{table}"
        try:
            return DeltaTable.create(
                uri, schema, mode="error", partition_by=[UPLOAD], configuration=_CONFIGURATION,
                storage_options=self._options,
            )  # fmt: skip
        except (DeltaError, OSError) as error:
            found = self._table(model, table)  # another writer may have been faster
            if found is None:
                raise Unavailable(f"{table} of {model} cannot be created: {error}") from error
            return found


class _Watched:
    """Batches on their way into the writer, which forgets what kind of error ended them."""

    def __init__(self, batches: Iterator[pa.RecordBatch]) -> None:
        self._batches = batches
        self.failure: GyreError | None = None

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        try:
            yield from self._batches
        except GyreError as error:
            self.failure = error
            raise


def _version_of(table: DeltaTable, ingest: str) -> int | None:
    if table.transaction_version(ingest) is None:
        return None
    for limit in (20, 400, None):  # it is nearly always among the newest; each commit that is looked at is one request
        for commit in table.history(limit):
            if commit.get(_INGEST) == ingest:
                return int(commit["version"])
    raise Unavailable(f"The log of {table.table_uri} names no commit of {ingest}, although it knows of it.")


def _told(error: Exception, ingest: str) -> GyreError:
    if isinstance(error, SchemaMismatchError):
        return Invalid(
            f"The columns of {ingest} do not go with those of earlier versions: {error}. Give the column another name, "
            "or set `dataset.mode: replace` in model.yaml, which begins anew."
        )
    return Unavailable(f"{ingest} could not be written: {error}")
