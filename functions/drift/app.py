"""Starts looks at what models meet and say, and tells what they found."""

from fastapi import FastAPI

from gyre.aws.looks import DeltaLooks
from gyre.aws.s3 import S3Bucket
from gyre.aws.stepfunctions import StateMachine
from gyre.aws.traffic import DeltaTraffic
from gyre.http.access import KeyRing
from gyre.http.factory import create_app
from gyre.http.lambda_entry import http_handler
from gyre.http.routes import history, metrics, monitoring
from gyre.settings import DriftSettings
from gyre.telemetry import logger


def compose() -> FastAPI:
    settings = DriftSettings.read()
    log = logger("drift", settings.log_level, environment=settings.environment)
    data, artifacts = S3Bucket(settings.data_bucket), S3Bucket(settings.artifact_bucket)
    uri, workflow = f"s3://{settings.data_bucket}", StateMachine(settings.monitoring_state_machine)
    routes = [
        monitoring.router(data, artifacts, workflow),
        history.router(DeltaLooks(f"{uri}/journal"), data),
        metrics.router(settings.commit, data, artifacts, DeltaTraffic(f"{uri}/journal")),
    ]
    return create_app("drift", routes, KeyRing(artifacts), log)


handler = http_handler(compose)
