"""A `Journal` in memory; held to the same contract as the Delta table."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from itertools import groupby

from gyre.errors import NotFound, Unavailable
from gyre.journal.lines import Line, lines_of, records_of
from gyre.journal.record import JournalRecord
from gyre.journal.table import Figures, Latency, Page, Place, Spread, Wanted, Window


class MemoryJournal:
    def __init__(self) -> None:
        self.lines: list[Line] = []
        self.down = False

    @property
    def records(self) -> list[JournalRecord]:
        """In the order in which they came."""
        return records_of(self.lines)

    def append(self, records: Sequence[JournalRecord]) -> frozenset[str]:
        if self.down:
            raise Unavailable("The journal is down.")
        known = {line.event_id for line in self.lines}
        fresh = {each.event_id: each for each in records if each.event_id not in known}
        self.lines += [line for record in fresh.values() for line in lines_of(record)]
        return frozenset(fresh)

    def find(self, event_id: str) -> JournalRecord:
        found = records_of([line for line in self.lines if line.event_id == event_id])
        if not found:
            raise NotFound(f"The journal holds no {event_id}.")
        return found[0]

    def page(self, wanted: Wanted, limit: int, after: Place | None = None) -> Page:
        lines = [line for line in self._newest() if _is_wanted(line, wanted)]
        beyond = lines if after is None else [line for line in lines if _key(_place(line)) > _key(after)]
        more = _place(beyond[limit - 1]) if len(beyond) > limit else None
        return Page(tuple(beyond[:limit]), more)

    def figures(self, wanted: Wanted) -> Figures:
        lines = [line for line in self._newest() if _is_wanted(line, wanted)]
        calls, rows = [line for line in lines if not line.row], [line for line in lines if line.row is not None]
        taken = sorted(line.duration_ms for line in calls)
        return Figures(
            len(calls), sum(each.status >= 500 for each in calls), sum(400 <= each.status < 500 for each in calls),
            len(rows), sum(each.prediction is not None for each in rows), sum(each.erased for each in rows),
            min((each.at for each in calls), default=None), max((each.at for each in calls), default=None),
            dict(Counter(each.version for each in rows if each.version is not None)),
            dict(Counter(each.prediction for each in rows if each.prediction is not None and each.value is None)),
            _spread([each.confidence for each in rows]), _spread([each.value for each in rows]),
            Latency(*(taken[min(len(taken) - 1, int(len(taken) * p))] for p in (0.5, 0.9, 0.95, 0.99)), taken[-1])
            if taken else None,
        )  # fmt: skip

    def window(self, model: str, since: datetime, limit: int) -> Window:
        if self.down:
            raise Unavailable("The journal is down.")
        found = records_of([line for line in self._newest() if _is_wanted(line, Wanted(model, since=since))])
        return Window(tuple(found[:limit]), len(found) > limit)

    def about(self, pseudonyms: Sequence[str], limit: int) -> list[Line]:
        return [line for line in self._newest() if _is_about(line, pseudonyms)][:limit]

    def erase(self, pseudonyms: Sequence[str]) -> int:
        found = [at for at, line in enumerate(self.lines) if _is_about(line, pseudonyms)]
        for at in found:
            self.lines[at] = replace(
                self.lines[at], row_id=None, prediction=None, value=None, confidence=None, features=None, answer=None,
                erased=True,
            )  # fmt: skip
        return len(found)

    def _newest(self) -> list[Line]:
        calls = [list(each) for _, each in groupby(self.lines, key=lambda line: line.event_id)]
        calls.sort(key=lambda each: (each[0].at, each[0].event_id), reverse=True)
        return [line for each in calls for line in sorted(each, key=lambda line: line.row or 0)]


def _is_wanted(line: Line, wanted: Wanted) -> bool:
    return (
        wanted.model in (None, line.model)
        and wanted.version in (None, line.version)
        and wanted.prediction in (None, line.prediction)
        and wanted.row_id in (None, line.row_id)
        and (wanted.since is None or line.at >= wanted.since)
        and (wanted.until is None or line.at < wanted.until)
    )


def _is_about(line: Line, pseudonyms: Sequence[str]) -> bool:
    within = any(each in (line.features or "") for each in pseudonyms)
    return not line.erased and (line.row_id in pseudonyms or within)


def _place(line: Line) -> Place:
    return Place(line.at, line.event_id, -1 if line.row is None else line.row)


def _key(place: Place) -> tuple[float, list[int], int]:
    return -place.at.timestamp(), [-ord(each) for each in place.event_id] + [1], place.row


def _spread(values: Sequence[float | None]) -> Spread | None:
    told = [each for each in values if each is not None]
    return Spread(min(told), sum(told) / len(told), max(told)) if told else None
