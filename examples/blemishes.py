"""What is wrong with real uploads, in small doses: gaps, misspelt categories, slips of the unit."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from examples.draws import Floats, Rng


def with_gaps(rng: Rng, frame: pd.DataFrame, shares: Mapping[str, float | Floats]) -> pd.DataFrame:
    """Some values of these columns are missing; a share may differ from row to row."""
    gaps = {column: frame[column].mask(rng.random(len(frame)) < share) for column, share in shares.items()}
    return frame.assign(**gaps)


def misspelt(rng: Rng, frame: pd.DataFrame, shares: Mapping[str, float]) -> pd.DataFrame:
    """Some values of these columns have a typing mistake; none of them is another right value by accident."""
    changed = {}
    for column, share in shares.items():
        right = set(frame[column].dropna())
        values = frame[column].to_numpy(dtype=object, copy=True)
        for row in np.flatnonzero((rng.random(len(frame)) < share) & frame[column].notna().to_numpy()):
            wrong = misspell(rng, values[row])
            values[row] = wrong if wrong not in right else f"{values[row]}."
        changed[column] = pd.Series(values, dtype="str")
    return frame.assign(**changed)


def misspell(rng: Rng, text: str) -> str:
    """Two letters change places, one is lost, one comes twice, or one is a capital."""
    at = int(rng.integers(max(len(text) - 1, 1)))
    before, letter, after = text[:at], text[at : at + 1], text[at + 1 :]
    match int(rng.integers(4)):
        case 0 if letter != after[:1]:
            return before + after[:1] + letter + after[1:]
        case 1 if len(text) > 1:
            return before + after
        case 2:
            return before + letter.swapcase() + after
    return before + letter + letter + after


def slipped(rng: Rng, frame: pd.DataFrame, column: str, share: float, factor: float) -> pd.DataFrame:
    """Some numbers are in the wrong unit: metres told as centimetres, a decimal point lost."""
    slips = rng.random(len(frame)) < share
    return frame.assign(**{column: frame[column].mask(slips, (frame[column] * factor).round(2))})
