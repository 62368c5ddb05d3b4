"""MLflow without a server: its own stores over one SQLite file in S3, at `s3+sqlite://bucket/key` (decision 0009).

MLflow finds the two builders through the entry points beside this package. They import MLflow's stores when called, so
that importing this module costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

SCHEME = "s3+sqlite"


def tracking_store(store_uri: str, artifact_uri: str | None = None) -> Any:
    """What MLflow calls for a tracking URI of our scheme."""
    from gyre.aws.mlflow_store.stores import open_tracking

    return open_tracking(store_uri, artifact_uri)


def registry_store(store_uri: str, tracking_uri: str | None = None) -> Any:  # noqa: ARG001  # MLflow names it
    """What MLflow calls for a registry URI of our scheme."""
    from gyre.aws.mlflow_store.stores import open_registry

    return open_registry(store_uri)


def register() -> None:
    """For a program whose path holds no entry points of ours; doing it twice is harmless."""
    from mlflow.tracking._model_registry.utils import _get_store_registry
    from mlflow.tracking._tracking_service.utils import _tracking_store_registry

    _tracking_store_registry.register(SCHEME, tracking_store)
    _get_store_registry().register(SCHEME, registry_store)


def together[T](store_uri: str, work: Callable[[], T]) -> T:
    """All that `work` writes lands as one put, or nothing does; `work` is called anew after a lost race."""
    from gyre.aws.mlflow_store.stores import write_together

    return write_together(store_uri, work)
