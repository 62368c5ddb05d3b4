"""The fake notices and SNS keep one contract: what is told is heard, and a failure to tell is one of ours."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from gyre.aws import clients
from gyre.aws.notices import SnsTopic
from gyre.errors import GyreError, TooManyRequests, Unavailable
from gyre.notices import Notices
from tests.fakes.notices import MemoryNotices

Heard = list[tuple[str, dict[str, Any]]]
Setting = tuple[Notices, Callable[[], Heard], Callable[[str], None]]
# How SNS refuses, and what it is to us.
REFUSALS: dict[str, GyreError] = {
    "AuthorizationError": Unavailable("not allowed"),
    "InternalError": Unavailable("away"),
    "ThrottlingException": TooManyRequests("slower"),
}


@pytest.fixture(params=["fake", "sns"])
def setting(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Setting]:
    """Notices, what is heard of them, and a way to have them refused."""
    if request.param == "fake":
        fake = MemoryNotices()
        yield fake, lambda: fake.heard, lambda code: setattr(fake, "failure", REFUSALS[code])
        return
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        clients.client.cache_clear()
        topic = boto3.client("sns").create_topic(Name="notices")["TopicArn"]
        queue = boto3.client("sqs").create_queue(QueueName="ears")["QueueUrl"]
        arn = boto3.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
        boto3.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn["Attributes"]["QueueArn"])
        yield SnsTopic(topic), lambda: _arrived(queue), _refuse
    clients.client.cache_clear()


def _arrived(queue: str) -> Heard:
    """What a listener gets: SNS's own envelope, and ours within."""
    told = boto3.client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
    envelopes = [json.loads(each["Body"]) for each in told]
    return [(each["Subject"], json.loads(each["Message"])) for each in envelopes]


def _refuse(code: str) -> None:
    def refused(**_: Any) -> None:
        raise ClientError({"Error": {"Code": code, "Message": "no"}}, "Publish")

    clients.client("sns").meta.events.register("before-call.sns.Publish", refused)


@pytest.mark.parametrize("message", [{"kind": "trial_ended"}, {"kind": "x", "because": "süß ✗", "n": [1, None, 0.5]}])
def test_what_is_told_is_heard(setting: Setting, message: dict[str, Any]) -> None:
    notices, heard, _ = setting
    notices.tell("Gyre: look", message)
    assert heard() == [("Gyre: look", message)]


def test_whoever_tells_keeps_the_message(setting: Setting) -> None:
    notices, heard, _ = setting
    message: dict[str, Any] = {"kind": "a"}
    notices.tell("Gyre: look", message)
    message["kind"] = "b"
    assert heard() == [("Gyre: look", {"kind": "a"})]


@pytest.mark.parametrize("code", sorted(REFUSALS))
def test_what_nobody_hears_is_told_as_one_of_ours(setting: Setting, code: str) -> None:
    notices, heard, refuse = setting
    refuse(code)
    with pytest.raises(type(REFUSALS[code])):
        notices.tell("Gyre: look", {})
    assert heard() == []


@pytest.mark.parametrize("subject", ["x" * 300, "two\nlines\r\tand a tab", "süß ✗ \x00 end", "m" * 63 + "\u2028" * 60])
def test_no_subject_is_refused_by_sns(setting: Setting, subject: str) -> None:
    """moto refuses as SNS does what is too long; the rest is what its documentation rules out."""
    notices, heard, _ = setting
    if isinstance(notices, MemoryNotices):
        pytest.skip("the fake has no such limits")
    notices.tell(subject, {})
    ((line, _),) = heard()
    assert 0 < len(line) < 100 and line.isascii() and "\n" not in line and "\t" not in line
