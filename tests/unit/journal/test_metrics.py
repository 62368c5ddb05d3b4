"""What operators are told of calls, and that it never holds up the journal."""

import io
import json
import logging
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aws_lambda_powertools import Logger
from hypothesis import given
from hypothesis import strategies as st

from gyre.errors import Unavailable
from gyre.journal.cost import cost
from gyre.journal.metrics import Metric, metrics_of, tell_calls
from gyre.journal.record import JournalRecord, JournalRow, Served
from gyre.telemetry import logger
from tests.fakes.metrics import MemoryMetrics

NOW = datetime(2026, 11, 21, 12, 0, 30, tzinfo=UTC)
PRODUCTION, CHALLENGER = Served(version=7, alias="production", rows=1), Served(version=8, alias="challenger", rows=1)


def call(version: int | None = 7, **changes: Any) -> JournalRecord:
    served = [] if version is None else [Served(version=version, alias="production", rows=1)]
    told = {
        "event_id": "event-0001",
        "model": "wine",
        "at": NOW - timedelta(seconds=40),
        "status": 200,
        "duration_ms": 12.5,
        "times": {"load": 0.25, "predict": 3.0},
        "caller": "ann",
        "correlation_id": "c-1",
        "served": served,
        "rows": [JournalRow(version=each.version) for each in served],
    }
    return JournalRecord(**{**told, **changes})


def figures(*records: JournalRecord) -> dict[tuple[str, str], dict[float, int]]:
    return {(each.name, each.version): dict(each.values) for each in metrics_of(records, NOW)}


def test_a_call_costs_its_milliseconds_and_its_memory() -> None:
    # Given a call of 12.5 ms, of which 13 are billed, with 2 GB
    record = call(memory_mb=2048)
    # Then it costs 26 thousandths of a GB-second, a request and a message
    assert cost(record) == pytest.approx(0.026 * 0.0000166667 + 0.0000002 + 0.0000004)
    assert figures(record)["CostMicroDollars", "7"] == {1.03: 1}
    # And nothing where it was no function's
    assert cost(call()) is None and ("CostMicroDollars", "7") not in figures(call())


def test_a_call_is_told_by_model_and_version() -> None:
    # when
    found = metrics_of([call(cold=True)], NOW)
    # then
    assert {each.name: (each.unit, dict(each.values)) for each in found} == {
        "Calls": ("Count", {1.0: 1}),
        "Failures": ("Count", {0.0: 1}),
        "ColdStarts": ("Count", {1.0: 1}),
        "DurationMs": ("Milliseconds", {12.5: 1}),
        "PredictMs": ("Milliseconds", {3.0: 1}),
        "LoadMs": ("Milliseconds", {0.25: 1}),
    }
    assert {(each.model, each.version, each.kind) for each in found} == {("wine", "7", "online")}
    assert {each.at for each in found} == {datetime(2026, 11, 21, 11, 59, tzinfo=UTC)}


def test_calls_of_a_batch_are_told_together() -> None:
    found = figures(call(), call(duration_ms=12.5001), call(duration_ms=80.0), call(status=503))
    assert found["Calls", "7"] == {1.0: 4}
    assert found["Failures", "7"] == {0.0: 3, 1.0: 1}
    assert found["DurationMs", "7"] == {12.5: 3, 80.0: 1}


def test_what_a_caller_did_wrong_is_no_failure() -> None:
    assert figures(call(status=422))["Failures", "7"] == {0.0: 1}


def test_a_challenger_that_could_not_answer_failed_and_production_did_not() -> None:
    # given: production stepped in
    broken = CHALLENGER.model_copy(update={"fault": "cannot be loaded"})
    record = call(served=[broken, PRODUCTION], rows=[JournalRow(version=7)])
    # when
    found = figures(record)
    # then
    assert (found["Failures", "7"], found["Failures", "8"]) == ({0.0: 1}, {1.0: 1})
    assert (found["Calls", "7"], found["Calls", "8"]) == ({1.0: 1}, {1.0: 1})
    assert ("DurationMs", "7") in found and ("DurationMs", "8") not in found


def test_the_time_of_a_call_that_two_versions_shared_is_neithers() -> None:
    record = call(served=[PRODUCTION, CHALLENGER], rows=[JournalRow(version=7), JournalRow(version=8)])
    found = figures(record)
    assert found["Calls", "7"] == found["Calls", "8"] == {1.0: 1}
    assert [version for name, version in found if name == "DurationMs"] == ["several"]


