"""What was predicted about a person, and what was said to be true of it."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Protocol

from gyre.errors import NotFound
from gyre.objects import ObjectStore, ObjectVersion, remove_all
from gyre.subjects.needles import Needles
from gyre.subjects.place import Found, KnownLines, Short, Step
from gyre.subjects.subject import Subject
from gyre.subjects.table_log import TableLog
from gyre.subjects.work import Counts, Diary

NAME = "journal"
TABLES = ("journal/predictions/", "journal/labels/")
# Of lines that are erased in one go, with the labels that were given to them.
_LINES = 10_000


class SaidLabels(Protocol):
    """What is needed of the labels."""

    def erase(self, row_ids: Sequence[str], rows: Sequence[tuple[str, int]]) -> int:
        """Takes away what was said by these ids, and of these rows of calls; says how much that was."""


class JournalPlace:
    """`Place` of the journal and its labels. The labels first: blanked lines lead to none."""

    name = NAME

    def __init__(
        self, subject: Subject, journal: KnownLines, labels: SaidLabels, data: ObjectStore, diary: Diary
    ) -> None:  # fmt: skip
        self._names, self._journal, self._labels, self._diary = subject.pseudonyms, journal, labels, diary
        self._data, self._needles = data, Needles(subject)

    def find(self, limit: int) -> Iterator[Found]:
        lines = self._journal.about(self._names, limit)
        if lines:
            yield Found(NAME, tuple({**asdict(line), "at": line.at.isoformat()} for line in lines), len(lines))

    def erase(self, short: Short) -> Step:
        while rows := [(line.event_id, line.row or 0) for line in self._journal.about(self._names, _LINES)]:
            if short():
                return Step(done=False)
            if labels := self._labels.erase(self._names, rows):
                self._diary.count("labels", f"{rows[0]}", Counts(rows=labels))
            # Noted before: who is ended in the middle finds nothing to count afterwards.
            self._diary.count(self.name, f"{rows[0]}", Counts(rows=len(rows)))
            self._diary.count(self.name, f"{rows[0]}", Counts(rows=max(len(rows), self._journal.erase(self._names))))
        if labels := self._labels.erase(self._names, ()):
            self._diary.count("labels", "by their ids alone", Counts(rows=labels))
        self._sweep()
        return Step(done=True)

    def _sweep(self) -> None:
        """Files that are out of the tables now, and in S3 still; those of other people may have readers. And commits
        that say whom they erased."""
        for root in TABLES:
            log, there = TableLog(self._data, root), dict[str, bool]()
            for entry in log.kept_entries():
                there |= {action["path"]: False for action in entry.actions("remove")}
                there |= {action["path"]: True for action in entry.actions("add")}
                lines = tuple(_wordless(line) if self._needles.in_text(line) else line for line in entry.lines)
                if lines != entry.lines:
                    log.replace(entry, lines)
            log.drop_former_contents()
            for path in (path for path, is_there in there.items() if not is_there):
                key = log.data_file(path, {}).key
                versions = [each for each in self._data.versions(key) if each.key == key and not each.is_deletion]
                if any(self._holds(each) for each in versions):
                    remove_all(self._data, key)

    def _holds(self, each: ObjectVersion) -> bool:
        try:
            with self._data.open(each.key, each.version) as stream:
                return self._needles.in_stream(stream)
        except NotFound:  # in this moment
            return False


def _wordless(line: str) -> str:
    """What a commit says of itself, without the condition that it was made by; readers need none of it."""
    told = json.loads(line)
    if "commitInfo" in told:
        told["commitInfo"]["operationParameters"] = {}
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"))


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
            self._diary.count(self.name, self._diary.erasure, Counts(rows=erased))
        return Step(done=True)
