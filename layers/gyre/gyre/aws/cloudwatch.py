"""Metrics in CloudWatch."""

from collections.abc import Iterator, Sequence
from itertools import batched
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from gyre.aws.clients import told
from gyre.journal.metrics import Metric

NAMESPACE = "Gyre"
# Of a metric in a request CloudWatch takes 150 values, and of a request 1 MB: 300 such metrics.
_MOST_METRICS, _MOST_VALUES = 300, 150
# Shorter than other services' (clients.py): the journal's batch waits for it, and must end long before its timeout.
_CONFIG = Config(connect_timeout=1, read_timeout=2, retries={"mode": "standard", "total_max_attempts": 2})


class CloudWatchMetrics:
    """`Metrics` over PutMetricData. What callers waited for has the dimensions model and version alone; batches and
    shadows, which would blur it, have their kind as a third."""

    def __init__(self) -> None:
        self._made: Any = None

    def tell(self, metrics: Sequence[Metric]) -> None:
        try:
            for request in _requests(metrics):
                self._client().put_metric_data(Namespace=NAMESPACE, MetricData=request)
        except (ClientError, BotoCoreError) as error:
            raise told(error, f"{len(metrics)} metrics") from error

    def _client(self) -> Any:
        if self._made is None:
            self._made = boto3.client("cloudwatch", config=_CONFIG)
        return self._made


def _requests(metrics: Sequence[Metric]) -> Iterator[list[dict[str, Any]]]:
    """A metric of more values than one request may hold goes on in a later one."""
    parts = [[_datum(metric, part) for part in batched(metric.values.items(), _MOST_VALUES)] for metric in metrics]
    for turn in range(max(map(len, parts), default=0)):
        for request in batched((each[turn] for each in parts if len(each) > turn), _MOST_METRICS):
            yield list(request)


def _datum(metric: Metric, values: Sequence[tuple[float, int]]) -> dict[str, Any]:
    by = {name: value for name in ("model", "version") if (value := getattr(metric, name)) is not None}
    by |= {} if metric.kind == "online" else {"kind": metric.kind}
    return {
        "MetricName": metric.name,
        "Dimensions": [{"Name": name, "Value": value} for name, value in by.items()],
        "Timestamp": metric.at,
        "Unit": metric.unit,
        "Values": [value for value, _ in values],
        "Counts": [float(count) for _, count in values],
    }
