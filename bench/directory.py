"""A bucket that is a directory: what several processes of a benchmark share without a server."""

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import md5
from pathlib import Path
from typing import BinaryIO

from gyre.errors import Conflict, NotFound
from gyre.objects import ObjectInfo, ObjectVersion, StoredObject, Stream, Written


@dataclass(frozen=True)
class DirectoryBucket:
    """An `ObjectStore` in which each object has the one version that it has, and no marks."""

    root: Path

    def read(self, key: str, version: str | None = None) -> StoredObject:
        if version is not None:
            raise NotFound(f"{key} has no versions: it is a file.")
        try:
            content = (self.root / key).read_bytes()
        except FileNotFoundError:
            raise NotFound(f"{key} does not exist.") from None
        return StoredObject(key, content, _etag(content))

    def size(self, key: str, version: str | None = None) -> int:
        if version is not None:
            raise NotFound(f"{key} has no versions: it is a file.")
        try:
            return (self.root / key).stat().st_size
        except FileNotFoundError:
            raise NotFound(f"{key} does not exist.") from None

    def open(self, key: str, version: str | None = None) -> BinaryIO:
        self.size(key, version)
        return (self.root / key).open("rb")

    def write(
        self,
        key: str,
        content: bytes,
        *,
        content_type: str,  # noqa: ARG002  # a file has none
        replaces: str | None = None,
        new: bool = False,
    ) -> Written:
        path = self.root / key
        if (new and path.exists()) or (replaces and replaces != self.read(key).etag):
            raise Conflict(f"{key} was changed by somebody else.")
        with self._beside(path) as file:
            file.write(content)
        os.replace(file.name, path)
        return Written(_etag(content), None)

    def write_stream(self, key: str, stream: Stream, *, marks: Mapping[str, str] | None = None) -> Written:  # noqa: ARG002
        path = self.root / key
        with self._beside(path) as file:
            shutil.copyfileobj(stream, file)
        os.replace(file.name, path)
        return Written(self.read(key).etag, None)

    def put_address(self, key: str, seconds: int) -> str:  # noqa: ARG002  # a file may always be written
        return (self.root / key).as_uri()

    def get_address(self, key: str, seconds: int) -> str:  # noqa: ARG002  # and read
        return (self.root / key).as_uri()

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        for path in sorted(path for path in self.root.rglob("*") if path.is_file()):
            if (key := str(path.relative_to(self.root))).startswith(prefix):
                told = path.stat()
                yield ObjectInfo(key, told.st_size, datetime.fromtimestamp(told.st_mtime, UTC))

    def marks(self, key: str, version: str | None = None) -> Mapping[str, str]:
        self.size(key, version)
        return {}

    def versions(self, prefix: str) -> Iterator[ObjectVersion]:
        for each in self.list(prefix):
            yield ObjectVersion(each.key, "only", each.size, each.changed_at, is_current=True)

    def remove(self, key: str, version: str) -> None:  # noqa: ARG002  # there is one
        (self.root / key).unlink(missing_ok=True)

    def _beside(self, path: Path) -> "tempfile._TemporaryFileWrapper[bytes]":
        """Whoever reads while somebody writes sees the old content or the new."""
        path.parent.mkdir(parents=True, exist_ok=True)
        return tempfile.NamedTemporaryFile(dir=self.root, delete=False)


def _etag(content: bytes) -> str:
    return f'"{md5(content, usedforsecurity=False).hexdigest()}"'
