"""The model that always says the same: what any other must beat."""

from dataclasses import dataclass

import numpy as np

from gyre.bundle.format import Class
from gyre.bundle.predict import Predictions
from gyre.evaluation.targets import targets
from gyre.features.compute import Array
from gyre.spec.model import ModelSpec


@dataclass(frozen=True)
class Baseline:
    """The most frequent class with the share of each as its probability, or the mean."""

    classes: tuple[Class, ...]
    shares: tuple[float, ...]
    mean: float | None = None

    def predict(self, rows: int) -> Predictions:
        """As a model would answer so many rows."""
        if self.mean is not None:
            return Predictions(values=np.full(rows, self.mean))
        labels = np.empty(rows, dtype=object)
        labels[:] = self.classes[int(np.argmax(self.shares))]
        return Predictions(labels=labels, probabilities=np.tile(self.shares, (rows, 1)))


def baseline(spec: ModelSpec, target: Array) -> Baseline:
    """Learned from the same rows as the model it is held against."""
    found = targets(spec, target)
    if not found.classes:
        return Baseline((), (), float(found.values.mean()))
    counts = np.bincount(found.values, minlength=len(found.classes))
    return Baseline(found.classes, tuple((counts / counts.sum()).tolist()))
