"""Expressions over columns, as rules and derived features use them: parsed and typed here, computed in gyre.features.

Python's own parser reads them, and a short list says what may stand in them: nothing in an expression can call, import
or reach anything but columns and these functions."""

import ast
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import count
from typing import Literal

Kind = Literal["number", "text", "truth", "time"]

_ARITHMETIC = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Pow, ast.Mod)
_ORDERS = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)
_EQUALS = (ast.Eq, ast.NotEq)
_MEMBERSHIP = (ast.In, ast.NotIn)
# Length and depth are limited, so that no expression can exhaust the parser or whoever walks through what it read.
_MOST_CHARACTERS = 2_000
_MOST_NODES = 500
_MOST_LEVELS = 100
# Text in quotes stays as it is; a name in backticks, or one that Python would normalise (µ to μ), gets a stand-in.
_NAMES = re.compile(r"""("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|`([^`]+)`|[^\W\d](?:\w|[^\x00-\x7f])*""", re.DOTALL)
_STAND_IN = "_column_{}_"

# name -> (kinds of the arguments, kind of the result); "…" in front: one or more of this kind.
FUNCTIONS: Mapping[str, tuple[tuple[str, ...], Kind]] = {
    **dict.fromkeys(("log", "log1p", "exp", "sqrt", "abs", "round", "floor"), (("number",), "number")),
    "min": (("…number",), "number"),
    "max": (("…number",), "number"),
    "is_missing": (("any",), "truth"),
    "words": (("text",), "number"),
    "length": (("text",), "number"),
    **dict.fromkeys(("year", "month", "day", "weekday", "hour"), (("time",), "number")),
}


class ExpressionError(ValueError):
    """What is wrong with an expression, in words for the person who wrote it."""


@dataclass(frozen=True)
class Expression:
    """A parsed expression; `names` gives the column behind each identifier in `tree`."""

    text: str
    tree: ast.expr
    names: Mapping[str, str]

    @property
    def columns(self) -> frozenset[str]:
        """The columns it needs."""
        return frozenset(self.names.values())


