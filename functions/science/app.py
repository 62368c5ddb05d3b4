"""The tasks of the state machines: one image, two functions, each task dispatched on its name."""

from collections.abc import Callable
from dataclasses import asdict
from functools import cache
from typing import Any

from gyre.aws.lake import DeltaJournal
from gyre.aws.s3 import S3Bucket
from gyre.datasets.upload import Upload
from gyre.errors import Invalid
from gyre.monitoring.watch import Limits, watch
from gyre.settings import ScienceSettings
from gyre.telemetry import logger
from gyre.training.profiling import profile_upload

Task = Callable[[dict[str, Any]], dict[str, Any]]


@cache
def parts() -> tuple[ScienceSettings, S3Bucket, Any]:
    settings = ScienceSettings.read()
    return (
        settings,
        S3Bucket(settings.data_bucket),
        logger("science", settings.log_level, environment=settings.environment),
    )


def profile(event: dict[str, Any]) -> dict[str, Any]:
    return asdict(profile_upload(event["run"], Upload(event["model"], **event["upload"]), parts()[1]))


def watch_window(event: dict[str, Any]) -> dict[str, Any]:
    settings, bucket, _ = parts()
    limits = Limits(settings.window_minimum, settings.failure_share_limit)
    journal = DeltaJournal(f"s3://{settings.data_bucket}/journal")
    watched = watch(event["run"], journal, bucket, limits, settings.window_hours)
    return {"verdicts": {each.model: each.verdict for each in watched.findings}}


def dispatch(event: dict[str, Any], tasks: dict[str, Task]) -> dict[str, Any]:
    name = event.get("task")
    if name not in tasks:
        raise Invalid(f"There is no task {name!r} here; there are: {', '.join(tasks)}.", field="task")
    parts()[2].info("task", extra={"task": name, "run": event.get("run")})
    return tasks[name](event)


def train(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return dispatch(event, {"profile": profile})


def monitor(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return dispatch(event, {"watch": watch_window})
