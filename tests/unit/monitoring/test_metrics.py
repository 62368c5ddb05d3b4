from datetime import UTC, datetime, timedelta
from math import inf
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gyre import __version__
from gyre.journal.metrics import Metric
from gyre.monitoring.figures.families import DURATION, FAMILIES
from gyre.monitoring.figures.metrics import LOOK_METRICS, MOST_COLUMNS, exposition, look_metrics
from gyre.monitoring.figures.prometheus import Family, Spread
from gyre.monitoring.figures.standing import Standing
from gyre.monitoring.figures.traffic import BOUNDS, Traffic
from gyre.monitoring.found import Performances, Qualities, Univariate
from tests.unit.monitoring.looks import AT, drift, look, performance, quality
from tests.unit.monitoring.prometheus_text import Samples, parsed

NOW = AT + timedelta(minutes=10)
DAY = timedelta(days=1)
NONE = (0,) * len(BOUNDS)


def told(*looks: Any, **other: Any) -> Samples:
    return parsed(exposition("c0ffee", NOW, looks, **other))


def sample(samples: Samples, name: str, **labels: str) -> float:
    return samples[name, frozenset(labels.items())]


def names(samples: Samples) -> set[str]:
    return {name for name, _ in samples}


def labels(samples: Samples, name: str, label: str) -> list[str]:
    return sorted(dict(found)[label] for each, found in samples if each == name)


def traffic(calls: int = 1, rows: int = 2, version: int | None = 1, **other: Any) -> Traffic:
    given: dict[str, Any] = {
        "model": "wine",
        "kind": "online",
        "status": 2,
        "cold": 0,
        "took": Spread(NONE, calls, 0.5),
    }
    return Traffic(version=version, calls=calls, rows=rows, **given | other)


# --- what is told of a look -------------------------------------------------------------------------------------------


def test_a_system_that_was_never_watched_shows_its_version_alone() -> None:
    assert told() == {("gyre_info", frozenset({("version", __version__), ("commit", "c0ffee")})): 1.0}


def test_a_look_is_told_with_all_that_it_found() -> None:
    samples = told(look())
    by = {"model": "wine", "column": "age"}
    assert sample(samples, "gyre_drift_score", **by, of="feature", method="jensen_shannon") == 0.4
    assert sample(samples, "gyre_drift_threshold", **by, of="feature", method="jensen_shannon") == 0.1
    assert sample(samples, "gyre_drifted", **by, of="feature", method="jensen_shannon") == 1
    assert sample(samples, "gyre_drifted", **by | {"column": "city"}, of="feature", method="jensen_shannon") == 0
    assert sample(samples, "gyre_multivariate_score", model="wine") == 1.5
    assert sample(samples, "gyre_multivariate_expected", model="wine") == 1.2
    assert sample(samples, "gyre_multivariate_drifted", model="wine") == 1
    assert sample(samples, "gyre_performance", model="wine", metric="f1", how="estimated") == 0.7
    assert sample(samples, "gyre_performance", model="wine", metric="f1", how="realised") == 0.75
    assert sample(samples, "gyre_performance_expected", model="wine", metric="f1", how="estimated") == 0.8
    assert sample(samples, "gyre_performance_fallen", model="wine", metric="f1", how="estimated") == 1
    assert sample(samples, "gyre_quality_share", **by, flaw="missing") == 0.2
    assert sample(samples, "gyre_quality_reference_share", **by, flaw="missing") == 0.01
    assert sample(samples, "gyre_quality_broken", **by, flaw="missing") == 1
    assert sample(samples, "gyre_window_rows", model="wine") == 1000
    assert sample(samples, "gyre_window_labelled_rows", model="wine") == 40
    assert sample(samples, "gyre_window_calls", model="wine") == 1100
    assert sample(samples, "gyre_window_failed_calls", model="wine") == 7
    assert sample(samples, "gyre_look_timestamp_seconds", model="wine") == AT.timestamp()
    assert sample(samples, "gyre_window_end_timestamp_seconds", model="wine") == AT.timestamp()
    assert sample(samples, "gyre_run_age_seconds", kind="watch", model="wine") == 600
    assert [sample(samples, "gyre_findings", model="wine", severity=each) for each in ("alert", "warn", "note")] == [
        1,
        1,
        0,
    ]


@pytest.mark.parametrize("level", ["ok", "warn", "alert", "not enough data"])
def test_exactly_one_verdict_of_a_model_is_one(level: str) -> None:
    samples = told(look(level=level))
    verdicts = {dict(by)["verdict"]: value for (name, by), value in samples.items() if name == "gyre_verdict"}
    assert verdicts == dict.fromkeys(("ok", "warn", "alert", "not enough data"), 0.0) | {level: 1.0}


