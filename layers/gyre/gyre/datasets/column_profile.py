"""What the columns of accepted rows hold, found out batch by batch: a file of any size takes the same memory."""

import math
from dataclasses import dataclass
from hashlib import blake2b
from itertools import pairwise, product
from typing import Any
from zlib import crc32

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from gyre.datasets.report import Bar, ColumnProfile
from gyre.datasets.typed import ARROW_TYPES
from gyre.spec.columns import END_OF_TIME, FIRST_SECOND, ColumnType
from gyre.spec.model import ModelSpec

MOST_DISTINCT = 10_000
MOST_SAMPLED = 10_000
MOST_BARS = 20
_SEED = 7
# Of longer texts the beginning and a digest are kept: 10,000 of a book's length would not fit.
_LONGEST, _BEGINNING = 64, 48

_KINDS = {arrow: kind for kind, arrow in ARROW_TYPES.items() if kind != "text"}  # of a derived column
_NAMED: tuple[ColumnType, ...] = ("category", "boolean")
_Numbers = NDArray[np.float64 | np.int64]
# How long a bar over time may last, shortest first, in units of numpy.
_TIME_STEPS: dict[str, tuple[int, ...]] = {
    "us": (1, 10, 100), "ms": (1, 10, 100), "s": (1, 5, 15, 30), "m": (1, 5, 15, 30), "h": (1, 3, 6, 12),
    "D": (1, 2, 4, 7, 14), "M": (1, 3, 6), "Y": (1, 2, 5, 10, 20, 50, 100, 1_000),
}  # fmt: skip
_YEARS = (FIRST_SECOND * 10**6, END_OF_TIME * 10**6 - 1)  # in microseconds
_TO = " \u2013 "
_overflowing = np.errstate(over="ignore", invalid="ignore")  # what becomes infinite is left out of the profile


class Profiler:
    """Fed with the accepted rows, it knows at any time what they hold. However they are cut, it finds the same."""

    def __init__(self, spec: ModelSpec) -> None:
        self._spec = spec
        # What is computed from a personal value would tell it.
        self._personal = {name for name, column in spec.columns.items() if column.personal}
        self._personal |= {name for name, d in spec.derived.items() if self._personal & spec.inputs_of(d)}
        self._columns: dict[str, _Column] = {}

    def add(self, batch: pa.RecordBatch) -> None:
        for name, values in zip(batch.schema.names, batch.columns, strict=True):
            if name.startswith("_gyre"):
                continue
            if name not in self._columns:
                declared = self._spec.columns.get(name)
                kind = declared.type if declared else _KINDS[values.type]
                self._columns[name] = _Column(name, kind, name in self._personal)
            self._columns[name].add(values)

    @_overflowing
    def columns(self) -> tuple[ColumnProfile, ...]:
        return tuple(column.profile() for column in self._columns.values())


class _Column:
    """One column: its values as far as they differ, its figures, and a sample of them."""

    def __init__(self, name: str, kind: ColumnType, personal: bool) -> None:
        self._name, self._kind, self._personal = name, kind, personal
        self._count = self._missing = 0
        self._least, self._most = math.inf, -math.inf
        self._distinct = _Distinct(counted=kind in _NAMED and not personal)
        self._moments = _Moments()
        self._sample = _Sample(name)

    def add(self, values: pa.Array) -> None:
        present = values.cast(ARROW_TYPES[self._kind]).drop_null()
        if self._kind == "number":
            numbers = present.to_numpy(zero_copy_only=False)
            numbers = numbers[~np.isnan(numbers)] + 0.0  # there is one zero, not a negative one besides
            present = pa.array(numbers)
        self._count += len(values)
        self._missing += len(values) - len(present)
        self._distinct.add(present)
        if not self._personal and self._kind not in _NAMED:
            self._measure(present)

    def _measure(self, present: pa.Array) -> None:
        """The finite numbers themselves, the lengths of texts, the microseconds since 1970 of times."""
        lengths = pc.utf8_length(present) if self._kind == "text" else present
        values: _Numbers = (lengths if self._kind == "number" else lengths.cast(pa.int64())).to_numpy()
        values = np.clip(values, *_YEARS) if self._kind == "time" else values[np.isfinite(values)]
        if len(values):
            self._least = min(self._least, values.min().item())
            self._most = max(self._most, values.max().item())
            self._moments = self._moments.merged(_Moments.of(values))
            self._sample.add(values)

    def profile(self) -> ColumnProfile:
        found = self._distinct
        counts = (self._name, self._kind, self._count, self._missing, found.number, found.more)
        if self._personal or not (self._moments.count or self._kind in _NAMED):
            return ColumnProfile(*counts)
        if self._kind in _NAMED:
            return ColumnProfile(*counts, bars=_named_bars(found, self._count - self._missing))
        least, most, sample, total = self._least, self._most, self._sample.values, self._moments.count
        if self._kind == "time":
            bars = _time_bars(sample, int(least), int(most), total)
            return ColumnProfile(*counts, minimum=_iso(int(least)), maximum=_iso(int(most)), bars=bars)
        quarters = np.quantile(sample, (0.25, 0.5, 0.75))
        if self._kind == "integer" and found.number <= MOST_BARS:
            bars = tuple(Bar(str(value), count) for value, count in sorted(found.pairs()))
        else:
            bars = _number_bars(sample, least, most, total, whole=self._kind != "number")
        return ColumnProfile(
            *counts,
            minimum=least,
            maximum=most,
            mean=_safe(self._moments.mean),
            deviation=_safe(0.0 if least == most else math.sqrt(self._moments.squares / (total - 1))),
            quartiles=(*quarters.tolist(),) if np.isfinite(quarters).all() else None,
            bars=bars,
        )


