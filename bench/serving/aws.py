"""As much of S3 and SQS as a prediction needs, out of a folder: what boto3 costs is in the measurement, AWS is not."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate
from hashlib import md5
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit
from uuid import uuid4
from xml.sax.saxutils import escape

from bench.directory import DirectoryBucket
from gyre.errors import NotFound


class _Aws(ThreadingHTTPServer):
    def __init__(self, buckets: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Calls)
        self.buckets, self.messages = buckets, 0


class _Calls(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Aws

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        bucket, _, key = unquote(address.path).lstrip("/").partition("/")
        if not key:
            prefix = parse_qs(address.query).get("prefix", [""])[0]
            self._tell(200, _listing(bucket, prefix, self.server.buckets), "application/xml")
            return
        try:
            found = DirectoryBucket(self.server.buckets / bucket).read(key)
        except NotFound:
            self._tell(404, b"<Error><Code>NoSuchKey</Code></Error>", "application/xml")
            return
        self._tell(200, found.content, "application/octet-stream", found.etag)

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.messages += 1
        told = {"MessageId": str(uuid4()), "MD5OfMessageBody": md5(asked["MessageBody"].encode()).hexdigest()}
        self._tell(200, json.dumps(told).encode(), "application/x-amz-json-1.0")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # its parent's name
        """Nothing: a line for each call would be most of its time."""

    def _tell(self, status: int, content: bytes, kind: str, etag: str = '""') -> None:
        self.send_response(status)
        headers = {"content-type": kind, "content-length": str(len(content)), "etag": etag}
        for name, value in {**headers, "last-modified": formatdate(usegmt=True)}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)


def _listing(bucket: str, prefix: str, buckets: Path) -> bytes:
    entries = "".join(
        f"<Contents><Key>{escape(each.key)}</Key><LastModified>{each.changed_at:%Y-%m-%dT%H:%M:%S.000Z}</LastModified>"
        f"<Size>{each.size}</Size></Contents>"
        for each in DirectoryBucket(buckets / bucket).list(prefix)
    )
    return f"<ListBucketResult><IsTruncated>false</IsTruncated>{entries}</ListBucketResult>".encode()


@contextmanager
def local_aws(buckets: Path) -> Iterator[_Aws]:
    """Serves the folders in this folder as buckets, until the block ends."""
    server = _Aws(buckets)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
