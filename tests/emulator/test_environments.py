"""The processes of functions are found by the emulator they belong to, and ended as a machine would be."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gyre_emulator.environments import Environment, environments
from gyre_emulator.processes import start_ticks, wait_until
from gyre_emulator.settings import MARKER

Start = Callable[..., "subprocess.Popen[bytes]"]
SLEEP = "import time; time.sleep(60)"


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a process as the emulator starts a function."""
    made: list[subprocess.Popen[bytes]] = []

    def started(function: str | None, home: Path = tmp_path, code: str = SLEEP) -> subprocess.Popen[bytes]:
        own = {MARKER: str(home), **({"AWS_LAMBDA_FUNCTION_NAME": function} if function else {})}
        process = subprocess.Popen([sys.executable, "-c", code], env=own, start_new_session=True)
        made.append(process)
        # Between fork and exec a child has its parent's environment still.
        environ = Path(f"/proc/{process.pid}/environ")
        assert wait_until(lambda: MARKER.encode() in environ.read_bytes(), 5)
        return process

    yield started
    for process in made:
        os.killpg(process.pid, signal.SIGKILL) if process.poll() is None else None
        process.wait()


def test_only_functions_of_this_emulator_are_found(start: Start, tmp_path: Path) -> None:
    one, other = start("log"), start("inference")
    start(None)
    start("log", home=tmp_path / "another")
    found = environments(tmp_path)
    assert [(each.function, each.pid) for each in found] == [("log", one.pid), ("inference", other.pid)]
    assert environments(tmp_path, "log") == [Environment("log", one.pid, start_ticks(one.pid) or 0)]
    assert environments(tmp_path, "nobody") == []


def test_what_a_function_starts_itself_is_none(start: Start, tmp_path: Path) -> None:
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {SLEEP!r}])"
    process = start("log", code=code)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    assert wait_until(lambda: bool(children.read_text().strip()), 5)
    assert [each.pid for each in environments(tmp_path)] == [process.pid]


def test_one_that_is_killed_is_gone_and_no_other(start: Start, tmp_path: Path) -> None:
    one, other = start("log"), start("log")
    first, second = environments(tmp_path)
    assert first.kill()
    assert one.wait(5) == -signal.SIGKILL
    assert not first.kill()
    assert environments(tmp_path) == [second]
    assert other.poll() is None


def test_a_pid_that_is_anothers_by_now_is_left_alone(start: Start, tmp_path: Path) -> None:
    process = start("log")
    (found,) = environments(tmp_path)
    assert not Environment(found.function, found.pid, found.started - 1).kill()
    assert process.poll() is None