def test_a_model_that_does_not_exist_is_counted_too() -> None:
    found = metrics_of([call(None, model=None, status=404, times={})], NOW)
    assert {(each.model, each.version) for each in found} == {("(unknown)", "none")}
    assert {each.name for each in found} == {"Calls", "Failures", "ColdStarts", "DurationMs"}


def test_shadows_and_batches_are_told_apart() -> None:
    found = metrics_of([call(), call(kind="shadow"), call(kind="batch")], NOW)
    assert Counter(each.kind for each in found if each.name == "Calls") == {"online": 1, "shadow": 1, "batch": 1}


def test_dead_letters_of_long_ago_are_not_told_and_spoil_nothing() -> None:
    assert metrics_of([call(at=NOW - timedelta(days=14))], NOW) == ()
    assert len(metrics_of([call(at=NOW - timedelta(days=14)), call()], NOW)) == 6


def test_a_clock_that_runs_ahead_is_held_back() -> None:
    assert {each.at for each in metrics_of([call(at=NOW + timedelta(days=400))], NOW)} == {
        datetime(2026, 11, 21, 13, 0, tzinfo=UTC)
    }


@pytest.mark.parametrize("endless", [float("inf"), float("nan")])
def test_a_time_that_is_no_number_is_left_out(endless: float) -> None:
    record = call().model_copy(update={"duration_ms": endless})
    assert "DurationMs" not in {each.name for each in metrics_of([record], NOW)}


@given(
    st.lists(
        st.builds(
            call,
            version=st.none() | st.integers(1, 3),
            status=st.sampled_from([200, 404, 422, 503]),
            duration_ms=st.floats(0, 1e308),
            times=st.dictionaries(st.sampled_from(["predict", "explain", "auth"]), st.floats(0, 1e308)),
            at=st.integers(-20 * 86_400, 86_400).map(lambda seconds: NOW + timedelta(seconds=seconds)),
            kind=st.sampled_from(["online", "batch", "shadow"]),
        ),
        max_size=20,
    )
)
def test_every_call_is_told_once_and_as_cloudwatch_takes_it(records: list[JournalRecord]) -> None:
    # when
    found = metrics_of(records, NOW)
    # then
    told = [each for each in records if each.at >= NOW - timedelta(days=13)]
    for name in ("Calls", "DurationMs", "ColdStarts"):
        assert sum(sum(each.values.values()) for each in found if each.name == name) == len(told)
    failures = sum(value * count for each in found if each.name == "Failures" for value, count in each.values.items())
    assert failures == sum(each.status == 503 for each in told)
    assert len({(each.name, each.model, each.version, each.kind, each.at) for each in found}) == len(found)
    assert all(0 <= value <= 1e9 for each in found for value in each.values)
    assert all(NOW - timedelta(days=14) < each.at <= NOW + timedelta(hours=1) for each in found)


# --- telling them -----------------------------------------------------------------------------------------------------


@pytest.fixture
def log() -> Logger:
    return logger("metrics-test")


def test_what_is_told_adds_up(log: Logger) -> None:
    metrics = MemoryMetrics()
    tell_calls([call(), call()], metrics, NOW, log)
    tell_calls([call()], metrics, NOW, log)
    assert [dict(each.values) for each in metrics.told if each.name == "Calls"] == [{1.0: 2}, {1.0: 1}]


def test_a_failure_to_tell_is_logged_and_nothing_else() -> None:
    # given
    lines, metrics = io.StringIO(), MemoryMetrics()
    log = Logger(service="metrics-that-fail", logger_handler=logging.StreamHandler(lines))
    metrics.failure = Unavailable("CloudWatch is away")
    # when
    tell_calls([call(), call()], metrics, NOW, log)
    # then
    line = json.loads(lines.getvalue())
    assert (line["message"], line["reason"]) == ("metrics not told", "CloudWatch is away")
    assert line["metrics"] > 1


def test_nothing_is_told_of_nothing(log: Logger) -> None:
    class Strict(MemoryMetrics):
        def tell(self, metrics: Any) -> None:
            raise AssertionError(metrics)

    tell_calls([], Strict(), NOW, log)


def test_metrics_are_values() -> None:
    assert metrics_of([call()], NOW) == metrics_of([call()], NOW)
    assert isinstance(metrics_of([call()], NOW)[0], Metric)
