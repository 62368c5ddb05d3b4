"""What Gyre needs of Lambda: a task done soon by another function, without waiting for it."""

from collections.abc import Mapping
from typing import Any, Protocol


class Errands(Protocol):
    """The function that does tasks."""

    def send(self, task: str, payload: Mapping[str, Any]) -> None:
        """Has the task done; whoever sends it hears nothing more of it."""
