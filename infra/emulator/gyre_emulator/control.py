"""Starts and stops the emulator. Standard library only, so that a broken environment can still be explained."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from gyre_emulator import processes
from gyre_emulator.record import read_record, write_record
from gyre_emulator.settings import MARKER, Settings

START_SECONDS = 120.0
TERMINATE_SECONDS = 10.0
KILL_SECONDS = 10.0
SETTLE_SECONDS = 10.0
PORT_SECONDS = 5.0
PACKAGE = Path(__file__).resolve().parent
# Runs in the functions' interpreter. Their environments may not write bytecode, so it is written here, once.
FUNCTION_CHECK = (
    "import awslambdaric, runtime_client, compileall, os;"
    "compileall.compile_dir(os.path.dirname(os.path.dirname(awslambdaric.__file__)), quiet=2)"
)


class EmulatorError(Exception):
    """What is wrong, in one line, and what to do about it; `details` may follow."""

    def __init__(self, message: str, details: str = "") -> None:
        super().__init__(message)
        self.details = details


@dataclass(frozen=True)
class Emulator:
    """What is known about the emulator of one home folder."""

    running: bool
    healthy: bool
    url: str
    home: Path
    log: Path
    pid: int | None = None
    already: bool = False
    """True when `start` found it running."""
    seconds: float = 0.0
    """How long `start` took."""
    ended: int = 0
    """How many processes `stop` ended."""


def status(home: Path | None = None, port: int | None = None) -> Emulator:
    """What runs now; never raises because nothing does."""
    settings = Settings.from_environment(home, port)
    record = read_record(settings)
    if record is None:
        return Emulator(False, False, settings.url, settings.home, settings.log)
    pid, _, url = record
    return Emulator(True, is_healthy(url), url, settings.home, settings.log, pid)


def address(home: Path | None = None, port: int | None = None) -> str:
    """Where it listens if it runs, where it would listen otherwise; asks nobody."""
    settings = Settings.from_environment(home, port)
    record = read_record(settings)
    return record[2] if record else settings.url


def start(
    home: Path | None = None,
    port: int | None = None,
    seconds: float = START_SECONDS,
    progress: Callable[[float], None] = lambda _waited: None,
) -> Emulator:
    """Starts the emulator in a session of its own and returns once it answers; an emulator that runs is left alone."""
    began = time.monotonic()
    settings = Settings.from_environment(home, port)
    if sys.platform != "linux":
        raise EmulatorError("functions run as Linux processes: use the container (localstack-compose.yml) instead")
    with only_one(settings):
        running = settled(settings)
        if running.running and not running.healthy:
            raise EmulatorError(
                f"it runs (pid {running.pid}) and does not answer on {running.url}: call `make down`, then `make up`;"
                f" its log is {running.log}"
            )
        if running.running:
            return replace(running, already=True)
        check_interpreters(settings)
        # What a killed emulator left behind: its record, its files and perhaps a function's own children.
        killed = settings.state.exists()
        settings.state.unlink(missing_ok=True)
        processes.end_marked(MARKER, str(settings.home), KILL_SECONDS)
        # The kernel may still be closing the sockets of one that was killed a moment ago.
        check_port(settings, PORT_SECONDS if killed else 0.0)
        clear(settings)
        emulator = launch(settings)
        try:
            write_record(settings, emulator.pid)
            check_function_python(settings)
            wait_until_healthy(settings, emulator, began + seconds, began, progress)
        except BaseException:
            stop_now(settings)
            emulator.wait(KILL_SECONDS)
            raise
    return Emulator(
        True, True, settings.url, settings.home, settings.log, emulator.pid, seconds=time.monotonic() - began
    )


def settled(settings: Settings) -> Emulator:
    """What runs, once that is certain: a killed one is still there for a moment, a busy one answers a little late."""
    limit = time.monotonic() + SETTLE_SECONDS
    while (now := status(settings.home, settings.port)).running and not now.healthy and time.monotonic() < limit:
        time.sleep(0.1)
    return now


def stop(home: Path | None = None, port: int | None = None) -> Emulator:
    """Ends the emulator and all function processes, also those that an emulator killed earlier left behind."""
    settings = Settings.from_environment(home, port)
    if not settings.home.is_dir():
        return Emulator(False, False, settings.url, settings.home, settings.log)
    with only_one(settings):
        ended = stop_now(settings)
    return Emulator(False, False, settings.url, settings.home, settings.log, ended=ended)


def stop_now(settings: Settings) -> int:
    record = read_record(settings)
    ended = 0
    if record is not None:
        pid, started, _ = record
        processes.send(pid, started, signal.SIGTERM)
        if not processes.wait_until(lambda: not processes.is_same(pid, started), TERMINATE_SECONDS):
            processes.send(pid, started, signal.SIGKILL)
        ended = 1
    # The emulator first, so that nobody starts new functions while we look for them.
    ended += processes.end_marked(MARKER, str(settings.home), KILL_SECONDS)
    left = processes.marked(MARKER, str(settings.home))
    if left:
        pids = ", ".join(str(pid) for pid, _ in left)
        raise EmulatorError(f"these processes of the emulator did not end within {KILL_SECONDS:.0f} s: {pids}")
    settings.state.unlink(missing_ok=True)
    shutil.rmtree(settings.temporary, ignore_errors=True)
    return ended


@contextlib.contextmanager
def only_one(settings: Settings, seconds: float = START_SECONDS + 30) -> Iterator[None]:
    """Two `up` at the same time start one emulator."""
    settings.home.mkdir(parents=True, exist_ok=True)
    with open(settings.home / "lock", "w") as lock:
        limit = time.monotonic() + seconds
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > limit:
                    raise EmulatorError(f"another command has held {settings.home / 'lock'} too long") from None
                time.sleep(0.1)
        yield


def check_interpreters(settings: Settings) -> None:
    for python, purpose in ((settings.emulator_python, "LocalStack"), (settings.function_python, "functions")):
        if not os.access(python, os.X_OK):
            raise EmulatorError(f"the interpreter for {purpose} is missing ({python}): run `make setup`")


def check_function_python(settings: Settings) -> None:
    """While LocalStack starts: can the functions' interpreter run AWS's runtime client?"""
    try:
        done = subprocess.run(
            [str(settings.function_python), "-I", "-c", FUNCTION_CHECK],
            capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EmulatorError(f"the functions' interpreter does not start ({error}): run `make setup`") from None
    if done.returncode:
        reason = last_line(done.stderr) or f"exit status {done.returncode}"
        raise EmulatorError(f"the functions' environment is broken ({reason}): run `make setup`")


def check_port(settings: Settings, seconds: float = 0.0) -> None:
    error: OSError | None = None

    def is_free() -> bool:
        nonlocal error
        error = bind_error(settings)
        return error is None

    if not processes.wait_until(is_free, seconds) and error is not None:
        raise EmulatorError(
            f"port {settings.port} is taken ({error.strerror}): end the program that holds it,"
            " or set GYRE_EMULATOR_PORT to a free port"
        )


def bind_error(settings: Settings) -> OSError | None:
    """Why LocalStack could not listen; None when it could."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.listen.rpartition(":")[0], settings.port))
        except OSError as error:
            return error
    return None


