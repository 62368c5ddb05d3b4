"""The pictures of a report: shapes of levels, keys of legends, spreads then and now. Plain SVG in the page's colours.

Every picture says in words what it shows; what is drawn in two colours differs in form as well."""

import math
from collections.abc import Sequence

from gyre.datasets.report_parts import number, shown
from gyre.monitoring.found import Level, Shares
from gyre.monitoring.report.words import percent, told

_WIDE, _HIGH = 320, 112  # of a spread
_MOST_CATEGORIES = 8
_SHAPES: dict[Level, str] = {
    "ok": '<circle class="shape" cx="24" cy="24" r="22"/><path class="glyph" d="M14 25l7 7 13-15"/>',
    "warn": '<path class="shape" d="M24 3L46 43H2z"/><path class="glyph" d="M24 17v12M24 36v.5"/>',
    "alert": '<path class="shape" d="M15 2h18l13 13v18L33 46H15L2 33V15z"/>'
    '<path class="glyph" d="M16 16l16 16M32 16L16 32"/>',
    "not enough data": '<circle class="ring" cx="24" cy="24" r="20"/><path class="dash" d="M15 24h18"/>',
}


def icon(level: Level) -> str:
    """A shape for each level, so that nobody needs to see its colour; the word stands beside it."""
    return f'<svg class="icon" viewBox="0 0 48 48" aria-hidden="true" focusable="false">{_SHAPES[level]}</svg>'


def key(css: str) -> str:
    """What a line or a bar of a legend looks like."""
    drawn = {
        "then": '<rect class="then" y="2" width="22" height="10"/>',
        "now": '<path class="now" d="M1 12V3H21V12"/>',
        "estimated": '<path class="estimated" d="M0 7H22"/><circle class="estimated hollow" cx="11" cy="7" r="3"/>',
        "realised": '<path class="realised" d="M0 7H22"/><rect class="realised dot" x="8" y="4" width="6" height="6"/>',
        "limit": '<path class="limit" d="M0 7H22"/>',
        "expected": '<path class="expected" d="M0 7H22"/>',
    }[css]
    return f'<svg class="key" viewBox="0 0 22 14" aria-hidden="true" focusable="false">{drawn}</svg>'


def spread(shares: Shares, column: str) -> str:
    """How often numbers fell between edges: then as filled bars, now as an outline; empty if there is nothing."""
    then, now = _sound(shares.reference), _sound(shares.window)
    count = max(len(then), len(now))
    highest = max([*then, *now], default=0.0)
    if not count or not highest:
        return ""
    then, now = (*then, *[0.0] * (count - len(then))), (*now, *[0.0] * (count - len(now)))
    floor, width = _HIGH - 20, _WIDE / count

    def y(share: float) -> float:
        return floor - (floor - 16) * (share / highest)

    bars = "".join(
        f'<rect class="then" x="{at * width:.1f}" y="{y(share):.1f}" width="{width * 0.94:.1f}" '
        f'height="{floor - y(share):.1f}"/>'
        for at, share in enumerate(then)
        if share
    )
    steps = "".join(f"V{y(share):.1f}H{(at + 1) * width:.1f}" for at, share in enumerate(now))
    outline = f'<path class="now" d="M0 {floor}{steps}V{floor}"/>'
    peak = f'<path class="grid" d="M0 16H{_WIDE}"/><text x="0" y="11">{percent(highest)} of rows</text>'
    drawn = f'{peak}{bars}{outline}<path class="axis" d="M0 {floor}H{_WIDE}"/>{_edges(shares.edges, count)}'
    tops = " and ".join(
        f"{when} most rows ({percent(max(each))}) {_between(shares.edges, each.index(max(each)), count)}"
        for when, each in (("then", then), ("now", now))
        if max(each)
    )
    return picture("spread", _WIDE, _HIGH, f"How {shown(column, 80)} was spread then and now", tops, drawn)


def _edges(edges: Sequence[float], count: int) -> str:
    if len(edges) != count + 1:
        return ""
    marks = ((0, "start"), (count // 2, "middle"), (count, "end")) if count > 1 else ((0, "start"), (count, "end"))
    return "".join(
        f'<text class="{anchor}" x="{_WIDE * at / count:.1f}" y="{_HIGH - 5}">{told(edges[at])}</text>'
        for at, anchor in marks
    )


def _between(edges: Sequence[float], at: int, count: int) -> str:
    return f"from {told(edges[at])} to {told(edges[at + 1])}" if len(edges) == count + 1 else f"in bar {at + 1}"


def pairs(shares: Shares) -> str:
    """How often each category occurred, then above now: those that changed most, in the order in which they came."""
    count = min(len(shares.names), len(shares.reference), len(shares.window))
    then, now = _sound(shares.reference[:count]), _sound(shares.window[:count])
    highest = max([*then, *now], default=0.0)
    if not highest:
        return ""
    most = sorted(range(count), key=lambda at: -abs(then[at] - now[at]))[:_MOST_CATEGORIES]
    rows = "".join(
        f'<tr><th scope="row">{shown(shares.names[at], 40) or "(empty)"}</th><td>'
        f'<svg class="pair" viewBox="0 0 100 18" preserveAspectRatio="none" aria-hidden="true" focusable="false">'
        f'<rect class="then" width="{100 * (then[at] / highest):.1f}" y="1" height="7"/>'
        f'<rect class="later" width="{100 * (now[at] / highest):.1f}" y="10" height="7"/></svg></td>'
        f'<td class="n">{percent(then[at])}</td><td class="n">{percent(now[at])}</td></tr>'
        for at in sorted(most)
    )
    more = count - len(most)
    rest = f'<p class="note">{number(more)} other values changed less.</p>' if more else ""
    heads = '<th scope="col">value</th><td></td><th scope="col" class="n">then</th><th scope="col" class="n">now</th>'
    return f'<table class="pairs"><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>{rest}'


def picture(css: str, width: int, height: int, title: str, said: str, drawn: str) -> str:
    """Titles and words are finished."""
    return (
        f'<svg class="{css}" viewBox="0 0 {width} {height}" role="img"><title>{title}</title><desc>{said}</desc>'
        f"{drawn}</svg>"
    )


def _sound(shares: Sequence[float]) -> tuple[float, ...]:
    return tuple(each if math.isfinite(each) and each > 0 else 0.0 for each in shares)
