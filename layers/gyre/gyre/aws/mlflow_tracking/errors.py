"""MLflow's errors, and those of what it stands on, as ours. The only place that reads MLflow's codes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from gyre.aws import clients
from gyre.errors import Conflict, GyreError, Invalid, NotFound, TooLarge, Unavailable

_MISSING = {"RESOURCE_DOES_NOT_EXIST", "NOT_FOUND", "ENDPOINT_NOT_FOUND"}
_THERE = {"RESOURCE_ALREADY_EXISTS", "ALREADY_EXISTS", "RESOURCE_CONFLICT"}
_REFUSED = {"PERMISSION_DENIED", "UNAUTHENTICATED", "CUSTOMER_UNAUTHORIZED"}
# What MLflow's client says too when no server answers it.
_PASSING = {
    "ABORTED", "CANCELLED", "DEADLINE_EXCEEDED", "INTERNAL_ERROR", "REQUEST_LIMIT_EXCEEDED", "RESOURCE_EXHAUSTED",
    "TEMPORARILY_UNAVAILABLE",
}  # fmt: skip
_SERVER_FAULTS = 500
_TOO_MANY = 429


@contextmanager
def told(uri: str) -> Iterator[None]:
    """Whatever goes wrong inside is one of our errors; MLflow must have been imported before."""
    from boto3.exceptions import S3UploadFailedError
    from botocore.exceptions import BotoCoreError, ClientError
    from mlflow.exceptions import MlflowException
    from requests import RequestException

    where = shown(uri)
    try:
        yield
    except MlflowException as error:
        raise _ours(error, error.error_code, f"MLflow at {where}: {_silenced(error.message, uri)}") from error
    except (ClientError, BotoCoreError) as error:
        raise clients.told(error, f"MLflow at {where}") from error
    except S3UploadFailedError as error:
        raise Unavailable(f"MLflow at {where}: {error}. Try again; if it stays, look at the policy.") from error
    except RequestException as error:
        status = error.response.status_code if error.response is not None else _SERVER_FAULTS
        passing = status >= _SERVER_FAULTS or status == _TOO_MANY
        kind = Unavailable if passing else Invalid
        raise kind(f"MLflow at {where} did not take an artifact: {type(error).__name__}, status {status}.") from error


def shown(uri: str) -> str:
    """An address without the password that may stand in it."""
    parts = urlsplit(uri)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="").geturl()


def _silenced(message: str, uri: str) -> str:
    secret, found, _ = urlsplit(uri).netloc.rpartition("@")
    return message.replace(secret + found, "") if found else message


def _ours(error: Exception, code: str, message: str) -> GyreError:
    # What our store says, it says as ours first; who only was too slow may try again.
    if isinstance(error.__cause__, Invalid | NotFound | TooLarge):
        return error.__cause__
    if code in _PASSING:
        return Unavailable(message)
    if code in _MISSING:
        return NotFound(message)
    if code in _THERE:
        return Conflict(message)
    if code in _REFUSED:
        return Invalid(f"{message} Set MLFLOW_TRACKING_TOKEN, or user and password, as that server wants them.")
    return Invalid(message)
