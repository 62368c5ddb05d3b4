"""One candidate, fitted on the training part. The same rows, spec, candidate and seed give the same bundle."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse  # type: ignore[import-untyped]
from sklearn.compose import ColumnTransformer
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.class_weight import compute_sample_weight
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from gyre.bundle.format import Class, served
from gyre.bundle.predict import Predictions
from gyre.bundle.scores import Floats
from gyre.errors import Invalid
from gyre.evaluation.targets import targets
from gyre.features.compute import Array, Columns
from gyre.features.inputs import Input, layout
from gyre.features.prepare import frame, preparation
from gyre.spec.columns import Column, Derived
from gyre.spec.model import ModelSpec
from gyre.spec.policy import Bound, Estimator
from gyre.spec.preparing import encoding_of, form_of
from gyre.training.calibration import Calibration, calibrated, held_out
from gyre.training.estimators import Entry, checked_parameters, entry_of
from gyre.training.reference import reference
from gyre.training.scores import raw_scores

# Cells of a matrix that has to be dense: 400 MB in single precision, and the estimator takes as much again.
MOST_DENSE_CELLS = 100_000_000


@dataclass(frozen=True)
class Candidate:
    """A kind of model and one set of hyper-parameters."""

    estimator: Estimator
    parameters: Mapping[str, Bound] = field(default_factory=dict)


@dataclass(frozen=True)
class Fitted:
    """A model as scikit-learn has it, with all that its bundle is made of."""

    spec: ModelSpec
    """What serving has to know of it."""
    candidate: Candidate
    seed: int
    entry: Entry
    pipeline: Pipeline
    """`prepare` and `model`."""
    classes: tuple[Class, ...]
    calibration: Calibration | None
    means: Floats
    """Of the transformed columns, over the rows it was fitted on, and of their squares."""
    square_means: Floats
    reference: Mapping[str, Any]

    def transformed(self, columns: Columns) -> Any:
        """What the estimator is given; sparse if there are texts."""
        return self.pipeline["prepare"].transform(frame(self.spec, columns))

    def scores(self, columns: Columns) -> Floats:
        """scikit-learn's own, before any calibration."""
        return raw_scores(self.pipeline["model"], self.transformed(columns), self.entry.score)

    def predict(self, columns: Columns) -> Predictions:
        """scikit-learn's answers, in the form of a bundle's."""
        rows = self.transformed(columns)
        model = self.pipeline["model"]
        if not self.classes:
            return Predictions(values=np.asarray(model.predict(rows), dtype=np.float64))
        if self.calibration is None:
            found = np.asarray(model.predict_proba(rows), dtype=np.float64)
        else:
            found = self.calibration.probabilities(raw_scores(model, rows, self.entry.score))
        names = np.array([*self.classes, None], dtype=object)[:-1]
        return Predictions(labels=names[found.argmax(axis=1)], probabilities=found)


def fit(
    spec: ModelSpec, columns: Columns, target: Array, candidate: Candidate, seed: int,
    weights: Array | None = None, *, threads: int = 1,
) -> Fitted:  # fmt: skip
    """Fits the candidate to these rows, or says what is wrong with them. With `training.calibrate` a fifth of them is
    kept from the estimator, and what it says of them is calibrated."""
    entry, small = checked_entry(spec, candidate), served(spec)
    found = targets(spec, target)
    groups = columns.get(spec.group) if spec.group else None
    columns = {name: columns[name] for name in sorted(small.needed)}
    table = table_of(small, columns)
    rowwise = with_class_weights(spec, found.values, weights)
    calibrate = spec.training.calibrate if found.classes else "none"
    every = np.arange(len(target))
    on, off = (every, every) if calibrate == "none" else held_out(found.values, groups, seed)

    learned = learn(small, entry, candidate.estimator, table, on)
    rows = learned.transform(table.iloc[on])
    # One thread unless more are asked for: candidates are fitted side by side, and on a machine that has other work
    # OpenMP's threads wait for each other (27 s for what one does in 0.7).
    with threadpool_limits(threads):
        model = fit_model(entry, candidate, rows, found.values[on], None if rowwise is None else rowwise[on], seed)
    calibration = None
    if calibrate != "none":
        scored = raw_scores(model, learned.transform(table.iloc[off]), entry.score)
        calibration = calibrated(calibrate, scored, found.values[off], None if rowwise is None else rowwise[off])
    means, square_means = _moments(rows)
    return Fitted(
        small, candidate, seed, entry, Pipeline([("prepare", learned), ("model", model)]), found.classes, calibration,
        means, square_means, reference(small, columns, found),
    )  # fmt: skip


def checked_entry(spec: ModelSpec, candidate: Candidate) -> Entry:
    """What the candidate's kind means for this model, or `Invalid` if it cannot be fitted whatever the rows are."""
    entry = entry_of(spec, candidate.estimator)
    checked_parameters(spec, candidate.estimator, candidate.parameters)
    _refuse_missing(served(spec), candidate, entry)
    return entry


