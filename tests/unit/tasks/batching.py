"""A deployment in memory whose model answers whole files: rows of every format, and the batch's state machine."""

import csv
import gzip
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from gyre.bundle.format import open_bundle, write_bundle
from gyre.bundle.predict import Predictor
from gyre.datasets.batch_file import BatchFile, run_of_batch
from gyre.pseudonyms import PSEUDONYM_KEYS, with_newer_key
from gyre.registry.moves import promote
from gyre.spec.check import read_spec
from gyre.spec.versions import add_spec
from gyre.tasks.batch.tasks import batch_tasks
from gyre.training.compiling import Compiled, compile_bundle
from gyre.training.fitting import Candidate, fit
from gyre.training.intake import take_in
from tests.fakes.objects import MemoryBucket
from tests.fakes.outlet import MemoryOutlet
from tests.fakes.workflow import MemoryWorkflow
from tests.unit.features.parts import objects
from tests.unit.registry.house import ANNA, registered
from tests.unit.tasks.machine import Machine

PETS = """
model: pets
task: multiclass
target: kind
id: number
columns:
  kind: {type: category}
  number: {type: integer, unique: true}
  owner: {type: text, personal: true, feature: false}
  age: {type: number, required: true, range: [0, 40], actions: {range: clip}}
  weight: {type: number, range: [0, 100]}
  colour: {type: category, values: [black, white, red], actions: {values: drop}}
  tame: {type: boolean, protected: true, feature: false}
  note: {type: text, feature: false}
derived:
  density: {ratio: [weight, age]}
rules:
  - {name: heavy_when_young, check: "age >= 1 or weight < 30"}
filter: age > 5
"""
NUMBERS = "model: pets\ntask: regression\ntarget: cost\ncolumns:\n  cost: {type: number}\n  age: {type: number}\n"
TRUTHS = "model: pets\ntask: binary\ntarget: sick\ncolumns:\n  sick: {type: boolean}\n  age: {type: number}\n"
HEADER = ("number", "age", "weight", "colour", "owner", "tame", "note")
Row = Mapping[str, Any]


def pets(count: int, seed: int = 1) -> list[dict[str, str]]:
    """Right rows, as text."""
    draw = np.random.default_rng(seed)
    return [
        {
            "number": str(at + 1), "age": f"{draw.integers(1, 30)}", "weight": f"{draw.uniform(1, 60):.2f}",
            "colour": str(draw.choice(["black", "white", "red"])), "owner": f"owner {at}",
            "tame": str(draw.choice(["yes", "no"])), "note": "",
        }
        for at in range(count)
    ]  # fmt: skip


@cache
def made(text: str, estimator: str = "linear") -> Compiled:
    """A small model of this spec."""
    spec = read_spec(text.encode())
    draw = np.random.default_rng(3)
    columns = {
        "age": draw.uniform(0, 30, 400), "weight": draw.uniform(1, 60, 400),
        "colour": draw.choice(objects("black", "white", "red", None), 400),
    }  # fmt: skip
    score = columns["age"] + columns["weight"] / 3 + draw.normal(0, 2, 400)
    names = objects("cat", "dog", "horse")[np.digitize(score, np.quantile(score, [0.3, 0.7]))]
    truth = {"multiclass": names, "regression": score, "binary": (score > 15).astype(float)}[spec.task]
    chosen = {name: values for name, values in columns.items() if name in spec.columns}
    fitted = fit(spec, chosen, truth, Candidate(estimator, {}), 7)
    return compile_bundle(fitted, {name: values[:100] for name, values in chosen.items()})


