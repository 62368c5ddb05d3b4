"""One look at the newest window of the journal: how many calls, how many failed, and the verdict."""

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from gyre.errors import NotFound
from gyre.journal.table import Journal, Volume
from gyre.objects import ObjectStore

Verdict = Literal["ok", "warn", "not enough data"]

LATEST = "monitoring/latest.json"


@dataclass(frozen=True)
class Limits:
    """What the verdict is measured against."""

    minimum_calls: int
    failure_share: float


@dataclass(frozen=True)
class Finding:
    """One model in one window."""

    model: str
    verdict: Verdict
    calls: int
    failed: int
    first_at: datetime
    last_at: datetime
    because: str


def judge(volume: Volume, limits: Limits) -> Finding:
    """Too few calls say nothing; otherwise the share of failed ones decides."""
    share = volume.failed / volume.calls
    verdict: Verdict
    if volume.calls < limits.minimum_calls:
        verdict, because = "not enough data", f"{volume.calls} calls, {limits.minimum_calls} are needed"
    elif share > limits.failure_share:
        verdict, because = "warn", f"{share:.1%} of the calls failed, the limit is {limits.failure_share:.1%}"
    else:
        verdict, because = "ok", f"{share:.1%} of {volume.calls} calls failed"
    return Finding(volume.model, verdict, volume.calls, volume.failed, volume.first_at, volume.last_at, because)


@dataclass(frozen=True)
class Watched:
    """What one monitoring run saw."""

    run: str
    window_start: datetime
    window_end: datetime
    findings: tuple[Finding, ...]


def watch(run: str, journal: Journal, results: ObjectStore, limits: Limits, hours: int) -> Watched:
    """Judges each model that was called in the window, and keeps the result under the run's name and as the latest."""
    end = datetime.now(UTC)
    start = end - timedelta(hours=hours)
    watched = Watched(run, start, end, tuple(judge(volume, limits) for volume in journal.volumes(start)))
    told = json.dumps(asdict(watched), default=datetime.isoformat, indent=1).encode()
    for key in (f"monitoring/runs/{run}.json", LATEST):
        results.write(key, told, content_type="application/json")
    return watched


def latest(results: ObjectStore) -> Watched | None:
    """What the last run saw; none where none has run yet."""
    try:
        told = json.loads(results.read(LATEST).content)
    except NotFound:
        return None
    times = {name: datetime.fromisoformat(told[name]) for name in ("window_start", "window_end")}
    return Watched(told["run"], **times, findings=tuple(_finding(each) for each in told["findings"]))


def _finding(told: dict[str, str]) -> Finding:
    times = {name: datetime.fromisoformat(told[name]) for name in ("first_at", "last_at")}
    return Finding(**{**told, **times})  # type: ignore[arg-type]  # our own JSON, read back
