"""What scikit-learn prepares, the compiled graph prepares alike: values that were seen, new ones and missing ones."""

import warnings

import numpy as np
import onnxruntime
import pytest
from scipy import sparse
from skl2onnx import convert_sklearn
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

from gyre.features import graph
from gyre.features.inputs import inputs, layout
from gyre.features.prepare import feature_names, frame, preparation
from gyre.spec.model import ModelSpec
from tests.unit.features.parts import objects, spec

NAN = float("nan")
NUMBERS = np.array([1.5, NAN, -3, 0, 1e6, 2024, 1e-3, NAN, 7])
NEW_NUMBERS = np.array([NAN, 1e30, -1e30, 1e300, 0.1, 2024])
CATEGORIES = objects("a", "a", "a", "b", "b", None, None, "größe ✓", "rare", "(odd)", "a", "")
NEW_CATEGORIES = objects("a", "b", None, "new", "", " a", "rare", "größe ✓", "A")
TEXTS = objects(
    "New York is so good", "new pizza, new york pizza", None, "", "York?", "don't", "so so so GOOD", "東京 ok"
)
NEW_TEXTS = objects("new york", None, "", "unheard of", "good pizza so good", "DON'T 東京", "york " * 300, "york new")


def session(model: object, declared: ModelSpec, **options: object) -> onnxruntime.InferenceSession:
    graph.register()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        compiled = convert_sklearn(model, initial_types=graph.initial_types(layout(declared)), **options)
    return onnxruntime.InferenceSession(compiled.SerializeToString())


def assert_alike(
    declared: ModelSpec, train: dict[str, np.ndarray], rows: dict[str, np.ndarray], *, scaled: bool
) -> None:
    fitted: ColumnTransformer = preparation(declared, scaled=scaled).fit(frame(declared, train))
    compiled = session(fitted, declared)
    for columns in (train, rows, *({name: values[at : at + 1] for name, values in rows.items()} for at in range(3))):
        expected = fitted.transform(frame(declared, columns))
        expected = expected.toarray() if sparse.issparse(expected) else expected
        (found,) = compiled.run(None, inputs(layout(declared), columns).feeds())
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("scaled", [True, False])
@pytest.mark.parametrize(
    "prepare",
    [
        *(f"impute: {way}" for way in ("median", "mean", "most_frequent", "none", "constant, fill: -1.5")),
        *(f"scale: {way}" for way in ("none", "standard", "minmax", "robust")),
        "impute: none, scale: robust",
        "indicate_missing: true",
    ],
)
def test_numbers(prepare: str, scaled: bool) -> None:
    assert_alike(
        spec(f"x: {{type: number, prepare: {{{prepare}}}}}"), {"x": NUMBERS}, {"x": NEW_NUMBERS}, scaled=scaled
    )


@pytest.mark.parametrize("scaled", [True, False])
@pytest.mark.parametrize(
    "prepare",
    [
        *(
            f"encode: {encode}, {rest}"
            for encode in ("onehot", "ordinal", "frequency")
            for rest in (
                *(f"impute: {way}" for way in ("most_frequent", "none", "constant, fill: b", "constant, fill: other")),
                "indicate_missing: true",
            )
        ),
        *(
            f"encode: {encode}, rare_below: 0.1{rest}"
            for encode in ("onehot", "frequency")
            for rest in ("", ", impute: most_frequent", ", impute: none")
        ),
    ],
)
def test_categories(prepare: str, scaled: bool) -> None:
    declared = spec(f"x: {{type: category, prepare: {{{prepare}}}}}")
    assert_alike(declared, {"x": CATEGORIES}, {"x": NEW_CATEGORIES}, scaled=scaled)


@pytest.mark.parametrize("scaled", [True, False])
def test_categories_in_their_order(scaled: bool) -> None:
    declared = spec("x: {type: category, values: [b, a, never], ordered: true}")
    assert_alike(declared, {"x": CATEGORIES}, {"x": NEW_CATEGORIES}, scaled=scaled)


