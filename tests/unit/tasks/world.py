"""A deployment in memory, with tables in a folder: models are declared, rows come, the state machine trains."""

import io
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gyre.aws.datasets import DeltaDatasets
from gyre.datasets.kept_split import split_at
from gyre.registry.moves import Mover, promote
from gyre.registry.releases import pointer_if_any
from gyre.registry.version import ModelVersion, model_version, version_numbers
from gyre.run_folder import RunFolder
from gyre.spec.versions import add_spec
from gyre.tasks.step import Stores
from gyre.tasks.training import Places, training_tasks
from tests.fakes.objects import MemoryBucket
from tests.fakes.tracking import MemoryTracking
from tests.unit.tasks.machine import Killed, Machine

SEARCH = "search: {candidates: 2, rounds: 1, folds: 2}, estimators: [linear]"
PETS = f"""
model: pets
task: binary
target: adopted
columns:
  adopted: {{type: category}}
  age: {{type: number}}
  weight: {{type: number}}
  colour: {{type: category}}
  sex: {{type: category, protected: true, feature: false}}
training: {{{SEARCH}, reweigh: true}}
quality: {{duplicates: keep}}
"""
TOLERANT = f"{PETS}gates: {{champion_tolerance: 0.1}}\n"
RELEASED = ["By itself", "Promote", "Mirror", "How it ended", "Tell the release", "Done"]


