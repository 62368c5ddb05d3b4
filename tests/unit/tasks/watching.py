"""A world with a release that is watched: calls come, truths come, the state machine looks."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from gyre.aws.datasets import DeltaDatasets
from gyre.bundle.format import read_bundle
from gyre.bundle.predict import Predictor
from gyre.feedback.labels import Label, label_id_of, place_of
from gyre.journal.record import JournalRecord, JournalRow, new_event
from gyre.monitoring.found import Look
from gyre.monitoring.gathering.given import Stock
from gyre.monitoring.kept import look_of
from gyre.spec.base import class_name
from gyre.tasks.watching.tasks import WatchTasks
from tests.fakes.journal import MemoryJournal
from tests.fakes.labels import MemoryLabels
from tests.fakes.looks import MemoryLooks
from tests.fakes.metrics import MemoryMetrics
from tests.fakes.notices import MemoryNotices
from tests.fakes.predictions import MemoryPredictions
from tests.fakes.workflow import MemoryWorkflow
from tests.unit.tasks.machine import Machine
from tests.unit.tasks.world import PETS, World, pets

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
WATCHED = (
    f"{PETS}split: {{reference: 0.4}}\ngates: {{champion_tolerance: 0.05}}\n"
    "monitoring: {minimum_rows: 100, chunks: 3, cool_down_hours: 24, performance_drop: 0.1}\n"
    "retrain: {when: alert, verdicts: 1, of_last: 1, wait_hours: 1}\n"
)

Row = dict[str, Any]


@dataclass
class Watching:
    """One deployment at noon; `now` goes on when it is told to."""

    world: World
    now: datetime = NOON
    journal: MemoryJournal = field(default_factory=MemoryJournal)
    looks: MemoryLooks = field(default_factory=MemoryLooks)
    metrics: MemoryMetrics = field(default_factory=MemoryMetrics)
    notices: MemoryNotices = field(default_factory=MemoryNotices)
    training: MemoryWorkflow = field(default_factory=MemoryWorkflow)
    called: list[str] = field(default_factory=list)
    count: int = 0

    def __post_init__(self) -> None:
        self.labels = MemoryLabels(self.journal)
        stock = Stock(self.world.data, self.world.artifacts, DeltaDatasets(str(self.world.folder)))
        self.tasks = WatchTasks(
            stock, MemoryPredictions(self.labels), self.looks, self.metrics, self.notices, self.training, self.labels,
            clock=lambda: self.now,
        ).by_name()  # fmt: skip
        self.machine = Machine(self.call, "monitoring.asl.json")

    @classmethod
    def over(cls, folder: Path, spec: str = WATCHED, rows: int = 1_500) -> "Watching":
        """With a release that was trained on so many rows."""
        world = World(folder)
        world.declare(spec)
        world.train("train-1", upload=world.upload("pets", pets(rows, 1)))
        assert world.serves() == 1
        return cls(world)

    def call(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """A task as Lambda runs it: JSON in, JSON out."""
        self.called.append(event["task"])
        return dict(json.loads(json.dumps(self.tasks[event["task"]](json.loads(json.dumps(event))), allow_nan=False)))

    def look(self, asked: Mapping[str, Any] | None = None) -> Look:
        """At the one model, as POST /monitoring/run would; what was found."""
        run = self.run({"model": "pets", **(asked or {})})
        return look_of("pets", run, self.world.data)

    def run(self, asked: Mapping[str, Any]) -> str:
        self.count += 1
        self.ended = self.machine.run(asked, f"look-{self.count}")
        return f"look-{self.count}"

    def answer(
        self, rows: list[Row], truths: list[str] | None = None, ago: timedelta = timedelta(hours=1), *,
        named: bool = False,
    ) -> None:  # fmt: skip
        """Calls of one row each, answered by what serves; with what is true of them, if that is told. `named`: by ids,
        the same ones each time."""
        version = self.world.serves() or 1
        made = self.world.version(version)
        predictor = Predictor(read_bundle(self.world.artifacts, made.bundle.key, made.bundle.hash))
        found = predictor.predict({
            "age": np.array([each["age"] for each in rows], dtype=np.float64),
            "weight": np.array([np.nan if each["weight"] is None else each["weight"] for each in rows], np.float64),
            "colour": np.array([*(each["colour"] for each in rows), None], dtype=object)[:-1],
        })  # fmt: skip
        assert found.labels is not None and found.probabilities is not None
        classes = [class_name(each) for each in predictor.bundle.manifest.classes]
        records, labels = [], []
        for at, (row, name, shares) in enumerate(zip(rows, found.labels, found.probabilities, strict=True)):
            moment = self.now - ago + timedelta(seconds=at)
            event = new_event(moment)
            records.append(JournalRecord(
                event_id=event, model="pets", at=moment, status=200, duration_ms=2.0, caller="c", correlation_id="c",
                rows=(JournalRow(
                    id=at if named else None, version=version, features=row,
                    prediction=name, confidence=float(max(shares)),
                    probabilities=dict(zip(classes, shares.tolist(), strict=True)),
                ),),
            ))  # fmt: skip
            if truths is not None:
                said = label_id_of(place_of("pets", event, None), (truths[at],))
                labels.append(Label(
                    label_id=said, model="pets", event_id=event, row=0, label=truths[at], received_at=self.now,
                    source="c",
                ))  # fmt: skip
        self.journal.append(records)
        self.labels.append(labels)


def rows_of(count: int, seed: int, **columns: Any) -> tuple[list[Row], list[str]]:
    """Rows as a caller sends them, and what is true of each."""
    header, *lines = pets(count, seed, **columns).strip().splitlines()
    told = [dict(zip(header.split(","), line.split(","), strict=True)) for line in lines]
    rows = [
        {
            "age": float(each["age"]),
            "weight": float(each["weight"]) if each["weight"] else None,
            "colour": each["colour"],
        }
        for each in told
    ]
    return rows, [each["adopted"] for each in told]
