"""What Prometheus is told of looks, of the day's traffic and of releases; and CloudWatch of one look."""

from collections.abc import Sequence
from datetime import datetime
from typing import get_args

from gyre import __version__
from gyre.journal.metrics import NO_MODEL, NO_VERSION, Metric, Unit
from gyre.monitoring.figures.families import DURATION, FAMILIES
from gyre.monitoring.figures.prometheus import Spread, Values
from gyre.monitoring.figures.standing import Standing
from gyre.monitoring.figures.traffic import Traffic
from gyre.monitoring.found import Level, Look, Performances, Qualities, Severity, Univariate

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
# Of one model, those that are worst: a table with thousands must not fill up whoever keeps the figures.
MOST_COLUMNS = 200
SHOWN_FLAWS = frozenset({"missing", "unseen", "outliers", "range"})
# In CloudWatch. `not enough data` has no place in the order of verdicts.
VERDICTS: dict[Level, float] = {"ok": 0.0, "warn": 1.0, "alert": 2.0}
DRIFTED, VERDICT, ROWS = "DriftedColumns", "Verdict", "WindowRows"
PERFORMANCE = {"estimated": "EstimatedPerformance", "realised": "RealisedPerformance"}
LOOK_METRICS = (DRIFTED, VERDICT, ROWS, *PERFORMANCE.values())


def exposition(
    commit: str, now: datetime, looks: Sequence[Look] = (), traffic: Sequence[Traffic] = (),
    standings: Sequence[Standing] = (), dead_letters: int | None = None,
) -> str:  # fmt: skip
    """Of each model the newest of these looks at its journal: a comparison says nothing about what serves. What is not
    known is left out: no figure stands for it."""
    told = _Told()
    told.put("gyre_info", 1.0, version=__version__, commit=commit)
    watched = sorted((each for each in looks if each.kind == "watch"), key=lambda each: each.at)
    for look in {each.model: each for each in watched}.values():
        _look(told, look)
        told.put("gyre_run_age_seconds", _age(now, look.at), kind="watch", model=look.model)
    for each in standings:
        told.put("gyre_look_interval_seconds", each.every.total_seconds(), model=each.model)
        if each.since is not None:
            told.put("gyre_release_timestamp_seconds", each.since.timestamp(), model=each.model, version=each.version)
        if each.trained is not None:
            told.put("gyre_run_age_seconds", _age(now, each.trained), kind="training", model=each.model)
    told.put("gyre_dead_letters", dead_letters)
    _traffic(told, traffic)
    return told.text()


def look_metrics(look: Look) -> tuple[Metric, ...]:
    """Few, because each of them is paid for, and none of a comparison, which says nothing about what serves. A verdict
    is told without its model as well, so that one alarm watches all models."""
    if look.kind != "watch":
        return ()
    minute, model = look.at.replace(second=0, microsecond=0), look.model
    found: list[tuple[str, Unit, str | None, float]] = []
    if look.verdict.level in VERDICTS:
        found += [(VERDICT, "None", named, VERDICTS[look.verdict.level]) for named in (model, None)]
    if look.univariate is not None:
        found.append((DRIFTED, "Count", model, float(len(look.univariate.drifted))))
    if look.window is not None:
        found.append((ROWS, "Count", model, float(look.window.rows)))
    for how, name in PERFORMANCE.items():
        figures = look.performance.figures if look.performance else ()
        watched = next((each.value for each in figures if each.how == how), None)
        if watched is not None:
            found.append((name, "None", model, watched))
    return tuple(Metric(name, unit, named, None, "online", minute, {value: 1}) for name, unit, named, value in found)


