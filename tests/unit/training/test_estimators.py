"""Which kinds of model there are, and where their parameters are looked for."""

import pytest

from gyre.errors import Invalid
from gyre.training.estimators import Between, OneOf, checked_parameters, entry_of, space_of
from tests.unit.training.models import ESTIMATORS, EVERY, FEATURES, TEXT, declared


@pytest.mark.parametrize(("estimator", "task", "features"), EVERY)
def test_every_entry_can_be_made_with_what_its_space_proposes(estimator: str, task: str, features: str) -> None:
    spec = declared(task, FEATURES[features])
    entry = entry_of(spec, estimator)
    ends = {
        n: e.values[0] if isinstance(e, OneOf) else int(e.low) if e.whole else e.low for n, e in entry.space.items()
    }
    checked_parameters(spec, estimator, ends)
    made = entry.make(**entry.arguments).set_params(**ends)
    assert ends.items() <= made.get_params().items()
    assert entry.scaled == (entry.explained != "trees")


def test_naive_bayes_predicts_classes() -> None:
    with pytest.raises(Invalid, match="naive_bayes predicts classes, and m is a regression: use boosting, extra_trees"):
        entry_of(declared("regression"), "naive_bayes")


def test_a_space_of_the_spec_replaces_ours() -> None:
    space = "{boosting: {learning_rate: [0.03, 0.2], max_iter: [80, 120, 200], max_leaf_nodes: [6, 12]}}"
    found = space_of(declared(training=f"{{estimators: [boosting], space: {space}}}"), "boosting")
    assert found == {
        "learning_rate": Between(0.03, 0.2, log=True),
        "max_iter": OneOf((80, 120, 200)),
        "max_leaf_nodes": Between(6, 12, whole=True, log=True),
    }
    assert space_of(declared(), "linear") == {"C": Between(0.01, 100, log=True)}


def test_whole_bounds_of_a_number_are_a_range_of_numbers() -> None:
    spec = declared(training="{estimators: [linear, random_forest], space: {linear: {C: [1, 10]}, "
                    "random_forest: {bootstrap: [true, false], max_depth: [4]}}}")  # fmt: skip
    assert space_of(spec, "linear") == {"C": Between(1, 10, log=True)}
    assert space_of(spec, "random_forest") == {"bootstrap": OneOf((True, False)), "max_depth": OneOf((4,))}


@pytest.mark.parametrize("name", ["alpha", "random_state", "class_weight"])
def test_parameters_that_cannot_be_set(name: str) -> None:
    spec = declared(training=f"{{estimators: [linear], space: {{linear: {{{name}: [1, 2]}}}}}}")
    with pytest.raises(Invalid, match=f"linear has no parameter {name} to set for m: there are C, "):
        space_of(spec, "linear")


def test_texts_have_a_naive_bayes_of_their_own() -> None:
    assert set(entry_of(declared(features=TEXT), "naive_bayes").space) == {"alpha"}
    assert set(entry_of(declared(), "naive_bayes").space) == {"var_smoothing"}
    assert set(ESTIMATORS) == {"linear", "random_forest", "extra_trees", "boosting", "naive_bayes"}
