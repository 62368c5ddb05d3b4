"""The two sides of a look: what a model was released on, and what it meets now."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gyre.features.compute import Array, Columns, is_missing
from gyre.monitoring.found import Kind, Source
from gyre.spec.model import ModelSpec

_KINDS: Mapping[str, Kind] = {
    "number": "number", "integer": "number", "time": "number", "boolean": "category", "category": "category",
    "text": "text",
}  # fmt: skip


@dataclass(frozen=True)
class Side:
    """Rows in the order of time. What a side does not have is None."""

    source: Source
    columns: Columns
    """Features, derived ones too: numbers and truths as float64 with NaN, texts and categories as objects with None,
    times as datetime64 with NaT. Never an id, never a personal column."""
    at: npt.NDArray[np.datetime64]
    """When each row was predicted; of data without times a moment that is the same for all."""
    prediction: Array | None = None
    """Of classes their names as text, of a regression float64."""
    probabilities: npt.NDArray[np.float64] | None = None
    """By row and class."""
    label: Array | None = None
    """What turned out to be true, told as `prediction` is; None or NaN where nobody knows."""

    def __len__(self) -> int:
        return len(self.at)

    def chosen(self, rows: Array) -> "Side":
        """Some of them, by a mask or by their places."""
        return Side(
            self.source, {name: each[rows] for name, each in self.columns.items()}, self.at[rows],
            *(None if each is None else each[rows] for each in (self.prediction, self.probabilities, self.label)),
        )  # fmt: skip

    @property
    def labelled(self) -> "Side":
        """The rows whose truth is known."""
        return self.chosen(np.zeros(len(self), bool) if self.label is None else ~is_missing(self.label))


@dataclass(frozen=True)
class Pair:
    """One model's two sides. A feature that either side lacks is in no `columns` of that side."""

    spec: ModelSpec
    classes: tuple[str, ...]
    """Names, in the order of the probabilities; of a regression none."""
    reference: Side
    window: Side
    new: tuple[str, ...] = ()
    """Columns of the window that nobody declared."""

    @property
    def features(self) -> dict[str, Kind]:
        """Every feature of the model, in the order of the file."""
        return {name: kind_of(self.spec, name) for name in self.spec.features}


def kind_of(spec: ModelSpec, feature: str) -> Kind:
    """How a feature is compared: by order, by name, or by its words."""
    if feature in spec.columns:
        return _KINDS[spec.columns[feature].type]
    derived = spec.derived[feature]
    return "category" if derived.bin is not None else "number"


def numbers(values: Array) -> npt.NDArray[np.float64]:
    """A number column as numbers: times as seconds, infinity as missing."""
    if values.dtype.kind == "M":
        seconds = values.astype("M8[us]").astype(np.int64).astype(np.float64) / 1e6
        return np.where(np.isnat(values), np.nan, seconds)
    plain: npt.NDArray[Any] = values.astype(np.float64)
    return np.where(np.isfinite(plain), plain, np.nan)


def names(values: Array) -> Array:
    """A category column as texts with None: truths as `true` and `false`."""
    if values.dtype.kind == "O":
        return values
    told: Array = np.array(["false", "true", None], dtype=object)
    found: Array = told[np.where(np.isnan(values), 2, values != 0).astype(int)]
    return found
