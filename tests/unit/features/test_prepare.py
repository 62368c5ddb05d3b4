from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from gyre.errors import Invalid
from gyre.features.encode import Categories
from gyre.features.inputs import MISSING
from gyre.features.prepare import feature_names, frame, origin, preparation
from gyre.spec.model import ModelSpec
from tests.unit.features.parts import objects, spec

NAN = float("nan")
EVERYTHING = spec(
    "age: {type: number, prepare: {impute: mean, indicate_missing: true}}, on: {type: boolean}, "
    "mood: {type: category, prepare: {rare_below: 0.3}}, size: {type: category, values: [s, m, l], ordered: true}, "
    "town: {type: category, prepare: {encode: frequency}}, said: {type: text}",
    derived="years: {bin: age, edges: [18]}",
)


def everything(seed: int, rows: int) -> dict[str, np.ndarray]:
    draw = np.random.default_rng(seed)
    return {
        "age": np.where(draw.random(rows) < 0.2, NAN, draw.normal(40, 20, rows)),
        "on": draw.choice([0, 1, NAN], rows),
        "mood": draw.choice(objects("good", "bad", "odd", None), rows, p=[0.5, 0.3, 0.1, 0.1]),
        "size": draw.choice(objects("s", "m", "l", "xxl", None), rows),
        "town": draw.choice(objects("x", "y", "z", None), rows),
        "said": draw.choice(objects("oh no", "so be it", "", None), rows),
    }


def fitted_on(declared: ModelSpec, columns: dict[str, np.ndarray], *, scaled: bool = False):
    return preparation(declared, scaled=scaled).fit(frame(declared, columns))


def prepared(declared: ModelSpec, train: np.ndarray, rows: np.ndarray, *, scaled: bool = False) -> list[object]:
    """What becomes of the rows of the single feature `x`."""
    columns = ({"x": train}, {"x": rows})
    result = fitted_on(declared, columns[0], scaled=scaled).transform(frame(declared, columns[1]))
    dense = result.toarray() if sparse.issparse(result) else result
    assert dense.dtype == np.float32
    return dense.round(4).tolist()


@pytest.mark.parametrize(
    ("prepare", "expected"),
    [
        ("", [[2], [8]]),
        ("prepare: {impute: mean}", [[4], [8]]),
        ("prepare: {impute: most_frequent}", [[1], [8]]),
        ("prepare: {impute: constant, fill: -1}", [[-1], [8]]),
        ("prepare: {impute: none}", [[NAN], [8]]),
        ("prepare: {indicate_missing: true}", [[2, 1], [8, 0]]),
        ("prepare: {scale: standard}", [[2], [8]]),  # of no use to trees, and their thresholds would suffer
    ],
)
def test_a_missing_number(prepare: str, expected: list[object]) -> None:
    declared = spec(f"x: {{type: number, {prepare}}}")
    found = prepared(declared, np.array([1, 1, NAN, 3, 13, 2]), np.array([NAN, 8]))
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    ("prepare", "expected"),
    [
        ("", [[-0.7071], [2.1213]]),
        ("prepare: {scale: none}", [[0], [6]]),
        ("prepare: {scale: minmax}", [[0], [1]]),
        ("prepare: {scale: robust}", [[0], [2]]),
    ],
)
def test_scale_for_those_that_want_it(prepare: str, expected: list[object]) -> None:
    declared = spec(f"x: {{type: number, {prepare}}}")
    found = prepared(declared, np.array([0, 0, 0, 3, 6, 0, 3, NAN]), np.array([NAN, 6]), scaled=True)
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_a_column_without_any_value_keeps_its_place() -> None:
    found = prepared(spec("x: {type: number}"), np.array([NAN, NAN]), np.array([NAN, 3]), scaled=True)
    assert found == [[0], [3]]


@pytest.mark.parametrize("scaled", [True, False])
def test_a_truth_stays_one_and_zero(scaled: bool) -> None:
    found = prepared(spec("x: {type: boolean}"), np.array([1, 1, 0, NAN]), np.array([NAN, 0, 1]), scaled=scaled)
    assert found == [[1], [0], [1]]


SEEN = objects("a", "a", "a", "a", "b", "b", "b", "c", None, None)
ASKED = objects("a", "c", None, "new")


@pytest.mark.parametrize(
    ("prepare", "expected"),
    [
        # (missing), a, b, c
        ("", [[0, 1, 0, 0], [0, 0, 0, 1], [1, 0, 0, 0], [0, 0, 0, 0]]),
        # (missing), a, b, (rare): one that is new is a rare one
        ("prepare: {rare_below: 0.2}", [[0, 1, 0, 0], [0, 0, 0, 1], [1, 0, 0, 0], [0, 0, 0, 1]]),
        # a, b, c
        ("prepare: {impute: most_frequent}", [[1, 0, 0], [0, 0, 1], [1, 0, 0], [0, 0, 0]]),
        ("prepare: {impute: none}", [[1, 0, 0], [0, 0, 1], [0, 0, 0], [0, 0, 0]]),
        ("prepare: {impute: constant, fill: c}", [[1, 0, 0], [0, 0, 1], [0, 0, 1], [0, 0, 0]]),
        # a, b, c, no
        ("prepare: {impute: constant, fill: no}", [[1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1], [0, 0, 0, 0]]),
        ("values: [c, b, a], ordered: true", [[2], [0], [-1], [-1]]),
        ("values: [c, b, a], prepare: {encode: ordinal, impute: most_frequent}", [[2], [0], [2], [2]]),
        ("values: [c, b, a], ordered: true, prepare: {impute: constant, fill: b}", [[2], [0], [1], [1]]),
        ("values: [c, b, a], ordered: true, prepare: {impute: none}", [[2], [0], [NAN], [NAN]]),
        ("prepare: {encode: ordinal}", [[0], [2], [-1], [-1]]),
        ("prepare: {encode: frequency}", [[0.4], [0.1], [0.2], [0]]),
        ("prepare: {encode: frequency, impute: most_frequent}", [[0.6], [0.1], [0.6], [0]]),
        ("prepare: {encode: frequency, rare_below: 0.35}", [[0.4], [0.4], [0.2], [0.4]]),
        ("prepare: {encode: frequency, impute: none}", [[0.4], [0.1], [NAN], [0]]),
    ],
)
def test_categories_become_numbers(prepare: str, expected: list[object]) -> None:
    found = prepared(spec(f"x: {{type: category, {prepare}}}"), SEEN, ASKED)
    np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.parametrize("prepare", ["", "prepare: {impute: none}", "prepare: {impute: most_frequent}"])
