"""From a fitted model to the files of its bundle, and the proof that they answer as it does."""

import platform
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.metadata import version

import numpy as np
from onnx import ModelProto, TensorProto, compose, helper
from skl2onnx import convert_sklearn  # type: ignore[import-untyped]
from skl2onnx.common.exceptions import (  # type: ignore[import-untyped]
    MissingConverter,
    MissingShapeCalculator,
)

from gyre.bundle.arrays import dump_arrays
from gyre.bundle.format import (
    EXPLAIN,
    MODEL,
    Bundle,
    Manifest,
    canonical,
    open_bundle,
    told_spec,
    with_parts,
)  # fmt: skip
from gyre.bundle.predict import Predictor
from gyre.bundle.ref import REFERENCE
from gyre.bundle.scores import Additive, Floats, Trees
from gyre.errors import Invalid
from gyre.features import graph
from gyre.features.compute import Array, Columns
from gyre.features.inputs import layout
from gyre.features.prepare import feature_names, origin
from gyre.training.fitting import Fitted
from gyre.training.model_graph import OPSETS, ModelGraph

SAME_PROBABILITY = 1e-5
SAME_SCORE = 1e-4
# How many of the held-out rows are explained a second time, by shap itself.
_BY_SHAP = 16
_PROOF_ROWS_EXPLAINED = 64
_VERSIONS = ("numpy", "scikit-learn", "skl2onnx", "onnx", "onnxruntime", "shap")


@dataclass(frozen=True)
class Proof:
    """How far the bundle is from scikit-learn and shap, at most, on rows that it was not trained on. Values of a
    regression, and scores that are values, as shares of how far they are from 0, if that is more than 1."""

    rows: int
    ties: int
    """Rows whose two likeliest classes are as likely to scikit-learn as it can tell: any of both is right."""
    probability: float
    score: float
    additivity: float
    shap: float | None
    """None where shap has no exact explainer of this kind."""


@dataclass(frozen=True)
class Compiled:
    """The files of a bundle, and their proof."""

    parts: Mapping[str, bytes]
    bundle: Bundle
    proof: Proof


def compile_bundle(fitted: Fitted, held_out: Columns) -> Compiled:
    """The bundle of a model, proved on these rows; `Invalid` with what differs by how much if it is not the same."""
    model = fitted.pipeline["model"]
    prepare = fitted.pipeline["prepare"]
    names, origins = feature_names(prepare), origin(prepare)
    scores = fitted.entry.read(model)
    if isinstance(scores, Additive):
        scores = replace(scores, means=fitted.means, square_means=fitted.square_means)
    scores = scores.checked(len(names))
    places = {name: at for at, name in enumerate(fitted.spec.features)}
    explain: dict[str, Array] = {
        **vars(scores),
        "origin": np.array([places[each] for each in origins], dtype=np.int32),
        "names": np.frombuffer(canonical(names), dtype=np.uint8),
    }
    compiled = _graph(fitted, scores, len(names))
    parts = with_parts(
        _manifest(fitted, len(names)),
        {
            MODEL: compiled.SerializeToString(deterministic=True),
            EXPLAIN: dump_arrays(explain),
            REFERENCE: canonical(fitted.reference),
        },
    )
    bundle = open_bundle(parts)
    return Compiled(parts, bundle, prove(fitted, bundle, held_out))


def prove(fitted: Fitted, bundle: Bundle, held_out: Columns) -> Proof:
    """Holds the bundle against the model it was compiled from."""
    rows, ties = len(next(iter(held_out.values()))), 0
    if not rows:
        raise Invalid("There are no rows to prove a bundle on.")
    predictor = Predictor(bundle)
    expected, found = fitted.predict(held_out), predictor.predict(held_out)
    if expected.probabilities is not None and found.probabilities is not None:
        probability = _most(expected.probabilities, found.probabilities)
        _refuse("probabilities", probability, SAME_PROBABILITY)
        ties = _same_labels(expected.probabilities, found.probabilities)
    else:
        assert expected.values is not None and found.values is not None  # noqa: S101  # one or the other
        probability = _relative(expected.values, found.values)
        _refuse("values", probability, SAME_PROBABILITY)
    raw = fitted.scores(held_out)
    score = _relative(raw, predictor.scores(held_out))
    _refuse("scores", score, SAME_SCORE)
    some = {name: values[:_PROOF_ROWS_EXPLAINED] for name, values in held_out.items()}
    answers, told = predictor.explain(some)
    chosen = answers.probabilities.argmax(axis=1) if answers.probabilities is not None else None
    of_chosen = _of_class(raw[: len(told.base)], chosen, fitted)
    additivity = _relative(of_chosen, told.base + told.contributions.sum(axis=1))
    _refuse("sums of contributions", additivity, SAME_SCORE)
    by_shap = _by_shap(
        fitted, predictor.transformed({n: v[:_BY_SHAP] for n, v in held_out.items()}), chosen, told.parts
    )
    if by_shap is not None:
        _refuse("contributions", by_shap, SAME_SCORE, "shap's")
    return Proof(rows, ties, probability, score, additivity, by_shap)


