"""The examples by name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pandas as pd

from examples.obesity import generator as obesity
from examples.salary_band import generator as salary_band
from examples.sentiment import generator as sentiment


@dataclass(frozen=True)
class Example:
    """A model to try Gyre with."""

    name: str
    target: str
    generate: Callable[[int, int], pd.DataFrame]
    """So many rows by a seed: what an upload holds."""
    simulations: Mapping[str, Mapping[str, Any]]
    """By simulator, what it needs to know to spoil this data."""

    @property
    def spec(self) -> Path:
        """Its model.yaml."""
        return Path(__file__).parent / self.name / "model.yaml"


EXAMPLES: Final[Mapping[str, Example]] = {
    "obesity": Example("obesity", obesity.TARGET, obesity.generate, obesity.simulations),
    "salary_band": Example("salary_band", salary_band.TARGET, salary_band.generate, salary_band.simulations),
    "sentiment": Example("sentiment", sentiment.TARGET, sentiment.generate, sentiment.simulations),
}
