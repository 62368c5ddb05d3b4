"""How words become numbers: what scikit-learn has no one transformer for that also compiles (see graph.py)."""

from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.feature_extraction.text import TfidfVectorizer

from gyre.features.compute import Array
from gyre.features.inputs import MISSING

Encoding = Literal["onehot", "ordinal", "frequency"]
# What stands in for a missing category; own: a category of its own.
Stand = Literal["own", "most_frequent", "constant", "none"]

RARE = "(rare)"


class Words(TfidfVectorizer):  # type: ignore[misc]  # scikit-learn has no types
    """Words and sequences of words, weighed by how few texts hold them. A class of its own, for a converter of its own:
    skl2onnx's for its parent takes a pair for one word where either of its words is not kept itself."""

    def __init__(self, *, ngram_range: tuple[int, int] = (1, 2), max_features: int | None = None) -> None:
        super().__init__(
            lowercase=False,
            token_pattern=r"[^ ]+",  # noqa: S106  # no password
            ngram_range=ngram_range,
            max_features=max_features,
            dtype=np.float32,
        )


class Categories(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """One column of categories, as one table from category to number.

    What stands in for a missing value and which categories are rare is settled when the table is made, so that the
    graph needs only to look a category up. One that the table does not know is taken for a rare one if there are such;
    else one-hot it is no category at all, in an order it is as a missing one, and its frequency is 0."""

    def __init__(
        self,
        *,
        encode: Encoding = "onehot",
        stand: Stand = "own",
        fill: str = MISSING,
        rare_below: float = 0.0,
        order: tuple[str, ...] = (),
    ) -> None:
        self.encode = encode
        self.stand = stand
        self.fill = fill
        self.rare_below = rare_below
        self.order = order

    def fit(self, column: Any, _: object = None) -> Self:
        """Learns the table from these rows alone."""
        values = pd.Series(_flat(column), dtype=object)
        self.table_, self.unknown_, self.labels_ = _Table(self, values).made()
        return self

    def transform(self, column: Any) -> npt.NDArray[np.float32]:
        """One column of numbers, or one of 1 and 0 for each label."""
        keys = pd.Index(list(self.table_), dtype=object)
        places = np.array([*self.table_.values(), self.unknown_], dtype=np.float32)  # the last is also at -1
        found: npt.NDArray[np.float32] = places[keys.get_indexer(_flat(column))]
        if self.encode != "onehot":
            return found[:, None]
        return np.asarray(found[:, None] == np.arange(len(self.labels_)), dtype=np.float32)


class _Table:
    """From the categories of the training part to numbers."""

    def __init__(self, wanted: Categories, values: pd.Series) -> None:
        self._wanted = wanted
        known = values[values != MISSING]
        self._stand = self._stands_in(known)
        filled = known if self._stand is None else values.where(values != MISSING, self._stand)
        counts: dict[str, int] = filled.value_counts().to_dict()
        self._shares = {name: counts[name] / len(values) for name in sorted(counts)}
        self._rare = {
            name: share for name, share in self._shares.items() if share < wanted.rare_below and name != MISSING
        }

    def _stands_in(self, known: pd.Series) -> str | None:
        if self._wanted.stand == "most_frequent":
            return min(known.mode(), default=MISSING)
        return {"own": MISSING, "constant": self._wanted.fill, "none": None}[self._wanted.stand]

    def made(self) -> tuple[dict[str, float], float, tuple[str, ...]]:
        """Each category's number, that of an unknown one, and the names of the one-hot columns."""
        if self._wanted.encode == "ordinal":
            return self._ordinal()
        return self._frequency() if self._wanted.encode == "frequency" else self._onehot()

    def _onehot(self) -> tuple[dict[str, float], float, tuple[str, ...]]:
        kept = [name for name in self._shares if name not in self._rare]
        labels = (*kept, RARE) if self._rare else tuple(kept) or (MISSING,)  # a column at least
        table = {name: float(at) for at, name in enumerate(kept)} | dict.fromkeys(self._rare, float(len(kept)))
        return self._with_missing(table, -1.0), float(len(kept)) if self._rare else -1.0, labels

    def _frequency(self) -> tuple[dict[str, float], float, tuple[str, ...]]:
        together = sum(self._rare.values(), 0.0)
        table = self._shares | dict.fromkeys(self._rare, together)
        return self._with_missing(table, 0.0 if self._stand else np.nan), together, ()

    def _ordinal(self) -> tuple[dict[str, float], float, tuple[str, ...]]:
        order = self._wanted.order or tuple(name for name in self._shares if name != MISSING)
        places = {name: float(at) for at, name in enumerate(order)}
        missing = places.get(self._stand, -1.0) if self._stand else np.nan
        return places | {MISSING: missing}, missing, ()

    def _with_missing(self, table: dict[str, float], otherwise: float) -> dict[str, float]:
        stand = self._stand
        return table | {MISSING: otherwise if stand is None else table.get(stand, otherwise)}


def _flat(column: Any) -> Array:
    return np.asarray(column, dtype=object).ravel()
