"""Holds functions to their memory size.

Address-space limits (RLIMIT_AS, RLIMIT_DATA) count what a library reserves and not what it uses: onnxruntime and Arrow
reserve gigabytes at import. AWS counts resident memory and kills; so does this.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

INTERVAL_SECONDS = 0.05
MEGABYTE = 1024 * 1024


def resident_bytes(pid: int) -> int:
    """Resident memory of a process and its descendants; 0 when it is gone.

    A forked child shares most pages with its parent, so for children the proportional share counts.
    """
    return _status_kilobytes(pid, "VmRSS") * 1024 + sum(_proportional_bytes(child) for child in _descendants(pid))


def peak_bytes(pid: int) -> int:
    """The most that the process itself has held."""
    return _status_kilobytes(pid, "VmHWM") * 1024


def _status_kilobytes(pid: int, field: str) -> int:
    return _kilobytes(Path(f"/proc/{pid}/status"), field)


def _proportional_bytes(pid: int) -> int:
    return _kilobytes(Path(f"/proc/{pid}/smaps_rollup"), "Pss") * 1024


def _kilobytes(path: Path, field: str) -> int:
    try:
        for line in path.read_text().splitlines():
            if line.startswith(f"{field}:"):
                return int(line.split()[1])
    except (OSError, ValueError):
        pass  # ended meanwhile
    return 0


def _descendants(pid: int) -> list[int]:
    found: list[int] = []
    pending = [pid]
    while pending:
        try:
            tasks = list(Path(f"/proc/{pending.pop()}/task").iterdir())
            children = [int(child) for task in tasks for child in (task / "children").read_text().split()]
        except OSError:
            continue
        found += children
        pending += children
    return found


class Watch:
    """Looks at one process while it works."""

    def __init__(self, pid: int, limit_megabytes: int, kill: Callable[[], None]) -> None:
        self.pid = pid
        self.limit = limit_megabytes * MEGABYTE
        self.exceeded = False
        self._peak = 0
        self._kill = kill

    def look(self) -> None:
        held = resident_bytes(self.pid)
        self._peak = max(self._peak, held)
        if held > self.limit and not self.exceeded:
            self.exceeded = True
            self._kill()

    def used_megabytes(self) -> int:
        """The most that was seen; short peaks of the process itself are in the kernel's own mark."""
        self._peak = max(self._peak, peak_bytes(self.pid))
        used = -(-self._peak // MEGABYTE)
        return min(used, self.limit // MEGABYTE) if self.exceeded else used


class Watcher:
    """One thread for all processes, idle while none works."""

    def __init__(self) -> None:
        self._watches: set[Watch] = set()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def add(self, watch: Watch) -> None:
        with self._changed:
            self._watches.add(watch)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="gyre-memory", daemon=True)
                self._thread.start()
            self._changed.notify()

    def remove(self, watch: Watch) -> None:
        with self._changed:
            self._watches.discard(watch)

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._watches:
                    self._changed.wait()
                watches = list(self._watches)
            for watch in watches:
                watch.look()
            threading.Event().wait(INTERVAL_SECONDS)


WATCHER = Watcher()
