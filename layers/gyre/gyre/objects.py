"""What Gyre needs of S3: whole objects, listed, read, and written on a condition."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True)
class ObjectInfo:
    """One object in a listing."""

    key: str
    size: int
    changed_at: datetime


@dataclass(frozen=True)
class StoredObject:
    """One object with its content; `etag` names exactly this content for a later conditional write."""

    key: str
    content: bytes
    etag: str


class ObjectStore(Protocol):
    """One bucket."""

    def read(self, key: str, version: str | None = None) -> StoredObject:
        """The object, or `NotFound`."""

    def size(self, key: str, version: str | None = None) -> int:
        """Its bytes, without reading them, or `NotFound`."""

    def write(
        self, key: str, content: bytes, *, content_type: str, replaces: str | None = None, new: bool = False
    ) -> str:
        """Writes, returns the new ETag. With `replaces` (an ETag) or `new`: `Conflict` if somebody was faster."""

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """Everything under a prefix, in the order of keys."""
