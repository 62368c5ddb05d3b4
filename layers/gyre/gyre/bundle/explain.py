"""What each feature adds to a score, exactly: SHAP by trees' paths, and in closed form for sums.

The score is the one before any calibration; `Manifest.score` says what it is measured in."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from gyre.bundle.format import Bundle
from gyre.bundle.kernel import kernel
from gyre.bundle.scores import Additive, Floats, Trees
from gyre.features.compute import Array

# The kernel's own names for: along the paths that training rows took, the score as it is, no interactions.
_ALONG_PATHS, _AS_IT_IS, _NO_INTERACTIONS = 1, 0, False


@dataclass(frozen=True)
class Explanations:
    """By row: base + the sum of its contributions is the score of the class that was asked for."""

    features: tuple[str, ...]
    base: Floats
    contributions: Floats
    """By row and declared feature."""
    parts: Floats
    """By row and transformed column: a word of a text, a category."""
    names: tuple[str, ...]
    """What each transformed column is."""


class Explainer:
    """Made once for a bundle."""

    def __init__(self, bundle: Bundle) -> None:
        self._manifest = bundle.manifest
        self._names = bundle.names
        scores = bundle.scores
        self._explains = _ByTrees(scores) if isinstance(scores, Trees) else _BySums(scores)
        # Columns of one feature side by side: then one call of reduceat sums them all.
        self._order = np.argsort(bundle.origin, kind="stable")
        self._features, self._starts = np.unique(bundle.origin[self._order], return_index=True)

    def explain(self, transformed: Array, chosen: Array) -> Explanations:
        """Of each row, why it was given the score of its chosen class; of a regression, its value."""
        parts = np.zeros((len(transformed), self._manifest.width))
        base = np.zeros(len(transformed))
        for at, score, rows in self._wanted(chosen):
            parts[rows], base[rows] = self._explains.of(transformed[rows], score)
            if at == 0 and len(self._manifest.classes) == 2:  # whose score is what the other's is not
                parts[rows] *= -1
                base[rows] = (1 if self._manifest.score == "probability" else 0) - base[rows]
        contributions = np.zeros((len(transformed), len(self._manifest.features)))
        if len(transformed):
            contributions[:, self._features] = np.add.reduceat(parts[:, self._order], self._starts, axis=1)
        return Explanations(self._manifest.features, base, contributions, parts, self._names)

    def _wanted(self, chosen: Array) -> Iterator[tuple[int, int, Array]]:
        """Each class that was chosen, the score it has, and its rows."""
        for at in sorted(set(chosen.tolist())):
            yield at, at if len(self._manifest.classes) > 2 else 0, np.flatnonzero(chosen == at)


class _BySums:
    def __init__(self, scores: Additive) -> None:
        self._scores = scores

    def of(self, transformed: Array, score: int) -> tuple[Floats, float]:
        """How far each column takes the score from where the mean of the training part has it."""
        told, values = self._scores, transformed.astype(np.float64)
        found = (values - told.means) * told.linear[:, score]
        base = told.intercept[score] + told.means @ told.linear[:, score]
        if len(told.squares):
            found += (values**2 - told.square_means) * told.squares[:, score]
            base += told.square_means @ told.squares[:, score]
        return found, float(base)


class _ByTrees:
    def __init__(self, scores: Trees) -> None:
        self._kernel = kernel()
        self._scores = scores
        count = len(scores.starts) - 1
        each = count if scores.shared else count // scores.scores
        self._of_score = [
            slice(0, each) if scores.shared else slice(s * each, (s + 1) * each) for s in range(scores.scores)
        ]
        sizes = np.diff(scores.starts)
        shape = count, int(sizes.max())
        row = np.repeat(np.arange(count), sizes)
        place = row, np.arange(len(scores.left)) - np.repeat(scores.starts[:-1], sizes)

        def padded(values: Array, rest: float, dtype: Any) -> Array:
            """A row for each tree."""
            filled = np.full(shape, rest, dtype=dtype)
            filled[place] = values
            return filled

        self._left, self._right = padded(scores.left, -1, np.int32), padded(scores.right, -1, np.int32)
        self._missing = padded(np.where(scores.missing_left, scores.left, scores.right), -1, np.int32)
        self._features = padded(scores.features, -1, np.int32)
        self._thresholds = padded(scores.thresholds, 0, np.float64)
        self._threshold_types = np.zeros(shape, dtype=np.int32)
        self._weights = padded(scores.weights, 0, np.float64)
        # By score, so that a call is given one value for each node: all that a row asks for.
        self._values = [padded(column, 0, np.float64)[:, :, None] for column in scores.values.T]
        self._depth = scores.depth

    def of(self, transformed: Array, score: int) -> tuple[Floats, float]:
        """Only the trees that vote for this score are walked."""
        trees = self._of_score[score]
        values = self._values[score if self._scores.shared else 0][trees]
        rows = np.ascontiguousarray(transformed, dtype=np.float64)
        found = np.zeros((len(rows), rows.shape[1] + 1, 1))
        # What is sliced here are whole trees of arrays that were made above: the kernel reads them where they are.
        self._kernel.dense_tree_shap(
            self._left[trees], self._right[trees], self._missing[trees], self._features[trees],
            self._thresholds[trees], self._threshold_types[trees], values, self._weights[trees], self._depth,
            rows, np.isnan(rows), None, None, None, len(values), self._scores.base[score : score + 1],
            found, _ALONG_PATHS, _AS_IT_IS, _NO_INTERACTIONS,
        )  # fmt: skip
        # Not from the kernel: the column it leaves for it is empty where there are no rows.
        return found[:, :-1, 0], float(self._scores.base[score] + values[:, 0, 0].sum())
