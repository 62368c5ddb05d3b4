"""Looks for tests that are not about how one comes about."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Any

from gyre.monitoring.found import (
    Drift,
    Finding,
    Level,
    Look,
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
from gyre.objects import Written
from tests.fakes.objects import MemoryBucket

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def finding(code: str = "drift", column: str | None = "weight", severity: Severity = "warn") -> Finding:
    return Finding(code=code, severity=severity, text=f"{column} {code} told in words", column=column)


def look(
    run: str = "monitor_1", level: Level = "ok", findings: Sequence[Finding] = (), at: datetime = NOON, **facts: Any
) -> Look:
    window = Source(name="the journal", rows=500, of_rows=900, start=at - 24 * HOUR, end=at, labelled=40)
    return Look(
        **{
            "run": run, "model": "wine", "at": at, "kind": "watch", "version": 4, "reference": None, "window": window,
            "verdict": Verdict(level=level, findings=tuple(findings)), "calls": 77, "failed_calls": 3, **facts,
        }
    )  # fmt: skip


def full_look(run: str = "monitor_1", at: datetime = NOON, **facts: Any) -> Look:
    """With a figure of every kind."""
    drifts = (
        Drift(
            column="weight", kind="number", method="jensen_shannon", value=0.4, threshold=0.1, p=1e-9, adjusted=2e-9,
            drifted=True,
        ),
        Drift(column="sex", kind="category", method="chi2", threshold=0.1, because="one value alone"),
    )  # fmt: skip
    figures = (
        Performance(
            metric="f1_macro", how="realised", by="labels", expected=0.9, value=0.7, low=0.6, high=0.8, rows=40,
            fall=0.2, limit=0.05, fallen=True,
        ),
        Performance(metric="accuracy", how="estimated", by="CBPE", expected=0.9, value=0.88, rows=500),
    )  # fmt: skip
    checks = (Quality(column="weight", flaw="missing", reference=0.01, window=0.2, p=1e-6, adjusted=2e-6, broken=True),)
    return look(
        run, "alert", (finding("realised_performance", None, "alert"), finding()), at,
        univariate=Univariate(drifts=drifts, level=0.004),
        multivariate=Multivariate(value=1.4, expected=1.0, p=0.2, threshold=1.1),
        performance=Performances(figures=figures), quality=Qualities(checks=checks, level=0.003), **facts,
    )  # fmt: skip


class AtomicBucket(MemoryBucket):
    """For threads: a conditional write looks and writes in one."""

    def __init__(self, filled: MemoryBucket | None = None) -> None:
        super().__init__()
        self._lock = Lock()
        for each in filled.list("") if filled else ():
            self.put(each.key, filled.read(each.key).content if filled else b"")

    def write(
        self, key: str, content: bytes, *, content_type: str, replaces: str | None = None, new: bool = False
    ) -> Written:
        with self._lock:
            return super().write(key, content, content_type=content_type, replaces=replaces, new=new)
