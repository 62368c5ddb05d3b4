import pytest
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    ReadTimeoutError,
)

from gyre.aws.clients import client, told
from gyre.errors import Conflict, GyreError, NotFound, TooManyRequests, Unavailable

TABLE: dict[type[GyreError], list[str]] = {
    NotFound: ["NoSuchKey", "404", "NoSuchVersion", "ExecutionDoesNotExist", "NoSuchBucket", "NotFound"],
    Conflict: ["PreconditionFailed", "412", "ConditionalRequestConflict", "409"],
    TooManyRequests: [
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "RequestLimitExceeded",
    ],
    Unavailable: ["AccessDenied", "InternalError", "ServiceUnavailable", "SomethingNew"],
}


@pytest.mark.parametrize(("error", "code"), [(error, code) for error, codes in TABLE.items() for code in codes])
def test_a_code_of_aws_is_one_of_our_errors(error: type[GyreError], code: str) -> None:
    found = told(ClientError({"Error": {"Code": code, "Message": "inner words"}}, "GetObject"), "s3://bucket/key")
    assert type(found) is error
    assert "s3://bucket/key" in found.message
    assert "inner words" not in found.message


def test_an_unknown_code_is_named() -> None:
    found = told(ClientError({"Error": {"Code": "SomethingNew"}}, "GetObject"), "it")
    assert "SomethingNew" in found.message


def test_an_error_without_a_code_is_unavailable() -> None:
    assert type(told(ClientError({}, "GetObject"), "it")) is Unavailable


@pytest.mark.parametrize(
    "error",
    [EndpointConnectionError(endpoint_url="http://x"), ReadTimeoutError(endpoint_url="http://x"), NoCredentialsError()],
)
def test_what_never_reached_aws_is_unavailable(error: BotoCoreError) -> None:
    found = told(error, "it")
    assert type(found) is Unavailable
    assert type(error).__name__ in found.message


def test_a_client_is_made_once_and_has_limits() -> None:
    assert client("s3") is client("s3")
    assert client("s3").meta.config.connect_timeout <= 5
    assert client("s3").meta.config.read_timeout < 29


def test_a_client_goes_where_the_environment_points(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4566")
    assert client("s3").meta.endpoint_url == "http://127.0.0.1:4566"
