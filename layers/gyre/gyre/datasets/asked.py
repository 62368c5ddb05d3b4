"""Rows that are to be predicted, checked as an upload's are: the same readers, checks and actions.

What looks at other rows has no say here (unique, duplicates, outliers, limits of the whole upload), nor has what only
training needs: the filter, and columns that the model does not look at, which may be broken or absent."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from gyre.datasets.findings import Findings
from gyre.datasets.row_checks import RowChecks
from gyre.datasets.rows import Rows
from gyre.datasets.source import Chunk
from gyre.errors import Invalid
from gyre.features.compute import evaluate
from gyre.spec.expression import parse
from gyre.spec.model import ModelSpec

_NAMED = 12


@dataclass(frozen=True)
class AskedRows:
    """One chunk: the values that a model takes, and the rows that it cannot."""

    values: Mapping[str, pa.Array]
    """Of the needed columns, as their actions left them."""
    sent: Mapping[str, pa.Array]
    """Of these and the told columns, before anything was clipped or dropped; missing where it was none of its type."""
    failed: Mapping[str, np.ndarray]
    """Where that is so."""
    refused: np.ndarray
    reasons: Mapping[int, Sequence[str]]
    """By the place of a refused row: `check:column`, or the name of a rule."""
    changed: int
    """Rows of which a value was clipped or dropped."""
    flagged: int


class AskedCheck:
    """The rules of a model's rows, over one chunk after the other."""

    def __init__(self, spec: ModelSpec, needed: Collection[str], told: Collection[str] = ()) -> None:
        """`told` are columns of the file that are read and not checked."""
        columns = {name: column for name, column in spec.columns.items() if name in needed}
        read = {name: column for name, column in spec.columns.items() if name in needed or name in told}
        self._spec, self._needed = spec.model_copy(update={"columns": read}), columns
        parsed = [(rule, parse(rule.check)) for rule in spec.rules]
        self._rules = [(rule, each) for rule, each in parsed if each.columns <= columns.keys()]
        # One column at least: it tells how many rows there are to a rule without any.
        self._inputs = frozenset().union(*(each.columns for _, each in self._rules)) or frozenset(list(columns)[:1])

    def check(self, chunk: Chunk) -> AskedRows:
        """Every row against every rule."""
        rows = Rows(self._spec, chunk, frozenset(self._spec.columns))
        sent, checks, every = dict(rows.values), RowChecks(Findings(), {}), np.ones(rows.count, dtype=bool)
        for name, column in self._needed.items():
            checks.column(rows, every, name, column)
        for rule, expression in self._rules:
            checks.act(rows, evaluate(expression, rows.numeric(self._inputs)) == 0, rule.name, rule.action)
        changed = int(np.count_nonzero(rows.changed & ~rows.rejected))
        flagged = sum(1 for at in rows.flags if not rows.rejected[at])
        values = {name: rows.values[name] for name in self._needed}
        return AskedRows(values, sent, rows.failed, rows.rejected, rows.reasons, changed, flagged)


def check_needed(columns: Sequence[str], needed: Collection[str], model: str) -> None:
    """`Invalid` if a file lacks a column without which nothing can be predicted."""
    if absent := sorted(set(needed) - set(columns)):
        more = f" and {len(columns) - _NAMED} more" if len(columns) > _NAMED else ""
        raise Invalid(
            f"The file lacks {', '.join(absent[:_NAMED])}, which {model} needs. It has "
            f"{', '.join(columns[:_NAMED])}{more}. Names must match model.yaml to the letter; if the cells were taken "
            "apart wrongly, declare `read: {delimiter: …}` there.",
            field="columns",
        )
