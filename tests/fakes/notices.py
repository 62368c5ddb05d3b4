"""`Notices` in memory; held to the same contract as SNS."""

from collections.abc import Mapping
from typing import Any

from gyre.errors import GyreError


class MemoryNotices:
    def __init__(self) -> None:
        self.heard: list[tuple[str, dict[str, Any]]] = []
        self.failure: GyreError | None = None

    def tell(self, subject: str, message: Mapping[str, Any]) -> None:
        if self.failure is not None:
            raise self.failure
        self.heard.append((subject, dict(message)))
