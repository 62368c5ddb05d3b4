"""`Sink` and `Onward` in memory."""

from collections.abc import Sequence
from datetime import UTC, datetime

from gyre.errors import Invalid, Unavailable
from gyre.journal.intake import Message, Refused
from gyre.journal.record import JournalRecord, JournalRow

# Larger than any whole number that a column takes.
TOO_LARGE = 2**63


class MemorySink:
    """The records by their events. One of a release with too large a number is none that it takes."""

    def __init__(self) -> None:
        self.records: dict[str, JournalRecord] = {}
        self.erased: list[tuple[frozenset[str], datetime]] = []
        self.down = False

    def write(self, records: Sequence[JournalRecord]) -> None:
        self._up()
        if any((row.version or 0) >= TOO_LARGE for record in records for row in record.rows):
            raise Invalid("The number of a release is too large.")
        for record in records:
            blank = record
            for persons, at in self.erased:
                blank = _blank(blank, persons) if record.at <= at else blank
            self.records.setdefault(record.event_id, blank)

    def erase(self, pseudonyms: Sequence[str]) -> int:
        self._up()
        persons = frozenset(pseudonyms)
        self.erased.append((persons, datetime.now(UTC)))
        found = 0
        for event_id, record in self.records.items():
            self.records[event_id] = blank = _blank(record, persons)
            found += sum(a is not b for a, b in zip(record.rows, blank.rows, strict=True))
        return found

    def _up(self) -> None:
        if self.down:
            raise Unavailable("The database does not answer.")


class MemoryOnward:
    """A queue that keeps what it is handed."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.refuses: set[str] = set()

    def send(self, messages: Sequence[Message]) -> list[Refused]:
        self.messages += [each for each in messages if each.id not in self.refuses]
        return [Refused(each.id, "The queue is full.") for each in messages if each.id in self.refuses]


def _blank(record: JournalRecord, persons: frozenset[str]) -> JournalRecord:
    rows = tuple(
        JournalRow(version=row.version) if persons & {row.id, *map(str, row.features.values())} else row
        for row in record.rows
    )
    return record.model_copy(update={"rows": rows})
