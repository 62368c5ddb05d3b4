"""A deployment that keeps something of a person wherever Gyre keeps anything, in a folder."""

import gzip
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import DeltaTable

from gyre.aws.label_erasure import DeltaLabelErasure
from gyre.aws.labels import DeltaLabels
from gyre.aws.lake import DeltaJournal
from gyre.datasets.table import ROW, UPLOAD
from gyre.feedback.labels import Label
from gyre.journal.dead_letters import DeadLetters
from gyre.journal.outlet import parcel
from gyre.journal.record import JournalRecord, JournalRow
from gyre.objects import ObjectStore
from gyre.pseudonyms import PSEUDONYM_KEYS, read_pseudonyms, with_newer_key
from gyre.subjects.eraser import Stock
from gyre.subjects.erasure import ErasureRecord, ask, record_of
from gyre.subjects.subject import Subject, checked_subject
from gyre.tasks.erasure.tasks import ErasureTasks
from tests.fakes.folder import FolderBucket
from tests.fakes.objects import MemoryBucket
from tests.fakes.workflow import MemoryWorkflow
from tests.unit.tasks.machine import Machine
from tests.unit.tasks.world import World

ANNA, BERT = "anna.lund@example.org", "bert@example.org"
NOW = datetime(2026, 11, 1, tzinfo=UTC)
PEOPLE = """
model: people
task: binary
target: bought
id: email
columns:
  bought: {type: category}
  email: {type: text, personal: true, length: 23, actions: {length: drop}}
  name: {type: text, personal: true}
  age: {type: number, range: [0, 120]}
  income: {type: number}
training: {search: {candidates: 2, rounds: 1, folds: 2}, estimators: [linear]}
quality: {duplicates: keep, rejected: 0.5}
"""
# Nobody is named in it: its tables are left alone.
THINGS = "model: things\ntask: regression\ntarget: cost\ncolumns:\n  cost: {type: number}\n  size: {type: number}\n"


def people(count: int, seed: int, *more: str) -> str:
    """Rows of a CSV file; who is old buys."""
    draw = np.random.default_rng(seed)
    age = draw.integers(18, 90, count)
    bought = np.where(age + draw.normal(0, 8, count) > 50, "yes", "no")
    rows = [
        f"person{seed}-{at}@example.org,Person {at},{age[at]},{draw.integers(10, 90)},{bought[at]}"
        for at in range(count)
    ]
    middle = len(rows) // 2
    return "\n".join(["email,name,age,income,bought", *rows[:middle], *more, *rows[middle:]]) + "\n"


