"""Answers to judge, drawn from known distributions."""

import numpy as np

from gyre.bundle.predict import Predictions
from gyre.evaluation.targets import Targets
from tests.unit.features.parts import objects


def classified(
    seed: int, rows: int, classes: int, sharp: float = 1.0, *, unknown: float = 0.0, digits: int | None = None
) -> tuple[Targets, Predictions]:
    """Scores are normal, the true class's raised; few digits make ties."""
    draw = np.random.default_rng(seed)
    names = tuple(f"c{at}" for at in range(classes))
    truth = draw.integers(0, classes, rows)
    scores = draw.normal(size=(rows, classes))
    scores[np.arange(rows), truth] += sharp
    odds = np.exp(scores)
    shares = odds / odds.sum(axis=1, keepdims=True)
    if digits is not None:
        shares = np.round(shares, digits) + 1e-3
        shares /= shares.sum(axis=1, keepdims=True)
    truth[draw.random(rows) < unknown] = -1
    return Targets(names, truth), said(names, shares)


def said(names: tuple, shares: np.ndarray) -> Predictions:
    labels = np.empty(len(shares), dtype=object)
    labels[:] = [names[at] for at in shares.argmax(axis=1)]
    return Predictions(labels, np.asarray(shares, dtype=np.float64))


def measured(seed: int, rows: int, noise: float = 1.0) -> tuple[Targets, Predictions]:
    draw = np.random.default_rng(seed)
    truth = draw.normal(100, 3, rows)
    return Targets((), truth), Predictions(values=truth + draw.normal(0, noise, rows))


def people(seed: int, rows: int) -> dict[str, np.ndarray]:
    draw = np.random.default_rng((seed, 1))  # not what the answers are drawn from
    return {
        "mood": draw.choice(objects("good", "bad", "odd", None), rows),
        "on": draw.choice([0.0, 1.0, np.nan], rows),
        "age": draw.integers(18, 90, rows).astype(np.float64),
    }
