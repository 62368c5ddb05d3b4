"""What a run over a file is to do: every task of the run goes by this plan, and by nothing that may change."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Self

import pyarrow as pa

from gyre.bundle.format import Class
from gyre.bundle.ref import BundleRef
from gyre.datasets.batch_file import FIGURES, BatchFile
from gyre.datasets.ranges import FileShape, RowRange
from gyre.registry.releases import Alias
from gyre.spec.base import class_name

_KINDS = {bool: pa.bool_(), int: pa.int64(), str: pa.string()}
_OURS = "gyre_"


@dataclass(frozen=True)
class PinnedRelease:
    """Who answers all rows, also if somebody else is promoted meanwhile or the run is resumed weeks later."""

    version: int
    alias: Alias | None
    bundle: BundleRef
    spec_version: int
    classes: tuple[Class, ...]
    at: str
    """When the run began."""


@dataclass(frozen=True)
class BatchManifest:
    """The plan of one run."""

    run: str
    file: BatchFile
    release: PinnedRelease
    shape: FileShape
    code: str
    """The commit that planned it."""
    ranges: tuple[RowRange, ...]

    @property
    def rows(self) -> int:
        """Of the whole file, those that cannot be read among them."""
        return sum(each.rows for each in self.ranges)

    @cached_property
    def folder(self) -> str:
        """Where its parts lie, with the slash: those of another plan are never mixed with them."""
        return f"{self.file.work(self.run)}{hashlib.sha256(self.dump()).hexdigest()[:12]}/"

    @property
    def key(self) -> str:
        return f"{self.folder}manifest.json"

    @property
    def items(self) -> str:
        """The key of the numbers of all ranges, as a Distributed Map reads them."""
        return f"{self.folder}items.json"

    def part(self, number: int) -> str:
        """Where the answers of one range lie."""
        return f"{self.folder}parts/{number:06}.{self.shape.format}"

    def told(self, number: int) -> str:
        """Where its figures lie, which are written after it: the range is done once they are there."""
        return f"{self.folder}{FIGURES}{number:06}.json"

    def lost(self, number: int) -> str:
        """Where it says why a range failed."""
        return f"{self.folder}lost/{number:06}.json"

    @cached_property
    def added(self) -> Mapping[str, tuple[str, Any]]:
        """The columns that the answers have besides those of the file: what each holds, its name there, its type. A
        name that the file has already gets a `gyre_` before it."""
        classes = self.release.classes
        kind = _KINDS[type(classes[0])] if classes else pa.float64()
        wanted = [("prediction", kind)]
        if classes:
            wanted += [("confidence", pa.float64())]
            wanted += [(f"probability_{class_name(each)}", pa.float64()) for each in classes]
        if self.file.explain:
            wanted += [("base_value", pa.float64()), ("explanation", pa.string())]
        wanted += [("version", pa.int64()), ("error", pa.string())]
        taken = {each.casefold() for each in (*self.shape.columns, *self.shape.keys)}
        return {name: (_free(name, taken), kind) for name, kind in wanted}

    def dump(self) -> bytes:
        """As it is kept."""
        return json.dumps(asdict(self), ensure_ascii=False, separators=(",", ":")).encode()

    @classmethod
    def from_json(cls, content: bytes) -> Self:
        told = json.loads(content)
        return cls(
            told["run"], BatchFile(**told["file"]), pinned_of(told["release"]),
            FileShape(**{**told["shape"], **{name: tuple(told["shape"][name]) for name in ("columns", "keys")}}),
            told["code"], tuple(RowRange(**each) for each in told["ranges"]),
        )  # fmt: skip


def pinned_of(told: Mapping[str, Any]) -> PinnedRelease:
    """As it stands in JSON."""
    classes: Sequence[Class] = told["classes"]
    return PinnedRelease(**{**told, "bundle": BundleRef(**told["bundle"]), "classes": tuple(classes)})


def _free(name: str, taken: set[str]) -> str:
    while name.casefold() in taken:
        name = _OURS + name
    return name
