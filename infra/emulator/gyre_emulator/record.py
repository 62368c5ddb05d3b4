"""Which process is the emulator of a home folder, and where it listens. Standard library only: control imports it."""

from __future__ import annotations

import json

from gyre_emulator import processes
from gyre_emulator.settings import Settings


def read_record(settings: Settings) -> tuple[int, int, str] | None:
    """Pid, start and address of the running emulator; None when none runs, also when its pid is now another's."""
    try:
        record = json.loads(settings.state.read_text())
        pid, started, url = int(record["pid"]), int(record["started"]), str(record["url"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return (pid, started, url) if processes.is_same(pid, started) else None


def write_record(settings: Settings, pid: int) -> None:
    record = {"pid": pid, "started": processes.start_ticks(pid) or 0, "url": settings.url}
    fresh = settings.state.with_suffix(".new")
    fresh.write_text(json.dumps(record))
    fresh.replace(settings.state)
