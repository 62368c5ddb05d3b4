"""An `ObjectStore` in memory; held to the same contract as the one over S3."""

import hashlib
import io
from collections.abc import Buffer, Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import BinaryIO

from gyre.errors import Conflict, NotFound
from gyre.objects import ObjectInfo, ObjectVersion, StoredObject, Stream, Written

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


class MemoryBucket:
    def __init__(self) -> None:
        self._versions: dict[str, list[tuple[str, bytes]]] = {}
        self._writes: dict[str, int] = {}
        self._count = 0
        self._marks: dict[tuple[str, str], Mapping[str, str]] = {}

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

    def open(self, key: str, version: str | None = None) -> BinaryIO:
        found = self.read(key, version)

        def unchanged() -> None:
            if version is None and self.read(key).etag != found.etag:
                raise Conflict(f"{key} was changed by somebody else.")

        return io.BufferedReader(_Stream(found.content, unchanged))

    def write(
        self, key: str, content: bytes, *, content_type: str, replaces: str | None = None, new: bool = False
    ) -> Written:
        now = _etag(self._versions[key][-1][1]) if key in self._versions else None
        if (new and now) or (replaces and replaces != now):
            raise Conflict(f"{key} was changed by somebody else.")
        return Written(_etag(content), self.put(key, content))

    def write_stream(self, key: str, stream: Stream, *, marks: Mapping[str, str] | None = None) -> Written:
        content = b"".join(iter(lambda: stream.read(1024), b""))
        version = self.put(key, content)
        self._marks[key, version] = dict(marks or {})
        return Written(_etag(content), version)

    def marks(self, key: str, version: str | None = None) -> Mapping[str, str]:
        self.read(key, version)
        return self._marks.get((key, version or self._versions[key][-1][0]), {})

    def put_address(self, key: str, seconds: int) -> str:
        return f"memory://{key}?for={seconds}"

    def get_address(self, key: str, seconds: int) -> str:
        return f"memory://{key}?get={seconds}"

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        for key in sorted(self._versions):
            if key.startswith(prefix):
                changed = EPOCH + timedelta(seconds=self._writes[key])
                yield ObjectInfo(key, self.size(key), changed)

    def versions(self, prefix: str) -> Iterator[ObjectVersion]:
        for key in sorted(self._versions):
            if key.startswith(prefix):
                changed = EPOCH + timedelta(seconds=self._writes.get(key, 0))
                for at, (version, content) in enumerate(reversed(self._versions[key])):
                    yield ObjectVersion(key, version, len(content), changed, at == 0)

    def remove(self, key: str, version: str) -> None:
        left = [each for each in self._versions.get(key, ()) if each[0] != version]
        if left:
            self._versions[key] = left
        else:
            self._versions.pop(key, None)


class _Stream(io.RawIOBase):
    """Asks before each read whether it may go on."""

    def __init__(self, content: bytes, unchanged: Callable[[], None]) -> None:
        self._content, self._unchanged = io.BytesIO(content), unchanged

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._content.tell()

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        return self._content.seek(offset, whence)

    def readinto(self, buffer: Buffer, /) -> int:
        self._unchanged()
        return self._content.readinto(buffer)


def _etag(content: bytes) -> str:
    return f'"{hashlib.md5(content, usedforsecurity=False).hexdigest()}"'