def test_of_several_looks_at_a_model_the_newest_is_told() -> None:
    old = look(level="ok", at=AT - timedelta(hours=1), univariate=Univariate(drifts=(drift("gone"),), level=0.1))
    samples = told(look(), old, look("beer", "ok"))
    assert labels(samples, "gyre_look_timestamp_seconds", "model") == ["beer", "wine"]
    assert sample(samples, "gyre_verdict", model="wine", verdict="alert") == 1
    assert "gone" not in labels(samples, "gyre_drifted", "column")


def test_a_comparison_is_not_told_even_where_it_is_newer() -> None:
    samples = told(look(level="ok"), look(kind="compare", at=NOW), look("beer", kind="compare"))
    assert labels(samples, "gyre_verdict", "model") == ["wine"] * 4
    assert sample(samples, "gyre_verdict", model="wine", verdict="ok") == 1


def test_what_has_no_figure_is_left_out_and_never_told_as_zero() -> None:
    samples = told(look(
        univariate=Univariate(drifts=(drift(value=None, drifted=False, because="too few rows"),), level=0.1),
        performance=Performances(figures=(performance(value=None, expected=None, because="no labels"),)),
        multivariate=None, quality=None, window=None,
    ))  # fmt: skip
    assert not names(samples) & {
        "gyre_drift_score", "gyre_performance", "gyre_performance_expected", "gyre_multivariate_score",
        "gyre_multivariate_drifted", "gyre_quality_share", "gyre_window_rows",
    }  # fmt: skip
    assert names(samples) >= {"gyre_drift_threshold", "gyre_drifted", "gyre_performance_fallen", "gyre_verdict"}


def test_of_a_wide_table_the_worst_columns_are_told_and_prediction_and_label_always() -> None:
    quiet = [drift(f"c{at}", 0.01, False) for at in range(900)]
    own = [drift("y", 0.01, False, of=of) for of in ("prediction", "label")]
    checks = [quality(f"c{at}", flaw=flaw) for at in range(900) for flaw in ("missing", "range", "new", "constant")]
    samples = told(look(
        univariate=Univariate(drifts=(*quiet, drift("moved"), *own), level=0.1),
        quality=Qualities(checks=(*checks, quality("broke", broken=True)), level=0.1),
    ))  # fmt: skip
    shown = labels(samples, "gyre_drifted", "column")
    assert len(shown) == MOST_COLUMNS + 2 and {"moved", "c0", "y"} <= set(shown) and "c899" not in shown
    assert len(set(labels(samples, "gyre_quality_share", "column"))) == MOST_COLUMNS
    assert sample(samples, "gyre_quality_broken", model="wine", column="broke", flaw="missing") == 1
    assert set(labels(samples, "gyre_quality_share", "flaw")) == {"missing", "range"}


def test_a_column_that_is_told_twice_spoils_nothing() -> None:
    samples = told(look(univariate=Univariate(drifts=(drift(), drift()), level=0.1)))
    assert labels(samples, "gyre_drifted", "column") == ["age"]


# --- what is told of traffic and releases -----------------------------------------------------------------------------


def test_traffic_is_told_as_counters() -> None:
    samples = told(traffic=[
        traffic(5, 9, cold=2), traffic(1, 0, None, status=4), traffic(2, 2, status=5),
        traffic(3, 3, kind="shadow", cold=1), traffic(1, 0, None, model=None, status=4),
    ])  # fmt: skip
    by = {"model": "wine", "version": "1", "kind": "online"}
    assert sample(samples, "gyre_calls_total", **by, status_class="2xx") == 5
    assert sample(samples, "gyre_calls_total", **by, status_class="5xx") == 2
    assert sample(samples, "gyre_calls_total", **by | {"version": "none"}, status_class="4xx") == 1
    assert sample(samples, "gyre_calls_total", **by | {"kind": "shadow"}, status_class="2xx") == 3
    assert (
        sample(samples, "gyre_calls_total", model="(unknown)", version="none", kind="online", status_class="4xx") == 1
    )
    assert sample(samples, "gyre_errors_total", **by) == 2
    assert sample(samples, "gyre_errors_total", **by | {"kind": "shadow"}) == 0
    assert sample(samples, "gyre_errors_total", **by | {"version": "none"}) == 0
    assert sample(samples, "gyre_rows_total", **by) == 11
    assert sample(samples, "gyre_cold_starts_total", model="wine", kind="online") == 2
    assert sample(samples, "gyre_cold_starts_total", model="wine", kind="shadow") == 1


def test_only_what_callers_waited_for_has_a_duration() -> None:
    within = tuple(range(1, len(BOUNDS) + 1))
    samples = told(traffic=[
        traffic(20, took=Spread(within, 20, 4.5)), traffic(20, status=5, took=Spread(within, 20, 1.5)),
        traffic(7, kind="batch"), traffic(7, kind="shadow"),
    ])  # fmt: skip
    assert sample(samples, "gyre_call_duration_seconds_count", model="wine") == 40
    assert sample(samples, "gyre_call_duration_seconds_sum", model="wine") == 6.0
    assert sample(samples, "gyre_call_duration_seconds_bucket", model="wine", le="0.005") == 2
    assert sample(samples, "gyre_call_duration_seconds_bucket", model="wine", le="30") == 2 * len(BOUNDS)
    assert sample(samples, "gyre_call_duration_seconds_bucket", model="wine", le="+Inf") == 40


