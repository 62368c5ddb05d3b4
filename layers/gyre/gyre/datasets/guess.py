"""What a column of text cells seems to be: for a first model.yaml that a person edits."""

import math
import re
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gyre.datasets.rows import as_numpy
from gyre.datasets.typed import typed
from gyre.spec.columns import Column, ColumnType
from gyre.spec.reading import Reading

# More different values than this are no list that a person would keep.
_MOST_VALUES = 50
_FEW = 20
_PERSONAL = re.compile(r"(^|[^a-z])(e-?mail|phone|mobile|((first|last|full|sur)_?)?name|address|iban|ssn)([^a-z]|$)")
_PROTECTED = re.compile(r"(^|[^a-z])(gender|sex|race|ethnic\w*|religion|nationality|disab\w*|marital\w*)([^a-z]|$)")
_MAIL = r"^[^@\s]+@[^@\s]+\.[a-zA-Z]{2,}$"


@dataclass(frozen=True)
class Guess:
    """One column as it seems to be."""

    name: str
    type: ColumnType
    rows: int
    missing: int
    distinct: int
    range: tuple[float, float] | None = None
    values: tuple[str, ...] | None = None
    personal: bool = False
    protected: bool = False

    @property
    def is_unique(self) -> bool:
        return self.distinct == self.rows - self.missing and self.missing == 0 and self.rows > 1


def guess(name: str, cells: pa.Array, reading: Reading) -> Guess:
    """Looks at the texts of one column."""
    trimmed = pc.utf8_trim_whitespace(cells)
    present = trimmed.filter(pc.invert(pc.or_kleene(pc.is_null(trimmed), pc.is_in(trimmed, pa.array(reading.missing)))))
    rows, missing = len(cells), len(cells) - len(present)
    distinct = pc.unique(present)
    words = name.lower()
    personal = bool(_PERSONAL.search(words)) or _is_mail(present)
    protected = bool(_PROTECTED.search(words))
    kind = _type(distinct, reading)
    if kind == "category" and _is_prose(present, len(distinct)):
        kind = "text"
    values = bounds = None
    if kind == "category" and len(distinct) <= _MOST_VALUES and not personal:
        values = tuple(sorted(distinct.to_pylist()))
    if kind in ("number", "integer"):
        bounds = _bounds(as_numpy(typed(distinct, Column(type=kind), reading).values), whole=kind == "integer")
    return Guess(name, kind, rows, missing, len(distinct), bounds, values, personal, protected and kind == "category")


def guess_decimal(columns: list[pa.Array]) -> Reading:
    """`1,5` is a number where more columns become numbers that way than the other."""
    readings = (Reading(), Reading(decimal=","))
    counts = [sum(_type(pc.unique(each), reading) == "number" for each in columns) for reading in readings]
    return readings[1] if counts[1] > counts[0] else readings[0]


def _type(distinct: pa.Array, reading: Reading) -> ColumnType:
    for kind in ("boolean", "integer", "number", "time"):
        found = typed(distinct, Column(type=kind), reading)
        holds = found.values.null_count < len(distinct) and not found.failed.any()
        if holds and not (kind == "boolean" and _is_numeric(distinct, reading) and len(distinct) < 2):
            return kind
    return "category"


def _is_numeric(distinct: pa.Array, reading: Reading) -> bool:
    return not typed(distinct, Column(type="number"), reading).failed.any()


def _is_mail(present: pa.Array) -> bool:
    return len(present) > 0 and bool(pc.all(pc.match_substring_regex(present.slice(0, 1_000), _MAIL)).as_py())


def _is_prose(present: pa.Array, distinct: int) -> bool:
    """Words of people, and not names of things: several words in most cells, and hardly two that are equal."""
    if distinct <= _FEW or not len(present):
        return False
    spaces = np.asarray(pc.count_substring(present.slice(0, 10_000), " "))
    return bool(np.median(spaces) >= 2) and distinct > 0.3 * len(present)


def _bounds(values: np.ndarray, *, whole: bool) -> tuple[float, float] | None:
    """A little wider than what was seen, to round figures; never below 0 if nothing was."""
    seen = values[~np.isnan(values)]
    if not len(seen):
        return None
    low, high = float(seen.min()), float(seen.max())
    margin = (high - low or abs(high) or 1.0) * 0.1
    step = 10.0 ** math.floor(math.log10(margin))
    step = max(step, 1.0) if whole else step
    least = math.floor((low - margin) / step) * step
    most = math.ceil((high + margin) / step) * step
    return round(max(least, 0.0) if low >= 0 else least, 12), round(most, 12)
