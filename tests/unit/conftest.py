"""No sockets here, and nothing of the caller's own AWS account or deployment."""

import os
from collections.abc import Iterator

import pytest
import pytest_socket

from gyre.aws import clients


@pytest.fixture(autouse=True)
def no_sockets() -> Iterator[None]:
    """An event loop's pair of Unix sockets is all that opens."""
    pytest_socket.disable_socket(allow_unix_socket=True)
    yield
    pytest_socket.enable_socket()


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in os.environ:
        if name.startswith(("AWS_", "GYRE_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    clients.client.cache_clear()
    yield
    clients.client.cache_clear()
