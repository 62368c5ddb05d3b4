"""Starts training: on a request over HTTP, on an upload to the data bucket."""

from functools import cache
from typing import Any

from fastapi import FastAPI

from gyre.aws.s3 import S3Bucket
from gyre.aws.stepfunctions import StateMachine
from gyre.http.access import KeyRing
from gyre.http.factory import create_app
from gyre.http.lambda_entry import http_handler, is_http
from gyre.http.routes import training
from gyre.settings import TrainingTriggerSettings
from gyre.telemetry import logger
from gyre.training.start import start_from_upload


@cache
def parts() -> tuple[TrainingTriggerSettings, StateMachine, Any]:
    settings = TrainingTriggerSettings.read()
    log = logger("training_trigger", settings.log_level, environment=settings.environment)
    return settings, StateMachine(settings.training_state_machine), log


def compose() -> FastAPI:
    settings, workflow, log = parts()
    artifacts = S3Bucket(settings.artifact_bucket)
    routes = training.router(S3Bucket(settings.data_bucket), artifacts, workflow)
    return create_app("training_trigger", [routes], KeyRing(artifacts), log)


answer_http = http_handler(compose)


def handler(event: dict[str, Any], context: Any) -> Any:
    return answer_http(event, context) if is_http(event) else on_upload(event)


def on_upload(event: dict[str, Any]) -> dict[str, Any]:
    """EventBridge's `Object Created`; delivered at least once, so a run is named after the object's version."""
    uploaded = event["detail"]["object"]
    if uploaded["key"].endswith("/"):
        return {"ignored": "the marker of a folder"}
    _, workflow, log = parts()
    started = start_from_upload(uploaded["key"], uploaded.get("version-id"), workflow)
    log.info("upload", extra={"run": started.run, "key": started.upload.key})
    return {"run": started.run}
