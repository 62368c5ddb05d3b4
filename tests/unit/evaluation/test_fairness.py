"""Fairness is fairlearn's; what too few people say is left out and told."""

import json

import fairlearn.metrics as theirs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from gyre.bundle.predict import Predictions
from gyre.evaluation.fairness import Fairness, fairness, reweighing
from gyre.evaluation.targets import Targets
from tests.unit.evaluation.parts import classified, measured, people, said
from tests.unit.features.parts import objects
from tests.unit.training.models import declared


def strict(found: Fairness) -> dict:
    return json.loads(json.dumps(found.to_json(), allow_nan=False))


def of_class(truth: Targets, found: Predictions, at: int, group: np.ndarray) -> dict[str, float]:
    told = {
        "y_true": (truth.values == at).astype(int), "y_pred": (found.probabilities.argmax(axis=1) == at).astype(int),
        "sensitive_features": group,
    }  # fmt: skip
    return {
        "demographic_parity_difference": theirs.demographic_parity_difference(**told),
        "demographic_parity_ratio": theirs.demographic_parity_ratio(**told),
        "equal_opportunity_difference": theirs.equal_opportunity_difference(**told),
        "equalized_odds_difference": theirs.equalized_odds_difference(**told),
        "average_odds_difference": theirs.equalized_odds_difference(**told, agg="mean"),
    }


@settings(max_examples=6, deadline=None)
@given(st.integers(0, 10_000), st.integers(500, 600), st.integers(2, 4), st.integers(2, 3))
def test_figures_are_fairlearns(seed, rows, classes, groups) -> None:
    # given: groups of which the later ones are told one class more often
    truth, found = classified(seed, rows, classes, 0.5)
    group = np.random.default_rng((seed, 1)).integers(0, groups, rows)
    found = said(truth.classes, np.exp(np.log(found.probabilities) + 0.4 * group[:, None] * (np.arange(classes) == 1)))
    names = objects(*(f"g{at}" for at in group))
    # when
    told = fairness(declared("binary" if classes == 2 else "multiclass"), truth, found, {"group": names})
    # then
    each = [of_class(truth, found, at, names) for at in ([1] if classes == 2 else range(classes))]
    for name in each[0]:
        worst = (min if name.endswith("ratio") else max)(one[name] for one in each)
        assert told.figures[name] == told.figures[f"{name}.group"] == pytest.approx(worst), name
        at = truth.classes.index(told.attributes[0].worst_class[name])
        assert of_class(truth, found, at, names)[name] == pytest.approx(worst)


def test_a_row_for_each_group() -> None:
    truth, found = classified(1, 900, 3)
    by = {"mood": people(1, 900)["mood"]}
    answers = found.probabilities.argmax(axis=1)
    for group in fairness(declared("multiclass"), truth, found, by).attributes[0].groups:
        rows = np.array([each == group.name for each in by["mood"]])
        true, given_ = truth.values[rows], answers[rows]
        assert group.rows == rows.sum()
        assert group.accuracy == pytest.approx(metrics.accuracy_score(true, given_))
        assert group.selection_rate["c1"] == pytest.approx(np.mean(given_ == 1))
        assert group.true_positive_rate["c1"] == pytest.approx(
            theirs.true_positive_rate(true == 1, given_ == 1, pos_label=True)
        )
        assert group.false_positive_rate["c1"] == pytest.approx(
            theirs.false_positive_rate(true == 1, given_ == 1, pos_label=True)
        )


def test_the_worst_of_all_columns_and_all_of_them_together() -> None:
    truth, found = classified(1, 2_000, 2)
    told = fairness(declared(), truth, found, people(1, 2_000))
    assert [each.attribute for each in told.attributes] == ["mood", "on", "age", "mood & on & age"]
    name = "demographic_parity_difference"
    single = [told.figures[f"{name}.{each}"] for each in ("mood", "on", "age")]
    assert told.figures[name] == max(single)
    assert told.figures[f"{name}.mood & on & age"] > max(single)
    assert [each.name for each in told.attributes[1].groups] and {each.name for each in told.attributes[1].groups} == {
        "true", "false",
    }  # fmt: skip
    assert "good & true & " in told.attributes[3].groups[0].name or len(told.attributes[3].groups) > 8


def test_numbers_are_compared_by_their_means() -> None:
    truth, found = measured(1, 1_000)
    group = objects(*"ab" * 500)
    found.values[::2] += 5
    told = fairness(declared("regression"), truth, found, {"sex": group})
    a, b = slice(0, None, 2), slice(1, None, 2)
    error = np.abs(found.values - truth.values)
    assert told.figures == pytest.approx(
        {
            "mean_prediction_difference": abs(found.values[a].mean() - found.values[b].mean()),
            "mae_difference": abs(error[a].mean() - error[b].mean()),
        }
        | {
            "mean_prediction_difference.sex": abs(found.values[a].mean() - found.values[b].mean()),
            "mae_difference.sex": abs(error[a].mean() - error[b].mean()),
        }
    )
    assert told.attributes[0].groups[0].mean_target == pytest.approx(truth.values[a].mean())


