"""One prediction's explanation as a picture: from the base value, feature by feature, to the score.

SVG with the reader's own font and colours: no script, nothing fetched, no plotting library on the request path."""

import math
import sys
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from xml.sax.saxutils import escape

MOST = 12  # so that the picture stays below 20 KB whatever stands in it

_WIDTH, _ROW, _BAR, _HEAD = 760, 30, 18, 6
_NAMES, _VALUES, _LEFT, _RIGHT, _FIGURES = 20, 300, 324, 636, 740
_TOP = 58
# Widths of texts, in common small letters; fonts differ, so there is room to spare.
_NAME, _VALUE, _TITLE, _UNIT, _WHOLE = 24.0, 15.0, 84.0, 40.0, 60.0
# What turns the direction of all that follows it, and what XML or a screen has no form for.
_TURNS = frozenset("\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff\ufffe\uffff")
_STYLE = (
    ".gyre-waterfall:root{color-scheme:light dark}"
    ".gyre-waterfall text{font:13px system-ui,sans-serif;fill:currentColor;font-variant-numeric:tabular-nums}"
    ".gyre-waterfall .h{font-size:15px;font-weight:600}"
    ".gyre-waterfall .b{font-weight:600}"
    ".gyre-waterfall .q{fill-opacity:.68}"
    ".gyre-waterfall .s{font-size:11px}"
    ".gyre-waterfall .e{text-anchor:end}"
    ".gyre-waterfall .m{text-anchor:middle}"
    ".gyre-waterfall .l{stroke:currentColor;stroke-opacity:.14;fill:none}"
    ".gyre-waterfall .d{stroke:currentColor;stroke-opacity:.5;fill:none;stroke-dasharray:2 3}"
    ".gyre-waterfall .p{fill:#0072b2}"
    ".gyre-waterfall .n{fill:#d55e00}"
    ".gyre-waterfall .k{fill:currentColor}"
    ".gyre-waterfall .z{fill:currentColor;fill-opacity:.4}"
    "@media(prefers-color-scheme:dark){.gyre-waterfall .p{fill:#56b4e9}.gyre-waterfall .n{fill:#ff9b57}}"
)


@dataclass(frozen=True)
class _Bar:
    """One step of the way, in the picture's own scale."""

    name: str
    value: str
    contribution: float
    start: float
    end: float


@dataclass(frozen=True)
class _Way:
    """All steps, and the figures that they are told in."""

    bars: tuple[_Bar, ...]
    base: float
    total: float
    scale: float
    """What a figure was divided by to stand in the bars: sums of the largest floats would be infinite."""

    @property
    def ends(self) -> tuple[float, float]:
        places = [self.base / self.scale, self.total / self.scale, *(bar.end for bar in self.bars)]
        return min(places), max(places)


def waterfall(
    base_value: float,
    explanation: Sequence[tuple[str, Any, float]],
    total: float,
    *,
    title: str,
    unit: str,
    most: int = 10,
) -> str:
    """The picture: the largest contributions first, what is left of the way to `total` as one bar."""
    way = _way(base_value, explanation, total, max(1, min(most, MOST)))
    finest = _finest(abs(bar.contribution) for bar in way.bars)
    low, high = way.ends
    room = (high - low) * 0.04 or max(abs(low), 1.0) * 0.04
    low, high = low - room, high + room

    def x(place: float) -> float:
        return _LEFT + (place - low) / (high - low) * (_RIGHT - _LEFT)

    bottom = _TOP + _ROW * (len(way.bars) + 2)
    base, score = x(way.base / way.scale), x(way.total / way.scale)
    height = bottom + 46
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="gyre-waterfall" role="img" width="{_WIDTH}" height="{height}" '
        f'viewBox="0 0 {_WIDTH} {height}" style="max-width:100%;height:auto">',
        f"<title>{_text(title, _WHOLE)}</title><desc>{_description(way, unit, finest)}</desc><style>{_STYLE}</style>",
        f'<text class="h" x="{_NAMES}" y="30">{_text(title, _TITLE)}</text>',
        *_axis(way, x, low, high, bottom, unit),
        f'<path class="d" d="M{base:.1f} {_TOP + _ROW // 2}V{bottom}"/>',
        _row(_TOP, "base value", "", _figure(way.base, finest), "q"),
        _mark(base, _TOP),
        *(_step(bar, x, _TOP + _ROW * (at + 1), finest) for at, bar in enumerate(way.bars)),
        f'<path class="l" d="M{_NAMES} {bottom - _ROW}H{_FIGURES}"/>',
        _row(bottom - _ROW, "score", "", _figure(way.total, finest), "b"),
        _mark(score, bottom - _ROW),
        "</svg>",
    ]
    return "".join(lines)


