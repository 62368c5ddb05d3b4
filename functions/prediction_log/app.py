"""Writes the journal from the queue, and answers questions about it."""

from datetime import UTC, datetime
from functools import cache
from typing import Any

from fastapi import FastAPI

from gyre.aws.cloudwatch import CloudWatchMetrics
from gyre.aws.lake import DeltaJournal
from gyre.aws.s3 import S3Bucket
from gyre.http.access import KeyRing
from gyre.http.factory import create_app
from gyre.http.lambda_entry import http_handler, is_http
from gyre.http.routes import predictions, stats
from gyre.journal.intake import Message, portions, take_batch
from gyre.journal.metrics import tell_calls
from gyre.settings import PredictionLogSettings
from gyre.telemetry import logger


@cache
def parts() -> tuple[PredictionLogSettings, DeltaJournal, CloudWatchMetrics, Any]:
    settings = PredictionLogSettings.read()
    log = logger("prediction_log", settings.log_level, environment=settings.environment)
    return settings, DeltaJournal(f"s3://{settings.data_bucket}/journal"), CloudWatchMetrics(), log


def compose() -> FastAPI:
    settings, journal, _, log = parts()
    artifacts = S3Bucket(settings.artifact_bucket)
    routes = [predictions.router(journal), stats.router(journal, artifacts)]
    return create_app("prediction_log", routes, KeyRing(artifacts), log)


answer_http = http_handler(compose)


def handler(event: dict[str, Any], context: Any) -> Any:
    return answer_http(event, context) if is_http(event) else on_queue(event)


def on_queue(event: dict[str, Any]) -> dict[str, Any]:
    """SQS takes back what stands in `batchItemFailures`, and only that."""
    settings, journal, metrics, log = parts()
    data, failed = S3Bucket(settings.data_bucket), []
    for portion in portions([Message(each["messageId"], each["body"]) for each in event["Records"]]):
        taken = take_batch(portion, journal, data)
        for refused in taken.refused:
            log.warning("refused", extra={"message_id": refused.id, "reason": refused.reason})
        log.info("appended", extra={"records": taken.appended, "refused": len(taken.refused)})
        tell_calls(taken.records, metrics, datetime.now(UTC), log)
        failed += [{"itemIdentifier": refused.id} for refused in taken.refused]
    return {"batchItemFailures": failed}
