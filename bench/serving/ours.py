"""The app of functions/inference, composed as it composes itself, with a folder for a bucket and a file for a queue."""

import os
from pathlib import Path

from fastapi import FastAPI

from bench.directory import DirectoryBucket
from bench.serving.models import ARTIFACTS
from gyre.http.access import KeyRing
from gyre.http.answering import Desk
from gyre.http.factory import create_app
from gyre.http.lambda_entry import http_handler
from gyre.http.routes import front, inference, protocol
from gyre.journal.outlet import parcel
from gyre.journal.record import JournalRecord
from gyre.objects import ObjectStore
from gyre.serving.answer import Serving
from gyre.serving.shadow import ShadowCall
from gyre.serving.shelf import Shelf
from gyre.telemetry import logger

_MOST_BYTES = 250_000


class FileOutlet:
    """An `Outlet` that is a file: one record a line, written before the answer leaves."""

    waits = False

    def __init__(self, path: Path, data: ObjectStore) -> None:
        self._file, self._data = path.open("a", buffering=1), data

    def put(self, record: JournalRecord) -> None:
        self._file.write(parcel(record, self._data, _MOST_BYTES) + "\n")


class NoShadows:
    """No model of the benchmark has a challenger."""

    def put(self, call: ShadowCall) -> None:
        raise RuntimeError(f"{call.event_id} was to be asked twice.")


def compose() -> FastAPI:
    place = Path(os.environ["BENCH_MODELS"])
    artifacts = DirectoryBucket(place / ARTIFACTS)
    log = logger("inference", "INFO", environment="bench")
    shelf = Shelf(artifacts, log)
    shelf.preload()
    outlet = FileOutlet(place / "journal.jsonl", DirectoryBucket(place / "data"))
    desk = Desk(Serving(shelf), outlet, NoShadows(), log)
    first = front.router("bench", "unknown", artifacts)
    routes = [first, inference.router(desk), protocol.router(desk, shelf, artifacts)]
    return create_app("inference", routes, KeyRing(artifacts), log)


handler = http_handler(compose)
