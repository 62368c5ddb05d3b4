"""The tasks of the state machine that trains, each dispatched on its name."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from gyre.aws.s3 import S3Bucket
from gyre.datasets.fetch import FileFetcher
from gyre.settings import ScienceSettings
from gyre.tasks.dispatch import Task, dispatch
from gyre.telemetry import Progress, logger


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
    places = Places(has.data_bucket, has.artifact_bucket, has.commit, has.search_workers, has.approval == "person")
    return by_name(stores, FileFetcher(has.hosts, data), progress, MlflowTracking(has.tracking), places)


def train(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return dispatch(event, training_tasks(), parts()[2])
