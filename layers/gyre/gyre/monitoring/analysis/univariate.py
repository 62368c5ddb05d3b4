"""Column by column: how far the window lies from the reference, and whether that is more than chance."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gyre.features.compute import Array, is_missing
from gyre.monitoring.analysis.fences import bounded, fenced
from gyre.monitoring.analysis.nanny import hushed, nannyml
from gyre.monitoring.analysis.parts import Part, chunker, parts_of
from gyre.monitoring.analysis.shares import shares_of_names, shares_of_numbers
from gyre.monitoring.analysis.significance import holm, p_of_counts, p_of_numbers
from gyre.monitoring.found import Drift, Of, Point, Univariate
from gyre.monitoring.side import Pair, names, numbers

Numbers = npt.NDArray[np.float64]

LEVEL = 0.004
"""The adjusted p at and below which drift is more than chance: its share of one false alarm in 100 windows."""
FEWEST = 30
"""With fewer values on either side a column is not compared; nor a part of the window."""
_THRESHOLD, _OF_A_DEVIATION = 0.1, 0.25
# Categories beyond these are measured together.
_MOST_NAMES = 50


@dataclass(frozen=True)
class Column:
    """One column of both sides: as float64 with NaN if `by_order`, otherwise as texts with None."""

    name: str
    of: Of
    by_order: bool
    reference: Array | None
    window: Array | None
    declared: float | None
    """Its threshold in model.yaml."""


def univariate(pair: Pair) -> Univariate:
    """Features, texts by their lengths, predictions and labels."""
    cuts = parts_of(pair)
    looked = [_look(column, pair, cuts) for column in columns_of(pair)]
    drifts = []
    for drift, adjusted in zip(looked, holm([each.p for each in looked]), strict=True):
        more_than_chance = adjusted is not None and adjusted <= LEVEL
        matters = drift.value is not None and drift.value > drift.threshold
        drifts.append(drift.model_copy(update={"adjusted": adjusted, "drifted": matters and more_than_chance}))
    return Univariate(drifts=tuple(sorted(drifts, key=_how_far, reverse=True)), level=LEVEL)


def columns_of(pair: Pair) -> Iterator[Column]:
    """All that is compared; predictions and labels only where both sides have enough of them."""
    thresholds = pair.spec.monitoring.thresholds
    for name, kind in pair.features.items():
        sides, declared = [side.columns.get(name) for side in (pair.reference, pair.window)], thresholds.get(name)
        if kind == "text":
            for what, counted in (("characters", len), ("words", lambda text: len(text.split()))):
                then, now = (None if side is None else _counted(side, counted) for side in sides)
                yield Column(f"{name}: {what}", "feature", True, then, now, declared)
        else:
            by_order = kind == "number"
            then, now = (None if side is None else _told(side, by_order) for side in sides)
            yield Column(name, "feature", by_order, then, now, declared)
    by_order, declared = pair.spec.task == "regression", thresholds.get(pair.spec.target)
    of: Of
    for of in ("prediction", "label"):
        then, now = (getattr(side, of) for side in (pair.reference, pair.window))
        if all(each is not None and len(each) - is_missing(each).sum() >= FEWEST for each in (then, now)):
            yield Column(of, of, by_order, _told(then, by_order), _told(now, by_order), declared)


def measured(method: str, by_order: bool, reference: Numbers, window: Numbers, cuts: Sequence[Part]) -> list[float]:
    """By NannyML: of the whole window, then of each part that has rows. Categories come as numbers, too."""
    import pandas as pd

    nml = nannyml()
    calculator = nml.UnivariateDriftCalculator(
        # One column a time, under a name of ours: what is wrong with one costs no other one its value.
        column_names=["value"], chunker=chunker(), continuous_methods=[method] if by_order else None,
        categorical_methods=None if by_order else [method], treat_as_categorical=None if by_order else ["value"],
    )  # fmt: skip
    with hushed():
        calculator.fit(pd.DataFrame({"value": reference}))
        calculator.chunker = chunker(cuts)
        result = calculator.calculate(pd.DataFrame({"value": window}))
    # The first row is the reference as a whole. NannyML's own filter would copy all of its rows for each column.
    found: list[float] = result.data[("value", method, "value")][1:].astype(float).tolist()
    pieces = [window, *(window[each.rows] for each in cuts if len(each))]
    sizes = [int((~np.isnan(each)).sum()) for each in pieces]
    if method == "chi2":
        then = int((~np.isnan(reference)).sum())
        return [cramer(value, then, rows) for value, rows in zip(found, sizes, strict=True)]
    if method == "jensen_shannon":
        # Where both are the same, rounding puts what the root is taken of just below nothing.
        return [0.0 if np.isnan(value) and rows else value for value, rows in zip(found, sizes, strict=True)]
    return found


def cramer(chi2: float, reference: int, window: int) -> float:
    """Cramér's V as if both sides had as many rows: the statistic itself grows with the rows, and V shrinks where one
    side has many more than the other."""
    return float(min(1.0, (chi2 * (reference + window) / (4 * reference * window)) ** 0.5)) if window else np.nan


def _look(column: Column, pair: Pair, cuts: Sequence[Part]) -> Drift:
    monitoring = pair.spec.monitoring
    method = monitoring.numeric if column.by_order else monitoring.categorical
    drift = Drift(
        column=column.name, of=column.of, kind="number" if column.by_order else "category", method=method,
        threshold=_THRESHOLD if column.declared is None else column.declared,
    )  # fmt: skip
    if because := _why_not(column):
        return drift.model_copy(update={"because": because})
    assert column.reference is not None and column.window is not None  # noqa: S101  # or there were a reason above
    told: dict[str, Any]
    if column.by_order:
        told, sides = _of_numbers(column.reference, column.window)
        if method == "wasserstein" and column.declared is None:
            told["threshold"] = _OF_A_DEVIATION * float(np.nanstd(sides[0]))
    else:
        told, sides = _of_names(column.reference, column.window)
    return drift.model_copy(update=told | _by_nannyml(method, column.by_order, *sides, cuts))


def _by_nannyml(
    method: str, by_order: bool, reference: Numbers, window: Numbers, cuts: Sequence[Part]
) -> dict[str, Any]:
    """The value of the whole and of the parts, or why there is none."""
    try:
        value, *course = measured(method, by_order, reference, window, cuts)
    except nannyml().exceptions.NannyMLException as problem:
        return {"because": f"NannyML cannot tell {method} of these values: {problem}"[:300]}
    if not np.isfinite(value):
        return {"because": f"NannyML has no {method} of these values"}
    points, found = [], iter(course)
    for part in cuts:
        rows = int((~np.isnan(window[part.rows])).sum())
        told = next(found) if len(part) else np.nan
        enough = rows >= FEWEST and np.isfinite(told)
        points.append(Point(start=part.start, end=part.end, rows=rows, value=float(told) if enough else None))
    return {"value": float(value), "points": tuple(points)}


def _of_numbers(reference: Numbers, window: Numbers) -> tuple[dict[str, Any], tuple[Numbers, Numbers]]:
    """p and shares, and both sides as they are measured."""
    then, now = (side[~np.isnan(side)] for side in (reference, window))
    told = {"p": p_of_numbers(then, now), "shares": shares_of_numbers(then, now)}
    reference, window = fenced(reference, window)
    return told, (reference, window)


def _of_names(reference: Array, window: Array) -> tuple[dict[str, Any], tuple[Numbers, Numbers]]:
    """p and shares, and both sides as they are measured: each name as a number."""
    import pandas as pd

    codes, known = pd.factorize(np.concatenate([reference, window]))
    split = len(reference)
    then, now = (np.bincount(side[side >= 0], minlength=len(known)) for side in (codes[:split], codes[split:]))
    told = {"p": p_of_counts(then, now), "shares": shares_of_names([str(name) for name in known], then, now)}
    if len(known) > _MOST_NAMES:
        order = np.argsort(-(then / then.sum() + now / now.sum()), kind="stable")
        rest, goes_to = order[_MOST_NAMES:], np.arange(len(known))
        for alike in (rest[then[rest] > 0], rest[then[rest] == 0]):  # a new name is something else than a rare one
            goes_to[alike] = alike[0] if len(alike) else 0
        codes = np.where(codes < 0, codes, goes_to[codes])
    values = np.where(codes < 0, np.nan, codes.astype(np.float64))
    return told, (values[:split], values[split:])


def _why_not(column: Column) -> str | None:
    for side, values in (("reference", column.reference), ("window", column.window)):
        if values is None:
            return f"the {side} has no such column"
        present = int((~is_missing(values)).sum())
        if len(values) and not present:
            return f"the {side} has nothing but gaps here"
        if present < FEWEST:
            return f"the {side} has {present} values here, and {FEWEST} are needed"
    return None


def _told(values: Array, by_order: bool) -> Array:
    return bounded(numbers(values)) if by_order else names(values)


def _counted(texts: Array, count: Any) -> Numbers:
    return np.array([np.nan if text is None else count(text) for text in texts], dtype=np.float64)


def _how_far(drift: Drift) -> tuple[bool, float]:
    """Measured by what matters."""
    told = drift.value is not None
    return drift.drifted, (drift.value or 0.0) / (drift.threshold or np.inf) if told else -1.0