def _way(base: float, explanation: Sequence[tuple[str, Any, float]], total: float, most: int) -> _Way:
    """What is no finite number counts as nothing: a picture of the rest is better than none."""
    base, total = _finite(base), _finite(total)
    told = [(name, value, _finite(each)) for name, value, each in explanation]
    told.sort(key=lambda each: -abs(each[2]))
    shown, rest = (told[:most], told[most:]) if len(told) > most + 1 else (told, [])
    largest = max(abs(base), abs(total), *(abs(each) for *_, each in told), 0.0)
    scale = 10.0 ** max(-300, math.floor(math.log10(largest))) if largest else 1.0
    bars: list[_Bar] = []
    place = base / scale
    for name, value, each in shown:
        bars.append(_Bar(_cut(name, _WHOLE), _cut(_shown(value), _WHOLE), each, place, place + each / scale))
        place = bars[-1].end
    left = total / scale - place
    # A gap that rounding does not explain: who asked for the largest contributions alone was told no others.
    least = 1e-6 * max(abs(base), abs(total)) + 1e-4 * max((abs(each) for *_, each in told), default=0.0)
    is_whole = abs(left - sum(each / scale for *_, each in rest)) <= least / scale
    if rest or not is_whole:
        name = f"{len(rest)} others" if rest and is_whole else "all others"
        much = max(-sys.float_info.max, min(left * scale, sys.float_info.max))
        bars.append(_Bar(name, "", much, place, total / scale))
    return _Way(tuple(bars), base, total, scale)


def _axis(way: _Way, x: Callable[[float], float], low: float, high: float, bottom: int, unit: str) -> Iterator[str]:
    """A few round figures below, with a faint line through all rows."""
    step = _round_step((high - low) / 4)
    first = math.ceil(low / step)
    ticks = [each * step for each in range(first, first + 7) if each * step <= high]
    if 0 < step * way.scale < math.inf and len({x(tick) for tick in ticks}) == len(ticks):
        for tick in ticks:
            if math.isfinite(tick * way.scale):
                told = _figure(tick * way.scale, step * way.scale)
                yield f'<path class="l" d="M{x(tick):.1f} {_TOP}V{bottom + 4}"/>'
                yield f'<text class="q s m" x="{x(tick):.1f}" y="{bottom + 18}">{told}</text>'
    told = _text(unit.replace("_", " "), _UNIT)
    yield f'<text class="q s m" x="{(_LEFT + _RIGHT) / 2:g}" y="{bottom + 36}">{told}</text>'


def _step(bar: _Bar, x: Callable[[float], float], top: int, finest: float) -> str:
    """One bar, which points to where it leads, and the line on to the next."""
    start, end = x(bar.start), x(bar.end)
    kind = "p" if bar.contribution > 0 else "n" if bar.contribution < 0 else "z"
    upper, lower = top + (_ROW - _BAR) / 2, top + (_ROW + _BAR) / 2
    if abs(end - start) < 2 * _HEAD:  # too short to point anywhere: its colour and figure tell
        left, wide = min(start, end), max(abs(end - start), 1.5)
        shape = f'<path class="{kind}" d="M{left:.1f} {upper:g}h{wide:.1f}V{lower:g}h-{wide:.1f}z"/>'
    else:
        neck = end - math.copysign(_HEAD, end - start)
        shape = (
            f'<path class="{kind}" d="M{start:.1f} {upper:g}H{neck:.1f}L{end:.1f} {top + _ROW / 2:g}'
            f'L{neck:.1f} {lower:g}H{start:.1f}z"/>'
        )
    sign = "+" if bar.contribution > 0 else ""
    row = _row(top, bar.name, bar.value, f"{sign}{_figure(bar.contribution, finest)}")
    return f'{row}{shape}<path class="l" d="M{end:.1f} {top + _ROW / 2:g}v{_ROW}"/>'