def clear(settings: Settings) -> None:
    """LocalStack keeps nothing across restarts, so what it left is only in the way."""
    for folder in (settings.root, settings.temporary):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    (settings.home / "user").mkdir(exist_ok=True)


def launch(settings: Settings) -> subprocess.Popen[bytes]:
    environment = settings.environment()
    environment["PYTHONPATH"] = str(PACKAGE.parent)
    with open(settings.log, "wb") as log:
        try:
            return subprocess.Popen(
                [str(settings.emulator_python), "-P", "-m", "gyre_emulator.serve"],
                cwd=settings.home, env=environment, stdin=subprocess.DEVNULL, stdout=log,
                stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        except OSError as error:
            raise EmulatorError(f"LocalStack's interpreter does not start ({error}): run `make setup`") from None


def wait_until_healthy(
    settings: Settings,
    emulator: subprocess.Popen[bytes],
    limit: float,
    began: float,
    progress: Callable[[float], None],
) -> None:
    while not is_healthy(settings.url):
        if emulator.poll() is not None:
            raise explain_exit(settings, emulator.returncode)
        if time.monotonic() > limit:
            waited = time.monotonic() - began
            raise EmulatorError(
                f"LocalStack does not answer after {waited:.0f} s; its log is {settings.log}", tail(settings.log)
            )
        progress(time.monotonic() - began)
        time.sleep(0.1)


def explain_exit(settings: Settings, code: int) -> EmulatorError:
    text = settings.log.read_text(errors="replace")
    broken = re.findall(r"^(?:\w+\.)*((?:ModuleNotFound|Import|Syntax)Error: .*)$", text, re.MULTILINE)
    if broken:
        return EmulatorError(f"LocalStack's environment is broken ({broken[-1]}): run `make setup`")
    return EmulatorError(
        f"LocalStack ended while it started (exit status {code}); its log is {settings.log}", tail(settings.log)
    )


def is_healthy(url: str) -> bool:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"{url}/_localstack/health", timeout=2) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError, ValueError):
        return False


def tail(path: Path, lines: int = 12) -> str:
    return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])


def last_line(text: str) -> str:
    return (text.strip().splitlines() or [""])[-1].strip()
