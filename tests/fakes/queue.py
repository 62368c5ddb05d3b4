"""A queue in memory that is sent to, and that hands out again what it was not told to forget."""

from gyre.errors import Unavailable


class MemoryQueue:
    def __init__(self) -> None:
        self.bodies: list[str] = []
        self.down = False

    def send(self, body: str, what: str) -> None:
        if self.down:
            raise Unavailable(f"{what}: the queue does not answer.")
        self.bodies.append(body)
