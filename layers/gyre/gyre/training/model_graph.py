"""Scores as ONNX, from the same arrays that explain them; then the answer, calibrated if there is a calibration.

skl2onnx could write the trees. Written from arrays they need no converter for each estimator, their thresholds are
exact for the float32 they are compared with, and missing values take the way that scikit-learn learned for them."""

from typing import Any

import numpy as np
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, helper, numpy_helper

from gyre.bundle.format import ScoreUnit
from gyre.bundle.scores import Additive, Trees
from gyre.features.compute import Array
from gyre.training.calibration import Calibration

OPSETS = {"": 20, "ai.onnx.ml": 3}
_ML = "ai.onnx.ml"
_DOUBLE = TensorProto.DOUBLE
_TREES_AT_ONCE = 250


class ModelGraph:
    """Nodes one after another, from `transformed` to `scores` and the answer."""

    def __init__(self) -> None:
        self._nodes: list[NodeProto] = []
        self._constants: list[TensorProto] = []

    def model(
        self, scores: Trees | Additive, width: int, classes: int, unit: ScoreUnit, calibration: Calibration | None
    ) -> ModelProto:
        """The graph of one model."""
        self._scores(scores)
        answer = "probabilities" if classes else "values"
        if not classes:
            self._add("Reshape", ["scores", self._constant("flat", np.array([-1]))], answer)
        elif calibration:
            self._calibrated(calibration, scores.scores)
        else:
            self._probabilities(unit, scores.scores)
        return helper.make_model(
            self._graph(answer, width, scores.scores, classes),
            opset_imports=[helper.make_opsetid(domain, version) for domain, version in OPSETS.items()],
            ir_version=9,
        )

    def _graph(self, answer: str, width: int, scores: int, classes: int) -> GraphProto:
        shape: list[str | int | None] = ["rows", classes] if classes else ["rows"]
        return helper.make_graph(
            self._nodes, "model",
            [helper.make_tensor_value_info("transformed", TensorProto.FLOAT, ["rows", width])],
            [
                helper.make_tensor_value_info("scores", _DOUBLE, ["rows", scores]),
                helper.make_tensor_value_info(answer, _DOUBLE, shape),
            ],
            self._constants,
        )  # fmt: skip

    def _scores(self, scores: Trees | Additive) -> None:
        """Sums of many products in double: naive Bayes has large ones that cancel each other out."""
        if isinstance(scores, Trees):
            total = self._constant("base", scores.base)
            for at, node in enumerate(_ensembles(scores)):
                self._nodes.append(node)
                self._add("Cast", [node.output[0]], f"trees{at}", to=_DOUBLE)
                self._add("Add", [total, f"trees{at}"], total := f"total{at}")
            self._add("Identity", [total], "scores")
            return
        self._add("Cast", ["transformed"], "double", to=_DOUBLE)
        self._add("MatMul", ["double", self._constant("linear", scores.linear)], "product")
        total = "product"
        if len(scores.squares):
            self._add("Mul", ["double", "double"], "squared")
            self._add("MatMul", ["squared", self._constant("squares", scores.squares)], "parabola")
            self._add("Add", ["product", "parabola"], total := "sum")
        self._add("Add", [total, self._constant("intercept", scores.intercept)], "scores")

    def _probabilities(self, unit: ScoreUnit, scores: int) -> None:
        if scores > 1:
            self._add(*(("Softmax", ["scores"], "probabilities") if unit == "log_odds" else _same("scores")))
            return
        if unit == "log_odds":
            self._add("Sigmoid", ["scores"], "second")
        else:
            self._clipped("scores", "second")
        self._of_two()

    def _calibrated(self, calibration: Calibration, scores: int) -> None:
        names = []
        for at, curve in enumerate(calibration.curves):
            names.append(name := f"calibrated{at}")
            score = "scores"
            if scores > 1:
                self._add(
                    "Gather", ["scores", self._constant(f"at{at}", np.array([at]))], score := f"score{at}", axis=1
                )
            (self._sigmoid if calibration.method == "sigmoid" else self._isotonic)(curve, score, name)
        if scores == 1:
            self._add("Identity", names, "second")
            self._of_two()
            return
        self._add("Concat", names, "beside", axis=1)
        self._add("ReduceSum", ["beside", self._constant("axes", np.array([1]))], "whole", keepdims=1)
        # Where no class is likely at all, each is as likely as the others.
        self._add("Equal", ["whole", self._constant("zero", np.array(0.0))], "nothing")
        self._add("Div", ["beside", "whole"], "divided")
        self._add(
            "Where", ["nothing", self._constant("even", np.full((1, scores), 1 / scores)), "divided"], "probabilities"
        )

    def _sigmoid(self, curve: Any, score: str, result: str) -> None:
        self._add("Mul", [score, self._constant(f"{result}_slope", np.array(-float(curve.a_)))], f"{result}_sloped")
        self._add(
            "Add", [f"{result}_sloped", self._constant(f"{result}_shift", np.array(-float(curve.b_)))], f"{result}_at"
        )
        self._add("Sigmoid", [f"{result}_at"], result)

    def _isotonic(self, curve: Any, score: str, result: str) -> None:
        """Straight lines between knots: how far each is climbed, times how high it is."""
        x, y = curve.X_thresholds_.astype(np.float64), curve.y_thresholds_.astype(np.float64)
        first = self._constant(f"{result}_first", y[:1])
        if len(x) == 1:
            self._add("Mul", [score, self._constant(f"{result}_none", np.array(0.0))], f"{result}_flat")
            self._add("Add", [f"{result}_flat", first], result)
            return
        self._add("Sub", [score, self._constant(f"{result}_from", x[:-1])], f"{result}_past")
        self._add("Div", [f"{result}_past", self._constant(f"{result}_wide", np.diff(x))], f"{result}_share")
        self._clipped(f"{result}_share", f"{result}_climbed")
        self._add(
            "MatMul", [f"{result}_climbed", self._constant(f"{result}_high", np.diff(y)[:, None])], f"{result}_sum"
        )
        self._add("Add", [f"{result}_sum", first], result)

    def _of_two(self) -> None:
        self._add("Sub", [self._constant("one", np.array(1.0)), "second"], "first")
        self._add("Concat", ["first", "second"], "probabilities", axis=1)

    def _clipped(self, value: str, result: str) -> None:
        bounds = [self._constant(f"{result}_{at}", np.array(float(at))) for at in (0, 1)]
        self._add("Clip", [value, *bounds], result)

    def _add(self, operator: str, taken: list[str], result: str, **attributes: Any) -> None:
        self._nodes.append(helper.make_node(operator, taken, [result], name=f"{operator}_{result}", **attributes))

    def _constant(self, name: str, value: Array) -> str:
        self._constants.append(numpy_helper.from_array(np.ascontiguousarray(value).reshape(value.shape), f"c_{name}"))
        return f"c_{name}"


