"""What a model must reach before it may be released, judged: one rule for each kind of gate, no figure passed over."""

import difflib
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Self

from gyre.errors import NotFound
from gyre.run_folder import RunFolder
from gyre.spec.policy import Gates, Limit

JUDGEMENT = "judgement.json"
_MEGABYTE = 1_000_000
_EXACT = 1e-9  # figures are floats: 0.81 - 0.80 is a little more than 0.01
_MOST_NAMES = 8

Gate = Literal["metrics", "fairness", "champion", "baseline", "latency", "size"]
Figures = Mapping[str, float | None]


@dataclass(frozen=True)
class Champion:
    """The new model beside the champion, on the same rows."""

    version: int
    rows: int
    unseen_rows_only: bool
    """Whether the champion was trained on none of these rows; if it was on some, they flatter it."""
    ours: float | None
    theirs: float | None
    difference: float | None
    """How much better ours is: above 0 is better, whichever way the metric goes."""
    low: float | None
    high: float | None
    """Its 95 % interval."""
    because: str | None = None
    """Why there is no difference."""


@dataclass(frozen=True)
class Asked:
    """All that gates look at. What could not be measured is None."""

    figures: Figures
    metric: str
    higher_is_better: bool
    baseline: float | None
    """The metric of the model that always says the same."""
    champion: Champion | None
    """None if there is no champion yet."""
    latency_ms: float | None
    bundle_bytes: int
    fairness: Figures = field(default_factory=dict)


@dataclass(frozen=True)
class Verdict:
    """One gate."""

    gate: Gate
    figure: str
    value: float | None
    limit: str | None
    """In words: at least 0.75."""
    passed: bool | None
    """None if it was not asked for."""
    because: str


@dataclass(frozen=True)
class Judgement:
    """Every gate, also those that were not asked for."""

    verdicts: tuple[Verdict, ...]

    @property
    def passed(self) -> bool:
        """No gate failed."""
        return not self.failed

    @property
    def failed(self) -> tuple[Verdict, ...]:
        return tuple(each for each in self.verdicts if each.passed is False)

    @property
    def words(self) -> str:
        """In a sentence, for a notice."""
        asked = sum(each.passed is not None for each in self.verdicts)
        if not self.failed:
            return f"All {asked} gates passed."
        return f"{len(self.failed)} of {asked} gates failed: {'; '.join(each.because for each in self.failed)}"

    def to_json(self) -> dict[str, Any]:
        return {"passed": self.passed, "verdicts": [asdict(each) for each in self.verdicts]}

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Self:
        return cls(tuple(Verdict(**each) for each in told["verdicts"]))


def judge(gates: Gates, asked: Asked) -> Judgement:
    """Holds a model against every gate."""
    return Judgement(tuple(verdict for rule in _RULES for verdict in rule(gates, asked)))


def keep_judgement(judgement: Judgement, folder: RunFolder) -> str:
    """In the folder of the run that asked; returns its key."""
    return folder.write_json(JUDGEMENT, judgement.to_json())


def read_judgement(folder: RunFolder) -> Judgement | None:
    """What was judged in a run, if it came that far."""
    try:
        return Judgement.from_json(folder.read_json(JUDGEMENT))
    except NotFound:
        return None


def _metrics(gates: Gates, asked: Asked) -> Iterator[Verdict]:
    if not gates.metrics:
        yield _not_asked("metrics", "any figure", "gates.metrics names no figure")
    for name, limit in gates.metrics.items():
        yield _limited("metrics", name, limit, asked.figures, "the evaluation")


def _fairness(gates: Gates, asked: Asked) -> Iterator[Verdict]:
    if not gates.fairness:
        yield _not_asked("fairness", "any figure", "gates.fairness names no figure")
    for name, limit in gates.fairness.items():
        if any(_measured(value) for value in asked.fairness.values()):
            yield _limited("fairness", name, limit, asked.fairness, "the comparison of groups")
        else:
            because = f"{name} cannot be told: no two groups of a protected column have rows enough to be compared"
            yield Verdict("fairness", name, None, _words(limit), False, because)


def _champion(gates: Gates, asked: Asked) -> Iterator[Verdict]:
    tolerance, found, name = gates.champion_tolerance, asked.champion, f"{asked.metric} against the champion"
    if tolerance is None:
        yield _not_asked("champion", name, "gates.champion_tolerance is null")
        return
    limit = f"at least {_text(-tolerance) if tolerance else 0}"
    if found is None:
        yield Verdict("champion", name, None, limit, True, "nothing else serves that it could be worse than")
        return
    rows = f"{found.rows:,} rows"
    rows += "" if found.unseen_rows_only else ", some of which the champion was trained on"
    if not _measured(found.difference):
        why = f": {found.because}" if found.because else f", on {rows}"
        because = f"it could not be compared with the champion, version {found.version}{why}"
        yield Verdict("champion", name, None, limit, False, because)
        return
    difference = found.difference or 0.0
    passed = difference >= -tolerance - _EXACT
    told = f"{asked.metric} is {_four(found.ours)}, and {_four(found.theirs)} of the champion, version {found.version}"
    sure = f" ({_four(found.low)} to {_four(found.high)})" if _measured(found.low) and _measured(found.high) else ""
    gain = f"a gain of {_near(difference, -tolerance)}{sure}"
    yield Verdict("champion", name, difference, limit, passed, f"{told}: {gain} on {rows}, {limit} is asked")


