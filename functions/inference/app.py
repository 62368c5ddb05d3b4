"""Answers callers: the front page, health, readiness, the documents of the API."""

from fastapi import FastAPI

from gyre.aws.s3 import S3Bucket
from gyre.http.access import KeyRing
from gyre.http.factory import create_app
from gyre.http.lambda_entry import http_handler
from gyre.http.routes import inference
from gyre.settings import InferenceSettings
from gyre.telemetry import logger


def compose() -> FastAPI:
    settings = InferenceSettings.read()
    artifacts = S3Bucket(settings.artifact_bucket)
    log = logger("inference", settings.log_level, environment=settings.environment)
    routes = inference.router(settings.environment, settings.commit, artifacts)
    return create_app("inference", [routes], KeyRing(artifacts), log)


handler = http_handler(compose)
