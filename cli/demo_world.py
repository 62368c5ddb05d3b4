"""The made-up world of the demo: who is asked about, what is true of them, and how that changes."""

import json
import re
import uuid
from collections.abc import Collection
from itertools import count, pairwise
from typing import Any, Final

import pandas as pd

from examples.catalogue import EXAMPLES, Example
from examples.simulate import simulated

WATCHED: Final = "obesity"
ROWS: Final = {"obesity": 2_000, "salary_band": 2_000, "sentiment": 3_000}
# The examples search for minutes, and wait for a second alert; a demo is over by then.
_SEARCH = "search: {candidates: 3, rounds: 1, folds: 2}"
_POLICY = {
    "verdicts: 2": "verdicts: 1", "of_last: 3": "of_last: 1", "wait_hours: 24": "wait_hours: 0\n  journal: true",
}  # fmt: skip


def fresh_names(taken: Collection[str]) -> dict[str, str]:
    """Of each example's model: the example's own name, and later one with a number."""
    for number in count(1):
        names = {example: example if number == 1 else f"{example}-{number}" for example in ROWS}
        if not set(names.values()) & set(taken):
            return names
    raise AssertionError  # there are more numbers than models


def spec_of(example: str, model: str) -> str:
    """Its model.yaml, with a short search; of the one that is watched with a policy that does not wait."""
    text = re.sub(r"search: \{.*\}", _SEARCH, EXAMPLES[example].spec.read_text(encoding="utf-8"))
    for old, new in _POLICY.items() if example == WATCHED else ():
        text = text.replace(old, new)
    return text.replace(f"model: {example}\n", f"model: {model}\n")


def later(rows: int, *, changed: bool) -> pd.DataFrame:
    """People who come after the training, each time others; `changed`: other scales, other lines between classes."""
    seed = uuid.uuid4().int % 1_000_000
    table = EXAMPLES[WATCHED].generate(rows, seed)
    table = table[table["height_m"].between(1.2, 2.3)].reset_index(drop=True)
    if not changed:
        return table
    levels = EXAMPLES[WATCHED].simulations["concept_change"]["order"]
    following = dict(pairwise([*levels, levels[-2]]))
    moved = simulated(table, "shift", EXAMPLES[WATCHED].simulations["shift"], seed=seed)
    return moved.assign(level=moved[EXAMPLES[WATCHED].target].map(following))


def people(example: Example, table: pd.DataFrame) -> tuple[list[dict[str, Any]], list[Any]]:
    """Rows as a caller sends them, and what is true of each."""
    rows: list[dict[str, Any]] = json.loads(table.drop(columns=[example.target]).to_json(orient="records"))
    return rows, table[example.target].tolist()