class _Told:
    """Samples by family and labels: the same labels twice would have all of it refused."""

    def __init__(self) -> None:
        self._figures: dict[str, dict[Values, float]] = {name: {} for name in FAMILIES}
        self._spreads: dict[Values, Spread] = {}

    def put(self, name: str, figure: float | None, **labels: str | int) -> None:
        if figure is not None:
            self._figures[name][tuple(str(labels[each]) for each in FAMILIES[name].labels)] = float(figure)

    def add(self, name: str, figure: float, **labels: str | int) -> None:
        before = self._figures[name].get(tuple(str(labels[each]) for each in FAMILIES[name].labels), 0.0)
        self.put(name, before + figure, **labels)

    def spread(self, model: str, spread: Spread) -> None:
        before = self._spreads.get((model,))
        self._spreads[model,] = spread if before is None else before + spread

    def text(self) -> str:
        lines = [line for name, family in FAMILIES.items() for line in family.lines(self._figures[name])]
        return "\n".join([*lines, *DURATION.lines(self._spreads)]) + "\n"


def _look(told: _Told, look: Look) -> None:
    model = look.model
    told.put("gyre_look_timestamp_seconds", look.at.timestamp(), model=model)
    for level in get_args(Level):
        told.put("gyre_verdict", level == look.verdict.level, model=model, verdict=level)
    for severity in get_args(Severity):
        found = sum(each.severity == severity for each in look.verdict.findings)
        told.put("gyre_findings", found, model=model, severity=severity)
    told.put("gyre_window_calls", look.calls, model=model)
    told.put("gyre_window_failed_calls", look.failed_calls, model=model)
    if window := look.window:
        told.put("gyre_window_rows", window.rows, model=model)
        told.put("gyre_window_labelled_rows", window.labelled, model=model)
        if window.end is not None:
            told.put("gyre_window_end_timestamp_seconds", window.end.timestamp(), model=model)
    if look.univariate:
        _drift(told, model, look.univariate)
    if together := look.multivariate:
        told.put("gyre_multivariate_score", together.value, model=model)
        told.put("gyre_multivariate_expected", together.expected, model=model)
        told.put("gyre_multivariate_drifted", together.drifted, model=model)
    if look.performance:
        _performance(told, model, look.performance)
    if look.quality:
        _quality(told, model, look.quality)


def _drift(told: _Told, model: str, found: Univariate) -> None:
    features = 0
    for each in sorted(found.drifts, key=lambda each: not each.drifted):  # otherwise as they stand: the worst first
        features += each.of == "feature"
        if each.of == "feature" and features > MOST_COLUMNS:
            continue
        for name, figure in (("gyre_drift_score", each.value), ("gyre_drift_threshold", each.threshold),
                             ("gyre_drifted", each.drifted)):  # fmt: skip
            told.put(name, figure, model=model, column=each.column, of=each.of, method=each.method)


def _performance(told: _Told, model: str, found: Performances) -> None:
    for each in found.figures:
        for name, figure in (("gyre_performance", each.value), ("gyre_performance_expected", each.expected),
                             ("gyre_performance_fallen", each.fallen)):  # fmt: skip
            told.put(name, figure, model=model, metric=each.metric, how=each.how)


def _quality(told: _Told, model: str, found: Qualities) -> None:
    shown = sorted((each for each in found.checks if each.flaw in SHOWN_FLAWS), key=lambda each: not each.broken)
    columns = set(list(dict.fromkeys(each.column for each in shown))[:MOST_COLUMNS])
    for each in shown:
        if each.column in columns:
            for name, figure in (("gyre_quality_share", each.window), ("gyre_quality_reference_share", each.reference),
                                 ("gyre_quality_broken", each.broken)):  # fmt: skip
                told.put(name, figure, model=model, column=each.column, flaw=each.flaw)


def _traffic(told: _Told, traffic: Sequence[Traffic]) -> None:
    for each in traffic:
        model, version = each.model or NO_MODEL, NO_VERSION if each.version is None else each.version
        by = {"model": model, "version": version, "kind": each.kind}
        told.add("gyre_rows_total", each.rows, **by)
        if each.calls:
            told.add("gyre_calls_total", each.calls, **by, status_class=f"{each.status}xx")
            told.add("gyre_errors_total", each.calls * (each.status >= 5), **by)
            told.add("gyre_cold_starts_total", each.cold, model=model, kind=each.kind)
        if each.calls and each.kind == "online":
            told.spread(model, each.took)


def _age(now: datetime, then: datetime) -> float:
    """Where clocks disagree, nothing was in the future."""
    return max(0.0, (now - then).total_seconds())
