"""Files that lie elsewhere: copied into the data bucket, then ingested like an upload."""

import urllib.error
import urllib.request
from collections.abc import Collection
from http.client import HTTPException, HTTPMessage
from typing import IO, Any

from gyre.datasets.address import checked_address, shown
from gyre.datasets.upload import Upload
from gyre.errors import Invalid, TooLarge, Unavailable
from gyre.objects import ObjectStore

# Not below inbox/: the file's arrival there would start a second run.
FETCHED = "fetched/"
MOST_BYTES = 20 * 1024**3
_TIMEOUT = 30


class FileFetcher:
    """Fetches from the allowed hosts alone, also where they send it on to: a function inside a network reaches places
    that the caller must not."""

    def __init__(self, hosts: Collection[str], data: ObjectStore, most_bytes: int = MOST_BYTES) -> None:
        self._hosts, self._data, self._most_bytes = hosts, data, most_bytes
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _SameHosts(hosts))

    def fetch(self, model: str, run: str, url: str, name: str) -> Upload:
        """Where the copy lies, pinned to the very bytes that came."""
        checked_address(url, self._hosts)
        key = f"{FETCHED}{model}/{run}/{name}"
        with self._opened(url) as answer:
            told = answer.headers.get("Content-Length")
            size = int(told) if told and told.isdecimal() else None
            if size is not None and size > self._most_bytes:
                raise TooLarge(f"{shown(url)} has {size:,} bytes, and {self._most_bytes:,} are the limit.")
            body = _Body(answer, shown(url), size, self._most_bytes)
            return Upload(model, key, self._data.write_stream(key, body).version)

    def _opened(self, url: str) -> Any:
        try:
            return self._opener.open(url, timeout=_TIMEOUT)
        except urllib.error.HTTPError as error:
            with error:
                kind = Unavailable if error.code >= 500 or error.code == 429 else Invalid
                why = str(error.reason).partition("\n")[0].rstrip(". ")
                raise kind(f"{shown(url)} answers {error.code} {why}.", field="url") from error
        except (OSError, HTTPException) as error:
            raise Unavailable(f"{shown(url)} cannot be fetched: {error}.", field="url") from error
        except ValueError as error:  # out of urllib, where it is sent on
            raise Invalid(f"{shown(url)} leads to what is no address: {error}.", field="url") from error


class _SameHosts(urllib.request.HTTPRedirectHandler):
    def __init__(self, hosts: Collection[str]) -> None:
        self._hosts = hosts

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> urllib.request.Request | None:
        checked_address(newurl, self._hosts)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


class _Body:
    """What comes, to its last byte: it ends in an error when it breaks off, and when it goes on for too long."""

    def __init__(self, answer: IO[bytes], address: str, size: int | None, most_bytes: int) -> None:
        self._answer, self._address, self._size, self._left = answer, address, size, most_bytes
        self._read = 0

    def read(self, size: int = -1, /) -> bytes:
        wanted = self._left + 1 if size < 0 else min(size, self._left + 1)
        try:
            block = self._answer.read(wanted)
        except (OSError, HTTPException) as error:
            raise self._broken_off(type(error).__name__) from error
        self._read += len(block)
        self._left -= len(block)
        if self._left < 0:
            raise TooLarge(f"{self._address} goes on after {self._read - 1:,} bytes, which are the limit.")
        # http.client takes the end of a connection for the end of a body.
        if len(block) < wanted and self._size is not None and self._read < self._size:
            raise self._broken_off(f"{self._size:,} were told")
        return block

    def _broken_off(self, why: str) -> Unavailable:
        return Unavailable(f"{self._address} broke off after {self._read:,} bytes ({why}).", field="url")
