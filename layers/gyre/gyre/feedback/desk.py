"""Labels as they come in, one or thousands: what is new of them is kept, in one commit or not at all."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from gyre.feedback.labels import Label, Labels, current, label_id_of, place_of
from gyre.feedback.sayings import Names, Reading, Remark, Said, Sound, row_ids_of
from gyre.feedback.told import ToldRow, told_of_call, told_of_id
from gyre.objects import ObjectStore
from gyre.pseudonyms import read_pseudonyms
from gyre.spec.model import ModelSpec
from gyre.spec.versions import spec_of


@dataclass(frozen=True)
class Sender:
    """Who says it, and when it reached us."""

    source: str
    received_at: datetime
    token: str | None = None
    """Names the sending: what was kept of it and comes again under this name was said once."""
    is_file: bool = False
    """A file may say several things of one row, in the order of its lines, and is taken in parts."""


@dataclass(frozen=True)
class Taken:
    """What became of labels."""

    kept: int = 0
    repeated: int = 0
    """Those that say what counts already."""
    unknown: tuple[Said, ...] = ()
    """Kept, and about nothing that the journal holds yet."""
    warnings: tuple[Remark, ...] = ()
    faults: tuple[Remark, ...] = ()


class Feedback:
    """Takes labels; `spec_of` tells what is declared of a model now, `names` the pseudonyms of personal ids."""

    def __init__(self, labels: Labels, spec_of: Callable[[str], ModelSpec], names: Callable[[], Names]) -> None:
        self._labels, self._spec_of, self._names = labels, spec_of, names

    def take(self, said: Sequence[Said], sender: Sender) -> Taken:
        """Of a file all that is right is kept; of a call all of it, or nothing if there is a fault."""
        found = Reading(self._labels, self._spec_of, self._names, sender.received_at).read(said)
        faults = found.faults if sender.is_file else [*found.faults, *_contradictions(found.sound)]
        warnings = tuple(sorted(found.warnings, key=lambda each: each.at))
        told = tuple(sorted(faults, key=lambda each: each.at))
        if faults and not sender.is_file:
            return Taken(warnings=warnings, faults=told)
        told_before = _Before(self._labels, found.sound)
        first = found.sound[0].said.at if found.sound else 0
        lines, kept = list[Label](), list[Label]()
        for sound in found.sound:
            made = _labels(sound, sender, told_before, first)
            lines += made
            kept += made[:1]
        fresh = self._labels.append(lines)
        # Of a call somebody else may have said the same a moment ago; of a file an earlier try did.
        again = 0 if sender.is_file else sum(each.label_id not in fresh for each in kept)
        new = len(kept) - again
        unknown = tuple(sorted(found.unknown, key=lambda each: each.at))
        return Taken(new, len(found.sound) - new, unknown, warnings, told)

    def check_model(self, model: str) -> None:
        """`NotReady` if nothing is declared of it."""
        self._spec_of(model)

    def told_of_call(self, event_id: str) -> tuple[bool, list[ToldRow]]:
        """Whether the journal holds a call, and what was said of its rows."""
        return told_of_call(event_id, self._labels)

    def told_of_id(self, model: str, told: str) -> tuple[bool, list[ToldRow]]:
        """Whether the journal holds an id of the caller's, and what was said of the rows that have it."""
        return told_of_id(model, row_ids_of(self._spec_of(model), told, self._names), self._labels)


def feedback_over(labels: Labels, artifacts: ObjectStore) -> Feedback:
    """With what a deployment declares, and its keys for pseudonyms."""
    return Feedback(labels, lambda model: spec_of(model, artifacts).spec, lambda: read_pseudonyms(artifacts))


