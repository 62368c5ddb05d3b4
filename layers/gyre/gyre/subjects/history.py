"""One person taken out of every version of a Delta table, which keeps its versions and their numbers.

Every file that holds the person is written again without them, and takes its place in all commits that name it:

1. look: new files beside the old ones. No version knows them yet.
2. move: (a) checkpoints go. (b) Each commit that removes an old file removes the new one, too. (c) Each commit
   that adds the old one adds the new one. (d) An empty commit that restates the table's metadata: Delta refuses whoever
   read the table before it and commits after it, so that nobody removes an old file, or keeps a checkpoint of it.
   (e) (a) to (c) once more, for who was faster than (d). After each single step every version can be read.
3. tidy: the old files go, and what S3 still has of the log as it was: it holds least and greatest values."""

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from gyre.errors import Conflict, NotFound, Unavailable
from gyre.objects import ObjectStore, remove_all, remove_former
from gyre.subjects.data_files import FileEraser, Rows
from gyre.subjects.table_log import LOG, DataFile, Entry, TableLog
from gyre.subjects.table_plan import Clock, KeptPlan, Move, Plan

# A file that no commit names after so long belongs to a writer who will never commit it: functions live 15 minutes.
ABANDONED_SECONDS = 3600
_TRIES = 20
Step = Callable[[Entry, Mapping[str, Move]], tuple[str, ...]]
_KEPT_EVERY = 50


@dataclass(frozen=True)
class Outcome:
    """What one go at a table came to."""

    done: bool
    rows: int = 0
    files: int = 0
    in_flight: int = 0
    """Files with the person that a writer may still commit: look again later."""


class TableHistory:
    """One table; `root` ends with a slash."""

    def __init__(
        self, bucket: ObjectStore, root: str, erasure: str, rows: Rows, short: Callable[[], bool] = lambda: False,
        clock: Clock = time.time, note: Callable[[Plan], None] = lambda _: None,
    ) -> None:  # fmt: skip
        self._bucket, self._root, self._short, self._clock, self._note = bucket, root, short, clock, note
        self._log, self._files = TableLog(bucket, root), FileEraser(bucket, rows)
        self._kept = KeptPlan(bucket, root.strip("/").replace("/", "-"), erasure, clock)
        self._erasure = erasure

    def erase(self) -> Outcome:
        """As far as the time reaches; not `done`: ask again. `Busy` while another erasure is at this table."""
        if not self._log.entries():
            return Outcome(True)
        plan = self._kept.take()
        if plan.state in ("moving", "tidying"):  # by whomever it was begun
            self._finish(plan)
            plan = self._kept.plan
        if plan.state == "looking" and plan.erasure != self._erasure:
            self._forget(plan)
            plan = self._kept.plan
        if plan.state == "idle":
            plan = self._kept.begin()
        looked = self._look(plan)
        if looked is None:
            return Outcome(False)
        if looked.moves:
            # From here on whoever comes finishes it.
            held = replace(looked, state="moving", versions=_holding(self._log.entries(), looked.moves))
            return replace(self._finish(self._kept.keep(held)), in_flight=self._sweep())
        in_flight = self._sweep()
        self._kept.release()
        return Outcome(True, in_flight=in_flight)

    def find(self) -> Iterator[tuple[DataFile, int]]:
        """Files with the person, and how many rows of theirs each has."""
        for each in self._added(self._log.entries()):
            try:
                if count := self._files.count(each):
                    yield each, count
            except NotFound:  # by another program's cleaning, or ours in this moment
                continue

    # -- look ----------------------------------------------------------------------------------

    def _look(self, plan: Plan) -> Plan | None:
        looked, moves, since = list(plan.looked), dict(plan.moves), 0
        known = {*looked, *moves, *(move.new for move in moves.values())}
        for each in self._added(self._log.entries()):
            if each.path in known:
                continue
            if self._short():
                self._kept.keep(replace(plan, looked=tuple(looked), moves=moves))
                return None
            try:
                made = self._files.rewrite(each, plan.name)
            except NotFound:
                made = None
            if made is None:
                looked.append(each.path)
            else:
                moves[each.path] = made
            since = 0 if made is not None else since + 1
            if not since % _KEPT_EVERY:
                plan = self._kept.keep(replace(plan, looked=tuple(looked), moves=moves))
        return replace(plan, looked=tuple(looked), moves=moves)

    def _added(self, entries: Iterable[Entry]) -> Iterator[DataFile]:
        """Every file that some version had, once."""
        seen: set[str] = set()
        for entry in entries:
            for action in entry.actions("add"):
                if action.get("deletionVector"):
                    raise Conflict(
                        f"{self._root} has deletion vectors, which Gyre does not write: another program deleted rows. "
                        "Purge the table with that program, then erase again."
                    )
                if action["path"] not in seen:
                    seen.add(action["path"])
                    yield self._log.data_file(action["path"], action.get("partitionValues") or {})

    def _forget(self, plan: Plan) -> None:
        """What another erasure had begun and left: no version knows its files yet."""
        for path, move in plan.moves.items():
            remove_all(self._bucket, self._log.data_file(move.new, {}).key)
            remove_former(self._bucket, self._log.data_file(path, {}).key)
        self._kept.keep(Plan())

    # -- move ----------------------------------------------------------------------------------

    def _finish(self, plan: Plan) -> Outcome:
        if plan.state == "moving":
            self._move(plan.moves)
            self._bar()
            self._move(plan.moves)
            plan = self._kept.keep(replace(plan, state="tidying"))
        for path in plan.moves:
            remove_all(self._bucket, self._log.data_file(path, {}).key)
        self._log.drop_former_contents()
        self._note(plan)  # as theirs whose plan it was
        self._kept.release()
        return Outcome(True, plan.erased, len(plan.moves))

    def _move(self, moves: Mapping[str, Move]) -> None:
        self._log.drop_checkpoints()  # of what was; below, of what was read in between
        for step in (_also_removed, _moved):
            for entry in self._log.entries():
                self._rewrite(entry, moves, step)
        self._log.drop_checkpoints()

    def _rewrite(self, entry: Entry, moves: Mapping[str, Move], step: Step) -> None:
        for _ in range(_TRIES):
            wanted = step(entry, moves)
            if wanted == entry.lines:
                return None
            try:
                return self._log.replace(entry, wanted)
            except Conflict:  # somebody who thinks that they hold the table does the same
                entry = self._log.entry(entry.version)
        raise Unavailable(f"{entry.key} keeps changing. Try again in a minute.")

    def _bar(self) -> None:
        for _ in range(_TRIES):
            entries = self._log.entries()
            metadata = [_line("metaData", each) for entry in entries for each in entry.actions("metaData")][-1:]
            told = {"timestamp": int(self._clock() * 1000), "operation": "ERASE", "operationParameters": {}}
            try:
                return self._log.commit(len(entries), (_line("commitInfo", told), *metadata))
            except Conflict:
                continue
        raise Unavailable(f"{self._root} is being written by too many at once. Try again in a minute.")

    # -- tidy ----------------------------------------------------------------------------------

    def _sweep(self) -> int:
        """Files with the person that no version has: what an ingest that was ended left behind, or one writes now."""
        entries = self._log.entries()
        named = {each.key for each in self._added(entries)}
        left, waiting = [], 0
        for each in self._bucket.versions(self._root):
            if each.is_deletion or each.key.startswith(f"{self._root}{LOG}") or not each.key.endswith(".parquet"):
                continue
            if (each.key not in named or not each.is_current) and self._files.holds(each.key, each.version):
                if each.is_current and each.changed_at.timestamp() > self._clock() - ABANDONED_SECONDS:
                    waiting += 1
                else:
                    left.append(each)
        for each in left:
            self._bucket.remove(each.key, each.version)
        return waiting


