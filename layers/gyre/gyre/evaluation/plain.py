"""Results as JSON holds them: no NaN, no infinity, no array."""

import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np


def plain(told: Any) -> Any:
    """Lists, maps, texts and numbers; what is no finite number is null."""
    match told:
        case None | bool() | str() | int():
            return told
        case float() | np.floating():
            return float(told) if math.isfinite(told) else None
        case np.generic():
            return told.item()
        case Mapping():
            return {str(name): plain(value) for name, value in told.items()}
        case list() | tuple() | np.ndarray():
            return [plain(each) for each in told]
    if is_dataclass(told):
        return {each.name: plain(getattr(told, each.name)) for each in fields(told)}
    raise TypeError(f"{type(told).__name__} has no form in JSON")


def number(value: float) -> float | None:
    """The figure, or None where there is none."""
    return float(value) + 0.0 if math.isfinite(value) else None  # and no -0.0


def rounded(value: float) -> float:
    """Enough for a picture, and half the bytes."""
    return float(f"{value:.5g}")
