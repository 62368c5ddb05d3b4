"""A version before its gates: its limits, the baseline, and the champion on the same rows."""

from dataclasses import asdict, dataclass

import numpy as np

from gyre.bundle.format import read_bundle
from gyre.bundle.predict import Predictions, Predictor
from gyre.datasets.kept_split import split_at
from gyre.datasets.splitting import seen
from gyre.datasets.version import dataset_version
from gyre.errors import Invalid, NotFound
from gyre.evaluation.comparison import compare
from gyre.evaluation.metric import higher_is_better
from gyre.evaluation.targets import Targets, truth_of
from gyre.features.compute import Array
from gyre.registry.card import CardFacts, card
from gyre.registry.card_page import card_page
from gyre.registry.gates import Asked, Champion, Judgement, judge, keep_judgement
from gyre.registry.moves import NOTHING_YET
from gyre.registry.releases import production
from gyre.registry.version import ModelVersion, model_version
from gyre.spec.versions import SpecVersion, spec_of
from gyre.tasks.step import Answer, Event, Stores, Task, TrainingStep
from gyre.training.candidates import read_plan, results

# Fewer rows tell two models apart by chance.
_LEAST_UNSEEN = 50

Answered = tuple[Targets, Predictions]


@dataclass(frozen=True)
class GateTasks:
    """Each by its name."""

    stores: Stores
    asks: bool
    """Whether a person is asked here whatever the spec says."""

    def by_name(self) -> dict[str, Task]:
        return {"gates": self.gates}

    def gates(self, event: Event) -> Answer:
        """What is said here holds against what was production when it was said."""
        step = TrainingStep(event, self.stores)
        made = model_version(step.model, event["version"], self.stores.artifacts)
        serves = production(step.model, self.stores.artifacts)
        fairness = step.folder.find_json("fairness.json")
        champion = self._champion(step, made, serves)
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
        passed = "ask" if self.asks or step.spec.release.approval == "person" else "promote"
        return {
            "outcome": passed if judged.passed else "reject",
            "because": judged.words,
            "expected": serves or NOTHING_YET,
        }

    def _champion(self, step: TrainingStep, made: ModelVersion, serves: int | None) -> Champion | None:
        """The version that serves, on the test rows that it was not trained on: those of its own training would
        flatter it. None if nothing serves, or if this version does already."""
        if serves in (None, made.version):
            return None
        theirs = model_version(step.model, serves, self.stores.artifacts)
        ours = self._answers(step, made, step.declared)
        try:
            known, answers = self._theirs(step, theirs)
        except (Invalid, NotFound) as error:  # of another target, of columns that these rows lack, or gone
            nothing = (None,) * 5
            return Champion(theirs.version, len(ours[0].values), False, *nothing, because=error.message)
        chosen = ~known if (~known).sum() >= _LEAST_UNSEEN else np.ones(len(known), dtype=bool)
        found = compare(made.metric, *_of(ours, chosen), *_of(answers, chosen), seed=step.spec.training.seed)
        return Champion(
            theirs.version, found.rows, not known[chosen].any(), found.ours, found.theirs, found.difference,
            found.low, found.high,
        )  # fmt: skip

    def _theirs(self, step: TrainingStep, theirs: ModelVersion) -> tuple[Array, Answered]:
        """Which of the test rows the champion knows, and what it says of all of them."""
        declared = spec_of(step.model, self.stores.artifacts, theirs.spec_version)
        if (declared.spec.target, declared.spec.task) != (step.spec.target, step.spec.task):
            raise Invalid(f"version {theirs.version} of {step.model} predicts something else")
        trained = split_at(theirs.split, self.stores.data)
        known = seen(step.split, "test", trained, declared.spec, self.stores.data, self.stores.tables)
        return known, self._answers(step, theirs, declared)

    def _answers(self, step: TrainingStep, made: ModelVersion, declared: SpecVersion) -> Answered:
        rows = self.stores.rows(step.event["split"], "test", declared)
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


def _of(answered: Answered, rows: Array) -> Answered:
    """Some of the rows."""
    truth, found = answered
    chosen = {name: None if values is None else values[rows] for name, values in vars(found).items()}
    return Targets(truth.classes, truth.values[rows]), Predictions(**chosen)