@lru_cache(maxsize=4096)
def parse(text: str) -> Expression:
    """Reads an expression, once for all rows and calls, or says what in it cannot stand there."""
    if len(text) > _MOST_CHARACTERS:
        raise ExpressionError(f"it has {len(text):,} characters, and {_MOST_CHARACTERS:,} are the limit: split it")
    odd: dict[str, str] = {}

    def stand_in(found: re.Match[str]) -> str:
        name = found[2] or found[0]
        if found[1] or (not found[2] and (name.isascii() or not name.isidentifier())):
            return found[0]
        free = (_STAND_IN.format(n) for n in count(len(odd)))
        identifier = next(each for each in free if each not in text and each not in odd)
        odd[identifier] = name
        return identifier

    try:
        tree = ast.parse(_NAMES.sub(stand_in, text).strip(), mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        raise ExpressionError(
            f"{text[:200]!r} is not an expression; a name with spaces stands in `backticks`"
        ) from None
    nodes = _nodes(tree)
    called = {id(node.func) for node in nodes if isinstance(node, ast.Call)}
    names = {n.id: n.id for n in nodes if isinstance(n, ast.Name) and id(n) not in called} | odd
    return Expression(text, tree, names)


def _nodes(tree: ast.expr) -> list[ast.AST]:
    """Every part of an expression, level by level, if there are not too many."""
    nodes: list[ast.AST] = []
    level: list[ast.AST] = [tree]
    for _ in range(_MOST_LEVELS):
        nodes += level
        level = [child for node in level for child in ast.iter_child_nodes(node)]
        if len(nodes) > _MOST_NODES:
            raise ExpressionError(f"it has more than {_MOST_NODES} parts: split it")
        if not level:
            return nodes
    raise ExpressionError(f"it is nested more than {_MOST_LEVELS} levels deep: split it")


def kind_of(expression: Expression, kinds: Mapping[str, Kind]) -> Kind:
    """What it computes over columns of these kinds, or `ExpressionError`: a comparison of words with numbers, say."""
    try:
        return _kind(expression.tree, lambda identifier: _column_kind(expression.names[identifier], kinds))
    except ExpressionError as error:
        told = str(error)
        for identifier, column in expression.names.items():
            if identifier != column:
                told = told.replace(identifier, f"`{column}`")
        raise ExpressionError(told) from None


def _column_kind(column: str, kinds: Mapping[str, Kind]) -> Kind:
    if column not in kinds:
        raise ExpressionError(f"{column!r} is not a declared column that can be computed with")
    return kinds[column]


def _kind(node: ast.expr, column: Callable[[str], Kind]) -> Kind:  # noqa: PLR0911  # a case per kind of node
    match node:
        case ast.Constant(value=bool()):
            return "truth"
        case ast.Constant(value=int() | float() as number) if abs(number) <= sys.float_info.max:
            return "number"
        case ast.Constant(value=str()):
            return "text"
        case ast.Name(id=identifier):
            return column(identifier)
        case ast.BinOp(left=left, op=op, right=right) if isinstance(op, _ARITHMETIC):
            _expect("number", left, column)
            return _expect("number", right, column)
        case ast.UnaryOp(op=ast.USub() | ast.UAdd(), operand=operand):
            return _expect("number", operand, column)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return _expect("truth", operand, column)
        case ast.BoolOp(values=values):
            for each in values:
                _expect("truth", each, column)
            return "truth"
        case ast.Compare(left=left, ops=ops, comparators=comparators):
            return _comparison(left, ops, comparators, column)
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if name in FUNCTIONS:
            return _call(name, args, column)
    raise ExpressionError(_refusal(node))


def _refusal(node: ast.expr) -> str:
    match node:
        case ast.Constant(value=int() | float()):
            return "a number in it is too large to compute with"
        case ast.Call(func=ast.Name(id=name)) if name in FUNCTIONS:
            return f"{name}(…) takes its arguments without names"
        case ast.Call(func=ast.Name(id=name)):
            return f"there is no function {name!r}; there are: {', '.join(sorted(FUNCTIONS))}"
    return f"{ast.unparse(node)[:100]!r} cannot stand in an expression"


def _expect(wanted: Kind, node: ast.expr, column: Callable[[str], Kind]) -> Kind:
    found = _kind(node, column)
    if found == wanted or (wanted == "number" and found == "truth"):  # a truth counts as 1 or 0
        return wanted
    raise ExpressionError(f"{ast.unparse(node)[:100]!r} is a {found}, and a {wanted} is needed there")


def _comparison(
    left: ast.expr, ops: list[ast.cmpop], comparators: list[ast.expr], column: Callable[[str], Kind]
) -> Kind:
    for op, right in zip(ops, comparators, strict=True):
        kind = _kind(left, column)
        if isinstance(op, _MEMBERSHIP):
            if not isinstance(right, ast.List | ast.Tuple) or not all(_is_value(each) for each in right.elts):
                raise ExpressionError("after `in` stands a list of values: [1, 2] or ['a', 'b']")
            for each in right.elts:
                _same(kind, each, column)
        elif isinstance(op, _ORDERS):
            _expect("number", left, column)
            _expect("number", right, column)
        elif isinstance(op, _EQUALS):
            _same(kind, right, column)
        else:
            raise ExpressionError("`is` cannot stand in an expression: use == or is_missing(…)")
        left = right
    return "truth"


def _is_value(node: ast.expr) -> bool:
    return isinstance(node.operand if isinstance(node, ast.UnaryOp) else node, ast.Constant)


def _same(kind: Kind, right: ast.expr, column: Callable[[str], Kind]) -> None:
    found = _kind(right, column)
    if {kind, found} <= {"number", "truth"}:
        return
    if found != kind or kind == "time":
        raise ExpressionError(f"{ast.unparse(right)[:100]!r} is a {found}, and cannot equal a {kind}")


def _call(name: str, args: list[ast.expr], column: Callable[[str], Kind]) -> Kind:
    wanted, result = FUNCTIONS[name]
    kinds = [_kind(each, column) for each in args]
    expected = [wanted[0].removeprefix("…")] * max(len(args), 1) if wanted[0].startswith("…") else list(wanted)
    fits = len(kinds) == len(expected) and all(
        want in (kind, "any") or (want == "number" and kind == "truth")
        for kind, want in zip(kinds, expected, strict=True)
    )
    if not fits:
        raise ExpressionError(f"{name}({', '.join(kinds)}) does not go: it takes {', '.join(expected)}")
    return result
