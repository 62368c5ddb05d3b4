"""The dataset tables of one model: raw, processed and quarantined rows, in every version."""

import time
from collections.abc import Iterator, Mapping
from typing import BinaryIO

import numpy as np
import pyarrow as pa

from gyre.datasets.table import ROW, UPLOAD, TableName
from gyre.datasets.version import versions
from gyre.objects import ObjectStore
from gyre.subjects.data_files import Rows
from gyre.subjects.history import TableHistory
from gyre.subjects.naming import RECORD, Mask, Naming, Person, numbered
from gyre.subjects.place import Found, Short, Step
from gyre.subjects.row_files import opened
from gyre.subjects.table_log import TableLog
from gyre.subjects.table_plan import Busy, Clock, Plan
from gyre.subjects.work import Counts, Diary

# Raw last: it says which rows of the others are the person's, where a check took their name away.
_ORDER: tuple[TableName, ...] = ("quarantine", "processed", "raw")
_INGEST = "gyre.ingest"


class TablePlace:
    """`Place` of one model's tables."""

    def __init__(
        self, model: str, subject: str, namings: tuple[Naming, ...], data: ObjectStore, diary: Diary,
        clock: Clock = time.time,
    ) -> None:  # fmt: skip
        self._model, self._data, self._diary, self._clock = model, data, diary, clock
        self._person = Person(subject, namings)

    @property
    def name(self) -> str:
        return f"datasets/{self._model}"

    def find(self, limit: int) -> Iterator[Found]:
        numbers = self._numbers()
        for table in _ORDER:
            rows = self._rows(table, numbers)
            for file, count in self._history(table, rows, lambda: False).find():
                with self._data.open(file.key) as stream:
                    told = _shown(stream, rows, file.partition, limit)
                limit -= len(told)
                yield Found(f"{self.name}/{table}", tuple(told), count)

    def erase(self, short: Short) -> Step:
        numbers = self._numbers()
        for table in _ORDER:
            try:
                outcome = self._history(table, self._rows(table, numbers), short).erase()
            except Busy:
                return Step(done=False, waits=True)
            if not outcome.done:
                return Step(done=False)
        return Step(done=True)

    def _history(self, table: TableName, rows: Rows, short: Short) -> TableHistory:
        def note(plan: Plan) -> None:
            place = f"{self.name}/{table}"
            counts = Counts(plan.erased, len(plan.moves), 0, plan.versions)
            (self._diary if plan.erasure == self._diary.erasure else Diary(self._data, plan.erasure)).count(
                place, plan.name, counts
            )

        root = f"datasets/{self._model}/{table}/"
        return TableHistory(self._data, root, self._diary.erasure, rows, short, self._clock, note)

    def _rows(self, table: TableName, numbers: Mapping[str, set[int]]) -> Rows:
        person = self._person

        def among(rows: pa.Table, partition: Mapping[str, str | None]) -> Mask:
            found = np.zeros(rows.num_rows, dtype=bool)
            if table == "quarantine" and RECORD in rows.column_names:
                found |= person.among_rejected(rows.column(RECORD).to_pylist())
            elif table != "quarantine":
                found |= person.among(rows)
            if table != "raw" and ROW in rows.column_names:
                found |= numbered(rows, numbers.get(partition.get(UPLOAD) or "", set()))
            return found

        def columns(names: list[str]) -> list[str]:
            if not person.columns:
                return []
            return [name for name in names if name in (ROW, RECORD)] if table == "quarantine" else [
                *person.of(names), *([ROW] if ROW in names else [])
            ]  # fmt: skip

        return Rows(columns, among)

    def _numbers(self) -> dict[str, set[int]]:
        """By ingest, the person's rows in the file that it took: a check may have taken the name out of the row."""
        history = self._history("raw", self._rows("raw", {}), lambda: False)
        found: dict[str, set[int]] = {}
        for file, _ in history.find():
            with self._data.open(file.key) as stream:
                rows = _numbers_in(stream, self._person)
            found.setdefault(file.partition.get(UPLOAD) or "", set()).update(rows)
        if not found:
            return {}
        raw_of = {
            entry.version: action.get(_INGEST)
            for entry in TableLog(self._data, f"datasets/{self._model}/raw/").entries()
            for action in entry.actions("commitInfo")
        }
        return {
            known.ingest: rows
            for known in versions(self._model, self._data)
            if (rows := found.get(raw_of.get(known.raw_version) or "", set()))
        }


def _numbers_in(stream: BinaryIO, person: Person) -> set[int]:
    file = opened(stream)
    names = [*person.of(file.schema_arrow.names), ROW]
    found: set[int] = set()
    for at in range(file.metadata.num_row_groups):
        rows = file.read_row_group(at, names, use_threads=False)
        found.update(rows.column(ROW).to_numpy()[person.among(rows)].tolist())
    return found


def _shown(stream: BinaryIO, rows: Rows, partition: Mapping[str, str | None], limit: int) -> list[dict[str, object]]:
    file = opened(stream)
    told: list[dict[str, object]] = []
    for at in range(file.metadata.num_row_groups):
        if len(told) < limit:
            group = file.read_row_group(at, use_threads=False)
            told += group.filter(pa.array(rows.among(group, partition))).slice(0, limit - len(told)).to_pylist()
    return told
