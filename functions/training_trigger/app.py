"""Models and their data: declarations, uploads, dataset versions, training runs."""

from functools import cache
from typing import Any

from fastapi import FastAPI

from gyre.aws.errands import LambdaErrands
from gyre.aws.s3 import S3Bucket
from gyre.aws.stepfunctions import StateMachine
from gyre.http.access import KeyRing
from gyre.http.factory import create_app
from gyre.http.lambda_entry import http_handler, is_http
from gyre.http.routes import datasets, models, releases, training
from gyre.settings import TrainingTriggerSettings
from gyre.telemetry import logger
from gyre.training.intake import take_in


@cache
def parts() -> tuple[TrainingTriggerSettings, S3Bucket, S3Bucket, StateMachine, Any]:
    settings = TrainingTriggerSettings.read()
    log = logger("training_trigger", settings.log_level, environment=settings.environment)
    data, artifacts = S3Bucket(settings.data_bucket), S3Bucket(settings.artifact_bucket)
    return settings, data, artifacts, StateMachine(settings.training_state_machine), log


def compose() -> FastAPI:
    settings, data, artifacts, workflow, log = parts()
    routes = [
        models.router(data, artifacts),
        datasets.router(data, workflow, settings.hosts),
        training.router(data, artifacts, workflow),
        releases.router(artifacts, workflow, LambdaErrands(settings.train_tasks)),
    ]
    return create_app("training_trigger", routes, KeyRing(artifacts), log)


answer_http = http_handler(compose)


def handler(event: dict[str, Any], context: Any) -> Any:
    return answer_http(event, context) if is_http(event) else on_upload(event)


def on_upload(event: dict[str, Any]) -> dict[str, Any]:
    """EventBridge's `Object Created`; delivered at least once, so a run is named after the object's version."""
    uploaded = event["detail"]["object"]
    _, data, artifacts, workflow, log = parts()
    done = take_in(uploaded["key"], uploaded.get("version-id"), data, artifacts, workflow)
    log.info("upload", extra={"key": uploaded["key"], **done})
    return done
