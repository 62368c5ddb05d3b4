"""The pieces of a report's page: data made safe to show, figures as people write them, bars, one card per column."""

import math
import re
from collections.abc import Iterable, Sequence
from html import escape

from gyre.datasets.report import Bar, ColumnProfile

# Rows of bars in a card; the JSON holds them all.
_MOST_ROWS = 7
_NAMED = ("category", "boolean")
_THIN, _MINUS = "\u202f", "\u2212"  # a thin space where no line breaks
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")
_LONG_DIGITS = re.compile(r"(?<![\d.eE])\d{5,}")


def shown(data: str, most: int = 120) -> str:
    """Text of the data: cut, without what would break or turn the line it stands in, and escaped."""
    cut = data if len(data) <= most else data[: most - 1] + "…"
    # Quotes as figures: shorter than their names, and pages of quotes have a limit too.
    return escape(_CONTROL.sub("\ufffd", cut), quote=False).replace('"', "&#34;").replace("'", "&#39;")


def number(count: int) -> str:
    return f"{count:,}".replace(",", _THIN).replace("-", _MINUS)


def figure(value: float | str | None) -> str:
    """About five digits that count; whole numbers and texts as they are."""
    if value is None:
        return "none"
    if isinstance(value, str):
        return shown(value)
    if isinstance(value, int) or (value.is_integer() and abs(value) < 1e15):
        return number(int(value))
    if not 1e-4 <= abs(value) < 1e15:
        return f"{value:.4g}".replace("-", _MINUS)
    decimals = max(0, 4 - math.floor(math.log10(abs(value))))
    rounded = f"{value:,.{decimals}f}"
    trimmed = rounded.rstrip("0").rstrip(".") if "." in rounded else rounded
    return trimmed.replace(",", _THIN).replace("-", _MINUS)


def share(part: int, whole: int) -> str:
    """A percentage that never says none or all where it is not so."""
    if not whole:
        return "none"
    percent = 100 * part / whole
    if 0 < percent < 0.1:
        return f"&lt;{_THIN}0.1{_THIN}%"
    if 99.9 < percent < 100:
        return f"&gt;{_THIN}99.9{_THIN}%"
    return (f"{percent:.1f}" if part % whole else f"{percent:.0f}") + f"{_THIN}%"


def size(count: int) -> str:
    for unit in ("bytes", "kB", "MB", "GB"):
        if count < 1_000 or unit == "GB":
            break
        count /= 1_000  # type: ignore[assignment]  # bytes are whole, the others need not be
    return f"{figure(round(count, 1))}{_THIN}{unit}"


