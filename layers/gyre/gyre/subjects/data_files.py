"""The Parquet files of a table: which rows of one are a person's, and the file without them."""

import tempfile
import uuid
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO
from urllib.parse import quote

import numpy as np
import pyarrow as pa

from gyre.datasets.table import ROW
from gyre.errors import Unavailable
from gyre.objects import ObjectStore
from gyre.subjects.naming import Mask
from gyre.subjects.row_files import opened, write_chosen
from gyre.subjects.table_log import DataFile
from gyre.subjects.table_plan import Move

# Every reason of pyarrow not to read a file. Errors of the stream itself are GyreErrors, and pass.
_UNREADABLE = (pa.ArrowException, OSError)


class Rows:
    """Which rows of a table are the person's: by the columns that are looked at, and the partition of their file."""

    def __init__(
        self, columns: Callable[[list[str]], list[str]], among: Callable[[pa.Table, Mapping[str, str | None]], Mask]
    ) -> None:
        self.columns, self.among = columns, among


class FileEraser:
    """Files of one table."""

    def __init__(self, bucket: ObjectStore, rows: Rows) -> None:
        self._bucket, self._rows = bucket, rows

    def count(self, file: DataFile) -> int:
        """How many rows are the person's."""
        with self._bucket.open(file.key) as stream:
            return int(sum(np.count_nonzero(mask) for mask in self._masks(file.key, stream, file.partition)))

    def holds(self, key: str, version: str) -> bool:
        """Whether a file that no version of the table names has such a row; what is no whole file was never one."""
        with self._bucket.open(key, version) as stream:
            try:
                return any(mask.any() for mask in self._masks(key, stream, {}))
            except Unavailable:
                return False

    def rewrite(self, file: DataFile, salt: str) -> Move | None:
        """The file without the person, beside the old one; none if it does not hold them. The least and greatest value
        of a column are told of row numbers alone."""
        with self._bucket.open(file.key) as stream, tempfile.TemporaryFile() as made:
            masks = list(self._masks(file.key, stream, file.partition))
            erased = int(sum(np.count_nonzero(mask) for mask in masks))
            if not erased:
                return None
            rows = self._filtered(file.key, stream, masks, made)
            size = made.tell()
            made.seek(0)
            new = _beside(file.path, salt)
            self._bucket.write_stream(_beside(file.key, salt), made)
        return Move(new, size, rows, erased)

    def _masks(self, key: str, stream: BinaryIO, partition: Mapping[str, str | None]) -> list[Mask]:
        """One for each row group."""
        try:
            file = opened(stream)
            columns = self._rows.columns(file.schema_arrow.names)
            if not columns:
                return []
            groups = range(file.metadata.num_row_groups)
            return [self._rows.among(file.read_row_group(at, columns, use_threads=False), partition) for at in groups]
        except _UNREADABLE as error:
            raise Unavailable(f"{key} is not a whole Parquet file: {error}") from error

    def _filtered(self, key: str, stream: BinaryIO, masks: list[Mask], made: Any) -> int:
        keep = (~mask for mask in masks)
        try:
            return write_chosen(opened(stream), keep, made, use_dictionary=False, write_statistics=[ROW])
        except _UNREADABLE as error:
            raise Unavailable(f"{key} is not a whole Parquet file: {error}") from error


def _beside(path: str, salt: str) -> str:
    """The same name for the same file and plan: what was ended in the middle of it is written over."""
    folder, _, name = path.rpartition("/")
    # Of the key and of the path that stands in the log, where it may be escaped, the last part is the same.
    made = f"part-00000-{uuid.uuid5(uuid.NAMESPACE_URL, f'{salt}/{quote(name)}')}-c000.parquet"
    return f"{folder}/{made}" if folder else made
