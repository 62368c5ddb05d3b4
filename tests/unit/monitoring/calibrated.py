"""Sides of a model that is right as often as it says: labels are drawn by its own probabilities."""

from dataclasses import replace

import numpy as np

from gyre.features.compute import Array
from gyre.monitoring.found import Source
from gyre.monitoring.side import Pair, Side
from gyre.spec.model import ModelSpec
from tests.unit.monitoring.sides import spec_from


def spec(task: str = "binary", metric: str = "accuracy", *, chunks: int = 5) -> ModelSpec:
    target = "number" if task == "regression" else "category"
    return spec_from(f"""
model: pets
task: {task}
target: was
columns:
  weight: {{type: number}}
  age: {{type: number}}
  city: {{type: category}}
  was: {{type: {target}}}
training: {{metric: {metric}}}
monitoring: {{chunks: {chunks}}}
""")


def side(  # what a test wants to differ
    rows: int, seed: int, classes: int = 2, *, shift: float = 0.0, sharp: float = 2.0, labelled: float = 1.0,
    wrong: float = 0.0, noise: float = 1.0,
) -> Side:  # fmt: skip
    """`shift` moves the weights, `wrong` is the share of labels that are drawn without the model, `labelled` of those
    that are known. Without classes: a regression, whose error is `noise`."""
    chance = np.random.default_rng(seed)
    weight, age = chance.normal(size=rows) + shift, chance.normal(size=rows)
    city = chance.choice(np.array(["Oslo", "Rome", "Bern"], dtype=object), rows, p=(0.6, 0.3, 0.1))
    source = Source(name="rows", rows=rows, of_rows=rows)
    at = np.datetime64("2026-01-01", "us") + np.arange(rows) * np.timedelta64(1, "m")
    known = chance.random(rows) < labelled
    columns: dict[str, Array] = {"weight": weight, "age": age, "city": city}
    if not classes:
        said = 2 * weight + age
        was = said + chance.normal(size=rows) * noise * (0.5 + np.abs(weight))
        return Side(source, columns, at, said, None, np.where(known, was, np.nan))
    # Far out on either side of the weights the model is sure, near 0 it is not.
    slopes = np.linspace(-sharp, sharp, classes)
    scores = np.outer(weight, slopes) + np.outer(age, slopes[::-1] ** 2 / 4)
    chances = np.exp(scores - scores.max(axis=1, keepdims=True))
    chances /= chances.sum(axis=1, keepdims=True)
    names = names_of(classes)
    drawn = np.where((chance.random(rows) < wrong)[:, None], 1 / classes, chances)
    was = names[(drawn.cumsum(axis=1) > chance.random((rows, 1))).argmax(axis=1)]
    return Side(source, columns, at, names[chances.argmax(axis=1)], chances, np.where(known, was, None))


def names_of(classes: int) -> Array:
    return np.array([f"kind {at}" for at in range(classes)], dtype=object)


def pair(reference: Side, window: Side, classes: int = 2, metric: str | None = None, *, chunks: int = 5) -> Pair:
    task = "regression" if not classes else "binary" if classes == 2 else "multiclass"
    told = spec(task, metric or ("accuracy" if classes else "rmse"), chunks=chunks)
    return Pair(told, tuple(names_of(classes)), reference, window)


def without(side: Side, *parts: str) -> Side:
    """A side that lacks predictions, probabilities or labels."""
    return replace(side, **dict.fromkeys(parts))
