"""Timing on a noisy machine: repeated, told as median and spread."""

import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Timing:
    """Seconds."""

    median: float
    least: float
    most: float
    times: int

    def __str__(self) -> str:
        return f"{shown(self.median)} ({shown(self.least)} to {shown(self.most)}, {self.times} times)"


def shown(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms" if seconds < 1 else f"{seconds:.1f} s"


def timing(samples: list[float]) -> Timing:
    return Timing(statistics.median(samples), min(samples), max(samples), len(samples))


def repeat(times: int, call: Callable[[], object], before: Callable[[], object] = lambda: None) -> Timing:
    """Times a call; what comes before each is not counted."""
    samples = []
    for _ in range(times):
        before()
        started = time.perf_counter()
        call()
        samples.append(time.perf_counter() - started)
    return timing(samples)


def _short(figure: float) -> float:
    """Six digits are more than a noisy machine can tell."""
    return float(f"{figure:.6g}") if isinstance(figure, float) else figure


def most_memory() -> float:
    """MB that this process held at the most. Not of getrusage: there a child begins with what its parent held."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def keep(
    name: str, timings: dict[str, Timing], versions: dict[str, str], figures: dict[str, float] | None = None
) -> Path:
    """Writes the result beside the benchmark, with the machine it was measured on."""
    told = {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {"system": platform.system(), "cpu": platform.machine(), "cores": os.cpu_count()},
        "load_at_end": os.getloadavg()[0],
        "versions": {"python": platform.python_version(), **versions},
        "seconds": {
            name: {what: _short(each) for what, each in asdict(found).items()} for name, found in timings.items()
        },
        **({"figures": {name: _short(each) for name, each in figures.items()}} if figures else {}),
    }
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps(told, indent=1) + "\n")
    return path
