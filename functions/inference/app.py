"""Answers callers: predictions with their reasons, the front page, health, readiness, the documents of the API."""

import gyre.quick_start  # noqa: F401  # before all else

# isort: split

from functools import cache
from typing import Any

from fastapi import FastAPI

from gyre.aws.direct import DirectBucket, DirectQueue
from gyre.aws.queue import SqsOutlet, SqsShadows
from gyre.http.access import KeyRing
from gyre.http.answering import Desk
from gyre.http.factory import create_app
from gyre.http.lambda_entry import http_handler
from gyre.http.routes import front, inference, protocol
from gyre.pseudonyms import PseudonymKeys
from gyre.serving.answer import Serving
from gyre.serving.shelf import Shelf
from gyre.settings import InferenceSettings
from gyre.telemetry import logger, process_age


@cache
def parts() -> tuple[InferenceSettings, DirectBucket, Shelf, SqsOutlet, Any]:
    settings = InferenceSettings.read()
    log = logger("inference", settings.log_level, environment=settings.environment)
    artifacts = DirectBucket(settings.artifact_bucket)
    shelf = Shelf(artifacts, log, threads=settings.threads)
    shelf.preload()
    outlet = SqsOutlet(DirectQueue(settings.journal_queue), DirectBucket(settings.data_bucket))
    return settings, artifacts, shelf, outlet, log


def compose() -> FastAPI:
    settings, artifacts, shelf, outlet, log = parts()
    serving, shadows = Serving(shelf, PseudonymKeys(artifacts)), SqsShadows(DirectQueue(settings.shadow_queue))
    desk = Desk(serving, outlet, shadows, log, memory_mb=settings.memory)
    first = front.router(settings.environment, settings.commit, artifacts)
    routes = [first, inference.router(desk), protocol.router(desk, shelf, artifacts)]
    return create_app("inference", routes, KeyRing(artifacts), log, init_ms=process_age())


handler = http_handler(compose, early=True)


def shadow(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Asks challengers what production has answered, from a queue of its own."""
    from gyre.journal.shadow import take_shadows

    _, _, shelf, outlet, log = parts()
    failed = take_shadows({each["messageId"]: each["body"] for each in event["Records"]}, Serving(shelf), outlet, log)
    return {"batchItemFailures": [{"itemIdentifier": each} for each in failed]}
