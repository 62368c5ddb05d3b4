"""This process's copies of the file: each of one content, never changed, gone when nobody reads it any more."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import threading
import time
import weakref
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from uuid import uuid4

PREFIX = "gyre-mlflow-"
LOCK = "alive"
# A folder so new may not have its lock yet.
NEW_SECONDS = 60


@dataclass(frozen=True)
class Copy:
    """The content that S3 knows by this ETag; without one, the empty file that comes before the first write."""

    etag: str | None
    path: Path


class Copies:
    """A folder of the process's own. The newest copy is current; older ones live as long as somebody reads them."""

    def __init__(self) -> None:
        _sweep(Path(tempfile.gettempdir()))
        self._folder = Path(tempfile.mkdtemp(prefix=PREFIX))
        self._alive = (self._folder / LOCK).open("w")  # the lock ends with the process, however that ends
        fcntl.flock(self._alive, fcntl.LOCK_EX)
        self._lock = threading.Lock()
        self._readers: Counter[Path] = Counter()
        self._current: Copy | None = None
        weakref.finalize(self, _remove, self._folder, os.getpid(), self._alive)

    @property
    def current(self) -> Copy | None:
        return self._current

    def draft(self, base: Copy | None = None) -> Path:
        """A file that nobody else knows, holding what `base` holds."""
        path = self._folder / f"{uuid4().hex}.db"
        if base is None:
            path.touch()
        else:
            shutil.copyfile(base.path, path)
        return path

    def adopt(self, copy: Copy) -> Copy:
        """From now on this is the newest."""
        with self._lock:
            old, self._current = self._current, copy
            if old and old != copy and not self._readers[old.path]:
                old.path.unlink(missing_ok=True)
        return copy

    @contextmanager
    def held(self) -> Iterator[Copy]:
        """The newest copy, kept on disk while it is read."""
        with self._lock:
            copy = self._current
            if copy is None:
                raise LookupError("nothing was fetched yet")
            self._readers[copy.path] += 1
        try:
            yield copy
        finally:
            with self._lock:
                self._readers[copy.path] -= 1
                if not self._readers[copy.path]:
                    del self._readers[copy.path]
                    if copy != self._current:
                        copy.path.unlink(missing_ok=True)


def _sweep(folder: Path) -> None:
    """Takes away what processes left that were killed, or that multiprocessing ended without a goodbye."""
    for left in folder.glob(f"{PREFIX}*"):
        try:
            if time.time() - left.stat().st_mtime < NEW_SECONDS:
                continue
            with (left / LOCK).open("r+") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(left, ignore_errors=True)
        except OSError:
            continue  # somebody's who is alive, or another sweeper's


def _remove(folder: Path, owner: int, alive: IO[str]) -> None:
    """A forked child inherits the finalizer, and must not take its parent's files away."""
    alive.close()
    if os.getpid() == owner:
        shutil.rmtree(folder, ignore_errors=True)
