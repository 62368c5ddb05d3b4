"""Looks to tell of, made by hand."""

from datetime import UTC, datetime
from typing import Any

from gyre.monitoring.found import (
    Drift,
    Finding,
    Look,
    Multivariate,
    Performance,
    Performances,
    Qualities,
    Quality,
    Source,
    Univariate,
    Verdict,
)

AT = datetime(2026, 11, 22, 12, 0, 0, 250_000, tzinfo=UTC)


def drift(column: str = "age", value: float | None = 0.4, drifted: bool = True, **other: Any) -> Drift:
    told: dict[str, Any] = {"kind": "number", "method": "jensen_shannon", "threshold": 0.1}
    return Drift(column=column, value=value, drifted=drifted, **told | other)


def quality(column: str = "age", window: float | None = 0.2, broken: bool = False, **other: Any) -> Quality:
    told: dict[str, Any] = {"flaw": "missing", "reference": 0.01}
    return Quality(column=column, window=window, broken=broken, **told | other)


def performance(how: Any = "estimated", value: float | None = 0.7, **other: Any) -> Performance:
    told: dict[str, Any] = {"metric": "f1", "by": "CBPE", "expected": 0.8, "rows": 900}
    return Performance(how=how, value=value, **told | other)


def look(model: str = "wine", level: Any = "alert", **other: Any) -> Look:
    """A look that found something of every kind."""
    told: dict[str, Any] = {
        "run": "watch-1", "at": AT, "kind": "watch", "version": 3,
        "reference": Source(name="release 3's reference", rows=500, of_rows=500),
        "window": Source(name="the journal", rows=1000, of_rows=1200, labelled=40, end=AT),
        "verdict": Verdict(level=level, findings=(
            Finding(code="drift", severity="alert", text="age drifted", column="age"),
            Finding(code="missing", severity="warn", text="age is missing", column="age"),
        )),
        "univariate": Univariate(drifts=(drift(), drift("city", 0.01, False, kind="category")), level=0.004),
        "multivariate": Multivariate(value=1.5, expected=1.2, threshold=1.1, drifted=True),
        "performance": Performances(figures=(
            performance(fallen=True), performance("realised", 0.75, by="labels"),
            performance(metric="accuracy", value=0.9),
        )),
        "quality": Qualities(checks=(quality(broken=True), quality("city", 0.0, flaw="unseen")), level=0.003),
        "calls": 1100, "failed_calls": 7,
    }  # fmt: skip
    return Look(model=model, **told | other)