def _baseline(gates: Gates, asked: Asked) -> Iterator[Verdict]:
    name, ours, theirs = asked.metric, asked.figures.get(asked.metric), asked.baseline
    if not gates.baseline:
        yield _not_asked("baseline", name, "gates.baseline is false")
        return
    side = "above" if asked.higher_is_better else "below"
    if ours is None or theirs is None or not _measured(ours) or not _measured(theirs):
        what = f"{name} of the baseline" if _measured(ours) else name
        yield Verdict("baseline", name, _finite(ours), None, False, f"{what} could not be measured")
        return
    gained = ours - theirs if asked.higher_is_better else theirs - ours
    passed = gained > _EXACT
    limit = f"{side} {_four(theirs)}"
    verb = "is" if passed else "is not"
    because = f"{name}, {_near(ours, theirs)}, {verb} {side} the {_four(theirs)} of a model that always says the same"
    yield Verdict("baseline", name, ours, limit, passed, because)


def _latency(gates: Gates, asked: Asked) -> Iterator[Verdict]:
    if gates.latency_ms is None:
        yield _not_asked("latency", "milliseconds", "gates.latency_ms is null")
        return
    limit = Limit(at_most=gates.latency_ms)
    yield _limited("latency", "milliseconds", limit, {"milliseconds": asked.latency_ms}, "the compile step")


def _size(gates: Gates, asked: Asked) -> Iterator[Verdict]:
    limit = Limit(at_most=gates.bundle_mb)
    yield _limited("size", "megabytes", limit, {"megabytes": asked.bundle_bytes / _MEGABYTE}, "the compile step")


_RULES: Sequence[Callable[[Gates, Asked], Iterator[Verdict]]] = (
    _metrics, _baseline, _champion, _fairness, _latency, _size,
)  # fmt: skip


def _limited(gate: Gate, name: str, limit: Limit, figures: Figures, told_by: str) -> Verdict:
    """A figure between bounds. One that nobody knows fails, because a misspelt gate must never pass."""
    if name not in figures:
        because = f"{told_by} has no {name}: it is misspelt, or could not be measured{_alike(name, figures)}"
        return Verdict(gate, name, None, _words(limit), False, because)
    value = figures[name]
    if value is None or not _measured(value):
        return Verdict(gate, name, None, _words(limit), False, f"{name} could not be measured")
    if limit.at_least is None and limit.at_most is None:
        return Verdict(gate, name, value, None, None, f"no bound of {name} is declared")
    if limit.at_least is not None and value < limit.at_least - _EXACT:
        bound, side = limit.at_least, "below"
    elif limit.at_most is not None and value > limit.at_most + _EXACT:
        bound, side = limit.at_most, "above"
    else:
        return Verdict(gate, name, value, _words(limit), True, f"{name} is {_four(value)}, {_words(limit)} is asked")
    return Verdict(gate, name, value, _words(limit), False, f"{name} is {_near(value, bound)}, {side} {_text(bound)}")


def _alike(name: str, figures: Figures) -> str:
    small = {each.lower(): each for each in figures}
    close = [small[each] for each in difflib.get_close_matches(name.lower(), small, _MOST_NAMES // 2, 0.5)]
    if close:
        return f"; did you mean {' or '.join(close)}?"
    names = sorted(figures)
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return f"; it has {', '.join(names[:_MOST_NAMES])}{more}" if names else ""


def _words(limit: Limit) -> str | None:
    bounds = [
        f"{side} {_text(bound)}"
        for side, bound in (("at least", limit.at_least), ("at most", limit.at_most))
        if bound is not None
    ]
    return " and ".join(bounds) or None


def _not_asked(gate: Gate, figure: str, because: str) -> Verdict:
    return Verdict(gate, figure, None, None, None, f"not asked: {because}")


def _measured(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


def _finite(value: float | None) -> float | None:
    return value if _measured(value) else None


def _text(value: float | None, digits: int = 10) -> str:
    """As people write it; bounds to the letter."""
    if value is None or not math.isfinite(value):
        return "none"
    if not value or not 1e-4 <= abs(value) < 1e15:
        return f"{value:.{digits}g}"
    told = f"{value:,.{max(0, digits - 1 - math.floor(math.log10(abs(value))))}f}"
    return told.rstrip("0").rstrip(".") if "." in told else told


def _four(value: float | None) -> str:
    return _text(value, 4)


def _near(value: float, limit: float | None = None) -> str:
    """Four digits, or as many as tell it from the limit."""
    return next((told for digits in (4, 6, 9) if (told := _text(value, digits)) != _text(limit, digits)), repr(value))