@pytest.mark.parametrize(("words", "ngrams"), [(10, 1), (10, 2), (11, 3), (20_000, 1), (20_000, 2), (20_000, 3)])
def test_texts(words: int, ngrams: int) -> None:
    declared = spec(f"x: {{type: text, prepare: {{words: {words}, ngrams: {ngrams}}}}}")
    assert_alike(declared, {"x": TEXTS}, {"x": NEW_TEXTS}, scaled=True)


def test_pairs_of_words_that_are_not_kept_themselves() -> None:
    # Given ten places, and pairs as frequent as their words
    texts = objects(*(f"{a} {b}" for a, b in zip("abcdefghij", "klmnopqrst", strict=True)))
    declared = spec("x: {type: text, prepare: {words: 10}}")
    # When scikit-learn keeps a pair without both of its words
    fitted = preparation(declared, scaled=True).fit(frame(declared, {"x": texts}))
    kept = [name.removeprefix("x: ") for name in feature_names(fitted)]
    assert any(" " in name and not set(name.split()) <= set(kept) for name in kept)
    # Then the graph finds that pair, too
    assert_alike(declared, {"x": texts}, {"x": texts[:4]}, scaled=True)


def test_truths_and_times() -> None:
    declared = spec("x: {type: boolean, prepare: {indicate_missing: true}}, at: {type: time}")
    times = np.array(["2026-11-21T09:30", "NaT", "1969-12-31T23:59"], dtype="M8[us]")
    columns = {"x": np.array([1, NAN, 0]), "at": times}
    assert_alike(declared, columns, columns, scaled=True)


MIXED = spec(
    "age: {type: number}, pay: {type: number, prepare: {scale: robust, indicate_missing: true}}, on: {type: boolean}, "
    'mood: {type: category, prepare: {rare_below: 0.2}}, "odd name, größe (m)": {type: number}, '
    "size: {type: category, values: [s, m, l], ordered: true}, town: {type: category, prepare: {encode: frequency}}",
    derived="""
      ratio: {ratio: [pay, age]}
      years: {bin: age, edges: [18, 65]}
      poor: {formula: pay < 20}
    """,
)


def mixed(seed: int, rows: int) -> dict[str, np.ndarray]:
    draw = np.random.default_rng(seed)
    return {
        "age": np.where(draw.random(rows) < 0.1, NAN, draw.integers(0, 90, rows)),
        "pay": np.where(draw.random(rows) < 0.1, NAN, draw.lognormal(3, 1, rows)),
        "on": draw.choice([0, 1, NAN], rows),
        "mood": draw.choice(objects("good", "bad", "odd", None), rows, p=[0.5, 0.3, 0.1, 0.1]),
        "odd name, größe (m)": draw.normal(1.7, 0.1, rows),
        "size": draw.choice(objects("s", "m", "l", "xxl", None), rows),
        "town": draw.choice(objects("x", "y", "z", None), rows),
    }


@pytest.mark.parametrize("scaled", [True, False])
def test_everything_at_once(scaled: bool) -> None:
    assert_alike(MIXED, mixed(1, 300), mixed(2, 200), scaled=scaled)


@pytest.mark.parametrize(
    ("model", "scaled"),
    [(LogisticRegression(max_iter=500), True), (HistGradientBoostingClassifier(max_iter=20), False)],
)
def test_a_model_on_top_says_the_same_within_the_promised_limit(model: object, scaled: bool) -> None:
    # Given a model over prepared inputs, and rows it has not seen
    train, rows = mixed(3, 400), mixed(4, 1_000)
    truth = np.where(np.nan_to_num(train["pay"]) > np.nan_to_num(train["age"]), "yes", "no")
    whole = Pipeline([("prepare", preparation(MIXED, scaled=scaled)), ("model", model)]).fit(frame(MIXED, train), truth)
    # When it is compiled
    compiled = session(whole, MIXED, options={id(whole): {"zipmap": False}})
    label, probabilities = compiled.run(None, inputs(layout(MIXED), rows).feeds())
    # Then it says what it said
    assert label.tolist() == whole.predict(frame(MIXED, rows)).tolist()
    np.testing.assert_allclose(probabilities, whole.predict_proba(frame(MIXED, rows)), atol=1e-5, rtol=0)
