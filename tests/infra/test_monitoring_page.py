"""docs/monitoring.md: its figures are those of the code, and of what was measured."""

import json
from pathlib import Path
from typing import Any

import pytest
from scipy import stats  # type: ignore[import-untyped]

from bench.measure import shown
from bench.watching import PROMISED_MB, PROMISED_ROWS, PROMISED_SECONDS, TASKS
from gyre.monitoring.analysis import performance, quality, together, univariate
from gyre.monitoring.found import Source
from gyre.monitoring.gathering.given import MOST_ROWS
from infra.deploy.target import target_named
from tests.infra.facts import template

ROOT = Path(__file__).parents[2]
PAGE = " ".join((ROOT / "docs/monitoring.md").read_text(encoding="utf-8").split())


def test_the_budget_of_false_alarms_is_shared_out_as_it_is_told() -> None:
    told = "0.004 to the columns, 0.003 to quality, 0.001 each to the features together, to estimated and to realised"
    assert told in PAGE
    of_a_fall = float(stats.norm.sf(performance.SURE))
    assert (univariate.LEVEL, quality.LEVEL, together.LEVEL) == (0.004, 0.003, 0.001)
    assert of_a_fall == pytest.approx(0.001, rel=0.01)
    assert univariate.LEVEL + quality.LEVEL + together.LEVEL + 2 * of_a_fall == pytest.approx(0.01, rel=0.01)


def test_quiet_windows_were_counted_and_raised_no_more_than_is_told() -> None:
    kept: dict[str, Any] = json.loads((ROOT / "bench/results/quiet.json").read_text())
    figures = kept["figures"]
    assert "at most 1 in 100 may raise anything" in PAGE
    assert figures["windows"] >= 500
    assert figures["windows with an alarm"] <= figures["windows"] / 100


def test_the_sample_and_its_error_are_told() -> None:
    assert f"More than {MOST_ROWS:,} rows are looked at by a sample" in PAGE
    error = Source(name="x", rows=MOST_ROWS, of_rows=10 * MOST_ROWS).error
    assert error is not None and f"{error * 100:.2f} points at most" in PAGE


@pytest.mark.parametrize("size", [10**3, 10**4, 10**5, 10**6, 10**7])
def test_its_table_of_growth_is_what_was_measured(size: int) -> None:
    """`make bench NAME=watching`, then this test says what the page must say."""
    kept: dict[str, Any] = json.loads((ROOT / "bench/results/watching.json").read_text())
    figures, took = kept["figures"], shown(kept["seconds"][f"{size:,}: all tasks"]["median"])
    most = max(figures[f"{size:,}: {task}, MB"] for task in TASKS)
    off = figures[f"{size:,}: most a share is off"]
    told = f"{off * 100:.2f} points" if off else "nothing"
    assert f"| {size:,} | {figures[f'{size:,}: rows looked at']:,.0f} | {took} | {most:,.0f} MB | {told} |" in PAGE


def test_so_many_rows_are_looked_at_in_the_time_and_memory_that_are_promised() -> None:
    kept: dict[str, Any] = json.loads((ROOT / "bench/results/watching.json").read_text())
    figures, took = kept["figures"], kept["seconds"][f"{PROMISED_ROWS:,}: all tasks"]["median"]
    assert f"{PROMISED_ROWS:,} predictions are to take {PROMISED_SECONDS:g} s and {PROMISED_MB:,.0f} MB" in PAGE
    assert took <= PROMISED_SECONDS
    assert max(figures[f"{PROMISED_ROWS:,}: {task}, MB"] for task in TASKS) <= PROMISED_MB


def test_the_clock_asks_as_often_as_is_told() -> None:
    assert template()["Parameters"]["MonitoringSchedule"]["Default"] == "rate(15 minutes)"
    assert "Every quarter of an hour (`MonitoringSchedule`; in dev each hour, on the emulator each minute)" in PAGE
    often = {
        name: target_named(name).parameters.get("MonitoringSchedule")
        for name in template()["Parameters"]["Environment"]["AllowedValues"]
    }
    assert often == {"local": "rate(1 minute)", "dev": "rate(1 hour)", "staging": None, "production": None}
