"""JSON logs: one object a line, with the function's name and what never changes in it."""

import os
import time
from collections.abc import Callable
from typing import Any

from aws_lambda_powertools import Logger


def logger(service: str, level: str = "INFO", **fixed: Any) -> Logger:
    """A function's logger; `fixed` is repeated in each line (environment, commit)."""
    made = Logger(service=service, level=level, utc=True)
    made.append_keys(**fixed)
    return made


class Progress:
    """Tells how far something came, every few seconds and not more often."""

    def __init__(self, say: Callable[[int], None], seconds: float = 5.0, clock: Callable[[], float] = time.monotonic):
        self._say, self._seconds, self._clock = say, seconds, clock
        self._said_at = clock()

    def __call__(self, count: int) -> None:
        if self._clock() - self._said_at >= self._seconds:
            self._said_at = self._clock()
            self._say(count)


class TimeSplit:
    """Where the milliseconds of one call go. What is measured inside another part counts for both."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._began = clock()
        self.parts: dict[str, float] = {}

    def of(self, part: str) -> "_Part":
        """Adds to this part what happens within."""
        return _Part(self.parts, part, self._clock)

    @property
    def total(self) -> float:
        """Since it was made."""
        return round((self._clock() - self._began) * 1000, 3)

    def header(self) -> str:
        """As browsers and proxies read it: Server-Timing."""
        return ", ".join(f"{name};dur={ms:g}" for name, ms in [*self.parts.items(), ("total", self.total)])


class _Part:
    """A class and no generator: there are six in a call of less than a millisecond."""

    __slots__ = ("_began", "_clock", "_name", "_parts")

    def __init__(self, parts: dict[str, float], name: str, clock: Callable[[], float]) -> None:
        self._parts, self._name, self._clock = parts, name, clock

    def __enter__(self) -> None:
        self._began = self._clock()

    def __exit__(self, *_: object) -> None:
        took = (self._clock() - self._began) * 1000
        self._parts[self._name] = round(self._parts.get(self._name, 0.0) + took, 3)


def process_age() -> float:
    """Milliseconds since this process began, to a hundredth of a second; 0 where that cannot be told."""
    try:  # not the time of /proc/self: that is when somebody first looked there
        with open("/proc/self/stat") as own, open("/proc/uptime") as machine:
            began = int(own.read().rpartition(")")[2].split()[19]) / os.sysconf("SC_CLK_TCK")
            return round(max(0.0, float(machine.read().split()[0]) - began) * 1000, 1)
    except OSError:  # no Linux
        return 0.0
