"""Expressions and derived features over columns. The request path runs this: numpy alone.

A column is an array: numbers float64 with NaN where a value is missing; truths the same, as 1 and 0; texts and
categories objects, str or None; times datetime64 in UTC, with NaT."""

import ast
import operator
from collections.abc import Callable, Mapping
from functools import lru_cache, reduce
from typing import Any

import numpy as np
import numpy.typing as npt

from gyre.spec.columns import Derived
from gyre.spec.expression import Expression, parse
from gyre.spec.model import ModelSpec

Array = npt.NDArray[Any]
Numbers = npt.NDArray[np.float64]
Columns = Mapping[str, Array]

_ARITHMETIC: Mapping[type[ast.operator], Callable[[Numbers, Numbers], Numbers]] = {
    ast.Add: np.add, ast.Sub: np.subtract, ast.Mult: np.multiply, ast.Div: np.divide,
    ast.Mod: np.mod, ast.Pow: np.power,
}  # fmt: skip
_COMPARISONS: Mapping[type[ast.cmpop], Callable[[Array, Array], Any]] = {
    ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge,
    ast.Eq: operator.eq, ast.NotEq: operator.ne,
}  # fmt: skip
_NONE = np.array(None, dtype=object)
_MONDAY_BEFORE_1970 = 3  # days from that Monday to the first of January, a Thursday


def evaluate(expression: Expression, columns: Columns) -> Numbers:
    """What the expression computes for each row, NaN where that cannot be told: a truth is 1, 0 or unknown (Kleene)."""
    rows = len(next(iter(columns.values()), ()))
    with np.errstate(all="ignore"):
        found = _value(expression.tree, expression.names, columns)
    # An expression without columns, such as 1 + 1, has one value for all rows.
    return found.astype(np.float64) if found.shape == (rows,) else np.full(rows, found, dtype=np.float64)


def derive(spec: ModelSpec, columns: Columns) -> dict[str, Array]:
    """Every derived feature, in the order of the file."""
    return {name: _derived(derived, columns) for name, derived in spec.derived.items()}


def with_derived(spec: ModelSpec, columns: Columns) -> Columns:
    """The columns, and every derived feature."""
    return columns if spec.derived.keys() <= columns.keys() else {**columns, **derive(spec, columns)}


def is_missing(values: Array) -> npt.NDArray[np.bool_]:
    """Where a column has no value."""
    if values.dtype.kind == "O":
        return np.asarray(values == _NONE, dtype=np.bool_)
    return np.isnat(values) if values.dtype.kind == "M" else np.isnan(values)


def settled(values: Array) -> Numbers:
    """Infinity is no number a model or a person could use: it counts as missing."""
    return np.where(np.isfinite(values), values, np.nan)


def _derived(derived: Derived, columns: Columns) -> Array:
    if derived.formula is not None:
        return evaluate(parse(derived.formula), columns)
    if derived.ratio is not None:
        above, below = derived.ratio
        with np.errstate(all="ignore"):
            return settled(settled(columns[above]) / settled(columns[below]))
    assert derived.bin is not None and derived.edges is not None  # noqa: S101  # the spec sees to it
    return _bins(settled(columns[derived.bin]), derived)


def _bins(values: Numbers, derived: Derived) -> Array:
    edges, labels = _ranges(derived)
    at = np.searchsorted(edges, values, side="right")
    return labels[np.where(np.isnan(values), len(labels) - 1, at)]


@lru_cache(maxsize=4096)
def _ranges(derived: Derived) -> tuple[Numbers, Array]:
    """The edges of `bin`, and the names between them with none behind; a call of a row asks for them each time."""
    return np.asarray(derived.edges), np.array([*derived.bin_labels(), None], dtype=object)


