"""What production and its challenger did in a window: their rows, faults, times and answers, side by side."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from gyre.journal.record import SHADOW, JournalRecord, JournalRow
from gyre.spec.base import class_name

NEAR = 0.05
"""Two numbers agree that differ by no more than this share of the greater one."""
# Calls count as alike whose numbers of rows differ by no more than about a quarter; up to six rows it is the number.
_STEP = math.log(1.25)

Alike = tuple[int, bool]
"""Calls whose times can be compared: about as many rows, explained or not."""


@dataclass
class Side:
    """What one release did."""

    version: int
    calls: int = 0
    answered: int = 0
    """Rows."""
    failed: int = 0
    """Rows that it was to answer and could not."""
    refused: int = 0
    """Rows that break its rules, in calls that it had alone; in others nobody knows whose rules they were."""
    failing: int = 0
    """Calls with a row of the first kind."""
    refusing: int = 0
    """Calls with a row of the second."""
    times: dict[Alike, list[float]] = field(default_factory=lambda: defaultdict(list))
    """Of each call, milliseconds a row."""
    classes: Counter[str] = field(default_factory=Counter)
    """How often it predicted each."""
    values: list[float] = field(default_factory=list)
    """What it predicted, where that is a number."""
    confidences: list[float] = field(default_factory=list)

    @property
    def rows(self) -> int:
        """All that came to it."""
        return self.answered + self.failed + self.refused

    def take(self, record: JournalRecord) -> None:
        """Adds what it did in a call."""
        theirs = [each for each in record.served if each.version == self.version]
        if not theirs:
            return
        self.calls += 1
        failed, refused = self.failed, self.refused
        own = [row for row in record.rows if row.version == self.version]
        explained = any(row.explanation is not None for row in own)
        for each in theirs:
            if each.fault is not None:
                self.failed += each.rows
            elif each.rows:
                self.times[alike_size(each.rows), explained].append(each.ms / each.rows)
        if {each.version for each in record.served if each.fault is None} == {self.version}:
            self.refused += sum(row.fault is not None and row.version is None for row in record.rows)
        for row in own:
            if row.fault is not None:
                self.failed += 1
            else:
                self._answer(row)
        self.failing += self.failed > failed
        self.refusing += self.refused > refused

    def _answer(self, row: JournalRow) -> None:
        self.answered += 1
        if row.prediction is None:
            return
        if (value := number(row)) is None:
            self.classes[class_name(row.prediction)] += 1
        elif math.isfinite(value):
            self.values.append(value)
        if row.confidence is not None and math.isfinite(row.confidence):
            self.confidences.append(row.confidence)


@dataclass
class Agreement:
    """The same rows answered by both: production for the caller, the challenger in its shadow."""

    rows: int = 0
    agreeing: int = 0
    unmatched: int = 0
    """Rows that only the shadow's record is there of, or that production did not answer."""
    differences: list[float] = field(default_factory=list)
    """Of numbers, how far apart they are."""

    def take(self, base: JournalRecord | None, shadow: JournalRecord, production: int, challenger: int) -> None:
        """Adds the rows of a call."""
        answered = [row for row in shadow.rows if row.version == challenger and row.prediction is not None]
        before = self.rows
        for ours, theirs in _pairs(base, shadow) if base else ():
            if (ours.version, theirs.version) != (production, challenger):
                continue
            if ours.prediction is not None and theirs.prediction is not None:
                self._compare(ours, theirs)
        self.unmatched += len(answered) - (self.rows - before)

    def _compare(self, ours: JournalRow, theirs: JournalRow) -> None:
        self.rows += 1
        one, two = number(ours), number(theirs)
        if one is None or two is None:
            self.agreeing += class_name(ours.prediction) == class_name(theirs.prediction)
        elif math.isfinite(difference := abs(one - two)):
            self.differences.append(difference)
            self.agreeing += difference <= NEAR * max(abs(one), abs(two))


@dataclass(frozen=True)
class Sides:
    """Both, and what the shadow showed."""

    production: Side
    challenger: Side
    agreement: Agreement


def sides(records: Sequence[JournalRecord], production: int, challenger: int) -> Sides:
    """From the records of a model: calls for production, which the split divides, and their shadows. Whoever asks for a
    version by name has chosen it, and files are no calls: both are left out."""
    ours, theirs, agreement = Side(production), Side(challenger), Agreement()
    repeated = {each.event_id.removesuffix(SHADOW) for each in records if each.kind == "shadow"}
    bases = {each.event_id: each for each in records if each.kind == "online" and each.event_id in repeated}
    for record in records:
        if record.kind == "shadow":
            theirs.take(record)
            agreement.take(bases.get(record.event_id.removesuffix(SHADOW)), record, production, challenger)
        elif record.kind == "online" and record.asked == "production":
            ours.take(record)
            theirs.take(record)
    return Sides(ours, theirs, agreement)


def number(row: JournalRow) -> float | None:
    """What it predicts, if that is a number and no class."""
    found = row.prediction
    if row.probabilities is not None or isinstance(found, bool) or not isinstance(found, int | float):
        return None
    return float(found)


def like_calls(kind: Alike) -> tuple[int, str]:
    """About how many rows such calls have, and the same in words."""
    size, explained = kind
    rows = round(math.exp(size * _STEP))
    told = "of one row" if rows == 1 else f"of {'about ' if rows > 6 else ''}{rows:,} rows"
    return rows, f"{told}, {'explained' if explained else 'not explained'}"


def _pairs(base: JournalRecord, shadow: JournalRecord) -> Iterator[tuple[JournalRow, JournalRow]]:
    """Rows by their place in the call; by their ids where the shadow was not sent all of them."""
    if [row.id for row in base.rows] == [row.id for row in shadow.rows]:
        yield from zip(base.rows, shadow.rows, strict=True)
        return
    named = {row.id: row for row in base.rows if row.id is not None}
    yield from ((named[row.id], row) for row in shadow.rows if row.id in named)


def alike_size(rows: int) -> int:
    """The first half of `Alike`."""
    return round(math.log(rows) / _STEP)
