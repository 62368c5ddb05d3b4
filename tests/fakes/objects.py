"""An `ObjectStore` in memory; held to the same contract as the one over S3."""

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from gyre.errors import Conflict, NotFound
from gyre.objects import ObjectInfo, StoredObject

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


class MemoryBucket:
    def __init__(self) -> None:
        self._versions: dict[str, list[tuple[str, bytes]]] = {}
        self._writes: dict[str, int] = {}
        self._count = 0

    def put(self, key: str, content: bytes) -> str:
        """As somebody outside would put it; returns the version."""
        self._count += 1
        self._versions.setdefault(key, []).append((f"v{self._count}", content))
        self._writes[key] = self._count
        return f"v{self._count}"

    def read(self, key: str, version: str | None = None) -> StoredObject:
        for name, content in reversed(self._versions.get(key, ())):
            if version in (None, name):
                return StoredObject(key, content, _etag(content))
        raise NotFound(f"{key} does not exist.")

    def size(self, key: str, version: str | None = None) -> int:
        return len(self.read(key, version).content)

    def write(
        self, key: str, content: bytes, *, content_type: str, replaces: str | None = None, new: bool = False
    ) -> str:
        now = _etag(self._versions[key][-1][1]) if key in self._versions else None
        if (new and now) or (replaces and replaces != now):
            raise Conflict(f"{key} was changed by somebody else.")
        self.put(key, content)
        return _etag(content)

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        for key in sorted(self._versions):
            if key.startswith(prefix):
                changed = EPOCH + timedelta(seconds=self._writes[key])
                yield ObjectInfo(key, self.size(key), changed)


def _etag(content: bytes) -> str:
    return f'"{hashlib.md5(content, usedforsecurity=False).hexdigest()}"'
