"""What one look concludes, by rules that a person can follow.

| what was found | verdict |
|---|---|
| no reference, a reference of fewer than 30 rows, no rows, fewer rows than `minimum_rows` | not enough data |
| the watched metric fell, estimated or realised; a feature that is absent, or nothing but gaps; at least half of the
  features (and at least two) drifted | alert |
| a feature, the prediction or the label drifted; the features no longer go together as they did; any other broken check
  of quality | warn |
| anything else | ok |
"""

from collections.abc import Iterator, Sequence

from gyre.monitoring.found import (
    Drift,
    Finding,
    Flaw,
    Level,
    Multivariate,
    Performance,
    Performances,
    Qualities,
    Quality,
    Severity,
    Source,
    Univariate,
    Verdict,
)
from gyre.monitoring.terms import MEASURES, METRICS

LEAST_REFERENCE = 30
"""With a smaller reference nothing is concluded, whatever the window holds."""
MANY = 0.5
"""The share of drifted features that is an alert …"""
LEAST_MANY = 2
"""… if there are so many of them."""
_GRAVE: frozenset[Flaw] = frozenset({"absent", "all_missing"})
_WORST_FIRST: tuple[Severity, ...] = ("alert", "warn", "note")
_LEVELS: dict[Severity, Level] = {"alert": "alert", "warn": "warn", "note": "ok"}
_ERRORS = frozenset({"mae", "rmse"})
_CODES = {"feature": "drift", "prediction": "prediction_drift", "label": "label_drift"}
_SELDOM = 1_000_000


def verdict(
    reference: Source | None,
    window: Source | None,
    univariate: Univariate | None,
    multivariate: Multivariate | None,
    performance: Performances | None,
    quality: Qualities | None,
    notes: Sequence[Finding] = (),
    *,
    minimum: int,
) -> Verdict:
    """The level and why, the worst first; `notes` are what else is known about the two sides."""
    if lacking := _lacking(reference, window, minimum):
        return Verdict(level="not enough data", findings=(lacking, *_sorted(notes)))
    assert window is not None  # noqa: S101  # else something is lacking
    found = [
        *_of_performance(performance), *_of_quality(quality, univariate, window.rows), *_of_drift(univariate),
        *_of_multivariate(multivariate), *notes,
    ]  # fmt: skip
    findings = _sorted(found)
    return Verdict(level=_LEVELS[findings[0].severity] if findings else "ok", findings=findings)


