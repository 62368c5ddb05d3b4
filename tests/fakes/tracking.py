"""Runs, versions and aliases in memory."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from gyre.errors import NotFound
from gyre.registry.tracking import (
    STAGE,
    Registration,
    TrackedCandidate,
    TrackedDataset,
    TrackedEvaluation,
    TrackedRun,
    TrackedTraining,
    taken,
)


@dataclass(frozen=True)
class SeenRun:
    """A run as somebody sees it who looks."""

    name: str
    kind: str
    run: str
    started: datetime
    ended: datetime
    parameters: Mapping[str, str]
    metrics: Mapping[str, float]
    tags: Mapping[str, str]
    artifacts: Mapping[str, bytes]
    dataset: TrackedDataset | None
    commit: str
    note: str
    candidates: tuple[TrackedCandidate, ...]
    """By their numbers; parameters as text."""


@dataclass(frozen=True)
class SeenVersion:
    """A version as somebody sees it who looks."""

    source: str
    tracked: str
    note: str
    tags: Mapping[str, str]


@dataclass
class MemoryTracking:
    """`Tracking`. What stands in `dying` happens once, between a run and its artifacts."""

    runs: dict[str, tuple[str, SeenRun]] = field(default_factory=dict)
    """By number: the model and the run, whole ones alone."""
    versions: dict[str, dict[int, SeenVersion]] = field(default_factory=dict)
    aliases: dict[str, dict[str, int]] = field(default_factory=dict)
    highest: dict[str, int] = field(default_factory=dict)
    """By model, the number that was given last: a deleted version keeps its own."""
    dying: list[Callable[[], Any]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def record(self, training: TrackedTraining) -> str:
        return self._record(training)

    def record_evaluation(self, evaluation: TrackedEvaluation) -> str:
        return self._record(evaluation)

    def _record(self, told: TrackedRun) -> str:
        with self._lock:
            for number, (model, run) in self.runs.items():
                if (model, run.run) == (told.model, told.run):
                    return number
            metrics = dict(told.metrics)
            if self.dying:
                self.dying.pop()()
            number = f"run{len(self.runs)}"
            self.runs[number] = (
                told.model,
                SeenRun(
                    name=told.name,
                    kind=told.kind,
                    run=told.run,
                    started=told.started,
                    ended=told.ended,
                    parameters=_words(told.settings),
                    metrics=metrics,
                    tags=dict(told.tags),
                    artifacts=dict(told.artifacts),
                    dataset=told.dataset,
                    commit=told.commit,
                    note=told.note,
                    candidates=tuple(
                        replace(each, parameters=_words(each.parameters))
                        for each in sorted(
                            told.candidates if isinstance(told, TrackedTraining) else (), key=lambda each: each.number
                        )
                    ),
                ),
            )
            return number

    def register(self, made: Registration, known: int = 0) -> int:
        with self._lock:
            versions = self.versions.get(made.model, {})
            for number, version in versions.items():
                if version.tags["gyre.run"] == made.run:
                    return number
            highest = max([self.highest.get(made.model, 0), *versions])
            if refused := taken(made.model, highest, known):
                raise refused
            number = self.highest[made.model] = highest + 1
            self.versions.setdefault(made.model, versions)[number] = SeenVersion(
                made.source, made.tracked, made.note, made.tags
            )
            return number

    def mirror(self, model: str, aliases: Mapping[str, int | None], stages: Mapping[int, str]) -> bool:
        with self._lock:
            versions, now = self.versions.get(model, {}), self.aliases.get(model, {})
            named = {version for version in aliases.values() if version is not None}
            if missing := sorted(named - versions.keys()):
                raise NotFound(f"{model} has no version {missing[0]} in MLflow.", field="version")
            wanted = {alias: version for alias, version in (now | aliases).items() if version is not None}
            staged = {
                number: replace(each, tags={**each.tags, STAGE: stages.get(number, each.tags[STAGE])})
                for number, each in versions.items()
            }
            differs = (wanted, staged) != (now, versions)
            if differs:
                self.aliases[model], self.versions[model] = wanted, staged
            return differs

    def delete(self, model: str, number: int) -> None:
        """As somebody does it in MLflow's own pages; aliases of the version go with it."""
        with self._lock:
            del self.versions[model][number]
            now = self.aliases.get(model, {})
            self.aliases[model] = {alias: version for alias, version in now.items() if version != number}

    def mirrored(self, model: str) -> Mapping[str, int]:
        return dict(self.aliases.get(model, {}))


def _words(parameters: Mapping[str, Any]) -> dict[str, Any]:
    return {name: str(value) for name, value in parameters.items()}
