"""S3 and SQS over plain HTTP, for the function that a caller waits for: botocore's import and its clients would be a
third of a cold start, and each of its calls costs more than a prediction. What is seldom asked for goes its way."""

import http.client
import json
import os
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, cached_property
from typing import Any, BinaryIO
from urllib.parse import unquote, urlsplit

from gyre.aws.codes import by_code, unreachable
from gyre.aws.signing import Credentials, Request, escaped, query_of, signed
from gyre.errors import GyreError, Unavailable
from gyre.objects import ObjectInfo, ObjectStore, ObjectVersion, StoredObject, Stream, Written

# All tries together stay below the 29 s of an API function, as in clients.py.
_TRIES, _CONNECT_SECONDS, _READ_SECONDS, _PAUSE_SECONDS = 3, 2.0, 6.0, 0.1
_AGAIN = {429, 500, 502, 503, 504}


@dataclass(frozen=True)
class Answer:
    """What AWS said."""

    status: int
    headers: Mapping[str, str]
    content: bytes


class Service:
    """One address of AWS; a connection for each thread, which stays open."""

    def __init__(self, name: str, host: str = "") -> None:
        """`host`: what stands before the service's own name, where the address is AWS's."""
        self._region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION", "")
        if not self._region:
            raise Unavailable("Which region of AWS is meant is not told: set AWS_REGION.")
        given = os.environ.get(f"AWS_ENDPOINT_URL_{name.upper()}") or os.environ.get("AWS_ENDPOINT_URL")
        home = "amazonaws.com.cn" if self._region.startswith("cn-") else "amazonaws.com"
        self.given = given is not None
        address = urlsplit(given or f"https://{host}{name}.{self._region}.{home}")
        self._name, self._host, self._secure = name, address.netloc, address.scheme == "https"
        self._own = threading.local()

    def call(
        self, method: str, path: str, what: str, *, query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None, body: bytes = b"",
    ) -> Answer:  # fmt: skip
        """The answer, whatever it is, or `Unavailable` if none comes."""
        asked = Request(method, self._host, escaped(path, also="/"), query_of(query or {}), headers or {}, body)
        for left in reversed(range(_TRIES)):
            try:
                found = self._once(asked)
                if found.status not in _AGAIN or not left:
                    return found
            except (OSError, http.client.HTTPException) as error:
                self._hang_up()
                if not left:
                    raise unreachable(what, error) from error
            time.sleep(_PAUSE_SECONDS * (_TRIES - left))
        raise AssertionError("the last try returns or raises")

    def _once(self, asked: Request) -> Answer:
        held: http.client.HTTPConnection | None = getattr(self._own, "held", None)
        if held is not None:
            try:
                return self._ask(held, asked)
            except ConnectionError:  # it was closed while nobody looked: a frozen environment's always is
                self._hang_up()
        kind = http.client.HTTPSConnection if self._secure else http.client.HTTPConnection
        made = kind(self._host, timeout=_CONNECT_SECONDS)
        made.connect()
        made.sock.settimeout(_READ_SECONDS)
        self._own.held = made
        return self._ask(made, asked)

    def _ask(self, connection: http.client.HTTPConnection, asked: Request) -> Answer:
        headers = signed(asked, credentials(), self._name, self._region, datetime.now(UTC))
        target = f"{asked.path}?{asked.query}" if asked.query else asked.path
        connection.request(asked.method, target, asked.body or None, headers)
        with connection.getresponse() as answer:
            told = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, told, answer.read())

    def _hang_up(self) -> None:
        if held := getattr(self._own, "held", None):
            held.close()
        self._own.held = None


def credentials() -> Credentials:
    """Lambda tells them by its environment; elsewhere they are where boto3 finds them."""
    if key := os.environ.get("AWS_ACCESS_KEY_ID"):
        return Credentials(key, os.environ["AWS_SECRET_ACCESS_KEY"], os.environ.get("AWS_SESSION_TOKEN"))
    known = _elsewhere()
    found = known and known.get_frozen_credentials()
    if not found or not found.access_key or not found.secret_key:
        raise Unavailable("There are no credentials for AWS here: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.")
    return Credentials(found.access_key, found.secret_key, found.token)


