"""The places where a search may look, estimator by estimator, and draws from them that never come twice."""

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from gyre.spec.model import ModelSpec
from gyre.spec.policy import Bound, Estimator
from gyre.training.candidates import Identities
from gyre.training.estimators import Between, OneOf, Space, space_of
from gyre.training.fitting import Candidate

# Up to so many points are told one by one; of more there is always another one to draw.
_LISTED = 5_000
_MISSES = 1_000
# Significant digits of a drawn number: people read them.
_DIGITS = 4
_LEAST_STEPS, _MOST_STEPS = 3, 7


@dataclass(frozen=True)
class Box:
    """The space of one estimator."""

    estimator: Estimator
    space: Space

    @property
    def size(self) -> float:
        """How many points there are; infinite, if one of the parameters may be any number."""
        return math.prod(map(_size, self.space.values()))

    def at(self, index: int) -> Candidate:
        """The point of this number, of finitely many."""
        parameters: dict[str, Bound] = {}
        for name, where in self.space.items():
            index, place = divmod(index, int(_size(where)))
            parameters[name] = where.values[place] if isinstance(where, OneOf) else int(where.low) + place
        return Candidate(self.estimator, parameters)

    def drawn(self, draw: np.random.Generator) -> Candidate:
        """Any point."""
        return Candidate(self.estimator, {name: _drawn(where, draw) for name, where in self.space.items()})

    def points(self, draw: np.random.Generator) -> Iterator[Candidate]:
        """Points without an end; few of them in any order, each once."""
        if self.size > _LISTED:
            while True:
                yield self.drawn(draw)
        yield from (self.at(int(index)) for index in draw.permutation(int(self.size)))

    def gridded(self, points: float) -> "Box":
        """Ranges cut into steps: as many as so few points allow, but at least three."""
        for steps in range(_MOST_STEPS, _LEAST_STEPS, -1):
            cut = replace(self, space={name: _cut(where, steps) for name, where in self.space.items()})
            if cut.size <= points:
                return cut
        return replace(self, space={name: _cut(where, _LEAST_STEPS) for name, where in self.space.items()})


class Draws:
    """Points of several boxes in turn, none of which is taken."""

    def __init__(self, spec: ModelSpec, boxes: Sequence[Box], taken: Collection[Candidate], seed: int) -> None:
        self._identity = Identities(spec)
        self._taken = {self._identity.of(each) for each in taken}
        # A sequence of its own for each box: what one gives does not depend on how often the others were asked.
        seeds = np.random.SeedSequence(seed).spawn(len(boxes))
        self._open = [box.points(np.random.default_rng(each)) for box, each in zip(boxes, seeds, strict=True)]
        self._turn = 0

    def take(self, candidate: Candidate) -> bool:
        """Whether it was not taken before; now it is."""
        name = self._identity.of(candidate)
        new = name not in self._taken
        self._taken.add(name)
        return new

    def next(self) -> Candidate | None:
        """None, when all boxes are used up."""
        while self._open:
            at = self._turn % len(self._open)
            for candidate, _ in zip(self._open[at], range(_MISSES), strict=False):
                if self.take(candidate):
                    self._turn = at + 1
                    return candidate
            del self._open[at]
            self._turn = at
        return None


def boxes_of(spec: ModelSpec) -> list[Box]:
    """By estimator, or `Invalid` for a parameter that it does not have."""
    return [Box(name, space_of(spec, name)) for name in dict.fromkeys(spec.training.estimators)]


def rounded(value: float, where: Between) -> float:
    """As people write it, and still between the bounds."""
    return min(max(float(f"{value:.{_DIGITS}g}"), where.low), where.high)


def _size(where: OneOf | Between) -> float:
    if isinstance(where, OneOf):
        return len(where.values)
    return int(where.high) - int(where.low) + 1 if where.whole else math.inf


def _drawn(where: OneOf | Between, draw: np.random.Generator) -> Bound:
    if isinstance(where, OneOf):
        return where.values[int(draw.integers(len(where.values)))]
    if not where.whole:
        low, high = (math.log(where.low), math.log(where.high)) if where.log else (where.low, where.high)
        value = float(draw.uniform(low, high))
        return rounded(math.exp(value) if where.log else value, where)
    if not where.log:
        return int(draw.integers(int(where.low), int(where.high) + 1))
    # Half a number beyond both ends, so that they are as likely as their neighbours.
    value = math.exp(draw.uniform(math.log(where.low - 0.5), math.log(where.high + 0.5)))
    return min(max(round(value), int(where.low)), int(where.high))


def _cut(where: OneOf | Between, steps: int) -> OneOf:
    if isinstance(where, OneOf):
        return where
    spaced = np.geomspace(where.low, where.high, steps) if where.log else np.linspace(where.low, where.high, steps)
    between = (round(each) if where.whole else rounded(each, where) for each in spaced[1:-1].tolist())
    return OneOf(tuple(dict.fromkeys((where.low, *between, where.high))))