class _Distinct:
    """The values that occur and how often, up to a limit; if `counted`, those seen first are counted beyond it."""

    def __init__(self, counted: bool) -> None:
        self.number, self.more = 0, False
        self._counted = counted
        self._values: pa.Array | None = None
        self._counts = np.empty(0, np.int64)

    def add(self, present: pa.Array) -> None:
        if self.more and not self._counted:
            return
        seen = pc.value_counts(present)
        values, counts = _short(seen.field("values")), seen.field("counts").to_numpy()
        known = values[:0] if self._values is None else self._values
        places = pc.index_in(values, value_set=known)
        self._counts[places.drop_null().to_numpy()] += counts[places.is_valid().to_numpy(zero_copy_only=False)]
        new = places.is_null()
        room = MOST_DISTINCT - len(known)
        fresh, number = values.filter(new)[:room], counts[new.to_numpy(zero_copy_only=False)][:room]
        self.more = self.more or pc.sum(new).as_py() not in (None, len(fresh))
        self._values = pa.concat_arrays([known, fresh]) if len(fresh) else known
        self._counts = np.concatenate((self._counts, number)) if len(fresh) else self._counts
        self.number = len(self._values)
        if self.more and not self._counted:
            self._values, self._counts = None, self._counts[:0]

    def pairs(self) -> list[tuple[Any, int]]:
        """Each value with its count, in the order of their first occurrence."""
        return [] if self._values is None else list(zip(self._values.to_pylist(), self._counts.tolist(), strict=True))


def _short(values: pa.Array) -> pa.Array:
    """Long texts by their beginning and a digest, so that they differ where the texts do."""
    if not pa.types.is_string(values.type):
        return values
    long = pc.greater(pc.utf8_length(values), _LONGEST)
    if not pc.any(long).as_py():
        return values
    texts = values.filter(long).to_pylist()
    keys = [text[:_BEGINNING] + blake2b(text.encode(), digest_size=16).hexdigest() for text in texts]
    return pc.replace_with_mask(values, long, pa.array(keys, pa.string()))


@dataclass(frozen=True)
class _Moments:
    """What Chan's formula merges without losing digits: how many, their mean, the squares of the distances from it."""

    count: int = 0
    mean: float = 0.0
    squares: float = 0.0

    @classmethod
    @_overflowing
    def of(cls, values: _Numbers) -> "_Moments":
        mean = float(values.mean(dtype=np.float64))
        return cls(len(values), mean, float(np.square(values - mean).sum()))

    def merged(self, other: "_Moments") -> "_Moments":
        count = self.count + other.count
        apart, part = other.mean - self.mean, other.count / count
        squares = self.squares + other.squares + apart * apart * self.count * part
        return _Moments(count, self.mean + apart * part, squares)


class _Sample:
    """Each value draws a lot and the lowest lots are kept: a uniform sample, the same however the rows are cut."""

    def __init__(self, name: str) -> None:
        self._random = np.random.Generator(np.random.SFC64([_SEED, crc32(name.encode())]))
        self._lots = np.empty(0)
        self.values: _Numbers = np.empty(0)
        self._limit = 1.0

    def add(self, values: _Numbers) -> None:
        lots = self._random.random(len(values))
        low = np.flatnonzero(lots < self._limit)
        lots = np.concatenate((self._lots, lots[low]))
        values = np.concatenate((self.values, values[low])) if len(self.values) else values[low]
        if len(lots) > MOST_SAMPLED:
            kept = np.argpartition(lots, MOST_SAMPLED - 1)[:MOST_SAMPLED]
            lots, values = lots[kept], values[kept]
            self._limit = float(lots.max())
        self._lots, self.values = lots, values


def _safe(figure: float) -> float | None:
    """JSON has no infinity."""
    return float(figure) if math.isfinite(figure) else None


def _iso(microseconds: int) -> str:
    unit = "us" if microseconds % 1_000_000 else "s"
    return str(np.datetime_as_string(np.datetime64(microseconds, "us").astype(f"M8[{unit}]"))) + "Z"


