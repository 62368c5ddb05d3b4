"""The parts of a file put together in their order, as a stream: never more than one of them is in memory."""

import io
import json
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow.parquet as pq

from gyre.datasets.batch_file import FIGURES
from gyre.datasets.read_parquet import read_footer
from gyre.errors import NotFound, NotReady
from gyre.objects import ObjectStore
from gyre.spec.versions import spec_of
from gyre.tasks.batch.figures import RangeFigures, summary
from gyre.tasks.batch.manifest import BatchManifest
from gyre.tasks.batch.parts import csv_header, parquet_schema

_GZIP = zlib.MAX_WBITS | 16
_BLOCK = 1024 * 1024


@dataclass(frozen=True)
class Joiner:
    """Where the parts lie, and what a header needs to know."""

    data: ObjectStore
    artifacts: ObjectStore

    def join(self, plan: BatchManifest, lost: str | None = None) -> dict[str, Any]:
        """Writes the answers whole or not at all, then their summary. A range that is missing ends the run, and says
        why; `lost` is what the state machine says of it."""
        figures = self._figures(plan, lost)
        blocks = self._parquet(plan) if plan.shape.format == "parquet" else self._text(plan)
        self.data.write_stream(plan.file.out, Blocks(packed(blocks) if plan.shape.packed else blocks))
        told = summary(plan, figures)
        content = json.dumps(told, indent=1, ensure_ascii=False, allow_nan=False).encode()
        self.data.write(plan.file.summary, content, content_type="application/json")
        return told

    def _figures(self, plan: BatchManifest, lost: str | None) -> RangeFigures:
        found, missing = list[RangeFigures](), list[int]()
        there = {each.key for each in self.data.list(f"{plan.folder}{FIGURES}")}
        for each in plan.ranges:
            if plan.told(each.number) in there:
                found.append(RangeFigures(**json.loads(self.data.read(plan.told(each.number)).content)))
            else:
                missing.append(each.number)
        if missing:
            raise self._lost(plan, missing, lost)
        return RangeFigures.together(found)

    def _lost(self, plan: BatchManifest, missing: list[int], lost: str | None) -> NotReady:
        first, why = missing[0], lost or "its process ended, or it was never begun"
        for number in missing:
            try:
                noted = json.loads(self.data.read(plan.lost(number)).content)
            except NotFound:
                continue
            first, why = number, f"{noted['error']}: {noted['cause']}"
            break
        rows = plan.ranges[first - 1]
        return NotReady(
            f"Rows {rows.first:,} to {rows.first + rows.rows - 1:,} of {plan.file.key} were not predicted: {why} "
            f"({len(missing):,} of {len(plan.ranges):,} ranges are missing; a run that is resumed does these alone.)"
        )

    def _text(self, plan: BatchManifest) -> Iterator[bytes]:
        if plan.shape.format == "csv":
            declared = spec_of(plan.file.model, self.artifacts, plan.release.spec_version)
            yield csv_header(plan, declared.spec.read.quote)
        for each in plan.ranges:
            with self.data.open(plan.part(each.number)) as part:
                while block := part.read(_BLOCK):
                    yield block

    def _parquet(self, plan: BatchManifest) -> Iterator[bytes]:
        """A row group for each range."""
        with self.data.open(plan.file.key, plan.file.version) as stream:
            own = read_footer(plan.file.name, stream, stream.seek(0, io.SEEK_END)).schema
        schema, sink = parquet_schema(plan, own), _Sink()
        with pq.ParquetWriter(sink, schema) as writer:
            for each in plan.ranges:
                with self.data.open(plan.part(each.number)) as part:
                    writer.write_table(pq.read_table(part).cast(schema))
                yield sink.taken()
        yield sink.taken()


class Blocks:
    """Bytes that are made as they are read."""

    def __init__(self, blocks: Iterable[bytes]) -> None:
        self._blocks, self._ready = iter(blocks), memoryview(b"")

    def read(self, size: int = -1, /) -> bytes:
        if size < 0:
            return b"".join([self._ready, *self._blocks])
        while not self._ready:
            block = next(self._blocks, None)
            if block is None:
                return b""
            self._ready = memoryview(block)
        content, self._ready = bytes(self._ready[:size]), self._ready[size:]
        return content


def packed(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """By gzip, with no name and no time in it: the same content is the same file."""
    packer = zlib.compressobj(wbits=_GZIP)
    for block in blocks:
        yield packer.compress(block)
    yield packer.flush()


class _Sink(io.RawIOBase):
    """What a writer of Parquet writes into, to be taken away while it goes on."""

    def __init__(self) -> None:
        self._blocks: list[bytes] = []
        self._written = 0

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._written

    def write(self, content: Any, /) -> int:
        self._blocks.append(bytes(content))
        self._written += len(self._blocks[-1])
        return len(self._blocks[-1])

    def taken(self) -> bytes:
        """What was written since."""
        content = b"".join(self._blocks)
        self._blocks.clear()
        return content
