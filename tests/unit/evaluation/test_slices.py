"""Where a model is worse than on the whole."""

import numpy as np
import pytest

from gyre.evaluation.answers import answers
from gyre.evaluation.metric import metric_value
from gyre.evaluation.slices import MISSING, sliced
from gyre.evaluation.targets import Targets
from tests.unit.evaluation.parts import classified, measured, people, said
from tests.unit.features.parts import objects
from tests.unit.training.models import declared


def test_the_worst_slice_stands_first_and_is_told() -> None:
    # given: of bad mood nothing can be known
    by = people(1, 3_000)
    truth, found = classified(1, 3_000, 3, 3.0)
    truth.values[by["mood"] == objects("bad")[0]] = 0
    # when
    told = sliced(declared("multiclass"), "f1_macro", answers(truth, found), by, seed=1).slices
    # then
    assert (told[0].column, told[0].value, told[0].worse) == ("mood", "bad", True)
    assert [each.metric for each in told] == sorted(each.metric for each in told)
    rows = by["mood"] == objects("bad")[0]
    one = metric_value(
        "f1_macro", Targets(truth.classes, truth.values[rows]), said(truth.classes, found.probabilities[rows])
    )
    assert told[0].rows == rows.sum() and told[0].metric == pytest.approx(one)
    assert told[0].low <= told[0].metric <= told[0].high


@pytest.mark.parametrize("metric", ["rmse", "r2"])
def test_errors_are_worse_when_they_are_larger(metric) -> None:
    truth, found = measured(1, 1_000)
    by = {"age": np.arange(1_000.0)}
    found.values[:250] = truth.values[:250] + 3 * (found.values[:250] - truth.values[:250])
    told = sliced(declared("regression"), metric, answers(truth, found), by, seed=1).slices
    assert [each.worse for each in told] == [True, False, False, False]
    assert (told[0].value, told[0].rows) == ("0 to 249.75", 250)


@pytest.mark.parametrize("classes", [2, 7, 20])
def test_slices_by_chance_are_hardly_ever_clearly_worse(classes) -> None:
    worse = every = 0
    for seed in range(3):
        by = {"town": objects(*(f"t{at}" for at in np.random.default_rng(seed).permutation(2_000) // 170))}
        spec = declared("binary" if classes == 2 else "multiclass")
        told = sliced(spec, "f1_macro", answers(*classified(seed, 2_000, classes, 2.0)), by, seed=1).slices
        worse, every = worse + sum(each.worse for each in told), every + len(told)
    assert every == 36 and worse <= 4


def test_small_slices_are_told_as_too_few_and_missing_values_are_a_slice() -> None:
    by = {"mood": objects(*["a"] * 19, *["b"] * 60, *[None] * 21)}
    told = sliced(declared(), "accuracy", answers(*classified(1, 100, 2)), by, seed=1)
    assert told.too_few == (("mood", "a", 19),)
    assert {(each.value, each.rows) for each in told.slices} == {("b", 60), (MISSING, 21)}


def test_the_most_frequent_twelve_values() -> None:
    by = {"town": objects(*(f"t{at % 30}" for at in range(1_500)), *["t29"] * 100)}
    told = sliced(declared(), "accuracy", answers(*classified(1, 1_600, 2)), by, seed=1)
    assert len(told.slices) == 12 and "t29" in {each.value for each in told.slices}


def test_truths_numbers_and_times() -> None:
    by = people(1, 400) | {"size": np.arange(400) // 200, "when": np.arange(400).astype("M8[h]")}
    told = sliced(declared(), "accuracy", answers(*classified(1, 400, 2)), by, seed=1).slices
    values = {each.column: {one.value for one in told if one.column == each.column} for each in told}
    assert values["on"] == {"true", "false", MISSING}
    assert values["size"] == {"0", "1"}
    assert len(values["age"]) == 4 and "1970-01-01 00:00 to 1970-01-05 03:45" in values["when"]


def test_texts_and_what_is_personal_are_never_told() -> None:
    spec = declared(features="age: {type: number}, name: {type: text}, mail: {type: category, personal: true}")
    by = {"name": objects(*["secret"] * 40), "mail": objects(*["secret"] * 40), "age": np.ones(40)}
    told = sliced(spec, "accuracy", answers(*classified(1, 40, 2)), by, seed=1)
    assert told.left_out == ("name", "mail")
    assert {each.column for each in told.slices} == {"age"} and told.too_few == ()


def test_at_most_fifty_columns() -> None:
    by = {f"x{at}": np.zeros(30) for at in range(60)}
    told = sliced(declared(), "accuracy", answers(*classified(1, 30, 2)), by, seed=1)
    assert len(told.slices) == 50 and len(told.left_out) == 10
