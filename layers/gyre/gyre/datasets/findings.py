"""What a check found: counted over the whole file, with a few examples."""

import numpy as np
import pyarrow as pa

from gyre.datasets.report import MOST_EXAMPLES, Finding
from gyre.spec.columns import Action

_EXAMPLE_LENGTH = 80


class Findings:
    """Findings of one ingest, added up over its chunks."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, Action, str | None], int] = {}
        self._examples: dict[tuple[str, Action, str | None], dict[str, None]] = {}  # a set that keeps its order

    def add(
        self, code: str, action: Action, broken: np.ndarray, *, column: str | None = None, cells: pa.Array | None = None
    ) -> None:
        """Counts the rows where `broken`; `cells` are the texts to take examples from."""
        count = int(np.count_nonzero(broken))
        if not count:
            return
        key = (code, action, column)
        self._counts[key] = self._counts.get(key, 0) + count
        examples = self._examples.setdefault(key, {})
        if cells is not None and len(examples) < MOST_EXAMPLES:
            for at in np.flatnonzero(broken)[:200]:
                if (text := cells[int(at)].as_py()) is not None:
                    examples[text[:_EXAMPLE_LENGTH]] = None
                if len(examples) == MOST_EXAMPLES:
                    break

    def found(self) -> tuple[Finding, ...]:
        """The most frequent ones first."""
        ordered = sorted(self._counts.items(), key=lambda each: -each[1])
        return tuple(
            Finding(code, action, count, column, tuple(self._examples[code, action, column]))
            for (code, action, column), count in ordered
        )

    def failing(self) -> tuple[Finding, ...]:
        """Those that refuse the upload."""
        return tuple(each for each in self.found() if each.action == "fail")
