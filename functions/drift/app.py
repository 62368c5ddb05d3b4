"""Starts monitoring runs on request, and tells what they found."""

from fastapi import FastAPI

from gyre.aws.s3 import S3Bucket
from gyre.aws.stepfunctions import StateMachine
from gyre.http.access import KeyRing
from gyre.http.factory import create_app
from gyre.http.lambda_entry import http_handler
from gyre.http.routes import monitoring
from gyre.settings import DriftSettings
from gyre.telemetry import logger


def compose() -> FastAPI:
    settings = DriftSettings.read()
    log = logger("drift", settings.log_level, environment=settings.environment)
    workflow = StateMachine(settings.monitoring_state_machine)
    routes = monitoring.router(settings.commit, S3Bucket(settings.data_bucket), workflow)
    return create_app("drift", [routes], KeyRing(S3Bucket(settings.artifact_bucket)), log)


handler = http_handler(compose)
