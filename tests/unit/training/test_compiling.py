"""What is compiled answers as what was fitted, and says why as shap does."""

import hashlib
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from onnx import load_from_string

from gyre.bundle.format import MODEL, bundle_hash, open_bundle, with_parts
from gyre.bundle.predict import Predictor
from gyre.errors import Invalid
from gyre.features.encode import Categories
from gyre.training import compiling
from gyre.training.compiling import SAME_PROBABILITY, SAME_SCORE, compile_bundle, prove
from gyre.training.fitting import Candidate, fit
from tests.unit.training.models import EVERY, FEATURES, MIXED, NAN, compiled, declared, fitted, rows, target

_HASH = (
    "from tests.unit.training.models import compiled; from gyre.bundle.format import bundle_hash; "
    "print(*(bundle_hash(compiled(e, 'multiclass', 'mixed').parts) for e in ('boosting', 'linear', 'random_forest')))"
)


@pytest.mark.parametrize(("estimator", "task", "features"), EVERY)
def test_every_kind_of_model_is_proved(estimator: str, task: str, features: str) -> None:
    # Given a bundle, and held-out rows with categories and words that are new
    made = compiled(estimator, task, features)
    # Then the proof says that they are alike
    assert made.proof.rows == 120
    assert made.proof.ties <= 1
    assert made.proof.probability <= SAME_PROBABILITY
    assert made.proof.score <= SAME_SCORE
    assert made.proof.additivity <= SAME_SCORE
    assert (made.proof.shap is None) == (estimator == "naive_bayes")
    # And one by one as together
    held = rows(2, 120, new=True)
    predictor = Predictor(made.bundle)
    together, told = predictor.explain(held)
    for at in range(3):
        alone, why = predictor.explain({name: values[at : at + 1] for name, values in held.items()})
        answer = "values" if task == "regression" else "probabilities"
        np.testing.assert_allclose(getattr(alone, answer)[0], getattr(together, answer)[at], rtol=1e-6, atol=1e-9)
        np.testing.assert_allclose(why.contributions[0], told.contributions[at], rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
@pytest.mark.parametrize("task", ["binary", "multiclass"])
@pytest.mark.parametrize("estimator", ["linear", "random_forest", "boosting", "naive_bayes"])
def test_calibrated_models_are_proved_and_explained(estimator: str, task: str, method: str) -> None:
    made = compiled(estimator, task, "mixed", method)
    assert made.bundle.manifest.calibration == method
    assert made.proof.probability <= SAME_PROBABILITY
    assert made.proof.additivity <= SAME_SCORE
    found = Predictor(made.bundle).predict(rows(2, 120, new=True)).probabilities
    np.testing.assert_allclose(found.sum(axis=1), 1)


@pytest.mark.parametrize("estimator", ["random_forest", "extra_trees", "boosting"])
@pytest.mark.parametrize("task", ["binary", "regression"])
def test_trees_send_missing_numbers_where_they_learned_to(estimator: str, task: str) -> None:
    open_ends = MIXED.replace("age: {type: number}", "age: {type: number, prepare: {impute: none}}")
    made = compile_bundle(fitted(estimator, declared(task, open_ends)), rows(2, 120))
    assert made.proof.shap is not None and made.proof.shap <= SAME_SCORE


def test_numbers_that_lie_close_together_far_from_zero() -> None:
    spec = declared("binary", "age: {type: number}, pay: {type: number}, at: {type: time}")
    columns = rows(1) | {"at": np.datetime64("2026-11-21T00:00") + np.arange(300).astype("m8[h]")}
    made = fit(spec, columns, target(columns, "binary"), Candidate("linear"), 7)
    assert compile_bundle(made, columns).proof.probability <= SAME_PROBABILITY


def test_the_same_rows_spec_and_seed_are_the_same_bundle() -> None:
    # Given bundles of this process, fitted twice
    estimators = ("boosting", "linear", "random_forest")
    first = [bundle_hash(compiled(each, "multiclass", "mixed").parts) for each in estimators]
    compiled.cache_clear()
    again = [bundle_hash(compiled(each, "multiclass", "mixed").parts) for each in estimators]
    assert first == again
    # And of another process
    other = subprocess.run([sys.executable, "-c", _HASH], capture_output=True, text=True, check=True)
    assert other.stdout.split() == first
    # Then only another seed makes another
    seeded = compile_bundle(fitted("random_forest", declared("multiclass"), seed=8), rows(2, 120))
    assert bundle_hash(seeded.parts) not in first


def test_a_model_that_answers_otherwise_is_refused() -> None:
    # Given the bundle of another model
    spec = declared("binary", FEATURES["numbers"])
    made, other = fitted("linear", spec), compile_bundle(fitted("linear", spec, count=298), rows(2, 120))
    # Then it is no proof
    with pytest.raises(Invalid, match=r"its probabilities differ from scikit-learn's by up to 0\.\d+"):
        prove(made, other.bundle, rows(2, 120))


def test_a_nan_is_no_proof() -> None:
    with pytest.raises(Invalid, match="differ"):
        compiling._refuse("scores", NAN, SAME_SCORE)


def test_contributions_that_do_not_add_up_are_refused() -> None:
    made = compiled("linear", "binary", "numbers")
    shifted = replace(made.bundle, scores=replace(made.bundle.scores, intercept=np.array([1.0])))
    with pytest.raises(Invalid, match="sums of contributions differ"):
        prove(fitted("linear", declared("binary", FEATURES["numbers"])), shifted, rows(2, 120))


def test_what_cannot_be_converted_is_named() -> None:
    # Given a preparation with a step that nobody knows how to compile
    made = fitted("linear", declared("binary", MIXED))
    prepare = made.pipeline["prepare"]
    for _, each, _ in prepare.transformers_:
        if isinstance(each, Categories):
            each.__class__ = Odd
    # Then it is named
    with pytest.raises(Invalid, match=r"(?s)linear cannot be compiled.*Odd"):
        compile_bundle(made, rows(2, 120))


class Odd(Categories):
    """One of our own without a converter."""


def test_no_rows_are_no_proof() -> None:
    with pytest.raises(Invalid, match="no rows to prove"):
        prove(fitted("linear", declared()), compiled("linear", "binary", "mixed").bundle, rows(2, 0))


def test_the_graph_can_be_run_by_anybody() -> None:
    made = compiled("boosting", "multiclass", "mixed")
    graph = load_from_string(made.parts[MODEL]).graph
    assert {each.name for each in graph.output} == {"transformed", "scores", "probabilities"}
    assert hashlib.sha256(made.parts[MODEL]).hexdigest() == made.bundle.manifest.parts[MODEL].sha256
    assert open_bundle(with_parts(made.bundle.manifest, {n: made.parts[n] for n in made.bundle.manifest.parts}))


@pytest.mark.parametrize("estimator", ["random_forest", "extra_trees"])
def test_a_forest_of_many_trees_is_proved_like_a_small_one(estimator: str) -> None:
    """Single precision, in which a node sums, would show: by 1.1e-5 with 800 trees."""
    spec, columns = declared("binary", FEATURES["numbers"]), rows(1)
    candidate = Candidate(estimator, {"n_estimators": 800, "max_depth": 6})
    made = compile_bundle(fit(spec, columns, target(columns, "binary"), candidate, 7), rows(2, 400))
    assert made.proof.probability < 5e-6
