"""A report as one page that fetches and runs nothing, the verdict first: it can be read years later, from any disk."""

from gyre.datasets.page import page
from gyre.datasets.report import Finding, Report, RowCounts
from gyre.datasets.report_parts import card, cells, duration, names, number, share, shown, size, table, terms

# Beyond these the page names the number of others, and the JSON holds them.
_MOST_COLUMNS = 100
_MOST_FINDINGS = 150
_MOST_ALERTS = 50

_CHECKS = {
    "type": "not of the column's type",
    "required": "missing, and required",
    "range": "outside the range",
    "values": "not one of the values",
    "length": "too long",
    "unique": "occurs more than once",
    "outliers": "far outside the quartiles",
    "duplicate": "the row repeats an earlier one",
    "ragged": "more or fewer cells than the header",
    "not_json": "a line that is no JSON",
    "not_an_object": "a line that is no object",
    "nested": "a value inside a value",
    "not_text": "characters that no text has",
    "duplicate_key": "a key stands twice",
    "new_key": "a key the first lines lack",
}
_ACTIONS = {
    "reject": "row rejected",
    "clip": "limit taken instead",
    "drop": "value left out",
    "flag": "kept and flagged",
    "fail": "upload refused",
}

_STYLE = """
.findings th code{display:block;color:var(--soft);font-size:.82em}
.findings code{overflow-wrap:break-word}
.examples code{display:inline-block;background:var(--card);border:1px solid var(--line);border-radius:.25rem;
padding:0 .3rem;margin:0 .25rem .2rem 0;white-space:pre-wrap}
.rows{max-width:34rem}.rows td:first-child{width:1.8rem}
svg rect{fill:var(--bar)}svg.lost rect{fill:var(--bad)}
.spread{width:100%;height:60px;border-bottom:1px solid var(--soft)}
.stack{width:100%;height:28px;margin:.25rem 0 .75rem}.key{width:14px;height:14px;margin-top:.3rem}
svg .good{fill:var(--good)}svg .bad{fill:var(--bad)}svg .left{fill:var(--left)}svg .hatch{fill:var(--page)}
svg .bad-hatched{fill:url(#hatched)}svg .left-dotted{fill:url(#dotted)}
.cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,20rem),1fr));gap:1rem}
.card{background:var(--card);border:1px solid var(--line);border-radius:.5rem;padding:1rem;min-width:0}
.card dl{display:grid;grid-template-columns:repeat(auto-fit,minmax(5rem,1fr));gap:.4rem .75rem;font-size:.93rem}
.card dl.lines{grid-template-columns:1fr}.bars{margin-top:.6rem}
.split{display:flex;flex-wrap:wrap;justify-content:space-between;gap:0 1rem}
.bars{table-layout:fixed;font-size:.86rem}
.bars th,.bars td{padding:.15rem 0 .15rem .6rem;border:0}
.bars th{width:40%;padding-left:0;overflow-wrap:anywhere}.bars .n{width:22%}
@media screen and (max-width:40rem){.findings thead{display:none}.findings tr{display:flex;flex-wrap:wrap;
gap:.1rem 1rem;padding:.5rem 0;border-top:1px solid var(--line)}.findings th,.findings td{border:0;padding:0}
.findings th,.findings .examples{flex:0 0 100%}.findings .count::after{content:" rows"}}
"""
# Striped and dotted besides their colours, for those who do not see these.
_PATTERNS = (
    '<svg width="0" height="0" aria-hidden="true" focusable="false"><defs>'
    '<pattern id="hatched" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<rect class="bad" width="7" height="7"/><rect class="hatch" width="2" height="7"/></pattern>'
    '<pattern id="dotted" width="6" height="6" patternUnits="userSpaceOnUse">'
    '<rect class="left" width="6" height="6"/><rect class="hatch" x="2" y="2" width="2" height="2"/></pattern>'
    "</defs></svg>"
)


def report_page(report: Report) -> str:
    """The whole page. Whatever came from the data is escaped, and the browser is told to run and fetch nothing."""
    body = "".join(
        (_verdict(report), _rows(report), _findings(report), _alerts(report), _unmatched(report), _columns(report))
    )
    return page(
        f"{_headline(report)}: {report.model}",
        f'{_PATTERNS}<main>{body}</main><footer><p class="note">Quartiles and the shapes of numbers are those '
        "of a sample of at most 10,000 values a column. The whole report stands beside this page as JSON.</p></footer>",
        _STYLE,
    )


def _headline(report: Report) -> str:
    if report.outcome == "refused":
        return "Refused"
    return "Taken" if report.dataset_version is None else f"Taken as version {number(report.dataset_version)}"


def _verdict(report: Report) -> str:
    refused = report.outcome == "refused"
    rows = report.rows
    if refused:
        told = f"{shown(report.reason or 'No reason was kept.', 2_000)}</p><p>Nothing of it was taken."
    else:
        told = f"{number(rows.accepted)} of {number(rows.read)} rows were taken."
        alerts = len(report.alerts)
        told += f" {number(alerts)} alert{'s' * (alerts != 1)} to look at." if alerts else " Nothing to look at."
    facts = [
        ("upload", f"<code>{shown(report.upload, 400)}</code>"),
        ("model", f"<code>{shown(report.model)}</code>"),
        ("run", f"<code>{shown(report.run)}</code>"),
        ("at", shown(report.at)),
        ("took", duration(report.seconds)),
        ("size", size(report.size)),
        *([("spec version", number(report.spec_version))] if report.spec_version is not None else []),
        *((name, shown(fact)) for name, fact in report.facts.items()),
        *([("SHA-256", f"<code>{shown(report.sha256)}</code>")] if report.sha256 else []),
    ]
    return (
        f'<header><div class="verdict{" refused" * refused}"><p class="over">Data of {shown(report.model)}</p>'
        f'<h1><span class="mark" aria-hidden="true">{"✕" if refused else "✓"}</span> {_headline(report)}</h1>'
        f"<p>{told}</p></div>{terms(facts)}</header>"
    )