def _holding(entries: Iterable[Entry], moves: Mapping[str, Move]) -> tuple[int, ...]:
    """The versions that have one of these files."""
    there, found = set[str](), []
    for entry in entries:
        there |= {action["path"] for action in entry.actions("add")} & moves.keys()
        there -= {action["path"] for action in entry.actions("remove")}
        if there:
            found.append(entry.version)
    return tuple(found)


def _also_removed(entry: Entry, moves: Mapping[str, Move]) -> tuple[str, ...]:
    """Of an entry that removes old files, one that removes the new ones, too."""
    removed = {action["path"] for action in entry.actions("remove")}
    lines = list(entry.lines)
    for action in entry.actions("remove"):
        move = moves.get(action["path"])
        if move is not None and move.new not in removed:
            lines.append(_line("remove", _at_new(action, move)))
    return tuple(lines)


def _moved(entry: Entry, moves: Mapping[str, Move]) -> tuple[str, ...]:
    """Of an entry that adds old files, one that adds the new ones instead, and says nothing of what they hold."""
    lines = []
    for line in entry.lines:
        found = json.loads(line) if '"add"' in line else {}
        move = moves.get(found["add"]["path"]) if "add" in found else None
        if move is None:
            lines.append(line)
        else:
            counts = json.dumps({"numRecords": move.rows}, separators=(",", ":"))
            lines.append(_line("add", {**_at_new(found["add"], move), "stats": counts}))
    return tuple(lines)


def _at_new(action: Mapping[str, Any], move: Move) -> dict[str, Any]:
    found = {**action, "path": move.new}
    if "size" in action:
        found["size"] = move.size
    found.pop("stats", None)
    return found


def _line(kind: str, action: Mapping[str, Any]) -> str:
    return json.dumps({kind: action}, ensure_ascii=False, separators=(",", ":"))
