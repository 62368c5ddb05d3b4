"""From rows to answers: each row to the release that is its, checked, predicted and explained."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gyre.errors import GyreError, Invalid
from gyre.features.compute import Columns
from gyre.pseudonyms import PseudonymKeys, Pseudonyms
from gyre.registry.releases import Alias, Pointer, Released
from gyre.serving.predicted import predicted
from gyre.serving.question import Answer, Asked, Question, Row, RowAnswer, RowId
from gyre.serving.rows import MOST_FAULTS, RowFault
from gyre.serving.shelf import Loaded, Shelf
from gyre.serving.split import place
from gyre.spec.model import ModelSpec
from gyre.telemetry import TimeSplit

Faults = dict[int, list[RowFault]]
_FEW = 8


@dataclass(frozen=True)
class _Group:
    """The rows of one release, by their places in the call."""

    loaded: Loaded
    alias: Alias | None
    places: Sequence[int]
    instead: Loaded | None = None
    """Who answers if this release breaks: nobody, where the caller asked for it by name."""


class Serving:
    """Answers questions about every model that has a release."""

    def __init__(self, shelf: Shelf, keys: PseudonymKeys | None = None) -> None:
        """Without keys nothing that is personal is kept of a row."""
        self._shelf, self._keys = shelf, keys

    def at_hand(self, question: Question) -> bool:
        """Whether the answer takes a few milliseconds of this processor, and waits for nothing."""
        few = len(question.rows) <= _FEW
        if not (few and question.release == "production" and self._shelf.at_hand(question.model)):
            return False
        return self._keys is None or self._keys.at_hand or not self._shelf.personal(question.model)

    def answer(self, question: Question, event_id: str, times: TimeSplit) -> Answer:
        """A call with rows that break a rule is refused as a whole, unless the caller takes what is right."""
        asked: list[Asked] = []
        with times.of("load"):
            pointer = self._shelf.pointer(question.model)
            question, groups = self._groups(question, pointer, event_id, asked)
            pseudonyms = self._pseudonyms(groups[0].loaded)
        answer = self._answer(question, groups, asked, times)
        return replace(answer, pseudonyms=pseudonyms, shadow=_shadow(question, pointer, event_id))

    def answer_by(self, released: Released, question: Question, times: TimeSplit) -> Answer:
        """By this release alone, whatever the pointer says. Who asks so was told pseudonyms, and needs no keys."""
        with times.of("load"):
            loaded = self._shelf.release(released)
        group = _Group(loaded, "challenger", range(len(question.rows)))
        return self._answer(_named(question, loaded.spec), [group], [], times)

    def _pseudonyms(self, loaded: Loaded) -> Pseudonyms | None:
        """Before anything is answered: without them the call could not be recorded."""
        return self._keys.current() if self._keys and loaded.check.personal else None

    def _answer(self, question: Question, groups: list[_Group], asked: list[Asked], times: TimeSplit) -> Answer:
        spec, unit = groups[0].loaded.spec, groups[0].loaded.predictor.bundle.manifest.score
        found: dict[int, RowAnswer] = {}
        with times.of("check"):
            faults = _repeated(question.rows, told=spec.id not in groups[0].loaded.check.personal)
            columns = [self._checked(question, group, faults) for group in groups]
        if faults and not question.partial:
            asked += [Asked(each.loaded.version, each.alias, each.loaded.hash, 0) for each in groups]
            return Answer(_refused(question, faults), tuple(asked), spec, unit, refusal=_refusal(question, faults))
        for group, theirs in zip(groups, columns, strict=True):
            found |= self._answered(question, group, theirs, asked, times)
        told = tuple(
            RowAnswer(row.id, fault=faults[at][0]) if at in faults else found[at]
            for at, row in enumerate(question.rows)
        )
        late = {at: [row.fault] for at, row in enumerate(told) if row.fault}  # what was found while they were answered
        if late and not question.partial:
            return Answer(_refused(question, late), tuple(asked), spec, unit, refusal=_refusal(question, late))
        return Answer(told, tuple(asked), spec, unit)

    def _groups(
        self, question: Question, pointer: Pointer, event_id: str, asked: list[Asked]
    ) -> tuple[Question, list[_Group]]:
        """Who answers which rows, now that they have names. A challenger that cannot be loaded leaves its rows to
        production."""
        every = range(len(question.rows))
        if question.release != "production":
            released, alias = self._shelf.named(question.model, question.release, pointer)
            loaded = self._shelf.release(released)
            return _named(question, loaded.spec), [_Group(loaded, alias, every)]
        production, fault = self._shelf.production(question.model, pointer)
        if fault and (wanted := pointer.aliases.get("production")):
            asked.append(Asked(wanted.version, "production", wanted.bundle.hash, len(every), fault=fault))
        question = _named(question, production.spec)
        theirs = _theirs(question, pointer, event_id)
        challenger = pointer.aliases.get("challenger")
        if challenger is None or not theirs:
            return question, [_Group(production, "production", every)]
        try:
            trial = self._shelf.release(challenger)
        except GyreError as error:
            asked.append(
                Asked(challenger.version, "challenger", challenger.bundle.hash, len(theirs), fault=error.message)
            )
            return question, [_Group(production, "production", every)]
        ours = [at for at in every if at not in theirs]
        groups = _Group(production, "production", ours), _Group(trial, "challenger", sorted(theirs), production)
        return question, [group for group in groups if len(group.places)]

    def _checked(self, question: Question, group: _Group, faults: Faults) -> Columns:
        """The columns of a group's rows; what is wrong with them, by their places in the call."""
        checked = group.loaded.check.check([question.rows[at].features for at in group.places])
        for fault in checked.faults:
            at = group.places[fault.row]
            faults.setdefault(at, []).append(replace(fault, row=at))
        return checked.columns

    def _answered(
        self, question: Question, group: _Group, columns: Columns, asked: list[Asked], times: TimeSplit
    ) -> dict[int, RowAnswer]:
        began = time.perf_counter()
        unit = group.loaded.predictor.bundle.manifest.score if question.top else None
        as_asked = Asked(group.loaded.version, group.alias, group.loaded.hash, len(group.places), unit=unit)
        try:
            ids = [question.rows[at].id for at in group.places]
            answers = predicted(group.loaded, ids, columns, question.top, times)
            if group.instead and (lost := next((each.fault for each in answers if each.fault), None)):
                raise Invalid(lost.message)
        except Exception as error:  # whatever a challenger does wrong is no caller's concern
            if group.instead is None:
                raise
            asked.append(replace(as_asked, fault=f"{type(error).__name__}: {error}"[:500]))
            ours, faults = _Group(group.instead, "production", group.places), Faults()
            found = self._answered(question, ours, self._checked(question, ours, faults), asked, times)
            return found | {at: RowAnswer(question.rows[at].id, fault=each[0]) for at, each in faults.items()}
        asked.append(replace(as_asked, ms=round((time.perf_counter() - began) * 1000, 3)))
        return {at: _placed(each, at) for at, each in zip(group.places, answers, strict=True)}