@cache
def _elsewhere() -> Any:
    """They renew themselves. To look for them costs a session, and on a machine of AWS calls to its metadata."""
    import botocore.session

    return botocore.session.get_session().get_credentials()


class DirectBucket:
    """`ObjectStore` over S3 without boto3 for what a prediction needs: read, list, write."""

    def __init__(self, bucket: str) -> None:
        self._bucket = bucket
        self._s3 = Service("s3", f"{bucket}.")
        self._root = f"/{bucket}/" if self._s3.given else "/"

    def read(self, key: str, version: str | None = None) -> StoredObject:
        found = self._call("GET", key, {"versionId": version} if version else {})
        return StoredObject(key, found.content, found.headers["etag"])

    def size(self, key: str, version: str | None = None) -> int:
        return int(self._call("HEAD", key, {"versionId": version} if version else {}).headers["content-length"])

    def write(
        self, key: str, content: bytes, *, content_type: str, replaces: str | None = None, new: bool = False
    ) -> Written:
        condition = {"if-match": replaces} if replaces else {"if-none-match": "*"} if new else {}
        found = self._call("PUT", key, {}, {"content-type": content_type, **condition}, content)
        return Written(found.headers["etag"], found.headers.get("x-amz-version-id"))

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        from xml.etree import ElementTree

        asked = {"list-type": "2", "prefix": prefix, "encoding-type": "url"}
        while True:
            # S3's own answer, over a connection that it has proved to hold.
            page = ElementTree.fromstring(self._call("GET", "", asked).content)  # noqa: S314
            for each in page.iterfind("{*}Contents"):
                key, size, changed = (each.findtext(f"{{*}}{name}") or "" for name in ("Key", "Size", "LastModified"))
                yield ObjectInfo(unquote(key), int(size), datetime.fromisoformat(changed))
            if not (further := page.findtext("{*}NextContinuationToken")):
                return
            asked = {**asked, "continuation-token": further}

    def open(self, key: str, version: str | None = None) -> BinaryIO:
        return self._whole.open(key, version)

    def write_stream(self, key: str, stream: Stream, *, marks: Mapping[str, str] | None = None) -> Written:
        return self._whole.write_stream(key, stream, marks=marks)

    def marks(self, key: str, version: str | None = None) -> Mapping[str, str]:
        return self._whole.marks(key, version)

    def put_address(self, key: str, seconds: int) -> str:
        return self._whole.put_address(key, seconds)

    def get_address(self, key: str, seconds: int) -> str:
        return self._whole.get_address(key, seconds)

    def versions(self, prefix: str) -> Iterator[ObjectVersion]:
        return self._whole.versions(prefix)

    def remove(self, key: str, version: str) -> None:
        self._whole.remove(key, version)

    @cached_property
    def _whole(self) -> ObjectStore:
        from gyre.aws.s3 import S3Bucket

        return S3Bucket(self._bucket)

    def _call(
        self, method: str, key: str, query: Mapping[str, str], headers: Mapping[str, str] | None = None,
        body: bytes = b"",
    ) -> Answer:  # fmt: skip
        what = f"s3://{self._bucket}/{key or query.get('prefix', '')}"
        path = self._root + key if key else self._root
        found = self._s3.call(method, path, what, query=query, headers=headers, body=body)
        if found.status >= 300:
            raise by_code(_between(found.content, "<Code>", "</Code>") or str(found.status), what)
        return found


class DirectQueue:
    """One queue, to send to."""

    def __init__(self, url: str) -> None:
        self._url, self._sqs = url, Service("sqs")

    def send(self, body: str, what: str) -> None:
        """Takes the message for good, or says why not."""
        asked = json.dumps({"QueueUrl": self._url, "MessageBody": body}).encode()
        headers = {"content-type": "application/x-amz-json-1.0", "x-amz-target": "AmazonSQS.SendMessage"}
        found = self._sqs.call("POST", "/", what, headers=headers, body=asked)
        if found.status >= 300:
            raise _refusal(found, what)


def _refusal(found: Answer, what: str) -> GyreError:
    try:
        code = str(json.loads(found.content)["__type"]).rpartition("#")[2]
    except (ValueError, KeyError, TypeError):
        code = str(found.status)
    return by_code(code, what)


def _between(content: bytes, begin: str, end: str) -> str:
    return content.decode(errors="replace").partition(begin)[2].partition(end)[0]
