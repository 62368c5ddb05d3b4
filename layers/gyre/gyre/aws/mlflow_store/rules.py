"""Which methods of MLflow's stores read, and which write.

Safe by default: what is not known to read is a write, and a write that changes nothing puts nothing. A method wrongly
named here as a read fails aloud, as its connections are read-only. tests/contract/test_mlflow_store.py looks into
MLflow's source for such methods, so that a new version is noticed before it is used.
"""

from __future__ import annotations

from typing import Literal

Kind = Literal["read", "write", "outside"]

READ_PREFIXES = ("batch_get_", "calculate_", "filter_", "find_", "get_", "list_", "query_", "search_", "sum_")

# They make what they do not find.
WRITE_NAMES = {"get_or_create_user_queue", "list_label_schemas"}

# They touch no table themselves. The first two would wait for threads, or for strangers, within a transaction.
OUTSIDE_SUFFIXES = ("_async", "_async_logging")
OUTSIDE_NAMES = {"test_webhook", "sanitize_metric_value", "resolve_trace_archival_config"}

# What MLflow's own commands and server call though it is private.
PRIVATE = {
    "_get_deleted_logged_models": "read",
    "_get_deleted_runs": "read",
    "_hard_delete_experiment": "write",
    "_hard_delete_logged_model": "write",
    "_hard_delete_run": "write",
    "_load_dataset_records": "read",
    "_search_datasets": "read",
}


def kind(name: str) -> Kind:
    """How a public method, or one of `PRIVATE`, is called."""
    if name in PRIVATE:
        return "write" if PRIVATE[name] == "write" else "read"
    if name in OUTSIDE_NAMES or name.endswith(OUTSIDE_SUFFIXES):
        return "outside"
    if name in WRITE_NAMES:
        return "write"
    return "read" if name.startswith(READ_PREFIXES) else "write"
