"""What lies beside the tables of the journal and holds a person: files that were taken out of them, files of commits
that were refused, and commits that say whom they erased."""

import json
from collections.abc import Callable
from itertools import groupby

from gyre.errors import Conflict, NotFound, Unavailable
from gyre.objects import ObjectStore, ObjectVersion, remove_all
from gyre.subjects.needles import Needles
from gyre.subjects.subject import Subject
from gyre.subjects.table_log import LOG, TableLog

# Who writes is a function, and lives for 15 minutes: an older file that no commit names is never committed.
WRITER_SECONDS = 960


class JournalSweep:
    """Of one table; `root` ends with a slash. Files of other people alone may have readers, and stay."""

    def __init__(self, root: str, subject: Subject, data: ObjectStore, clock: Callable[[], float]) -> None:
        self._root, self._data, self._clock = root, data, clock
        self._log, self._needles = TableLog(data, root), Needles(subject)

    def sweep(self) -> float:
        """Removes them. A file that its writer may still commit stays: the moment from which on nobody will, or 0 if
        there is none."""
        known, until = self._known(), 0.0
        self._log.drop_former_contents()
        for key, found in groupby(self._data.versions(self._root), key=lambda each: each.key):
            versions = [each for each in found if not each.is_deletion]
            if key.startswith(f"{self._root}{LOG}") or known.get(key) or not any(map(self._holds, versions)):
                continue
            closed = max(each.changed_at.timestamp() for each in versions) + WRITER_SECONDS
            if key not in known and closed > self._clock():
                until = max(until, closed)
            else:
                remove_all(self._data, key)
        return until

    def _known(self) -> dict[str, bool]:
        """Files that the log names, and whether they are in the table. Commits that name the person lose the words."""
        there: dict[str, bool] = {}
        for entry in self._log.kept_entries():
            there |= {action["path"]: False for action in entry.actions("remove")}
            there |= {action["path"]: True for action in entry.actions("add")}
            lines = tuple(_wordless(line) if self._needles.in_text(line) else line for line in entry.lines)
            if lines != entry.lines:
                try:
                    self._log.replace(entry, lines)
                except (Conflict, NotFound):
                    raise Unavailable(f"{entry.key} was changed or tidied in this moment. Try again.") from None
        there = dict.fromkeys(self._log.checkpointed(), True) | there
        return {self._log.data_file(path, {}).key: is_there for path, is_there in there.items()}

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