def test_a_category_column_without_any_value_keeps_a_place(prepare: str) -> None:
    found = prepared(spec(f"x: {{type: category, {prepare}}}"), objects(None, None), objects(None, "a"))
    assert found == [[0 if "none" in prepare else 1], [0]]


def test_an_order_is_scaled_for_those_that_want_it() -> None:
    declared = spec("x: {type: category, values: [low, high], ordered: true}")
    found = prepared(declared, objects("low", "high"), objects("high", "low"), scaled=True)
    assert found == [[1], [-1]]


def test_words_and_pairs_weigh_more_the_rarer_they_are() -> None:
    declared = spec("x: {type: text, prepare: {words: 10, ngrams: 2}}")
    columns = {"x": objects("so good", "so bad", None)}
    fitted = fitted_on(declared, columns)
    found = fitted.transform(frame(declared, columns))
    assert sparse.issparse(found)
    assert feature_names(fitted) == ("x: bad", "x: good", "x: so", "x: so bad", "x: so good")
    so, good = found.toarray()[0][[2, 1]]
    assert 0 < so < good
    assert not found.toarray()[2].any()


@pytest.mark.parametrize("scaled", [True, False])
def test_what_is_learned_comes_from_the_rows_fitted_on_alone(scaled: bool) -> None:
    # Given one preparation fitted on some rows, and one on the same rows out of a larger frame with other values
    train, others = everything(1, 40), everything(2, 400)
    others["age"] += 1000
    whole = frame(EVERYTHING, {name: np.concatenate([train[name], others[name]]) for name in train})
    # When both prepare rows that neither has seen
    alone = fitted_on(EVERYTHING, train, scaled=scaled)
    first_rows = preparation(EVERYTHING, scaled=scaled).fit(whole.iloc[:40])
    rows = frame(EVERYTHING, everything(3, 50))
    # Then they agree, and one that has seen the others does not
    np.testing.assert_array_equal(alone.transform(rows).toarray(), first_rows.transform(rows).toarray())
    everywhere = preparation(EVERYTHING, scaled=scaled).fit(whole)
    assert not np.array_equal(alone.transform(rows).toarray(), everywhere.transform(rows).toarray())


def test_every_transformed_column_knows_its_feature() -> None:
    fitted = fitted_on(EVERYTHING, everything(1, 200))
    names, features = feature_names(fitted), origin(fitted)
    assert len(names) == len(features) == fitted.transform(frame(EVERYTHING, everything(1, 5))).shape[1]
    assert set(features) == set(EVERYTHING.features)
    told = dict(zip(names, features, strict=True))
    assert told["age"] == told["age is missing"] == "age"
    assert told["mood=(rare)"] == told[f"mood={MISSING}"] == "mood"
    assert (told["size"], told["town"], told["said: be it"], told["years=<18"]) == ("size", "town", "said", "years")


def test_a_frame_of_one_kind_of_feature_has_all_rows() -> None:
    assert frame(spec("x: {type: category}"), {"x": SEEN}).shape == (10, 1)
    assert frame(spec("x: {type: number}"), {"x": np.arange(3.0)}).shape == (3, 1)


@pytest.mark.parametrize(
    ("column", "told"),
    [
        ("{type: number, prepare: {impute: constant, fill: many}}", "number"),
        ("{type: category, prepare: {impute: median}}", "most_frequent"),
        ("{type: category, values: [a, b], prepare: {impute: constant, fill: c}}", "a, b"),
        ("{type: category, values: [a, b], ordered: true, prepare: {rare_below: 0.1}}", "order"),
        ("{type: category, prepare: {scale: standard}}", "one-hot"),
        ("{type: number, prepare: {encode: onehot}}", "categories"),
        ("{type: text, prepare: {rare_below: 0.1}}", "categories"),
        ("{type: text, prepare: {impute: most_frequent}}", "text"),
    ],
)
def test_a_wish_that_cannot_be_fulfilled_is_told(column: str, told: str) -> None:
    with pytest.raises(Invalid, match=told) as refused:
        spec(f"x: {column}")
    assert [each["field"] for each in refused.value.details] == ["columns.x.prepare"]


def test_the_table_of_categories_can_be_copied_unfitted() -> None:
    from sklearn.base import clone

    table = Categories(encode="frequency", stand="constant", fill="a", rare_below=0.1, order=("a",))
    assert clone(table).get_params() == table.get_params()


def _column(values: Sequence[str]) -> pd.DataFrame:
    return pd.DataFrame({"x": values}, dtype=object)


def test_rows_keep_their_order_whatever_their_index() -> None:
    shuffled = _column(["b", "a", MISSING]).set_index(pd.Index([7, 3, 3]))
    assert Categories().fit(shuffled).transform(shuffled).argmax(axis=1).tolist() == [2, 1, 0]
