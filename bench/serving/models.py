"""The models that all sides serve: compiled for Gyre, and as the pipeline that scikit-learn would serve.

The pipeline is made of scikit-learn and pandas alone, as somebody without Gyre would write it, and takes the same rows:
what is computed from their columns, it computes."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import joblib  # type: ignore[import-untyped]
import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, OrdinalEncoder

from bench.directory import DirectoryBucket
from bench.search import example
from bench.serving.peers.derived import with_derived
from gyre.bundle.format import write_bundle
from gyre.features.inputs import MISSING, Layout, layout
from gyre.features.prepare import frame
from gyre.http.access import KEY_RING, Key, dump_ring, hashed
from gyre.objects import ObjectStore
from gyre.registry.releases import Move, Pointer, Released, pointer_key
from gyre.spec.model import ModelSpec
from gyre.training.compiling import compile_bundle
from gyre.training.fitting import Candidate, Fitted, fit
from gyre.training.rows import PartRows

CANDIDATES = {
    "boosting": Candidate("boosting", {"max_iter": 120, "max_leaf_nodes": 31}),
    "forest": Candidate("random_forest", {"n_estimators": 200, "max_depth": 10}),
}
SENT, HELD_OUT = 200, 400
KEY = "gyre_key_of_the_benchmark"
ARTIFACTS, ONE, ROWS = "artifacts", "one", "rows.json"
COLD = "boosting"


@dataclass(frozen=True)
class Sent:
    """One row, and what scikit-learn says of it."""

    features: Mapping[str, Any]
    probabilities: Mapping[str, Mapping[str, float]]
    """By model and class."""


def make_models(place: Path) -> None:
    """Writes into a folder what every server reads: a bucket, a pipeline for each model, the rows."""
    spec, every = _as_peers_can(example())
    places = np.arange(len(every))
    train, rest = every.chosen(places[:-HELD_OUT]), every.chosen(places[-HELD_OUT:])
    bucket, one = DirectoryBucket(place / ARTIFACTS), DirectoryBucket(place / ONE)
    let_in(bucket)
    let_in(one)
    wanted = layout(spec)
    complete = np.flatnonzero(~_gaps(spec, rest))[:SENT]
    table = _raw(spec, rest.chosen(complete).columns)
    told: dict[str, list[dict[str, float]]] = {}
    for name, candidate in CANDIDATES.items():
        fitted = fit(spec.model_copy(update={"model": name}), train.columns, train.target, candidate, seed=7)
        pipeline = as_others_write_it(fitted, wanted, _raw(spec, train.columns), train.target)
        found = pipeline.predict_proba(table)
        wanted_shares = fitted.predict(rest.chosen(complete).columns).probabilities
        if wanted_shares is None or not np.allclose(found, wanted_shares, atol=1e-5):
            raise RuntimeError(f"The pipeline of {name} is another model than the one that was fitted.")
        joblib.dump({"pipeline": pipeline, "classes": fitted.classes}, place / f"{name}.joblib")
        joblib.dump(pipeline, place / f"{name}.pipeline.joblib")
        parts = compile_bundle(fitted, rest.columns).parts
        release(name, parts, bucket)
        if name == COLD:  # started alone: a start loads every model of its bucket
            release(name, parts, one)
        told[name] = [dict(zip(map(str, fitted.classes), map(float, each), strict=True)) for each in found]
    sent = [
        {"features": _features(spec, rest, int(row)), "probabilities": {name: told[name][at] for name in told}}
        for at, row in enumerate(complete)
    ]
    (place / ROWS).write_text(json.dumps(sent))


def read_rows(place: Path) -> list[Sent]:
    return [Sent(**each) for each in json.loads((place / ROWS).read_text())]


def release(model: str, parts: Mapping[str, bytes], artifacts: ObjectStore) -> None:
    """The bundle as what serves for this model, in a bucket that knows nothing else."""
    made = Released(version=1, bundle=write_bundle(parts, artifacts, f"bundles/{model}"))
    now = datetime.now(UTC).isoformat()
    moved = Move(revision=1, action="promote", alias="production", version=1, actor="bench", at=now)
    pointer = Pointer(model=model, revision=1, aliases={"production": made, "champion": made}, last=moved)
    artifacts.write(pointer_key(model), pointer.dump(), content_type="application/json")


def let_in(artifacts: ObjectStore) -> None:
    """The one key of the benchmark."""
    key = Key(id="bench", role="admin", sha256=hashed(KEY), made_at="")
    artifacts.write(KEY_RING, dump_ring([key]), content_type="application/json")


def as_others_write_it(fitted: Fitted, wanted: Layout, table: Any, target: Any) -> Pipeline:
    """The fitted estimator behind scikit-learn's own encoders, one for all ordered columns and one for the others: the
    quickest that scikit-learn has."""
    first = len(wanted.numbers)
    ordered = [each for each in wanted.words if each.ordered]
    others = {at: each for at, each in enumerate(wanted.words) if not each.ordered}
    learned = fitted.pipeline["prepare"]
    labels = [list(learned.named_transformers_[f"words{first + at}"].labels_) for at in others]
    numbers = [each for each in learned.transformers if each[0].startswith("numbers")]
    prepare = ColumnTransformer(
        [
            *numbers,
            (
                "ordered",
                OrdinalEncoder(
                    categories=[list(each.order) for each in ordered],
                    handle_unknown="use_encoded_value",
                    unknown_value=-1,
                ),
                list(range(first, first + len(ordered))),
            ),
            (
                "others",
                OneHotEncoder(categories=labels, handle_unknown="ignore", sparse_output=False),
                [first + at for at in others],
            ),
        ],
        sparse_threshold=0.0,
    )
    names = [each.name for each in (*wanted.numbers, *wanted.words)]
    group = wanted.spec.derived["age_group"]
    missing = {each.name: each.feature for each in wanted.numbers if each.indicates}
    more = {"columns": names, "edges": group.edges, "labels": group.bin_labels(), "missing": missing}
    derive = FunctionTransformer(with_derived, kw_args=more)
    prepare.fit(derive.transform(table), target)
    single = FunctionTransformer(np.float32)  # as the model was trained: a threshold may lie between two precisions
    steps = [("derive", derive), ("prepare", prepare), ("single", single), ("model", fitted.pipeline["model"])]
    return Pipeline(steps)


def _as_peers_can(made: tuple[ModelSpec, PartRows]) -> tuple[ModelSpec, PartRows]:
    """Ordered columns before the others, so that one encoder takes all of a kind and columns stay where they are; and
    no rare categories taken together, which scikit-learn's encoder names otherwise."""
    spec, rows = made
    columns = {
        name: each.model_copy(update={"prepare": each.prepare.model_copy(update={"rare_below": 0.0})})
        for name, each in sorted(spec.columns.items(), key=lambda each: not each[1].ordered)
    }
    return spec.model_copy(update={"columns": columns}), rows


def _gaps(spec: ModelSpec, rows: PartRows) -> Any:
    """Which rows lack a value: the encoders of the peers know no missing one."""
    table = frame(spec, rows.columns)
    return (table.isna() | (table == MISSING)).to_numpy().any(axis=1)


def _features(spec: ModelSpec, rows: PartRows, at: int) -> dict[str, Any]:
    """A row as a caller sends it."""
    kinds = {"integer": int, "number": float, "boolean": bool}
    return {
        name: kinds.get(spec.columns[name].type, str)(rows.columns[name][at])
        for name in spec.columns
        if name in rows.columns
    }


def _raw(spec: ModelSpec, columns: Mapping[str, Any]) -> Any:
    """The columns of a row as a file has them."""
    return pd.DataFrame({name: each for name, each in columns.items() if name in spec.columns})
