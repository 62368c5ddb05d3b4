"""A row that can be sent as it is: for forms, for pages, for a first try."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from gyre.spec.columns import Column
from gyre.spec.model import ModelSpec

_MEDIAN = 4  # of the nine quantiles that a bundle's reference holds
_NO_WORDS = "a few words"


def example_row(spec: ModelSpec, reference: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """A value for each column that a prediction is made from: the usual one where the reference of a bundle tells it,
    else one that the column's own checks let through."""
    known = (reference or {}).get("features", {})
    needed = spec.needed
    return {name: _value(column, known.get(name, {})) for name, column in spec.columns.items() if name in needed}


def _value(column: Column, known: Mapping[str, Any]) -> Any:
    match column.type:
        case "category":
            usual = max(known.get("shares", {}).items(), key=lambda each: each[1], default=(None, 0))[0]
            return _fitting(usual if usual is not None else (column.values or ("example",))[0], column)
        case "text":
            return _fitting(_NO_WORDS, column)
        case "boolean":
            return _middle(known, 1.0) >= 0.5
        case "time":
            return datetime.fromtimestamp(_middle(known, 0.0), UTC).isoformat(timespec="seconds")
        case "integer" | "number":
            return _number(column, known)


def _middle(known: Mapping[str, Any], otherwise: float) -> float:
    quantiles = known.get("quantiles")
    return float(quantiles[_MEDIAN]) if quantiles else otherwise


def _number(column: Column, known: Mapping[str, Any]) -> float | int:
    low, high = column.range or (None, None)
    inside = [bound for bound in (low, high) if bound is not None]
    number = _middle(known, sum(inside) / len(inside) if inside else 1.0)
    if column.type == "number":
        return number
    whole = round(number)
    return whole + 1 if low is not None and whole < low else whole - 1 if high is not None and whole > high else whole


def _fitting(text: str, column: Column) -> str:
    return text if column.length is None else text[: column.length]
