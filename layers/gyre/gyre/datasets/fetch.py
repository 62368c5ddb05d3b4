"""Files that lie elsewhere: copied into the data bucket, then ingested like an upload."""

import urllib.error
import urllib.request
from collections.abc import Collection
from http.client import HTTPMessage
from typing import IO
from urllib.parse import urljoin, urlsplit

from gyre.datasets.upload import Upload
from gyre.errors import Invalid, TooLarge, Unavailable
from gyre.objects import ObjectStore

# Not below inbox/: the file's arrival there would start a second run.
FETCHED = "fetched/"
_TIMEOUT = 30
_MOST_BYTES = 20 * 1024**3


class FileFetcher:
    """Fetches from the allowed hosts alone, also where they send it on to: a function inside a network reaches places
    that the caller must not."""

    def __init__(self, hosts: Collection[str], data: ObjectStore) -> None:
        self._hosts, self._data = hosts, data
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _SameHosts(hosts))

    def fetch(self, model: str, run: str, url: str, name: str) -> Upload:
        """Where the copy lies, pinned to the very bytes that came."""
        _check(url, self._hosts)
        key = f"{FETCHED}{model}/{run}/{name}"
        try:
            with self._opener.open(url, timeout=_TIMEOUT) as answer:
                told = answer.headers.get("Content-Length")
                if told and told.isdigit() and int(told) > _MOST_BYTES:
                    raise TooLarge(f"{url} has {int(told):,} bytes, and {_MOST_BYTES:,} are the limit.")
                return Upload(model, key, self._data.write_stream(key, _Limited(answer, url)).version)
        except urllib.error.HTTPError as error:
            kind = Unavailable if error.code >= 500 or error.code == 429 else Invalid
            raise kind(f"{url} answers {error.code} {error.reason}.", field="url") from error
        except (urllib.error.URLError, OSError) as error:
            raise Unavailable(f"{url} cannot be fetched: {error}.", field="url") from error


class _SameHosts(urllib.request.HTTPRedirectHandler):
    def __init__(self, hosts: Collection[str]) -> None:
        self._hosts = hosts

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> urllib.request.Request | None:
        _check(urljoin(req.full_url, newurl), self._hosts)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


class _Limited:
    """A stream that ends in an error when it goes on for too long."""

    def __init__(self, stream: IO[bytes], url: str) -> None:
        self._stream, self._url, self._read = stream, url, 0

    def read(self, size: int = -1, /) -> bytes:
        block = self._stream.read(size)
        self._read += len(block)
        if self._read > _MOST_BYTES:
            raise TooLarge(f"{self._url} goes on after {_MOST_BYTES:,} bytes, which are the limit.")
        return block


def _check(url: str, hosts: Collection[str]) -> None:
    address = urlsplit(url)
    if address.scheme not in ("http", "https") or address.hostname not in hosts:
        raise Invalid(f"{url[:200]} leads to {address.hostname}, which is none of the allowed hosts.", field="url")
