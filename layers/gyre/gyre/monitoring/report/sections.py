"""What a report says of the look itself: its verdict, what was done, performance, earlier verdicts, how to read it."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime

from gyre.datasets.report_parts import number, shown, table, terms
from gyre.evaluation.metric import higher_is_better
from gyre.monitoring.found import Finding, Level, Look, Performance, Performances, Severity, Source, moment
from gyre.monitoring.report.charts import icon, key
from gyre.monitoring.report.courses import Line, course
from gyre.monitoring.report.words import (
    LEVELS,
    MEANINGS,
    TOGETHER,
    day,
    metric_name,
    outline,
    percent,
    rows,
    source,
    told,
)  # fmt: skip
from gyre.monitoring.terms import MEASURES

# Beyond these the page names the number of others, and the JSON holds them.
_MOST_FINDINGS, _MOST_DONE, _MOST_CHARTS, _MOST_FIGURES, _MOST_LEVELS, _MOST_LINKS = 30, 20, 6, 40, 30, 12
_SEVERITIES: Mapping[Severity, str] = {"alert": "✕ alert", "warn": "! warning", "note": "· note"}
_LINK = re.compile(r"(?:https?://|/(?!/)|\./|\.\./)[^\s\"'<>\\^`{|}]{1,2000}")


def verdict(look: Look, links: Mapping[str, str]) -> str:
    """Level, what it is about, and what a person should know, the worst first."""
    word, css = LEVELS[look.verdict.level]
    release = "" if look.version is None else f", release {number(look.version)}"
    over = "Data compared for" if look.kind == "compare" else "A look at"
    facts = [
        *_sides("window", look.window),
        *_sides("reference", look.reference),
        *([("calls", f"{number(look.calls)}, {number(look.failed_calls)} of which failed")] if look.calls else []),
        ("looked at", moment(look.at)),
        ("run", f"<code>{shown(look.run)}</code>"),
    ]
    return (
        f'<header><div class="banner {css}">{icon(look.verdict.level)}<div>'
        f'<p class="over">{over} <bdi>{shown(look.model)}</bdi>{release}</p><h1>{word}</h1>'
        f"<p><bdi>{shown(outline(look), 600)}</bdi></p></div></div>"
        f'<div class="facts">{terms(facts)}</div>{_links(links)}</header>{_findings(look.verdict.findings)}'
    )


def _sides(what: str, side: Source | None) -> list[tuple[str, str]]:
    return [(what, f"{source(side)}<br>{rows(side)}" if side else "none")]


def _links(links: Mapping[str, str]) -> str:
    """To pages alone: whatever else an address may start is told, and leads nowhere."""
    listed = "".join(
        f'<a href="{shown(to, 2_100)}" rel="noopener noreferrer">{shown(name, 80)}</a> '
        if _LINK.fullmatch(to)
        else f"<span>{shown(name, 80)}: <code>{shown(to, 400)}</code></span> "
        for name, to in list(links.items())[:_MOST_LINKS]
    )
    return f'<p class="links">{listed}</p>' if listed else ""


def _findings(findings: Sequence[Finding]) -> str:
    listed = "".join(
        f'<li><span class="sev {each.severity}">{_SEVERITIES[each.severity]}</span><span>{shown(each.text, 600)}</span>'
        "</li>"
        for each in findings[:_MOST_FINDINGS]
    )
    more = len(findings) - _MOST_FINDINGS
    rest = f'<p class="note">{number(more)} more findings stand in the JSON.</p>' if more > 0 else ""
    there = f'<ol class="told">{listed}</ol>{rest}' if listed else "<p>There is nothing to report.</p>"
    return f"<section><h2>What was found</h2>{there}</section>"


def done_about_it(done: Sequence[str], look: Look) -> str:
    if not done and look.kind == "compare":
        return ""
    listed = "".join(f"<li><bdi>{shown(each, 600)}</bdi></li>" for each in done[:_MOST_DONE])
    there = f'<ul class="done">{listed}</ul>' if listed else "<p>Nothing.</p>"
    return f"<section><h2>What was done about it</h2>{there}</section>"


def performance(found: Performances | None, thin: bool) -> str:
    """Each metric over time, estimated and realised in one picture, and every figure as a line of a table."""
    if not found or not found.figures or (thin and all(each.value is None for each in found.figures)):
        return ""
    metrics = list(dict.fromkeys(each.metric for each in found.figures))
    drawn = [picture for metric in metrics if (picture := _course(metric, found.figures))][:_MOST_CHARTS]
    legend = (
        f'<p class="legend"><span>{key("estimated")} estimated, without labels</span><span>{key("realised")} realised, '
        f"with labels</span><span>{key('expected')} expected</span><span>{key('limit')} limit</span>"
        "<span>shaded: 95 % interval</span></p>"
    )
    charts = f'{legend}<div class="cards courses">{"".join(drawn)}</div>' if drawn else ""
    lines = [_figure(each) for each in found.figures[:_MOST_FIGURES]]
    heads = ("metric", "#now", "#95 % interval", "#expected", "#worse by", "#limit", "fell", "#rows", "told by")
    more = len(found.figures) - len(lines)
    rest = f'<p class="note">{number(more)} more figures stand in the JSON.</p>' if more > 0 else ""
    return f"<section><h2>Performance</h2>{charts}<h3>All figures</h3>{table(heads, lines, 'figures')}{rest}</section>"


def _course(metric: str, figures: Sequence[Performance]) -> str:
    of = {each.how: each for each in figures if each.metric == metric}
    lines = [Line(how, how, of[how].points) for how in ("estimated", "realised") if how in of]
    leading = next(
        (each for how in ("realised", "estimated") if (each := of.get(how)) and each.expected is not None), None
    )
    expected = leading.expected if leading else None
    picture = course(lines, expected, _limit(leading), metric_name(metric))
    if not picture:
        return ""
    direction = "higher is better" if _is_better_higher(metric) else "lower is better"
    title = f'<h3>{shown(metric_name(metric))} <span class="type">{direction}</span></h3>'
    return f'<article class="card">{title}{picture}</article>'


def _is_better_higher(metric: str) -> bool:
    """Errors that only an estimator knows are errors, too."""
    return higher_is_better(metric) and metric not in ("mape", "mse", "rmsle", "msle", "bias")


def _limit(figure: Performance | None) -> float | None:
    """The level at which the fall counts: of errors in proportion, of everything else in points."""
    if not figure or figure.expected is None or figure.limit is None:
        return None
    if _is_better_higher(figure.metric):
        return figure.expected - figure.limit
    return figure.expected * (1 + figure.limit)


def _figure(each: Performance) -> str:
    name = f'<th scope="row">{shown(metric_name(each.metric))} <span class="type">{each.how}</span></th>'
    if each.value is None:
        because = shown(each.because or "It could not be told.", 200)
        return f'<tr>{name}<td class="because" colspan="7">{because}</td><td>{shown(each.by, 60)}</td></tr>'
    sure = f"{told(each.low)} to {told(each.high)}" if each.low is not None and each.high is not None else told(None)
    points = told if _is_better_higher(each.metric) else percent
    worse = f"{points(max(0.0, each.fall))}" if each.fall is not None else told(None)
    state = '<span class="yes">fell</span>' if each.fallen else "no" if each.limit is not None else told(None)
    return (
        f'<tr>{name}<td class="n">{told(each.value)}</td><td class="n">{sure}</td>'
        f'<td class="n">{told(each.expected)}</td><td class="n">{worse}</td><td class="n">{points(each.limit)}</td>'
        f'<td>{state}</td><td class="n">{number(each.rows)}</td><td>{shown(each.by, 60)}</td></tr>'
    )


def earlier(history: Sequence[tuple[datetime, Level]]) -> str:
    """The newest verdicts as a strip, the oldest of them first."""
    newest = sorted(history, key=lambda each: each[0])[-_MOST_LEVELS:]
    if not newest:
        return ""
    listed = "".join(
        f'<li class="{LEVELS[level][1]}">{icon(level)}<b>{"no data" if level == "not enough data" else level}</b>'
        f'<time datetime="{at.isoformat()}">{at:%m-%d}<br>{at:%H:%M}</time></li>'
        for at, level in newest
    )
    title = f"The last {number(len(newest))} verdicts" if len(newest) > 1 else "The last verdict"
    span = f'<p class="note">{day(newest[0][0])} to {day(newest[-1][0])}, times in UTC</p>'
    return f'<section><h2>{title}</h2>{span}<ol class="strip">{listed}</ol></section>'


def how_to_read(look: Look) -> str:
    """What the measures mean, what counts, and what `not enough data` is."""
    few = (
        "Not enough data",
        "There are fewer rows than the model's spec asks for, or none to compare them with. It is no good news and no "
        "bad news: nothing can be said.",
    )
    if look.verdict.level == "not enough data":
        return _read([few])
    told_of = [
        *_measures(look),
        (
            "When a column counts as moved",
            "Its value is above its threshold, so that it matters; and chance alone would hardly do as much, so that "
            f"it is real.{_level(look)} Chances are adjusted for the number of columns looked at (Holm's procedure). "
            "All checks of a look together raise a false alarm in at most 1 of 100 windows in which nothing moved.",
        ),
        (
            "Lines over time",
            "The window is cut into parts to show its course. The verdict comes from the whole window: a single part "
            "beyond a line decides nothing.",
        ),
        *_performance_terms(look),
        few,
    ]
    return _read(told_of)


def _read(told_of: Sequence[tuple[str, str]]) -> str:
    listed = "".join(f"<div><dt>{what}</dt><dd>{said}</dd></div>" for what, said in told_of)
    return f'<section class="read"><h2>How to read this</h2><dl>{listed}</dl></section>'


def _measures(look: Look) -> list[tuple[str, str]]:
    used = dict.fromkeys(each.method for each in look.univariate.drifts) if look.univariate else {}
    return [(MEASURES[each], f"{MEANINGS[each].capitalize()}.") for each in used if each in MEANINGS]


def _level(look: Look) -> str:
    if not look.univariate or not look.univariate.level > 0:
        return ""
    return f" That is at most 1 time in {number(round(1 / look.univariate.level))} here."


def _performance_terms(look: Look) -> list[tuple[str, str]]:
    together = look.multivariate.method if look.multivariate else None
    found = [("Features that fit together", TOGETHER[together][1])] if together else []
    if look.performance:
        found.append((
            "When performance counts as fallen",
            "It is worse than expected by at least its limit, and by more than chance: in points of the metric, of "
            "errors in proportion.",
        ))  # fmt: skip
    hows = {each.how for each in look.performance.figures} if look.performance else set()
    if "estimated" in hows:
        found.append((
            "Estimated performance",
            "Told without labels, from how sure the model is of its answers (CBPE), or from a second model of its "
            "errors (DLE). It sees when the data became harder; it cannot see when the same features came to mean "
            "something else.",
        ))  # fmt: skip
    if "realised" in hows:
        found.append((
            "Realised performance",
            "Told from the predictions whose truth is known by now; the newest rows often have none yet.",
        ))  # fmt: skip
    return found
