"""From the best candidate to a bundle in S3: fitted on the train part, compiled, proved on the test part, timed."""

import statistics
import time
from dataclasses import dataclass

import numpy as np

from gyre.bundle.format import write_bundle
from gyre.bundle.predict import Predictor
from gyre.bundle.ref import BundleRef
from gyre.errors import Invalid
from gyre.evaluation.fairness import reweighing
from gyre.features.compute import Array, Columns
from gyre.objects import ObjectStore
from gyre.spec.model import ModelSpec
from gyre.training.compiling import Compiled, Proof, compile_bundle
from gyre.training.fitting import Candidate, fit
from gyre.training.rows import PartRows, protected

BUNDLES = "bundles/"
# Enough to prove that two ways of computing agree, and done in a moment.
_PROOF_ROWS = 2_000
_TIMED_ROWS = 30


@dataclass(frozen=True)
class Made:
    """A bundle, how far it is from scikit-learn, how long one prediction takes with its explanation (the median)."""

    bundle: BundleRef
    proof: Proof
    latency_ms: float
    unweighed: BundleRef | None
    """The same without reweighing, which shows what that changed."""


def make(spec: ModelSpec, train: PartRows, test: PartRows, candidate: Candidate, artifacts: ObjectStore) -> Made:
    """The same rows, spec and candidate make the same bundle, under the same hash."""
    if not len(test):
        raise Invalid(f"The test part of {spec.model} has no rows: upload more, or raise split.test.", field="split")
    weights = fair_weights(spec, train)
    compiled = _compiled(spec, train, test, candidate, weights)
    prefix = f"{BUNDLES}{spec.model}"
    plain = None if weights is None else _compiled(spec, train, test, candidate, None)
    return Made(
        write_bundle(compiled.parts, artifacts, prefix),
        compiled.proof,
        latency(Predictor(compiled.bundle), _needed(spec, test, _TIMED_ROWS)),
        None if plain is None else write_bundle(plain.parts, artifacts, prefix),
    )


def fair_weights(spec: ModelSpec, train: PartRows) -> Array | None:
    """What rows count, if protected groups and outcomes are to be independent in training."""
    if not spec.training.reweigh:
        return None
    return reweighing(protected(spec, train.columns), train.target)


def latency(predictor: Predictor, columns: Columns) -> float:
    """Milliseconds for one row, with its explanation."""
    rows = len(next(iter(columns.values())))
    took = []
    for at in [0, *range(rows)]:  # the first call makes what the others use
        row = {name: values[at : at + 1] for name, values in columns.items()}
        started = time.perf_counter()
        predictor.explain(row)
        took.append((time.perf_counter() - started) * 1000)
    return statistics.median(took[1:])


def _compiled(
    spec: ModelSpec, train: PartRows, test: PartRows, candidate: Candidate, weights: Array | None
) -> Compiled:
    fitted = fit(spec, train.columns, train.target, candidate, spec.training.seed, weights)
    return compile_bundle(fitted, _needed(spec, test, _PROOF_ROWS))


def _needed(spec: ModelSpec, rows: PartRows, most: int) -> Columns:
    """Spread over the whole part: its beginning may be a single upload."""
    at = np.unique(np.linspace(0, len(rows) - 1, min(most, len(rows))).astype(np.int64))
    return {name: rows.columns[name][at] for name in sorted(spec.needed)}