@dataclass
class Kept:
    """What one deployment keeps."""

    folder: Path
    workflow: MemoryWorkflow = field(default_factory=MemoryWorkflow)
    seconds: float = 600.0
    called: list[Mapping[str, Any]] = field(default_factory=list)
    world: World = field(init=False)
    data: FolderBucket = field(init=False)

    def __post_init__(self) -> None:
        self.data = FolderBucket(self.folder / "data")
        self.world = World(self.folder / "data" / "datasets", data=cast(MemoryBucket, self.data))
        self.artifacts.put(PSEUDONYM_KEYS, with_newer_key(with_newer_key(None, "then"), "now"))
        uri = str(self.folder / "data" / "journal")
        self.journal, self.labels = DeltaJournal(uri), DeltaLabels(uri)
        self.world.declare(PEOPLE)
        self.world.declare(THINGS)

    @property
    def artifacts(self) -> MemoryBucket:
        return self.world.artifacts

    @property
    def stock(self) -> Stock:
        return Stock(self.data, self.artifacts, self.journal, DeltaLabelErasure(self.labels))

    def subject(self, name: str) -> Subject:
        return checked_subject(name, read_pseudonyms(self.artifacts))

    def fill(self, name: str) -> None:
        """One person everywhere: in two dataset versions, raw and in quarantine, with a model trained on the first."""
        theirs = (f"{name},Anna Lund,45,30,yes", f' {name} ,"Anna ""L"" Lund",46,31,no', f"{name},Anna,200,1,yes",
                  f"{name},ragged,1")  # fmt: skip
        self.world.train("run-1", "people", upload=self.world.upload("people", people(160, 1, *theirs), "one.csv"))
        two = f"{people(160, 2)}{name},Anna Lund,47,32,yes\n"
        key = self.world.upload("people", two, "two.csv")
        self.world.train("run-2", "people", upload=key)
        self.world.upload("people", people(5, 3), "two.csv")  # the former version lies behind it
        self.files(name)
        self.predictions(name)

    def files(self, name: str) -> None:
        lines = [json.dumps({"email": each, "age": 40}) for each in (BERT, name, "carl@example.org")]
        self.data.put("batch/people/in/a/rows.jsonl.gz", gzip.compress("\n".join(lines).encode()))
        sink = io.BytesIO()
        pq.write_table(pa.table({"email": [name, BERT], "prediction": ["yes", "no"]}), sink)
        self.data.put("batch/people/out/a/rows.parquet", sink.getvalue())
        self.data.put("batch/people/work/batch_1/parts/000001", f"{name},yes\n".encode())
        self.data.put("batch/people/work/batch_1/parts/000002", f"{BERT},yes\n".encode())
        self.data.put("feedback/people/labels.csv", f"id,label\n{BERT},yes\n{name},no\n".encode())

    def predictions(self, name: str, call: str = "event") -> None:
        newest, oldest = self.subject(name).pseudonyms
        bert = self.subject(BERT).pseudonyms[0]

        def record(event: str, *ids: str) -> JournalRecord:
            rows = [
                JournalRow(id=each, version=1, features={"email": each, "age": 4}, prediction="yes") for each in ids
            ]
            return JournalRecord(
                event_id=event, model="people", at=NOW, status=200, duration_ms=1, caller="ann", correlation_id="c",
                rows=tuple(rows),
            )  # fmt: skip

        self.journal.append(
            [record(f"{call}-0001", newest), record(f"{call}-0002", bert, oldest), record(f"{call}-0003", bert)]
        )
        said = [("l1", None, None, oldest), ("l2", f"{call}-0002", 1, None), ("l3", f"{call}-0002", 0, None),
                ("l4", f"{call}-0001", None, None)]  # fmt: skip
        self.labels.append([
            Label(
                label_id=f"{event or '~'}:{each}", model="people", event_id=event, row=row, row_id=row_id, label="yes",
                received_at=NOW, source="ann",
            )
            for each, event, row, row_id in said
        ])  # fmt: skip
        parcel(record(f"{call}-0004", bert, newest), cast(ObjectStore, self.data), 10)
        letters = DeadLetters(cast(ObjectStore, self.data))
        letters.keep("message-1", record(f"{call}-0005", newest, bert).model_dump_json(), "poison", NOW, 3)
        letters.keep("message-2", f"broken {newest} broken", "no JSON", NOW, 3)
        letters.keep("message-3", "broken", "no JSON", NOW, 3)

    # -- erasing -------------------------------------------------------------------------------

    def call(self, event: Mapping[str, Any]) -> Mapping[str, Any]:
        self.called.append(event)
        return ErasureTasks(self.stock, self.seconds).by_name()[event["task"]](event)

    def ask(self, name: str) -> ErasureRecord:
        return ask(self.subject(name), "ann", self.data, self.workflow)

    def go(self, record: ErasureRecord, call: Any = None) -> ErasureRecord:
        """The run that was started, to its end."""
        machine = Machine(call or self.call, definition="erasure.asl.json")
        self.notices = machine.notices
        machine.run(self.workflow.runs[record.run].input)
        self.workflow.end(record.run, "succeeded")
        return record_of(record.erasure, self.data)[0]

    # -- looking -------------------------------------------------------------------------------

    def grep(self, *words: str) -> list[str]:
        """Every object in every version, packed or not, by other means than the search's own."""
        found = []
        for name, bucket in (("data", self.data), ("artifacts", self.artifacts)):
            for each in bucket.versions(""):
                content = bucket.read(each.key, each.version).content
                texts = [each.key, content.decode(errors="replace")]
                if content[:2] == b"\x1f\x8b":
                    texts.append(gzip.decompress(content).decode())
                if content[:4] == b"PAR1":
                    texts.append(str(pq.ParquetFile(io.BytesIO(content)).read().to_pylist()))
                found += [f"{name}/{each.key}" for text in texts for word in words if word in text]
        return sorted(set(found))

    def every_version(self, table: str) -> dict[int, list[dict[str, Any]]]:
        """The rows of a table by version, by Delta's own reading."""
        uri = str(self.folder / "data" / "datasets" / "people" / table)
        return {
            version: sorted(
                DeltaTable(uri, version=version).to_pyarrow_table().to_pylist(), key=lambda row: (row[UPLOAD], row[ROW])
            )
            for version in range(DeltaTable(uri).version() + 1)
        }

    def tables(self) -> Iterator[str]:
        yield from ("raw", "processed", "quarantine")
