"""A file of labels was put into feedback/: what it says is kept, and told in a report."""

from datetime import datetime
from functools import cache
from typing import Any

from gyre.aws.labels import DeltaLabels
from gyre.aws.s3 import S3Bucket
from gyre.feedback.desk import Feedback, feedback_over
from gyre.feedback.dropped import Dropped, is_dropped, take_file
from gyre.objects import is_rewritten
from gyre.settings import FeedbackSettings
from gyre.telemetry import logger

# Enough for the part that is being taken.
_LAST_MS = 120_000


@cache
def parts() -> tuple[S3Bucket, Feedback, Any]:
    settings = FeedbackSettings.read()
    data, artifacts = S3Bucket(settings.data_bucket), S3Bucket(settings.artifact_bucket)
    labels = DeltaLabels(f"s3://{settings.data_bucket}/journal")
    log = logger("feedback", settings.log_level, environment=settings.environment)
    return data, feedback_over(labels, artifacts), log


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """EventBridge's `Object Created`, which may come twice. What fails is called again, and goes on where it was."""
    data, feedback, log = parts()
    came = event["detail"]["object"]
    if not is_dropped(came["key"]):
        log.info("ignored", extra={"key": came["key"]})
        return {"ignored": came["key"]}
    if is_rewritten(came["key"], came.get("version-id"), data):
        return {"ignored": came["key"]}
    dropped = Dropped(came["key"], came.get("version-id"), came["etag"], datetime.fromisoformat(event["time"]))
    report = take_file(dropped, data, feedback, is_late=lambda: _is_late(context))
    done = report.model_dump(mode="json", exclude={"faults", "warnings", "ignored_columns"})
    log.info("labels", extra=done)
    return done


def _is_late(context: Any) -> bool:
    return context is not None and context.get_remaining_time_in_millis() < _LAST_MS
