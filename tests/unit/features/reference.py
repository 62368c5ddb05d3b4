"""Expressions computed the slow and obvious way, row by row: what `evaluate` must agree with. Missing is None."""

import ast
import math
import operator
from collections.abc import Mapping
from datetime import datetime

from gyre.spec.expression import Expression

Value = float | str | datetime | None


def evaluate_row(expression: Expression, row: Mapping[str, Value]) -> float | None:
    found = value(expression.tree, {identifier: row[name] for identifier, name in expression.names.items()})
    return None if found is None else float(found)


def value(node: ast.expr, row: Mapping[str, Value]) -> Value:
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.Constant(value=number):
            return finite(lambda: float(number))
        case ast.Name(id=identifier):
            return row[identifier]
        case ast.UnaryOp(op=op, operand=operand):
            of = value(operand, row)
            return None if of is None else {ast.Not: 1 - of, ast.USub: -of, ast.UAdd: of}[type(op)]
        case ast.BinOp(left=left, op=op, right=right):
            return arithmetic(op, value(left, row), value(right, row))
        case ast.BoolOp(op=ast.And(), values=values):
            return kleene_and([value(each, row) for each in values])
        case ast.BoolOp(values=values):
            return kleene_or([value(each, row) for each in values])
        case ast.Compare(left=left, ops=ops, comparators=comparators):
            found = []
            for op, right in zip(ops, comparators, strict=True):
                found.append(compared(op, value(left, row), right, row))
                left = right
            return kleene_and(found)
        case ast.Call(func=ast.Name(id=name), args=args):
            return call(name, [value(each, row) for each in args])
    raise AssertionError(ast.dump(node))


def finite(compute):
    try:
        found = compute()
    except (OverflowError, ZeroDivisionError, ValueError):
        return None
    return found if isinstance(found, float) and math.isfinite(found) else None


def arithmetic(op, left, right):
    if left is None or right is None:
        return None
    compute = {
        ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
        ast.Mod: operator.mod, ast.Pow: operator.pow,
    }[type(op)]  # fmt: skip
    return finite(lambda: compute(float(left), float(right)))


def kleene_and(truths):
    if 0 in truths:
        return 0.0
    return None if None in truths else 1.0


def kleene_or(truths):
    if 1 in truths:
        return 1.0
    return None if None in truths else 0.0


def compared(op, left, right, row):
    if isinstance(op, ast.In | ast.NotIn):
        among = kleene_or([compared(ast.Eq(), left, each, row) for each in right.elts])
        if isinstance(op, ast.NotIn):
            return None if among is None else 1 - among
        return among
    other = value(right, row)
    if left is None or other is None:
        return None
    compare = {
        ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt,
        ast.GtE: operator.ge,
    }[type(op)]  # fmt: skip
    return float(compare(left, other))


def call(name, args):
    if name == "is_missing":
        return float(args[0] is None)
    if None in args:
        return None
    compute = {
        "log": math.log, "log1p": math.log1p, "exp": math.exp, "sqrt": math.sqrt, "abs": abs, "floor": math.floor,
        "round": round, "min": min, "max": max, "words": lambda text: len(text.split()), "length": len,
        "year": lambda when: when.year, "month": lambda when: when.month, "day": lambda when: when.day,
        "weekday": lambda when: when.weekday(), "hour": lambda when: when.hour,
    }[name]  # fmt: skip
    return finite(lambda: float(compute(args[0]) if len(args) == 1 and name not in ("min", "max") else compute(args)))
