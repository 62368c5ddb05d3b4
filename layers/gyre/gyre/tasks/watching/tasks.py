"""The steps of a look by their names, as the state machine calls them: references in, references out."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from gyre.feedback.labels import Labels
from gyre.journal.metrics import Metrics
from gyre.monitoring.acting.done import Done, done_about, keep_done
from gyre.monitoring.acting.incident import Links, tell
from gyre.monitoring.acting.retraining import retrain
from gyre.monitoring.analysis.multivariate import multivariate
from gyre.monitoring.analysis.performance import performance
from gyre.monitoring.analysis.quality import quality
from gyre.monitoring.analysis.univariate import univariate
from gyre.monitoring.asked import CompareAsked, WatchAsked
from gyre.monitoring.due import begin, due
from gyre.monitoring.figures.metrics import look_metrics
from gyre.monitoring.found import Found, Look, Multivariate, Performances, Qualities, Univariate
from gyre.monitoring.gathering.gather import Gatherer, Setting
from gyre.monitoring.gathering.given import Stock
from gyre.monitoring.gathering.predicted import Predictions
from gyre.monitoring.kept import keep_look, keep_report, look_of
from gyre.monitoring.report.page import report
from gyre.monitoring.results import Looks
from gyre.monitoring.side import Pair
from gyre.monitoring.verdict import verdict
from gyre.notices import Notices
from gyre.registry.releases import production
from gyre.spec.model import ModelSpec
from gyre.spec.versions import spec_of
from gyre.tasks.dispatch import Task
from gyre.tasks.step import Answer, Event
from gyre.tasks.watching.folder import LookFolder
from gyre.workflow import Workflow

# Models that are looked at side by side: each takes four functions while it is judged.
WORKERS = 2
_VERDICTS = 30


@dataclass(frozen=True)
class WatchTasks:
    """Each by its name; all of them may run again after a failure."""

    stock: Stock
    predictions: Predictions
    looks: Looks
    metrics: Metrics
    notices: Notices
    training: Workflow
    labels: Labels
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    def by_name(self) -> dict[str, Task]:
        found = {
            "univariate": self._judging("univariate", univariate),
            "multivariate": self._judging("multivariate", multivariate),
            "performance": self._judging("performance", performance),
            "quality": self._judging("quality", quality),
        }
        return {
            "models": self.models, "window": self.window, **found, "verdict": self.verdict, "report": self.report,
            "metrics": self.tell_metrics, "notice": self.notice, "retrain": self.retrain, "forget": self.forget,
        }  # fmt: skip

    def models(self, event: Event) -> Answer:
        """One that was asked for, two sets of data that somebody compares, or all that are due."""
        asked = event["asked"]
        if "subject" in asked:
            looks = [{"model": asked["model"], "kind": "compare", "asked": asked}]
        elif asked.get("model"):
            # What was seen in a former time says nothing about what serves now.
            kind = "compare" if asked.get("until") else "watch"
            looks = [{"model": asked["model"], "kind": kind, "asked": asked}]
        else:
            stock, now, run = self.stock, self.clock(), event["run"]
            models = due(stock.artifacts, stock.data, self.predictions, now, every=bool(asked.get("every")), run=run)
            begin(models, run, now, stock.data)
            looks = [{"model": model, "kind": "watch", "asked": {}} for model in models]
        return {"looks": looks, "count": len(looks), "workers": WORKERS}

    def window(self, event: Event) -> Answer:
        gatherer, model, asked = Gatherer(self.stock, self.predictions, self.clock()), event["model"], event["asked"]
        if "subject" in asked:
            gathered = gatherer.compare(CompareAsked.model_validate(asked))
        else:
            gathered = gatherer.watch(model, WatchAsked.model_validate({"model": model, **asked}))
        folder = self._folder(event)
        folder.write("setting", gathered.setting)
        if gathered.setting.enough:
            folder.keep(gathered.pair)
        return {"enough": gathered.setting.enough}

    def verdict(self, event: Event) -> Answer:
        folder = self._folder(event)
        setting = folder.read("setting", Setting)
        columns, together = folder.find("univariate", Univariate), folder.find("multivariate", Multivariate)
        figures, checks = folder.find("performance", Performances), folder.find("quality", Qualities)
        reached = verdict(
            setting.reference, setting.window, columns, together, figures, checks, setting.notes,
            minimum=setting.minimum,
        )  # fmt: skip
        look = Look(
            run=event["run"], model=event["model"], at=setting.at, kind=event["kind"], version=setting.version,
            reference=setting.reference, window=setting.window, verdict=reached, univariate=columns,
            multivariate=together, performance=figures, quality=checks, calls=setting.calls,
            failed_calls=setting.failed_calls,
        )  # fmt: skip
        peeked = setting.own_window and reached.level == "not enough data"
        keep_look(look, self.stock.data, is_latest=not peeked)
        self.looks.append(look)
        folder.forget()
        return {"level": look.verdict.level}

    def report(self, event: Event) -> Answer:
        look, data = self._look(event), self.stock.data
        done = [each.sentence for each in done_about(look.model, look.run, data).values()]
        history = self.looks.verdicts(look.model, _VERDICTS) if look.kind == "watch" else []
        page = report(look, [(at, level) for at, level, _ in history], done)
        return {"report": keep_report(look, page, data)}

    def tell_metrics(self, event: Event) -> Answer:
        self.metrics.tell(look_metrics(self._look(event)))
        return {}

    def notice(self, event: Event) -> Answer:
        look = self._look(event)
        told = tell(look, self._spec(event), self.stock.data, self.notices, Links(), self.clock())
        self._keep(event, "notice", Done(action=told.action, sentence=told.sentence))
        return {"action": told.action}

    def retrain(self, event: Event) -> Answer:
        look = self._look(event)
        told = retrain(
            look, self._spec(event), self.looks, self.stock.data, self.training, self.clock(), self.labels,
            serves=production(look.model, self.stock.artifacts),
        )  # fmt: skip
        self._keep(
            event, "retrain", Done(action="started" if told.run else "none", sentence=told.because, run=told.run)
        )
        return {"started": told.run or ""}

    def forget(self, event: Event) -> Answer:
        """Of a look that failed half-way: rows of people stay nowhere but where an erasure looks for them."""
        self._folder(event).forget()
        return {}

    def _judging(self, name: str, judge: Callable[[Pair], Found]) -> Task:
        def judged(event: Event) -> Answer:
            folder = self._folder(event)
            folder.write(name, judge(folder.pair()))
            return {}

        return judged

    def _keep(self, event: Event, step: str, done: Done) -> None:
        keep_done(event["model"], event["run"], step, done, self.stock.data)

    def _folder(self, event: Event) -> LookFolder:
        return LookFolder(self.stock.data, event["model"], event["run"])

    def _look(self, event: Event) -> Look:
        return look_of(event["model"], event["run"], self.stock.data)

    def _spec(self, event: Event) -> ModelSpec:
        return spec_of(event["model"], self.stock.artifacts).spec