def _graph(fitted: Fitted, scores: Trees | Additive, width: int) -> ModelProto:
    graph.register()
    classes = len(fitted.classes)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            before = convert_sklearn(
                fitted.pipeline["prepare"], name="prepare", initial_types=graph.initial_types(layout(fitted.spec)),
                target_opset=OPSETS,
            )  # fmt: skip
        except (MissingConverter, MissingShapeCalculator, NotImplementedError, RuntimeError) as error:
            raise Invalid(f"{fitted.candidate.estimator} cannot be compiled: {error}") from error
    after = ModelGraph().model(scores, width, classes, fitted.entry.score, fitted.calibration)
    before.ir_version = after.ir_version
    (prepared,) = before.graph.output
    del before.opset_import[:], before.metadata_props[:]
    before.opset_import.extend(after.opset_import)
    merged = compose.merge_models(
        compose.add_prefix(before, "prepare_", rename_inputs=False, rename_edges=True),
        after,
        io_map=[(f"prepare_{prepared.name}", "transformed")],
    )
    merged.graph.node.append(
        helper.make_node("Identity", [f"prepare_{prepared.name}"], ["transformed"], name="Prepared")
    )
    merged.graph.output.append(helper.make_tensor_value_info("transformed", TensorProto.FLOAT, ["rows", width]))
    return merged


def _manifest(fitted: Fitted, width: int) -> Manifest:
    wanted = layout(fitted.spec)
    versions = {name: version(name) for name in _VERSIONS} | {"python": platform.python_version()}
    return Manifest(
        spec=told_spec(fitted.spec), features=fitted.spec.features,
        numbers=tuple(each.name for each in wanted.numbers), words=tuple(each.name for each in wanted.words),
        width=width, classes=fitted.classes, estimator=fitted.candidate.estimator,
        parameters=dict(sorted(fitted.candidate.parameters.items())), seed=fitted.seed, score=fitted.entry.score,
        calibration=fitted.calibration.method if fitted.calibration else "none", versions=versions, parts={},
    )  # fmt: skip


def _most(expected: Floats, found: Floats) -> float:
    return float(np.abs(expected - found).max(initial=0.0))


def _relative(expected: Floats, found: Floats) -> float:
    """Single precision has seven digits, and a salary has six of them before the point."""
    return float((np.abs(expected - found) / np.maximum(np.abs(expected), 1.0)).max(initial=0.0))


def _refuse(what: str, difference: float, limit: float, whose: str = "scikit-learn's") -> None:
    if not difference <= limit:  # NaN is no proof
        raise Invalid(
            f"The compiled model is not the fitted one: its {what} differ from {whose} by up to {difference:.2g}, "
            f"and {limit:g} is the limit."
        )


def _same_labels(expected: Floats, found: Floats) -> int:
    """How many rows are ties; other labels elsewhere are refused."""
    best = np.sort(expected, axis=1)
    ties = best[:, -1] - best[:, -2] < 2 * SAME_PROBABILITY
    if others := int(((expected.argmax(axis=1) != found.argmax(axis=1)) & ~ties).sum()):
        raise Invalid(f"The compiled model is not the fitted one: {others} of {len(expected)} rows have another label.")
    return int(ties.sum())


def _of_class(raw: Floats, chosen: Array | None, fitted: Fitted) -> Floats:
    """The score of each row's own class."""
    if chosen is None:
        return raw[:, 0]
    if raw.shape[1] > 1:
        picked: Floats = raw[np.arange(len(raw)), chosen]
        return picked
    first = 1 - raw[:, 0] if fitted.entry.score == "probability" else -raw[:, 0]
    return np.where(chosen == 1, raw[:, 0], first)


def _by_shap(fitted: Fitted, rows: Array, chosen: Array | None, parts: Floats) -> float | None:
    """How far contributions are from shap's own, by transformed column."""
    if fitted.entry.explained == "naive_bayes":
        return None
    import shap  # type: ignore[import-untyped]

    model = fitted.pipeline["model"]
    if fitted.entry.explained == "trees":
        theirs = shap.TreeExplainer(model).shap_values(rows, check_additivity=False)
    else:
        theirs = shap.LinearExplainer(model, (fitted.means, np.zeros((0, 0)))).shap_values(rows)
    theirs = np.asarray(theirs)
    if theirs.ndim == 3:
        chosen = np.zeros(len(rows), np.int64) if chosen is None else chosen[: len(rows)]
        theirs = theirs[np.arange(len(rows)), :, chosen]
    elif chosen is not None:
        theirs = np.where(chosen[: len(rows), None] == 1, theirs, -theirs)
    return _relative(theirs, parts[: len(rows)])
