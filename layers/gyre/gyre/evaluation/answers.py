"""What a model said beside what was true, as arrays that every figure is computed from."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from gyre.bundle.format import Class
from gyre.bundle.predict import Predictions
from gyre.bundle.scores import Floats
from gyre.errors import Invalid
from gyre.evaluation.targets import Targets
from gyre.features.compute import Array

Places = npt.NDArray[np.int64]
NOTHING = np.zeros(0)


@dataclass(frozen=True)
class Answers:
    """Rows that were answered. A true class that the model does not know stands behind all that it knows."""

    classes: tuple[Class, ...]
    truth: Places
    """By row the place of the true class; `len(classes)` for one that the model does not know."""
    said: Places
    probabilities: Floats | None
    numbers: Floats
    """Of a regression: the true values …"""
    values: Floats
    """… and the predicted ones."""

    def __len__(self) -> int:
        return len(self.truth) if self.classes else len(self.numbers)

    @property
    def known(self) -> npt.NDArray[np.bool_]:
        """Rows whose true class the model knows: only of these a probability can be right or wrong."""
        return np.asarray(self.truth < len(self.classes))

    def chosen(self, rows: Array) -> "Answers":
        """Some of them, by a mask or by their places."""
        if not self.classes:
            return replace(self, numbers=self.numbers[rows], values=self.values[rows])
        probabilities = None if self.probabilities is None else self.probabilities[rows]
        return replace(self, truth=self.truth[rows], said=self.said[rows], probabilities=probabilities)


def answers(truth: Targets, found: Predictions) -> Answers:
    """The two side by side; `Invalid` if they are not of the same rows or not of the same kind."""
    if not truth.classes:
        if found.values is None:
            raise Invalid("The target is a number, and the model answered with classes.")
        _same_rows(len(truth.values), len(found.values))
        numbers, values = truth.values.astype(np.float64), found.values.astype(np.float64)
        return Answers((), NOTHING.astype(np.int64), NOTHING.astype(np.int64), None, numbers, values)
    if found.labels is None and found.probabilities is None:
        raise Invalid("The target is a class, and the model answered with numbers.")
    probabilities = None if found.probabilities is None else found.probabilities.astype(np.float64)
    if probabilities is not None and probabilities.shape[1] != len(truth.classes):
        raise Invalid(f"The model tells {probabilities.shape[1]} classes apart, and {len(truth.classes)} are named.")
    said = _said(truth.classes, found)
    _same_rows(len(truth.values), len(said))
    places = np.where(truth.values < 0, len(truth.classes), truth.values).astype(np.int64)
    return Answers(truth.classes, places, said, probabilities, NOTHING, NOTHING)


def _said(classes: tuple[Class, ...], found: Predictions) -> Places:
    if found.labels is None:
        assert found.probabilities is not None  # noqa: S101  # the caller has looked
        return np.asarray(found.probabilities.argmax(axis=1), dtype=np.int64)
    at = {each: place for place, each in enumerate(classes)}
    try:
        return np.array([at[label] for label in found.labels], dtype=np.int64)
    except KeyError as error:
        raise Invalid(f"The model answered {error}, which is none of its classes.") from None


def _same_rows(truth: int, found: int) -> None:
    if truth != found:
        raise Invalid(f"There are {found:,} answers to {truth:,} rows.")
