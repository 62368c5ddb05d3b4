"""Between whom answers differ, and weights that take the difference out of the training rows."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from gyre.bundle.predict import Predictions
from gyre.bundle.scores import Floats
from gyre.evaluation.answers import Answers, Places, answers
from gyre.evaluation.disparity import LEAST_ROWS, MOST_CLASSES, MOST_GROUPS, Disparity, disparity, worse
from gyre.evaluation.groups import JOINED, grouped, joined
from gyre.evaluation.plain import plain
from gyre.evaluation.targets import Targets
from gyre.features.compute import Array, is_missing
from gyre.spec.base import class_name
from gyre.spec.model import ModelSpec

# A numeric target of more values than this is cut, so that groups and outcomes meet often enough to be counted.
_MOST_OUTCOMES = 20
_CUTS = 5
_MOST_TOLD = 10


@dataclass(frozen=True)
class Fairness:
    """What was found. `to_json` has these fields by these names; see them for what they hold."""

    rows: int
    figures: Mapping[str, float]
    """By name, as gates name them: `demographic_parity_difference` is the worst over protected columns, and
    `demographic_parity_difference.<column>` that of one, or of all of them together as `<a> & <b>`."""
    attributes: tuple[Disparity, ...]
    """Each protected column, then all together."""
    notes: tuple[str, ...]
    """What was left out, and why there is no figure."""

    def to_json(self) -> dict[str, Any]:
        """For a file: {rows, figures: {<name>: value}, attributes: [{attribute, figures, worst_class, groups: [{name,
        rows, accuracy, selection_rate: {<class>: share}, true_positive_rate, false_positive_rate, mean_prediction,
        mean_target, mean_absolute_error}], left_out: [[group, rows]], missing}], notes}. There is no NaN."""
        told: dict[str, Any] = plain(self)
        return told


def fairness(spec: ModelSpec, truth: Targets, found: Predictions, groups: Mapping[str, Array]) -> Fairness:
    """Between the groups of each protected column and of all together. Of two classes the second counts as the good
    outcome; of several each against the rest, and the worst counts."""
    told = answers(truth, found)
    classes = _classes(told)
    each = {name: grouped(values, boolean=_is_boolean(spec, name)) for name, values in groups.items()}
    wanted = {**each, JOINED.join(each): joined(each)} if len(each) > 1 else each
    apart = tuple(disparity(name, of, told, classes) for name, of in wanted.items())
    figures: dict[str, float] = {}
    for one in apart:
        for name, value in one.figures.items():
            if one.attribute in each and (name not in figures or worse(name, value, figures[name])):
                figures[name] = value
    figures |= {f"{name}.{one.attribute}": value for one in apart for name, value in one.figures.items()}
    return Fairness(len(told), figures, apart, tuple(_notes(told, classes, apart)))


def _classes(told: Answers) -> dict[int, str]:
    """The places and names of the outcomes that are compared."""
    if len(told.classes) == 2:
        return {1: class_name(told.classes[1])}
    rows = np.bincount(told.truth, minlength=len(told.classes) + 1)[: len(told.classes)]
    chosen = sorted(np.argsort(-rows, kind="stable")[:MOST_CLASSES].tolist())
    return {at: class_name(told.classes[at]) for at in chosen}


def _notes(told: Answers, classes: Mapping[int, str], apart: tuple[Disparity, ...]) -> list[str]:
    notes = [] if apart else ["No column is protected: there is nothing to compare."]
    if len(classes) < len(told.classes) and len(told.classes) > 2:
        notes.append(f"Of {len(told.classes)} classes the {len(classes)} most frequent are compared.")
    for one in apart:
        if one.left_out:
            some = ", ".join(f"{name} ({rows:,})" for name, rows in one.left_out[:_MOST_TOLD])
            more = len(one.left_out) - _MOST_TOLD
            notes.append(
                f"{one.attribute}: groups under {LEAST_ROWS} rows, and those beyond the {MOST_GROUPS} largest, are not "
                f"compared: {some}{f' and {more:,} more' if more > 0 else ''}."
            )
        if one.missing:
            notes.append(f"{one.attribute}: {one.missing:,} of {len(told):,} rows have no value and are not compared.")
        if len(one.groups) < 2:
            left = f"only {one.groups[0].name}" if one.groups else "no group"
            notes.append(f"{one.attribute}: {left} is left to compare, so there is no figure.")
    return notes


def _is_boolean(spec: ModelSpec, name: str) -> bool:
    return name in spec.columns and spec.columns[name].type == "boolean"


def reweighing(groups: Mapping[str, Array], target: Array) -> Floats:
    """Kamiran and Calders: w = P(group) P(outcome) / P(group, outcome), groups by all protected columns together. Then
    no outcome is more frequent in one group than in another. The mean is 1; a row of no known group weighs 1."""
    weights = np.ones(len(target))
    if not groups:
        return weights
    group, outcome = joined({name: grouped(values) for name, values in groups.items()}).places, _outcomes(target)
    there = (group >= 0) & (outcome >= 0)
    if not there.any():
        return weights
    pairs = np.zeros((group.max() + 1, outcome.max() + 1))
    np.add.at(pairs, (group[there], outcome[there]), 1)
    expected = np.outer(pairs.sum(axis=1), pairs.sum(axis=0)) / pairs.sum()
    found = (expected / np.maximum(pairs, 1))[group[there], outcome[there]]
    # Where a group never has an outcome no weight makes up for it: the rest keeps its proportions and the mean.
    weights[there] = found / found.mean()
    return weights


def _outcomes(target: Array) -> Places:
    """By row the place of its outcome, -1 if it is missing; numbers of many values by quantile."""
    there = ~is_missing(target) if target.dtype.kind in "OfM" else np.ones(len(target), np.bool_)
    places = np.full(len(target), -1)
    found, at = np.unique(target[there], return_inverse=True)
    if target.dtype.kind == "f" and len(found) > _MOST_OUTCOMES:
        edges = np.unique(np.quantile(target[there], np.linspace(0, 1, _CUTS + 1)[1:-1]))
        at = np.searchsorted(edges, target[there], side="right")
    places[there] = at
    return places
