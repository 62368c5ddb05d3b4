"""What a model looks at: the mean of what its own explanations give to each feature."""

from dataclasses import dataclass

import numpy as np

from gyre.bundle.predict import Predictor
from gyre.features.compute import Columns


@dataclass(frozen=True)
class Importance:
    """One feature."""

    feature: str
    contribution: float
    """Mean absolute contribution to the score of the answer, in the unit of `Manifest.score`."""
    share: float
    """Of the contributions of all features; 0 if nothing contributes."""


def importance(predictor: Predictor, columns: Columns, *, most_rows: int = 200) -> list[Importance]:
    """The most important feature first, from rows at equal distances: the same rows give the same answer."""
    rows = len(next(iter(columns.values()), ()))
    chosen = np.linspace(0, rows - 1, min(rows, most_rows)).astype(np.int64) if rows else np.zeros(0, np.int64)
    _, told = predictor.explain({name: values[chosen] for name, values in columns.items()})
    # A score that went out of bounds in one row must not hide what the others say.
    sure = told.contributions[np.isfinite(told.contributions).all(axis=1)]
    found = np.abs(sure).mean(axis=0) if len(sure) else np.zeros(len(told.features))
    whole = float(found.sum())
    order = sorted(range(len(found)), key=lambda at: (-found[at], told.features[at]))
    return [Importance(told.features[at], float(found[at]), float(found[at] / whole) if whole else 0.0) for at in order]
