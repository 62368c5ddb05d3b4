"""The tables of a model card's page: gates, confusion, groups, slices."""

import math
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

from gyre.datasets.report_parts import figure, number, share, shown, table

Facts = Mapping[str, Any]
NOTHING = "\u2013"
_WIDEST = 12  # classes of a matrix that can be read; others are told by their mistakes
_MOST_GROUPS, _MOST_ATTRIBUTES, _MOST_FIGURES, _MOST_NOTES = 24, 8, 40, 20

STYLE = """
h3{margin-top:1.5rem}
.gates td:first-child{white-space:nowrap}.gates .good{color:var(--good)}.gates .bad{color:var(--bad);font-weight:600}
.gates .quiet{color:var(--soft)}.candidates td{overflow-wrap:anywhere}
tbody th code,.gates td code{overflow-wrap:break-word}
.sure{color:var(--soft);font-size:.86rem;display:inline-block;min-width:10.5rem}
.figures,.groups,.classes,.slices{max-width:52rem;width:auto;min-width:min(100%,36rem)}
.bars{max-width:40rem;table-layout:fixed}.bars th{width:45%;overflow-wrap:anywhere}.bars .n{width:20%}
.confusion{width:auto}.confusion td,.confusion th{padding:.35rem .6rem;text-align:right}
.confusion thead th{overflow-wrap:anywhere;max-width:9rem}.confusion tbody th{text-align:left}
.confusion .right{font-weight:600}
.h1{background:color-mix(in srgb,var(--bar) 8%,transparent)}
.h2{background:color-mix(in srgb,var(--bar) 16%,transparent)}
.h3{background:color-mix(in srgb,var(--bar) 26%,transparent)}
.h4{background:color-mix(in srgb,var(--bar) 38%,transparent)}
.pictures{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,24rem),1fr));gap:1rem;align-items:start}
.pictures figure{margin:0}.picture{background:#fff;max-width:100%;height:auto;border-radius:.35rem;
font-family:sans-serif;stroke-linejoin:round}
.limits{max-width:48rem;padding-left:1.1rem}.limits li{margin:.35rem 0;overflow-wrap:anywhere}
@media screen and (max-width:40rem){.gates thead{display:none}.gates tr{display:flex;flex-wrap:wrap;gap:.1rem .8rem;
padding:.5rem 0;border-top:1px solid var(--line)}.gates th,.gates td{border:0;padding:0}.gates .why{flex:0 0 100%}
th,td{padding-right:.5rem}.sure{display:block;min-width:0}}
@media print{.pictures{grid-template-columns:1fr 1fr}figure{break-inside:avoid}}
"""
_MARKS = {True: ("✓", "good", "passed"), False: ("✕", "bad", "failed"), None: ("·", "quiet", "not asked")}


def text_of(value: Any) -> str:
    """A class or a parameter as a spec writes it."""
    return (
        {True: "true", False: "false", None: "null"}[value] if value is None or isinstance(value, bool) else str(value)
    )


def short(value: Any) -> str:
    """Four digits that count; a dash for what nobody knows."""
    if value is None:
        return NOTHING
    return figure(float(f"{value:.4g}") if isinstance(value, float) and math.isfinite(value) else value)


def measured(value: Any, low: Any = None, high: Any = None) -> str:
    """A cell with a figure and, if there is one, its interval."""
    sure = f' <span class="sure">{values(low, high)}</span>' if low is not None and high is not None else ""
    return f'<td class="n">{short(value)}{sure}</td>'


def values(low: Any, high: Any) -> str:
    """An interval."""
    return f"{short(low)} to {short(high)}"


def of_one(part: float) -> str:
    """A share as a percentage."""
    return share(round(1_000_000 * part), 1_000_000)


def verdict(each: Facts) -> str:
    """One gate's row."""
    mark, css, told = _MARKS[each["passed"]]
    return (
        f'<tr{' class="quiet"' * (css == "quiet")}><td class="{css}"><span aria-hidden="true">{mark}</span> {told}</td>'
        f'<th scope="row">{shown(each["gate"])}</th><td><code>{shown(each["figure"])}</code></td>'
        f"{measured(each['value'])}<td>{shown(each['limit'] or NOTHING)}</td>"
        f'<td class="why">{shown(each["because"], 250)}</td></tr>'
    )


def confusion(card: Facts, picture: str) -> str:
    """Rows by true class and answer, and the most frequent mistakes."""
    if not (found := card.get("confusion")):
        return ""
    classes = [text_of(each) for each in found.get("classes") or ()]
    matrix = found.get("matrix") or ()
    drawn = picture
    if 0 < len(classes) <= _WIDEST and len(matrix) >= len(classes):
        heads = ("true \\ said", *(f"#{shown(each, 40)}" for each in classes))
        drawn = table(heads, (_row(classes, at, matrix[at]) for at in range(len(classes))), "confusion")
    mistakes = [each for each in found.get("most_confused") or () if len(each) == 3][:10]
    told = "".join(
        f"<li>{number(count)} of <code>{shown(text_of(true))}</code> were told to be "
        f"<code>{shown(text_of(said))}</code></li>"
        for true, said, count in mistakes
    )
    listed = f"<h3>The most frequent mistakes</h3><ul>{told}</ul>" if told else "<p>No row was told wrongly.</p>"
    return f"<section><h2>What it takes for what</h2>{drawn}{listed}</section>"


