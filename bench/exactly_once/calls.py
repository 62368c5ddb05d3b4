"""The calls of a load, and the order in which their messages are sent."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from gyre.journal.record import Fault, JournalRecord, JournalRow, Served, new_event

# As calls are: most have one row, some were refused and have none.
_ROWS = (0, 1, 1, 1, 1, 1, 2, 3)
# One in so many is too large for a message, and lies in S3.
_LARGE_EACH, _LARGE = 2_000, 300_000
# They come in the order of a day and a half, as a queue keeps it: some minutes apart. A few come hours or a day late.
_SPAN, _APART, _LATE = timedelta(hours=36), 0.02, 0.02
# Of the doubles: sent while the first copy is on its way, at any time, and when the journal has long taken the first.
_SOON, _ANY = 0.5, 0.25
_NEAR = 60


@dataclass(frozen=True)
class Call:
    """One call to a model; its record is made of it when it is sent, always the same."""

    event_id: str
    model: str
    at: datetime
    rows: int
    large: bool

    def features(self, row: int) -> dict[str, Any]:
        """Of one of its rows: no other row has the same."""
        return {"event": self.event_id, "row": row, "mass": row + 0.5, "note": "ü" * (_LARGE if self.large else 3)}

    def record(self) -> JournalRecord:
        rows = tuple(
            JournalRow(
                id=row, version=1, prediction="high", probabilities={"high": 0.75, "low": 0.25}, confidence=0.75,
                features=self.features(row),
            )
            for row in range(self.rows)
        )  # fmt: skip
        return JournalRecord(
            event_id=self.event_id, model=self.model, at=self.at, status=200 if rows else 422, duration_ms=1.5,
            caller="bench", correlation_id=self.event_id, rows=rows,
            served=(Served(version=1, alias="production", rows=len(rows)),) if rows else (),
            error=None if rows else Fault(code="invalid", message="There is no row in it."),
        )  # fmt: skip


@dataclass(frozen=True)
class Load:
    """What is sent: first one wave, and when it was taken, another one of doubles alone."""

    calls: Sequence[Call]
    first: Sequence[int]
    late: Sequence[int]

    @property
    def messages(self) -> int:
        return len(self.first) + len(self.late)

    @property
    def expected(self) -> Mapping[str, Call]:
        return {each.event_id: each for each in self.calls}


def make_load(models: Sequence[str], calls: int, duplicates: float, now: datetime, seed: int) -> Load:
    """Calls of the last days, out of order, some of them sent two or three times."""
    chance = random.Random(seed)
    made = [_call(chance.choice(models), number, now - _SPAN * (1 - number / calls), chance) for number in range(calls)]
    of = [_place(number, calls, chance) for number in range(calls)]
    places, late = [(place, number) for number, place in enumerate(of)], list[int]()
    for _ in range(round(calls * duplicates)):
        number, kind = chance.randrange(calls), chance.random()
        if kind < _SOON:
            places.append((of[number] + chance.uniform(0, _NEAR), number))
        elif kind < _SOON + _ANY:
            places.append((chance.uniform(0, calls), number))
        else:
            late.append(number)
    return Load(made, [number for _, number in sorted(places)], late)


def _place(number: int, calls: int, chance: random.Random) -> float:
    """Where in the order of sending a call stands."""
    return chance.uniform(0, calls) if chance.random() < _LATE else number + chance.gauss(0, _APART * calls)


def _call(model: str, number: int, at: datetime, chance: random.Random) -> Call:
    large = number % _LARGE_EACH == _LARGE_EACH // 2
    return Call(new_event(at), model, at, 1 if large else chance.choice(_ROWS), large)
