"""What a report says of data that moved: the columns that drifted, all columns, how features fit together, quality."""

import math
from collections.abc import Sequence

from gyre.datasets.report_parts import number, shown, table
from gyre.monitoring.found import Drift, Look, Multivariate, Qualities, Quality, Univariate
from gyre.monitoring.report.charts import key, pairs, spread
from gyre.monitoring.report.courses import spark
from gyre.monitoring.report.words import FLAWS, TOGETHER, chance, measure, percent, subject, told

# Beyond these the page names the number of others, and the JSON holds them.
_MOST_CARDS, _MOST_COLUMNS, _MOST_CHECKS, _MOST_EXAMPLES = 12, 200, 120, 5
_MOST_TIMES = 5.0  # thresholds that a bar can tell
_OPEN = 30  # rows of a table that stand open; the others unfold


def moved(look: Look) -> str:
    """The columns: a picture of each that drifted, a line for every one."""
    found = look.univariate
    if not found or not found.drifts or (_is_thin(look) and all(each.value is None for each in found.drifts)):
        return ""
    drifted = found.drifted
    count = len(found.drifts)
    title = f"What moved: {number(len(drifted))} of {number(count)} column{'s' * (count != 1)}"
    cards = "".join(_card(each) for each in drifted[:_MOST_CARDS])
    more = len(drifted) - _MOST_CARDS
    rest = (
        f'<p class="note">{number(more)} more that moved stand in the table, without pictures.</p>' if more > 0 else ""
    )
    drawn = f'{_legend(look)}<div class="cards">{cards}</div>{rest}' if cards else (
        "<p>No column moved by more than its threshold and by more than chance.</p>"
    )  # fmt: skip
    return f"<section><h2>{title}</h2>{drawn}{_columns(found)}</section>"


def _is_thin(look: Look) -> bool:
    return look.verdict.level == "not enough data"


def _legend(look: Look) -> str:
    then = shown(look.reference.name, 80) if look.reference else "reference"
    now = shown(look.window.name, 80) if look.window else "window"
    return (
        f'<p class="legend"><span>{key("then")} then: {then}</span><span>{key("now")} now: {now}</span>'
        f"<span>{key('limit')} matters above this</span></p>"
    )


def _card(drift: Drift) -> str:
    picture = ""
    if drift.shares:
        picture = pairs(drift.shares) if drift.shares.names else spread(drift.shares, drift.column)
    course = spark(drift.points, drift.threshold, f"{measure(drift)} of {shown(drift.column, 80)}")
    likely = _likely(drift)
    by_chance = "" if likely is None else f" By chance alone: {chance(likely)}."
    return (
        f'<article class="card"><h3><code>{shown(drift.column)}</code> <span class="type">{subject(drift)}</span></h3>'
        f'<p><span class="big">{told(drift.value)}</span>{measure(drift)}; matters above {told(drift.threshold)}.'
        f"{by_chance}</p>{picture}{course}</article>"
    )


def _likely(each: Drift | Quality) -> float | None:
    return each.p if each.adjusted is None else each.adjusted


def _columns(found: Univariate) -> str:
    ordered = sorted(found.drifts, key=lambda each: (not each.drifted, each.value is None))
    full = _full(found.drifts)
    rows = [_column(each, full) for each in ordered[:_MOST_COLUMNS]]
    heads = ("column", "#value", "of its threshold", "moved", "#threshold", "by chance alone")
    more = len(ordered) - len(rows)
    rest = f'<p class="note">{number(more)} more columns stand in the JSON.</p>' if more > 0 else ""
    return f"<h3>All columns</h3>{_folded(heads, rows, 'columns', 'columns')}{rest}"


def _column(drift: Drift, full: float) -> str:
    name = f'<th scope="row"><code>{shown(drift.column)}</code> <span class="type">{subject(drift)}</span></th>'
    if drift.value is None:
        because = shown(drift.because or "It could not be judged.", 200)
        return f'<tr>{name}<td class="because" colspan="5">{because}</td></tr>'
    moved_at_all = '<span class="yes">moved</span>' if drift.drifted else "no"
    return (
        f'<tr>{name}<td class="n">{told(drift.value)}</td><td>{_gauge(_times(drift), full)}</td><td>{moved_at_all}</td>'
        f'<td class="n">{told(drift.threshold)}</td><td>{chance(_likely(drift))}</td></tr>'
    )


