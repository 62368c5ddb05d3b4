"""Figures over the parts of a window, as lines with the level beyond which they matter."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from gyre.datasets.report_parts import number, shown
from gyre.monitoring.found import Point
from gyre.monitoring.report.charts import picture
from gyre.monitoring.report.words import day, told

_SPARK_WIDE, _SPARK_HIGH = 320, 62
_WIDE, _HIGH = 460, 216
_LEFT, _RIGHT, _TOP, _BOTTOM = 50, 12, 14, 26
_MOST_POINTS = 120
Place = Callable[[float], float]


@dataclass(frozen=True)
class Line:
    """One course in a picture, and what it is called in the style."""

    name: str
    css: str
    points: tuple[Point, ...]


def spark(points: Sequence[Point], limit: float | None, what: str, css: str = "now") -> str:
    """The course of one figure over the window's parts, with the line above which it matters."""
    there = _only(points)
    if not there:
        return ""
    thin = thinned(points, 0.0)
    bound = _sound(limit)
    y = _scale([0.0, *_only(thin), *([bound] if bound is not None else [])], _SPARK_HIGH - 6, 8)
    x = _times(thin, 6, _SPARK_WIDE - 6)
    line = f'<path class="limit" d="M0 {y(bound):.1f}H{_SPARK_WIDE}"/>' if bound is not None else ""
    dots = "".join(
        f'<circle class="{"over-limit" if bound is not None and value > bound else "under"}" cx="{x[at]:.1f}" '
        f'cy="{y(value):.1f}" r="2.6"/>'
        for at, value in _there(thin)
    )
    said = f"{what} over {number(len(points))} part{'s' * (len(points) != 1)} of the window"
    way = f"from {told(there[0])} to {told(there[-1])}, at most {told(max(there))}"
    way += f"; it matters above {told(bound)}" if bound is not None else ""
    floor = f'<path class="grid" d="M0 {y(0.0):.1f}H{_SPARK_WIDE}"/>'
    drawn = f'{floor}{line}<path class="{css}" d="{_runs(thin, x, y)}"/>{dots}'
    return f"<figure>{picture('spark', _SPARK_WIDE, _SPARK_HIGH, said, way, drawn)}{_span(points)}</figure>"


def course(lines: Sequence[Line], expected: float | None, limit: float | None, metric: str) -> str:
    """One metric over time: each line with the band of its interval, the level expected, the level that is too bad."""
    lines = [Line(each.name, each.css, tuple(thinned(each.points, expected or 0.0))) for each in lines]
    lines = [each for each in lines if _only(each.points)]
    if not lines:
        return ""
    every = [point for each in lines for point in each.points]
    levels = {
        css: level for css, each in (("expected", expected), ("limit", limit)) if (level := _sound(each)) is not None
    }
    bounds = [level for point in every for each in (point.low, point.high) if (level := _sound(each)) is not None]
    heights = [*_only(every), *levels.values(), *bounds]
    y = _scale(heights, _HIGH - _BOTTOM, _TOP)
    right = _WIDE - _RIGHT
    span = (min(each.start for each in every), max(each.end for each in every))
    drawn = "".join(
        f'<path class="grid" d="M{_LEFT} {y(tick):.1f}H{right}"/>'
        f'<text class="end" x="{_LEFT - 6}" y="{y(tick) + 4:.1f}">{told(tick)}</text>'
        for tick in _ticks(min(heights), max(heights))
    )
    drawn += "".join(f'<path class="{css}" d="M{_LEFT} {y(level):.1f}H{right}"/>' for css, level in levels.items())
    for each in lines:
        drawn += _drawn(each, _times(each.points, _LEFT + 8, right - 8, span), y)
    # Over all lines, so that they can be read; apart from each other, the upper one above its line.
    for at, (css, level) in enumerate(sorted(levels.items(), key=lambda each: -each[1])):
        drawn += f'<text class="end tag" x="{right}" y="{y(level) + (12 if at else -4):.1f}">{css} {told(level)}</text>'
    drawn += (
        f'<text class="start" x="{_LEFT}" y="{_HIGH - 6}">{_when(span[0], span)}</text>'
        f'<text class="end" x="{right}" y="{_HIGH - 6}">{_when(span[1], span)}</text>'
    )
    ends = "; ".join(
        f"{each.name} from {told(_only(each.points)[0])} to {told(_only(each.points)[-1])}" for each in lines
    )
    said = f"{ends}; expected {told(expected)}, limit {told(limit)}"
    return picture("course", _WIDE, _HIGH, f"{shown(metric)} over the window", said, drawn)


