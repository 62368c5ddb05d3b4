"""Small models of every kind, and rows to fit and to prove them on."""

from functools import cache

import numpy as np

from gyre.features.compute import Columns
from gyre.spec.check import read_spec
from gyre.spec.model import ModelSpec
from gyre.training.compiling import Compiled, compile_bundle
from gyre.training.fitting import Candidate, Fitted, fit
from tests.unit.features.parts import objects

NUMBERS = "age: {type: number}, pay: {type: number}"
MIXED = (
    "age: {type: number}, pay: {type: number, prepare: {indicate_missing: true}}, on: {type: boolean}, "
    "mood: {type: category}, size: {type: category, values: [s, m, l], ordered: true}, "
    "town: {type: category, prepare: {encode: frequency}}"
)
TEXT = "age: {type: number}, text: {type: text}"
FEATURES = {"numbers": NUMBERS, "mixed": MIXED, "text": TEXT}
ESTIMATORS = ("linear", "random_forest", "extra_trees", "boosting", "naive_bayes")
TASKS = ("binary", "multiclass", "regression")
EVERY = [(e, t, f) for e in ESTIMATORS for t in TASKS for f in FEATURES if (e, t) != ("naive_bayes", "regression")]
SMALL = {
    "random_forest": {"n_estimators": 20, "max_depth": 6},
    "extra_trees": {"n_estimators": 20, "max_depth": 6},
    "boosting": {"max_iter": 10, "max_leaf_nodes": 8},
}
WORDS = ("new", "york", "pizza", "good", "bad", "so", "not", "fine")
NAN = float("nan")


def declared(task: str = "binary", features: str = MIXED, training: str = "{}", more: str = "") -> ModelSpec:
    target = "number" if task == "regression" else "category"
    return read_spec(
        f"model: m\ntask: {task}\ntarget: y\n{more}columns: {{y: {{type: {target}}}, {features}}}\n"
        f"training: {training}\n"
    )


def rows(seed: int, count: int = 300, *, new: bool = False) -> dict[str, np.ndarray]:
    """New ones hold categories and words that no other rows hold."""
    draw = np.random.default_rng(seed)
    unknown = ("unheard of",) if new else ()
    return {
        "age": np.where(draw.random(count) < 0.1, NAN, draw.integers(0, 90, count)),
        "pay": np.where(draw.random(count) < 0.1, NAN, draw.lognormal(3, 1, count)),
        "on": draw.choice([0, 1, NAN], count),
        "mood": draw.choice(objects("good", "bad", "odd", None, *unknown), count),
        "size": draw.choice(objects("s", "m", "l", "xxl", None, *unknown), count),
        "town": draw.choice(objects("x", "y", "z", None, *unknown), count),
        "text": objects(
            *(" ".join(draw.choice([*WORDS, *unknown], draw.integers(1, 8))) if draw.random() > 0.1 else None
              for _ in range(count))
        ),
    }  # fmt: skip


def target(columns: Columns, task: str) -> np.ndarray:
    draw = np.random.default_rng(5)
    told = np.array([0 if each is None else each.count("good") - each.count("bad") for each in columns["text"]])
    score = np.nan_to_num(columns["pay"], nan=20) / 25 + np.nan_to_num(columns["age"], nan=40) / 60 + 0.6 * told
    score = score + (columns["mood"] == objects("good")[0]) + draw.normal(0, 0.3, len(told))
    if task == "regression":
        return 1000 * score
    names = objects("no", "yes") if task == "binary" else objects("low", "middle", "high")
    return names[np.digitize(score, np.quantile(score, [0.6] if task == "binary" else [0.3, 0.7]))]


def fitted(estimator: str, spec: ModelSpec, seed: int = 7, count: int = 300) -> Fitted:
    columns = rows(1, count)
    candidate = Candidate(estimator, SMALL.get(estimator, {}))
    return fit(spec, columns, target(columns, spec.task), candidate, seed)


@cache
def compiled(estimator: str, task: str, features: str, calibrate: str = "none") -> Compiled:
    spec = declared(task, FEATURES[features], f"{{calibrate: {calibrate}}}")
    return compile_bundle(fitted(estimator, spec), rows(2, 120, new=True))