def _sorted(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    return tuple(sorted(findings, key=lambda each: _WORST_FIRST.index(each.severity)))


def _lacking(reference: Source | None, window: Source | None, minimum: int) -> Finding | None:
    """What keeps anything from being concluded."""
    if reference is None or not reference.rows:
        told = "there is no reference to compare with: `split.reference` in model.yaml sets rows apart for it"
        return Finding(code="no_reference", severity="note", text=told)
    if reference.rows < LEAST_REFERENCE:
        told = f"the reference ({reference.name}) has {_rows(reference.rows)}; {LEAST_REFERENCE} are needed"
        return Finding(code="few_rows", severity="note", text=told)
    if window is None:
        return Finding(code="few_rows", severity="note", text=f"the window has no rows; {minimum:,} are needed")
    if window.rows < max(minimum, 1):
        told = f"the window ({window.name}) has {_rows(window.rows)}; {max(minimum, 1):,} are needed"
        return Finding(code="few_rows", severity="note", text=told)
    return None


# --- drift ------------------------------------------------------------------------------------------------------------


def _of_drift(univariate: Univariate | None) -> Iterator[Finding]:
    if univariate is None:
        return
    features = [each for each in univariate.drifts if each.of == "feature"]
    moved = [each for each in features if each.drifted]
    if len(moved) >= max(LEAST_MANY, MANY * len(features)):
        told = f"{len(moved)} of {len(features)} features moved: what the model meets is not what it was released on"
        yield Finding(code="many_drifts", severity="alert", text=told)
    for each in univariate.drifted:
        yield Finding(code=_CODES[each.of], severity="warn", text=_moved(each), column=each.column)


def _moved(drift: Drift) -> str:
    who = {"feature": drift.column, "prediction": "the prediction", "label": "the label"}[drift.of]
    method = MEASURES[drift.method] if drift.method in MEASURES else drift.method.replace("_", " ")
    return (
        f"{who} moved: {method} {_figure(drift.value)}, above {_figure(drift.threshold)}"
        f"{_chance(drift.p if drift.adjusted is None else drift.adjusted)}"
    )


def _of_multivariate(found: Multivariate | None) -> Iterator[Finding]:
    if found is None or not found.drifted:
        return
    said = (
        "a classifier tells the window's rows from the reference's with an area under the curve of"
        if found.method == "domain_classifier"
        else "the features no longer go together as they did: the error of putting rows together again is"
    )
    told = f"{said} {_figure(found.value)}, {_figure(found.expected)} was expected{_chance(found.p)}"
    yield Finding(code="multivariate", severity="warn", text=told)


# --- performance ------------------------------------------------------------------------------------------------------


def _of_performance(found: Performances | None) -> Iterator[Finding]:
    for each in found.fallen if found else ():
        yield Finding(code=f"{each.how}_performance", severity="alert", text=_fell(each))


def _fell(each: Performance) -> str:
    how = (
        f"as estimated without labels ({each.by})" if each.how == "estimated" else f"on {_rows(each.rows)} with labels"
    )
    went, counts = ("rose", "rise") if each.metric in _ERRORS else ("fell", "fall")
    limit = each.limit or 0.0
    told = f"{limit:.3g} counts" if each.metric not in _ERRORS else f"{_percent(limit)} counts"
    name = METRICS.get(each.metric, each.metric)
    return f"{name} {how} {went} from {_figure(each.expected)} to {_figure(each.value)}; a {counts} of {told}"


# --- quality ----------------------------------------------------------------------------------------------------------


def _of_quality(found: Qualities | None, univariate: Univariate | None, rows: int) -> Iterator[Finding]:
    texts = {each.column for each in univariate.drifts if each.kind == "text"} if univariate else set()
    for each in found.checks if found else ():
        if each.broken or each.flaw in ("constant", "new"):
            severity: Severity = "note" if not each.broken else "alert" if each.flaw in _GRAVE else "warn"
            told = _flawed(each, rows, each.column in texts)
            yield Finding(code=each.flaw, severity=severity, text=told, column=each.column)


def _flawed(each: Quality, rows: int, is_text: bool) -> str:
    name, share, then = each.column, each.window or 0.0, each.reference or 0.0
    some = f"{round(share * rows):,} of {_rows(rows)}"
    usual = f"({_percent(share)}; {_percent(then)} in the reference)"
    told: dict[Flaw, str] = {
        "missing": f"{name} is missing in {some} {usual}",
        "unseen": f"{some} have a {name} never seen before",
        "range": f"{name} is out of its range in {some} {usual}",
        "outliers": f"{name} is far from all others in {some} {usual}",
        "constant": f"{name} has one value alone, and varied in the reference",
        "all_missing": f"{name} is missing in each of {_rows(rows)} ({_percent(then)} in the reference)",
        "absent": f"no row has {name}, a feature of the model",
        "new": f"{name} is a column that nobody declared; the model does not see it",
    }
    if is_text and each.flaw == "unseen":
        told["unseen"] = f"{_percent(share)} of the words of {name} were never seen before ({_percent(then)} are usual)"
    return told[each.flaw] + (f", e.g. {', '.join(each.examples)}" if each.examples else "")


# --- words ------------------------------------------------------------------------------------------------------------


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows" if count else "no rows"


def _figure(value: float | None) -> str:
    """Three digits that matter, and never as 1e+03."""
    if value is None:
        return "nothing"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _percent(share: float) -> str:
    return f"{share * 100:.2g} %" if 0 < share < 0.1 else f"{share * 100:.0f} %"


def _chance(p: float | None) -> str:
    """How often chance alone does as much, of windows in which nothing happened."""
    if p is None:
        return ""
    if p * _SELDOM < 1:
        return f"; chance alone does that in fewer than 1 of {_SELDOM:,} windows"
    return f"; chance alone does that in 1 of {float(f'{1 / p:.2g}'):,.0f} windows"
