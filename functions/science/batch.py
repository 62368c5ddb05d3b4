"""The tasks of the batch's state machine: predictions for whole files."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from gyre.aws.direct import DirectQueue
from gyre.aws.queue import SqsOutlet
from gyre.aws.s3 import S3Bucket
from gyre.settings import BatchTasksSettings
from gyre.tasks.dispatch import Task, dispatch
from gyre.telemetry import logger


@cache
def parts() -> tuple[Mapping[str, Task], Any]:
    from gyre.tasks.batch.tasks import batch_tasks  # the science, once it is called for

    has = BatchTasksSettings.read()
    data, artifacts = S3Bucket(has.data_bucket), S3Bucket(has.artifact_bucket)
    outlet = SqsOutlet(DirectQueue(has.journal_queue), data)
    log = logger("batch", has.log_level, environment=has.environment)
    return batch_tasks(data, artifacts, outlet, code=has.commit, workers=has.batch_workers), log


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return dispatch(event, *parts())
