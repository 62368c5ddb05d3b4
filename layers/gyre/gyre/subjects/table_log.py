"""The log of a Delta table as what it is: one JSON object of S3 for each version, with an action a line.

Everything here is of the format's own specification; nothing is asked of an engine."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from gyre.errors import Conflict, NotFound, Unavailable
from gyre.objects import ObjectStore, remove_all, remove_former
from gyre.subjects.row_files import opened

LOG = "_delta_log/"
_ENTRY = re.compile(r"([0-9]{20})\.json")
_CHECKPOINT = re.compile(r"_last_checkpoint|[0-9]{20}\.checkpoint.*|_sidecars/.+|[0-9]{20}\.crc|.+\.compacted\.json")
_JSON = "application/json"
Action = Mapping[str, Any]


@dataclass(frozen=True)
class Entry:
    """One commit."""

    version: int
    key: str
    etag: str
    lines: tuple[str, ...]

    def actions(self, kind: str) -> Iterator[Action]:
        """Those of one kind: add, remove, metaData, commitInfo …"""
        for line in self.lines:
            if f'"{kind}"' in line and kind in (told := json.loads(line)):
                yield told[kind]


@dataclass(frozen=True)
class DataFile:
    """A file of rows as the log names it; its key in the bucket is another one where a name is escaped."""

    path: str
    key: str
    partition: Mapping[str, str | None]


class TableLog:
    """All of one table's commits; `root` ends with a slash."""

    def __init__(self, bucket: ObjectStore, root: str) -> None:
        self._bucket, self._root = bucket, root

    def entries(self) -> list[Entry]:
        """From version 0 on, none missing; none at all if there is no table."""
        keys = [each.key for each in self._bucket.list(f"{self._root}{LOG}")]
        numbered = [(int(found[1]), key) for key in keys if (found := _ENTRY.fullmatch(key.rsplit("/", 1)[-1]))]
        numbered.sort()
        if [number for number, _ in numbered] != list(range(len(numbered))):
            raise Conflict(
                f"The log of {self._root} does not hold every version: another program tidied it. Restore its objects "
                "from their former versions in S3, or delete the table."
            )
        return [self._read(number, key) for number, key in numbered]

    def kept_entries(self) -> Iterator[Entry]:
        """Those that are there still, of a table whose log is tidied."""
        for each in list(self._bucket.list(f"{self._root}{LOG}")):
            if found := _ENTRY.fullmatch(each.key.rsplit("/", 1)[-1]):
                try:
                    entry = self._read(int(found[1]), each.key)
                except NotFound:  # tidied in this moment
                    continue
                yield entry

    def checkpointed(self) -> Iterator[str]:
        """The paths that checkpoints name. Asked for after the commits, they have what was in those tidied away."""
        for each in list(self._bucket.list(f"{self._root}{LOG}")):
            if not each.key.endswith(".parquet"):
                continue
            try:
                with self._bucket.open(each.key) as stream:
                    added = opened(stream).read(["add.path"], use_threads=False)
            except NotFound:
                raise Unavailable(f"{each.key} was tidied in this moment. Try again.") from None
            for action in added.column("add").to_pylist() if "add" in added.column_names else ():
                if action is not None and action["path"] is not None:
                    yield action["path"]

    def entry(self, version: int) -> Entry:
        """One commit, read anew."""
        return self._read(version, self._key(version))

    def data_file(self, path: str, partition: Mapping[str, str | None]) -> DataFile:
        if "://" in path or path.startswith("/"):
            raise Conflict(f"{self._root} names {path[:200]}, which is no file of its own. Copy the table whole.")
        return DataFile(path, self._root + unquote(path), partition)

    def replace(self, entry: Entry, lines: tuple[str, ...]) -> None:
        """Puts other lines in the place of an entry's; `Conflict` if somebody else did so meanwhile."""
        self._bucket.write(entry.key, _joined(lines), content_type=_JSON, replaces=entry.etag)

    def commit(self, version: int, lines: tuple[str, ...]) -> None:
        """Adds a version; `Conflict` if there is one of that number."""
        self._bucket.write(self._key(version), _joined(lines), content_type=_JSON, new=True)

    def drop_checkpoints(self) -> None:
        """They repeat the log, and what they repeat is written anew. First the hint that leads to them."""
        keys = [each.key for each in self._bucket.list(f"{self._root}{LOG}")]
        tails = {key: key.removeprefix(f"{self._root}{LOG}") for key in keys}
        for key in sorted(keys, key=lambda key: tails[key] != "_last_checkpoint"):
            if _CHECKPOINT.fullmatch(tails[key]):
                remove_all(self._bucket, key)

    def drop_former_contents(self) -> int:
        """Of entries that were written anew: they hold the least and greatest value of each column."""
        return remove_former(self._bucket, f"{self._root}{LOG}")

    def _key(self, version: int) -> str:
        return f"{self._root}{LOG}{version:020}.json"

    def _read(self, version: int, key: str) -> Entry:
        found = self._bucket.read(key)
        return Entry(version, key, found.etag, tuple(found.content.decode().splitlines()))


def _joined(lines: tuple[str, ...]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()
