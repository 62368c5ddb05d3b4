"""Prometheus' text format, version 0.0.4: each family is described once, before its samples."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import inf, isnan
from typing import Literal

# The values of a family's labels, in the order of their names: what stands in a mapping by them stands there once.
Values = tuple[str, ...]


@dataclass(frozen=True)
class Family:
    """Figures of one name."""

    name: str
    kind: Literal["gauge", "counter"]
    labels: tuple[str, ...]
    tells: str

    def lines(self, samples: Mapping[Values, float]) -> list[str]:
        """Nothing at all where there is no sample."""
        return _described(self, [_line(self.name, zip(self.labels, values, strict=True), figure)
                                 for values, figure in samples.items()])  # fmt: skip


@dataclass(frozen=True)
class Spread:
    """How figures spread over the bounds of a histogram."""

    within: tuple[int, ...]
    """How many lie at or below each bound."""
    count: int
    total: float

    def __add__(self, other: "Spread") -> "Spread":
        within = tuple(map(sum, zip(self.within, other.within, strict=True)))
        return Spread(within, self.count + other.count, self.total + other.total)


@dataclass(frozen=True)
class Histogram:
    """Spreads of one name."""

    name: str
    labels: tuple[str, ...]
    tells: str
    bounds: Sequence[float]
    kind: Literal["histogram"] = "histogram"

    def lines(self, samples: Mapping[Values, Spread]) -> list[str]:
        lines = []
        for values, spread in samples.items():
            named = list(zip(self.labels, values, strict=True))
            for bound, many in zip((*self.bounds, inf), (*spread.within, spread.count), strict=True):
                lines.append(_line(f"{self.name}_bucket", [*named, ("le", _figure(bound))], many))
            lines.append(_line(f"{self.name}_sum", named, spread.total))
            lines.append(_line(f"{self.name}_count", named, spread.count))
        return _described(self, lines)


def _described(family: Family | Histogram, lines: list[str]) -> list[str]:
    told = family.tells.replace("\\", "\\\\").replace("\n", "\\n")
    return [f"# HELP {family.name} {told}", f"# TYPE {family.name} {family.kind}", *lines] if lines else []


def _line(name: str, labels: Iterable[tuple[str, str]], figure: float) -> str:
    told = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels)
    return f"{name}{{{told}}} {_figure(figure)}" if told else f"{name} {_figure(figure)}"


def _escaped(text: str) -> str:
    """NUL ends the text for those who read it."""
    return text.replace("\0", "\ufffd").replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _figure(figure: float) -> str:
    if isnan(figure):
        return "NaN"
    if figure in (inf, -inf):
        return "+Inf" if figure > 0 else "-Inf"
    return str(int(figure)) if figure == int(figure) and abs(figure) < 2**53 else repr(float(figure))
