"""What can go wrong before LocalStack runs: each is one line."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from gyre_emulator import control, processes
from gyre_emulator.settings import MARKER, Settings

from .conftest import FUNCTION_PYTHON, free_port, is_alive, run_command


def one_line(text: str) -> str:
    lines = text.strip().splitlines()
    assert len(lines) == 1, text
    return lines[0]


def test_nothing_runs_in_a_fresh_home(tmp_path: Path) -> None:
    # when
    status, down = (
        run_command("status", GYRE_EMULATOR_HOME=str(tmp_path)),
        run_command("down", GYRE_EMULATOR_HOME=str(tmp_path)),
    )
    # then
    assert (status.returncode, status.stdout.strip()) == (1, "emulator: not running")
    assert (down.returncode, down.stdout.strip()) == (0, "emulator: not running")


def test_a_taken_port_is_named(tmp_path: Path) -> None:
    # given
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        # when
        done = run_command("up", GYRE_EMULATOR_HOME=str(tmp_path), GYRE_EMULATOR_PORT=str(port))
    # then
    assert done.returncode == 1
    assert done.stdout == ""
    assert f"port {port} is taken" in one_line(done.stderr)
    assert "GYRE_EMULATOR_PORT" in done.stderr


def test_a_port_that_is_no_port_is_refused(tmp_path: Path) -> None:
    done = run_command("up", GYRE_EMULATOR_HOME=str(tmp_path), GYRE_EMULATOR_PORT="high")
    assert done.returncode == 1
    assert "'high'" in one_line(done.stderr)


@pytest.mark.parametrize("variable", ["GYRE_EMULATOR_PYTHON", "GYRE_FUNCTION_PYTHON"])
def test_a_missing_interpreter_asks_for_setup(tmp_path: Path, variable: str) -> None:
    # when
    done = run_command(
        "up",
        GYRE_EMULATOR_HOME=str(tmp_path),
        GYRE_EMULATOR_PORT=str(free_port()),
        **{variable: str(tmp_path / "python")},
    )
    # then
    assert done.returncode == 1
    assert str(tmp_path / "python") in one_line(done.stderr)
    assert "run `make setup`" in done.stderr


def test_an_environment_without_localstack_asks_for_setup(tmp_path: Path) -> None:
    # given: an interpreter that starts and has nothing installed
    home = tmp_path / "home"
    # when
    done = run_command(
        "up",
        GYRE_EMULATOR_HOME=str(home),
        GYRE_EMULATOR_PORT=str(free_port()),
        GYRE_EMULATOR_PYTHON=str(FUNCTION_PYTHON),
    )
    # then
    assert done.returncode == 1
    assert "No module named 'localstack'" in one_line(done.stderr)
    assert "run `make setup`" in done.stderr
    assert processes.marked(MARKER, str(home)) == []


def test_an_environment_without_the_runtime_client_asks_for_setup(tmp_path: Path) -> None:
    # given
    home = tmp_path / "home"
    # when
    done = run_command(
        "up", GYRE_EMULATOR_HOME=str(home), GYRE_EMULATOR_PORT=str(free_port()), GYRE_FUNCTION_PYTHON=sys.executable
    )
    # then
    assert done.returncode == 1
    assert "No module named 'awslambdaric'" in one_line(done.stderr)
    assert "run `make setup`" in done.stderr
    assert processes.marked(MARKER, str(home)) == []


def test_a_recycled_pid_is_nobody_of_ours(tmp_path: Path) -> None:
    # given: the record names a process that lives, but is not the one that was recorded
    stranger = subprocess.Popen(["sleep", "60"])
    try:
        started = processes.start_ticks(stranger.pid)
        assert started is not None
        record = {"pid": stranger.pid, "started": started - 1, "url": "http://127.0.0.1:1"}
        (tmp_path / "emulator.json").write_text(json.dumps(record))
        # when
        status = control.status(home=tmp_path)
        control.stop(home=tmp_path)
        # then
        assert not status.running
        assert is_alive(stranger.pid)
        assert not (tmp_path / "emulator.json").exists()
    finally:
        stranger.kill()
        stranger.wait(5)


def test_an_emulator_that_hangs_is_not_taken_for_a_running_one(tmp_path: Path) -> None:
    # given: a process of the record that listens nowhere
    hanging = subprocess.Popen(["sleep", "60"])
    try:
        url = f"http://127.0.0.1:{free_port()}"
        record = {"pid": hanging.pid, "started": processes.start_ticks(hanging.pid), "url": url}
        (tmp_path / "emulator.json").write_text(json.dumps(record))
        # when
        done = run_command("up", GYRE_EMULATOR_HOME=str(tmp_path))
        # then
        assert done.returncode == 1
        assert "does not answer" in one_line(done.stderr)
        assert "make down" in done.stderr
    finally:
        hanging.kill()
        hanging.wait(5)


@pytest.mark.parametrize(
    ("environ", "listen"),
    [
        ({}, "127.0.0.1:4566"),
        ({"GYRE_EMULATOR_PORT": "4600"}, "127.0.0.1:4600"),
        ({"GATEWAY_LISTEN": "0.0.0.0:4700"}, "0.0.0.0:4700"),
        ({"GATEWAY_LISTEN": "0.0.0.0", "GYRE_EMULATOR_PORT": "4600"}, "0.0.0.0:4600"),
    ],
)
def test_where_it_listens(environ: dict[str, str], listen: str) -> None:
    # when
    settings = Settings.from_environment(environ=environ)
    # then
    assert settings.environment()["GATEWAY_LISTEN"] == listen
    assert settings.url.endswith(listen.partition(":")[2])


def test_a_setting_of_localstack_can_be_overridden_and_nothing_else_gets_in() -> None:
    # when
    given = {"LAMBDA_KEEPALIVE_MS": "1", "AWS_PROFILE": "work", "HTTPS_PROXY": "x", "PYTHONPATH": "y"}
    environment = Settings.from_environment(environ=given).environment()
    # then
    assert environment["LAMBDA_KEEPALIVE_MS"] == "1"
    assert not {"AWS_PROFILE", "HTTPS_PROXY", "PYTHONPATH"} & set(environment)


@pytest.mark.parametrize("record", ["", "{}", '{"pid": "x"}', "[]"])
def test_a_broken_record_is_no_emulator(tmp_path: Path, record: str) -> None:
    (tmp_path / "emulator.json").write_text(record)
    assert not control.status(home=tmp_path).running
    assert control.stop(home=tmp_path).ended == 0


def test_down_ends_strays_that_carry_the_mark_and_nothing_else(tmp_path: Path) -> None:
    # given
    stray = subprocess.Popen(["sleep", "60"], env={**os.environ, MARKER: str(tmp_path)})
    # A person may export the home for their shell; their programs are none of ours.
    other = subprocess.Popen(["sleep", "60"], env={**os.environ, "GYRE_EMULATOR_HOME": str(tmp_path)})
    try:
        assert processes.wait_until(lambda: len(processes.marked(MARKER, str(tmp_path))) == 1, 5)
        # when
        ended = control.stop(home=tmp_path).ended
        # then
        assert ended == 1
        assert stray.wait(5) == -9
        assert is_alive(other.pid)
    finally:
        for process in (stray, other):
            process.kill()
            process.wait(5)


def test_control_needs_nothing_installed(tmp_path: Path) -> None:
    # given: a plain interpreter without site-packages
    python = shutil.which("python3.12") or sys.executable
    package = Path(control.__file__).parent.parent
    # when
    done = subprocess.run(
        [python, "-S", "-m", "gyre_emulator", "status"], capture_output=True, text=True, timeout=20,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(package), "GYRE_EMULATOR_HOME": str(tmp_path)},
    )  # fmt: skip
    # then
    assert (done.returncode, done.stdout.strip(), done.stderr) == (1, "emulator: not running", "")
