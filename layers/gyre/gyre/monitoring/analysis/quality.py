"""Whether the window's columns hold what they held before: gaps, values never seen, values out of range, and the like.

Shares are those of NannyML's calculators of missing values, unseen values and ranges, with two differences. What is
usual of unseen values is what a row of the reference brings that the others of it do not have: rare categories and new
words do not count as long as they are no more frequent than before. And a range that model.yaml does not declare is a
little wider than what the reference happened to hold.
"""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from gyre.features.compute import Array, is_missing
from gyre.monitoring.analysis.significance import holm, p_of_means
from gyre.monitoring.analysis.words import unseen_words
from gyre.monitoring.found import Flaw, Kind, Qualities, Quality
from gyre.monitoring.side import Pair, names, numbers
from gyre.trials.significance import proportions

Numbers = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

LEVEL = 0.003
"""Of all checks of a look together: so often chance alone breaks one."""
LEAST_ROWS = 30
"""With fewer rows on either side nothing is broken."""
RISES: Mapping[Flaw, float] = {"missing": 0.02, "range": 0.02, "outliers": 0.02, "unseen": 0.01}
"""By how much a share of rows must rise to matter."""
WORDS_RISE = 0.05
"""By how much the share of a text's words that were never seen must rise to matter."""
WIDER = 0.1
"""A range that nobody declared is wider than the reference's on each side, by so much of its span."""
FENCE = 3.0
"""Numbers so many interquartile ranges outside the reference's quartiles are outliers, unless the column says else."""
MOST_EXAMPLES, LONGEST_EXAMPLE = 5, 60
# A rise of 2 in 100 is one of 0.02, whatever floating point makes of it.
_ROUNDING = 1e-12


@dataclass(frozen=True)
class _Share:
    """One check of one column: the share of rows then and now, and how often chance alone does as much."""

    column: str
    flaw: Flaw
    reference: float
    window: float
    p: float
    rows: int
    """Of the smaller side."""
    rise: float
    """That matters."""
    examples: tuple[str, ...] = ()

    def judged(self, adjusted: float | None) -> Quality:
        matters = self.window - self.reference >= self.rise - _ROUNDING and self.rows >= LEAST_ROWS
        return Quality(
            column=self.column, flaw=self.flaw, reference=self.reference, window=self.window, p=self.p,
            adjusted=adjusted, broken=matters and adjusted is not None and adjusted <= LEVEL, examples=self.examples,
        )  # fmt: skip


def quality(pair: Pair) -> Qualities:
    """Every check of every feature; what is broken stands first."""
    plain = tuple(_plain(pair))
    grave = {each.column for each in plain if each.flaw in ("absent", "all_missing")}
    both = pair.reference.columns.keys() & pair.window.columns.keys() - grave
    shares = [each for name in pair.features if name in both for each in _shares(pair, name)]
    judged = (each.judged(p) for each, p in zip(shares, holm([each.p for each in shares]), strict=True))
    return Qualities(checks=tuple(sorted((*plain, *judged), key=_rank)), level=LEVEL)


def _rank(check: Quality) -> tuple[bool, bool, float, float]:
    """Broken ones first, without a p before all others, then the least likely, then the greatest rise."""
    rise = (check.window or 0.0) - (check.reference or 0.0)
    return not check.broken, check.adjusted is not None, check.adjusted or 0.0, -rise


# --- what needs no share ----------------------------------------------------------------------------------------------


def _plain(pair: Pair) -> Iterator[Quality]:
    """Columns that are gone, empty, without variation, or new."""
    rows = len(pair.window)
    for name, kind in pair.features.items():
        if name not in pair.window.columns:
            if name in pair.reference.columns and rows:
                yield Quality(column=name, flaw="absent", broken=rows >= LEAST_ROWS)
            continue
        then = _known(pair.reference.columns.get(name, np.empty(0)), kind)
        now = _known(pair.window.columns[name], kind)
        if not len(then):
            continue
        if rows and not len(now):
            gaps = 1 - len(then) / len(pair.reference)
            yield Quality(column=name, flaw="all_missing", reference=gaps, window=1.0, broken=rows >= LEAST_ROWS)
        elif rows >= LEAST_ROWS and (value := _constant(then, now)) is not None:
            first = pair.window.columns[name][~_gaps(pair.window.columns[name], kind)][:1]
            told = first.astype("M8[s]").astype(str).tolist() if first.dtype.kind == "M" else [value]
            yield Quality(column=name, flaw="constant", examples=_told(told))
    yield from (Quality(column=name, flaw="new") for name in pair.new)


def _constant(then: Array, now: Array) -> object | None:
    """The one value that is left of many, unless chance alone does that: it always was nearly the only one."""
    value = now[0]
    if (now != value).any() or not (then != then[0]).any():
        return None
    # One row more on either side of the question: a value that the reference never had is not impossible.
    share = ((then == value).sum() + 1) / (len(then) + 2)
    return value if len(now) * math.log(share) <= math.log(LEVEL) else None