def _named_bars(found: _Distinct, present: int) -> tuple[Bar, ...]:
    """The most common categories; sorting keeps the first seen first among equals."""
    common = sorted(found.pairs(), key=lambda pair: -pair[1])[:MOST_BARS]
    others = present - sum(count for _, count in common)
    bars = tuple(Bar(_label(value), count) for value, count in common)
    return (*bars, Bar("others", others)) if others else bars


def _label(value: str | bool) -> str:
    text = str(value).lower() if isinstance(value, bool) else value
    return text if len(text) <= _LONGEST else text[:_BEGINNING] + "…"


def _core(sample: _Numbers, least: float, most: float) -> tuple[float, float]:
    """Where the bars stand: if the outermost hundredths lie far off, without them, or one bar would hold the rest."""
    near, far = np.quantile(sample, (0.01, 0.99)).tolist()
    return (near, far) if 0 < 3 * (far - near) < most - least else (least, most)


def _number_bars(sample: _Numbers, least: float, most: float, total: int, whole: bool) -> tuple[Bar, ...]:
    """Bars of a round width. The lower end of a range belongs to it, the upper one to the next, if there is one."""
    if least == most:
        return (Bar(f"{least:.15g}", total),)
    low, high = _core(sample, least, most)
    if not max(1e-300, 1e-9 * max(abs(low), abs(high))) < high - low < math.inf:
        return (Bar(f"{least:.15g}{_TO}{most:.15g}", total),)
    lowest = math.floor(math.log10((high - low) / MOST_BARS))
    for exponent, factor in product(range(max(lowest, 0) if whole else lowest, 400), (1, 2, 5)):
        step = float(f"{factor}e{exponent}")
        first, last = math.floor(low / step), math.floor(high / step) + 1 if whole else math.ceil(high / step)
        if last - first <= MOST_BARS - 2:  # two more may be open
            break
    edges = [float(f"{at * factor}e{exponent}") for at in range(first, last + 1)]
    plain = exponent >= -6 and max(abs(edges[0]), abs(edges[-1])) < 1e15
    ends = [f"{edge:.{max(0, -exponent)}f}" if plain else f"{edge:.12g}" for edge in edges]
    uppers = [f"{edge - 1:.0f}" for edge in edges[1:]] if whole and plain else ends[1:]
    names = [a if a == b else f"{a}{_TO}{b}" for a, b in zip(ends, uppers, strict=False)]
    places = np.minimum(np.searchsorted(edges, sample, side="right"), len(edges) - (most <= edges[-1]))
    return _bars([f"below {ends[0]}", *names, f"{ends[-1]} and more"], places, total)


def _time_bars(sample: _Numbers, least: int, most: int, total: int) -> tuple[Bar, ...]:
    """Bars of a usual length of time, from microseconds to centuries."""
    low, high = _core(sample, least, most)
    for unit, width in ((unit, width) for unit, widths in _TIME_STEPS.items() for width in widths):
        first, last = _in_unit(np.array([low, high], np.int64), unit, width).tolist()
        if last - first < MOST_BARS - 2:
            break
    starts = (np.arange(first, last + 2) * width).astype(f"M8[{unit}]")
    places = np.clip(_in_unit(sample, unit, width) - first + 1, 0, len(starts))
    names = [_span(start, end, unit) for start, end in pairwise(starts)]
    return _bars([f"before {_shown(starts[0])}", *names, f"{_shown(starts[-1])} and later"], places, total)


def _in_unit(microseconds: _Numbers, unit: str, width: int) -> NDArray[np.int64]:
    return microseconds.astype("M8[us]").astype(f"M8[{unit}]").astype(np.int64) // width


def _span(start: np.datetime64, end: np.datetime64, unit: str) -> str:
    """Days and longer by the first and the last; shorter ones from the beginning to the beginning of the next."""
    if unit in "DMY":
        last = (end.astype(np.int64) - 1).astype(end.dtype)
        return str(start) if last == start else f"{start}{_TO}{last}"
    begin, stop = _shown(start), _shown(end)
    return f"{begin}{_TO}{stop[11:] if stop[:10] == begin[:10] else stop}"


def _shown(start: np.datetime64) -> str:
    return str(start.astype("M8[m]") if start.dtype == np.dtype("M8[h]") else start).replace("T", " ")


def _bars(names: list[str], places: NDArray[np.int64], total: int) -> tuple[Bar, ...]:
    """The counts of a sample, raised to all values so that they sum up; the open ends only if something is there."""
    counts = np.bincount(places, minlength=len(names))
    raised = np.diff(np.rint(np.cumsum([0, *counts]) * (total / len(places)))).astype(int).tolist()
    bars = [Bar(name, count) for name, count in zip(names, raised, strict=True)]
    return tuple(bar for at, bar in enumerate(bars) if bar.count or 0 < at < len(bars) - 1)
