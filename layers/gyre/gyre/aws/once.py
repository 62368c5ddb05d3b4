"""A Delta table in which every id stands once, whoever else writes to it meanwhile."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import Any

from arro3.core import Array, DataType, Field, RecordBatch, Schema, Table
from deltalake import CommitProperties, DeltaTable, QueryBuilder, write_deltalake
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError

from gyre.aws.delta import storage_options
from gyre.errors import Unavailable

TIME = DataType.timestamp("us", tz="UTC")
_EPOCH, _TICK = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)
# Of rows that are read at once, as text: as values they take several times as much.
MOST_BYTES = 32_000_000
# Each time somebody else was faster, so that with as many writers at once the last one is through.
_TRIES = 40
# Ids that begin alike in so many letters are near each other: of those that sort by time, within a quarter of an hour.
_NEAR, _MOST_SPANS = 7, 64
# Whoever lost reads and writes again: nothing is tried over on old knowledge.
_AS_READ = CommitProperties(max_commit_retries=0)

Row = tuple[Any, ...]


class OnceTable:
    """Rows by the id of what they belong to; all rows of one id are written together.

    A commit is taken only if nobody committed since the table was looked through for the ids: Delta's log is written
    by a conditional put, so of two writers who know the same version one is refused, and looks again."""

    def __init__(
        self, uri: str, columns: Mapping[str, DataType], *, key: str, partitions: Sequence[str], told: Sequence[str]
    ) -> None:
        """`told`: the columns whose least and most values the log may tell, so that queries pass over whole files."""
        self._uri, self._options = uri, storage_options(uri)
        self._key, self._partitions = key, list(partitions)
        fields = [Field(name, kind, nullable=name != key) for name, kind in columns.items()]
        self._schema, self._kinds = Schema(fields), list(columns.values())
        self._at = {name: at for at, name in enumerate(columns)}
        self._configuration = {
            "delta.logRetentionDuration": "interval 30 days",
            "delta.dataSkippingStatsColumns": ",".join(told),
        }
        self._table: DeltaTable | None = None

    def append(self, groups: Mapping[str, Sequence[Row]]) -> frozenset[str]:
        """Rows by id, in one commit; tells which ids were new. `Unavailable` if nothing was written."""
        if not groups:
            return frozenset()
        try:
            for _ in range(_TRIES):
                table = self.latest() or self._created()
                known = self._known(table, groups)
                fresh = {key: rows for key, rows in groups.items() if key not in known}
                if not fresh:
                    return frozenset()
                try:
                    write_deltalake(
                        table, self._written(fresh), mode="append", partition_by=self._partitions,
                        commit_properties=_AS_READ,
                    )  # fmt: skip
                except CommitFailedError:  # somebody was faster
                    continue
                return frozenset(fresh)
        except (DeltaError, OSError) as error:
            self._table = None
            raise Unavailable(f"{self._uri} did not take {len(groups)} entries: {error}") from error
        raise Unavailable(f"{self._uri} is written to by too many at once: {len(groups)} entries were not taken yet.")

    def latest(self) -> DeltaTable | None:
        """The table as it is now; None if nothing was ever written to it."""
        try:
            if self._table is None:
                self._table = DeltaTable(self._uri, storage_options=self._options)
            else:
                self._table.update_incremental()
        except TableNotFoundError:
            return None
        except (DeltaError, OSError) as error:
            self._table = None
            raise Unavailable(f"{self._uri} cannot be read: {error}") from error
        return self._table

    def rows(self, text: str) -> list[dict[str, Any]]:
        """What SQL finds in this table, under the name `entries`; nothing before anything was written."""

        def look() -> list[dict[str, Any]]:
            table = self.latest()
            return [] if table is None else query(text, entries=table)

        return seen(look)

    def changed(self, change: Callable[[DeltaTable], int]) -> int:
        """How many rows a change of what is there was about, made again for as long as others are faster; 0 of a table
        that is not there."""
        for _ in range(_TRIES):
            if (table := self.latest()) is None:
                return 0
            try:
                return change(table)
            except CommitFailedError:  # somebody wrote, or put files together
                continue
            except (DeltaError, OSError) as error:
                raise Unavailable(f"{self._uri} could not be changed: {error}") from error
        raise Unavailable(f"{self._uri} is written to by too many at once. Try again in a minute.")

    def _created(self) -> DeltaTable:
        try:
            return DeltaTable.create(
                self._uri, self._schema, mode="error", partition_by=self._partitions,
                configuration=self._configuration, storage_options=self._options, commit_properties=_AS_READ,
            )  # fmt: skip
        except (DeltaError, OSError):
            found = self.latest()  # another writer may have been faster
            if found is None:
                raise
            return found

    def _known(self, table: DeltaTable, groups: Mapping[str, Sequence[Row]]) -> set[str]:
        """Which of the ids are there. A copy of a row lies in the same partition, because all of it is the same."""
        for letters in (_NEAR, 0):  # one old id among new ones must not lead through all that lies between
            spans: dict[Row, list[str]] = {}
            for key, rows in groups.items():
                place = tuple(rows[0][self._at[name]] for name in self._partitions)
                spans.setdefault((*place, key[:letters]), []).append(key)
            if len(spans) <= _MOST_SPANS:
                break
        places = " or ".join(f"({self._place(values[:-1], each)})" for values, each in spans.items())
        found = query(f"select distinct {self._key} from entries where {places}", entries=table)
        return {row[self._key] for row in found} & groups.keys()

    def _place(self, values: Row, ids: Sequence[str]) -> str:
        """One partition, and the span of the ids."""
        parts = [
            f"{name} is null" if value is None else f"{name} = {quoted(value)}"
            for name, value in zip(self._partitions, values, strict=True)
        ]
        return " and ".join([*parts, span(self._key, ids)])

    def _written(self, groups: Mapping[str, Sequence[Row]]) -> Table:
        rows = [row for each in groups.values() for row in each]
        arrays = [_array([row[at] for row in rows], kind) for at, kind in enumerate(self._kinds)]
        return Table.from_arrays(arrays, schema=self._schema)


def seen[Rows](look: Callable[[], Rows]) -> Rows:
    """What a look at tables finds. A file may go in the middle of it, put together with others: then it looks again."""
    try:
        return look()
    except Unavailable:
        return look()


def query(text: str, **tables: DeltaTable) -> list[dict[str, Any]]:
    """The rows that SQL finds in these tables."""
    rows: list[dict[str, Any]] = []
    for batch in batches(text, **tables):
        columns = {name: batch.column(name).to_pylist() for name in batch.schema.names}
        rows += [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    return rows


def batches(text: str, **tables: DeltaTable) -> Iterator[RecordBatch]:
    """What SQL finds, a part at a time."""
    found = QueryBuilder()
    for name, table in tables.items():
        found = found.register(name, table)
    try:
        yield from found.execute(text)
    except Exception as error:  # what goes wrong while rows are read has no class of its own
        raise Unavailable(f"The journal cannot be read: {error}") from error


def quoted(text: str) -> str:
    """A SQL literal: DataFusion takes no parameters."""
    return "'" + text.replace("'", "''") + "'"


def among(column: str, values: Iterable[str]) -> str:
    """SQL: the column is one of them; false of none."""
    listed = ", ".join(map(quoted, values))
    return f"{column} in ({listed})" if listed else "false"


def span(column: str, values: Collection[str], behind: str = "") -> str:
    """SQL: between the least and the greatest of these: files whose statistics lie elsewhere are not opened. `behind`
    is what may follow the value."""
    if not values:
        return "false"
    return f"{column} >= {quoted(min(values))} and {column} <= {quoted(max(values) + behind)}"


def literal(moment: datetime) -> str:
    """SQL: a moment."""
    return f"timestamp {quoted(moment.astimezone(UTC).isoformat())}"


def day_of(moment: datetime) -> str:
    """As the column `day` has it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d")


def micros_of(moment: datetime) -> int:
    """As a column of times is written and read."""
    return (moment - _EPOCH) // _TICK


def moment_of(micros: int) -> datetime:
    return _EPOCH + micros * _TICK


def fitting(sizes: Iterable[int]) -> int:
    """How many rows of these sizes fit into memory; one at least. Their sizes are asked for first: a row may hold a
    number or a text of pages."""
    return max(1, sum(size <= MOST_BYTES for size in accumulate(sizes)))


def _array(values: list[Any], kind: DataType) -> Array:
    if kind == TIME:  # arro3 builds no times from Python values
        return Array(values, type=DataType.int64()).cast(TIME)
    return Array(values, type=kind)
