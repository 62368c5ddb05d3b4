"""A small model.yaml that is right and one that says something of everything, for tests that make them wrong."""

from typing import Any

from gyre.spec.check import check
from gyre.spec.document import Fault

SMALL = """\
model: loans
task: binary
target: repaid
columns:
  income: {type: number}
  age: {type: integer}
  purpose: {type: category, values: [car, house]}
  letter: {type: text}
  applied: {type: time}
  member: {type: boolean}
  repaid: {type: boolean}
"""
# Something of every section that other sections speak of.
RIGHT: dict[str, Any] = {
    "model": "loans",
    "task": "binary",
    "target": "repaid",
    "time": "applied",
    "columns": {
        "income": {"type": "number", "range": [0, 5], "actions": {"range": "clip"}, "protected": True},
        "purpose": {
            "type": "category", "values": ["a", "b"], "ordered": True, "prepare": {"impute": "constant", "fill": "a"},
        },
        "applied": {"type": "time"},
        "repaid": {"type": "boolean"},
    },
    "derived": {
        "rich": {"formula": "income > 1"}, "part": {"bin": "income", "edges": [1, 2], "labels": ["l", "m", "h"]},
    },
    "filter": "income > 0",
    "rules": [{"name": "one", "check": "income > 0"}, {"name": "two", "check": "purpose == 'a'"}],
    "split": {"by": "time", "test": 0.3, "reference": 0.3},
    "training": {"estimators": ["boosting"], "space": {"boosting": {"depth": [1, 2]}}, "metric": "accuracy"},
    "gates": {"metrics": {"accuracy": {"at_least": 0.5}}, "fairness": {"gap": {"at_most": 0.1}}},
    "monitoring": {"thresholds": {"income": 0.1, "rich": 0.1}},
    "retrain": {"verdicts": 3, "of_last": 4},
}  # fmt: skip
# What may stand in the place of any value of it.
VALUES: list[Any] = [None, True, 0, -1, 0.5, "", "x", "`", [], [1], [[]], {}, {"a": 1}, {"type": "number"}]


def with_column(**fields: Any) -> str:
    """`SMALL` with one more column, `extra`, in the last line of its columns: line 12."""
    written = ", ".join(f"{name}: {value}" for name, value in fields.items())
    return f"{SMALL}  extra: {{{written}}}\n"


def faults(text: str | bytes) -> list[Fault]:
    return check(text)[1]


def told(text: str | bytes) -> list[tuple[str, str]]:
    """Field and message of every fault."""
    return [(fault.field, fault.message) for fault in faults(text)]


def places(text: str | bytes) -> list[tuple[int | None, int | None, str]]:
    """Line, column and field of every fault."""
    return [(fault.line, fault.column, fault.field) for fault in faults(text)]


def paths(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Of everything in it, itself first."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [at, *(path for key, each in inner for path in paths(each, (*at, key)))]


def replaced(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """A copy with something else at the path."""
    if not path:
        return new
    copied = value.copy()
    copied[path[0]] = replaced(copied[path[0]], path[1:], new)
    return copied
