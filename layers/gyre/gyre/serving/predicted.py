"""A release's answers to rows that were checked: labels, probabilities, reasons."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from gyre.bundle.explain import Explanations
from gyre.bundle.predict import Predictions
from gyre.features.compute import Array, Columns, with_derived
from gyre.serving.question import RowAnswer, RowId
from gyre.serving.rows import RowFault
from gyre.serving.shelf import Loaded
from gyre.spec.base import class_name
from gyre.telemetry import TimeSplit

OVERFLOW = "overflow"
TOO_FAR = (
    "The values lie so far from all that the model was trained on that its arithmetic ends at no number. A `range` in "
    "model.yaml would tell which of them is wrong."
)


def predicted(
    loaded: Loaded, ids: Sequence[RowId], columns: Columns, top: int | None, times: TimeSplit
) -> list[RowAnswer]:
    """By row an answer, with the features that weigh most if they are asked for. One that is no number is none: JSON
    could not tell it, nor could the journal."""
    predictor = loaded.predictor
    if top is None:
        with times.of("predict"):
            found = predictor.predict(columns)
            told = zip(ids, _told(found, loaded), strict=True)
            return _whole([RowAnswer(id_, loaded.version, **each) for id_, each in told], _numbers(found))
    with times.of("explain"), np.errstate(over="ignore", invalid="ignore"):
        values = with_derived(loaded.spec, columns)  # once, for the model and for the reasons
        found, why = predictor.explain(values)
        answers = [
            RowAnswer(
                id_,
                loaded.version,
                **told,
                base_value=float(why.base[at]),
                explanation=_reasons(why, at, values, top),
                score=float(why.base[at] + why.contributions[at].sum()),
            )
            for at, (id_, told) in enumerate(zip(ids, _told(found, loaded), strict=True))
        ]
        return _whole(answers, _numbers(found), why.base, why.contributions)


def _whole(answers: list[RowAnswer], *figures: Array) -> list[RowAnswer]:
    if all(np.isfinite(each).all() for each in figures):
        return answers
    good = np.logical_and.reduce([np.isfinite(each).reshape(len(answers), -1).all(axis=1) for each in figures])
    return [
        each if good[at] else RowAnswer(each.id, fault=RowFault(at, "features", OVERFLOW, TOO_FAR))
        for at, each in enumerate(answers)
    ]


def _numbers(found: Predictions) -> Array:
    if found.probabilities is not None:
        return found.probabilities
    return np.zeros(0) if found.values is None else np.asarray(found.values, dtype=np.float64)


def _told(found: Predictions, loaded: Loaded) -> list[dict[str, Any]]:
    if found.probabilities is None or found.labels is None:
        return [{"prediction": value} for value in _numbers(found).ravel().tolist()]
    names = [class_name(each) for each in loaded.predictor.bundle.manifest.classes]
    return [
        {"prediction": label, "probabilities": dict(zip(names, shares, strict=True)), "confidence": max(shares)}
        for label, shares in zip(found.labels.tolist(), found.probabilities.tolist(), strict=True)
    ]


def _reasons(why: Explanations, at: int, values: Columns, top: int) -> tuple[tuple[str, Any, float], ...]:
    told = why.contributions[at]
    order = np.argsort(-np.abs(told), kind="stable")[:top]
    return tuple((why.features[i], _plain(values[why.features[i]], at), float(told[i])) for i in order.tolist())


def _plain(column: Array, at: int) -> Any:
    """A value as JSON tells it."""
    value = column[at]
    if column.dtype.kind == "M":
        return None if np.isnat(value) else f"{np.datetime_as_string(value, unit='s')}Z"
    if column.dtype.kind == "O":
        return value
    number = float(value)
    return None if np.isnan(number) else int(number) if number.is_integer() and abs(number) < 2**53 else number
