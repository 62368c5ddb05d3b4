"""What is asked of a model, and what is answered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gyre.errors import Invalid
from gyre.pseudonyms import Pseudonyms
from gyre.registry.releases import Alias, Released
from gyre.serving.rows import Features, RowFault
from gyre.spec.model import ModelSpec

RowId = str | int | None
MOST_ROWS = 1_000


@dataclass(frozen=True)
class Row:
    """What a caller sends."""

    id: RowId
    features: Features


@dataclass(frozen=True)
class Question:
    """One call."""

    model: str
    rows: Sequence[Row]
    release: str = "production"
    top: int | None = None
    """How many features each answer is explained by; none if it is not."""
    partial: bool = False
    """Whether the rows that are right are answered although others are not."""


@dataclass(frozen=True)
class RowAnswer:
    """One row's answer, or why there is none."""

    id: RowId
    version: int | None = None
    prediction: bool | int | float | str | None = None
    probabilities: Mapping[str, float] | None = None
    confidence: float | None = None
    base_value: float | None = None
    explanation: tuple[tuple[str, Any, float], ...] | None = None
    """Feature, value and contribution, the one that weighs most first."""
    score: float | None = None
    """Where the contributions of all features, told or not, lead to from the base value."""
    fault: RowFault | None = None

    @property
    def reasons(self) -> list[dict[str, Any]]:
        """The explanation as JSON tells it."""
        return [{"feature": name, "value": value, "contribution": much} for name, value, much in self.explanation or ()]


@dataclass(frozen=True)
class Asked:
    """A release that was asked in a call."""

    version: int
    alias: Alias | None
    bundle: str
    rows: int
    ms: float = 0.0
    fault: str | None = None
    """Why another one answered in its place."""
    unit: str | None = None
    """What its explanations are measured in."""


@dataclass(frozen=True)
class Answer:
    """What came of a question, in the order of its rows."""

    rows: tuple[RowAnswer, ...]
    asked: tuple[Asked, ...]
    spec: ModelSpec
    """Of the release that answered: it tells what may be kept of a row."""
    unit: str
    """What explanations are measured in: log_odds, probability or value."""
    refusal: Invalid | None = None
    """Why nothing was answered."""
    pseudonyms: Pseudonyms | None = None
    """For what is personal of a row; none where nothing is, or where it is left out."""
    shadow: Released | None = None
    """Who is to be asked the same, beside the caller's path."""

    @property
    def version(self) -> int | None:
        """Who answered, if it was one alone."""
        versions = {row.version for row in self.rows if row.version is not None}
        return versions.pop() if len(versions) == 1 else None
