"""Finding and ending processes of ours, and never anybody else's. Linux's /proc; standard library only."""

from __future__ import annotations

import contextlib
import functools
import os
import signal
import time
from collections.abc import Callable, Iterable
from pathlib import Path

PROC = Path("/proc")


def start_ticks(pid: int) -> int | None:
    """When the process started, in clock ticks since boot; None when it is gone. Pid and start together are unique."""
    try:
        fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except (OSError, ValueError):
        return None
    # A zombie has ended: only its parent has not asked yet.
    return None if fields[0] in "ZX" else int(fields[19])


def is_same(pid: int, started: int) -> bool:
    return start_ticks(pid) == started


def marked(variable: str, value: str) -> list[tuple[int, int]]:
    """Pid and start of each process whose environment carries the mark, except this one."""
    wanted = os.fsencode(f"{variable}={value}")
    found = []
    for entry in PROC.iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            environment = (entry / "environ").read_bytes().split(b"\0")
        except OSError:
            continue  # ended meanwhile, or belongs to another user
        started = start_ticks(int(entry.name))
        if started is not None and wanted in environment:
            found.append((int(entry.name), started))
    return found


def send(pid: int, started: int, number: signal.Signals) -> None:
    """Signals the process if it is still the one that was meant."""
    if is_same(pid, started):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def wait_until(condition: Callable[[], bool], seconds: float, interval: float = 0.05) -> bool:
    """Polls until the condition holds; False when the limit passes first."""
    limit = time.monotonic() + seconds
    while not condition():
        if time.monotonic() >= limit:
            return False
        time.sleep(interval)
    return True


def all_gone(processes: Iterable[tuple[int, int]]) -> bool:
    return not any(is_same(pid, started) for pid, started in processes)


def end_marked(variable: str, value: str, seconds: float) -> int:
    """Kills every marked process, also those that appear while it works; returns how many there were."""
    ended: set[tuple[int, int]] = set()
    limit = time.monotonic() + seconds
    while (strays := marked(variable, value)) and time.monotonic() < limit:
        for pid, started in strays:
            send(pid, started, signal.SIGKILL)
        ended.update(strays)
        wait_until(functools.partial(all_gone, strays), max(0.0, min(1.0, limit - time.monotonic())), 0.02)
    return len(ended)