def _times(drift: Drift) -> float:
    """The value in thresholds."""
    value = drift.value or 0.0
    return value / drift.threshold if drift.threshold > 0 else math.inf if value > 0 else 0.0


def _full(drifts: Sequence[Drift]) -> float:
    """Of how many thresholds the longest bar tells: of the column that moved most, within reason."""
    there = [times for each in drifts if math.isfinite(times := _times(each))]
    return min(_MOST_TIMES, max(2.0, *there, 0.0))


def _gauge(times: float, full: float) -> str:
    """How far a column moved; the mark is its threshold."""
    width = 100 * min(1.0, max(0.0, times / full)) if math.isfinite(times) else 100.0
    over = ' class="over-limit"' if times > 1 else ""
    return (
        '<svg class="gauge" viewBox="0 0 100 12" preserveAspectRatio="none" aria-hidden="true" focusable="false">'
        f'<rect class="rail" y="3" width="100" height="6"/><rect{over} y="3" width="{width:.1f}" height="6"/>'
        f'<path d="M{100 / full:.1f} 0V12"/></svg>'
    )


def _folded(heads: Sequence[str], rows: Sequence[str], css: str, what: str) -> str:
    """A table whose later rows unfold without a script."""
    if len(rows) <= _OPEN + 5:
        return table(heads, rows, css)
    rest = f"<summary>{number(len(rows) - _OPEN)} more {what}</summary>{table(heads, rows[_OPEN:], css)}"
    return f"{table(heads, rows[:_OPEN], css)}<details>{rest}</details>"


def together(found: Multivariate | None, thin: bool) -> str:
    """How well the features still fit together."""
    if not found or (found.value is None and (thin or not found.because)):
        return ""
    if found.value is None:
        said = f"<p>It was not judged: {shown(found.because or '', 400)}</p>"
    else:
        ratio = found.value / found.expected if found.expected else None
        state = "They no longer do" if found.drifted else "They do"
        times = f", {told(ratio)} times as much" if ratio is not None else ""
        by_chance = "" if found.p is None else f" By chance alone: {chance(found.p)}."
        figure = f"<strong>{told(found.value)}</strong>, where {told(found.expected)} was expected{times}"
        what, _ = TOGETHER[found.method or "reconstruction"]
        said = f"<p>{state}: {what} {figure}. It matters above {told(found.threshold)} times.{by_chance}</p>"
    limit = found.expected * found.threshold if found.expected and found.threshold else None
    course = spark(found.points, limit, "All features together")
    drawn = f'<div class="lone">{course}</div>' if course else ""
    return f"<section><h2>Whether features fit together as they did</h2>{said}{drawn}</section>"


def quality(found: Qualities | None, thin: bool) -> str:
    """Checks of columns, broken ones first."""
    if not found or not found.checks or (thin and not found.broken):
        return ""
    ordered = sorted(found.checks, key=lambda each: not each.broken)
    rows = [_check(each) for each in ordered[:_MOST_CHECKS]]
    broken = len(found.broken)
    title = f"Data quality: {number(broken)} of {number(len(ordered))} checks broken"
    heads = ("column", "what", "then → now", "by chance alone", "examples")
    more = len(ordered) - len(rows)
    rest = f'<p class="note">{number(more)} more checks stand in the JSON.</p>' if more > 0 else ""
    drawn = _folded(heads, rows[:broken], "checks", "that are broken") if broken else "<p>Every check held.</p>"
    if held := rows[broken:]:
        count = number(len(ordered) - broken)
        drawn += f'<details class="held"><summary>{count} that held</summary>{table(heads, held, "checks")}</details>'
    return f"<section><h2>{title}</h2>{drawn}{rest}</section>"


def _shares(check: Quality) -> str:
    """Of the rows; some checks are of a column as a whole."""
    if check.reference is None and check.window is None:
        return ""
    return f"{percent(check.reference)} → {percent(check.window)}"


def _check(check: Quality) -> str:
    examples = "".join(f"<code>{shown(each, 40)}</code>" for each in check.examples[:_MOST_EXAMPLES])
    more = len(check.examples) - _MOST_EXAMPLES
    examples += f" and {number(more)} more" if more > 0 else ""
    likely = _likely(check)
    return (
        f'<tr><th scope="row"><code>{shown(check.column)}</code></th><td>{FLAWS[check.flaw]}</td>'
        f"<td>{_shares(check)}</td>"
        f'<td>{"" if likely is None else chance(likely)}</td><td class="examples">{examples}</td></tr>'
    )
