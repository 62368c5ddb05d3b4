"""What the journal's function tells CloudWatch of the calls that it takes."""

from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.fakes.journal import MemoryJournal
from tests.unit.functions.conftest import Aws, Load
from tests.unit.journal.test_record import body

NOW = datetime.now(UTC)


@pytest.fixture
def app(load: Load, aws: Aws, journal: MemoryJournal, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    found = load("prediction_log")
    monkeypatch.setattr(found, "DeltaJournal", lambda uri: journal)
    return found


def batch(*statuses: int) -> dict[str, Any]:
    served = [{"version": 7, "alias": "production", "rows": 1}]
    texts = [
        body(event_id=f"event-{at:04}", at=NOW.isoformat(), status=status, served=served)
        for at, status in enumerate(statuses)
    ]
    return {"Records": [{"messageId": f"m-{at}", "body": text} for at, text in enumerate(texts)]}


def told(name: str) -> float:
    """The sum of a metric, as an alarm sees it."""
    points = boto3.client("cloudwatch").get_metric_statistics(
        Namespace="Gyre", MetricName=name, Period=86_400, Statistics=["Sum"],
        Dimensions=[{"Name": "model", "Value": "wine"}, {"Name": "version", "Value": "7"}],
        StartTime=NOW - timedelta(hours=2), EndTime=NOW + timedelta(hours=2),
    )["Datapoints"]  # fmt: skip
    return float(sum(each["Sum"] for each in points))


def test_calls_and_failures_of_a_batch_are_told(app: ModuleType) -> None:
    assert app.handler(batch(200, 200, 503), None) == {"batchItemFailures": []}
    assert (told("Calls"), told("Failures"), told("DurationMs")) == (3, 1, 4.5)
    app.handler(batch(200, 200, 503), None)
    assert told("Calls") == 3, "they came twice"
    app.handler(batch(200, 200, 503, 200), None)
    assert told("Calls") == 4


def test_what_the_journal_did_not_take_is_not_told(app: ModuleType, journal: MemoryJournal) -> None:
    journal.down = True
    assert len(app.handler(batch(200, 200), None)["batchItemFailures"]) == 2
    assert told("Calls") == 0


def test_a_cloudwatch_that_refuses_costs_no_record(
    app: ModuleType, journal: MemoryJournal, caplog: pytest.LogCaptureFixture
) -> None:
    # given
    def refused(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "PutMetricData")

    _, _, metrics, _ = app.parts()
    metrics._client().meta.events.register("before-call.cloudwatch.PutMetricData", refused)
    # then
    assert app.handler(batch(200, 200), None) == {"batchItemFailures": []}
    assert len(journal.records) == 2
    assert "metrics not told" in caplog.messages
