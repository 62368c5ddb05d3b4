"""What the tests of the examples look at: one frame of each, with its spec."""

from functools import cache

import pandas as pd

from examples.catalogue import EXAMPLES
from gyre.spec.check import read_spec
from gyre.spec.model import ModelSpec

NAMES = tuple(EXAMPLES)
ROWS = 5_000


@cache
def spec_of(name: str) -> ModelSpec:
    return read_spec(EXAMPLES[name].spec.read_bytes())


@cache
def _frame(name: str, rows: int, seed: int) -> pd.DataFrame:
    return EXAMPLES[name].generate(rows, seed)


def frame_of(name: str, rows: int = ROWS, seed: int = 1) -> pd.DataFrame:
    """A copy: what one test does to it is no business of the next."""
    return _frame(name, rows, seed).copy()
