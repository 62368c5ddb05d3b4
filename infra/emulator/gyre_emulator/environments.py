"""Which execution environments an emulator has now: each is a process that can be looked at, or ended as a machine
would be. Standard library only."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from pathlib import Path

from gyre_emulator import processes
from gyre_emulator.settings import MARKER, Settings

_NAME = b"AWS_LAMBDA_FUNCTION_NAME="


@dataclass(frozen=True)
class Environment:
    """One of them. Pid and start name the process for ever, also when the pid is given to another."""

    function: str
    pid: int
    started: int

    def kill(self) -> bool:
        """Ends it at once, whatever it is doing; False if it had ended already."""
        alive = processes.is_same(self.pid, self.started)
        processes.send(self.pid, self.started, signal.SIGKILL)
        return alive


def environments(home: Path | None = None, function: str | None = None) -> list[Environment]:
    """Those of all functions, or of one; the oldest first."""
    marked = processes.marked(MARKER, str(Settings.from_environment(home).home))
    found = [Environment(name, pid, started) for pid, started in marked if (name := _function(pid))]
    wanted = [each for each in found if function in (None, each.function)]
    return sorted(wanted, key=lambda each: (each.started, each.pid))


def _function(pid: int) -> str | None:
    """The function that a process serves. What such a process has started itself belongs to its group, and is none."""
    try:
        leads = os.getpgid(pid) == pid
        environment = (processes.PROC / str(pid) / "environ").read_bytes().split(b"\0")
    except OSError:
        return None  # it ended meanwhile
    names = [os.fsdecode(each.removeprefix(_NAME)) for each in environment if each.startswith(_NAME)]
    return names[0] if leads and names else None
