"""A `TrafficBook` over the fake journal; held to the same contract as the Delta table."""

from collections import defaultdict
from datetime import UTC, datetime

from gyre.journal.lines import Line
from gyre.monitoring.figures.prometheus import Spread
from gyre.monitoring.figures.traffic import BOUNDS, Traffic
from tests.fakes.journal import MemoryJournal


class MemoryTraffic:
    def __init__(self, journal: MemoryJournal) -> None:
        self._journal = journal

    def today(self, now: datetime) -> list[Traffic]:
        day = now.astimezone(UTC).strftime("%Y-%m-%d")
        cold = {record.event_id for record in self._journal.records if record.cold}
        found: defaultdict[tuple[str | None, int | None, str, int], list[Line]] = defaultdict(list)
        for line in self._journal.lines:
            if line.day == day:
                found[line.model, line.version, line.kind, line.status // 100].append(line)
        return [
            _traffic(lines, cold)
            for _, lines in sorted(found.items(), key=lambda each: [str(part) for part in each[0]])
        ]


def _traffic(lines: list[Line], cold: set[str]) -> Traffic:
    one, calls = lines[0], [line for line in lines if not line.row]
    took = [line.duration_ms / 1000 for line in calls]
    spread = Spread(tuple(sum(each <= bound for each in took) for bound in BOUNDS), len(took), sum(took))
    return Traffic(
        one.model, one.version, one.kind, one.status // 100, len(calls), sum(line.row is not None for line in lines),
        sum(line.event_id in cold for line in calls), spread,
    )  # fmt: skip
