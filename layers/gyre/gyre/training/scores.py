"""From fitted estimators to the arrays that score as they do: read once, then compiled and explained."""

from itertools import accumulate
from typing import Any

import numpy as np

from gyre.bundle.format import ScoreUnit
from gyre.bundle.kernel import kernel
from gyre.bundle.scores import Additive, Floats, Trees
from gyre.features.compute import Array


def linear(model: Any) -> Additive:
    """By column its coefficient."""
    coefficients = np.atleast_2d(model.coef_).astype(np.float64).T
    intercept = np.broadcast_to(np.asarray(model.intercept_, dtype=np.float64), coefficients.shape[1])
    return _additive(coefficients, intercept)


def multinomial(model: Any) -> Additive:
    """Naive Bayes over counts: by column what the logarithm of its share is."""
    return _additive(_against(model.feature_log_prob_).T, _against(model.class_log_prior_))


def gaussian(model: Any) -> Additive:
    """Naive Bayes over bell curves, whose logarithm is a parabola."""
    means, spread = model.theta_, model.var_
    constant = np.log(model.class_prior_) - 0.5 * (np.log(2 * np.pi * spread) + means**2 / spread).sum(axis=1)
    return _additive(_against(means / spread).T, _against(constant), _against(-0.5 / spread).T)


def forest(model: Any) -> Trees:
    """All trees have a say of the same weight in every score: for two classes, in that of the second."""
    trees, share = [each.tree_ for each in model.estimators_], 1.0 / len(model.estimators_)
    values = [_shares(tree) if hasattr(model, "classes_") else tree.value[:, 0, :] for tree in trees]
    return _trees(
        [tree.children_left for tree in trees], [tree.children_right for tree in trees],
        [tree.missing_go_to_left for tree in trees], [tree.feature for tree in trees],
        [tree.threshold for tree in trees], [tree.weighted_n_node_samples for tree in trees],
        [share * each for each in values], np.zeros(values[0].shape[1]),
    )  # fmt: skip


def boosting(model: Any) -> Trees:
    """The trees of one score stand together."""
    base = np.asarray(model._baseline_prediction, dtype=np.float64).ravel()
    nodes = [predictors[score].nodes for score in range(len(base)) for predictors in model._predictors]
    leaves = [each["is_leaf"].astype(bool) for each in nodes]
    at = list(zip(nodes, leaves, strict=True))
    return _trees(
        [np.where(leaf, -1, each["left"].astype(np.int64)) for each, leaf in at],
        [np.where(leaf, -1, each["right"].astype(np.int64)) for each, leaf in at],
        [each["missing_go_to_left"] for each in nodes], [each["feature_idx"] for each in nodes],
        [np.where(leaf, 0.0, each["num_threshold"]) for each, leaf in at], [each["count"] for each in nodes],
        [each["value"][:, None] for each in nodes], base,
    )  # fmt: skip


def raw_scores(model: Any, rows: Any, unit: ScoreUnit) -> Floats:
    """scikit-learn's own, in the same shape: what the arrays are proved by."""
    if unit == "value":
        return np.asarray(model.predict(rows), dtype=np.float64)[:, None]
    if unit == "probability":
        found = model.predict_proba(rows)
        return np.asarray(found[:, 1:] if found.shape[1] == 2 else found)
    if hasattr(model, "decision_function"):
        found = model.decision_function(rows)
        return np.asarray(found[:, None] if found.ndim == 1 else found)
    return _against(model.predict_joint_log_proba(rows).T).T


def _against(by_class: Array) -> Floats:
    """Of two classes, the second against the first; of several, each against the mean of all. That leaves out what all
    classes have in common, which is most of it and changes no probability."""
    wide = np.asarray(by_class, dtype=np.float64)
    return wide[1:] - wide[:1] if len(wide) == 2 else wide - wide.mean(axis=0)


def _additive(coefficients: Floats, intercept: Floats, squares: Floats | None = None) -> Additive:
    width, count = coefficients.shape
    none = np.zeros((0, count))
    return Additive(
        coefficients, none if squares is None else squares, np.array(intercept), np.zeros(width), np.zeros(width)
    )


def _shares(tree: Any) -> Floats:
    """Of each class among the rows of a node."""
    counts = tree.value[:, 0, :]
    shares: Floats = counts / counts.sum(axis=1, keepdims=True)
    return shares[:, 1:] if shares.shape[1] == 2 else shares


def _trees(
    left: list[Array], right: list[Array], missing: list[Array], features: list[Array], thresholds: list[Array],
    weights: list[Array], values: list[Array], base: Floats,
) -> Trees:  # fmt: skip
    for tree, nodes in enumerate(values):
        values[tree] = _expected(left[tree], right[tree], weights[tree], nodes)
    single = _below(np.concatenate(thresholds))
    leaf = np.concatenate(left) < 0
    return Trees(
        starts=np.array([0, *accumulate(map(len, left))], dtype=np.int64),
        left=np.concatenate(left).astype(np.int32), right=np.concatenate(right).astype(np.int32),
        missing_left=np.concatenate(missing).astype(bool) & ~leaf,
        features=np.where(leaf, -1, np.concatenate(features)).astype(np.int32),
        thresholds=np.where(leaf, np.float32(0), single),
        weights=np.concatenate(weights).astype(np.float64), values=np.concatenate(values), base=base,
    )  # fmt: skip


def _below(thresholds: Array) -> Array:
    """In single precision and never above: a float32 is at most the one if and only if it is at most the other."""
    single = thresholds.astype(np.float32)
    return np.where(single > thresholds, np.nextafter(single, np.float32(-np.inf)), single)


def _expected(left: Array, right: Array, weights: Array, values: Array) -> Floats:
    """Values of inner nodes as the means of their leaves, which is what paths are measured by."""
    made: Floats = np.ascontiguousarray(values, dtype=np.float64).copy()
    kernel().compute_expectations(
        np.ascontiguousarray(left, dtype=np.int32), np.ascontiguousarray(right, dtype=np.int32),
        np.ascontiguousarray(weights, dtype=np.float64), made,
    )  # fmt: skip
    return made
