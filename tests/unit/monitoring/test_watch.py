import json
from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest

from gyre.journal.record import JournalRecord
from gyre.journal.table import Volume
from gyre.monitoring.metrics import VERDICTS
from gyre.monitoring.watch import LATEST, Limits, Verdict, judge, latest, watch
from tests.fakes.journal import MemoryJournal
from tests.fakes.objects import MemoryBucket

LIMITS = Limits(minimum_calls=20, failure_share=0.05)
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def volume(calls: int, failed: int) -> Volume:
    return Volume("wine", calls, failed, NOW - timedelta(hours=1), NOW)


def record(number: int, status: int = 200, model: str = "wine", hours_ago: float = 0.1) -> JournalRecord:
    return JournalRecord(
        event_id=f"event-{number:04}",
        model=model,
        at=datetime.now(UTC) - timedelta(hours=hours_ago),
        status=status,
        duration_ms=1,
        caller="test",
        correlation_id="c",
    )


@pytest.fixture
def journal() -> MemoryJournal:
    journal = MemoryJournal()
    journal.append([record(number) for number in range(19)])
    journal.append([record(20, status=503), record(21, status=404, model="beer")])
    journal.append([record(22, status=500, hours_ago=3)])
    return journal


@pytest.mark.parametrize(
    ("calls", "failed", "verdict"),
    [
        (1, 0, "not enough data"),
        (19, 0, "not enough data"),
        (19, 19, "not enough data"),
        (20, 0, "ok"),
        (20, 1, "ok"),
        (20, 2, "warn"),
        (100, 5, "ok"),
        (100, 6, "warn"),
        (20, 20, "warn"),
    ],
)
def test_the_verdict_turns_above_its_limits(calls: int, failed: int, verdict: str) -> None:
    finding = judge(volume(calls, failed), LIMITS)
    assert (finding.verdict, finding.calls, finding.failed) == (verdict, calls, failed)


@pytest.mark.parametrize(
    ("calls", "failed", "because"),
    [
        (3, 0, "3 calls, 20 are needed"),
        (20, 2, "10.0% of the calls failed, the limit is 5.0%"),
        (20, 1, "5.0% of 20 calls failed"),
    ],
)
def test_a_verdict_says_why(calls: int, failed: int, because: str) -> None:
    assert judge(volume(calls, failed), LIMITS).because == because


def test_each_model_of_the_window_is_judged(journal: MemoryJournal) -> None:
    watched = watch("run-1", journal, MemoryBucket(), LIMITS, hours=2)
    found = {each.model: (each.verdict, each.calls, each.failed) for each in watched.findings}
    assert found == {"wine": ("ok", 20, 1), "beer": ("not enough data", 1, 0)}
    assert watched.window_end - watched.window_start == timedelta(hours=2)


def test_an_earlier_failure_counts_in_a_longer_window(journal: MemoryJournal) -> None:
    watched = watch("run-1", journal, MemoryBucket(), LIMITS, hours=24)
    assert [each.verdict for each in watched.findings if each.model == "wine"] == ["warn"]


def test_the_result_is_kept_under_the_run_and_as_the_latest(journal: MemoryJournal) -> None:
    results = MemoryBucket()
    watch("run-1", journal, results, LIMITS, hours=2)
    assert results.read("monitoring/runs/run-1.json").content == results.read(LATEST).content


def test_what_was_seen_is_read_back_whole(journal: MemoryJournal) -> None:
    results = MemoryBucket()
    watched = watch("run-1", journal, results, LIMITS, hours=2)
    assert latest(results) == watched


def test_the_latest_run_replaces_the_one_before(journal: MemoryJournal) -> None:
    results = MemoryBucket()
    for run in ("run-1", "run-2"):
        watch(run, journal, results, LIMITS, hours=2)
    found = latest(results)
    assert found and found.run == "run-2"
    assert json.loads(results.read("monitoring/runs/run-1.json").content)["run"] == "run-1"


def test_an_empty_journal_has_no_findings() -> None:
    results = MemoryBucket()
    assert watch("run-1", MemoryJournal(), results, LIMITS, hours=2).findings == ()
    found = latest(results)
    assert found and found.findings == ()


def test_before_the_first_run_there_is_nothing() -> None:
    assert latest(MemoryBucket()) is None


def test_every_verdict_is_shown_in_the_metrics() -> None:
    assert get_args(Verdict) == VERDICTS
