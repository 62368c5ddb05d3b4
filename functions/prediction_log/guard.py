"""Every minute: ends the trial of a challenger that breaks its limits."""

from datetime import UTC, datetime
from functools import cache
from typing import Any

from gyre.aws.errands import LambdaErrands
from gyre.aws.lake import DeltaJournal
from gyre.aws.notices import SnsTopic
from gyre.aws.s3 import S3Bucket
from gyre.errors import Unavailable
from gyre.settings import TrialGuardSettings
from gyre.telemetry import logger
from gyre.trials.guard import end_failing_trials


@cache
def parts() -> tuple[DeltaJournal, S3Bucket, LambdaErrands, SnsTopic, Any]:
    settings = TrialGuardSettings.read()
    journal, artifacts = DeltaJournal(f"s3://{settings.data_bucket}/journal"), S3Bucket(settings.artifact_bucket)
    log = logger("trial_guard", settings.log_level, environment=settings.environment)
    return journal, artifacts, LambdaErrands(settings.train_tasks), SnsTopic(settings.notices_topic), log


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """What could not be judged fails the call, after everything else was: an alarm watches for that."""
    journal, artifacts, errands, notices, log = parts()
    done = vars(end_failing_trials(datetime.now(UTC), journal, artifacts, errands, notices))
    if done["on_trial"] or done["faults"]:
        log.info("trials", extra=done)
    if done["faults"]:
        raise Unavailable("; ".join(f"{model}: {why}" for model, why in done["faults"].items()))
    return done
