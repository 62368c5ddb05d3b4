"""`Tracking` over MLflow: the file in S3 at `s3+sqlite://…`, or a server at any other address."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from gyre.aws.mlflow_store import SCHEME, register, together
from gyre.aws.mlflow_tracking import runs, versions
from gyre.aws.mlflow_tracking.errors import told
from gyre.errors import Conflict
from gyre.registry.tracking import Registration, TrackedEvaluation, TrackedRun, TrackedTraining

if TYPE_CHECKING:
    from mlflow import MlflowClient

# Else MLflow calls its makers at the first run; it looks while it is imported.
_SILENT = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}
# Without these a server that does not answer is asked for four minutes, and a task's log is full of bars and links.
_UNLESS_SET = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "3",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "GIT_PYTHON_REFRESH": "quiet",
}


class MlflowTracking:
    """Imports MLflow when first asked for something. Credentials and endpoints are boto3's and MLflow's own."""

    def __init__(self, uri: str, artifacts: str | None = None) -> None:
        self._uri = uri
        self._artifacts = artifacts
        """Where the artifacts of a new experiment go; unless said, beside the file, or where the server keeps them."""

    def record(self, training: TrackedTraining) -> str:
        return self._record(training)

    def record_evaluation(self, evaluation: TrackedEvaluation) -> str:
        return self._record(evaluation)

    def register(self, made: Registration, known: int = 0) -> int:
        found = self._written(lambda client: versions.register(client, made, known))
        if isinstance(found, Conflict):
            raise found
        return found

    def mirror(self, model: str, aliases: Mapping[str, int | None], stages: Mapping[int, str]) -> bool:
        return self._written(lambda client: versions.mirror(client, model, aliases, stages))

    def mirrored(self, model: str) -> Mapping[str, int]:
        client = self._client
        with told(self._uri):
            return versions.aliases(client, model)

    def _record(self, whole: TrackedRun) -> str:
        """A run is finished once everything of it is there: what was broken off before is seen to be no whole one."""
        run, there = self._written(lambda client: runs.begin(client, whole, self._artifacts))
        if not there:
            client = self._client
            with told(self._uri):
                runs.upload(client, run, whole.artifacts)
                runs.finish(client, run, whole.ended)
        return run

    def _written[T](self, work: Callable[[MlflowClient], T]) -> T:
        """In one put where there is no server."""
        client = self._client
        with told(self._uri):
            if self._uri.startswith(f"{SCHEME}://"):
                return together(self._uri, lambda: work(client))
            return work(client)

    @cached_property
    def _client(self) -> MlflowClient:
        os.environ.update(_SILENT)
        for name, value in _UNLESS_SET.items():
            os.environ.setdefault(name, value)
        from mlflow import MlflowClient
        from mlflow.telemetry import set_telemetry_client

        set_telemetry_client()  # none, if somebody imported MLflow before
        register()
        with told(self._uri):
            return MlflowClient(self._uri, self._uri)
