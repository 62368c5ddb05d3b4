"""The apps of the functions as the tests compose them: the real routes and keys over the fakes."""

import base64
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from fastapi import APIRouter, FastAPI
from httpx import Response
from starlette.testclient import TestClient

from gyre.datasets.report import RowCounts, report_key
from gyre.datasets.version import DatasetVersion, keep_version
from gyre.feedback.desk import feedback_over
from gyre.http.access import KEY_RING, KeyRing, Role, dump_ring, new_key
from gyre.http.answering import Desk
from gyre.http.factory import create_app
from gyre.http.routes import (
    batch,
    datasets,
    dead_letters,
    feedback,
    front,
    history,
    inference,
    metrics,
    models,
    monitoring,
    predictions,
    protocol,
    releases,
    sql,
    stats,
    subjects,
    training,
    versions,
)
from gyre.journal.dead_letters import DeadLetters
from gyre.journal.replay import Replay
from gyre.serving.answer import Serving
from gyre.serving.shelf import Shelf
from gyre.telemetry import logger
from tests.fakes.errands import MemoryErrands
from tests.fakes.journal import MemoryJournal
from tests.fakes.labels import MemoryLabels
from tests.fakes.looks import MemoryLooks
from tests.fakes.objects import MemoryBucket
from tests.fakes.outlet import MemoryOutlet, MemoryShadows
from tests.fakes.queries import MemoryQueries
from tests.fakes.queue import MemoryQueue
from tests.fakes.traffic import MemoryTraffic
from tests.fakes.workflow import MemoryWorkflow

# What a run is told of wishes that nobody has.
NOT_WISHED = {"evaluate": None, "spec": None, "base": None, "search": None}
# A logger keeps the output of the test that made it first: each app has one of its own.
_NAMES = (f"test-{number}" for number in itertools.count())


class Clock:
    """A clock that goes on when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class House:
    """One deployment in memory."""

    data: MemoryBucket = field(default_factory=MemoryBucket)
    artifacts: MemoryBucket = field(default_factory=MemoryBucket)
    workflow: MemoryWorkflow = field(default_factory=MemoryWorkflow)
    journal: MemoryJournal = field(default_factory=MemoryJournal)
    looks: MemoryLooks = field(default_factory=MemoryLooks)
    queries: MemoryQueries = field(default_factory=MemoryQueries)
    errands: MemoryErrands = field(default_factory=MemoryErrands)
    outlet: MemoryOutlet = field(default_factory=MemoryOutlet)
    shadows: MemoryShadows = field(default_factory=MemoryShadows)
    queue: MemoryQueue = field(default_factory=MemoryQueue)
    clock: Clock = field(default_factory=Clock)
    _labels: MemoryLabels | None = None

    @property
    def labels(self) -> MemoryLabels:
        """Beside the journal, whichever that is."""
        if self._labels is None or self._labels.journal is not self.journal:
            self._labels = MemoryLabels(self.journal)
        return self._labels

    def routers(self) -> dict[str, list[APIRouter]]:
        return {
            "inference": self.serving(),
            "training_trigger": [
                models.router(self.data, self.artifacts),
                datasets.router(self.data, self.workflow, frozenset({"files.example"})),
                training.router(self.data, self.artifacts, self.workflow),
                batch.router(self.data, self.artifacts, self.workflow),
                versions.router(self.artifacts, self.workflow),
                releases.router(self.artifacts, self.errands),
            ],
            "prediction_log": [
                predictions.router(self.journal, self.artifacts, self.data),
                stats.router(self.journal, self.artifacts),
                dead_letters.router(letters := DeadLetters(self.data), Replay(letters, self.queue)),
                sql.router(self.queries),
                feedback.router(feedback_over(self.labels, self.artifacts)),
                subjects.router(self.data, self.artifacts, self.journal, self.workflow, self.errands),
            ],
            "drift": [
                monitoring.router(self.data, self.artifacts, self.workflow),
                history.router(self.looks, self.data),
                metrics.router("c0ffee", self.data, self.artifacts, MemoryTraffic(self.journal)),
            ],
        }

    def serving(self) -> list[APIRouter]:
        """The routes of inference, over a shelf that is empty."""
        shelf = Shelf(self.artifacts, logger(next(_NAMES)), clock=self.clock)
        desk = Desk(Serving(shelf), self.outlet, self.shadows, logger(next(_NAMES)))
        first = front.router("local", "c0ffee", self.artifacts)
        return [first, inference.router(desk), protocol.router(desk, shelf, self.artifacts)]

    def app(self, *routers: APIRouter) -> FastAPI:
        return create_app("test", routers, KeyRing(self.artifacts, self.clock), logger(next(_NAMES)))

    def client(self, function: str) -> TestClient:
        """A caller with an admin's key."""
        return caller(self.app(*self.routers()[function]), self.add_key())

    def add_version(self, model: str = "wine", number: int = 1, **facts: Any) -> DatasetVersion:
        """The record of a dataset version, as an ingest leaves it."""
        made = dataset(model, number, **facts)
        return keep_version(made, self.data)

    def add_key(self, role: Role = "admin") -> str:
        secret, key = new_key(f"{role}-1", role, "2026-11-21T09:00:00+00:00")
        self.artifacts.put(KEY_RING, dump_ring([key]))
        return secret


def dataset(model: str = "wine", number: int = 1, **facts: Any) -> DatasetVersion:
    """A dataset version that somebody might have made."""
    run = f"upload-{number}"
    told: dict[str, Any] = {
        "model": model, "version": number, "ingest": f"ingest-{number}", "upload": f"inbox/{model}/{number}.csv",
        "upload_version": f"v{number}", "sha256": "0" * 64, "size": 100, "facts": {"format": "csv"}, "run": run,
        "at": "2026-11-21T09:00:00+00:00", "spec_version": 1, "raw_version": number, "quarantine_version": None,
        "mode": "append", "rows": RowCounts(12, 10, 1, 1), "total_rows": 10 * number,
        "report": report_key(model, run, "json"), "alerts": ("look at it",),
    }  # fmt: skip
    return DatasetVersion(**told | facts)


def caller(app: FastAPI, secret: str | None = None) -> TestClient:
    headers = {"x-api-key": secret} if secret else {}
    return TestClient(app, headers=headers, raise_server_exceptions=False, follow_redirects=False)


def told(answer: Response, status: int) -> dict[str, Any]:
    """The error in an answer, after checking that it has the one shape every error has."""
    assert answer.status_code == status, answer.text
    body = answer.json()
    assert set(body) == {"error"}
    error: dict[str, Any] = body["error"]
    assert {"code", "message", "request_id"} <= set(error) <= {"code", "message", "request_id", "field", "details"}
    assert error["message"]
    assert answer.headers["x-request-id"] == error["request_id"]
    return error


def router_of(path: str, answer: Callable[[], Any]) -> APIRouter:
    """One route, GET."""
    routes = APIRouter()
    routes.get(path)(answer)
    return routes


def proxy_event(method: str, path: str, content: bytes | str | None = None, **headers: str) -> dict[str, Any]:
    """What API Gateway's REST API sends; bytes as it sends them of a binary media type."""
    return {
        "resource": "/{proxy+}",
        "path": path,
        "httpMethod": method,
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "requestContext": {"requestId": "gateway-1", "stage": "v1", "identity": {"sourceIp": "192.0.2.1"}},
        "body": base64.b64encode(content).decode() if isinstance(content, bytes) else content,
        "isBase64Encoded": isinstance(content, bytes),
    }
