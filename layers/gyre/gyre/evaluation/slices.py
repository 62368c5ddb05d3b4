"""The same metric among some of the rows: where a model is worse than on the whole."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from gyre.evaluation.answers import Answers
from gyre.evaluation.groups import MOST_VALUES, Groups, grouped
from gyre.evaluation.measures import measure_of
from gyre.evaluation.metric import higher_is_better, of_answers
from gyre.evaluation.plain import number
from gyre.evaluation.resamples import interval, resampled, within
from gyre.features.compute import Array, is_missing
from gyre.spec.model import ModelSpec

LEAST_ROWS = 20
# Below so many rows for each class a mean over classes says more about their number than about the model.
_ROWS_OF_A_CLASS = 5
_MEANS_OVER_CLASSES = ("f1_macro", "balanced_accuracy")
MOST_COLUMNS = 50
MISSING = "(missing)"
# What each row of a text column holds is said by one person alone.
_NEVER = ("text",)


@dataclass(frozen=True)
class Slice:
    """The rows where a column has a value, or lies between two."""

    column: str
    value: str
    rows: int
    metric: float | None
    low: float | None
    high: float | None
    """Of the metric."""
    beside: float | None
    """The accuracy; of a regression, rmse."""
    worse: bool
    """Whether the whole interval is on the worse side of the metric over all rows, and the mirrored one as well: few
    rows of many classes have a lower f1_macro than many rows have, and resamples of them a still lower one."""


@dataclass(frozen=True)
class Slices:
    """The worst first; those without a metric last."""

    slices: tuple[Slice, ...]
    too_few: tuple[tuple[str, str, int], ...]
    """Column, value, rows: under 20 rows nothing can be said."""
    left_out: tuple[str, ...]
    """Columns that were not looked at: texts, personal ones, and those beyond the fiftieth."""


def sliced(spec: ModelSpec, metric: str, told: Answers, by: Mapping[str, Array], *, seed: int) -> Slices:
    """The metric in every slice of every column, beside the metric over all."""
    looked = [name for name in by if _may_be_told(spec, name)][:MOST_COLUMNS]
    whole = of_answers(metric, told)
    slices: list[Slice] = []
    few: list[tuple[str, str, int]] = []
    for name in looked:
        groups = _groups(spec, name, by[name])
        counts = groups.counts
        few += [(name, groups.names[at], int(counts[at])) for at in np.flatnonzero(counts < LEAST_ROWS)]
        enough = _only(groups, np.flatnonzero(counts >= LEAST_ROWS).tolist())
        slices += _measured(name, enough, metric, told, seed, whole)
    sign = 1 if higher_is_better(metric) else -1
    slices.sort(key=lambda each: (each.metric is None, sign * (each.metric or 0.0), each.column, each.value))
    return Slices(tuple(slices), tuple(few), tuple(name for name in by if name not in looked))


def _measured(column: str, groups: Groups, metric: str, told: Answers, seed: int, whole: float) -> list[Slice]:
    if not groups.names:
        return []
    (figures,) = resampled([within(measure_of(metric, told), groups)], len(told), seed=seed)
    low, high = interval(figures)
    second = "accuracy" if told.classes else "rmse"
    found = []
    for at, value in enumerate(groups.names):
        rows = told.chosen(groups.places == at)
        figure = of_answers(metric, rows)
        if higher_is_better(metric):
            worse = max(high[at], 2 * figure - low[at]) < whole
        else:
            worse = min(low[at], 2 * figure - high[at]) > whole
        if metric in _MEANS_OVER_CLASSES:
            worse = worse and len(rows) >= _ROWS_OF_A_CLASS * len(told.classes)
        found.append(
            Slice(
                column, value, len(rows), number(figure), number(low[at]), number(high[at]),
                number(of_answers(second, rows)), bool(worse),
            )
        )  # fmt: skip
    return found


def _groups(spec: ModelSpec, name: str, values: Array) -> Groups:
    """The values of a column, and one group more for the rows that have none."""
    declared = spec.columns.get(name)
    groups = grouped(values, boolean=declared is not None and declared.type == "boolean", most=MOST_VALUES)
    missing = is_missing(values) if values.dtype.kind in "OfM" else np.zeros(len(values), np.bool_)
    if not missing.any():
        return groups
    return Groups((*groups.names, MISSING), np.where(missing, len(groups.names), groups.places))


def _only(groups: Groups, chosen: Sequence[int]) -> Groups:
    place = np.full(len(groups.names) + 1, -1)
    place[list(chosen)] = np.arange(len(chosen))
    return Groups(tuple(groups.names[at] for at in chosen), place[groups.places])


def _may_be_told(spec: ModelSpec, name: str) -> bool:
    declared = spec.columns.get(name)
    if name in (spec.id, spec.group):
        return False
    return declared is None or not (declared.personal or declared.type in _NEVER)
