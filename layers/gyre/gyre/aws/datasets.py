"""The tables of datasets as Delta tables in S3."""

from collections.abc import Callable, Iterator, Sequence

import pyarrow as pa
import pyarrow.dataset
from deltalake import (
    ColumnProperties,
    CommitProperties,
    DeltaTable,
    Transaction,
    WriterProperties,
    write_deltalake,
)
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError

from gyre.aws.delta import storage_options
from gyre.datasets.table import UPLOAD, Batches, TableName
from gyre.datasets.typed import ARROW_TYPES
from gyre.errors import Invalid, NotFound, Unavailable
from gyre.spec.base import alike

# Each time somebody else was faster: with twenty writers at once the last one needs about as many tries.
_TRIES = 20
_INGEST = "gyre.ingest"
_CONFIGURATION = {
    # Every version stays readable: no log is ever tidied away.
    "delta.enableExpiredLogCleanup": "false",
    "delta.logRetentionDuration": "interval 36500 days",
}
_KINDS = {
    kind: " or ".join(word for word, each in ARROW_TYPES.items() if each == kind) for kind in ARROW_TYPES.values()
}
# What is being written must fit beside what is being read: the writer keeps a number of batches and whole files.
_FILE_BYTES = 64 * 1024 * 1024
_BATCH_ROWS = 16_384
# Measured over 2.6 million rows of text: dictionaries doubled the memory and tripled the time.
_WRITER = WriterProperties(
    max_row_group_size=65_536, default_column_properties=ColumnProperties(dictionary_enabled=False)
)


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
            _check_names(batches.schema)
            found = self._table(model, table) or self._create(model, table, batches.schema)
            if (earlier := _version_of(found, ingest)) is not None:
                return earlier
            # What lies before the first ingest is empty, and its columns bind nobody.
            if (version := self._written(found, ingest, batches, replace or found.version() == 0)) is not None:
                return version
        raise Unavailable(f"{table} of {model} is being written by too many at once; {ingest} was not taken yet.")

    def rows(self, model: str, table: TableName, version: int) -> int:
        try:
            return int(self._at(model, table, version).count())
        except (DeltaError, OSError) as error:
            raise _unreadable(model, version, error) from error

    def read(
        self, model: str, table: TableName, version: int | None, columns: Sequence[str], ingest: str | None = None
    ) -> pa.Table:
        try:
            dataset = self._at(model, table, version).to_pyarrow_dataset()
            there = {name.lower(): pa.dataset.field(name) for name in dataset.schema.names}
            if absent := [name for name in columns if name.lower() not in there]:
                raise Invalid(
                    f"Version {version} of {model} has no column {', '.join(absent)[:500]}: model.yaml declared it "
                    "later. Upload data under the model.yaml of now, and take the version that it makes.",
                    field="version",
                )
            wanted = None if ingest is None else pa.dataset.field(UPLOAD) == ingest
            return dataset.to_table(columns={name: there[name.lower()] for name in columns}, filter=wanted)
        except (DeltaError, OSError, pa.ArrowInvalid) as error:
            raise _unreadable(model, version, error) from error

    def _written(self, table: DeltaTable, ingest: str, batches: Batches, replace: bool) -> int | None:
        """The new version; None if another writer was faster."""
        schema = batches.schema if replace else _fitted(batches.schema, table, ingest)
        watched = _Watched(batches.batches, schema)
        try:
            write_deltalake(
                table,
                pa.RecordBatchReader.from_batches(schema, watched),
                mode="overwrite" if replace else "append",
                schema_mode="overwrite" if replace else "merge",
                partition_by=[UPLOAD],
                target_file_size=_FILE_BYTES,
                writer_properties=_WRITER,
                # The transaction makes the commit of one ingest impossible twice, also for two writers at once. One
                # that replaces is not tried again as it is: it would leave what others have appended meanwhile.
                commit_properties=CommitProperties(
                    custom_metadata={_INGEST: ingest},
                    app_transactions=[Transaction(ingest, 1)],
                    max_commit_retries=0 if replace else None,
                ),
            )
        except CommitFailedError:
            return None
        except (DeltaError, OSError, pa.ArrowException) as error:
            raise watched.failure or Unavailable(f"{ingest} could not be written: {error}") from error
        return table.version()  # of this very commit, also if others came after it

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
                # Tried again it would lay a second beginning over what another writer has begun.
                commit_properties=CommitProperties(max_commit_retries=0),
            )  # fmt: skip
        except (DeltaError, OSError) as error:
            found = self._table(model, table)  # another writer may have been faster
            if found is None:
                raise Unavailable(f"{table} of {model} cannot be created: {error}") from error
            return found


class _Watched:
    """Batches on their way into the writer, which forgets what kind of error ended them."""

    def __init__(self, batches: Iterator[pa.RecordBatch], schema: pa.Schema) -> None:
        self._batches, self._schema = batches, schema
        self.failure: Exception | None = None

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        try:
            for batch in self._batches:
                whole = pa.RecordBatch.from_arrays(batch.columns, schema=self._schema)
                yield from (whole.slice(first, _BATCH_ROWS) for first in range(0, whole.num_rows, _BATCH_ROWS))
        except Exception as error:
            self.failure = error
            raise


def _version_of(table: DeltaTable, ingest: str) -> int | None:
    if table.transaction_version(ingest) is None:
        return None
    for _ in range(_TRIES):
        table.update_incremental()
        newest, commits = table.version(), table.history()
        table.update_incremental()
        # deltalake numbers a history from the version that it has loaded, also if newer commits are in it.
        if table.version() == newest:
            return next(int(commit["version"]) for commit in commits if commit.get(_INGEST) == ingest)
    raise Unavailable(f"The log of {table.table_uri} grows faster than it can be read; {ingest} is in it.")


def _check_names(schema: pa.Schema) -> None:
    if same := alike(schema.names):
        raise Invalid(f"A table cannot tell the columns {', '.join(same)[:500]} apart. Rename all but one.")


def _fitted(schema: pa.Schema, table: DeltaTable, ingest: str) -> pa.Schema:
    """The columns as the table spells them: to Delta, Age and age are one. Left to itself it would also make 1 of 1.5
    where the column has held integers so far."""
    there = {field.name.lower(): field for field in pa.schema(table.schema())}
    fitted = []
    for field in schema:
        known = there.get(field.name.lower(), field)
        if known.type != field.type:
            raise Invalid(
                f"The columns of {ingest} do not go with those of earlier versions: {field.name!r} is of type "
                f"{_KINDS.get(field.type, field.type)} now, and was {_KINDS.get(known.type, known.type)} before. Give "
                "the column another name, or set `dataset.mode: replace` in model.yaml, which begins anew.",
                field="columns",
            )
        fitted.append(field.with_name(known.name))
    return pa.schema(fitted)


def _unreadable(model: str, version: int | None, error: Exception) -> Unavailable:
    return Unavailable(f"Version {version} of {model} cannot be read: {error}")