def test_small_groups_and_missing_values_are_left_out_and_told() -> None:
    truth, found = classified(1, 200, 2)
    by = objects(*["a"] * 100, *["b"] * 60, *["c"] * 29, *[None] * 11)
    told = fairness(declared(), truth, found, {"sex": by})
    assert [each.name for each in told.attributes[0].groups] == ["a", "b"]
    assert told.attributes[0].left_out == (("c", 29),) and told.attributes[0].missing == 11
    assert "c (29)" in told.notes[0] and "11 of 200" in told.notes[1]
    kept = slice(0, 160)
    expected = theirs.demographic_parity_difference(
        truth.values[kept], found.probabilities.argmax(axis=1)[kept], sensitive_features=by[kept]
    )
    assert told.figures["demographic_parity_difference"] == pytest.approx(expected)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("by", [objects(*["a"] * 60), objects(*[None] * 60), objects(*(f"g{at}" for at in range(60)))])
def test_nothing_to_compare_has_no_figure_and_a_note(by) -> None:
    told = fairness(declared(), *classified(1, 60, 2), {"sex": by})
    assert told.figures == {} and "so there is no figure" in told.notes[-1]
    assert strict(told)["rows"] == 60


def test_no_protected_column() -> None:
    told = fairness(declared(), *classified(1, 60, 2), {})
    assert told.figures == {} and told.notes == ("No column is protected: there is nothing to compare.",)


def test_a_rate_of_hardly_anybody_is_nobodys() -> None:
    # given: one person of b has the class, and is not told so
    truth = Targets(("no", "yes"), np.array([1, 0] * 50 + [1] + [0] * 49))
    shares = np.eye(2)[np.array([1, 0] * 50 + [0] * 50)]
    # when
    told = fairness(declared(), truth, said(truth.classes, shares), {"sex": objects(*["a"] * 100, *["b"] * 50)})
    # then: fairlearn would tell an unequal opportunity of 1
    assert "equal_opportunity_difference" not in told.figures
    assert told.figures["demographic_parity_difference"] == 0.5
    assert told.attributes[0].groups[1].true_positive_rate == {"yes": None}


def test_a_class_that_nobody_is_told_has_no_ratio() -> None:
    truth, _ = classified(1, 200, 2)
    never = said(truth.classes, np.tile([1.0, 0.0], (200, 1)))
    told = fairness(declared(), truth, never, {"sex": objects(*"ab" * 100)})
    assert told.figures["demographic_parity_difference"] == 0 and "demographic_parity_ratio" not in told.figures


@pytest.mark.filterwarnings("error")
def test_a_hundred_classes_of_which_some_are_unknown() -> None:
    truth, found = classified(1, 3_000, 100, unknown=0.1)
    told = strict(fairness(declared("multiclass"), truth, found, {"mood": people(1, 3_000)["mood"]}))
    assert "Of 100 classes the 20 most frequent" in told["notes"][0]
    assert len(told["attributes"][0]["groups"][0]["selection_rate"]) == 20
    group, rows = told["attributes"][0]["groups"][0], people(1, 3_000)["mood"]
    chosen = np.array([each == group["name"] for each in rows])
    right = truth.values[chosen] == found.probabilities.argmax(axis=1)[chosen]
    assert group["accuracy"] == pytest.approx(right.mean())


def test_json_has_the_names_its_docstring_tells() -> None:
    told = strict(fairness(declared(), *classified(1, 200, 2), {"sex": objects(*"ab" * 100)}))
    names = {*told, *told["attributes"][0], *told["attributes"][0]["groups"][0]}
    assert [name for name in names if name not in Fairness.to_json.__doc__] == []


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 300), st.booleans())
def test_weighed_groups_and_outcomes_are_independent(seed, rows, numeric) -> None:
    draw = np.random.default_rng(seed)
    sex, on = draw.choice(objects("f", "m", None), rows), draw.choice([0.0, 1.0, np.nan], rows)
    target = draw.normal(size=rows) if numeric else (draw.random(rows) < 0.3 + 0.4 * (sex == objects("f")[0])) * 1
    weights = reweighing({"sex": sex, "on": on}, target)

    assert weights.mean() == pytest.approx(1) and (weights > 0).all()
    there = (sex != objects(None)[0]) & ~np.isnan(on)
    np.testing.assert_array_equal(weights[~there], 1)
    if numeric or not there.any():
        return
    table = np.zeros((4, 2))
    np.add.at(table, ((sex[there] == objects("f")[0]) * 2 + on[there].astype(int), target[there]), weights[there])
    table = table[table.sum(axis=1) > 0]
    if (table > 0).all():  # otherwise no weight makes them independent
        np.testing.assert_allclose(table[:, 1] / table.sum(axis=1), table[:, 1].sum() / table.sum())


def test_weights_are_those_of_kamiran_and_calders() -> None:
    sex, target = objects(*"ffffmmmmmm"), objects(*"ynnnyyyynn")
    expected = {("f", "y"): 0.4 * 0.5 / 0.1, ("f", "n"): 0.4 * 0.5 / 0.3, ("m", "y"): 0.75, ("m", "n"): 1.5}
    np.testing.assert_allclose(
        reweighing({"sex": sex}, target), [expected[each] for each in zip(sex, target, strict=True)]
    )


def test_nothing_to_weigh_by() -> None:
    assert reweighing({}, np.arange(3)).tolist() == [1, 1, 1]
    assert reweighing({"sex": objects(None, None)}, objects("a", "b")).tolist() == [1, 1]
    assert reweighing({"sex": objects()}, objects()).tolist() == []
