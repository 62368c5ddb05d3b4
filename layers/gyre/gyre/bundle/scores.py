"""What a model computes before it answers: one score for a number or two classes, else one for each class.

The same arrays are written into the graph and used to explain, so that an explanation is of what was answered."""

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from gyre.errors import Invalid
from gyre.features.compute import Array

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int32]
# The kernel that explains calls itself for each level, and takes room for the square of all levels.
MOST_DEPTH = 1_000


@dataclass(frozen=True)
class Trees:
    """Trees one after another. A tree's nodes count from 0, its root, and stand before their children; a value goes
    left up to the threshold. Either every tree has a value for each score, or each score has as many trees."""

    starts: npt.NDArray[np.int64]
    """Where each tree's nodes begin, and where the last one's end."""
    left: Ints
    right: Ints
    """-1 for a leaf."""
    missing_left: npt.NDArray[np.bool_]
    features: Ints
    thresholds: npt.NDArray[np.float32]
    weights: Floats
    """How many rows of the training part came by."""
    values: Floats
    """Of a leaf its own, of another node the mean of its leaves."""
    base: Floats
    """By score, what is added to all trees."""

    @property
    def scores(self) -> int:
        """How many there are."""
        return len(self.base)

    @property
    def shared(self) -> bool:
        """Whether all scores come from the same trees."""
        return bool(self.values.shape[1] == self.scores)

    @property
    def depth(self) -> int:
        """Of the deepest tree."""
        offsets = np.repeat(self.starts[:-1], np.diff(self.starts))
        level, depth = self.starts[:-1], 0
        while len(inner := level[self.left[level] >= 0]):
            level = np.concatenate([self.left[inner] + offsets[inner], self.right[inner] + offsets[inner]])
            depth += 1
        return depth

    def checked(self, width: int) -> "Trees":
        """Itself, if no index leads out of it: the kernel that reads it asks nothing, and would end the process."""
        _checked(self, _TREES)
        nodes, trees = len(self.left), len(self.starts) - 1
        _right(trees > 0 and self.starts[0] == 0 and self.starts[-1] == nodes, "where trees begin")
        sizes = np.diff(self.starts)
        _right(bool((sizes > 0).all()), "where trees begin")
        _right(self.shared or (self.values.shape[1] == 1 and trees % self.scores == 0), "how many scores there are")
        per_node = (self.left, self.right, self.missing_left, self.features, self.thresholds, self.weights, self.values)
        _right(all(len(each) == nodes for each in per_node), "how many nodes there are")
        at = np.arange(nodes) - np.repeat(self.starts[:-1], sizes)
        leaf, size = self.left < 0, np.repeat(sizes, sizes)
        _right(bool((leaf == (self.right < 0)).all()), "which nodes are leaves")
        for child in (self.left, self.right):
            _right(bool((leaf | ((child > at) & (child < size))).all()), "where children stand")
        offsets = np.repeat(self.starts[:-1], sizes)
        parents = np.bincount(
            np.concatenate([(each + offsets)[~leaf] for each in (self.left, self.right)]), minlength=nodes
        )
        parents[self.starts[:-1]] += 1  # a root is nobody's child
        _right(
            bool((parents == 1).all()), "where children stand"
        )  # who has two parents would be walked twice, and again
        _right(self.depth <= MOST_DEPTH, f"how deep trees are: {MOST_DEPTH} levels at most")
        _right(bool((leaf | ((self.features >= 0) & (self.features < width))).all()), "which columns there are")
        _right(not np.isnan(self.thresholds).any() and bool(np.isfinite(self.values).all()), "its numbers")
        _right(bool((self.weights > 0).all()), "its weights")
        return self


@dataclass(frozen=True)
class Additive:
    """A score is the sum of what each transformed column adds: linear models, and naive Bayes in log-odds."""

    linear: Floats
    """By column and score."""
    squares: Floats
    """The same for the squares of columns; without rows where there are none."""
    intercept: Floats
    means: Floats
    """Of the columns, over the training part: what a contribution is measured from."""
    square_means: Floats

    @property
    def scores(self) -> int:
        """How many there are."""
        return len(self.intercept)

    def checked(self, width: int) -> "Additive":
        """Itself, if its shapes go together."""
        _checked(self, _ADDITIVE)
        _right(self.linear.shape == (width, self.scores), "how many columns there are")
        _right(self.squares.shape in ((width, self.scores), (0, self.scores)), "how many squares there are")
        _right(self.means.shape == self.square_means.shape == (width,), "how many means there are")
        _right(all(bool(np.isfinite(each).all()) for each in vars(self).values()), "its numbers")
        return self


Scores = Trees | Additive

# Type and number of axes of each array.
_TREES = {
    "starts": ("int64", 1), "left": ("int32", 1), "right": ("int32", 1), "missing_left": ("bool", 1),
    "features": ("int32", 1), "thresholds": ("float32", 1), "weights": ("float64", 1), "values": ("float64", 2),
    "base": ("float64", 1),
}  # fmt: skip
_ADDITIVE = {
    "linear": ("float64", 2), "squares": ("float64", 2), "intercept": ("float64", 1), "means": ("float64", 1),
    "square_means": ("float64", 1),
}  # fmt: skip


def scores_of(arrays: Mapping[str, Array], width: int) -> Scores:
    """The scores whose arrays these are, checked."""
    kind = Trees if "starts" in arrays else Additive
    names = [each.name for each in fields(kind)]
    if absent := [name for name in names if name not in arrays]:
        raise Invalid(f"The bundle cannot explain its model: {', '.join(absent)} is not in it.")
    return kind(**{name: arrays[name] for name in names}).checked(width)


def _checked(scores: Scores, wanted: Mapping[str, tuple[str, int]]) -> None:
    for name, (dtype, axes) in wanted.items():
        array: Array = getattr(scores, name)
        if array.dtype != np.dtype(dtype) or array.ndim != axes:
            raise Invalid(
                f"The bundle cannot explain its model: {name} is {array.dtype} with {array.ndim} axes, and "
                f"{dtype} with {axes} is needed."
            )


def _right(holds: bool, what: str) -> None:
    if not holds:
        raise Invalid(f"The bundle cannot explain its model: its arrays do not agree on {what}.")
