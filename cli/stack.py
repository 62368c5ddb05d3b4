"""The way from a command to the deployed stack: found by its record; whatever goes wrong on it is one line."""

import argparse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from gyre.errors import GyreError, Unavailable

if TYPE_CHECKING:
    from cli.client import CallFailed, GyreClient

Connect = Callable[[], "GyreClient"]


def deployed() -> "GyreClient":
    """The stack that `.gyre/stack.json` describes, or the file that GYRE_STACK names."""
    import httpx

    from cli.client import GyreClient
    from infra.deploy import DeployError
    from infra.deploy.record import read_record, record_path

    try:
        return GyreClient(read_record())
    except DeployError as error:
        raise GyreError(str(error)) from None
    except httpx.InvalidURL as error:
        raise GyreError(f"{record_path()} names no address that can be called ({error}): run `make deploy`") from None
    except OSError as error:
        raise GyreError(f"{record_path()} cannot be read: {error.strerror or error}") from None


@contextmanager
def stack(options: argparse.Namespace) -> Iterator["GyreClient"]:
    """The stack that a command speaks to."""
    # boto3 and httpx take a second to import, and gyre spec needs neither.
    import httpx
    from botocore.exceptions import BotoCoreError, ClientError

    from cli.client import CallFailed, TookTooLong

    gyre: GyreClient = options.connect()
    try:
        yield gyre
    except CallFailed as error:
        raise GyreError(_refusal(error, gyre)) from error
    except TookTooLong as error:
        raise GyreError(str(error)) from error
    except (httpx.HTTPError, httpx.InvalidURL, ClientError, BotoCoreError) as error:
        raise Unavailable(
            f"the stack at {gyre.record.api_url} does not answer ({str(error) or type(error).__name__}): {_help(gyre)}"
        ) from error


def _refusal(error: "CallFailed", gyre: "GyreClient") -> str:
    """What the API said; what is not of its shape was said by something else at its address."""
    if "code" in error.error:
        return str(error.error.get("message", error))
    told = str(error.error.get("message", "")).strip()[:200]
    said = f"{error.status}{f' ({told})' if told else ''}"
    return f"{gyre.record.api_url} answers {said}, and not as Gyre does: {_help(gyre)}"


def _help(gyre: "GyreClient") -> str:
    if gyre.record.endpoint_url:
        return "run `make up deploy`"
    return f"is the network up, and is {gyre.record.environment} deployed?"
