"""What the training part looked like, feature by feature: small enough to travel with the model."""

from typing import Any

import numpy as np

from gyre.evaluation.targets import Targets
from gyre.features.compute import Array, Columns, derive, is_missing
from gyre.spec.model import ModelSpec

_AT = (0.0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0)
_MOST_CATEGORIES = 50


def reference(spec: ModelSpec, columns: Columns, found: Targets) -> dict[str, Any]:
    """Quantiles of numbers, shares of categories, lengths of texts, shares of classes."""
    values = {**columns, **derive(spec, columns)}
    target = _shares(found) if found.classes else _spread(found.values)
    features = {name: _feature(spec, name, values[name]) for name in spec.features}
    return {"rows": len(found.values), "target": target, "features": features}


def _feature(spec: ModelSpec, name: str, values: Array) -> dict[str, Any]:
    missing = is_missing(values)
    present = values[~missing]
    told: dict[str, Any] = {"missing": float(missing.mean())}
    if values.dtype.kind == "M":
        return told | _spread(present.astype("M8[ms]").astype(np.float64) / 1000)
    if values.dtype.kind != "O":
        return told | _spread(present[np.isfinite(present.astype(np.float64))])
    column = spec.columns.get(name)
    if column is not None and column.type == "text":
        return told | {"characters": _spread(np.array([len(each) for each in present], dtype=np.float64))}
    names, counts = np.unique(present.astype(str), return_counts=True)
    most = sorted(zip(counts.tolist(), names.tolist(), strict=True), key=lambda each: (-each[0], each[1]))
    kept = most[:_MOST_CATEGORIES]
    other = sum(count for count, _ in most[_MOST_CATEGORIES:])
    return told | {"shares": {told: count / len(values) for count, told in kept}, "other": other / len(values)}


def _spread(values: Array) -> dict[str, Any]:
    if not len(values):
        return {"quantiles": []}
    numbers = values.astype(np.float64)
    quantiles = np.quantile(numbers, _AT).tolist()
    return {"quantiles": quantiles, "mean": float(numbers.mean()), "deviation": float(numbers.std())}


def _shares(found: Targets) -> dict[str, Any]:
    shares = np.bincount(found.values, minlength=len(found.classes)) / len(found.values)
    return {"shares": dict(zip(map(str, found.classes), shares.tolist(), strict=True))}