def duration(seconds: float) -> str:
    minutes = int(seconds // 60)
    return f"{minutes} min {seconds % 60:.0f} s" if minutes else f"{figure(round(seconds, 2))} s"


def cells(count: int, whole: int) -> str:
    """Two cells of a table: how many, and which share that is."""
    return f'<td class="n count">{number(count)}</td><td class="n">{share(count, whole)}</td>'


def bar(part: int, full: int, told: str, css: str = "bar") -> str:
    """One horizontal bar; what it says stands in words beside it and in its label."""
    width = f"{100 * part / full if full else 0:.2f}".rstrip("0").rstrip(".")
    return f'<svg class="{css}" role="img" aria-label="{told}"><rect width="{width}%" height="8"/></svg>'


def table(headings: Sequence[str], rows: Iterable[str], css: str) -> str:
    """`rows` are finished; headings that begin with # stand over figures."""
    heads = "".join(
        f'<th scope="col" class="n">{name[1:]}</th>'
        if name.startswith("#")
        else f'<th scope="col">{name}</th>'
        if name
        else "<td></td>"
        for name in headings
    )
    return (
        f'<div class="wide"><table class="{css}"><thead><tr>{heads}</tr></thead><tbody>{"".join(rows)}</tbody>'
        "</table></div>"
    )


def terms(pairs: Iterable[tuple[str, str]], lines: bool = False) -> str:
    """A list of what and how much; the second half of each pair is finished."""
    listed = "".join(f"<div><dt>{shown(what)}</dt><dd>{told}</dd></div>" for what, told in pairs)
    return f"<dl{' class=lines' * lines}>{listed}</dl>" if listed else ""


def names(columns: Sequence[str], most: int = 100) -> str:
    more = f" and {number(len(columns) - most)} more" if len(columns) > most else ""
    return ", ".join(f"<code>{shown(name)}</code>" for name in columns[:most]) + more


def card(column: ColumnProfile) -> str:
    """One column: what it is, what is missing, its figures, how its values are spread."""
    missing = f"{number(column.missing)} ({share(column.missing, column.count)})" if column.missing else "none"
    distinct = ("more than " if column.distinct_is_least else "") + number(column.distinct)
    lost = bar(column.missing, column.count, f"missing: {share(column.missing, column.count)}", "bar lost")
    picture = _spread(column)
    if not picture and column.count > column.missing:
        picture = '<p class="note">Counts only: values of this column are not shown.</p>'
    return (
        f'<article class="card"><h3><code>{shown(column.name)}</code> <span class="type">{shown(column.type)}</span>'
        f'</h3><p class="note split"><span>missing: {missing}</span> <span>distinct: {distinct}</span></p>{lost}'
        f"{terms(_figures(column), lines=column.type == 'time')}{picture}</article>"
    )


def _figures(column: ColumnProfile) -> list[tuple[str, str]]:
    if column.type == "time":
        told = [("first", column.minimum), ("last", column.maximum)]
        return [(name, figure(value)) for name, value in told if value is not None]
    text = column.type == "text"
    low, middle, high = column.quartiles or (None, None, None)
    half = f"{figure(low)} to {figure(high)}" if column.quartiles else None
    told = [
        ("shortest" if text else "least", column.minimum), ("median", middle),
        ("longest" if text else "most", column.maximum), ("mean length" if text else "mean", column.mean),
        ("deviation", column.deviation), ("middle half", half),
    ]  # fmt: skip
    return [(name, figure(value)) for name, value in told if value is not None]


def _spread(column: ColumnProfile) -> str:
    if not column.bars:
        return ""
    numeric = column.type not in _NAMED
    if numeric and len(column.bars) > 6:
        return _histogram(column)
    if not numeric and len(column.bars) > _MOST_ROWS and column.bars[0].count == 1:
        return '<p class="note">No value that was counted occurs twice.</p>'
    bars = list(column.bars[:_MOST_ROWS])
    if len(column.bars) > _MOST_ROWS:
        rest = sum(each.count for each in column.bars[_MOST_ROWS:])
        bars.append(Bar("all others", rest))
    whole, longest = sum(each.count for each in bars), max(each.count for each in bars)
    rows = (
        f'<tr><th scope="row">{_label(each.label, numeric)}</th>'
        f"<td>{bar(each.count, longest, share(each.count, whole))}</td>{cells(each.count, whole)}</tr>"
        for each in bars
    )
    what = "length" if column.type == "text" else "value"
    return table((what, "", "#count", "#share"), rows, "bars")


def _histogram(column: ColumnProfile) -> str:
    """Upright bars; the tallest is named, so that the picture has a scale."""
    bars, tallest = column.bars, max(column.bars, key=lambda each: each.count)
    heights = [math.ceil(120 * each.count / max(tallest.count, 1)) for each in bars]  # what is there can be seen
    drawn = "".join(
        f'<rect x="{at}" y="{120 - height}" width=".94" height="{height}">'
        f"<title>{_label(each.label, True)}: {number(each.count)}</title></rect>"
        for at, (each, height) in enumerate(zip(bars, heights, strict=True))
    )
    first, last, peak = (_label(each.label, True) for each in (bars[0], bars[-1], tallest))
    what = "lengths" if column.type == "text" else "values"
    told = f"How {what} are spread from {first} to {last}; most, {number(tallest.count)}, at {peak}"
    return (
        f'<figure><svg class="spread" viewBox="0 0 {len(bars)} 120" preserveAspectRatio="none" role="img"'
        f' aria-label="{told}">{drawn}</svg>'
        f'<figcaption class="split"><span>{first}</span><span>{last}</span></figcaption></figure>'
        f'<p class="note">most {what}: {peak} ({number(tallest.count)})</p>'
    )


def _label(text: str, numeric: bool) -> str:
    grouped = _LONG_DIGITS.sub(lambda found: number(int(found[0])), text) if numeric else text
    return shown(grouped, 40)
