"""Files of rows as they came in or were answered, and what is noted of them: each object, in every version S3 keeps."""

from collections.abc import Callable, Iterator
from itertools import groupby

import numpy as np

from gyre.datasets.source import format_of, open_upload
from gyre.errors import Invalid, NotFound, TooLarge, Unavailable
from gyre.objects import REWRITTEN, ObjectStore, ObjectVersion, remove_all
from gyre.spec.reading import Reading
from gyre.subjects.naming import Person
from gyre.subjects.needles import Needles
from gyre.subjects.place import Found, Short, Step
from gyre.subjects.records import RecordEraser
from gyre.subjects.row_files import Numbers, rows_of, without
from gyre.subjects.subject import Subject
from gyre.subjects.work import Counts, Diary

# Where rows come in, wait and go out; below each, the model's name comes next.
LABELS = "feedback/"
ROW_FOLDERS = ("inbox/", "fetched/", "batch/", LABELS)
RECORD_FOLDERS = ("overflow/", "dead-letters/")
_CURSOR = "cursor-{}"
_TRIES = 5

# Of a model by its name: who is looked for in its files, and how those are read.
Reader = Callable[[str], tuple[Person, Reading]]


class FilePlace:
    """`Place` of all objects below one prefix."""

    def __init__(self, prefix: str, subject: Subject, reader: Reader, data: ObjectStore, diary: Diary) -> None:
        self._prefix, self._reader, self._data, self._diary = prefix, reader, data, diary
        self._needles, self._records = Needles(subject), RecordEraser(subject)

    @property
    def name(self) -> str:
        return self._prefix.rstrip("/")

    def find(self, limit: int) -> Iterator[Found]:
        for key, versions in self._keys(None):
            current = next((each for each in versions if each.is_current and not each.is_deletion), None)
            if current is None or (count := self._count(current)) == 0:
                continue
            shown = self._shown(current, limit)
            limit -= len(shown)
            yield Found(key, tuple(shown), count)

    def erase(self, short: Short) -> Step:
        cursor = _CURSOR.format(self.name)
        kept = self._diary.read(cursor)
        last = kept["key"] if kept else None
        for key, versions in self._keys(last):
            if short():
                self._diary.write(cursor, {"key": last})
                return Step(done=False)
            self._erase(key, versions)
            last = key
        self._diary.forget(cursor)
        return Step(done=True)

    def _keys(self, after: str | None) -> Iterator[tuple[str, list[ObjectVersion]]]:
        for key, versions in groupby(self._data.versions(self._prefix), key=lambda each: each.key):
            if after is None or key > after:
                yield key, list(versions)

    def _erase(self, key: str, versions: list[ObjectVersion]) -> None:
        held = {each.version: self._count(each) for each in versions if not each.is_deletion}
        if not any(held.values()):
            return
        current = next(each for each in versions if each.is_current)
        if _is_work(key):
            self._diary.count(self.name, key, Counts(removed=1))
            remove_all(self._data, key)
            return
        is_removed = False
        if held.get(current.version):
            is_removed = not self._rewrite(current)
        self._diary.count(self.name, key, Counts(max(held.values()), int(not is_removed), int(is_removed)))
        if is_removed:
            remove_all(self._data, key)
        for version, count in held.items():
            if count:
                self._data.remove(key, version)

    def _rewrite(self, current: ObjectVersion) -> bool:
        """Puts the object without the person in its place; False if nothing of it can stay."""
        key = current.key
        if _is_record(key):
            content = self._records.without(self._data.read(key, current.version).content)
            if content is None:
                return False
            self._data.write(key, content, content_type="application/json")
        else:
            person, reading = self._reader(_model(key))
            with self._data.open(key, current.version) as stream:
                rows = rows_of(_name(key), stream, person, reading)
                with without(_name(key), stream, rows, reading) as made:
                    self._data.write_stream(key, made, marks={REWRITTEN: self._diary.erasure})
        self._check_nobody_was_faster(current)
        return True

    def _check_nobody_was_faster(self, former: ObjectVersion) -> None:
        """Of what somebody else put there meanwhile nothing is hidden: then ours goes, and theirs is looked at."""
        there = [each for each in self._data.versions(former.key) if each.key == former.key]
        if len(there) > 1 and there[1].version != former.version:
            self._data.remove(former.key, there[0].version)
            raise Unavailable(f"{former.key[:200]} was written by somebody else meanwhile. Try again.")

    def _count(self, each: ObjectVersion) -> int:
        """How many rows of an object are the person's; 1 of what goes as a whole."""
        try:
            if _is_work(each.key):
                with self._data.open(each.key, each.version) as stream:
                    return int(self._needles.in_stream(stream))
            if _is_record(each.key):
                return self._records.count(self._data.read(each.key, each.version).content)
            return len(self._rows(each))
        except NotFound:  # in this moment
            return 0

    def _rows(self, each: ObjectVersion) -> Numbers:
        person, reading = self._reader(_model(each.key))
        try:
            format_of(_name(each.key))
            with self._data.open(each.key, each.version) as stream:
                return rows_of(_name(each.key), stream, person, reading)
        except (Invalid, TooLarge):  # no file of rows, or a broken one: the search looks at it, and tells
            return np.empty(0, np.int64)

    def _shown(self, current: ObjectVersion, limit: int) -> list[dict[str, object]]:
        if limit <= 0 or _is_work(current.key) or _is_record(current.key):
            return []
        person, reading = self._reader(_model(current.key))
        told: list[dict[str, object]] = []
        with self._data.open(current.key, current.version) as stream:
            for chunk in open_upload(_name(current.key), stream, reading).chunks:
                told += chunk.rows.filter(person.among(chunk.rows)).to_pylist()
                if len(told) >= limit:
                    break
        return told[:limit]


def _is_work(key: str) -> bool:
    """What a batch needs on its way; done or not, it is made again or not missed."""
    parts = key.split("/")
    return parts[0] == "batch" and len(parts) > 3 and parts[2] == "work"


def _is_record(key: str) -> bool:
    return key.startswith(RECORD_FOLDERS)


def _model(key: str) -> str:
    return key.split("/")[1] if key.count("/") > 1 else ""


def _name(key: str) -> str:
    return key.rsplit("/", 1)[-1]
