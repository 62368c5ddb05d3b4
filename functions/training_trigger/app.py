"""Models and their data: declarations, uploads, dataset versions, training runs."""

from functools import cache
from typing import Any

from fastapi import FastAPI

from gyre.aws.s3 import S3Bucket
from gyre.aws.stepfunctions import StateMachine
from gyre.datasets.upload import is_spec, upload_at
from gyre.http.access import KeyRing
from gyre.http.factory import create_app
from gyre.http.lambda_entry import http_handler, is_http
from gyre.http.routes import datasets, models, training
from gyre.settings import TrainingTriggerSettings
from gyre.spec.document import MAX_BYTES
from gyre.spec.versions import add_uploaded_spec
from gyre.telemetry import logger
from gyre.training.start import start_from_upload


@cache
def parts() -> tuple[TrainingTriggerSettings, S3Bucket, S3Bucket, StateMachine, Any]:
    settings = TrainingTriggerSettings.read()
    log = logger("training_trigger", settings.log_level, environment=settings.environment)
    data, artifacts = S3Bucket(settings.data_bucket), S3Bucket(settings.artifact_bucket)
    return settings, data, artifacts, StateMachine(settings.training_state_machine), log


def compose() -> FastAPI:
    settings, data, artifacts, workflow, log = parts()
    about_data = datasets.router(data, workflow, settings.hosts)
    routes = [models.router(data, artifacts), about_data, training.router(data, workflow)]
    return create_app("training_trigger", routes, KeyRing(artifacts), log)


answer_http = http_handler(compose)


def handler(event: dict[str, Any], context: Any) -> Any:
    return answer_http(event, context) if is_http(event) else on_upload(event)


def on_upload(event: dict[str, Any]) -> dict[str, Any]:
    """EventBridge's `Object Created`; delivered at least once, so a run is named after the object's version."""
    uploaded = event["detail"]["object"]
    key, version = uploaded["key"], uploaded.get("version-id")
    if key.endswith("/"):
        return {"ignored": "the marker of a folder"}
    _, data, artifacts, workflow, log = parts()
    if is_spec(key):
        model = upload_at(key).model
        with data.open(key, version) as file:  # of any size: a byte too many is enough to refuse it
            declared = add_uploaded_spec(model, file.read(MAX_BYTES + 1), artifacts)
        log.info("declared", extra={"model": declared.model, "spec_version": declared.version})
        return {"model": declared.model, "spec_version": declared.version}
    started = start_from_upload(key, version, workflow)
    log.info("upload", extra={"run": started.run, "key": started.upload})
    return {"run": started.run}