def table_of(small: ModelSpec, columns: Columns) -> pd.DataFrame:
    """The inputs, or `Invalid` if they hold nothing to learn from."""
    table = frame(small, columns)
    if all(table[name].nunique(dropna=False) == 1 for name in table):
        raise Invalid(f"Every feature of {small.model} is the same in all rows: there is nothing to learn from.")
    return table


def learn(small: ModelSpec, entry: Entry, estimator: Estimator, table: pd.DataFrame, on: Array) -> ColumnTransformer:
    """The preparation that this kind of model wants, learned from some of the rows; its parameters change nothing."""
    prepare = preparation(_positive(small) if entry.positive else small, scaled=entry.scaled)
    if entry.dense:
        prepare.set_params(sparse_threshold=0.0)
    learned = prepare.fit(table.iloc[on])
    _settle(learned)
    _refuse_width(learned, table, entry, estimator)
    return learned


def fit_model(
    entry: Entry, candidate: Candidate, rows: Any, target: Array, weights: Array | None, seed: int
) -> Any:  # fmt: skip
    """The estimator, fitted to prepared rows. A parameter that scikit-learn refuses is the caller's to mend."""
    model = entry.make(**entry.arguments, **_seeded(entry, seed)).set_params(**candidate.parameters)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a candidate that stops too early scores as it does
        try:
            model.fit(rows, target, sample_weight=weights)
        except ValueError as error:
            told = ", ".join(f"{name}={value!r}" for name, value in candidate.parameters.items())
            raise Invalid(f"{candidate.estimator}({told}) cannot be fitted: {error}") from error
    return model


def with_class_weights(spec: ModelSpec, target: Array, weights: Array | None) -> Array | None:
    """Class weights are weights of rows: then every estimator has them, and they go with a caller's own."""
    if spec.task == "regression" or spec.training.class_weight == "none":
        return weights
    balanced = np.asarray(compute_sample_weight("balanced", target))
    return balanced if weights is None else balanced * weights


def _seeded(entry: Entry, seed: int) -> dict[str, int]:
    return {"random_state": seed} if entry.random else {}


def _refuse_missing(spec: ModelSpec, candidate: Candidate, entry: Entry) -> None:
    """Told by the spec and not by the rows: a value that no training row lacks may be missing tomorrow."""
    texts = any(each.form == "text" for each in layout(spec).words)
    if entry.takes_missing and (entry.dense or not texts):
        return
    wanted = layout(spec)
    if open_ends := [each.feature for each in (*wanted.numbers, *wanted.words) if _may_be_missing(each)]:
        beside = " beside texts" if entry.takes_missing else ""
        raise Invalid(
            f"{candidate.estimator} takes no missing number{beside}, and {open_ends[0]} has `impute: none`: choose "
            "what stands in for it, or use boosting.",
            field=open_ends[0],
        )


def _may_be_missing(each: Input) -> bool:
    if each.prepare.impute != "none" or each.indicates or each.form == "text":
        return False
    return each.form != "category" or encoding_of(each.prepare, each.ordered) != "onehot"


def _refuse_width(learned: Any, table: pd.DataFrame, entry: Entry, estimator: Estimator) -> None:
    width = learned.transform(table.iloc[:1]).shape[1]
    if entry.dense and len(table) * width > MOST_DENSE_CELLS:
        raise Invalid(
            f"{estimator} needs all {width:,} columns of {len(table):,} rows at once, which is more than "
            f"{MOST_DENSE_CELLS:,} cells: keep fewer `words`, or use linear."
        )


def _positive(spec: ModelSpec) -> ModelSpec:
    """The spec with numbers scaled between 0 and 1."""

    def scaled(declared: Any) -> Any:
        if form_of(declared, spec.kinds) not in ("number", "category"):
            return declared
        return declared.model_copy(update={"prepare": declared.prepare.model_copy(update={"scale": "minmax"})})

    columns: dict[str, Column] = {name: scaled(each) for name, each in spec.columns.items()}
    derived: dict[str, Derived] = {name: scaled(each) for name, each in spec.derived.items()}
    return spec.model_copy(update={"columns": columns, "derived": derived})


def _settle(learned: Any) -> None:
    """Means in single precision, as the graph has them: a difference of two large numbers, such as days since 1970,
    would show the rest."""
    for _, transformer, _ in learned.transformers_:
        scaler = transformer[-1] if isinstance(transformer, Pipeline) else transformer
        if isinstance(scaler, StandardScaler):
            scaler.mean_ = scaler.mean_.astype(np.float32).astype(np.float64)


def _moments(rows: Any) -> tuple[Floats, Floats]:
    """Means of columns and of their squares; only sums explain by them, and sums know no missing value."""
    if sparse.issparse(rows):
        wide = rows.astype(np.float64)
        return np.asarray(wide.mean(axis=0)).ravel(), np.asarray(wide.multiply(wide).mean(axis=0)).ravel()
    return np.mean(rows, axis=0, dtype=np.float64), np.mean(np.square(rows, dtype=np.float64), axis=0)
