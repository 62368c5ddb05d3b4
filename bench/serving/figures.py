"""Samples of several sides, taken in turn, and what one is to another."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Promise:
    """At most so large a share of what another side takes."""

    what: str
    ours: str
    theirs: str
    most: float


@dataclass(frozen=True)
class Ratio:
    """Of medians, over all; the least and the most of the rounds', each of which compares what was measured at once."""

    median: float
    least: float
    most: float


class Samples:
    """Seconds by what was measured, side and round."""

    def __init__(self) -> None:
        self._rounds: dict[tuple[str, str], list[list[float]]] = {}

    def add(self, what: str, side: str, seconds: Sequence[float]) -> None:
        """One round of one side."""
        self._rounds.setdefault((what, side), []).append(list(seconds))

    def __iter__(self) -> Iterator[tuple[str, str, list[list[float]]]]:
        for (what, side), rounds in self._rounds.items():
            yield what, side, rounds

    def rounds(self, what: str, side: str) -> list[list[float]]:
        return self._rounds[what, side]


def ratio(ours: Sequence[Sequence[float]], theirs: Sequence[Sequence[float]]) -> Ratio:
    """Round by round, as they were taken."""
    each = [median(mine) / median(other) for mine, other in zip(ours, theirs, strict=True)]
    every = [[seconds for one in rounds for seconds in one] for rounds in (ours, theirs)]
    return Ratio(median(every[0]) / median(every[1]), min(each), max(each))


def told(promise: Promise, samples: Samples) -> tuple[str, dict[str, float]]:
    """A line for whoever looks on, and the figures for the file."""
    found = ratio(samples.rounds(promise.what, promise.ours), samples.rounds(promise.what, promise.theirs))
    name = f"{promise.what}: {promise.ours} / {promise.theirs}"
    verdict = "kept" if found.median <= promise.most else "NOT kept"
    line = (
        f"{name} = {as_share(found.median)} ({as_share(found.least)} to {as_share(found.most)}), "
        f"promised {as_share(promise.most)}: {verdict}"
    )
    figures = {"median": found.median, "least": found.least, "most": found.most, "promised": promise.most}
    return line, {f"{name}: {what}": value for what, value in figures.items()}


def as_share(value: float) -> str:
    """As the README says it: 1/12, or 1.7 times."""
    return f"1/{1 / value:.1f}".replace(".0", "") if value < 1 else f"{value:.2f} times"
