"""Sides and pairs from frames, as the tests of every analysis take them."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt
import pandas as pd

from gyre.features.compute import Array, Columns, with_derived
from gyre.monitoring.found import Source
from gyre.monitoring.side import Pair, Side
from gyre.spec.check import read_spec
from gyre.spec.model import ModelSpec

START = datetime(2026, 1, 1, tzinfo=UTC)
# What a model says of a frame: predictions, and of classes their probabilities.
Predict = Callable[[pd.DataFrame], tuple[Array, npt.NDArray[np.float64] | None]]


def spec_from(text: str) -> ModelSpec:
    return read_spec(text.encode())


def side(
    spec: ModelSpec, frame: pd.DataFrame, *, name: str = "the journal", start: datetime = START,
    step: timedelta = timedelta(minutes=1), predict: Predict | None = None, of_rows: int | None = None,
) -> Side:  # fmt: skip
    """The frame's rows, one every `step`; its target's column, where it has one, is what turned out to be true."""
    declared = {name: _taken_in(spec, name, frame[name]) for name in spec.columns if name in frame}
    complete = _features_of(spec, declared, len(frame))
    prediction, probabilities = predict(frame) if predict else (None, None)
    label = None
    if spec.target in frame:
        label = values_of(frame[spec.target], "number" if spec.task == "regression" else "category")
    at = np.datetime64(start.replace(tzinfo=None), "us") + np.arange(len(frame)) * np.timedelta64(step, "us")
    source = Source(
        name=name, rows=len(frame), of_rows=len(frame) if of_rows is None else of_rows, start=start,
        end=start + step * max(len(frame) - 1, 0), labelled=0 if label is None else int((~pd.isna(label)).sum()),
    )  # fmt: skip
    return Side(source, complete, at, prediction, probabilities, label)


def pair(
    spec: ModelSpec, reference: pd.DataFrame, window: pd.DataFrame, *, predict: Predict | None = None,
    classes: tuple[str, ...] | None = None,
) -> Pair:  # fmt: skip
    """Both sides of one model; classes are those of model.yaml, or else all that the reference knows."""
    then = side(spec, reference, name="release 1's reference", start=START - timedelta(days=90), predict=predict)
    now = side(spec, window, predict=predict)
    if classes is None:
        declared = tuple(str(value) for value in spec.columns[spec.target].values or ())
        known = () if then.label is None else tuple(sorted({str(each) for each in then.label if each is not None}))
        classes = () if spec.task == "regression" else declared or known
    return Pair(spec, classes, then, now)


def values_of(values: pd.Series, kind: str) -> Array:
    """A column of a frame as a side holds it."""
    if kind in ("number", "integer", "boolean"):
        return np.asarray(values.astype("Float64").to_numpy(dtype=np.float64, na_value=np.nan))
    if kind == "time":
        moments = pd.to_datetime(values, utc=True, errors="coerce", format="ISO8601")
        return np.asarray(moments.dt.tz_localize(None).to_numpy(dtype="M8[us]"))
    texts = np.array([None if missing else str(each) for each, missing in zip(values, values.isna(), strict=True)])
    return texts.astype(object)


def _taken_in(spec: ModelSpec, name: str, values: pd.Series) -> Array:
    """Numbers out of their declared range are gaps: a generator's slips of the unit never come through an ingest."""
    told = values_of(values, spec.columns[name].type)
    low, high = spec.columns[name].range or (None, None)
    for beyond in (low is not None and told < low, high is not None and told > high):
        told = np.where(beyond, np.nan, told) if np.any(beyond) else told
    return told


def _features_of(spec: ModelSpec, declared: Columns, rows: int) -> Columns:
    """Features alone; a derived one only where all that it is computed from is there."""
    known = dict(declared)
    if all(spec.inputs_of(each) <= known.keys() for each in spec.derived.values()) and rows:
        known = dict(with_derived(spec, known))
    return {name: known[name] for name in spec.features if name in known}
