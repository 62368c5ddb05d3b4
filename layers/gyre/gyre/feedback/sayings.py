"""Labels as somebody sent them, held against what is declared of their model and against what the journal holds."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Protocol

from gyre.errors import Invalid, NotReady
from gyre.feedback.labels import KnownRow, Labels, Truth, call_of
from gyre.feedback.truths import moment_of, truth_of
from gyre.spec.model import ModelSpec

# Clocks that differ by less are not worth a word.
SKEW = timedelta(minutes=1)


class Names(Protocol):
    """Pseudonyms of the callers' ids, where these are personal."""

    def every(self, value: object, /) -> tuple[str, ...]:
        """By all keys, the newest first."""


@dataclass(frozen=True)
class Said:
    """One label as somebody sent it; `at` is its place in the call, or its line in the file."""

    at: int
    label: Truth
    model: str | None = None
    event_id: str | None = None
    row: int | None = None
    id: str | int | None = None
    happened_at: Any = None


@dataclass(frozen=True)
class Remark:
    """A fault, for which a label is not taken, or a warning, with which it is. Of what was sent it tells nothing."""

    at: int
    field: str
    message: str


@dataclass(frozen=True)
class Sound:
    """A label that can be kept, and what the journal knows of the row it is about."""

    said: Said
    model: str
    label: Truth
    happened_at: datetime | None
    event_id: str | None = None
    known: KnownRow | None = None
    row_ids: tuple[str, ...] = ()
    """Of a label by the caller's id: that id, or all pseudonyms that it has."""

    @property
    def row(self) -> int | None:
        return self.said.row


@dataclass
class Findings:
    """What was found about labels."""

    sound: list[Sound] = field(default_factory=list)
    faults: list[Remark] = field(default_factory=list)
    warnings: list[Remark] = field(default_factory=list)
    unknown: list[Said] = field(default_factory=list)
    """Sound, and about nothing that the journal holds yet."""

    def warn(self, said: Said, name: str, message: str) -> None:
        self.warnings.append(Remark(said.at, name, message))


