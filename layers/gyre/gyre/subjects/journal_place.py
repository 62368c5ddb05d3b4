"""What was predicted about a person, and what was said to be true of it."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from secrets import token_hex
from typing import Any, Protocol

from gyre.journal.lines import Line
from gyre.objects import ObjectStore
from gyre.subjects.journal_sweep import JournalSweep
from gyre.subjects.place import Found, KnownLines, Short, Step
from gyre.subjects.subject import Subject
from gyre.subjects.work import Counts, Diary

NAME, LABELS_NAME = "journal", "labels"
TABLES = ("journal/predictions/", "journal/labels/")
# Of lines that are erased in one go, with the labels that were given to them.
_LINES = 10_000
_WAIT = "journal-wait"


class SaidLabels(Protocol):
    """What is needed of the labels."""

    def about(self, row_ids: Sequence[str], rows: Sequence[tuple[str, int]], limit: int) -> list[Mapping[str, Any]]:
        """What was said by these ids, and of these rows of calls."""

    def erase(self, row_ids: Sequence[str], rows: Sequence[tuple[str, int]]) -> int:
        """Takes away what was said by these ids, and of these rows of calls; says how much that was."""


class JournalPlace:
    """`Place` of the journal and its labels. The labels first: blanked lines lead to none."""

    name = NAME

    def __init__(
        self, subject: Subject, journal: KnownLines, labels: SaidLabels, data: ObjectStore, diary: Diary,
        clock: Callable[[], float] = time.time,
    ) -> None:  # fmt: skip
        self._names, self._journal, self._labels, self._diary = subject.pseudonyms, journal, labels, diary
        self._sweeps, self._clock = [JournalSweep(root, subject, data, clock) for root in TABLES], clock

    def find(self, limit: int) -> Iterator[Found]:
        lines = self._journal.about(self._names, limit)
        if lines:
            yield Found(NAME, tuple({**asdict(line), "at": line.at.isoformat()} for line in lines), len(lines))
        if labels := self._labels.about(self._names, _places(lines), limit):
            yield Found(LABELS_NAME, tuple(labels), len(labels))

    def erase(self, short: Short) -> Step:
        wait = self._diary.read(_WAIT)
        if wait is not None and wait["until"] > self._clock():
            return Step(done=False, waits=True)
        while rows := _places(self._journal.about(self._names, _LINES)):
            if short():
                return Step(done=False)
            if labels := self._labels.erase(self._names, rows):
                self._diary.count(LABELS_NAME, f"{rows[0]}", Counts(rows=labels))
            # Noted before: who is ended in the middle finds nothing to count afterwards.
            self._diary.count(self.name, f"{rows[0]}", Counts(rows=len(rows)))
            self._diary.count(self.name, f"{rows[0]}", Counts(rows=max(len(rows), self._journal.erase(self._names))))
        if labels := self._labels.erase(self._names, ()):
            # Under a name of its own: what comes in another round counts, too.
            self._diary.count(LABELS_NAME, token_hex(8), Counts(rows=labels))
        until = max(sweep.sweep() for sweep in self._sweeps)
        if wait is not None:  # what came while it waited is for the next round
            self._diary.forget(_WAIT)
        elif until > self._clock():
            self._diary.write(_WAIT, {"until": until})
            return Step(done=False, waits=True)
        return Step(done=True)


def _places(lines: Sequence[Line]) -> list[tuple[str, int]]:
    """The rows of calls that these are."""
    return [(line.event_id, line.row or 0) for line in lines]


class CopiedRows(Protocol):
    """What is needed of a database that has a copy."""

    def erase(self, pseudonyms: Sequence[str]) -> int:
        """Blanks the rows in which one of these stands, and says how many."""


class SinkPlace:
    """`Place` of the copy. It has no file here, so that the search does not reach it: what it says is what is told."""

    name = "database"

    def __init__(self, subject: Subject, sink: CopiedRows, diary: Diary) -> None:
        self._names, self._sink, self._diary = subject.pseudonyms, sink, diary

    def find(self, limit: int) -> Iterator[Found]:  # noqa: ARG002  # what it has, the journal has
        return iter(())

    def erase(self, short: Short) -> Step:  # noqa: ARG002  # at once, or not at all
        if erased := self._sink.erase(self._names):
            self._diary.count(self.name, token_hex(8), Counts(rows=erased))
        return Step(done=True)
