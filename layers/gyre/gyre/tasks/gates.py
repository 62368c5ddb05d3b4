"""A version before its gates: its limits, the baseline, and the champion on the same rows."""

from dataclasses import asdict, dataclass

import numpy as np

from gyre.bundle.format import read_bundle
from gyre.bundle.predict import Predictions, Predictor
from gyre.datasets.kept_split import split_at
from gyre.datasets.splitting import seen
from gyre.datasets.version import dataset_version
from gyre.errors import Invalid, NotFound
from gyre.evaluation.comparison import Comparison, compare
from gyre.evaluation.metric import higher_is_better
from gyre.evaluation.targets import Targets, truth_of
from gyre.features.compute import Array
from gyre.registry.card import CardFacts, card
from gyre.registry.card_page import card_page
from gyre.registry.gates import Asked, Champion, Judgement, judge, keep_judgement
from gyre.registry.releases import pointer_if_any
from gyre.registry.version import ModelVersion, model_version
from gyre.spec.versions import SpecVersion, spec_of
from gyre.tasks.step import Answer, Event, Stores, Task, TrainingStep
from gyre.training.candidates import read_plan, results

# Fewer rows tell two models apart by chance.
_LEAST_UNSEEN = 50


@dataclass(frozen=True)
class GateTasks:
    """Each by its name."""

    stores: Stores

    def by_name(self) -> dict[str, Task]:
        return {"gates": self.gates}

    def gates(self, event: Event) -> Answer:
        """What is said here holds against what was production when it was said."""
        step = TrainingStep(event, self.stores)
        made = model_version(step.model, event["version"], self.stores.artifacts)
        released = pointer_if_any(step.model, self.stores.artifacts)
        production = released[0].version("production") if released else None
        fairness = step.folder.find_json("fairness.json")
        champion = self._champion(step, made, production)
        judged = judge(
            step.spec.gates,
            Asked(
                figures=made.figures, metric=made.metric, higher_is_better=higher_is_better(made.metric),
                baseline=made.baseline.get(made.metric), champion=champion,
                latency_ms=step.folder.read_json("made.json")["latency_ms"], bundle_bytes=made.bundle.size,
                fairness=fairness["after"]["figures"] if fairness else {},
            ),
        )  # fmt: skip
        keep_judgement(judged, step.folder)
        self._keep_card(step, made, judged, champion)
        passed = "ask" if step.spec.release.approval == "person" else "promote"
        return {"outcome": passed if judged.passed else "reject", "because": judged.words, "expected": production or 0}

    def _champion(self, step: TrainingStep, made: ModelVersion, production: int | None) -> Champion | None:
        """The version that serves, on the test rows that it was not trained on: those of its own training would
        flatter it. None if nothing serves, or if this version does already."""
        if production in (None, made.version):
            return None
        theirs = model_version(step.model, production, self.stores.artifacts)
        known = seen(step.split, "test", split_at(theirs.split, self.stores.data), self.stores.data)
        chosen = ~known if (~known).sum() >= _LEAST_UNSEEN else np.ones(len(known), dtype=bool)
        unseen = not known[chosen].any()
        try:
            found = self._compared(step, made, theirs, chosen)
        except (Invalid, NotFound):  # of another target, or of columns that these rows do not have
            return Champion(theirs.version, int(chosen.sum()), unseen, None, None, None, None, None)
        return Champion(
            theirs.version, found.rows, unseen, found.ours, found.theirs, found.difference, found.low, found.high
        )

    def _compared(self, step: TrainingStep, made: ModelVersion, theirs: ModelVersion, chosen: Array) -> Comparison:
        declared = spec_of(step.model, self.stores.artifacts, theirs.spec_version)
        if (declared.spec.target, declared.spec.task) != (step.spec.target, step.spec.task):
            raise Invalid(f"Version {theirs.version} of {step.model} predicts something else.")
        split, seed = step.event["split"], step.spec.training.seed
        ours = self._answers(made, step.declared, split, chosen)
        return compare(made.metric, *ours, *self._answers(theirs, declared, split, chosen), seed=seed)

    def _answers(
        self, made: ModelVersion, declared: SpecVersion, split: str, chosen: Array
    ) -> tuple[Targets, Predictions]:
        rows = self.stores.rows(split, "test", declared).chosen(chosen)
        bundle = read_bundle(self.stores.artifacts, made.bundle.key, made.bundle.hash)
        return truth_of(declared.spec, bundle.manifest.classes, rows.target), Predictor(bundle).predict(rows.columns)

    def _keep_card(self, step: TrainingStep, made: ModelVersion, judged: Judgement, champion: Champion | None) -> None:
        """Beside what it is made of; told anew when it is judged anew."""
        folder, bundle = step.folder, made.bundle
        plan = read_plan(folder)
        ended = asdict(plan.ended) if plan.ended else {}
        candidates = [asdict(each) for each in results(plan, made.metric, folder)]
        facts = CardFacts(
            made=made, spec=step.spec, evaluation=folder.read_json("evaluation.json"),
            dataset=asdict(dataset_version(made.model, made.dataset, self.stores.data)),
            fairness=folder.find_json("fairness.json"), judgement=judged, champion=champion,
            search={**plan.search.model_dump(), **ended, "candidates": candidates},
            manifest=read_bundle(self.stores.artifacts, bundle.key, bundle.hash).manifest.model_dump(mode="json"),
        )  # fmt: skip
        told = card(facts)
        plots = {name: folder.read(f"plots/{name}") for name in folder.names("plots/") if name.endswith(".svg")}
        folder.write_json("card.json", told)
        folder.write("card.html", card_page(told, plots).encode())
