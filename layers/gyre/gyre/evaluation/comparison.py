"""Two models on the same rows."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from gyre.bundle.predict import Predictions
from gyre.errors import Invalid
from gyre.evaluation.answers import answers
from gyre.evaluation.measures import measure_of
from gyre.evaluation.metric import higher_is_better, of_answers
from gyre.evaluation.plain import number, plain
from gyre.evaluation.resamples import interval, resampled
from gyre.evaluation.targets import Targets

_FROM_PROBABILITIES = ("roc_auc", "log_loss")


@dataclass(frozen=True)
class Comparison:
    """A metric of both, and how much better ours is; None where it cannot be told."""

    rows: int
    """That both were measured on."""
    metric: str
    ours: float | None
    theirs: float | None
    difference: float | None
    """Above 0 ours is better, whatever the metric."""
    low: float | None
    high: float | None
    """Its 95 % interval: both models are measured on each resample."""

    def to_json(self) -> dict[str, Any]:
        """For a file: these fields by these names."""
        told: dict[str, Any] = plain(self)
        return told


def compare(
    metric: str, truth: Targets, ours: Predictions, their_truth: Targets, theirs: Predictions, *, seed: int
) -> Comparison:
    """The same rows in the same order, the target told in each model's own classes. From probabilities only rows are
    compared whose class both know."""
    mine, other = answers(truth, ours), answers(their_truth, theirs)
    if len(mine) != len(other) or bool(mine.classes) != bool(other.classes):
        raise Invalid(
            f"{len(mine):,} answers of one model and {len(other):,} of the other are not about the same rows."
        )
    if metric in _FROM_PROBABILITIES:
        both = mine.known & other.known
        mine, other = mine.chosen(both), other.chosen(both)
    sign = 1.0 if higher_is_better(metric) else -1.0
    one, two = of_answers(metric, mine), of_answers(metric, other)
    low = high = np.full(1, np.nan)
    if len(mine):
        drawn = resampled([measure_of(metric, each) for each in (mine, other)], len(mine), seed=seed)
        with np.errstate(invalid="ignore"):
            low, high = interval(sign * (drawn[0] - drawn[1]))
    return Comparison(
        len(mine), metric, number(one), number(two), number(sign * (one - two)), number(low[0]), number(high[0])
    )
