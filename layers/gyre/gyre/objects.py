"""What Gyre needs of S3: objects listed, read whole or as a stream, and written on a condition."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO, Protocol


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


@dataclass(frozen=True)
class Written:
    """What a write made: the content's name for a conditional write, and the object's version."""

    etag: str
    version: str | None


class Stream(Protocol):
    """Something to be read to its end."""

    def read(self, size: int = -1, /) -> bytes:
        """The next bytes; none at the end."""


class ObjectStore(Protocol):
    """One bucket."""

    def read(self, key: str, version: str | None = None) -> StoredObject:
        """The object, or `NotFound`."""

    def size(self, key: str, version: str | None = None) -> int:
        """Its bytes, without reading them, or `NotFound`."""

    def open(self, key: str, version: str | None = None) -> BinaryIO:
        """A file to read and seek in, of which only a part is ever in memory, or `NotFound`.

        Reading on after the object was replaced is a `Conflict`: the bytes of two contents never mix. With a version
        they cannot.
        """

    def write(
        self, key: str, content: bytes, *, content_type: str, replaces: str | None = None, new: bool = False
    ) -> Written:
        """Writes whole or not at all. With `replaces` (an ETag) or `new`: `Conflict` if somebody was faster."""

    def write_stream(self, key: str, stream: Stream) -> Written:
        """Writes all that the stream holds, of which only a part is ever in memory; nothing if the stream fails."""

    def put_address(self, key: str, seconds: int) -> str:
        """An address at which anybody who has it may put this object for so long."""

    def get_address(self, key: str, seconds: int) -> str:
        """An address at which anybody who has it may get this object for so long; whether it is there is not looked."""

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """Everything under a prefix, in the order of keys."""
