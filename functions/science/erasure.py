"""The tasks of the erasure's state machine: a person out of everything that is kept, and what is kept about one."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from gyre.aws.label_erasure import DeltaLabelErasure
from gyre.aws.labels import DeltaLabels
from gyre.aws.lake import DeltaJournal
from gyre.aws.s3 import S3Bucket
from gyre.aws.sink_erasure import LambdaSink
from gyre.settings import ErasureTasksSettings
from gyre.tasks.dispatch import Task, dispatch
from gyre.telemetry import logger


@cache
def parts() -> tuple[Mapping[str, Task], Any]:
    from gyre.subjects.eraser import Stock  # the science, once it is called for
    from gyre.tasks.erasure.tasks import ErasureTasks

    has = ErasureTasksSettings.read()
    uri = f"s3://{has.data_bucket}/journal"
    stock = Stock(
        S3Bucket(has.data_bucket), S3Bucket(has.artifact_bucket), DeltaJournal(uri),
        DeltaLabelErasure(DeltaLabels(uri)), LambdaSink(has.sink_erasure) if has.sink_erasure else None,
    )  # fmt: skip
    return ErasureTasks(stock).by_name(), logger("erasure", has.log_level, environment=has.environment)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return dispatch(event, *parts())