def _rows(report: Report) -> str:
    rows = report.rows
    if not rows.read:
        return "<section><h2>Rows</h2><p>No row was read.</p></section>"
    taken = "accepted" if report.outcome == "accepted" else "passed the checks, not taken"
    parts = [
        (taken, rows.accepted, "good"), ("rejected, in quarantine", rows.rejected, "bad-hatched"),
        ("left out by the filter", rows.filtered, "left-dotted"),
    ]  # fmt: skip
    lines = (
        f'<tr><td><svg class="key" aria-hidden="true"><rect class="{css}" width="14" height="14" rx="2"/></svg></td>'
        f'<th scope="row">{name}</th>{cells(count, rows.read)}</tr>'
        for name, count, css in parts
    )
    return (
        f"<section><h2>Where {number(rows.read)} rows went</h2>{_stack(parts, rows.read)}"
        f"{table(('', 'rows', '#count', '#share'), lines, 'rows')}{_notes(rows)}</section>"
    )


def _stack(parts: list[tuple[str, int, str]], whole: int) -> str:
    """One bar; a part that is there can be seen, however small."""
    there = [(count, css) for _, count, css in parts if count]
    widths = [max(100 * count / whole, 0.6) for count, _ in there]
    drawn, at = "", 0.0
    for (_, css), width in zip(there, (100 * each / sum(widths) for each in widths), strict=True):
        drawn += f'<rect class="{css}" x="{at:.2f}%" width="{max(width - 0.15, 0.1):.2f}%" height="28"/>'
        at += width
    told = ", ".join(f"{name} {share(count, whole)}" for name, count, _ in parts)
    return f'<svg class="stack" role="img" aria-label="Of {number(whole)} rows: {told}">{drawn}</svg>'


def _notes(rows: RowCounts) -> str:
    notes = [
        f"{number(count)} ({share(count, rows.accepted)}) {what}"
        for count, what in ((rows.flagged, "are flagged"), (rows.changed, "had a value clipped or left out"))
        if count
    ]
    return f'<p class="note">Of the rows that passed, {" and ".join(notes)}.</p>' if notes else ""


def _findings(report: Report) -> str:
    if not report.findings:
        return "<section><h2>Findings</h2><p>No check was broken.</p></section>"
    ordered = sorted(report.findings, key=lambda each: (each.action != "fail", -each.count))
    lines = (_finding(each, report.rows.read) for each in ordered[:_MOST_FINDINGS])
    headings = ("what", "column", "what was done", "#count", "#share of rows", "examples")
    more = len(ordered) - _MOST_FINDINGS
    rest = f'<p class="note">{number(more)} rarer findings stand in the JSON.</p>' if more > 0 else ""
    return f"<section><h2>Findings</h2>{table(headings, lines, 'findings')}{rest}</section>"


def _finding(finding: Finding, read: int) -> str:
    what = f"{_CHECKS.get(finding.code, 'a rule is not met')} <code>{shown(finding.code)}</code>"
    examples = "".join(f"<code>{shown(each, 40)}</code>" for each in finding.examples[:5])
    column = f"<code>{shown(finding.column)}</code>" if finding.column is not None else "whole row"
    return (
        f'<tr><th scope="row">{what}</th><td>{column}</td><td>{_ACTIONS[finding.action]}</td>'
        f'{cells(finding.count, read)}<td class="examples">{examples}</td></tr>'
    )


def _alerts(report: Report) -> str:
    if not report.alerts:
        return ""
    lines = "".join(
        f"<li><strong>{shown(each.code)}</strong>: {shown(each.message, 300)}</li>"
        for each in report.alerts[:_MOST_ALERTS]
    )
    more = len(report.alerts) - _MOST_ALERTS
    rest = f'<p class="note">{number(more)} more stand in the JSON.</p>' if more > 0 else ""
    return f'<section><h2>To look at</h2><ul class="alerts">{lines}</ul>{rest}</section>'


def _unmatched(report: Report) -> str:
    told = [
        f"<p>{what}: {names(columns)}</p>"
        for what, columns in (
            ("In the file, not in the spec, left out", report.unknown_columns),
            ("In the spec, not in the file, all missing", report.absent_columns),
        )
        if columns
    ]
    return f"<section><h2>Columns that did not match</h2>{''.join(told)}</section>" if told else ""


def _columns(report: Report) -> str:
    if not report.columns:
        return ""
    cards = "".join(card(each) for each in report.columns[:_MOST_COLUMNS])
    title = f"{number(len(report.columns))} columns of the rows that passed"
    more = len(report.columns) - _MOST_COLUMNS
    rest = f"<p>{number(more)} more columns are described in the JSON.</p>" if more > 0 else ""
    return f'<section><h2>{title}</h2><div class="cards">{cards}</div>{rest}</section>'
