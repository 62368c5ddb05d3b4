"""`Errands` in memory; held to the same contract as Lambda."""

from collections.abc import Mapping
from typing import Any

from gyre.errors import GyreError


class MemoryErrands:
    def __init__(self) -> None:
        self.sent: list[tuple[str, dict[str, Any]]] = []
        self.failure: GyreError | None = None

    def send(self, task: str, payload: Mapping[str, Any]) -> None:
        if self.failure is not None:
            raise self.failure
        self.sent.append((task, dict(payload)))