@dataclass
class Batching:
    """What one deployment knows."""

    spec: str = PETS
    data: MemoryBucket = field(default_factory=MemoryBucket)
    artifacts: MemoryBucket = field(default_factory=MemoryBucket)
    outlet: MemoryOutlet = field(default_factory=MemoryOutlet)
    workflow: MemoryWorkflow = field(default_factory=MemoryWorkflow)
    called: list[str] = field(default_factory=list)
    machine: Machine = field(init=False)

    def __post_init__(self) -> None:
        if not any(self.artifacts.list(PSEUDONYM_KEYS)):
            self.artifacts.put(PSEUDONYM_KEYS, with_newer_key(None, "2026-11-21T09:00:00+00:00"))
        self.tasks = batch_tasks(self.data, self.artifacts, self.outlet, code="c0ffee", workers=2)
        self.machine = Machine(self.call, "batch.asl.json", lambda key: self.data.read(key).content)
        add_spec(self.spec.encode(), self.artifacts)

    def release(self, version: int = 1, estimator: str = "linear") -> "Batching":
        """A version that serves."""
        self.register(version, estimator)
        promote("pets", version, self.artifacts, ANNA)
        return self

    def register(self, version: int, estimator: str = "linear") -> None:
        ref = write_bundle(made(self.spec, estimator).parts, self.artifacts, "bundles/pets")
        registered("pets", version, self.artifacts, bundle=ref, spec_version=1)

    def again(self) -> None:
        """Other environments of the functions: nothing is warm."""
        self.tasks = batch_tasks(self.data, self.artifacts, self.outlet, code="c0ffee", workers=2)

    def call(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """A task as Lambda runs it: JSON in, JSON out."""
        self.called.append(event["task"])
        answer = self.tasks[event["task"]](json.loads(json.dumps(event)))
        return dict(json.loads(json.dumps(answer, allow_nan=False)))

    def put(self, name: str, content: bytes) -> str:
        """A file, and the name of the run that its event starts."""
        key = f"batch/pets/in/{name}"
        version = self.data.put(key, content)
        take_in(key, version, self.data, self.artifacts, self.workflow)
        return run_of_batch(key, version)

    def go(self, run: str) -> dict[str, Any]:
        """The run from its start to its end."""
        return self.machine.run(self.workflow.show(run).input)

    def predict(self, name: str, content: bytes) -> bytes:
        """What comes of a file."""
        self.go(self.put(name, content))
        return self.out(name)

    def out(self, name: str) -> bytes:
        return self.data.read(f"batch/pets/out/{name}").content

    def summary(self, name: str) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(self.out(f"{name}.summary.json"))
        return told

    def work(self, run: str, below: str = "") -> list[str]:
        """The keys of what a run needed on its way."""
        file = BatchFile("pets", "batch/pets/in/x")
        return [each.key for each in self.data.list(file.work(run)) if below in each.key]

    def events(self) -> list[str]:
        """What the journal was told, as often as it was."""
        return [each.event_id for each in self.outlet.records]


def expected(rows: Sequence[Row], spec: str = PETS, estimator: str = "linear") -> tuple[list[Any], list[list[float]]]:
    """What the bundle itself says of right rows: labels and probabilities."""
    columns = {
        "age": np.array([float(row["age"]) for row in rows]),
        "weight": np.array([float(row["weight"]) for row in rows]),
        "colour": objects(*(row["colour"] or None for row in rows)),
    }  # fmt: skip
    found = Predictor(open_bundle(made(spec, estimator).parts)).predict(columns)
    assert found.labels is not None and found.probabilities is not None
    return found.labels.tolist(), found.probabilities.tolist()


# --- files ------------------------------------------------------------------------------------------------------------


def as_csv(rows: Iterable[Row], columns: Sequence[str] = HEADER, **form: Any) -> bytes:
    file = io.StringIO()
    writer = csv.DictWriter(file, columns, extrasaction="ignore", lineterminator="\n", **form)
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue().encode()


def as_jsonl(rows: Iterable[Row]) -> bytes:
    return "".join(f"{json.dumps({**row, 'age': float(row['age'])})}\n" for row in rows).encode()


def as_parquet(rows: Sequence[Row], group: int | None = None) -> bytes:
    columns: dict[str, Any] = {name: [row[name] for row in rows] for name in HEADER}
    columns |= {"age": pa.array([float(each) for each in columns["age"]], pa.float64())}
    columns |= {"number": pa.array([int(each) for each in columns["number"]], pa.int32())}
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink, row_group_size=group or max(1, len(rows)))
    return sink.getvalue()


def read_csv(content: bytes, **form: Any) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode(), newline=""), **form))


def read_jsonl(content: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in content.decode().splitlines()]


def read_parquet(content: bytes) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = pq.read_table(io.BytesIO(content)).to_pylist()
    return told


def unpacked(content: bytes) -> bytes:
    return gzip.decompress(content)
