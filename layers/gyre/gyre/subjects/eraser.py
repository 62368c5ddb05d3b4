"""The steps of an erasure: which places there are, one place, the proof. Each may be done again."""

import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import PurePath
from typing import Any, Literal

from gyre.errors import Conflict, GyreError, Invalid, NotFound, Unavailable
from gyre.objects import ObjectStore, remove_all
from gyre.registry.version import model_version, version_numbers
from gyre.spec.reading import Reading
from gyre.spec.versions import models, spec_of
from gyre.subjects.erasure import State, keep_record, order_key, record_of, subject_of
from gyre.subjects.export import EXPORTS, forget_exports, keep_export, ordered
from gyre.subjects.file_place import LABELS, RECORD_FOLDERS, ROW_FOLDERS, FilePlace, Reader
from gyre.subjects.journal_place import LABELS_NAME, NAME, CopiedRows, JournalPlace, SaidLabels, SinkPlace
from gyre.subjects.naming import Person, label_namings_of, namings_of
from gyre.subjects.place import KnownLines, Place, Short, Step
from gyre.subjects.search import IN_ITS_NAME, Search, Searched
from gyre.subjects.subject import Subject
from gyre.subjects.table_place import TablePlace
from gyre.subjects.work import Counts, Diary

# So often all places are gone through before something that is left is left to a person.
MOST_ROUNDS = 3
# Of one place, in an export.
MOST_EXPORTED = 10_000
_TABLES = "datasets/"
_DRAFT = "draft"
# Of what lies elsewhere nothing more is erased the next time. Lines and labels are told of without an object.
_ERASABLE = tuple(f"data/{each}" for each in (NAME, LABELS_NAME, _TABLES, EXPORTS, *ROW_FOLDERS, *RECORD_FOLDERS))
Verdict = Literal["searching", "again", "proven", "incomplete"]


@dataclass(frozen=True)
class Stock:
    """Where data lies."""

    data: ObjectStore
    artifacts: ObjectStore
    journal: KnownLines
    labels: SaidLabels
    sink: CopiedRows | None = None
    """A database that has a copy of the journal."""


class Eraser:
    """The erasure of one person."""

    def __init__(self, erasure: str, stock: Stock) -> None:
        self._erasure, self._stock = erasure, stock
        self._diary = Diary(stock.data, erasure)

    def plan(self) -> list[str]:
        """The places by name; what was searched before is searched again."""
        subject = self._subject()
        forget_exports(subject, self._stock.data)
        self._search(subject).begin()
        with _nameless(subject):
            return list(self._places(subject))

    def erase(self, place: str, short: Short) -> Step:
        """Goes on with one place."""
        subject = self._subject()
        with _nameless(subject):
            found = self._places(subject).get(place)
            if found is None:
                raise Invalid(f"There is no place {place!r} to erase from.", field="place")
            return found.erase(short)

    def prove(self, rounds: int, short: Short) -> Verdict:
        """Goes on with the search; when all was read, what it found is the end of this round."""
        if self._diary.read(_DRAFT) is not None:
            return self._proven()
        record, _ = record_of(self._erasure, self._stock.data)
        if record.state != "running":
            return record.state
        subject = self._subject()
        # Also one that was asked for in the moment in which this erasure was.
        forget_exports(subject, self._stock.data)
        with _nameless(subject):
            searched = self._search(subject).go_on(short)
            if not searched.done:
                return "searching"
            if not subject.is_telling:
                searched = self._looked_in_columns(subject, searched)
        if not searched.found:
            self._diary.write(_DRAFT, self._told(subject, searched))
            return self._proven()
        if rounds < MOST_ROUNDS and all(map(_may_go, searched.left)):
            return "again"
        self._keep("incomplete", self._told(subject, searched))
        return "incomplete"

    # -- the end -------------------------------------------------------------------------------

    def _proven(self) -> Verdict:
        """The name goes before the proof is there. Whoever is ended in between does the rest again."""
        told = self._diary.read(_DRAFT)
        key = order_key(self._erasure)
        remove_all(self._stock.data, key)
        if any(each.key == key for each in self._stock.data.versions(key)):
            raise Unavailable(f"The order of {self._erasure} is still there. Try again.")
        self._keep("proven", told or {})
        # The draft last: it is what says that the rest may go.
        self._diary.forget(*(name for name in self._diary.names() if name != _DRAFT))
        self._diary.forget()
        return "proven"

    def _keep(self, state: State, told: Mapping[str, Any]) -> None:
        record, etag = record_of(self._erasure, self._stock.data)
        ended_at = datetime.now(UTC).isoformat(timespec="seconds")
        try:
            keep_record(replace(record, state=state, ended_at=ended_at, **told), self._stock.data, etag)
        except Conflict:
            raise Unavailable(f"The record of {self._erasure} was written meanwhile. Try again.") from None

    def _told(self, subject: Subject, searched: Searched) -> dict[str, Any]:
        counts = self._diary.counts()
        pseudonyms = "its pseudonyms" if subject.pseudonyms else ""
        by = f"the id and {pseudonyms}" if subject.is_telling else (
            f"{pseudonyms}, and the columns that name persons: so short an id stands in any text by chance"
        )  # fmt: skip
        search = {"by": by, "objects": searched.objects, "bytes": searched.bytes, "found": searched.found,
                  "left": list(searched.left)}  # fmt: skip
        places = {name: asdict(each) for name, each in sorted(counts.items())}
        return {"places": places, "trained": self._trained(counts), "search": search}

    def _trained(self, counts: Mapping[str, Counts]) -> list[dict[str, Any]]:
        found = []
        for place, each in counts.items():
            if place.startswith(_TABLES) and place.endswith("/processed"):
                model = place.split("/")[1]
                for number in version_numbers(model, self._stock.artifacts):
                    made = model_version(model, number, self._stock.artifacts)
                    if made.dataset in each.versions:
                        found.append({"model": model, "version": number, "dataset": made.dataset})
        return found

    def _looked_in_columns(self, subject: Subject, searched: Searched) -> Searched:
        """Where the id itself is not searched for as text, no place may know a row by it."""
        left = [found.where for place in self._places(subject).values() for found in place.find(1)]
        told = tuple(f"data/{subject.masked(each)}" for each in left)
        return replace(searched, found=searched.found + len(told), left=(*searched.left, *told))

    # -- places --------------------------------------------------------------------------------

    def _subject(self) -> Subject:
        try:
            return subject_of(self._erasure, self._stock.data)
        except NotFound:
            raise NotFound(f"{self._erasure} has no order (any more): it was proven, or never asked for.") from None

    def _search(self, subject: Subject) -> Search:
        return Search(subject, {"artifacts": self._stock.artifacts, "data": self._stock.data}, self._diary)

    def _places(self, subject: Subject) -> dict[str, Place]:
        return {each.name: each for each in places(subject, self._stock, self._diary)}