def _value(node: ast.expr, names: Mapping[str, str], columns: Columns) -> Array:  # noqa: PLR0911  # a case per kind
    """A part of an expression, over all rows or, where no column takes part, as one value."""
    match node:
        case ast.Constant(value=str(text)):
            return np.array(text, dtype=object)
        case ast.Constant(value=int() | float() as number):
            return np.array(number, dtype=np.float64)
        case ast.Name(id=identifier):
            values = columns[names[identifier]]
            return values if values.dtype.kind in "OM" else settled(values)
        case ast.BinOp(left=left, op=op, right=right):
            return _arithmetic(type(op), _value(left, names, columns), _value(right, names, columns))
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return 1.0 - _value(operand, names, columns)
        case ast.UnaryOp(op=op, operand=operand):
            value = _value(operand, names, columns)
            return -value if isinstance(op, ast.USub) else value
        case ast.BoolOp(op=op, values=parts):
            return reduce(_both if isinstance(op, ast.And) else _either, [_value(p, names, columns) for p in parts])
        case ast.Compare():
            return _comparison(node, names, columns)
        case ast.Call(func=ast.Name(id=name), args=args):
            return _FUNCTIONS[name](*[_value(each, names, columns) for each in args])
    raise TypeError(f"{ast.unparse(node)[:100]!r} passed the spec, and cannot be computed")


def _arithmetic(op: type[ast.operator], left: Numbers, right: Numbers) -> Numbers:
    found = _ARITHMETIC[op](left, right)
    if op is ast.Pow:  # to numpy, 1 to the power of anything, even of NaN, is 1, and so is anything to the power of 0
        found = np.where(np.isnan(left) | np.isnan(right), np.nan, found)
    return settled(found)


def _both(left: Numbers, right: Numbers) -> Numbers:
    return np.where((left == 0) | (right == 0), 0.0, left * right)


def _either(left: Numbers, right: Numbers) -> Numbers:
    return np.where((left == 1) | (right == 1), 1.0, left + right)


def _comparison(node: ast.Compare, names: Mapping[str, str], columns: Columns) -> Numbers:
    """All comparisons of a chain, as in 0 < a <= b."""
    left = _value(node.left, names, columns)
    found = []
    for op, right in zip(node.ops, node.comparators, strict=True):
        if isinstance(right, ast.List | ast.Tuple):
            each = [_compared(ast.Eq, left, _value(element, names, columns)) for element in right.elts]
            among = reduce(_either, each, np.zeros(()))
            found.append(1.0 - among if isinstance(op, ast.NotIn) else among)
        else:
            value = _value(right, names, columns)
            found.append(_compared(type(op), left, value))
            left = value
    return reduce(_both, found)


def _compared(op: type[ast.cmpop], left: Array, right: Array) -> Numbers:
    return np.where(is_missing(left) | is_missing(right), np.nan, _COMPARISONS[op](left, right))


def _counted(count: Callable[[str], int]) -> Callable[[Array], Numbers]:
    def counts(texts: Array) -> Numbers:
        found = [np.nan if text is None else count(text) for text in np.ravel(texts)]
        return np.array(found, dtype=np.float64).reshape(np.shape(texts))

    return counts


def _defined(function: Callable[[Numbers], Numbers]) -> Callable[[Numbers], Numbers]:
    """Around functions that are not defined for every number."""
    return lambda values: settled(function(values))


def _timed(part: Callable[[Array], Array]) -> Callable[[Array], Numbers]:
    return lambda times: np.where(np.isnat(times), np.nan, part(times).astype(np.float64))


def _since(times: Array, whole: str, part: str) -> Array:
    """How many whole parts (days, say) have passed since the whole (the month) began."""
    passed: Array = times.astype(f"M8[{part}]") - times.astype(f"M8[{whole}]")
    return passed.astype(np.int64)


def _day_number(times: Array) -> Array:
    return times.astype("M8[D]").astype(np.int64)


_FUNCTIONS: Mapping[str, Callable[..., Numbers]] = {
    **{name: _defined(getattr(np, name)) for name in ("log", "log1p", "exp", "sqrt", "abs", "floor")},
    "round": np.rint,  # half to even
    "min": lambda *values: reduce(np.minimum, values),
    "max": lambda *values: reduce(np.maximum, values),
    "is_missing": lambda values: is_missing(values).astype(np.float64),
    "words": _counted(lambda text: len(text.split())),
    "length": _counted(len),
    "year": _timed(lambda times: times.astype("M8[Y]").astype(np.int64) + 1970),
    "month": _timed(lambda times: _since(times, "Y", "M") + 1),
    "day": _timed(lambda times: _since(times, "M", "D") + 1),
    "weekday": _timed(lambda times: (_day_number(times) + _MONDAY_BEFORE_1970) % 7),
    "hour": _timed(lambda times: _since(times, "D", "h")),
}
