"""Formulas over sums. The last axis may hold resamples, so a figure and its interval come from the same line."""

from collections.abc import Mapping

import numpy as np

from gyre.bundle.scores import Floats
from gyre.features.compute import Array

LEAST_PROBABILITY = float(np.finfo(np.float64).eps)  # what scikit-learn takes for zero


def divided(above: Floats, below: Floats) -> Floats:
    """NaN where there is nothing to divide by."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(below > 0, above / np.where(below > 0, below, 1), np.nan)


def mean_where(values: Floats, counts: Array) -> Floats:
    """The mean over classes (first axis) of those that count; NaN if none does."""
    return divided(np.where(counts, np.nan_to_num(values), 0.0).sum(axis=0), counts.sum(axis=0).astype(np.float64))


def by_class(right: Floats, true: Floats, said: Floats) -> Mapping[str, Floats]:
    """By class: how many rows it was rightly told of, how many have it, of how many it was said."""
    return {
        "precision": divided(right, said), "recall": divided(right, true), "f1": divided(2 * right, true + said),
    }  # fmt: skip


def over_classes(right: Floats, true: Floats, said: Floats) -> Mapping[str, Floats]:
    """As scikit-learn tells them: the mean is over classes that occur or were said; what is undefined is 0. Classes
    that the model does not know are one class, of which it never is right."""
    each = by_class(right, true, said)
    occurs, rows = true + said > 0, true.sum(axis=0)
    return {
        "accuracy": divided(right.sum(axis=0), rows),
        "balanced_accuracy": mean_where(each["recall"], true > 0),
        "f1_macro": mean_where(each["f1"], occurs),
        "f1_weighted": divided((np.nan_to_num(each["f1"]) * true).sum(axis=0), rows),
        "precision_macro": mean_where(each["precision"], occurs),
        "recall_macro": mean_where(each["recall"], occurs),
    }


def areas(positive: Floats, negative: Floats) -> Floats:
    """The area under the ROC curve from how many rows of either kind have each score, scores rising along the first
    axis: the share of pairs in the right order, ties half. NaN if a kind is missing."""
    below = np.cumsum(negative, axis=0) - negative / 2
    return divided((positive * below).sum(axis=0), positive.sum(axis=0) * negative.sum(axis=0))


def of_errors(rows: Floats, error: Floats, absolute: Floats, square: Floats, true: Floats, true_square: Floats) -> (
    Mapping[str, Floats]
):  # fmt: skip
    """Of a regression: sums over rows of errors and of the true values (around any centre)."""
    spread = true_square - divided(true * true, rows)
    # What is left of equal numbers after rounding is no spread.
    constant = ~(spread > 1e-12 * true_square)
    return {
        "rmse": np.sqrt(divided(square, rows)),
        "mae": divided(absolute, rows),
        "r2": np.where(constant, np.nan, 1 - divided(square, np.where(constant, np.nan, spread))),
        "bias": divided(error, rows),
    }
