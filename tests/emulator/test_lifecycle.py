"""Up, down, and what is left after each way to end."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.exceptions import BotoCoreError

from gyre_emulator import control, processes
from gyre_emulator.settings import MARKER

from .conftest import Aws, free_port, is_alive, run_command

# Each call leaves a child behind that would outlive its function.
LEAVES_A_CHILD = """
    import os, subprocess
    child = subprocess.Popen(["sleep", "300"])
    def handler(event, context): return [os.getpid(), child.pid]
"""


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    """An emulator for tests that end it; idle environments stop after half a second."""
    monkeypatch.setenv("LAMBDA_KEEPALIVE_MS", "5000")
    emulator = control.start(home=tmp_path / "home", port=free_port())
    yield Aws(emulator, tmp_path)
    control.stop(home=tmp_path / "home")


def ours(own: Aws) -> list[tuple[int, int]]:
    return processes.marked(MARKER, str(own.emulator.home))


def test_from_up_to_down(own: Aws) -> None:
    # given
    settings = {"GYRE_EMULATOR_HOME": str(own.emulator.home), "GYRE_EMULATOR_PORT": own.emulator.url.rpartition(":")[2]}
    # when: it is started again
    again = run_command("up", **settings)
    # then
    assert again.returncode == 0
    assert "already running" in again.stdout
    assert again.stderr == ""
    assert run_command("status", **settings).returncode == 0

    # when: an idle environment passes its time
    own.create("idle", LEAVES_A_CHILD)
    function, child = own.invoke("idle").payload
    assert is_alive(function)
    # then: it goes with all it started, and the next call gets another
    assert processes.wait_until(lambda: not is_alive(function) and not is_alive(child), 30)
    function, child = own.invoke("idle").payload
    assert is_alive(function)

    # when
    down = run_command("down", **settings)
    # then
    assert down.returncode == 0
    assert "stopped" in down.stdout
    assert down.stderr == ""
    assert not is_alive(function)
    assert not is_alive(child)
    assert ours(own) == []
    assert not control.status(home=own.emulator.home).running


def test_functions_end_with_a_killed_emulator(own: Aws) -> None:
    # given: one function that is idle and one in the middle of a call
    own.create("idle", LEAVES_A_CHILD)
    own.create("busy", "import time\ndef handler(e, c): time.sleep(60)", Timeout=60)
    calling = threading.Thread(target=invoke_in_vain, args=[own, "busy"], daemon=True)
    calling.start()
    assert processes.wait_until(lambda: any("app.handler" in line for line in command_lines(own)), 15)
    function, child = own.invoke("idle").payload
    # when
    assert own.emulator.pid is not None
    os.kill(own.emulator.pid, signal.SIGKILL)
    # then: what the kernel can see goes by itself
    # (a process that is going loses its command line a moment before it is gone)
    assert processes.wait_until(lambda: not any("app.handler" in line for line in command_lines(own)), 5)
    assert processes.wait_until(lambda: not is_alive(function), 5)
    # and `up` over the stale record starts afresh and ends what only the mark can find
    assert (own.emulator.home / "emulator.json").exists()
    fresh = control.start(home=own.emulator.home, port=int(own.emulator.url.rpartition(":")[2]))
    assert fresh.healthy
    assert not fresh.already
    assert fresh.pid != own.emulator.pid
    assert not is_alive(child)
    calling.join(10)


def invoke_in_vain(own: Aws, name: str) -> None:
    with contextlib.suppress(BotoCoreError):  # the emulator dies under this call
        own.invoke(name)


def command_lines(own: Aws) -> list[str]:
    lines = []
    for pid, _ in ours(own):
        try:
            lines.append((Path("/proc") / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue
    return lines


def test_two_at_a_time_start_one(tmp_path: Path) -> None:
    # given
    home, port, started = tmp_path / "home", free_port(), []
    threads = [threading.Thread(target=lambda: started.append(control.start(home=home, port=port))) for _ in range(2)]
    try:
        # when
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        # then
        assert sorted(emulator.already for emulator in started) == [False, True]
        assert len({emulator.pid for emulator in started}) == 1
    finally:
        began = time.monotonic()
        control.stop(home=home)
    assert time.monotonic() - began < 15
