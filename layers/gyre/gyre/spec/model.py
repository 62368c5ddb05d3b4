"""model.yaml as a whole, and what must agree across its sections."""

import hashlib
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from gyre.spec.base import MODEL_PATTERN, OURS, ColumnName, Disagreement, Path, Section
from gyre.spec.columns import Column, Derived, Rule
from gyre.spec.expression import ExpressionError, Kind, kind_of, parse
from gyre.spec.policy import Dataset, Gates, Monitoring, Quality, Release, Retention, Retrain, Split, Training
from gyre.spec.preparing import preparation_faults
from gyre.spec.reading import Reading

# What decides which rows are taken, and with which values.
_OF_COLUMNS = {"type", "range", "values", "length", "required", "unique", "outliers", "missing", "actions"}
_KINDS: dict[str, Kind] = {
    "number": "number", "integer": "number", "boolean": "truth", "category": "text", "text": "text", "time": "time",
}  # fmt: skip
_TARGETS = {
    "binary": ("category", "boolean", "integer"),
    "multiclass": ("category", "integer"),
    "regression": ("number", "integer"),
}


class ModelSpec(Section):
    """Everything Gyre has to know about a model."""

    model: Annotated[str, Field(pattern=MODEL_PATTERN)]
    """Its name: a lower-case letter, then letters, digits, - and _."""
    description: str = ""
    """For people: what it predicts, and what for."""
    owner: str = ""
    """For people: who answers for it."""
    task: Literal["binary", "multiclass", "regression"]
    """What is predicted: one of two classes, one of several, or a number."""
    target: ColumnName
    """The column that is predicted."""
    id: ColumnName | None = None
    """The column that names a row. In a version that holds several uploads the newest row of each id counts."""
    time: ColumnName | None = None
    """The column that says when a row came about."""
    group: ColumnName | None = None
    """Rows of one group never stand in different parts of a split: one person, one household."""
    read: Reading = Reading()
    """How files are written."""
    columns: Annotated[dict[ColumnName, Column], Field(min_length=2, max_length=2_000)]
    """What each column of an upload holds. Others are reported and left out."""
    derived: dict[ColumnName, Derived] = Field(default_factory=dict, max_length=500)
    """Features that are computed from the columns of the same row, here and when serving."""
    filter: str | None = None
    """Only rows of which this is true are taken; an expression as in `derived.formula`. Others are just counted."""
    rules: tuple[Rule, ...] = ()
    """Conditions over several columns."""
    dataset: Dataset = Dataset()
    """How uploads become versions."""
    quality: Quality = Quality()
    """Limits of a whole upload."""
    split: Split = Split()
    """How a version is divided into train, test and reference."""
    training: Training = Training()
    """What is trained."""
    gates: Gates = Gates()
    """What must be reached before a release."""
    release: Release = Release()
    """How a release comes about."""
    monitoring: Monitoring = Monitoring()
    """How it is watched."""
    retrain: Retrain = Retrain()
    """When it is trained anew by itself."""
    retention: Retention = Retention()
    """How long data is kept."""

    @property
    def features(self) -> tuple[str, ...]:
        """What the model sees, in the order of the file: columns first, then derived ones."""
        never = {self.target, self.id, self.time, self.group}
        columns = [n for n, c in self.columns.items() if c.feature and not c.personal and n not in never]
        return (*columns, *(name for name, derived in self.derived.items() if derived.feature))

    @property
    def needed(self) -> frozenset[str]:
        """The columns without which no row can be predicted."""
        features = frozenset(name for name in self.features if name in self.columns)
        return features.union(*(self.inputs_of(each) for each in self.derived.values() if each.feature))

    @property
    def personal(self) -> frozenset[str]:
        """The columns that tell who somebody is."""
        return frozenset(name for name, column in self.columns.items() if column.personal)

    @property
    def protected(self) -> tuple[str, ...]:
        """The columns between whose groups fairness is measured."""
        return tuple(name for name, column in self.columns.items() if column.protected)

    @property
    def kinds(self) -> dict[str, Kind]:
        """What each column is in an expression."""
        return {name: _KINDS[column.type] for name, column in self.columns.items()}

    @property
    def data_digest(self) -> str:
        """Names what is declared about rows: under two specs that differ in nothing of it an upload gives the same."""
        told = self.model_dump_json(
            include={
                **dict.fromkeys(("target", "read", "filter", "dataset", "quality"), True),
                "columns": {"__all__": _OF_COLUMNS},
                "derived": {"__all__": {"formula", "ratio", "bin", "edges", "labels"}},
                "rules": {"__all__": {"name", "check", "action"}},
            }
        )
        return hashlib.sha256(told.encode()).hexdigest()

    @property
    def computed_with(self) -> frozenset[str]:
        """The columns that derived features, rules and the filter are computed from."""
        texts = (*(rule.check for rule in self.rules), *((self.filter,) if self.filter is not None else ()))
        inputs = (*(self.inputs_of(each) for each in self.derived.values()), *(parse(text).columns for text in texts))
        return frozenset().union(*inputs)

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        faults = [
            *self._name_faults(), *self._named_columns(), *self._target_faults(), *self._expression_faults(),
            *self._feature_faults(), *self._policy_faults(),
        ]  # fmt: skip
        if faults:
            raise Disagreement(faults)
        return self

    def _name_faults(self) -> list[tuple[Path, str]]:
        faults: list[tuple[Path, str]] = []
        seen: dict[str, str] = {}
        for place, name in [("columns", each) for each in self.columns] + [("derived", each) for each in self.derived]:
            if name.startswith(OURS):
                faults.append(((place, name), f"names that begin with {OURS} are Gyre's own"))
            earlier = seen.setdefault(name.lower(), name)
            if earlier != name:
                faults.append(((place, name), f"a table cannot tell it from {earlier!r}: capitals do not count there"))
        return faults

    def _named_columns(self) -> list[tuple[Path, str]]:
        wanted: list[tuple[Path, str | None]] = [
            (("target",), self.target), (("id",), self.id), (("time",), self.time), (("group",), self.group),
            *((("monitoring", "thresholds", name), name) for name in self.monitoring.thresholds),
        ]  # fmt: skip
        return [
            (place, f"{name!r} is not among `columns`{' or `derived`' if place[0] == 'monitoring' else ''}")
            for place, name in wanted
            if name is not None and name not in self.columns and not (place[0] == "monitoring" and name in self.derived)
        ]

    def _target_faults(self) -> list[tuple[Path, str]]:
        faults: list[tuple[Path, str]] = []
        place = ("columns", self.target)
        if (target := self.columns.get(self.target)) is not None:
            right = _TARGETS[self.task]
            if target.type not in right:
                faults.append(((*place, "type"), f"the target of a {self.task} must be {' or '.join(right)}"))
            if self.task == "binary" and target.values and len(target.values) != 2:
                faults.append(
                    ((*place, "values"), f"a binary target has two values, and {len(target.values)} are given")
                )
            if self.task == "multiclass" and target.values and len(target.values) < 3:
                faults.append(((*place, "values"), "a target of fewer than three values is `task: binary`"))
            if target.personal:
                faults.append(
                    ((*place, "personal"), "what is predicted cannot be personal: a model would learn to tell it")
                )
            if target.protected:
                told = "what is predicted is no group: fairness is about who is told what"
                faults.append(((*place, "protected"), told))
        if self.time in self.columns and self.columns[self.time].type not in ("time", "number", "integer"):
            faults.append(
                (("time",), f"{self.time!r} is of type {self.columns[self.time].type}: it must be time or a number")
            )
        if self.split.by == "time" and self.time is None:
            faults.append((("split", "by"), "a split by time needs `time`: the column that says when a row came about"))
        if self.id is not None and self.id == self.target:
            faults.append((("id",), "what is predicted cannot name a row"))
        if not self.features:
            faults.append((("columns",), "no column is left as a feature: the model would see nothing"))
        return faults

    def _expression_faults(self) -> list[tuple[Path, str]]:
        faults: list[tuple[Path, str]] = []
        kinds = self.kinds
        wanted: list[tuple[Path, str, bool]] = [
            (("rules", at, "check"), rule.check, True) for at, rule in enumerate(self.rules)
        ]
        if self.filter is not None:
            wanted.append((("filter",), self.filter, True))
        for name, derived in self.derived.items():
            if name in self.columns:
                faults.append((("derived", name), f"{name!r} is a column already"))
            if derived.formula is not None:
                wanted.append((("derived", name, "formula"), derived.formula, False))
            numbers: dict[Path, str] = {("ratio", at): column for at, column in enumerate(derived.ratio or ())}
            numbers |= {("bin",): derived.bin} if derived.bin is not None else {}
            faults += [
                (("derived", name, *way), f"{column!r} is not a number column")
                for way, column in numbers.items()
                if kinds.get(column) != "number"
            ]
            faults += [(("derived", name), message) for message in self._leaks(derived)]
        for place, text, truth in wanted:
            try:
                kind = kind_of(parse(text), kinds)
            except ExpressionError as error:
                faults.append((place, str(error)))
                continue
            if truth and kind != "truth":
                faults.append((place, f"it computes a {kind}, and something true or false is needed"))
            if not truth and kind not in ("number", "truth"):
                faults.append((place, f"it computes a {kind}, and a number or something true or false is needed"))
        taken: set[str] = set()
        for at, rule in enumerate(self.rules):
            if rule.name in taken:
                faults.append((("rules", at, "name"), f"{rule.name!r} is taken by an earlier rule"))
            taken.add(rule.name)
        return faults

    def _feature_faults(self) -> list[tuple[Path, str]]:
        kinds = self.kinds
        declared = {("columns", name): column for name, column in self.columns.items()} | {
            ("derived", name): derived for name, derived in self.derived.items()
        }
        return [
            ((*place, "prepare"), fault)
            for place, each in declared.items()
            for fault in preparation_faults(each, kinds)
        ]

    def _leaks(self, derived: Derived) -> list[str]:
        """What a derived feature would tell the model that it must not know."""
        used = self.inputs_of(derived) if derived.feature else frozenset()
        personal = sorted(name for name in used if name in self.columns and self.columns[name].personal)
        return [
            *([f"it would tell the model the target {self.target!r}"] if self.target in used else []),
            *(f"it is computed from the personal column {name!r}, which no model may see" for name in personal),
        ]

    @staticmethod
    def inputs_of(derived: Derived) -> frozenset[str]:
        """The columns a derived feature is computed from; an unreadable formula has none."""
        if derived.formula is not None:
            try:
                return parse(derived.formula).columns
            except ExpressionError:
                return frozenset()
        return frozenset(derived.ratio or ()) | (frozenset((derived.bin,)) if derived.bin else frozenset())

    def _policy_faults(self) -> list[tuple[Path, str]]:
        faults: list[tuple[Path, str]] = []
        if self.split.test + self.split.reference >= 0.95:
            faults.append((("split",), "test and reference leave less than 5 % of the rows to train on"))
        if self.retrain.verdicts > self.retrain.of_last:
            faults.append(
                (("retrain", "verdicts"), f"{self.retrain.verdicts} of the last {self.retrain.of_last} can never be")
            )
        if self.retrain.journal and self.dataset.mode == "replace":
            told = "labelled predictions would be all that is trained on: `dataset.mode` is replace"
            faults.append((("retrain", "journal"), told))
        if self.retrain.journal and not self.training.on_upload:
            told = "labelled predictions come as an upload, and `training.on_upload` is false"
            faults.append((("retrain", "journal"), told))
        regression = self.task == "regression"
        if self.training.metric and (self.training.metric in ("rmse", "mae", "r2")) != regression:
            faults.append((("training", "metric"), f"{self.training.metric} is no measure of a {self.task}"))
        if self.gates.fairness and not self.protected:
            faults.append(
                (("gates", "fairness"), "no column is `protected: true`, so there is nothing to be fair about")
            )
        if self.training.reweigh and not self.protected:
            faults.append((("training", "reweigh"), "no column is `protected: true`, so there is nothing to weigh by"))
        faults += [
            (("training", "space", name), f"{name} is not among `training.estimators`")
            for name in self.training.space
            if name not in self.training.estimators
        ]
        return faults
