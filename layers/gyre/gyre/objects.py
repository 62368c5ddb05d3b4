"""What Gyre needs of S3: objects listed, read whole or as a stream, and written on a condition."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO, Protocol

from gyre.errors import NotFound

# Marks a version that Gyre put in the place of another, without some of its rows: it is nothing that came in.
REWRITTEN = "gyre-rewritten"


@dataclass(frozen=True)
class ObjectInfo:
    """One object in a listing."""

    key: str
    size: int
    changed_at: datetime


@dataclass(frozen=True)
class ObjectVersion:
    """One of the contents that a key has had. A `deletion` has none: it only hides those before it."""

    key: str
    version: str
    size: int
    changed_at: datetime
    is_current: bool
    is_deletion: bool = False


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

    def write_stream(self, key: str, stream: Stream, *, marks: Mapping[str, str] | None = None) -> Written:
        """Writes all that the stream holds, of which only a part is ever in memory; nothing if the stream fails. Marks
        stay with this very version."""

    def marks(self, key: str, version: str | None = None) -> Mapping[str, str]:
        """What an object was marked with when it was written, or `NotFound`; names are in small letters."""

    def put_address(self, key: str, seconds: int) -> str:
        """An address at which anybody who has it may put this object for so long."""

    def get_address(self, key: str, seconds: int) -> str:
        """An address at which anybody who has it may get this object for so long; whether it is there is not looked."""

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """Everything under a prefix, in the order of keys."""

    def versions(self, prefix: str) -> Iterator[ObjectVersion]:
        """Everything under a prefix that was ever written and not removed, key by key, the newest first."""

    def remove(self, key: str, version: str) -> None:
        """Takes one version away for ever; one that is gone is no error. What was there before it is current then."""


def is_rewritten(key: str, version: str | None, bucket: ObjectStore) -> bool:
    """Whether an object that came was put there by Gyre, in the place of one that had come before."""
    try:
        return REWRITTEN in bucket.marks(key, version)
    except NotFound:  # whoever reads it will say so
        return False


def remove_all(bucket: ObjectStore, key: str) -> int:
    """Takes an object away with every version of it."""
    # The newest last: without it an older one would be what is read.
    there = [each for each in bucket.versions(key) if each.key == key]
    for each in reversed(there):
        bucket.remove(key, each.version)
    return len(there)


def remove_former(bucket: ObjectStore, prefix: str) -> int:
    """Takes away what was written over or hidden by a deletion; says how many contents these were."""
    former = [each for each in bucket.versions(prefix) if not each.is_current]
    for each in former:
        bucket.remove(each.key, each.version)
    for each in [each for each in bucket.versions(prefix) if each.is_deletion]:
        bucket.remove(each.key, each.version)
    return len(former)
