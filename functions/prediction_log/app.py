"""Writes the journal from the queue, and answers questions about it."""

from functools import cache
from typing import Any

from fastapi import FastAPI

from gyre.aws.cloudwatch import CloudWatchMetrics
from gyre.aws.direct import DirectQueue
from gyre.aws.errands import LambdaErrands
from gyre.aws.labels import DeltaLabels
from gyre.aws.lake import DeltaJournal
from gyre.aws.onward import SqsOnward
from gyre.aws.s3 import S3Bucket
from gyre.aws.sql import BoundedQueries
from gyre.aws.stepfunctions import StateMachine
from gyre.feedback.desk import feedback_over
from gyre.http.access import KeyRing
from gyre.http.factory import create_app
from gyre.http.lambda_entry import http_handler, is_http
from gyre.http.routes import dead_letters, feedback, predictions, sql, stats, subjects
from gyre.journal.dead_letters import DeadLetters
from gyre.journal.from_queue import from_queue
from gyre.journal.intake import Intake
from gyre.journal.replay import Replay
from gyre.settings import PredictionLogSettings
from gyre.telemetry import logger


@cache
def parts() -> tuple[PredictionLogSettings, DeltaJournal, CloudWatchMetrics, Any]:
    settings = PredictionLogSettings.read()
    log = logger("prediction_log", settings.log_level, environment=settings.environment)
    return settings, DeltaJournal(f"s3://{settings.data_bucket}/journal"), CloudWatchMetrics(), log


def compose() -> FastAPI:
    has, journal, _, log = parts()
    artifacts, data, uri = S3Bucket(has.artifact_bucket), S3Bucket(has.data_bucket), f"s3://{has.data_bucket}/journal"
    routes = [
        feedback.router(feedback_over(DeltaLabels(uri), artifacts)), sql.router(BoundedQueries(uri)),
        predictions.router(journal, artifacts, data), stats.router(journal, artifacts),
        dead_letters.router(letters := DeadLetters(data), Replay(letters, DirectQueue(has.journal_queue))),
        subjects.router(data, artifacts, journal, StateMachine(has.erasure_machine), LambdaErrands(has.erasure_tasks)),
    ]  # fmt: skip
    return create_app("prediction_log", routes, KeyRing(artifacts), log)


answer_http = http_handler(compose)


def handler(event: dict[str, Any], context: Any) -> Any:
    return answer_http(event, context) if is_http(event) else on_queue(event, context)


def on_queue(event: dict[str, Any], context: Any) -> dict[str, Any]:
    settings, journal, metrics, log = parts()
    intake = Intake(journal, data := S3Bucket(settings.data_bucket), DeadLetters(data), settings.journal_tries)
    queue, onward = SqsOnward(settings.journal_queue), SqsOnward(settings.sink_queue) if settings.sink_queue else None
    return from_queue(event, context, settings.journal_dead_letters, queue, intake, metrics, log, onward)
