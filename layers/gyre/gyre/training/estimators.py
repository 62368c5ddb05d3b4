"""Which kinds of model there are. A new one is one entry of the table."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB, MultinomialNB

from gyre.bundle.format import ScoreUnit
from gyre.bundle.scores import Scores
from gyre.errors import Invalid
from gyre.features.inputs import layout
from gyre.spec.model import ModelSpec
from gyre.spec.policy import Bound, Estimator
from gyre.training import scores

Task = Literal["classification", "regression"]
Explained = Literal["trees", "linear", "naive_bayes"]


@dataclass(frozen=True)
class OneOf:
    """A parameter that takes one of these."""

    values: tuple[Bound, ...]


@dataclass(frozen=True)
class Between:
    """A number from one to the other, both included; `log`: as likely between 1 and 10 as between 10 and 100."""

    low: float
    high: float
    whole: bool = False
    log: bool = False


Space = Mapping[str, OneOf | Between]


@dataclass(frozen=True)
class Entry:
    """One kind of model for one kind of task. There is nothing about class weights: classes are weighed through their
    rows, and every estimator here takes weights of rows."""

    make: Callable[..., Any]
    space: Space
    explained: Explained
    read: Callable[[Any], Scores]
    """From the fitted estimator to the arrays that score."""
    score: ScoreUnit
    arguments: Mapping[str, Any] = field(default_factory=dict)
    """A candidate may set them anew."""
    scaled: bool = False
    """Whether numbers come scaled. Trees must see them as they are: their thresholds are float32."""
    takes_missing: bool = False
    dense: bool = False
    """Whether it cannot read the sparse matrix that texts make."""
    positive: bool = False
    """Whether it takes no negative number: then numbers are scaled between 0 and 1, whatever the spec says."""
    random: bool = False
    """Whether it draws, and takes a seed."""


_FOREST: Space = {
    "n_estimators": Between(50, 300, whole=True),
    "max_depth": Between(4, 16, whole=True),
    "min_samples_leaf": Between(1, 20, whole=True, log=True),
    "max_features": OneOf(("sqrt", 0.5, 1.0)),
}
_BOOSTING: Space = {
    "learning_rate": Between(0.03, 0.3, log=True),
    "max_iter": Between(50, 300, whole=True),
    "max_leaf_nodes": Between(7, 63, whole=True, log=True),
    "min_samples_leaf": Between(5, 50, whole=True, log=True),
    "l2_regularization": Between(1e-3, 10, log=True),
}
# Bounded, because 44 ms for one explanation of unbounded trees are 13 ms at this depth (docs/decisions/0010).
_FOREST_ARGUMENTS = {"n_estimators": 100, "max_depth": 12, "min_samples_leaf": 2}


def _forest(make: Callable[..., Any], score: ScoreUnit) -> Entry:
    return Entry(
        make, _FOREST, "trees", scores.forest, score, _FOREST_ARGUMENTS, takes_missing=True, random=True
    )  # fmt: skip


def _boosting(make: Callable[..., Any], score: ScoreUnit) -> Entry:
    # Categories stay encoded: with its own splits of categories shap's values are wrong (FACTS). Without early
    # stopping, which by itself begins above 10,000 rows, `max_iter` means the same for every table.
    arguments = {"early_stopping": False, "max_iter": 100}
    return Entry(
        make, _BOOSTING, "trees", scores.boosting, score, arguments, takes_missing=True, dense=True, random=True
    )  # fmt: skip


_TABLE: Mapping[tuple[Estimator, Task], Entry] = {
    ("linear", "classification"): Entry(
        LogisticRegression, {"C": Between(0.01, 100, log=True)}, "linear", scores.linear, "log_odds",
        {"max_iter": 2_000}, scaled=True, random=True,
    ),
    ("linear", "regression"): Entry(
        Ridge, {"alpha": Between(0.001, 1_000, log=True)}, "linear", scores.linear, "value", scaled=True, random=True
    ),
    ("random_forest", "classification"): _forest(RandomForestClassifier, "probability"),
    ("random_forest", "regression"): _forest(RandomForestRegressor, "value"),
    ("extra_trees", "classification"): _forest(ExtraTreesClassifier, "probability"),
    ("extra_trees", "regression"): _forest(ExtraTreesRegressor, "value"),
    ("boosting", "classification"): _boosting(HistGradientBoostingClassifier, "log_odds"),
    ("boosting", "regression"): _boosting(HistGradientBoostingRegressor, "value"),
    ("naive_bayes", "classification"): Entry(
        GaussianNB, {"var_smoothing": Between(1e-3, 10, log=True)}, "naive_bayes", scores.gaussian, "log_odds",
        {"var_smoothing": 0.1}, scaled=True, dense=True,
    ),
}  # fmt: skip
# What takes an entry's place where there are texts: a bell curve fits no word that most texts do not have.
_WITH_TEXTS: Mapping[tuple[Estimator, Task], Entry] = {
    ("naive_bayes", "classification"): Entry(
        MultinomialNB, {"alpha": Between(0.01, 10, log=True)}, "naive_bayes", scores.multinomial, "log_odds",
        {"alpha": 1.0}, scaled=True, positive=True,
    ),
}  # fmt: skip
# Gyre's to set: they would change what a seed means, what a class weighs, or what can be compiled.
_OURS = frozenset(
    {"random_state", "n_jobs", "class_weight", "warm_start", "verbose", "categorical_features", "interaction_cst",
     "monotonic_cst", "loss", "criterion", "oob_score", "priors", "class_prior", "multi_class"}
)  # fmt: skip


def task_of(spec: ModelSpec) -> Task:
    """Binary and multiclass are the same to estimators."""
    return "regression" if spec.task == "regression" else "classification"


def entry_of(spec: ModelSpec, name: Estimator) -> Entry:
    """What this name means for this model, or `Invalid` if there is no such thing."""
    key = name, task_of(spec)
    texts = any(each.form == "text" for each in layout(spec).words)
    entry = (_WITH_TEXTS.get(key) if texts else None) or _TABLE.get(key)
    if entry is None:
        kinds = ", ".join(sorted(other for other, task in _TABLE if task == key[1]))
        raise Invalid(f"{name} predicts classes, and {spec.model} is a {key[1]}: use {kinds}.", field="estimators")
    return entry


def space_of(spec: ModelSpec, name: Estimator) -> Space:
    """Where to look for parameters: the spec's own places in front of ours. Two numbers are a range, in whole numbers
    if both are; a parameter of ours keeps its scale."""
    entry = entry_of(spec, name)
    declared = spec.training.space.get(name)
    if declared is None:
        return entry.space
    checked_parameters(spec, name, declared, field=f"training.space.{name}")
    if empty := [parameter for parameter, values in declared.items() if not values]:
        raise Invalid(f"There is no value of {empty[0]} to try for {name}.", field=f"training.space.{name}")
    return {parameter: _declared(values, entry.space.get(parameter)) for parameter, values in declared.items()}


def checked_parameters(
    spec: ModelSpec, name: Estimator, parameters: Mapping[str, Any], *, field: str = "parameters"
) -> None:
    """`Invalid` for a parameter that the estimator does not have, or that is Gyre's to set."""
    entry = entry_of(spec, name)
    known = set(entry.make().get_params()) - _OURS
    if unknown := sorted(set(parameters) - known):
        raise Invalid(
            f"{name} has no parameter {unknown[0]} to set for {spec.model}: there are {', '.join(sorted(known))}.",
            field=field,
        )


def _declared(values: tuple[Bound, ...], ours: OneOf | Between | None) -> OneOf | Between:
    match values:
        case (int() | float() as low, int() | float() as high) if not isinstance(low, bool | None) and low < high:
            whole = isinstance(low, int) and isinstance(high, int) and (not isinstance(ours, Between) or ours.whole)
            return Between(low, high, whole=whole, log=isinstance(ours, Between) and ours.log and low > 0)
    return OneOf(values)