# --- shares -----------------------------------------------------------------------------------------------------------


def _shares(pair: Pair, name: str) -> Iterator[_Share]:
    kind = pair.features[name]
    then, now = pair.reference.columns[name], pair.window.columns[name]
    if not len(then) or not len(now):
        return
    gaps = _gaps(then, kind), _gaps(now, kind)
    yield _counted(name, "missing", *gaps)
    if gaps[0].all() or gaps[1].all():
        return
    if kind == "category":
        yield _unseen(name, names(then), names(now))
    elif kind == "text":
        yield from _unseen_words(name, then, now)
    elif then.dtype.kind != "M":  # of times each is later than all before
        yield from _far_out(pair, name, numbers(then), numbers(now))


def _counted(name: str, flaw: Flaw, then: Mask, now: Mask, examples: tuple[str, ...] = ()) -> _Share:
    p = proportions((int(then.sum()), len(then)), (int(now.sum()), len(now)))
    rows = min(len(then), len(now))
    return _Share(name, flaw, float(then.mean()), float(now.mean()), p, rows, RISES[flaw], examples)


def _unseen(name: str, then: Array, now: Array) -> _Share:
    """A value that one row of the reference has is unseen by all the others: so frequent are unseen ones as a rule."""
    counts = Counter(each for each in then if each is not None)
    alone = np.array([each is not None and counts[each] == 1 for each in then], bool)
    unseen = np.array([each is not None and each not in counts for each in now], bool)
    most = Counter(now[unseen]).most_common(MOST_EXAMPLES)
    found = _counted(name, "unseen", alone, unseen, _told([value for value, _ in most]))
    # Which values the reference happens to have is chance, too: by Esty (1983) those it has twice tell how much.
    twice = 2 * sum(count == 2 for count in counts.values())
    error = math.sqrt(alone.sum() * (1 - found.reference) + twice) / len(then)
    sides = (found.reference, error, len(then)), (found.window, _error(found.window, len(now)), len(now))
    # Where there is nothing rare, counts tell it.
    return replace(found, p=max(found.p, p_of_means(*sides))) if min(len(then), len(now)) > 1 else found


def _unseen_words(name: str, then: Array, now: Array) -> Iterator[_Share]:
    """By text, since the words of one text go together."""
    found = unseen_words(then, now, MOST_EXAMPLES)
    rows = min(len(found.reference), len(found.window))
    if rows < 2:
        return
    (usual, error, count), now_told = _mean(found.reference), _mean(found.window)
    then_told = (usual, error * found.wider, count)
    p = p_of_means(then_told, now_told)
    yield _Share(name, "unseen", usual, now_told[0], p, rows, WORDS_RISE, _told(found.examples))


def _error(share: float, rows: int) -> float:
    return math.sqrt(share * (1 - share) / rows)


def _mean(shares: Numbers) -> tuple[float, float, int]:
    """With its standard error, and of how many."""
    return float(shares.mean()), float(shares.std(ddof=1) / math.sqrt(len(shares))), len(shares)


def _far_out(pair: Pair, name: str, then: Numbers, now: Numbers) -> Iterator[_Share]:
    column = pair.spec.columns.get(name)
    known = then[~np.isnan(then)]
    least, greatest = float(known.min()), float(known.max())
    if column is not None and column.range is not None:
        low, high = column.range
        low, high = -math.inf if low is None else low, math.inf if high is None else high
    else:
        # Halves first: the span of very large numbers may be more than a float holds.
        wider = (greatest / 2 - least / 2) * 2 * WIDER
        low, high = least - wider, greatest + wider
    yield _outside(name, "range", then, now, low, high)
    first, third = (float(each) * 4 for each in np.quantile(known / 4, (0.25, 0.75)))
    reach = (column.outliers if column is not None else None) or FENCE
    with np.errstate(over="ignore"):
        yield _outside(name, "outliers", then, now, first - reach * (third - first), third + reach * (third - first))


def _outside(name: str, flaw: Flaw, then: Numbers, now: Numbers, low: float, high: float) -> _Share:
    before, outside = (then < low) | (then > high), (now < low) | (now > high)
    farthest = sorted(set(now[outside].tolist()), key=abs, reverse=True)
    return _counted(name, flaw, before, outside, _told(farthest))


# --- values -----------------------------------------------------------------------------------------------------------


def _gaps(values: Array, kind: Kind) -> Mask:
    if kind == "number":
        return np.isnan(numbers(values))
    return is_missing(names(values))


def _known(values: Array, kind: Kind) -> Array:
    told = numbers(values) if kind == "number" else names(values)
    return told[~_gaps(values, kind)]


def _told(values: Sequence[object]) -> tuple[str, ...]:
    texts = (f"{each:.9g}" if isinstance(each, float) else str(each) for each in values[:MOST_EXAMPLES])
    return tuple(each if len(each) <= LONGEST_EXAMPLE else each[: LONGEST_EXAMPLE - 1] + "…" for each in texts)