def export(name: str, stock: Stock) -> dict[str, int]:
    """Makes the file of what is kept about a person: of each place up to so many rows, and what holds more."""
    order = ordered(name, stock.data)
    kept: list[dict[str, Any]] = []
    with _nameless(order.subject):
        for place in places(order.subject, stock, Diary(stock.data, name)):
            left = MOST_EXPORTED
            for found in place.find(left):
                kept.append({"place": place.name, **asdict(found)})
                left -= len(found.rows)
    told = {"made_at": datetime.now(UTC).isoformat(timespec="seconds"), "most_rows": MOST_EXPORTED, "kept": kept}
    if not keep_export(order, told, stock.data):
        return {"places": 0, "rows": 0}
    return {"places": len(kept), "rows": sum(each["count"] for each in kept)}


@contextmanager
def _nameless(subject: Subject) -> Iterator[None]:
    """What goes wrong is told by mail and in logs: without the name, which may be part of a key."""
    try:
        yield
    except GyreError as error:
        raise type(error)(subject.masked(error.message), field=error.field) from None
    except Exception as error:  # noqa: BLE001  # whatever it is, its words may quote a cell
        at = traceback.extract_tb(error.__traceback__)[-1]
        raise GyreError(f"{type(error).__name__} in {PurePath(at.filename).name}, line {at.lineno}.") from None


def places(subject: Subject, stock: Stock, diary: Diary) -> list[Place]:
    """All there are."""
    declared = models(stock.artifacts)
    uploads, labels = (_reader(subject, declared, stock.artifacts, of_labels=each) for each in (False, True))
    found: list[Place] = [JournalPlace(subject, stock.journal, stock.labels, stock.data, diary)]
    if stock.sink is not None:
        found.append(SinkPlace(subject, stock.sink, diary))
    for model in declared:
        namings = namings_of(model, stock.artifacts)
        if namings:
            found.append(TablePlace(model, subject.id, namings, stock.data, diary))
    readers = {prefix: labels if prefix == LABELS else uploads for prefix in (*ROW_FOLDERS, *RECORD_FOLDERS)}
    return [*found, *(FilePlace(prefix, subject, each, stock.data, diary) for prefix, each in readers.items())]


def _may_go(left: str) -> bool:
    """Whether another round may erase what this tells of."""
    return left.startswith(_ERASABLE) and not left.endswith(IN_ITS_NAME)


def _reader(subject: Subject, declared: list[str], artifacts: ObjectStore, *, of_labels: bool) -> Reader:
    @cache
    def read(model: str) -> tuple[Person, Reading]:
        if model not in declared:
            return Person(subject.id, (), anywhere=subject.is_telling), Reading()
        namings = (label_namings_of if of_labels else namings_of)(model, artifacts)
        # Files of labels are read alike, whatever a model says of its uploads.
        reading = Reading() if of_labels else spec_of(model, artifacts).spec.read
        return Person(subject.id, namings, anywhere=subject.is_telling), reading

    return read