def _row(top: int, name: str, value: str, figure: str, kind: str = "") -> str:
    """The texts of a row. Who points at one that was cut short is told it whole."""
    y = top + _ROW / 2 + 4.5
    short, brief = _cut(name, _NAME), _cut(value, _VALUE)
    whole = f"<title>{escape(name)}{escape(f': {value}') if value else ''}</title>"
    return (
        f"<g>{whole if (short, brief) != (name, value) else ''}"
        f'<text class="{kind}" x="{_NAMES}" y="{y:g}">{escape(short)}</text>'
        + (f'<text class="q e" x="{_VALUES}" y="{y:g}">{escape(brief)}</text>' if brief else "")
        + f'<text class="{kind} e" x="{_FIGURES}" y="{y:g}">{figure}</text></g>'
    )


def _mark(x: float, top: int) -> str:
    return f'<circle class="k" cx="{x:.1f}" cy="{top + _ROW / 2:g}" r="4"/>'


def _description(way: _Way, unit: str, finest: float) -> str:
    """The picture in words, for those who hear it."""
    steps = ""
    for bar in way.bars:
        value = f" ({_cut(bar.value, _VALUE)})" if bar.value else ""
        steps += f"; {_cut(bar.name, _NAME)}{value} {_figure(bar.contribution, finest)}"
    unit = _cut(unit.replace("_", " "), _UNIT)
    return escape(f"In {unit}: base value {_figure(way.base, finest)}{steps}; score {_figure(way.total, finest)}.")


def _shown(value: Any) -> str:
    """A feature's value as a person would write it."""
    match value:
        case None:
            return "missing"
        case bool():
            return "true" if value else "false"
        case float():
            return "missing" if math.isnan(value) else f"{value:.6g}".replace("-", "\N{MINUS SIGN}")
        case int():  # Python writes out no number of thousands of digits
            whole = value.bit_length() <= 50
            return (f"{value}" if whole else f"{Decimal(value):.3g}").replace("-", "\N{MINUS SIGN}")
    return str(value)


def _figure(value: float, finest: float) -> str:
    """As many digits as the finest step of the picture needs, and no more than there is room for."""
    last = math.floor(math.log10(finest))
    told = f"{value:,.{max(0, -last)}f}" if last >= -6 and abs(value) < 1e12 else ""
    if not 0 < len(told) <= 12:
        digits = math.floor(math.log10(abs(value))) - last + 1 if value else 1
        told = f"{value:.{max(1, min(digits, 6))}g}"
    return "0" + told[2:] if told.startswith("-0") and not told.strip("-0.,") else told.replace("-", "\N{MINUS SIGN}")


def _finest(sizes: Iterator[float]) -> float:
    """Three digits of the largest contribution."""
    largest = max(sizes, default=0.0)
    return 10.0 ** max(-300, math.floor(math.log10(largest)) - 2) if largest else 0.001


def _round_step(width: float) -> float:
    power = 10.0 ** math.floor(math.log10(width))
    return next(each * power for each in (1, 2, 5, 10) if each * power >= width)


def _finite(value: float) -> float:
    return float(value) if math.isfinite(value) else 0.0


def _text(text: str, most: float) -> str:
    return escape(_cut(text, most))


def _cut(text: str, most: float) -> str:
    """One line of it, as long as there is room, of letters that a file of XML may hold."""
    kept: list[str] = []
    room = most
    for letter in text[: int(most) * 4]:
        if letter in _TURNS or unicodedata.category(letter) == "Cs":
            continue
        kept.append(letter if letter.isprintable() or unicodedata.category(letter) in ("Cf", "Mn", "Cn") else " ")
        room -= _breadth(letter)
        if room < 0:
            break
    line = " ".join("".join(kept).split())
    return line if room >= 0 and len(text) <= int(most) * 4 else f"{line[:-1].rstrip()}\N{HORIZONTAL ELLIPSIS}"


def _breadth(letter: str) -> float:
    if unicodedata.east_asian_width(letter) in "WF":
        return 1.9
    return 1.7 if letter in "mwMW@%&<>=+#~" else 1.3 if letter.isupper() else 1.0