def _drawn(line: Line, x: Sequence[float], y: Place) -> str:
    bands = "".join(
        f'<path class="band {line.css}" d="M{"L".join(f"{x[at]:.1f} {y(high):.1f}" for at, _, high in run)}'
        f'L{"L".join(f"{x[at]:.1f} {y(low):.1f}" for at, low, _ in reversed(run))}z"/>'
        for run in _bands(line.points)
    )
    square = line.css == "realised"
    dots = "".join(
        f'<rect class="{line.css} dot" x="{x[at] - 3:.1f}" y="{y(value) - 3:.1f}" width="6" height="6"/>'
        if square
        else f'<circle class="{line.css} hollow" cx="{x[at]:.1f}" cy="{y(value):.1f}" r="3"/>'
        for at, value in _there(line.points)
    )
    return f'{bands}<path class="{line.css}" d="{_runs(line.points, x, y)}"/>{dots}'


def _bands(points: Sequence[Point]) -> Iterator[list[tuple[int, float, float]]]:
    """Neighbours that have an interval; a band needs two of them."""
    run: list[tuple[int, float, float]] = []
    for at, each in enumerate(points):
        low, high = _sound(each.low), _sound(each.high)
        if low is not None and high is not None:
            run.append((at, low, high))
            continue
        yield from [run] if len(run) > 1 else []
        run = []
    yield from [run] if len(run) > 1 else []


def thinned(points: Sequence[Point], centre: float) -> Sequence[Point]:
    """At most so many that a picture can show: of neighbours the one that is furthest off."""
    if len(points) <= _MOST_POINTS:
        return points
    size = math.ceil(len(points) / _MOST_POINTS)
    groups = (points[at : at + size] for at in range(0, len(points), size))
    return [
        max(group, key=lambda each: -1.0 if (value := _sound(each.value)) is None else abs(value / 2 - centre / 2))
        for group in groups
    ]


def _runs(points: Sequence[Point], x: Sequence[float], y: Place) -> str:
    """A line that is broken where there is no figure."""
    drawn, pen = "", "M"
    for at, each in enumerate(points):
        value = _sound(each.value)
        drawn += "" if value is None else f"{pen}{x[at]:.1f} {y(value):.1f}"
        pen = "M" if value is None else "L"
    return drawn


def _times(
    points: Sequence[Point], left: float, right: float, span: tuple[datetime, datetime] | None = None
) -> list[float]:
    """Where each part's middle stands; side by side where all happened at once."""
    first, last = span or (min(each.start for each in points), max(each.end for each in points))
    whole = (last - first).total_seconds()
    if whole <= 0:
        return [left + (right - left) * (at + 0.5) / len(points) for at in range(len(points))]
    middles = (((each.start - first) + (each.end - first)).total_seconds() / 2 for each in points)
    return [left + (right - left) * min(1.0, max(0.0, each / whole)) for each in middles]


def _scale(values: Sequence[float], bottom: float, top: float) -> Place:
    """From figures to heights. In halves: the difference of the largest floats is no float."""
    low, high = min(values), max(values)
    wide = high / 2 - low / 2

    def y(value: float) -> float:
        part = (value / 2 - low / 2) / wide if wide else 0.5
        return bottom - (bottom - top) * part

    return y


def _ticks(low: float, high: float) -> list[float]:
    """A few round figures from one to the other."""
    width = high / 4 - low / 4
    if not width or not math.isfinite(width) or abs(width) < 1e-300:
        return [low]
    power = 10.0 ** math.floor(math.log10(width))
    step = next(each * power for each in (1, 2, 5, 10, 20) if each * power >= width)
    first = math.ceil(low / step)
    found = [each * step for each in range(first, first + 6) if each * step <= high]
    return found if all(math.isfinite(each) for each in found) else []


def _span(points: Sequence[Point]) -> str:
    span = (min(each.start for each in points), max(each.end for each in points))
    return (
        f'<figcaption class="split"><span>{_when(span[0], span)}</span><span>{_when(span[1], span)}</span></figcaption>'
    )


def _when(at: datetime, span: tuple[datetime, datetime]) -> str:
    """The day, and the minute where all happened within two days."""
    return day(at) if (span[1] - span[0]).days >= 2 else f"{at:%m-%d %H:%M}"


def _there(points: Sequence[Point]) -> Iterator[tuple[int, float]]:
    for at, each in enumerate(points):
        if (value := _sound(each.value)) is not None:
            yield at, value


def _only(points: Sequence[Point]) -> list[float]:
    return [value for _, value in _there(points)]


def _sound(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
