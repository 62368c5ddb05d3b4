"""Production and challenger over a window: what each did, whether they differ, and what that means in a sentence."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from gyre.journal.record import JournalRecord
from gyre.trials.sides import Alike, Side, Sides, like_calls, sides
from gyre.trials.significance import LEVEL, distributions, proportions, quantile, ranks, wilson

MINIMUM = 30
"""Of each side; with fewer nothing is said about a difference."""

MOST_RECORDS = 20_000
"""Of a window that are read: the newest."""

Of = Literal["faults", "latency", "predictions", "confidence"]


@dataclass(frozen=True)
class Figures:
    """What one release did. What it never did is left out."""

    version: int
    calls: int
    rows: int
    failed: int
    """Rows that it was to answer and could not."""
    refused: int
    """Rows that break its rules, in calls that it had alone."""
    faults: float | None
    """The share of both among its rows."""
    faults_low: float | None
    faults_high: float | None
    """Its 95 % interval (Wilson)."""
    ms_p50: float | None
    """Milliseconds a row, the median of its calls."""
    ms_p95: float | None
    shares: dict[str, float] | None
    """Of its predictions, how many are each class."""
    mean: float | None
    """Of its predictions, where they are numbers."""
    confidence: float | None
    """The mean probability of what it predicted."""


@dataclass(frozen=True)
class Shadow:
    """How often both say the same about the same row."""

    rows: int
    agreeing: int
    agreement: float | None
    low: float | None
    high: float | None
    """Its 95 % interval (Wilson)."""
    unmatched: int
    """Rows of the shadow whose call is not in the window, or was not answered by production."""
    mean_difference: float | None
    """How far numbers are apart."""


@dataclass(frozen=True)
class Difference:
    """One test of significance: whether they differ in something."""

    of: Of
    method: str
    p: float | None
    """How often chance alone makes them differ as much; None: not enough data."""
    differs: bool | None
    says: str


@dataclass(frozen=True)
class Comparison:
    """The report."""

    records: int
    production: Figures
    challenger: Figures
    shadow: Shadow | None
    differences: tuple[Difference, ...]


def compare(records: Sequence[JournalRecord], production: int, challenger: int) -> Comparison:
    """From a model's records of a window."""
    found = sides(records, production, challenger)
    ours, theirs = found.production, found.challenger
    told = (_faults(ours, theirs), _latency(ours, theirs), _predictions(ours, theirs), _confidence(ours, theirs))
    return Comparison(len(records), _figures(ours), _figures(theirs), _shadow(found), told)


def alike(ours: Side, theirs: Side) -> Alike | None:
    """The kind of call that both had most often; None if they had none in common. A row costs less in a call of many,
    and more where it is explained: only like calls tell who is slower."""
    common = ours.times.keys() & theirs.times.keys()
    return max(common, key=lambda each: (min(len(ours.times[each]), len(theirs.times[each])), each), default=None)


def _figures(side: Side) -> Figures:
    times = sorted(time for each in side.times.values() for time in each)
    faults = side.failed + side.refused
    low, high = wilson(faults, side.rows) if side.rows else (None, None)
    total = side.classes.total()
    return Figures(
        side.version, side.calls, side.rows, side.failed, side.refused, faults / side.rows if side.rows else None,
        low, high, quantile(times, 0.5) if times else None, quantile(times, 0.95) if times else None,
        {name: count / total for name, count in sorted(side.classes.items())} or None, _mean(side.values),
        _mean(side.confidences),
    )  # fmt: skip


def _shadow(found: Sides) -> Shadow | None:
    it = found.agreement
    if not it.rows and not it.unmatched:
        return None
    low, high = wilson(it.agreeing, it.rows) if it.rows else (None, None)
    share = it.agreeing / it.rows if it.rows else None
    return Shadow(it.rows, it.agreeing, share, low, high, it.unmatched, _mean(it.differences))


def _faults(ours: Side, theirs: Side) -> Difference:
    counts = [(side.failed + side.refused, side.rows) for side in (theirs, ours)]

    def says(p: float) -> str:
        (one, of_one), (two, of_two) = counts
        facts = f"{one:,} of its {of_one:,} rows have no answer of its own, {two:,} of production's {of_two:,}"
        return f"{_start('The challenger fails', one / of_one, two / of_two, p, 'more often', 'less often')}: {facts}"

    method = "two proportions (Fisher's exact test where faults are rare)"
    return _test("faults", method, "rows", theirs.rows, ours.rows, lambda: proportions(*counts), says)


