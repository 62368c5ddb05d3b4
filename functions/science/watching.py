"""The tasks of the state machine that watches: NannyML over the journal and a release's reference."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from gyre.aws.cloudwatch import CloudWatchMetrics
from gyre.aws.datasets import DeltaDatasets
from gyre.aws.labels import DeltaLabels
from gyre.aws.looks import DeltaLooks
from gyre.aws.notices import SnsTopic
from gyre.aws.s3 import S3Bucket
from gyre.aws.stepfunctions import StateMachine
from gyre.aws.windows import DeltaPredictions
from gyre.settings import MonitorTasksSettings
from gyre.tasks.dispatch import Task, dispatch
from gyre.telemetry import logger


@cache
def parts() -> tuple[Mapping[str, Task], Any]:
    from gyre.monitoring.gathering.given import Stock  # the science, once it is called for
    from gyre.tasks.watching.tasks import WatchTasks

    has = MonitorTasksSettings.read()
    data, uri = S3Bucket(has.data_bucket), f"s3://{has.data_bucket}"
    stock = Stock(data, S3Bucket(has.artifact_bucket), DeltaDatasets(f"{uri}/datasets"))
    tasks = WatchTasks(
        stock, DeltaPredictions(f"{uri}/journal"), DeltaLooks(f"{uri}/journal"), CloudWatchMetrics(),
        SnsTopic(has.notices_topic), StateMachine(has.training_state_machine), DeltaLabels(f"{uri}/journal"),
    )  # fmt: skip
    return tasks.by_name(), logger("watching", has.log_level, environment=has.environment)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return dispatch(event, *parts())
