"""Models and their data: declarations, uploads, dataset versions, training runs."""

from datetime import UTC, datetime
from functools import cache
from typing import Any

from fastapi import FastAPI

from gyre.aws.errands import LambdaErrands
from gyre.aws.s3 import S3Bucket
from gyre.aws.stepfunctions import StateMachine
from gyre.http.access import KeyRing
from gyre.http.factory import create_app
from gyre.http.lambda_entry import http_handler, is_http
from gyre.http.routes import batch, datasets, models, releases, training, versions
from gyre.settings import TrainingTriggerSettings
from gyre.telemetry import logger
from gyre.training.intake import take_in
from gyre.training.schedule import start_due
from gyre.workflow import BATCH_RUN, Workflows


@cache
def parts() -> tuple[TrainingTriggerSettings, S3Bucket, S3Bucket, Workflows, Any]:
    has = TrainingTriggerSettings.read()
    data, artifacts = S3Bucket(has.data_bucket), S3Bucket(has.artifact_bucket)
    workflow = Workflows(StateMachine(has.training_state_machine), {BATCH_RUN: StateMachine(has.batch_state_machine)})
    return has, data, artifacts, workflow, logger("training_trigger", has.log_level, environment=has.environment)


def compose() -> FastAPI:
    has, data, artifacts, workflow, log = parts()
    routes = [
        models.router(data, artifacts),
        datasets.router(data, workflow, has.hosts),
        training.router(data, artifacts, workflow),
        batch.router(data, artifacts, workflow),
        versions.router(artifacts, workflow),
        releases.router(artifacts, LambdaErrands(has.train_tasks)),
    ]
    return create_app("training_trigger", routes, KeyRing(artifacts), log)


answer_http = http_handler(compose)


def handler(event: dict[str, Any], context: Any) -> Any:
    return answer_http(event, context) if is_http(event) else on_event(event)


def on_event(event: dict[str, Any]) -> dict[str, Any]:
    """EventBridge's: the clock, or `Object Created`. Both may come twice, so runs are named after what they are for."""
    _, data, artifacts, workflow, log = parts()
    if event.get("detail-type") == "Scheduled Event":
        done = vars(start_due(datetime.now(UTC), data, artifacts, workflow))
    else:
        came = event["detail"]["object"]
        done = take_in(came["key"], came.get("version-id"), data, artifacts, workflow)
    log.info("event", extra=done)
    return done
