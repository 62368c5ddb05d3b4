"""From a bundle to a release: registered, judged, asked for, promoted, and MLflow told."""

from dataclasses import dataclass
from datetime import UTC, datetime

from gyre.bundle.ref import BundleRef
from gyre.errors import Conflict, Unavailable
from gyre.evaluation.metric import metric_of
from gyre.registry.approval import ask
from gyre.registry.mirror import mirror
from gyre.registry.moves import NOTHING_YET, Mover, promote
from gyre.registry.releases import history, production
from gyre.registry.tracking import Registration, Tracking
from gyre.registry.version import ModelVersion, keep_version, version_numbers
from gyre.tasks.step import Answer, Event, Stores, Task, TrainingStep
from gyre.tasks.tracked import Training, figures_of, tracked_training
from gyre.training.candidates import read_plan, results


@dataclass(frozen=True)
class ReleaseTasks:
    """Each by its name."""

    stores: Stores
    tracking: Tracking
    data_bucket: str
    artifact_bucket: str
    commit: str

    def by_name(self) -> dict[str, Task]:
        return {"register": self.register, "ask": self.ask, "promote": self.promote, "mirror": self.mirror}

    def register(self, event: Event) -> Answer:
        """The run in MLflow first, then the version there, whose number it gets; its record last: a version is there
        once its record is."""
        step = TrainingStep(event, self.stores)
        spec, folder, at = step.spec, step.folder, datetime.now(UTC)
        plan = read_plan(folder)
        best, bundle = plan.planned(event["best"]).candidate, BundleRef(**event["bundle"])
        scored = tuple(results(plan, metric_of(spec), folder))
        made = Training(
            spec, step.declared.version, step.split, folder, plan, scored, event["best"], bundle.hash, self.commit,
            self.data_bucket, at,
        )  # fmt: skip
        tracked = self.tracking.record(tracked_training(made))
        reference = f"s3://{self.data_bucket}/{step.split.key}#reference"
        number = self.tracking.register(
            Registration(
                model=spec.model, run=step.run, tracked=tracked, source=f"s3://{self.artifact_bucket}/{bundle.key}",
                reference=reference, dataset=event["dataset"], spec=step.declared.version, commit=self.commit,
                bundle=bundle.hash, estimator=best.estimator, note=spec.description or "",
            ),
            max(version_numbers(spec.model, self.stores.artifacts), default=0),
        )  # fmt: skip
        evaluation = folder.read_json("evaluation.json")
        kept = keep_version(
            ModelVersion(
                model=spec.model, version=number, run=step.run, at=at.isoformat(timespec="seconds"),
                dataset=event["dataset"], split=step.split.key, rows=step.split.rows,
                spec_version=step.declared.version, commit=self.commit, seed=spec.training.seed,
                estimator=best.estimator, parameters=best.parameters, bundle=bundle, metric=metric_of(spec),
                figures=figures_of(evaluation), baseline=evaluation["baseline"], tracked=tracked,
            ),
            self.stores.artifacts,
        )  # fmt: skip
        return {"version": kept.version, "tracked": tracked}

    def ask(self, event: Event) -> Answer:
        """Leaves the token where an answer finds it; the run goes on with what is answered."""
        asked = ask(
            event["model"], event["version"], event["run"], event["token"], self.stores.artifacts,
            against=event["expected"],
        )  # fmt: skip
        return {"asked_at": asked.asked_at}

    def promote(self, event: Event) -> Answer:
        """A `Conflict` sends the run back to its gates: only where they would judge against another version now."""
        model, version, expected = event["model"], event["version"], event["expected"]
        made = (each for each in history(model, self.stores.artifacts) if each.action == "promote")
        if done := next((each for each in made if (each.run, each.version) == (event["run"], version)), None):
            # The answer was lost, or the run was resumed: what people did since stays as it is.
            return {"revision": done.revision, "before": done.before}
        by = Mover(event["actor"], run=event["run"])
        try:
            now = promote(model, version, self.stores.artifacts, by, expected=expected)
        except Conflict as error:
            if (production(model, self.stores.artifacts) or NOTHING_YET) == expected:
                # A race about something else is over when it is tried again; what stays, such as a version that was
                # retired meanwhile, would lead from the gates to this very conflict for ever.
                raise Unavailable(error.message, field=error.field) from error
            raise
        return {"revision": now.revision, "before": now.last.before if now.last.version == version else None}

    def mirror(self, event: Event) -> Answer:
        told = mirror(event["model"], self.tracking, self.stores.artifacts)
        return {"aliases": told.aliases, "revision": told.revision}
