"""How good a bundle is, between whom its answers differ, and whether that is enough."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from gyre.bundle.format import Bundle, read_bundle
from gyre.bundle.predict import Predictor
from gyre.datasets.kept_split import split_at
from gyre.datasets.split import PARTS
from gyre.datasets.splitting import seen, split_version
from gyre.errors import Invalid
from gyre.evaluation.evaluate import evaluate, values_of
from gyre.evaluation.fairness import Fairness, fairness
from gyre.evaluation.fairness_plot import fairness_plot
from gyre.evaluation.importance import importance
from gyre.evaluation.metric import metric_of
from gyre.evaluation.plots import plots
from gyre.evaluation.targets import truth_of
from gyre.registry.tracking import Tracking
from gyre.registry.version import model_version
from gyre.run_folder import RunFolder
from gyre.spec.model import ModelSpec
from gyre.spec.versions import spec_of
from gyre.tasks.step import Answer, Event, Stores, Task, TrainingStep
from gyre.tasks.tracked import tracked_evaluation
from gyre.training.baseline import baseline
from gyre.training.rows import PartRows, check_columns, protected, read_rows

EVALUATION, FAIRNESS, PLOTS = "evaluation.json", "fairness.json", "plots/"
# Texts and moments make no groups.
_SLICED = frozenset({"number", "integer", "boolean", "category"})


@dataclass(frozen=True)
class JudgeTasks:
    """Each by its name."""

    stores: Stores
    tracking: Tracking

    def by_name(self) -> dict[str, Task]:
        return {"evaluate": self.evaluate, "fairness": self.fairness, "evaluate_version": self.evaluate_version}

    def evaluate(self, event: Event) -> Answer:
        """On the test part; beside it the model that always says the same."""
        step = TrainingStep(event, self.stores)
        rows, spec = step.rows("test"), step.spec
        told = _judged(spec, self._bundle(event["bundle"]), rows, step.folder)
        dumb = baseline(spec, step.rows("train").target)
        truth = truth_of(spec, dumb.classes, rows.target)
        beside = values_of(truth, dumb.predict(len(rows)))
        key = step.folder.write_json(EVALUATION, told | {"baseline": beside})
        return _figure(spec, told) | {"baseline": beside.get(metric_of(spec)), "key": key}

    def fairness(self, event: Event) -> Answer:
        """Also without reweighing, if there is that: it shows what reweighing changed."""
        step = TrainingStep(event, self.stores)
        rows = step.rows("test")
        after = self._fairness(step.spec, event["bundle"], rows)
        if after is None:
            return {"measured": False, "worst": None}
        before = self._fairness(step.spec, event["unweighed"], rows) if event["unweighed"] else None
        step.folder.write_json(FAIRNESS, {"after": after.to_json(), "before": before.to_json() if before else None})
        _keep_plots(step.folder, fairness_plot(after))
        return {"measured": True, "worst": {name: each for name, each in after.figures.items() if "." not in name}}

    def evaluate_version(self, event: Event) -> Answer:
        """A registered version on the rows of any dataset version."""
        wanted, started = event["evaluate"], datetime.now(UTC)
        made = model_version(event["model"], wanted["version"], self.stores.artifacts)
        spec = spec_of(made.model, self.stores.artifacts, made.spec_version).spec
        rows = self._rows_of(wanted["dataset"], wanted["part"], made.model, made.spec_version, made.split)
        if not len(rows):
            raise Invalid(
                f"Version {made.version} of {made.model} was trained on every row of dataset version "
                f"{wanted['dataset']} that has a target: ask for part `test` or `all`, or for another version.",
                field="part",
            )
        folder, bundle = RunFolder(self.stores.artifacts, made.model, event["run"]), asdict(made.bundle)
        told = _judged(spec, self._bundle(bundle), rows, folder) | {"evaluated": wanted}
        key = folder.write_json(EVALUATION, told)
        found = self._fairness(spec, bundle, rows)
        if found is not None:
            folder.write_json(FAIRNESS, {"after": found.to_json(), "before": None})
        self.tracking.record_evaluation(
            tracked_evaluation(made, wanted, told, found.figures if found else {}, folder, started)
        )
        return {**wanted, "rows": len(rows), "key": key, **_figure(spec, told)}

    def _rows_of(self, dataset: int, part: str, model: str, spec_version: int, trained_on: str) -> PartRows:
        declared = spec_of(model, self.stores.artifacts, spec_version)
        check_columns(dataset, declared.spec, self.stores.tables)
        split = split_version(dataset, declared, self.stores.data, self.stores.tables)
        trained = split_at(trained_on, self.stores.data)
        found = []
        for name in PARTS if part in ("all", "unseen") else (part,):
            rows = read_rows(split, name, declared.spec, self.stores.data, self.stores.tables)
            if part == "unseen":
                rows = rows.chosen(~seen(split, name, trained, declared.spec, self.stores.data, self.stores.tables))
            found.append(rows)
        return PartRows.together(found)

    def _fairness(self, spec: ModelSpec, ref: Mapping[str, Any], rows: PartRows) -> Fairness | None:
        groups = protected(spec, rows.columns)
        if not groups:
            return None
        bundle = self._bundle(ref)
        truth = truth_of(spec, bundle.manifest.classes, rows.target)
        return fairness(spec, truth, Predictor(bundle).predict(rows.columns), groups)

    def _bundle(self, ref: Mapping[str, Any]) -> Bundle:
        return read_bundle(self.stores.artifacts, ref["key"], ref["hash"])


def _judged(spec: ModelSpec, bundle: Bundle, rows: PartRows, folder: RunFolder) -> dict[str, Any]:
    """Everything about a bundle on some rows; the pictures stay in the folder."""
    predictor = Predictor(bundle)
    truth, found = truth_of(spec, bundle.manifest.classes, rows.target), predictor.predict(rows.columns)
    slices = {name: rows.columns[name] for name, each in spec.columns.items() if _is_sliced(spec, name, rows)}
    judged = evaluate(spec, truth, found, slices, seed=spec.training.seed)
    importances = importance(predictor, rows.columns)
    _keep_plots(folder, plots(judged, importances))
    return judged.to_json() | {"importance": [asdict(each) for each in importances]}


def _is_sliced(spec: ModelSpec, name: str, rows: PartRows) -> bool:
    column = spec.columns[name]
    return name in rows.columns and name != spec.group and column.type in _SLICED


def _figure(spec: ModelSpec, told: Mapping[str, Any]) -> Answer:
    metric = metric_of(spec)
    return {"metric": metric, "value": told["figures"][metric]["value"]}


def _keep_plots(folder: RunFolder, drawn: Mapping[str, bytes]) -> None:
    for name, content in drawn.items():
        folder.write(f"{PLOTS}{name}", content)