def _same(name: str) -> tuple[str, list[str], str]:
    return "Identity", [name], "probabilities"


def _ensembles(trees: Trees) -> list[NodeProto]:
    """Every leaf adds its values, leaving out those of 0; one is kept, because a leaf needs one. A node sums in single
    precision, which shows after hundreds of trees: so each has a few of them, and their sums are added in double."""
    sizes = np.diff(trees.starts)
    count = len(sizes)
    tree = np.repeat(np.arange(count), sizes)
    node = np.arange(len(trees.left)) - np.repeat(trees.starts[:-1], sizes)
    leaf = trees.left < 0
    kept = leaf[:, None] & (trees.values != 0)
    kept[leaf & ~kept.any(axis=1), 0] = True
    made = []
    for first in range(0, count, _TREES_AT_ONCE):
        last = min(first + _TREES_AT_ONCE, count)
        here = slice(int(trees.starts[first]), int(trees.starts[last]))
        at, column = np.nonzero(kept[here])
        of = tree[here][at]
        made.append(
            helper.make_node(
                "TreeEnsembleRegressor", ["transformed"], [f"single{first}"], name=f"Trees{first}", domain=_ML,
                n_targets=trees.scores, post_transform="NONE", aggregate_function="SUM",
                nodes_treeids=tree[here] - first, nodes_nodeids=node[here],
                nodes_featureids=np.where(leaf, 0, trees.features)[here],
                nodes_modes=np.where(leaf[here], "LEAF", "BRANCH_LEQ").tolist(),
                nodes_values=trees.thresholds[here].astype(np.float64),
                nodes_truenodeids=np.where(leaf, 0, trees.left)[here],
                nodes_falsenodeids=np.where(leaf, 0, trees.right)[here],
                nodes_missing_value_tracks_true=trees.missing_left[here].astype(np.int64),
                target_treeids=of - first, target_nodeids=node[here][at],
                target_ids=column if trees.shared else of // (count // trees.scores),
                target_weights=trees.values[here][at, column],
            )
        )  # fmt: skip
    return made
