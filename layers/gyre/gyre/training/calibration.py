"""Probabilities that mean what they say, learned from rows that the estimator has not seen. Made by scikit-learn over
scores, so that the graph needs only what was learned."""

import warnings
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from gyre.bundle.scores import Floats
from gyre.errors import Invalid
from gyre.features.compute import Array

Method = Literal["sigmoid", "isotonic"]

# One part of so many is held out.
_PARTS = 5
_LEAST_ROWS = 100
_LEAST_OF_CLASS = 2 * _PARTS
# Isotonic steps may be as steep as two scores are near, and then the graph's single precision would show. So many
# steps at most, over the width of the scores.
_STEPS = 64


@dataclass(frozen=True)
class Calibration:
    """From scores to probabilities."""

    method: Method
    model: Any

    def probabilities(self, scores: Floats) -> Floats:
        """By row and class."""
        return np.asarray(self.model.predict_proba(scores))

    @property
    def curves(self) -> list[Any]:
        """By score, scikit-learn's calibrator."""
        return list(self.model.calibrated_classifiers_[0].calibrators)


def held_out(classes: Array, groups: Array | None, seed: int) -> tuple[Array, Array]:
    """The rows to fit on and those to calibrate on; a group stands in one of both."""
    counts = np.bincount(classes)
    if len(classes) < _LEAST_ROWS or counts.min() < _LEAST_OF_CLASS:
        raise Invalid(
            f"Calibration needs {_LEAST_ROWS} rows and {_LEAST_OF_CLASS} of each class, and there are {len(classes)} "
            f"rows and {counts.min()} of the rarest class: use calibrate: none.",
            field="training.calibrate",
        )
    if groups is not None and len(set(groups.tolist())) < _PARTS:
        raise _too_few_groups()
    splitter = StratifiedKFold if groups is None else StratifiedGroupKFold
    parts = splitter(_PARTS, shuffle=True, random_state=seed).split(np.zeros(len(classes)), classes, groups)
    fit, rest = next(iter(parts))
    if len(np.unique(classes[fit])) < len(counts) or len(np.unique(classes[rest])) < len(counts):
        raise _too_few_groups()
    return fit, rest


def calibrated(method: Method, scores: Floats, classes: Array, weights: Array | None) -> Calibration:
    """Learned from the scores of held-out rows. `weights` are the estimator's, of these rows: without them it would
    learn how rare each class is, and undo what they did."""
    if method == "isotonic":
        step = float(np.ptp(scores)) / _STEPS or 1.0
        scores = np.round(scores / step) * step
    model = CalibratedClassifierCV(FrozenEstimator(_AlreadyScored().fit(scores, classes)), method=method)
    with warnings.catch_warnings():
        # What is frozen takes no weights, and that they go to the calibration alone is what is wanted.
        warnings.filterwarnings("ignore", "Since FrozenEstimator does not appear to accept sample_weight")
        return Calibration(method, model.fit(scores, classes, sample_weight=weights))


def _too_few_groups() -> Invalid:
    return Invalid(
        "There are too few groups to calibrate each class on rows whose group the estimator has not seen: use "
        "calibrate: none.",
        field="training.calibrate",
    )


class _AlreadyScored(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """A classifier whose rows are its scores."""

    def fit(self, scores: Any, classes: Any) -> Self:
        """Learns nothing but which classes there are."""
        self.classes_, self.n_features_in_ = np.unique(classes), scores.shape[1]
        return self

    def decision_function(self, scores: Any) -> Any:
        """For two classes scikit-learn wants a score without an axis for it."""
        return scores[:, 0] if scores.shape[1] == 1 else scores

    def predict(self, scores: Any) -> Any:
        """Nobody asks; scikit-learn wants to see that it can be asked."""
        return self.classes_[(scores[:, 0] > 0).astype(int) if scores.shape[1] == 1 else scores.argmax(axis=1)]
