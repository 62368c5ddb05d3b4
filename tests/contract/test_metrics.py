"""The fake metrics and CloudWatch keep one contract: what is told adds up, and a failure to tell is one of ours."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ClientError
from moto import mock_aws

from gyre.aws.cloudwatch import NAMESPACE, CloudWatchMetrics
from gyre.errors import GyreError, TooManyRequests, Unavailable
from gyre.journal.metrics import Metric, Metrics
from tests.fakes.metrics import MemoryMetrics

MINUTE = datetime.now(UTC).replace(second=0, microsecond=0)
# How CloudWatch refuses, and what it is to us.
REFUSALS: dict[str, GyreError] = {
    "ThrottlingException": TooManyRequests("slower"),
    "AccessDenied": Unavailable("not allowed"),
    "InternalServiceFault": Unavailable("away"),
}
# By name, model and version: how often, the sum, the largest.
Found = dict[tuple[str, str | None, str | None], tuple[float, float, float]]
Setting = tuple[Metrics, Callable[[], Found], Callable[[str], None]]


@pytest.fixture(params=["fake", "cloudwatch"])
def setting(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Setting]:
    """Metrics, what can be read of them, and a way to have them refused."""
    if request.param == "fake":
        fake = MemoryMetrics()
        yield fake, lambda: _added(fake), lambda code: setattr(fake, "failure", REFUSALS[code])
        return
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        metrics = CloudWatchMetrics()
        yield metrics, _read, lambda code: _refuse(metrics, code)


def _added(fake: MemoryMetrics) -> Found:
    found: Found = {}
    for each in fake.told:
        count, total, largest = found.get((each.name, each.model, each.version), (0.0, 0.0, 0.0))
        found[each.name, each.model, each.version] = (
            count + sum(each.values.values()),
            total + sum(value * times for value, times in each.values.items()),
            max(largest, *each.values),
        )
    return found


def _read() -> Found:
    """As an operator reads it."""
    watch = boto3.client("cloudwatch")
    found: Found = {}
    for listed in watch.list_metrics(Namespace=NAMESPACE)["Metrics"]:
        by = {each["Name"]: each["Value"] for each in listed["Dimensions"]}
        points = watch.get_metric_statistics(
            Namespace=NAMESPACE, MetricName=listed["MetricName"], Dimensions=listed["Dimensions"], Period=86_400,
            StartTime=MINUTE - timedelta(hours=6), EndTime=MINUTE + timedelta(hours=6),
            Statistics=["SampleCount", "Sum", "Maximum"],
        )["Datapoints"]  # fmt: skip
        found[listed["MetricName"], by.get("model"), by.get("version")] = (
            sum(each["SampleCount"] for each in points),
            sum(each["Sum"] for each in points),
            max(each["Maximum"] for each in points),
        )
    return found


def _refuse(metrics: CloudWatchMetrics, code: str) -> None:
    def refused(**_: Any) -> None:
        raise ClientError({"Error": {"Code": code, "Message": "no"}}, "PutMetricData")

    metrics._client().meta.events.register("before-call.cloudwatch.PutMetricData", refused)


def metric(name: str, values: dict[float, int], version: str = "7", at: datetime = MINUTE) -> Metric:
    unit: Any = "Milliseconds" if name.endswith("Ms") else "Count"
    return Metric(name, unit, "wine", version, "online", at, values)


def test_what_is_told_adds_up(setting: Setting) -> None:
    # given
    metrics, found, _ = setting
    # when
    metrics.tell([metric("Calls", {1.0: 3}), metric("DurationMs", {2.5: 2, 40.0: 1})])
    metrics.tell([metric("Calls", {1.0: 2}), metric("Calls", {1.0: 1}, "8")])
    # then
    assert found() == {
        ("Calls", "wine", "7"): (5, 5, 1),
        ("Calls", "wine", "8"): (1, 1, 1),
        ("DurationMs", "wine", "7"): (3, 45, 40),
    }


def test_more_values_than_a_request_may_hold_all_arrive(setting: Setting) -> None:
    metrics, found, _ = setting
    metrics.tell([metric("DurationMs", {float(each): 1 for each in range(170)})])
    assert found() == {("DurationMs", "wine", "7"): (170, sum(range(170)), 169)}


def test_what_is_about_no_model_has_no_dimensions(setting: Setting) -> None:
    """One alarm watches it; CloudWatch adds nothing up over dimensions."""
    metrics, found, _ = setting
    metrics.tell([Metric("DeadLetters", "Count", None, None, "online", MINUTE, {3.0: 1})])
    metrics.tell([Metric("DeadLetters", "Count", None, None, "online", MINUTE, {1.0: 1})])
    assert found() == {("DeadLetters", None, None): (2, 4, 3)}


@pytest.mark.parametrize("code", REFUSALS)
def test_a_refusal_is_one_of_ours(setting: Setting, code: str) -> None:
    # given
    metrics, _, refuse = setting
    refuse(code)
    # then
    with pytest.raises(type(REFUSALS[code])):
        metrics.tell([metric("Calls", {1.0: 1})])


# --- what goes over the wire ------------------------------------------------------------------------------------------


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Every request to CloudWatch, as botocore is asked for it."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    seen: list[dict[str, Any]] = []
    metrics = CloudWatchMetrics()
    events = metrics._client().meta.events
    events.register("provide-client-params.cloudwatch.PutMetricData", lambda params, **_: seen.append(params))
    events.register("before-call.cloudwatch.PutMetricData", lambda **_: (AWSResponse("", 200, {}, None), {}))
    metrics.tell([])
    assert seen == []
    metrics.tell([
        *(metric("DurationMs", {float(at): 2 for at in range(160)}, str(version)) for version in range(1_001)),
        Metric("Calls", "Count", "wine", "8", "shadow", MINUTE, {1.0: 4}),
    ])  # fmt: skip
    return seen


def test_no_request_is_larger_than_cloudwatch_takes(sent: list[dict[str, Any]]) -> None:
    assert {each["Namespace"] for each in sent} == {"Gyre"}
    for each in sent:
        data = each["MetricData"]
        assert len(data) <= 1_000
        assert all(len(datum["Values"]) == len(datum["Counts"]) <= 150 for datum in data)
        named = [(datum["MetricName"], str(datum["Dimensions"])) for datum in data]
        assert len(named) == len(set(named))
    assert sum(sum(datum["Counts"]) for each in sent for datum in each["MetricData"]) == 1_001 * 320 + 4


def test_only_what_callers_waited_for_has_two_dimensions(sent: list[dict[str, Any]]) -> None:
    by_name = {
        datum["MetricName"]: {each["Name"]: each["Value"] for each in datum["Dimensions"]}
        for request in sent
        for datum in request["MetricData"]
    }
    assert by_name["Calls"] == {"model": "wine", "version": "8", "kind": "shadow"}
    assert by_name["DurationMs"].keys() == {"model", "version"}
