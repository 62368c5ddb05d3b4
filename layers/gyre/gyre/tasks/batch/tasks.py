"""The steps of a batch by their names, as the state machine calls them."""

from dataclasses import dataclass

from gyre.datasets.batch_file import batch_file_at
from gyre.journal.outlet import Outlet
from gyre.objects import ObjectStore
from gyre.tasks.batch.join import Joiner
from gyre.tasks.batch.plan import Planner
from gyre.tasks.batch.predict import RangePredictor
from gyre.tasks.step import Answer, Event, Task, kept


@dataclass(frozen=True)
class BatchTasks:
    """Each by its name; all of them may run again after a failure."""

    planner: Planner
    predictor: RangePredictor
    joiner: Joiner
    workers: int

    def by_name(self) -> dict[str, Task]:
        return {"plan": self.plan, "predict": self.predict, "join": self.join}

    def plan(self, event: Event) -> Answer:
        made = self.planner.plan(event["run"], batch_file_at(event["file"]["key"], event["file"]["version"]))
        return {
            "manifest": made.key,
            "items": made.items,
            "ranges": len(made.ranges),
            "rows": made.rows,
            "version": made.release.version,
            "bundle": made.release.bundle.hash,
            "workers": self.workers,
        }

    def predict(self, event: Event) -> Answer:
        done = self.predictor.predict(self.predictor.plan(event["manifest"]), event["number"])
        return {"number": event["number"], "rows": done.rows, "predicted": done.predicted}

    def join(self, event: Event) -> Answer:
        plan = self.predictor.plan(event["manifest"])
        told = self.joiner.join(plan, event["lost"].get("Cause"))
        return {**told, "summary": plan.file.summary}


def batch_tasks(
    data: ObjectStore, artifacts: ObjectStore, outlet: Outlet, *, code: str, workers: int
) -> dict[str, Task]:
    """All of them. A plan that was made is the plan; an answer that was put together is the answer."""
    tasks = BatchTasks(
        Planner(data, artifacts, code), RangePredictor(data, artifacts, outlet), Joiner(data, artifacts), workers
    ).by_name()  # fmt: skip
    # Each range leaves figures of its own.
    told = {name: kept(tasks[name], artifacts, reused=True, code=code) for name in ("plan", "join")}
    return {**tasks, **told}