def _row(classes: Sequence[str], at: int, counts: Sequence[int]) -> str:
    whole = sum(counts) or 1
    cells = "".join(
        f'<td class="n{_heat(count / whole)}{" right" * (place == at)}">{number(count)}</td>'
        for place, count in enumerate(counts[: len(classes)])
    )
    return f'<tr><th scope="row">{shown(classes[at], 40)}</th>{cells}</tr>'


def _heat(part: float) -> str:
    return next((f" h{at}" for at, least in ((4, 0.6), (3, 0.3), (2, 0.1), (1, 0.02)) if part >= least), "")


def fairness(card: Facts, picture: str) -> str:
    """Between which groups answers differ, and what reweighing changed."""
    if not (found := card.get("fairness")) or not (after := found.get("after")):
        return ""
    figures, before = after.get("figures") or {}, (found.get("before") or {}).get("figures")
    told = _disparities(figures, before) if figures else "<p>No two groups could be compared.</p>"
    note = "<p>The training rows were weighed, so that protected groups and outcomes are independent there.</p>"
    groups = "".join(_groups(each) for each in islice(after.get("attributes") or (), _MOST_ATTRIBUTES))
    notes = "".join(f"<li>{shown(str(each), 400)}</li>" for each in islice(after.get("notes") or (), _MOST_NOTES))
    listed = f'<ul class="alerts">{notes}</ul>' if notes else ""
    weighed = note if before is not None else ""
    return f"<section><h2>Between whom answers differ</h2>{weighed}{told}{picture}{groups}{listed}</section>"


def _disparities(figures: Facts, before: Facts | None) -> str:
    """A row for each figure, a column for the worst and for each protected column."""
    kinds = list(dict.fromkeys(name.partition(".")[0] for name in figures))[:_MOST_FIGURES]
    apart = list(dict.fromkeys(name.partition(".")[2] for name in figures if "." in name))[:_MOST_ATTRIBUTES]
    columns = ["", *apart] if len(apart) != 1 else apart

    def cell(kind: str, attribute: str) -> str:
        name = f"{kind}.{attribute}" if attribute else kind
        was = f'<br><span class="note">{short(before.get(name))} without weights</span>' if before is not None else ""
        return f'<td class="n">{short(figures.get(name))}{was}</td>'

    rows = (
        f'<tr><th scope="row"><code>{shown(kind)}</code></th>{"".join(cell(kind, each) for each in columns)}</tr>'
        for kind in kinds
    )
    return table(("figure", *(f"#{shown(each, 60) or 'the worst'}" for each in columns)), rows, "groups")


def _groups(attribute: Facts) -> str:
    found = attribute.get("groups") or ()
    if not found:
        return ""
    rates = list(found[0].get("selection_rate") or ())
    regression = found[0].get("mean_prediction") is not None
    # Of several classes, that in which the groups are furthest apart.
    worst = text_of((attribute.get("worst_class") or {}).get("demographic_parity_difference"))
    shown_class = worst if worst in rates else rates[0] if rates else None
    rows = (
        f'<tr><th scope="row">{shown(str(each.get("name")), 60)}</th>{measured(each.get("rows"))}'
        + (
            f"{measured(each.get('mean_prediction'))}{measured(each.get('mean_target'))}"
            f"{measured(each.get('mean_absolute_error'))}"
            if regression
            else f"{measured(each.get('accuracy'))}{_rate(each, 'selection_rate', shown_class)}"
            f"{_rate(each, 'true_positive_rate', shown_class)}{_rate(each, 'false_positive_rate', shown_class)}"
        )
        + "</tr>"
        for each in found[:_MOST_GROUPS]
    )
    named = shown(shown_class or "", 40)
    heads = (
        ("group", "#rows", "#mean prediction", "#mean target", "#mean absolute error")
        if regression
        else ("group", "#rows", "#accuracy", f"#told {named}", "#rightly so", "#wrongly so")
    )
    return f"<h3>By {shown(str(attribute.get('attribute')))}</h3>{table(heads, rows, 'groups')}"


def _rate(group: Facts, rate: str, name: str | None) -> str:
    value = (group.get(rate) or {}).get(name)
    return f'<td class="n">{of_one(value) if value is not None else NOTHING}</td>'


def slices_table(card: Facts, picture: str) -> str:
    """Where it is clearly worse than over all rows."""
    slices = card["slices"]
    if not slices["looked_at"]:
        return ""
    if not slices["worse"]:
        told = f"<p>In none of {number(slices['looked_at'])} slices is it clearly worse than over all rows.</p>"
        return f"<section><h2>Where it is weak</h2>{told}{picture}</section>"
    rows = (
        f'<tr><th scope="row"><code>{shown(str(each.get("column")))}</code></th>'
        f"<td>{shown(str(each.get('value')))}</td>"
        f"{measured(each.get('rows'))}{measured(each.get('metric'), each.get('low'), each.get('high'))}</tr>"
        for each in slices["worse"]
    )
    more = f" {number(slices['more'])} more stand in the JSON of the evaluation." if slices["more"] else ""
    heads = ("column", "value", "#rows", f"#{shown(card['metric'])}, 95 % interval")
    return (
        f'<section><h2>Where it is weak</h2>{table(heads, rows, "slices")}<p class="note">Slices in which the whole '
        f"interval is worse than the figure over all rows, of {number(slices['looked_at'])}. The more slices, the more "
        f"of them stand here by chance.{more}</p>{picture}</section>"
    )
