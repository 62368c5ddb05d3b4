"""`Looks` in memory; held to the same contract as the Delta table."""

from datetime import datetime

from gyre.errors import Unavailable
from gyre.monitoring.found import Level, Look
from gyre.monitoring.results import (
    HistoryPage,
    HistoryPlace,
    HistoryRow,
    HistoryWanted,
    rows_of,
    verdicts_of,
)


class MemoryLooks:
    def __init__(self) -> None:
        self.rows: list[HistoryRow] = []
        self.down = False

    def append(self, look: Look) -> bool:
        if self.down:
            raise Unavailable("The results of looks are down.")
        fresh = rows_of(look)
        if (look.model, look.run) in {(row.model, row.run) for row in self.rows}:
            return False
        self.rows += fresh
        return True

    def history(self, wanted: HistoryWanted, limit: int, after: HistoryPlace | None = None) -> HistoryPage:
        rows = self._wanted(wanted)
        if after is not None:
            rows = [row for row in rows if _key(_place(row)) > _key(after)]
        return HistoryPage(tuple(rows[:limit]), _place(rows[limit - 1]) if len(rows) > limit else None)

    def verdicts(self, model: str, limit: int) -> list[tuple[datetime, Level, str]]:
        return verdicts_of(self._wanted(HistoryWanted(model, "verdict", kind="watch"))[:limit])

    def _wanted(self, wanted: HistoryWanted) -> list[HistoryRow]:
        if self.down:
            raise Unavailable("The results of looks are down.")
        found = [row for row in self.rows if _is_wanted(row, wanted)]
        return sorted(found, key=lambda row: _key(_place(row)))


def _is_wanted(row: HistoryRow, wanted: HistoryWanted) -> bool:
    return (
        row.model == wanted.model
        and wanted.what in (None, row.what)
        and wanted.column in (None, row.column)
        and wanted.name in (None, row.name)
        and wanted.kind in (None, row.kind)
        and (wanted.since is None or row.at >= wanted.since)
        and (wanted.until is None or row.at < wanted.until)
    )


def _place(row: HistoryRow) -> HistoryPlace:
    return HistoryPlace(row.at, row.run, row.line)


def _key(place: HistoryPlace) -> tuple[float, list[int], int]:
    return -place.at.timestamp(), [-ord(each) for each in place.run] + [1], place.line