def _latency(ours: Side, theirs: Side) -> Difference:
    kind = alike(ours, theirs)
    if kind is None:
        return _too_few("latency", "Mann-Whitney", "like calls", 0, 0)
    one, two = sorted(theirs.times[kind]), sorted(ours.times[kind])

    def says(p: float) -> str:
        medians = quantile(one, 0.5), quantile(two, 0.5)
        facts = f"a row takes {_ms(medians[0])} in the median, against {_ms(medians[1])}"
        start = _start("The challenger is", *medians, p, "slower", "faster")
        return f"{start}: {facts} (calls {like_calls(kind)[1]})"

    return _test("latency", "Mann-Whitney", "like calls", len(one), len(two), lambda: ranks(one, two), says)


def _predictions(ours: Side, theirs: Side) -> Difference:
    counts = theirs.classes.total(), ours.classes.total()
    if any(counts) and (theirs.values or ours.values):
        says = "They cannot be compared: one predicts classes, the other numbers."
        return Difference("predictions", "none", None, None, says)
    if theirs.values or ours.values:
        return _numbers("predictions", "predicts", theirs.values, ours.values)

    def says_classes(p: float) -> str:
        shares = [{name: n / total for name, n in side.classes.items()}
                  for side, total in zip((theirs, ours), counts, strict=True)]  # fmt: skip
        names = sorted({*shares[0], *shares[1]})
        most = max(names, key=lambda name: abs(shares[0].get(name, 0) - shares[1].get(name, 0)))
        told = f"{most!r} is {_share(shares[0].get(most, 0))} of its answers, and {_share(shares[1].get(most, 0))}"
        start = "The challenger predicts other classes" if p < LEVEL else "No difference between the classes predicted"
        return f"{start}: {told} of production's"

    return _test(
        "predictions", "chi-square", "predictions", *counts,
        lambda: distributions(theirs.classes, ours.classes), says_classes,
    )  # fmt: skip


def _confidence(ours: Side, theirs: Side) -> Difference:
    return _numbers("confidence", "has a confidence of", theirs.confidences, ours.confidences)


def _numbers(of: Of, does: str, one: Sequence[float], two: Sequence[float]) -> Difference:
    def says(p: float) -> str:
        medians = quantile(sorted(one), 0.5), quantile(sorted(two), 0.5)
        facts = f"it {does} {medians[0]:.4g} in the median, production {medians[1]:.4g}"
        return f"{_start("The challenger's values are", *medians, p, 'higher', 'lower')}: {facts}"

    return _test(of, "Mann-Whitney", "values", len(one), len(two), lambda: ranks(one, two), says)


def _test(
    of: Of, method: str, what: str, one: int, two: int, compute: Callable[[], float], says: Callable[[float], str]
) -> Difference:  # fmt: skip
    if min(one, two) < MINIMUM:
        return _too_few(of, method, what, one, two)
    p = compute()
    return Difference(of, method, p, p < LEVEL, f"{says(p)}; chance alone makes them differ as much {_often(p)}.")


def _too_few(of: Of, method: str, what: str, one: int, two: int) -> Difference:
    needed = f"{MINIMUM} of each are needed"
    told = f"not enough data: {one:,} {what} of the challenger and {two:,} of production, and {needed}."
    return Difference(of, method, None, None, told)


def _start(start: str, one: float, two: float, p: float, more: str, less: str) -> str:
    if p >= LEVEL:
        return "No difference"
    if one == two:  # the ranks differ, though their middle does not
        return "The challenger's values are spread otherwise"
    return f"{start} {more if one > two else less}"


def _often(p: float) -> str:
    return "in fewer than 1 of 1,000 cases" if p < 0.001 else f"in {_share(p)} of cases"


def _share(share: float) -> str:
    return f"{share * 100:.3g} %"


def _ms(value: float) -> str:
    return f"{value:.3g} ms"


def _mean(values: Sequence[float]) -> float | None:
    """Of as large numbers as there are: their sum may be none."""
    return math.fsum(value / len(values) for value in values) if values else None
