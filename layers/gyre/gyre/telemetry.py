"""JSON logs: one object a line, with the function's name and what never changes in it."""

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
