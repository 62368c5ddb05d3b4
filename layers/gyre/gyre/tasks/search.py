"""From the train part to a bundle: candidates proposed and scored, the best one fitted and compiled."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from gyre.registry.releases import production
from gyre.registry.version import ModelVersion, model_version
from gyre.spec.policy import Search
from gyre.tasks.step import Answer, Event, Stores, Task, TrainingStep
from gyre.training.candidates import read_plan, read_scored
from gyre.training.fitting import Candidate
from gyre.training.making import fair_weights, make
from gyre.training.scoring import score
from gyre.training.search import propose
from gyre.training.warm import WarmRows

MADE = "made.json"


@dataclass(frozen=True)
class SearchTasks:
    """Each by its name."""

    stores: Stores
    workers: int
    warm: WarmRows = field(default_factory=WarmRows)
    """What the candidates of a run have in common, kept between the calls of a warm function."""

    def by_name(self) -> dict[str, Task]:
        return {"propose": self.propose, "score": self.score, "fit": self.fit}

    def propose(self, event: Event) -> Answer:
        step = TrainingStep(event, self.stores)
        wishes = dict(event["search"] or {})
        workers = min(wishes.pop("workers", None) or self.workers, self.workers)
        search = Search.model_validate({**step.spec.training.search.model_dump(), **wishes})
        base = self._base(step)
        first = [] if base is None else [Candidate(base.estimator, base.parameters)]
        found = propose(step.spec, step.folder, event["after"], lambda: datetime.now(UTC), first, search)
        best = None if found.best is None else read_scored(found.best, step.folder).mean
        told = asdict(found) | {"numbers": list(found.numbers), "told": list(found.told), "best_score": best}
        return told | {"concurrency": workers, "base": base and base.version}

    def score(self, event: Event) -> Answer:
        step = TrainingStep(event, self.stores)
        rows = step.rows("train")
        weights = fair_weights(step.spec, rows)
        scored = score(step.spec, rows, event["number"], step.folder, weights, self.warm)
        return {"number": event["number"], "mean": scored.mean}

    def fit(self, event: Event) -> Answer:
        step = TrainingStep(event, self.stores)
        candidate = read_plan(step.folder).planned(event["best"]).candidate
        made = make(step.spec, step.rows("train"), step.rows("test"), candidate, self.stores.artifacts)
        told: Mapping[str, Any] = asdict(made)
        step.folder.write_json(MADE, told)
        return {"bundle": told["bundle"], "unweighed": told["unweighed"], "estimator": candidate.estimator}

    def _base(self, step: TrainingStep) -> ModelVersion | None:
        """The version that is trained again: the named one, else what serves, if anything does."""
        version = step.event["base"]
        if version is None:
            version = production(step.model, self.stores.artifacts)
        return None if version is None else model_version(step.model, version, self.stores.artifacts)
