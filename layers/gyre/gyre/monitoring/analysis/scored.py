"""The rows of a side that a figure of performance can be told from: what was said, and what was true, as numbers."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gyre.features.compute import Array, is_missing
from gyre.monitoring.side import Pair, Side, names, numbers

Numbers = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Scored:
    """Rows with a prediction. Of classes, what was said and true are places in `classes`; a label that is no class has
    the place after the last. NaN where the truth is not known."""

    classes: tuple[str, ...]
    """Of a regression none."""
    places: npt.NDArray[np.int64]
    """Of each row in its side."""
    said: Numbers
    truth: Numbers
    chances: Numbers | None
    """By row and class."""

    def __len__(self) -> int:
        return len(self.said)

    def chosen(self, rows: Mask) -> "Scored":
        chances = None if self.chances is None else self.chances[rows]
        return Scored(self.classes, self.places[rows], self.said[rows], self.truth[rows], chances)

    @property
    def labelled(self) -> "Scored":
        """Those whose truth is known."""
        return self.chosen(~np.isnan(self.truth))

    @property
    def in_classes(self) -> "Scored":
        """Without labels that are no class of the model."""
        return self.chosen(~(self.truth >= len(self.classes)))

    @property
    def with_chances(self) -> "Scored":
        """Those with a probability of each class."""
        if self.chances is None:
            return self.chosen(np.zeros(len(self), bool))
        return self.chosen(np.isfinite(self.chances).all(axis=1))

    @property
    def strange(self) -> int:
        """Labels that are no class of the model."""
        return int((self.truth >= len(self.classes)).sum()) if self.classes else 0

    def frame(self) -> Any:
        """As NannyML takes it. Binary: `truth` and `said` are 1 for the second class, `chance` is its probability; a
        label that is no class makes the prediction wrong. Multiclass: names that sort as the classes do, and a column
        of probabilities each. Regression: numbers."""
        import pandas as pd

        if not self.classes:
            return pd.DataFrame({"truth": self.truth, "said": self.said})
        if len(self.classes) == 2:
            truth = np.where(self.truth > 1, 1 - self.said, self.truth)
            chance = {} if self.chances is None else {"chance": self.chances[:, 1]}
            return pd.DataFrame({"truth": truth, "said": self.said.astype(np.int64), **chance})
        codes = np.array([*class_names(len(self.classes)), "no class", None], dtype=object)
        nobody = len(self.classes) + 1
        known = np.where(np.isnan(self.truth), nobody, self.truth).astype(np.int64)
        texts = {"truth": codes[known], "said": codes[self.said.astype(np.int64)]}
        told: dict[str, Any] = {name: pd.Series(each, dtype=object) for name, each in texts.items()}
        if self.chances is not None:
            told |= {f"chance {code}": self.chances[:, at] for at, code in enumerate(codes[: len(self.classes)])}
        return pd.DataFrame(told)


def class_names(count: int) -> tuple[str, ...]:
    """What NannyML knows the classes by: it sorts them, and would sort `class 10` before `class 2`."""
    return tuple(f"c{at:04}" for at in range(count))


def scored(pair: Pair, side: Side) -> Scored:
    """Of a side; a row without a prediction, or with one that is no class of this model, is left out."""
    classes = pair.classes
    rows = len(side)
    if side.prediction is None:
        said = np.full(rows, np.nan)
    else:
        said = _codes(side.prediction, classes) if classes else numbers(side.prediction)
    if side.label is None:
        truth = np.full(rows, np.nan)
    else:
        truth = _codes(side.label, classes) if classes else numbers(side.label)
    chances = side.probabilities
    if chances is not None and chances.shape[1:] != (len(classes),):
        chances = None  # of another model's classes
    told = Scored(classes, np.arange(rows), said, truth, chances)
    return told.chosen(~(np.isnan(said) | (said >= len(classes)) if classes else np.isnan(said)))


def _codes(values: Array, classes: tuple[str, ...]) -> Numbers:
    texts = names(values)
    known = {name: float(at) for at, name in enumerate(classes)}
    nobody = float(len(classes))
    found = np.fromiter((known.get(each, nobody) for each in texts), np.float64, len(texts))
    found[is_missing(texts)] = np.nan
    return found
