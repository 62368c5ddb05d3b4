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
_MOST_UNLABELLED = 0.1
_PERSONAL = re.compile(r"(^|[^a-z])(e-?mail|phone|mobile|((first|last|full|sur)_?)?name|address|iban|ssn)([^a-z]|$)")
_PROTECTED = re.compile(r"(^|[^a-z])(gender|sex|race|ethnic\w*|religion|nationality|disab\w*|marital\w*)([^a-z]|$)")
_ID = re.compile(r"(^|.*[_ -])(id|uuid|guid)|key|identifier")
_MAIL = r"^[^@\s]+@[^@\s]+\.[a-zA-Z]{2,}$"
# As numbers they would lose their zeros, or their last digits.
_CODE = r"^[-+]?(0[0-9]+|[0-9]{20,})$"


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
    def is_id(self) -> bool:
        """No value occurs twice, and it is called like a name of rows or is no list of categories."""
        if self.distinct < self.rows or self.rows < 2 or self.type not in ("integer", "category", "text"):
            return False
        return _ID.fullmatch(_words(self.name)) is not None or (self.type == "category" and self.values is None)

    @property
    def can_be_target(self) -> bool:
        if self.distinct < 2 or self.personal or self.is_id or self.missing > _MOST_UNLABELLED * self.rows:
            return False
        return self.values is not None or self.type in ("number", "integer", "boolean")


def guess(name: str, cells: pa.Array, reading: Reading) -> Guess:
    """Looks at the texts of one column."""
    trimmed = pc.utf8_trim_whitespace(cells)
    present = trimmed.filter(pc.invert(pc.or_kleene(pc.is_null(trimmed), pc.is_in(trimmed, pa.array(reading.missing)))))
    texts = pc.unique(present)
    kind = _type(texts, reading)
    if kind == "category" and _is_prose(present, len(texts)):
        kind = "text"
    found = typed(texts, Column(type=kind), reading).values
    distinct = int(pc.count_distinct(found).as_py())  # 1 and 1.0 are one
    personal = bool(_PERSONAL.search(_words(name))) or _is_mail(present)
    values = bounds = None
    if kind == "category" and 0 < distinct <= _MOST_VALUES and not personal:
        values = tuple(sorted(texts.to_pylist()))
    if kind in ("number", "integer"):
        bounds = _bounds(as_numpy(found), whole=kind == "integer")
    has_groups = kind in ("category", "boolean") or (kind == "integer" and distinct <= _FEW)
    protected = has_groups and bool(_PROTECTED.search(_words(name)))
    return Guess(name, kind, len(cells), len(cells) - len(present), distinct, bounds, values, personal, protected)


def guess_decimal(columns: list[pa.Array]) -> Reading:
    """`1,5` is a number where more columns hold fractions written that way than the other."""
    readings = (Reading(), Reading(decimal=","))
    distinct = [pc.unique(each) for each in columns]
    points, commas = (sum(_has_fractions(each, reading) for each in distinct) for reading in readings)
    return readings[commas > points]


def _has_fractions(texts: pa.Array, reading: Reading) -> bool:
    marked = pc.any(pc.match_substring(texts, reading.decimal)).as_py()
    return bool(marked) and _is_numeric(texts, reading)


def _type(texts: pa.Array, reading: Reading) -> ColumnType:
    if pc.any(pc.match_substring_regex(texts, _CODE)).as_py():
        return "category"
    for kind in ("boolean", "integer", "number", "time"):
        found = typed(texts, Column(type=kind), reading)
        holds = found.values.null_count < len(texts) and not found.failed.any()
        if holds and not (kind == "boolean" and _is_numeric(texts, reading) and len(texts) < 2):
            return kind
    return "category"


def _is_numeric(texts: pa.Array, reading: Reading) -> bool:
    return not typed(texts, Column(type="number"), reading).failed.any()


def _words(name: str) -> str:
    """customerId and Customer-ID are customer_id and customer-id."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def _is_mail(present: pa.Array) -> bool:
    """Most of them: a few that were mistyped make the others no less personal."""
    first = present.slice(0, 1_000)
    return len(first) > 0 and 2 * pc.sum(pc.match_substring_regex(first, _MAIL)).as_py() > len(first)


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
    if not 1e-290 < margin < 1e290:  # no figures are round there
        return low, high
    power = math.floor(math.log10(margin))
    power = max(power, 0) if whole else power
    step, digits = 10.0**power, max(-power, 0)
    least = round(math.floor((low - margin) / step) * step, digits)
    most = round(math.ceil((high + margin) / step) * step, digits)
    # Figures of this size may be rounded by more than the margin.
    return min(max(least, 0.0) if low >= 0 else least, low), max(most, high)
