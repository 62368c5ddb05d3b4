"""What the steps of a training have in common: where things lie, what a run works on, what it has done already."""

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property, lru_cache
from typing import Any

from gyre.datasets.kept_split import KeptSplit, split_at
from gyre.datasets.table import DatasetTables
from gyre.objects import ObjectStore
from gyre.run_folder import RunFolder
from gyre.spec.model import ModelSpec
from gyre.spec.versions import SpecVersion, spec_of
from gyre.training.rows import PartRows, read_rows

Event = Mapping[str, Any]
Answer = dict[str, Any]
Task = Callable[[Event], Answer]


class Stores:
    """The buckets and tables; rows that a warm function has read before are not read again."""

    def __init__(self, data: ObjectStore, artifacts: ObjectStore, tables: DatasetTables) -> None:
        self.data, self.artifacts, self.tables = data, artifacts, tables
        # The parts of one run: its candidates are scored on the first, its model is judged on the second.
        self._rows = lru_cache(maxsize=2)(self._read)

    def rows(self, split: str, part: str, declared: SpecVersion) -> PartRows:
        """The rows of one part of a split."""
        return self._rows(split, part, declared.model, declared.version)

    def _read(self, split: str, part: str, model: str, spec_version: int) -> PartRows:
        spec = spec_of(model, self.artifacts, spec_version).spec
        return read_rows(split_at(split, self.data), part, spec, self.data, self.tables)


@dataclass(frozen=True)
class TrainingStep:
    """What a step after the split works on, as its event names it."""

    event: Event
    stores: Stores

    @property
    def model(self) -> str:
        return str(self.event["model"])

    @property
    def run(self) -> str:
        return str(self.event["run"])

    @cached_property
    def declared(self) -> SpecVersion:
        return spec_of(self.model, self.stores.artifacts, self.event["spec_version"])

    @property
    def spec(self) -> ModelSpec:
        return self.declared.spec

    @cached_property
    def split(self) -> KeptSplit:
        return split_at(self.event["split"], self.stores.data)

    @property
    def folder(self) -> RunFolder:
        return RunFolder(self.stores.artifacts, self.model, self.run)

    def rows(self, part: str) -> PartRows:
        return self.stores.rows(self.event["split"], part, self.declared)


def kept(task: Task, artifacts: ObjectStore, *, reused: bool, code: str = "") -> Task:
    """A task whose answer stays in the folder of its run, for whoever follows the run. One that is `reused` is not
    done again when it is asked the same again, by a retry or because the run was resumed; by other code it is."""

    def answer(event: Event) -> Answer:
        folder = RunFolder(artifacts, event["model"], event["run"])
        name, asked = f"steps/{event['task']}.json", _digest({**event, "code": code})
        if reused and (before := folder.find_json(name)) and before["asked"] == asked:
            found: Answer = before["answer"]
            return found
        started = time.perf_counter()
        found = task(event)
        at, took = datetime.now(UTC).isoformat(timespec="seconds"), round(time.perf_counter() - started, 3)
        folder.write_json(name, {"asked": asked, "at": at, "seconds": took, "answer": found})
        return found

    return answer


def _digest(event: Event) -> str:
    return hashlib.sha256(json.dumps(event, sort_keys=True).encode()).hexdigest()