def _shadow(question: Question, pointer: Pointer, event_id: str) -> Released | None:
    if question.release != "production" or pointer.traffic is None:
        return None
    chosen = place(question.model, f"shadow of {event_id}") < pointer.traffic.shadow
    return pointer.aliases.get("challenger") if chosen else None


def _named(question: Question, spec: ModelSpec) -> Question:
    """Rows that say no id have the one of the model's id column, if it may be told."""
    if spec.id is None or spec.columns[spec.id].personal:
        return question
    rows = [replace(row, id=_id(row.features.get(spec.id))) if row.id is None else row for row in question.rows]
    return replace(question, rows=rows)


def _id(value: Any) -> RowId:
    return value if isinstance(value, str | int) and not isinstance(value, bool) and len(str(value)) <= 200 else None


def _theirs(question: Question, pointer: Pointer, event_id: str) -> set[int]:
    """The places of the challenger's rows."""
    if pointer.traffic is None or not pointer.traffic.share:
        return set()
    places = (place(question.model, event_id if row.id is None else str(row.id)) for row in question.rows)
    return {at for at, where in enumerate(places) if where < pointer.traffic.share}


def _repeated(rows: Sequence[Row], *, told: bool) -> Faults:
    """Rows whose id an earlier one has: answers are told apart by it. It is told if it names nobody."""
    seen: set[str] = set()
    faults = Faults()
    for at, row in enumerate(rows):
        if row.id is None:
            continue
        if str(row.id) in seen:
            message = "id: an earlier row of this call has the same one."
            faults[at] = [RowFault(at, "id", "unique", message, repr(row.id)[:80] if told else None)]
        seen.add(str(row.id))
    return faults


def _placed(answer: RowAnswer, at: int) -> RowAnswer:
    """With the row's place in the call, where something is wrong with it."""
    return answer if answer.fault is None else replace(answer, fault=replace(answer.fault, row=at))


def _refused(question: Question, faults: Mapping[int, Sequence[RowFault]]) -> tuple[RowAnswer, ...]:
    """No row is answered."""
    return tuple(RowAnswer(row.id, fault=next(iter(faults.get(at, ())), None)) for at, row in enumerate(question.rows))


def _refusal(question: Question, faults: Mapping[int, Sequence[RowFault]]) -> Invalid:
    """All of them, up to a number that is enough to see what is wrong."""
    every, rows = [fault for at in sorted(faults) for fault in faults[at]], len(question.rows)
    first = every[0]
    others = f" And {len(every) - 1} more, in {len(faults)} of {rows} rows: see details." if len(every) > 1 else ""
    sent = "" if first.value is None else f" (sent: {first.value})"
    return Invalid(
        f"rows[{first.row}]: {first.message}{sent}{others}",
        field=f"rows[{first.row}].{first.field}",
        details=[_fact(fault) for fault in every[:MOST_FAULTS]],
    )


def _fact(fault: RowFault) -> dict[str, Any]:
    return {key: value for key, value in vars(fault).items() if value is not None}