def test_rows_of_a_call_that_counts_elsewhere_make_no_call() -> None:
    samples = told(traffic=[traffic(0, 3, 2, took=Spread(NONE, 0, 0.0))])
    assert names(samples) == {"gyre_info", "gyre_rows_total"}


def test_releases_and_trainings_are_told_by_time() -> None:
    samples = told(standings=[
        Standing("wine", 3, AT, AT - timedelta(hours=1), DAY), Standing("beer", 1, None, None, DAY),
        Standing("ahead", 1, AT, NOW + timedelta(hours=1), DAY),
    ], dead_letters=4)  # fmt: skip
    assert sample(samples, "gyre_release_timestamp_seconds", model="wine", version="3") == AT.timestamp()
    assert sample(samples, "gyre_run_age_seconds", kind="training", model="wine") == 4200
    assert sample(samples, "gyre_run_age_seconds", kind="training", model="ahead") == 0
    assert sample(samples, "gyre_look_interval_seconds", model="beer") == 86_400
    assert "beer" not in labels(samples, "gyre_run_age_seconds", "model")
    assert sample(samples, "gyre_dead_letters") == 4


def test_everything_together_tells_every_family() -> None:
    samples = told(look(), traffic=[traffic()], standings=[Standing("wine", 3, AT, AT, DAY)], dead_letters=0)
    spread = {f"{DURATION.name}_{part}" for part in ("bucket", "sum", "count")}
    assert names(samples) == FAMILIES.keys() | spread


# --- the text ---------------------------------------------------------------------------------------------------------


@given(st.text())
def test_any_label_is_read_back_as_it_was(commit: str) -> None:
    samples = parsed(exposition(commit, NOW))
    assert [dict(by)["commit"] for _, by in samples] == [commit.replace("\0", "\ufffd")]


def test_quotes_backslashes_and_lines_are_escaped() -> None:
    assert 'commit="a\\"b\\\\c\\nd"' in exposition('a"b\\c\nd', NOW)


@given(st.floats(allow_nan=False))
def test_any_figure_is_read_back_as_it_was(figure: float) -> None:
    (line,) = Family("gyre_x", "gauge", (), "It.").lines({(): figure})[2:]
    written = line.removeprefix("gyre_x ")
    assert ({"+Inf": inf, "-Inf": -inf}.get(written) or float(written)) == figure


def test_help_is_one_line() -> None:
    lines = Family("gyre_x", "gauge", (), "a\nb\\c").lines({(): 1})
    assert lines == ["# HELP gyre_x a\\nb\\\\c", "# TYPE gyre_x gauge", "gyre_x 1"]


# --- what CloudWatch is told ------------------------------------------------------------------------------------------


def by_name(metrics: tuple[Metric, ...]) -> dict[tuple[str, str | None], float]:
    assert all(list(each.values.values()) == [1] for each in metrics)
    return {(each.name, each.model): next(iter(each.values)) for each in metrics}


def test_cloudwatch_is_told_a_few_figures_of_a_look() -> None:
    found = look_metrics(look())
    assert by_name(found) == {
        ("Verdict", "wine"): 2.0, ("Verdict", None): 2.0, ("DriftedColumns", "wine"): 1.0,
        ("WindowRows", "wine"): 1000.0, ("EstimatedPerformance", "wine"): 0.7, ("RealisedPerformance", "wine"): 0.75,
    }  # fmt: skip
    assert {name for name, _ in by_name(found)} == set(LOOK_METRICS)
    assert {(each.at, each.version, each.kind) for each in found} == {
        (datetime(2026, 11, 22, 12, 0, tzinfo=UTC), None, "online")
    }


@pytest.mark.parametrize(("level", "told_as"), [("ok", 0.0), ("warn", 1.0), ("alert", 2.0), ("not enough data", None)])
def test_a_verdict_has_a_number_unless_there_was_not_enough(level: str, told_as: float | None) -> None:
    assert by_name(look_metrics(look(level=level))).get(("Verdict", None)) == told_as


def test_a_look_that_found_nothing_tells_little() -> None:
    nothing = dict.fromkeys(("univariate", "multivariate", "performance", "quality", "window", "reference"))
    assert look_metrics(look(level="not enough data", **nothing)) == ()


def test_the_watched_metric_is_told_even_where_another_one_has_a_figure() -> None:
    """The first of each kind is the one that is watched: what stands after it must not take its name."""
    figures = (performance(value=None), performance(metric="accuracy", value=0.9))
    assert ("EstimatedPerformance", "wine") not in by_name(
        look_metrics(look(performance=Performances(figures=figures)))
    )


def test_a_comparison_says_nothing_about_what_serves() -> None:
    assert look_metrics(look(kind="compare")) == ()
