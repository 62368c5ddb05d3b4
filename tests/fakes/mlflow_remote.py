"""A file in memory that keeps S3's contract, and that tests can disturb."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gyre.errors import Conflict, NotFound, Unavailable


class MemoryFile:
    """`Remote`. What stands in `before_put` and `after_put` happens around the next puts, one for each.

    A put that happens by the way, from there, has nothing around it.
    """

    def __init__(self, content: bytes | None = None) -> None:
        self._content = content
        self.before_put: list[Callable[[], Any]] = []
        self.after_put: list[Callable[[], Any]] = []
        self.puts = self.asked = self.fetched = 0
        self._broken = self._busy = False

    @property
    def content(self) -> bytes:
        assert self._content is not None
        return self._content

    def replace(self, content: bytes) -> bytes:
        self._content = content
        return content

    def vanish(self) -> None:
        self._content = None

    def break_down(self) -> None:
        self._broken = True
        raise Unavailable("the connection broke")

    def _etag(self) -> str | None:
        return None if self._content is None else hashlib.md5(self._content, usedforsecurity=False).hexdigest()

    def fetch(self, known: str | None, target: Path) -> str | None:
        if self._broken:
            raise Unavailable("there is no connection.")
        self.asked += 1
        if self._content is None:
            raise NotFound("no such file")
        if known == self._etag():
            return None
        self.fetched += 1
        target.write_bytes(self._content)
        return self._etag()

    def put(self, source: Path, replaces: str | None) -> str:
        content = source.read_bytes()
        self._happen(self.before_put)
        if replaces and self._content is None:
            raise NotFound("no such file")
        if replaces != self._etag():
            raise Conflict("somebody was faster")
        self._content = content
        self.puts += 1
        etag = self._etag()
        assert etag
        self._happen(self.after_put)
        return etag

    def _happen(self, what: list[Callable[[], Any]]) -> None:
        if what and not self._busy:
            self._busy = True
            try:
                what.pop(0)()
            finally:
                self._busy = False