class _Before:
    """What was said of the rows that labels are about, by whatever id; it grows with what is said now."""

    def __init__(self, labels: Labels, sounds: Sequence[Sound]) -> None:
        self._by_call: dict[str, list[Label]] = defaultdict(list)
        self._by_id: dict[tuple[str, str], list[Label]] = defaultdict(list)
        self._through: dict[tuple[str, str], list[Label]] = defaultdict(list)
        events = {each.event_id for each in sounds if each.event_id is not None}
        for label in labels.of_events(events) if events else ():
            self._by_call[str(label.event_id)].append(label)
        for model in {each.model for each in sounds}:
            of_model = [each for each in sounds if each.model == model]
            named = {row_id for each in of_model for row_id in each.row_ids}
            carried = {each.known.row_id for each in of_model if each.known and each.known.row_id is not None}
            for label in labels.of_ids(model, named | carried) if named or carried else ():
                self._by_id[model, str(label.row_id)].append(label)
            for row_id, label in labels.through_events(model, named) if named else ():
                self._through[model, row_id].append(label)

    def of(self, sound: Sound) -> list[Label]:
        """All that was said of its row, or of the rows with its ids."""
        if sound.event_id is None:
            ids = [(sound.model, row_id) for row_id in sound.row_ids]
            return [label for each in ids for label in (*self._by_id[each], *self._through[each])]
        known, rows = sound.known, sound.known.rows if sound.known else 0
        same = {None, 0} if rows == 1 else {sound.row}
        found = [label for label in self._by_call[sound.event_id] if label.row in same]
        if known is not None and known.row_id is not None:
            found += self._by_id[sound.model, known.row_id]
        return found

    def add(self, sound: Sound, label: Label) -> None:
        if label.row_id is not None:
            self._by_id[sound.model, label.row_id].append(label)
            return
        self._by_call[str(label.event_id)].append(label)
        if sound.known is not None and sound.known.row_id is not None:
            self._through[sound.model, sound.known.row_id].append(label)


def _labels(sound: Sound, sender: Sender, before: _Before, first: int) -> list[Label]:
    """The lines that it makes: one for each name of its id, and none if it says what counts already.

    What has a name of its own is known by that. Without one it is known by what counted before it: the same words are
    a retry after the same words, and a correction after others."""
    told = before.of(sound)
    # The last that a call says counts, although all of it came at one time.
    place = timedelta() if sender.is_file else timedelta(microseconds=sound.said.at - first)
    moment = sender.received_at + place
    earlier = [each for each in told if each.received_at <= moment]
    if sender.token is not None:
        made = [_label(sound, sender, moment, row_id, (sender.source, sender.token)) for row_id in _names(sound)]
        if any(each.label_id == made[0].label_id for each in told):
            return made if sender.is_file else []
        # Of a file's own labels only those of the lines before this one, so that a second try finds what the first did.
        own = (sender.source, moment)
        name = made[0].label_id
        earlier = [each for each in earlier if (each.source, each.received_at) != own or each.label_id < name]
        if not _says(current(earlier), sound):
            return _added(made, sound, before)
        return []
    last = current(earlier)
    if _says(last, sound):
        return []
    said_before = (last.label_id if last else "",)
    return _added([_label(sound, sender, moment, row_id, said_before) for row_id in _names(sound)], sound, before)


def _added(made: list[Label], sound: Sound, before: _Before) -> list[Label]:
    for each in made:
        before.add(sound, each)
    return made


def _says(last: Label | None, sound: Sound) -> bool:
    """Whether it is what this label says. A label of one row alone is none of all rows that have an id."""
    if last is None or (sound.event_id is None and last.row_id is None):
        return False
    same_moment = sound.happened_at is None or sound.happened_at == last.happened_at
    return same_moment and type(last.label) is type(sound.label) and last.label == sound.label


def _names(sound: Sound) -> Sequence[str | None]:
    return sound.row_ids or (None,)


def _label(sound: Sound, sender: Sender, moment: datetime, row_id: str | None, also: Iterable[Any]) -> Label:
    row = None if row_id is not None else sound.row
    happened = sound.happened_at and sound.happened_at.isoformat()
    words = (sound.model, row, row_id, sound.label, happened, *also)
    name = label_id_of(place_of(sound.model, sound.event_id, row_id), words, sound.said.at if sender.is_file else None)
    return Label(
        label_id=name, model=sound.model, event_id=sound.event_id, row=row, row_id=row_id, label=sound.label,
        happened_at=sound.happened_at, received_at=moment, source=sender.source,
    )  # fmt: skip


def _contradictions(sounds: Iterable[Sound]) -> Iterable[Remark]:
    """Of a call that says two things of one row nobody knows which was meant."""
    told: dict[tuple[Any, ...], Sound] = {}
    for each in sounds:
        row = None if each.known is not None and each.known.rows == 1 else each.row
        first = told.setdefault((each.model, each.event_id, row, each.row_ids), each)
        if not (first.label == each.label and first.happened_at == each.happened_at):
            yield Remark(each.said.at, "label", "a label before it says something else of the same row")
