"""The tasks of the state machines: one image, two functions, each task dispatched on its name."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from gyre.aws.lake import DeltaJournal
from gyre.aws.s3 import S3Bucket
from gyre.datasets.fetch import FileFetcher
from gyre.errors import Invalid
from gyre.monitoring.watch import Limits, watch
from gyre.settings import ScienceSettings
from gyre.telemetry import Progress, logger

Task = Callable[[Mapping[str, Any]], dict[str, Any]]


@cache
def parts() -> tuple[ScienceSettings, S3Bucket, Any]:
    settings = ScienceSettings.read()
    log = logger("science", settings.log_level, environment=settings.environment)
    return settings, S3Bucket(settings.data_bucket), log


@cache
def training_tasks() -> Mapping[str, Task]:
    from gyre.aws.datasets import DeltaDatasets  # a second of imports that monitoring needs none of
    from gyre.aws.mlflow_tracking import MlflowTracking
    from gyre.tasks.step import Stores
    from gyre.tasks.training import Places
    from gyre.tasks.training import training_tasks as by_name

    has, data, log = parts()
    stores = Stores(data, S3Bucket(has.artifact_bucket), DeltaDatasets(f"s3://{has.data_bucket}/datasets"))
    progress = Progress(lambda rows: log.info("checked", extra={"rows": rows}))
    places = Places(has.data_bucket, has.artifact_bucket, has.commit, has.search_workers)
    return by_name(stores, FileFetcher(has.hosts, data), progress, MlflowTracking(has.tracking), places)


def watch_window(event: Mapping[str, Any]) -> dict[str, Any]:
    has, bucket, _ = parts()
    limits = Limits(has.window_minimum, has.failure_share_limit)
    watched = watch(event["run"], DeltaJournal(f"s3://{has.data_bucket}/journal"), bucket, limits, has.window_hours)
    return {"verdicts": {each.model: each.verdict for each in watched.findings}}


def dispatch(event: dict[str, Any], tasks: Mapping[str, Task]) -> dict[str, Any]:
    name: Any = event.get("task")
    if not isinstance(name, str) or name not in tasks:
        raise Invalid(f"There is no task {name!r} here; there are: {', '.join(tasks)}.", field="task")
    parts()[2].info("task", extra={"task": name, "run": event.get("run")})
    return tasks[name](event)


def train(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return dispatch(event, training_tasks())


def monitor(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return dispatch(event, {"watch": watch_window})
