"""The fake errands and Lambda keep one contract: what is sent arrives, and a failure to send is one of ours."""

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from gyre.aws import clients
from gyre.aws.errands import LambdaErrands
from gyre.errands import Errands
from gyre.errors import GyreError, TooManyRequests, Unavailable
from tests.fakes.errands import MemoryErrands

Sent = list[tuple[str, dict[str, Any]]]
Setting = tuple[Errands, Sent, Callable[[str], None]]
FUNCTION = "train-tasks"
# How Lambda refuses, and what it is to us.
REFUSALS: dict[str, GyreError] = {
    "ResourceNotFoundException": Unavailable("a fault of the deployment, and of no caller"),
    "TooManyRequestsException": TooManyRequests("slower"),
    "AccessDeniedException": Unavailable("not allowed"),
    "ServiceException": Unavailable("away"),
}


@pytest.fixture(params=["fake", "lambda"])
def setting(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Setting]:
    """Errands, what arrived of them, and a way to have them refused."""
    if request.param == "fake":
        fake = MemoryErrands()
        yield fake, fake.sent, lambda code: setattr(fake, "failure", REFUSALS[code])
        return
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws(config={"lambda": {"use_docker": False}}):
        clients.client.cache_clear()
        _create()
        sent: Sent = []
        yield LambdaErrands(FUNCTION), sent, _watched(sent)
    clients.client.cache_clear()


def _create() -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as packed:
        packed.writestr("app.py", "def handler(event, context): ...")
    role = boto3.client("iam").create_role(RoleName="r", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    boto3.client("lambda").create_function(
        FunctionName=FUNCTION, Runtime="python3.12", Role=role, Handler="app.handler",
        Code={"ZipFile": content.getvalue()},
    )  # fmt: skip


def _watched(sent: Sent) -> Callable[[str], None]:
    """What goes over the wire to Lambda; or its refusal in the place of its answer."""
    events = clients.client("lambda").meta.events
    refusal: list[str] = []

    def seen(params: dict[str, Any], **_: Any) -> None:
        if refusal:
            raise ClientError({"Error": {"Code": refusal[0], "Message": "no"}}, "Invoke")
        assert params["headers"]["X-Amz-Invocation-Type"] == "Event"
        assert FUNCTION in params["url"]
        told = json.loads(params["body"])
        sent.append((told.pop("task"), told))

    events.register("before-call.lambda.Invoke", seen)
    return refusal.append


@pytest.mark.parametrize("payload", [{}, {"run": "mirror", "model": "wine"}, {"text": "süß ✗", "list": [1, None, {}]}])
def test_an_errand_arrives_with_its_payload(setting: Setting, payload: dict[str, Any]) -> None:
    errands, sent, _ = setting
    errands.send("mirror", payload)
    errands.send("other", {})
    assert sent == [("mirror", payload), ("other", {})]


def test_the_caller_keeps_the_payload(setting: Setting) -> None:
    errands, sent, _ = setting
    payload: dict[str, Any] = {"model": "wine"}
    errands.send("mirror", payload)
    payload["model"] = "beer"
    assert sent == [("mirror", {"model": "wine"})]


@pytest.mark.parametrize("code", sorted(REFUSALS))
def test_an_errand_that_cannot_be_sent_is_told_as_one_of_ours(setting: Setting, code: str) -> None:
    """A route may say that a move was made although MLflow has not heard of it: it must know what it catches."""
    errands, sent, refuse = setting
    refuse(code)
    with pytest.raises(type(REFUSALS[code])):
        errands.send("mirror", {"model": "wine"})
    assert sent == []
