"""The target as numbers: classes by their place, in an order that is the same wherever they are told."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gyre.bundle.format import Class
from gyre.errors import Invalid
from gyre.features.compute import Array, is_missing
from gyre.spec.model import ModelSpec

# Below this many rows nothing that a model finds means anything.
LEAST_ROWS = 10


@dataclass(frozen=True)
class Targets:
    """Of each row the place of its class in `classes`; of a regression, which has none, its number."""

    classes: tuple[Class, ...]
    values: npt.NDArray[Any]


def targets(spec: ModelSpec, target: Array) -> Targets:
    """The targets of a training part, or `Invalid` if there is nothing to learn from them."""
    if len(target) < LEAST_ROWS:
        raise Invalid(f"There are {len(target)} rows to train on, and {LEAST_ROWS} are needed at least.")
    if missing := int(is_missing(target).sum()):
        raise Invalid(f"{missing:,} of {len(target):,} rows have no {spec.target}.", field=spec.target)
    if spec.task == "regression":
        numbers = target.astype(np.float64)
        if not np.isfinite(numbers).all():
            raise Invalid(f"{spec.target} is infinite in some rows.", field=spec.target)
        if (numbers == numbers[0]).all():
            raise Invalid(
                f"{spec.target} is {numbers[0]:g} in every row: there is nothing to learn.", field=spec.target
            )
        return Targets((), numbers)
    classes = _classes(spec, target)
    if len(classes) == 1:
        raise Invalid(f"{spec.target} is {classes[0]} in every row: there is nothing to tell apart.", field=spec.target)
    if spec.task == "binary" and len(classes) > 2:
        told = ", ".join(map(str, classes[:5]))
        raise Invalid(
            f"A binary model tells two classes apart, and {spec.target} has {len(classes)}: {told}. Is it multiclass?",
            field=spec.target,
        )
    return Targets(classes, places(spec, classes, target))


def truth_of(spec: ModelSpec, classes: tuple[Class, ...], target: Array) -> Targets:
    """What is true of each row, in the classes of a model that may know fewer or others."""
    if spec.task == "regression":
        return Targets((), target.astype(np.float64))
    return Targets(classes, places(spec, classes, target))


def places(spec: ModelSpec, classes: tuple[Class, ...], target: Array) -> npt.NDArray[np.int64]:
    """Of each row, the place of its class; -1 for one that is none of these."""
    at = {each: place for place, each in enumerate(classes)}
    return np.array([at.get(_class(spec, value), -1) for value in target], dtype=np.int64)


def _classes(spec: ModelSpec, target: Array) -> tuple[Class, ...]:
    """As they are declared, as far as they occur; others behind them, by name."""
    found = {_class(spec, value) for value in np.unique(target.astype(object) if target.dtype.kind == "O" else target)}
    declared = [each for each in spec.columns[spec.target].values or () if each in found]
    return (*declared, *sorted(found.difference(declared), key=lambda each: (isinstance(each, str), each)))


def _class(spec: ModelSpec, value: Any) -> Class:
    match spec.columns[spec.target].type:
        case "boolean":
            return bool(value)
        case "integer":
            return int(value)
    return str(value)
