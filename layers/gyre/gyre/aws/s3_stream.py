"""One object of S3 as a file: read in ranges, each of them again when it breaks, never whole."""

import io
import time
from collections.abc import Buffer, Mapping
from typing import Any, BinaryIO

from botocore.exceptions import BotoCoreError, ClientError, ResponseStreamingError
from urllib3.exceptions import HTTPError

from gyre.aws.clients import client, told
from gyre.errors import Unavailable

LARGEST_RANGE = 8 * 1024 * 1024
SMALLEST_RANGE = 256 * 1024
TRIES = 3
PAUSE_SECONDS = 0.2


def opened(bucket: str, key: str, version: str | None) -> BinaryIO:
    """The file, pinned to the version or else to the content of now; `NotFound` here and not at the first read."""
    pinned = {"VersionId": version} if version else {}
    try:
        head = client("s3").head_object(Bucket=bucket, Key=key, **pinned)
    except (ClientError, BotoCoreError) as error:
        raise told(error, f"s3://{bucket}/{key}") from error
    return io.BufferedReader(S3Stream(bucket, key, int(head["ContentLength"]), pinned or {"IfMatch": head["ETag"]}))


class S3Stream(io.RawIOBase):
    """The bytes of one object; `pinned` are the conditions that hold every range to the same content."""

    def __init__(self, bucket: str, key: str, size: int, pinned: Mapping[str, str]) -> None:
        self._bucket, self._key, self._size, self._pinned = bucket, key, size, pinned
        self._what = f"s3://{bucket}/{key}"
        self._position = 0
        self._block, self._block_at = memoryview(b""), 0
        self._ahead = SMALLEST_RANGE

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        self._position = max(0, offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence])
        return self._position

    def readinto(self, buffer: Buffer, /) -> int:
        target = memoryview(buffer).cast("B")
        if self._position >= self._size or not len(target):
            return 0
        if not self._block_at <= self._position < self._block_at + len(self._block):
            self._advance(len(target))
        at = self._position - self._block_at
        count = min(len(target), len(self._block) - at)
        target[:count] = self._block[at : at + count]
        self._position += count
        return count

    def _advance(self, wanted: int) -> None:
        """Fetches what is wanted, and more of it the longer somebody reads straight on."""
        straight_on = self._position == self._block_at + len(self._block)
        self._ahead = min(self._ahead * 2, LARGEST_RANGE) if straight_on else SMALLEST_RANGE
        stop = min(self._position + min(max(wanted, self._ahead), LARGEST_RANGE), self._size)
        self._block, self._block_at = memoryview(b""), self._position  # two blocks at once would double the memory
        self._block = memoryview(self._fetched(self._position, stop))

    def _fetched(self, start: int, stop: int) -> bytes:
        """One range. The client repeats a call that fails, but not an answer that breaks while it is read."""
        for tries_left in reversed(range(TRIES)):
            try:
                body = self._asked(start, stop)
            except (ClientError, BotoCoreError) as error:
                raise told(error, self._what) from error
            try:
                return bytes(body.read())
            except (BotoCoreError, HTTPError) as error:
                if not tries_left:
                    known = error if isinstance(error, BotoCoreError) else ResponseStreamingError(error=error)
                    raise told(known, self._what) from error
            time.sleep(PAUSE_SECONDS)
        raise Unavailable(f"{self._what} could not be read. Try again.")

    def _asked(self, start: int, stop: int) -> Any:
        span = f"bytes={start}-{stop - 1}"
        return client("s3").get_object(Bucket=self._bucket, Key=self._key, Range=span, **self._pinned)["Body"]
