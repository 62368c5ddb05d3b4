"""The first step of the peers' pipeline: what people write to compute features from the columns of a row."""

from collections.abc import Mapping, Sequence
from math import inf

import pandas as pd


def with_derived(
    table: pd.DataFrame,
    columns: Sequence[str],
    edges: Sequence[float],
    labels: Sequence[str],
    missing: Mapping[str, str],
) -> pd.DataFrame:
    """The columns that the model takes, in its order; `missing` names those that tell whether another has a value."""
    bmi = table["weight_kg"] / table["height_m"] ** 2
    groups = pd.cut(table["age"], [-inf, *edges, inf], right=False, labels=list(labels)).astype(object)
    gaps = {name: table[column].isna() for name, column in missing.items()}
    return table.assign(bmi=bmi, age_group=groups, **gaps)[list(columns)]
