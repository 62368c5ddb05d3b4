"""What can be wrong with rows is told in words; what is asked of a fit has an effect."""

import numpy as np
import pytest

from gyre.errors import Invalid
from gyre.training import fitting
from gyre.training.compiling import compile_bundle
from gyre.training.fitting import Candidate, fit
from tests.unit.features.parts import objects
from tests.unit.training.models import MIXED, NAN, TEXT, declared, fitted, rows, target


def test_classes_stand_as_they_are_declared() -> None:
    columns = rows(1)
    spec = declared("multiclass", MIXED).model_copy()
    told = spec.columns["y"].model_copy(update={"values": ("low", "middle", "high", "never")})
    spec = spec.model_copy(update={"columns": {**spec.columns, "y": told}})
    assert fit(spec, columns, target(columns, "multiclass"), Candidate("linear"), 7).classes == (
        "low",
        "middle",
        "high",
    )


@pytest.mark.parametrize(
    ("kind", "values", "classes"), [("boolean", [0.0, 1.0], (False, True)), ("integer", [7.0, 3.0], (3, 7))]
)
def test_classes_have_the_type_of_their_column(kind: str, values: list[float], classes: tuple[object, ...]) -> None:
    spec = declared("binary").model_copy()
    column = spec.columns["y"].model_copy(update={"type": kind})
    spec = spec.model_copy(update={"columns": {**spec.columns, "y": column}})
    made = fit(spec, rows(1), np.tile(values, 150), Candidate("linear"), 7)
    assert made.classes == classes
    assert type(made.classes[0]) is type(classes[0])


def test_class_weights_find_more_of_a_rare_class() -> None:
    columns = rows(1)
    rare = np.where(columns["pay"] > 60, "yes", "no").astype(object)
    plain, balanced = (
        fit(declared(training=f"{{class_weight: {each}}}"), columns, rare, Candidate("naive_bayes"), 7)
        for each in ("none", "balanced")
    )
    found = [float((each.predict(rows(3)).labels == "yes").mean()) for each in (plain, balanced)]
    assert found[1] > found[0]


def test_weights_of_rows_are_heard() -> None:
    columns = rows(1)
    y = target(columns, "regression")
    heavy = fit(declared("regression"), columns, y, Candidate("linear"), 7, weights=np.where(y > 3000, 50.0, 1.0))
    plain = fit(declared("regression"), columns, y, Candidate("linear"), 7)
    assert heavy.predict(columns).values.mean() > plain.predict(columns).values.mean()


def test_calibration_is_learned_from_rows_that_the_estimator_has_not_seen() -> None:
    made = fitted("linear", declared(training="{calibrate: sigmoid}"))
    assert made.calibration is not None
    plain = fitted("linear", declared())
    assert not np.allclose(made.pipeline["model"].coef_, plain.pipeline["model"].coef_)


RARE = "age: {type: number}, pay: {type: number}"


