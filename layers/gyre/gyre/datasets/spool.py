"""Rows set aside while a file is read: on disk, because there may be many of them."""

import tempfile
from collections.abc import Iterator
from types import TracebackType
from typing import Self

import pyarrow as pa
import pyarrow.ipc


class Spool:
    """Record batches of one schema, written one by one and read back in their order."""

    def __init__(self, schema: pa.Schema) -> None:
        self.schema = schema
        self.rows, self._is_over = 0, False
        self._file = tempfile.TemporaryFile()  # noqa: SIM115  # closed by __exit__
        self._writer = pa.ipc.new_stream(self._file, schema, options=pa.ipc.IpcWriteOptions(compression="zstd"))

    def add(self, batch: pa.RecordBatch) -> None:
        if batch.num_rows:
            self._writer.write_batch(batch)
            self.rows += batch.num_rows

    def batches(self) -> Iterator[pa.RecordBatch]:
        """All of them, as often as they are asked for, one reader at a time; nothing can be added afterwards."""
        if not self._is_over:
            self._is_over = True
            self._writer.close()
        self._file.seek(0)
        with pa.ipc.open_stream(self._file) as reader:
            yield from reader

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
