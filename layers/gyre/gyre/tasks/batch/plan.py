"""The first step of a run over a file: who answers, and which rows are read side by side."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Literal

from gyre.bundle.format import read_manifest
from gyre.bundle.ref import MANIFEST
from gyre.datasets.asked import check_needed
from gyre.datasets.batch_file import BatchFile
from gyre.datasets.ranges import RowRange, cut_file
from gyre.datasets.source import MAX_ROWS
from gyre.errors import Conflict, NotFound, TooLarge
from gyre.objects import ObjectStore
from gyre.registry.releases import Alias, no_release, pointer, resolve
from gyre.registry.version import model_version
from gyre.spec.versions import spec_of
from gyre.tasks.batch.manifest import BatchManifest, PinnedRelease, pinned_of

_JSON = "application/json"
# A forest takes 20 ms to explain a row, and a task has 15 minutes.
_EXPLAINED_ROWS = 2_000
# What their answers come to together must fit into the state of one execution.
_MOST_RANGES = 30_000
_PRODUCTION: Literal["production"] = "production"


@dataclass(frozen=True)
class Planner:
    """What a plan is made with."""

    data: ObjectStore
    artifacts: ObjectStore
    code: str

    def plan(self, run: str, file: BatchFile) -> BatchManifest:
        """The plan, kept. Planned anew, the run has the release that it began with."""
        release = self._pinned(run, file)
        declared = spec_of(file.model, self.artifacts, release.spec_version)
        copies = f"{file.work(run)}ranges/"

        def copy(number: int, content: bytes) -> str:
            key = f"{copies}{number:06}"
            self.data.write(key, content, content_type="application/octet-stream")
            return key

        with self.data.open(file.key, file.version) as stream:
            rows = _EXPLAINED_ROWS if file.explain else None
            cut = cut_file(file.name, stream, declared.spec.read, copy, rows)
            check_needed(cut.shape.columns, declared.spec.needed, file.model)
            made = BatchManifest(run, file, release, cut.shape, self.code, tuple(_few(cut.ranges, file)))
        # The numbers last: who reads them finds the plan.
        self.data.write(made.key, made.dump(), content_type=_JSON)
        self.data.write(made.items, json.dumps([each.number for each in made.ranges]).encode(), content_type=_JSON)
        return made

    def _pinned(self, run: str, file: BatchFile) -> PinnedRelease:
        key = f"{file.work(run)}release.json"
        try:
            return pinned_of(json.loads(self.data.read(key).content))
        except NotFound:
            found = self._released(file)
        try:
            self.data.write(key, json.dumps(asdict(found)).encode(), content_type=_JSON, new=True)
        except Conflict:  # the same task, begun twice
            return pinned_of(json.loads(self.data.read(key).content))
        return found

    def _released(self, file: BatchFile) -> PinnedRelease:
        if file.release == _PRODUCTION:
            released = pointer(file.model, self.artifacts).aliases.get(_PRODUCTION)
            if released is None:
                raise no_release(file.model)
            made = model_version(file.model, released.version, self.artifacts)
            bundle = released.bundle
        else:
            made = model_version(file.model, resolve(file.model, file.release, self.artifacts), self.artifacts)
            bundle = made.bundle
        classes = read_manifest(self.artifacts.read(f"{bundle.key.rstrip('/')}/{MANIFEST}").content).classes
        alias: Alias | None = _PRODUCTION if file.release == _PRODUCTION else None
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        return PinnedRelease(made.version, alias, bundle, made.spec_version, classes, at)


def _few(ranges: Iterable[RowRange], file: BatchFile) -> Iterator[RowRange]:
    """As many as one state machine can look after."""
    for each in ranges:
        if each.first + each.rows - 1 > MAX_ROWS or each.number > _MOST_RANGES:
            raise TooLarge(f"{file.key} has more than {MAX_ROWS:,} rows or {_MOST_RANGES:,} ranges: split it up.")
        yield each
