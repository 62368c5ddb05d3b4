"""The rule of this folder holds."""

import asyncio
import os
import socket

import pytest
from pytest_socket import SocketBlockedError


def test_a_socket_is_refused() -> None:
    with pytest.raises(SocketBlockedError), pytest.warns(UserWarning, match=r"socket\.socket"):
        socket.socket(socket.AF_INET)


def test_an_event_loop_still_runs() -> None:
    async def answer() -> int:
        return 42

    assert asyncio.run(answer()) == 42


def test_nothing_of_a_deployment_is_visible() -> None:
    assert not [name for name in os.environ if name.startswith("GYRE_") or name == "AWS_ENDPOINT_URL"]
