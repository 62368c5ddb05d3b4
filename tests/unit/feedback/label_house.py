"""A journal with a few calls, and feedback about them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from gyre.errors import NotReady
from gyre.feedback.desk import Feedback, Sender, Taken
from gyre.feedback.labels import Truth
from gyre.feedback.sayings import Said
from gyre.journal.record import Fault, JournalRecord, JournalRow, Kind
from gyre.pseudonyms import Pseudonyms
from gyre.spec.check import read_spec
from gyre.spec.model import ModelSpec
from tests.fakes.journal import MemoryJournal
from tests.fakes.labels import MemoryLabels

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
LATER = NOON + timedelta(days=20)
KEYS = [("1", b"k" * 32)]


def spec(model: str = "wine", task: str = "multiclass", target: str = "{type: category, values: [red, white, rose]}",
         more: str = "") -> ModelSpec:  # fmt: skip
    columns = f"  colour: {target}\n  acid: {{type: number}}\n"
    return read_spec(f"model: {model}\ntask: {task}\ntarget: colour\n{more}columns:\n{columns}".encode())


PERSONAL = read_spec(
    b"model: people\ntask: binary\ntarget: stays\nid: who\n"
    b"columns: {stays: {type: boolean}, who: {type: text, personal: true}, age: {type: number}}\n"
)
SPECS = {
    "wine": spec(),
    "beer": spec("beer"),
    "price": spec("price", "regression", "{type: number}"),
    "people": PERSONAL,
}


def event(number: int) -> str:
    return f"0190a000-{number:04}-7000-8000-000000000000"


def call(
    number: int, *ids: str | int | None, model: str | None = "wine", kind: Kind = "online", prediction: Any = "red",
    at: datetime = NOON,
) -> JournalRecord:  # fmt: skip
    fault = None if prediction is not None else Fault(code="range", message="too far")
    return JournalRecord(
        event_id=event(number) + ("-shadow" if kind == "shadow" else ""), model=model, kind=kind, at=at, status=200,
        duration_ms=1, caller="c", correlation_id="x",
        rows=tuple(
            JournalRow(id=each, version=None if fault else 1, features={}, prediction=prediction, fault=fault)
            for each in ids
        ),
    )  # fmt: skip


@dataclass
class LabelHouse:
    journal: MemoryJournal = field(default_factory=MemoryJournal)
    keys: list[tuple[str, bytes]] = field(default_factory=lambda: list(KEYS))
    now: datetime = LATER

    def __post_init__(self) -> None:
        self.labels = MemoryLabels(self.journal)
        self.feedback = Feedback(self.labels, self.spec_of, lambda: Pseudonyms(self.keys))

    @staticmethod
    def spec_of(model: str) -> ModelSpec:
        if model not in SPECS:
            raise NotReady(f"{model} is not declared yet.", field="model")
        return SPECS[model]

    def take(
        self, *said: Said, token: str | None = None, source: str = "key-1", at: datetime | None = None,
        is_file: bool = False,
    ) -> Taken:  # fmt: skip
        """Each call reaches us a minute after the one before."""
        if at is None:
            self.now += timedelta(minutes=1)
        return self.feedback.take(said, Sender(source, at or self.now, token, is_file))

    def say(self, value: Truth, number: int = 1, row: int | None = None, **told: Any) -> Taken:
        """One label of a call."""
        sent = {name: told.pop(name) for name in ("token", "source", "at", "is_file") if name in told}
        return self.take(Said(0, value, event_id=event(number), row=row, **told), **sent)

    def counts(self, model: str = "wine") -> dict[tuple[str, int], Truth | None]:
        """What counts, by prediction."""
        found = self.labels.joined(model, NOON - timedelta(days=1), NOON + timedelta(days=1), 1_000)
        return {(each.event_id, each.row): each.label for each in found.rows}

    def values(self) -> list[Truth]:
        """What is kept, in the order in which it came."""
        return [each.label for each in self.labels.labels]


def messages(taken: Taken, kind: str = "faults") -> Sequence[tuple[int, str, str]]:
    return [(each.at, each.field, each.message) for each in getattr(taken, kind)]
