"""boto3 clients, made when first needed; AWS_ENDPOINT_URL points them at an emulator."""

from functools import cache
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from gyre.aws.codes import by_code, unreachable
from gyre.errors import GyreError

# All tries together stay below the 29 s of an API function: a stalled service is told as one, not as a timeout.
_CONFIG = Config(connect_timeout=2, read_timeout=6, retries={"mode": "standard", "total_max_attempts": 3})

# For signed addresses. Of newer buckets they must be signed by version 4, which is not the default everywhere; and
# without a style botocore lets them all point to us-east-1, which sends a PUT on to the bucket's region in vain.
_S3 = Config(signature_version="s3v4", s3={"addressing_style": "virtual"})


@cache
def client(service: str) -> Any:
    config = _CONFIG.merge(_S3) if service == "s3" else _CONFIG
    return boto3.client(service, config=config)  # type: ignore[call-overload]  # the name is not a literal here


@cache
def patient_client(service: str, seconds: float) -> Any:
    """For a call that may take so long: made once, for nobody knows how far one came that was given up."""
    config = _CONFIG.merge(Config(read_timeout=seconds, retries={"mode": "standard", "total_max_attempts": 1}))
    return boto3.client(service, config=config)  # type: ignore[call-overload]  # the name is not a literal here


def told(error: ClientError | BotoCoreError, what: str) -> GyreError:
    """An AWS error as one of ours."""
    if isinstance(error, BotoCoreError):
        return unreachable(what, error)
    return by_code(str(error.response.get("Error", {}).get("Code", "unknown")), what)
