"""Answers and reasons, from a bundle alone."""

import subprocess
import sys

import numpy as np
import pytest

from gyre.bundle.predict import Predictor
from gyre.errors import Invalid
from tests.unit.training.models import FEATURES, compiled, rows

KINDS = [("boosting", "multiclass", "mixed"), ("linear", "binary", "text"), ("random_forest", "regression", "mixed")]
HEAVY = ("sklearn", "shap", "pandas", "skl2onnx", "onnx", "scipy", "pyarrow", "boto3")


@pytest.mark.parametrize("kind", KINDS)
def test_no_rows_have_no_answers(kind: tuple[str, str, str]) -> None:
    bundle = compiled(*kind).bundle
    for found, told in [(Predictor(bundle).predict(rows(2, 0)), None), Predictor(bundle).explain(rows(2, 0))]:
        if kind[1] == "regression":
            assert found.values.shape == (0,) and found.labels is None
        else:
            assert found.labels.shape == (0,)
            assert found.probabilities.shape == (0, len(bundle.manifest.classes))
        if told is not None:
            assert told.contributions.shape == (0, len(bundle.manifest.features))


@pytest.mark.parametrize("kind", KINDS)
def test_many_rows_are_answered_in_pieces(kind: tuple[str, str, str]) -> None:
    bundle, held = compiled(*kind).bundle, rows(2, 120, new=True)
    whole, why = Predictor(bundle).explain(held)
    pieces, pieces_why = Predictor(bundle, most_rows=50, threads=2).explain(held)
    answer = "values" if kind[1] == "regression" else "probabilities"
    np.testing.assert_allclose(getattr(whole, answer), getattr(pieces, answer), rtol=1e-6)
    np.testing.assert_allclose(why.contributions, pieces_why.contributions, rtol=1e-6, atol=1e-9)
    np.testing.assert_array_equal(getattr(whole, answer), getattr(Predictor(bundle).predict(held), answer))


@pytest.mark.parametrize("kind", KINDS)
def test_contributions_are_told_of_declared_features(kind: tuple[str, str, str]) -> None:
    bundle, held = compiled(*kind).bundle, rows(2, 120)
    _, told = Predictor(bundle).explain(held)
    declared = tuple(each.split(":")[0].strip() for each in FEATURES[kind[2]].split("}, "))
    assert told.features == bundle.manifest.features
    assert set(told.features) <= {each.split("{")[0].strip() for each in declared} | set(held)
    np.testing.assert_allclose(told.contributions.sum(axis=1), told.parts.sum(axis=1))
    for at, feature in enumerate(told.features):
        parts = [place for place, origin in enumerate(bundle.origin) if origin == at]
        np.testing.assert_allclose(told.contributions[:, at], told.parts[:, parts].sum(axis=1), atol=1e-12)
        assert all(told.names[place].startswith(feature) for place in parts)


def test_two_classes_are_explained_by_one_score() -> None:
    # Given a forest, whose scores are probabilities
    bundle, held = compiled("random_forest", "binary", "mixed").bundle, rows(2, 120)
    found, told = Predictor(bundle).explain(held)
    # Then base and contributions are the probability of the label, whichever it is
    np.testing.assert_allclose(told.base + told.contributions.sum(axis=1), found.probabilities.max(axis=1), atol=1e-6)
    assert len(np.unique(np.round(told.base, 9))) == 2


def test_a_column_that_is_not_there_is_named() -> None:
    held = rows(2, 3)
    del held["pay"]
    with pytest.raises(Invalid, match="pay is missing: m needs it"):
        Predictor(compiled(*KINDS[0]).bundle).predict(held)


def test_serving_needs_numpy_and_onnxruntime_alone(tmp_path: object) -> None:
    # Given a bundle in files
    made = compiled("boosting", "binary", "mixed")
    for name, content in made.parts.items():
        (tmp_path / name).write_bytes(content)
    # When another process answers and explains
    program = f"""
import sys, pathlib, numpy as np
from gyre.bundle.format import open_bundle
from gyre.bundle.predict import Predictor
bundle = open_bundle({{each.name: each.read_bytes() for each in pathlib.Path({str(tmp_path)!r}).iterdir()}})
def word(each): return np.array([each, None], dtype=object)[:1]
row = dict(age=np.array([40.0]), pay=np.array([np.nan]), on=np.array([1.0]),
           mood=word("good"), size=word(None), town=word("x"))
found, told = Predictor(bundle).explain(row)
assert np.isfinite(told.contributions).all() and found.labels[0] in ("no", "yes")
print(*(each for each in {HEAVY!r} if each in sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    # Then it needed nothing of what trained it
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == ""
