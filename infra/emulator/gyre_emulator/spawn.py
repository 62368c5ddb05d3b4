"""Starts function processes from one thread that lives as long as the emulator.

The kernel's parent-death signal fires when the *thread* that forked ends. LocalStack's own threads come and go, so a
function started by one of them would be killed for no visible reason.
"""

from __future__ import annotations

import queue
import subprocess
import threading
from concurrent.futures import Future
from pathlib import Path
from typing import IO

SPAWN_SECONDS = 30.0

_Request = tuple["Future[subprocess.Popen[bytes]]", list[str], dict[str, str], Path, IO[bytes]]
_requests: queue.Queue[_Request] = queue.Queue()
_starting = threading.Lock()
_thread: threading.Thread | None = None


def spawn(command: list[str], environment: dict[str, str], folder: Path, output: IO[bytes]) -> subprocess.Popen[bytes]:
    """Starts the command in a session of its own, so that its process group can be ended as one."""
    _ensure_thread()
    started: Future[subprocess.Popen[bytes]] = Future()
    _requests.put((started, command, environment, folder, output))
    return started.result(timeout=SPAWN_SECONDS)


def _ensure_thread() -> None:
    global _thread  # noqa: PLW0603  # one per process is the point
    with _starting:
        if _thread is None or not _thread.is_alive():
            _thread = threading.Thread(target=_serve, name="gyre-spawn", daemon=True)
            _thread.start()


def _serve() -> None:
    while True:
        started, command, environment, folder, output = _requests.get()
        try:
            process = subprocess.Popen(
                command, env=environment, cwd=folder, stdin=subprocess.DEVNULL, stdout=output,
                stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        except Exception as error:  # noqa: BLE001  # whatever it is belongs to the caller: this thread must not end
            started.set_exception(error)
        else:
            started.set_result(process)
