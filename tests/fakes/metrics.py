"""`Metrics` in memory; held to the same contract as CloudWatch."""

from collections.abc import Sequence

from gyre.errors import GyreError
from gyre.journal.metrics import Metric


class MemoryMetrics:
    def __init__(self) -> None:
        self.told: list[Metric] = []
        self.failure: GyreError | None = None

    def tell(self, metrics: Sequence[Metric]) -> None:
        if self.failure is not None:
            raise self.failure
        self.told += metrics