class Reading:
    """Reads what was sent at one moment."""

    def __init__(
        self, labels: Labels, spec_of: Callable[[str], ModelSpec], names: Callable[[], Names], now: datetime
    ) -> None:
        self._labels, self._now = labels, now
        self._spec_of, self._names = cache(spec_of), cache(names)

    def read(self, said: Sequence[Said]) -> Findings:
        found = Findings()
        known = self._known(said)
        by_id: dict[str, list[Sound]] = {}
        for each in said:
            try:
                sound = self._sound(each, known)
            except _Fault as fault:
                found.faults.append(Remark(each.at, fault.field, fault.message))
                continue
            if sound.event_id is None:
                by_id.setdefault(sound.model, []).append(sound)
            else:
                self._look_at_row(sound, found)
                found.sound.append(sound)
        for model, sounds in by_id.items():
            found.sound += self._look_at_ids(model, sounds, found)
        found.sound.sort(key=lambda each: each.said.at)
        return found

    def _known(self, said: Iterable[Said]) -> Mapping[tuple[str, int | None], KnownRow]:
        """By call and row; the first row also under None."""
        events = {call_of(each.event_id) for each in said if each.event_id is not None}
        if not events:
            return {}
        rows = self._labels.known_rows(events, {each.row or 0 for each in said})
        firsts = {(row.event_id, None): row for row in rows if not row.row}
        return {(row.event_id, row.row): row for row in rows} | firsts

    def _sound(self, said: Said, known: Mapping[tuple[str, int | None], KnownRow]) -> Sound:
        if (said.event_id is None) == (said.id is None):
            raise _Fault("event_id", "say whose it is: by event_id, or by id and model; one of them")
        event = None if said.event_id is None else call_of(said.event_id)
        call = None if event is None else known.get((event, None))
        model = self._model(said, call)
        try:
            spec = self._spec_of(model)
        except NotReady as error:
            raise _Fault("model", error.message) from None
        label = _told(lambda: truth_of(spec, said.label))
        happened_at = _told(lambda: moment_of(said.happened_at))
        if event is None:
            return Sound(said, model, label, happened_at, row_ids=self._row_ids(spec, said))
        if call is not None:
            _check_row(said, call)
        return Sound(said, model, label, happened_at, event, call and known.get((event, said.row), call))

    def _model(self, said: Said, call: KnownRow | None) -> str:
        if call is not None and call.model is None:
            raise _Fault("event_id", "this call asked for a model that there is not: nothing can be true of it")
        if said.model is None:
            if said.id is not None:
                raise _Fault("model", "an id is the caller's own and known within a model alone: say the model, too")
            if call is None or call.model is None:
                raise _Fault("model", "the journal does not hold this event yet: say the model, too, and it is kept")
            return call.model
        if call is not None and call.model != said.model:
            raise _Fault("model", f"this event is one of {call.model}")
        return said.model

    def _row_ids(self, spec: ModelSpec, said: Said) -> tuple[str, ...]:
        if said.row is not None:
            raise _Fault("row", "a row is a place in the call of an event_id; an id needs none")
        if not str(said.id).strip():
            raise _Fault("id", "it is empty")
        return row_ids_of(spec, said.id, self._names)

    def _look_at_row(self, sound: Sound, found: Findings) -> None:
        said, known = sound.said, sound.known
        if known is None:
            found.unknown.append(said)
        elif not known.answered:
            found.warn(said, "event_id", "this row had no answer: the label is kept, and judges nothing")
        self._look_at_time(sound, None if known is None else known.at, found)

    def _look_at_ids(self, model: str, sounds: Sequence[Sound], found: Findings) -> Iterable[Sound]:
        known = self._labels.known_ids(model, {each for sound in sounds for each in sound.row_ids})
        for sound in sounds:
            # Under a key of before an id is looked for, and told where it was found.
            newest, *former = sound.row_ids
            row_ids = (newest, *(each for each in former if each in known))
            told = [known[each] for each in row_ids if each in known]
            if not told:
                found.unknown.append(sound.said)
            elif (many := sum(each.predictions for each in told)) > 1:
                found.warn(sound.said, "id", f"{many:,} predictions have this id: all of them have the label now")
            if told and not any(each.answered for each in told):
                found.warn(sound.said, "id", "no row with this id had an answer: the label is kept, and judges nothing")
            self._look_at_time(sound, min((each.first_at for each in told), default=None), found)
            yield Sound(sound.said, model, sound.label, sound.happened_at, row_ids=row_ids)

    def _look_at_time(self, sound: Sound, asked_at: datetime | None, found: Findings) -> None:
        """A clock that is wrong is no reason to lose a truth: our own decides what counts."""
        if sound.happened_at is None:
            return
        if sound.happened_at > self._now + SKEW:
            found.warn(sound.said, "happened_at", "it lies in the future")
        elif asked_at is not None and sound.happened_at < asked_at - SKEW:
            found.warn(sound.said, "happened_at", "it lies before the call")


def row_ids_of(spec: ModelSpec, told: object, names: Callable[[], Names]) -> tuple[str, ...]:
    """What the journal may call a row that its caller calls so: that, or where ids are personal its pseudonyms."""
    personal = spec.id is not None and spec.columns[spec.id].personal
    return names().every(told) if personal else (str(told),)


class _Fault(Exception):
    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.field, self.message = name, message


def _check_row(said: Said, call: KnownRow) -> None:
    if said.row is None and call.rows > 1:
        raise _Fault("row", f"the call has {call.rows:,} rows: say which, from 0 to {call.rows - 1:,}")
    if said.row is not None and said.row >= max(1, call.rows):
        last = f"0 to {call.rows - 1:,} are its rows" if call.rows else "none of its rows was read"
        raise _Fault("row", f"the call has no such row: {last}")


def _told[T](read: Callable[[], T]) -> T:
    try:
        return read()
    except Invalid as error:
        raise _Fault(error.field or "label", error.message) from None
