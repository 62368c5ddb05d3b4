"""An `ObjectStore` over a folder, where a Delta engine can read and write beside it; held to the same contract.

What is written over through the bucket is kept as a former version; what an engine writes is found as it lies."""

import hashlib
import os
import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from gyre.errors import Conflict
from gyre.objects import ObjectInfo, ObjectVersion, StoredObject, Stream, Written
from tests.fakes.objects import MemoryBucket


class FolderBucket:
    def __init__(self, folder: Path) -> None:
        self._folder, self._kept = folder, MemoryBucket()
        self._lock = threading.RLock()
        folder.mkdir(parents=True, exist_ok=True)

    def put(self, key: str, content: bytes) -> str:
        """As somebody outside would put it; returns the version."""
        return str(self.write(key, content, content_type="application/octet-stream").version)

    def read(self, key: str, version: str | None = None) -> StoredObject:
        with self._lock:
            self._look(key)
            return self._kept.read(key, version)

    def size(self, key: str, version: str | None = None) -> int:
        return len(self.read(key, version).content)

    def open(self, key: str, version: str | None = None) -> BinaryIO:
        with self._lock:
            self._look(key)
            return self._kept.open(key, version)

    def write(
        self, key: str, content: bytes, *, content_type: str, replaces: str | None = None, new: bool = False
    ) -> Written:
        with self._lock:
            self._look(key)
            if new and key not in self._kept._versions:
                self._put(key, content, new=True)
                return self._kept.write(key, content, content_type=content_type, new=True)
            written = self._kept.write(key, content, content_type=content_type, replaces=replaces, new=new)
            self._put(key, content)
            return written

    def write_stream(self, key: str, stream: Stream, *, marks: Mapping[str, str] | None = None) -> Written:
        with self._lock:
            self._look(key)
            written = self._kept.write_stream(key, stream, marks=marks)
            self._put(key, self._kept.read(key).content)
            return written

    def marks(self, key: str, version: str | None = None) -> Mapping[str, str]:
        self._look(key)
        return self._kept.marks(key, version)

    def put_address(self, key: str, seconds: int) -> str:
        return self._kept.put_address(key, seconds)

    def get_address(self, key: str, seconds: int) -> str:
        return self._kept.get_address(key, seconds)

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        self._look_at_all()
        yield from self._kept.list(prefix)

    def versions(self, prefix: str) -> Iterator[ObjectVersion]:
        self._look_at_all()
        yield from [replace(each) for each in self._kept.versions(prefix)]

    def remove(self, key: str, version: str) -> None:
        with self._lock:
            self._look(key)
            self._kept.remove(key, version)
            if key in self._kept._versions:
                self._put(key, self._kept.read(key).content)
            else:
                (self._folder / key).unlink(missing_ok=True)

    def _look(self, key: str) -> None:
        """What an engine wrote or took away meanwhile."""
        with self._lock:
            there, known = self._folder / key, self._kept._versions.get(key)
            if there.is_file():
                content = there.read_bytes()
                if not known or hashlib.md5(known[-1][1]).digest() != hashlib.md5(content).digest():
                    self._kept.put(key, content)
            elif known:
                self._kept._versions.pop(key)

    def _look_at_all(self) -> None:
        with self._lock:
            for folder, _, names in os.walk(self._folder):
                for name in (each for each in names if not each.startswith(".")):
                    self._look(str((Path(folder) / name).relative_to(self._folder)))
            for key in list(self._kept._versions):
                self._look(key)

    def _put(self, key: str, content: bytes, *, new: bool = False) -> None:
        place = self._folder / key
        place.parent.mkdir(parents=True, exist_ok=True)
        beside = place.with_name(f".{place.name}.{threading.get_ident()}")
        beside.write_bytes(content)
        if not new:
            beside.replace(place)
            return
        try:
            os.link(beside, place)  # as an engine does it, so that one of both is first
        except FileExistsError:
            raise Conflict(f"{key} was changed by somebody else.") from None
        finally:
            beside.unlink()
