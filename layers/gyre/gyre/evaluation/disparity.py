"""How far the groups of one protected column are apart, as fairlearn measures it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from fairlearn.metrics import (  # type: ignore[import-untyped]
    MetricFrame,
    mean_prediction,
    selection_rate,
)
from sklearn.metrics import accuracy_score, mean_absolute_error

from gyre.bundle.format import Class
from gyre.evaluation.answers import Answers
from gyre.evaluation.groups import Groups
from gyre.evaluation.plain import number
from gyre.features.compute import Array

LEAST_ROWS = 30
MOST_GROUPS = 24
MOST_CLASSES = 20
# A rate of fewer rows, such as one person's, is nobody's rate; a ratio of fewer expected answers is chance.
_LEAST_OF_A_RATE, _LEAST_EXPECTED = 10, 5
RATES = ("selection_rate", "true_positive_rate", "false_positive_rate")


@dataclass(frozen=True)
class Group:
    """The rows of one group, and what they were told."""

    name: str
    rows: int
    accuracy: float | None
    selection_rate: Mapping[str, float | None]
    """By class, the share of rows that were given it; the others likewise, of rows that have it and that have not."""
    true_positive_rate: Mapping[str, float | None]
    false_positive_rate: Mapping[str, float | None]
    mean_prediction: float | None
    mean_target: float | None
    mean_absolute_error: float | None
    """The last three of a regression alone."""


@dataclass(frozen=True)
class Disparity:
    """One protected column, or all of them together."""

    attribute: str
    """Its name, or all names: `a & b`."""
    figures: Mapping[str, float]
    worst_class: Mapping[str, Class]
    """By figure, the class in which the groups are furthest apart."""
    groups: tuple[Group, ...]
    left_out: tuple[tuple[str, int], ...]
    """Groups with too few rows to be compared, the largest first."""
    missing: int
    """Rows that belong to no group."""


def disparity(attribute: str, groups: Groups, told: Answers, classes: Mapping[int, str]) -> Disparity:
    """The largest groups side by side; without figures if fewer than two are left. Classes by place, with names."""
    counts = groups.counts
    order = np.argsort(-counts, kind="stable")
    kept = [int(at) for at in order[:MOST_GROUPS] if counts[at] >= LEAST_ROWS]
    left_out = tuple((groups.names[at], int(counts[at])) for at in order if at not in kept)
    missing = int((groups.places < 0).sum())
    rows = np.isin(groups.places, kept)
    if not kept:
        return Disparity(attribute, {}, {}, (), left_out, missing)
    chosen, places = told.chosen(rows), groups.places[rows]
    frame = _frame(chosen, places, classes)
    table: pd.DataFrame = frame.by_group
    told_groups = tuple(_group(groups.names[at], int(counts[at]), table.loc[at], classes) for at in sorted(kept))
    figures, worst = _figures(frame, told, classes, int(counts[kept].min())) if len(kept) > 1 else ({}, {})
    return Disparity(attribute, figures, worst, told_groups, left_out, missing)


def _frame(told: Answers, places: Array, classes: Mapping[int, str]) -> Any:
    if not told.classes:
        metrics: dict[str, Callable[..., float]] = {
            "mean_prediction": mean_prediction,
            "mean_target": lambda true, _: float(np.mean(true)),
            "mean_absolute_error": mean_absolute_error,
        }
        return MetricFrame(metrics=metrics, y_true=told.numbers, y_pred=told.values, sensitive_features=places)
    metrics = {"accuracy": accuracy_score}
    for at in classes:
        metrics |= {f"{rate} {at}": partial(_given, at, rate) for rate in RATES}
    # fairlearn takes every row of every metric by itself: equal rows go in once, with their number as the weight.
    count = len(told.classes) + 1
    compared = np.append(np.isin(np.arange(count), list(classes)), True)
    true = np.where(compared[told.truth], told.truth, count)
    said = np.where(compared[told.said], told.said, np.where(told.said == told.truth, count, count + 1))
    cells, rows = np.unique(np.stack([places, true, said]), axis=1, return_counts=True)
    weights = {name: {"sample_weight": rows} for name in metrics}
    return MetricFrame(
        metrics=metrics, y_true=cells[1], y_pred=cells[2], sensitive_features=cells[0], sample_params=weights
    )


def _given(at: int, rate: str, true: Array, said: Array, sample_weight: Array) -> float:
    """How often the class was given: to all, to those that have it, to those that have not. fairlearn's own rates of
    the last two are slow, and 0 where there are no such rows: far from any other group's."""
    has, given = np.asarray(true) == at, np.asarray(said) == at
    asked = {"true_positive_rate": has, "false_positive_rate": ~has}.get(rate, np.ones(len(has), np.bool_))
    rows = np.asarray(sample_weight)[asked]
    if rows.sum() < _LEAST_OF_A_RATE:
        return float("nan")
    return float(selection_rate(has[asked], given[asked], pos_label=True, sample_weight=rows))


def _figures(
    frame: Any, told: Answers, classes: Mapping[int, str], smallest: int
) -> tuple[dict[str, float], dict[str, Class]]:
    comparable = frame.by_group.notna().sum() > 1
    difference = frame.difference(method="between_groups").where(comparable)
    if not told.classes:
        found = {
            "mean_prediction_difference": float(difference["mean_prediction"]),
            "mae_difference": float(difference["mean_absolute_error"]),
        }
        return {name: value for name, value in found.items() if np.isfinite(value)}, {}
    ratio, overall = frame.ratio(method="between_groups"), frame.overall
    figures: dict[str, float] = {}
    worst: dict[str, Class] = {}
    for at in classes:
        selected, right, wrong = (float(difference[f"{rate} {at}"]) for rate in RATES)
        expected = float(overall[f"selection_rate {at}"]) * smallest
        each = {
            "demographic_parity_difference": selected,
            "demographic_parity_ratio": float(ratio[f"selection_rate {at}"]) if expected >= _LEAST_EXPECTED else np.nan,
            "equal_opportunity_difference": right,
            "equalized_odds_difference": float(np.maximum(right, wrong)),
            "average_odds_difference": (right + wrong) / 2,
        }
        for name, value in each.items():
            if np.isfinite(value) and (name not in figures or worse(name, value, figures[name])):
                figures[name], worst[name] = value, told.classes[at]
    return figures, worst


def worse(name: str, value: float, other: float) -> bool:
    """Differences are bad when they are large, ratios when they are small."""
    return value < other if name.endswith("_ratio") else value > other


def _group(name: str, rows: int, found: Any, classes: Mapping[int, str]) -> Group:
    def one(figure: str) -> float | None:
        return number(found[figure]) if figure in found else None

    rates = {rate: {named: one(f"{rate} {at}") for at, named in classes.items()} for rate in RATES}
    return Group(
        name, rows, one("accuracy"), **rates, mean_prediction=one("mean_prediction"), mean_target=one("mean_target"),
        mean_absolute_error=one("mean_absolute_error"),
    )  # fmt: skip
