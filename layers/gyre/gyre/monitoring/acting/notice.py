"""What people hear of a look: a subject, of which SNS takes 99 letters, and what else programs and people want."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from pydantic import AwareDatetime

from gyre.monitoring.found import Finding, Found, Look
from gyre.monitoring.kept import report_key

Notable = Literal["opened", "worse", "reminder", "recovered"]
Level = Literal["warn", "alert"]

_MOST_LETTERS, _MOST_FINDINGS, _SHORT = 99, 5, 24
_KINDS: dict[Level, str] = {"warn": "monitoring_warning", "alert": "monitoring_alert"}
_ERRORS = frozenset({"mae", "rmse", "log_loss"})
_PHRASES = {
    "drift": "{} moved", "prediction_drift": "the prediction moved", "label_drift": "the label moved",
    "many_drifts": "many features moved", "multivariate": "features go together otherwise",
    "missing": "{} is missing more often", "unseen": "{} has new values", "range": "{} is out of range",
    "outliers": "{} has outliers", "constant": "{} is always the same", "all_missing": "{} has no values",
    "absent": "{} is absent", "new": "{} is new",
}  # fmt: skip


class Notice(Found):
    """What people heard about a model."""

    at: AwareDatetime
    run: str
    action: Notable
    level: Level | None
    """None of a recovery."""
    subject: str
    opened_at: AwareDatetime
    """Which incident it was about."""


@dataclass(frozen=True)
class Links:
    """Where a notice leads; without the API's address, to paths of it."""

    base: str = ""

    def report(self, model: str, run: str) -> str:
        return f"{self.base.rstrip('/')}/reports/{model}/{run}"

    def release(self, model: str, version: int) -> str:
        return f"{self.base.rstrip('/')}/models/{model}/versions/{version}"


def notice_of(look: Look, action: Notable, level: Level, opened_at: datetime, now: datetime) -> Notice:
    """What is to be told about a look."""
    begin = f"Gyre: {look.model}: "
    if action == "recovered":
        return Notice(at=now, run=look.run, action=action, level=None, subject=f"{begin}recovered", opened_at=opened_at)
    begin += {"opened": "", "worse": "worse: ", "reminder": "still "}[action] + f"{level}: "
    subject = begin + headline(look, _MOST_LETTERS - len(begin))
    return Notice(at=now, run=look.run, action=action, level=level, subject=subject, opened_at=opened_at)


def message(look: Look, notice: Notice, links: Links) -> dict[str, Any]:
    """All of it, for programs and people."""
    findings, window, version = counting(look.verdict.findings), look.window, look.version
    seen = window and {
        "rows": window.rows, "from": window.start and window.start.isoformat(),
        "to": window.end and window.end.isoformat(), "labelled": window.labelled,
    }  # fmt: skip
    return {
        "kind": _KINDS[notice.level] if notice.level else "monitoring_recovered", "action": notice.action,
        "severity": notice.level or "ok", "model": look.model, "version": version, "run": look.run,
        "at": look.at.isoformat(), "since": notice.opened_at.isoformat(),
        "findings": [each.text for each in findings[:_MOST_FINDINGS]],
        "more_findings": max(0, len(findings) - _MOST_FINDINGS), "window": seen,
        "report": links.report(look.model, look.run), "report_key": report_key(look.model, look.run),
        "release": None if version is None else links.release(look.model, version),
    }  # fmt: skip


def counting(findings: Iterable[Finding]) -> list[Finding]:
    """Those that are more than a note."""
    return [each for each in findings if each.severity != "note"]


def headline(look: Look, room: int) -> str:
    """What is wrong in a few words: the worst first, as many as there is room for, and how many more there are."""
    told = list(dict.fromkeys(_phrases(look)))
    for kept in range(len(told), 0, -1):
        line = ", ".join(told[:kept]) + (f" and {len(told) - kept} more" if kept < len(told) else "")
        if len(line) <= room or kept == 1:
            return line
    return "see the report"


def _phrases(look: Look) -> Iterator[str]:
    fallen = iter(look.performance.fallen if look.performance else ())
    for each in counting(look.verdict.findings):
        if each.code.endswith("_performance"):  # one for each figure that fell, in their order
            figure = next(fallen, None)
            yield _fell(figure.metric, figure.how) if figure else each.code.replace("_", " ")
        else:
            yield _phrase(each)


def _phrase(finding: Finding) -> str:
    column = finding.column or ""
    name = column if len(column) <= _SHORT else f"{column[: _SHORT - 3]}..."
    if finding.code in _PHRASES:
        return _PHRASES[finding.code].replace("{}", name)
    return " ".join(part for part in (name, finding.code.replace("_", " ")) if part)


def _fell(metric: str, how: str) -> str:
    name = metric.replace("_", " ")
    return f"{'estimated ' if how == 'estimated' else ''}{name} {'rose' if metric in _ERRORS else 'fell'}"
