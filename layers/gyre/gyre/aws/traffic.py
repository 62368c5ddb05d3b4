"""The day's counters over the journal's Delta table."""

from datetime import datetime
from typing import Any

from gyre.aws.lake import DeltaJournal
from gyre.aws.once import day_of, quoted
from gyre.monitoring.figures.prometheus import Spread
from gyre.monitoring.figures.traffic import BOUNDS, Traffic

# A call counts where its first row does; one without rows has one line.
FIRST_LINE = 'coalesce("row", 0) = 0'
# In the call's JSON, which this package writes without blanks. Nothing that a caller sends looks like it: within a text
# quotes are escaped, and no other member of that name is true or false.
_COLD = """call like '%"cold":true%'"""
_MOST_MS = 1e9


class DeltaTraffic:
    """`TrafficBook` over the table of `DeltaJournal`; one query, of today's partitions alone."""

    def __init__(self, uri: str) -> None:
        self._table = DeltaJournal(uri).table

    def today(self, now: datetime) -> list[Traffic]:
        within = ", ".join(
            f"count(*) filter (where {FIRST_LINE} and duration_ms <= {bound * 1000:g}) as within_{at}"
            for at, bound in enumerate(BOUNDS)
        )
        rows = self._table.rows(
            f"select model, version, kind, status / 100 as class, count(*) filter (where {FIRST_LINE}) as calls,"
            f' count("row") as rows, count(*) filter (where {FIRST_LINE} and {_COLD}) as cold,'
            f" coalesce(sum(least(duration_ms, {_MOST_MS:f})) filter (where {FIRST_LINE}), 0.0) as took, {within}"
            f" from entries where day = {quoted(day_of(now))}"
            " group by model, version, kind, class order by model, version, kind, class"
        )
        return [_traffic(row) for row in rows]


def _traffic(row: dict[str, Any]) -> Traffic:
    spread = Spread(tuple(row[f"within_{at}"] for at in range(len(BOUNDS))), row["calls"], row["took"] / 1000)
    return Traffic(
        row["model"], row["version"], row["kind"], row["class"], row["calls"], row["rows"], row["cold"], spread
    )
