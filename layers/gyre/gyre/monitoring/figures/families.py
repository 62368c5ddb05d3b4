"""Every family of figures that /metrics may tell; docs/observability.md has the same table."""

from gyre.monitoring.figures.prometheus import Family, Histogram
from gyre.monitoring.figures.traffic import BOUNDS

_MODEL = ("model",)
_COLUMN = ("model", "column", "of", "method")
_METRIC = ("model", "metric", "how")
_FLAW = ("model", "column", "flaw")
_BY = ("model", "version", "kind")

_GAUGES = {
    "gyre_info": (("version", "commit"), "What runs."),
    "gyre_look_timestamp_seconds": (_MODEL, "When the model was last looked at."),
    "gyre_look_interval_seconds": (_MODEL, "How often the model is to be looked at."),
    "gyre_verdict": (("model", "verdict"), "1 at the verdict of the last look."),
    "gyre_findings": (("model", "severity"), "How much the last look found, by severity."),
    "gyre_window_rows": (_MODEL, "Rows of the window that the last look took."),
    "gyre_window_labelled_rows": (_MODEL, "Those of them whose truth is known."),
    "gyre_window_end_timestamp_seconds": (_MODEL, "When the last row of that window was predicted."),
    "gyre_window_calls": (_MODEL, "Calls in that window, whatever became of them."),
    "gyre_window_failed_calls": (_MODEL, "Those of them that failed."),
    "gyre_drift_score": (_COLUMN, "How far a column moved from the reference, by its measure."),
    "gyre_drift_threshold": (_COLUMN, "The score above which it matters."),
    "gyre_drifted": (_COLUMN, "1 where the drift matters and is more than chance."),
    "gyre_multivariate_score": (_MODEL, "The error of putting rows together again, or a domain classifier's area."),
    "gyre_multivariate_expected": (_MODEL, "What was expected of it."),
    "gyre_multivariate_drifted": (_MODEL, "1 where all features taken together drifted."),
    "gyre_performance": (_METRIC, "A metric, estimated without labels or realised with them."),
    "gyre_performance_expected": (_METRIC, "The same metric on the reference."),
    "gyre_performance_fallen": (_METRIC, "1 where it is worse than expected by more than its limit."),
    "gyre_quality_share": (_FLAW, "The share of the window's rows with a flaw."),
    "gyre_quality_reference_share": (_FLAW, "The same share of the reference."),
    "gyre_quality_broken": (_FLAW, "1 where the flaw matters and is more than chance."),
    "gyre_release_timestamp_seconds": (("model", "version"), "When production was moved to this release."),
    "gyre_run_age_seconds": (("kind", "model"), "Since the last look, or the last training that made a version."),
    "gyre_dead_letters": ((), "Messages that the journal could not take."),
}  # fmt: skip
_COUNTERS = {
    "gyre_calls_total": ((*_BY, "status_class"), "Calls since midnight (UTC)."),
    "gyre_errors_total": (_BY, "Those of them that ended with a 5xx."),
    "gyre_cold_starts_total": (("model", "kind"), "Those of them that were the first of their environment."),
    "gyre_rows_total": (_BY, "Rows since midnight, by the release that answered them."),
}

FAMILIES = {name: Family(name, "gauge", *told) for name, told in _GAUGES.items()} | {
    name: Family(name, "counter", *told) for name, told in _COUNTERS.items()
}
DURATION = Histogram(
    "gyre_call_duration_seconds", _MODEL, "What calls took since midnight, where a caller waited.", BOUNDS
)