@dataclass
class World:
    """What one deployment knows."""

    folder: Path
    data: MemoryBucket = field(default_factory=MemoryBucket)
    artifacts: MemoryBucket = field(default_factory=MemoryBucket)
    tracking: MemoryTracking = field(default_factory=MemoryTracking)
    asks: bool = False
    called: list[str] = field(default_factory=list)
    machine: Machine = field(init=False)

    def __post_init__(self) -> None:
        tables = DeltaDatasets(str(self.folder))
        places = Places("data", "artifacts", "c0ffee", 2, self.asks)
        stores = Stores(self.data, self.artifacts, tables)
        self.tasks = training_tasks(stores, None, lambda _: None, self.tracking, places)  # type: ignore[arg-type]
        self.machine = Machine(self.call)

    def again(self, *, asks: bool = False) -> "World":
        """The same deployment later; what becomes of one is not seen by the other. They share the tables' folder, so no
        rows may come to both."""
        made = World(self.folder, asks=asks)
        made.data._versions = {key: list(each) for key, each in self.data._versions.items()}
        made.artifacts._versions = {key: list(each) for key, each in self.artifacts._versions.items()}
        for old, new in ((self.data, made.data), (self.artifacts, made.artifacts)):
            new._writes, new._count = dict(old._writes), old._count
        made.tracking.runs = dict(self.tracking.runs)
        made.tracking.versions = {model: dict(each) for model, each in self.tracking.versions.items()}
        made.tracking.aliases = {model: dict(each) for model, each in self.tracking.aliases.items()}
        return made

    def call(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """A task as Lambda runs it: JSON in, JSON out."""
        self.called.append(event["task"])
        answer = self.tasks[event["task"]](json.loads(json.dumps(event)))
        return dict(json.loads(json.dumps(answer, allow_nan=False)))

    def declare(self, text: str) -> int:
        return add_spec(text.encode(), self.artifacts)[0].version

    def upload(self, model: str, content: str, name: str = "a.csv") -> dict[str, Any]:
        key = f"inbox/{model}/{name}"
        return {"key": key, "version": self.data.put(key, content.encode())}

    def train(self, run: str, model: str = "pets", **wishes: Any) -> dict[str, Any]:
        """A run from its start to its end."""
        nothing = dict.fromkeys(("upload", "dataset", "fetch", "evaluate", "spec", "base", "search"))
        return self.machine.run({"run": run, "model": model, **nothing, **wishes})

    def step(self, run: str, name: str, model: str = "pets") -> Any:
        """What a step of a run found."""
        return self.run(run, model).read_json(f"steps/{name}.json")["answer"]

    def run(self, run: str, model: str = "pets") -> RunFolder:
        return RunFolder(self.artifacts, model, run)

    def version(self, number: int, model: str = "pets") -> ModelVersion:
        return model_version(model, number, self.artifacts)

    def versions(self, model: str = "pets") -> list[int]:
        return version_numbers(model, self.artifacts)

    def serves(self, model: str = "pets") -> int | None:
        found = pointer_if_any(model, self.artifacts)
        return found[0].version("production") if found else None

    def promote(self, number: int, model: str = "pets") -> None:
        promote(model, number, self.artifacts, Mover("anna"))


def pets(count: int, seed: int, **columns: Any) -> str:
    """Young and light ones are adopted, whatever their colour; of some the weight is not known."""
    draw = np.random.default_rng(seed)
    age, weight = draw.integers(0, 15, count), draw.normal(8, 3, count).round(2)
    told: dict[str, Any] = {
        "age": age,
        "weight": np.where(draw.random(count) < 0.05, "", weight.astype(str)),
        "colour": draw.choice(["black", "white", "red"], count),
        "sex": draw.choice(["f", "m"], count),
        "adopted": np.where(age + weight / 2 + draw.normal(0, 2, count) < 11, "yes", "no"),
    } | columns
    return table(told)


def table(columns: Mapping[str, Any]) -> str:
    """As a CSV file."""
    rows = zip(*columns.values(), strict=True)
    return "\n".join([",".join(columns), *(",".join(map(str, row)) for row in rows)]) + "\n"


def told_of(world: World, run: str) -> dict[str, Any]:
    """What a run of the first world was started with."""
    at = {"run-1": 0, "run-2": 1}[run]
    key = f"inbox/pets/{'ab'[at]}.csv"
    version = world.data._versions[key][0][0]
    return {"upload": {"key": key, "version": version}}


def until_fitted(world: World, run: str = "run-1", **wishes: Any) -> str:
    """The hash of the bundle that a run makes."""

    def die() -> None:
        raise Killed

    world.machine.before["Evaluate"] = [die]
    with pytest.raises(Killed):
        world.train(run, **wishes)
    return str(world.step(run, "fit")["bundle"]["hash"])


def forget(world: World, run: str) -> None:
    """As if a run had not come further than its ingest … but for what takes long, which is kept to be quick."""
    kept = ("steps/fit", "steps/evaluate", "steps/fairness", "evaluation.json", "fairness.json", "made.json", "plots/")
    for key in list(world.artifacts._versions):
        if key.startswith(f"runs/pets/{run}/") and not any(each in key for each in kept):
            del world.artifacts._versions[key]
        if key.startswith(("registry/pets/00000002", "releases/pets.", "moves/pets/", "mirrors/pets.")):
            del world.artifacts._versions[key]
    world.promote(1)
    world.tracking.versions["pets"].pop(2)
    for number in [number for number, (_, each) in world.tracking.runs.items() if each.run == run]:
        world.tracking.runs.pop(number)
    world.tracking.aliases = {"pets": {"production": 1, "champion": 1}}


def verdicts(world: World, run: str) -> list[dict[str, Any]]:
    return list(world.run(run).read_json("judgement.json")["verdicts"])


def all_trained_on(world: World, version: int) -> str:
    """A split like that of a version, with every row in its train part."""
    split = split_at(world.version(version).split, world.data)
    rows = pq.read_table(io.BytesIO(world.data.read(split.key).content))
    sink = io.BytesIO()
    pq.write_table(rows.set_column(2, "part", pa.array(np.zeros(len(rows), dtype=np.int8))), sink)
    key = f"datasets/pets/splits/{split.dataset:08}-all.parquet"
    world.data.put(key, sink.getvalue())
    counts = {"train": len(rows), "test": 0, "reference": 0}
    kept = asdict(replace(split, key=key, rows=counts))
    world.data.put(key.replace(".parquet", ".json"), json.dumps(kept).encode())
    return key