def _rare(seed: int, count: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Four of a hundred are, and the columns tell which rather than surely."""
    draw = np.random.default_rng(seed)
    columns = {"age": draw.normal(40, 20, count), "pay": draw.normal(50, 10, count)}
    score = (columns["age"] - 40) / 20 + (columns["pay"] - 50) / 12 + draw.normal(0, 1, count)
    return columns, np.where(score > 2.85, "yes", "no").astype(object)


def _recall(calibrate: str, estimator: str, weight: str = "balanced", by_rows: float = 1.0) -> float:
    training = f"{{class_weight: {weight}, calibrate: {calibrate}}}"
    (columns, y), (others, truth) = _rare(1, 3000), _rare(2, 5000)
    weights = np.where(y == "yes", by_rows, 1.0)
    made = fit(declared(features=RARE, training=training), columns, y, Candidate(estimator), 7, weights)
    compile_bundle(made, {name: values[:300] for name, values in others.items()})  # which proves that they agree
    return float((made.predict(others).labels[truth == "yes"] == "yes").mean())


@pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
@pytest.mark.parametrize("estimator", ["linear", "naive_bayes"])
def test_a_calibration_does_not_undo_class_weights(estimator: str, method: str) -> None:
    plain, balanced = (_recall("none", estimator, each) for each in ("none", "balanced"))
    assert balanced > 0.8 > 0.5 > plain
    assert _recall(method, estimator) == pytest.approx(balanced, abs=0.1)


@pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
def test_a_calibration_does_not_undo_weights_of_rows(method: str) -> None:
    weighed, plain = (_recall("none", "linear", "none", each) for each in (25.0, 1.0))
    assert weighed > plain + 0.3
    assert _recall(method, "linear", "none", 25.0) == pytest.approx(weighed, abs=0.1)


def test_a_group_stands_on_one_side_of_a_calibration() -> None:
    columns = rows(1) | {"home": objects(*(f"h{at // 5}" for at in range(300)))}
    spec = declared(features=MIXED + ", home: {type: category}", training="{calibrate: isotonic}", more="group: home\n")
    assert fit(spec, columns, target(columns, "binary"), Candidate("boosting", {"max_iter": 5}), 7).calibration
    same = columns | {"home": objects(*["one"] * 300)}
    with pytest.raises(Invalid, match="too few groups"):
        fit(spec, same, target(columns, "binary"), Candidate("linear"), 7)


def test_naive_bayes_of_texts_takes_numbers_of_any_sign() -> None:
    columns = rows(1)
    columns["age"] = columns["age"] - 50
    made = fit(declared(features=TEXT), columns, target(columns, "binary"), Candidate("naive_bayes"), 7)
    assert made.transformed(columns).min() >= 0


@pytest.mark.parametrize(
    ("task", "values", "words"),
    [
        ("binary", ["a"] * 300, "y is a in every row"),
        ("regression", [3.0] * 300, "y is 3 in every row"),
        ("binary", ["a", "b", None] * 100, "100 of 300 rows have no y"),
        ("regression", [1.0, NAN, 2.0] * 100, "100 of 300 rows have no y"),
        ("regression", [1.0, np.inf, 2.0] * 100, "y is infinite"),
        ("binary", ["a", "b", "c"] * 100, "tells two classes apart, and y has 3: a, b, c"),
    ],
)
def test_a_target_that_nothing_can_be_learned_from(task: str, values: list[object], words: str) -> None:
    y = np.array(values, dtype=float if task == "regression" else object)
    with pytest.raises(Invalid, match=words):
        fit(declared(task), rows(1), y, Candidate("linear"), 7)


def test_too_few_rows() -> None:
    with pytest.raises(Invalid, match="There are 9 rows to train on, and 10 are needed"):
        fit(declared(), rows(1, 9), objects(*"ababababa"), Candidate("linear"), 7)
    with pytest.raises(Invalid, match="Calibration needs 100 rows and 10 of each class"):
        fit(declared(training="{calibrate: sigmoid}"), rows(1, 40), objects(*"ab" * 20), Candidate("linear"), 7)


def test_features_that_are_all_the_same() -> None:
    columns = {"age": np.full(20, 7.0), "text": objects(*["so"] * 20)}
    with pytest.raises(Invalid, match="Every feature of m is the same"):
        fit(declared(features=TEXT), columns, objects(*"ab" * 10), Candidate("linear"), 7)


@pytest.mark.parametrize("estimator", ["linear", "naive_bayes"])
def test_missing_numbers_that_an_estimator_does_not_take(estimator: str) -> None:
    spec = declared(features="age: {type: number}, pay: {type: number, prepare: {impute: none}}")
    with pytest.raises(Invalid, match="takes no missing number, and pay has `impute: none`"):
        fitted(estimator, spec)


def test_forests_beside_texts_take_no_missing_number() -> None:
    spec = declared(features="text: {type: text}, pay: {type: number, prepare: {impute: none}}")
    with pytest.raises(Invalid, match="random_forest takes no missing number beside texts"):
        fitted("random_forest", spec)
    assert fitted("boosting", spec)


def test_texts_too_wide_for_what_needs_them_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fitting, "MOST_DENSE_CELLS", 1000)
    with pytest.raises(Invalid, match=r"boosting needs all .* columns of 300 rows at once"):
        fitted("boosting", declared(features=TEXT))
    assert fitted("linear", declared(features=TEXT))


def test_a_parameter_that_scikit_learn_refuses() -> None:
    columns = rows(1)
    with pytest.raises(Invalid, match=r"linear\(C=-1\) cannot be fitted"):
        fit(declared(), columns, target(columns, "binary"), Candidate("linear", {"C": -1}), 7)
