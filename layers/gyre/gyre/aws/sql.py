"""`Queries` in a process of its own, which can be ended, and which has so much memory and no more."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

from gyre.errors import Invalid, Unavailable
from gyre.journal.sql import Found

_CHILD = "gyre.aws.sql_process"
SECONDS, MEGABYTES = 20, 640


@dataclass(frozen=True)
class Refusal:
    """What the process says in the place of an answer."""

    message: str
    is_ours: bool
    """Whether the query is right, and the journal cannot be read."""


class BoundedQueries:
    """Over the tables below `uri`: s3://… in a deployment and a folder in tests."""

    def __init__(self, uri: str, *, seconds: float = SECONDS, megabytes: int = MEGABYTES) -> None:
        self._uri, self._seconds, self._megabytes = uri, seconds, megabytes

    def ask(self, sql: str, limit: int) -> Found:
        asked = {"uri": self._uri, "sql": sql, "limit": limit, "megabytes": self._megabytes}
        # Lambda's own start has put the layers there without telling its environment.
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        try:
            done = subprocess.run(
                [sys.executable, "-m", _CHILD], input=json.dumps(asked), env=environment, capture_output=True,
                text=True, timeout=self._seconds,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise Invalid(
                f"The query took more than {self._seconds:g} s and was ended. Name a model and days (`where model = "
                "'…' and day >= '…'`), or open the table with an engine of your own: docs/journal.md says how.",
                field="sql",
            ) from None
        told: dict[str, Any] = json.loads(done.stdout) if done.stdout else {}
        if "refusal" in told:
            raise _error(Refusal(**told["refusal"]))
        if not told:  # it did not live to say why: an allocation that fails ends it
            raise Invalid(
                f"The query needed more than {self._megabytes} MB and was ended. Ask for fewer columns or days, or "
                "for sums instead of rows.",
                field="sql",
            )
        rows = tuple(tuple(row) for row in told["rows"])
        return Found(tuple(told["columns"]), tuple(told["types"]), rows, told["cut"])


def _error(refusal: Refusal) -> Exception:
    return Unavailable(refusal.message) if refusal.is_ours else Invalid(refusal.message, field="sql")
