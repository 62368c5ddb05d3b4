"""Keeping a Delta table small and quick: files put together, old ones removed for good."""

from datetime import datetime
from urllib.parse import unquote

from deltalake import WriterProperties
from deltalake.exceptions import CommitFailedError, DeltaError

from gyre.aws.once import OnceTable, quoted
from gyre.errors import Unavailable
from gyre.objects import ObjectStore

_FILE_BYTES = 64 * 1024 * 1024
# So that who looks for one event reads a part of a file.
_WRITER = WriterProperties(compression="ZSTD", max_row_group_size=16_384)
_LOG = "_delta_log/"


class DeltaUpkeep:
    """`Upkeep` of one table, whose files lie below `prefix` in the bucket."""

    def __init__(self, table: OnceTable, data: ObjectStore, prefix: str) -> None:
        self._table, self._data, self._prefix = table, data, prefix

    def compact(self) -> int:
        """Readers and writers go on: what they have is there until it is swept."""
        if (table := self._table.latest()) is None:
            return 0
        try:
            told = table.optimize.compact(target_size=_FILE_BYTES, max_concurrent_tasks=1, writer_properties=_WRITER)
        except CommitFailedError:  # lines were blanked meanwhile; the next time will do
            return 0
        except (DeltaError, OSError) as error:
            raise Unavailable(f"{self._prefix} could not be put together: {error}") from error
        return int(told["numFilesRemoved"])

    def expire(self, model: str | None, before: str) -> int:
        """Whole partitions, so that no file is written anew."""
        if (table := self._table.latest()) is None:
            return 0
        try:
            of_model = "model is null" if model is None else f"model = {quoted(model)}"
            told = table.delete(f"{of_model} and day < {quoted(before)}")
        except (DeltaError, OSError) as error:
            raise Unavailable(f"{self._prefix} could not be shortened: {error}") from error
        return int(told["num_removed_files"])

    def sweep(self, before: datetime) -> int:
        """Files that no commit names, or not any more. Younger ones may be on their way into a commit."""
        if (table := self._table.latest()) is None:
            return 0
        named = {unquote(path) for path in table.get_add_actions().column("path").to_pylist()}
        swept = set()
        for each in self._data.versions(self._prefix):
            path = each.key.removeprefix(self._prefix)
            if path.startswith(_LOG) or path in named or each.changed_at >= before:
                continue
            self._data.remove(each.key, each.version)
            swept.add(path)
        return len(swept)
