"""The bytes of an upload as clean UTF-8: unpacked, decoded, without byte order mark and NUL."""

import codecs
import gzip
import zlib
from typing import BinaryIO, Protocol

from gyre.datasets.source import refuse_foreign
from gyre.errors import Invalid, TooLarge

HEAD_BYTES = 1024 * 1024
# What unpacks to less is taken whatever its ratio: text of few different rows packs well.
UNPACKED_FREELY = 256 * 1024 * 1024
UNPACKED_TIMES = 200

UTF8_MARK = b"\xef\xbb\xbf"
_MARKS = (  # UTF-32 first: its mark begins with that of UTF-16
    (UTF8_MARK, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


class Bytes(Protocol):
    """What can be read on: at least one byte until the end, and then none."""

    def read(self, size: int, /) -> bytes: ...


class Unpacked:
    """What a gzip file holds, as far as it is in a sane relation to the file."""

    def __init__(self, name: str, packed: BinaryIO, size: int) -> None:
        self._name, self._file = name, gzip.GzipFile(fileobj=packed, mode="rb")
        self._limit = max(UNPACKED_FREELY, UNPACKED_TIMES * size)
        self._count = 0

    def read(self, size: int, /) -> bytes:
        try:
            content = self._file.read(size)
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise Invalid(
                f"{self._name} is not a whole gzip file: {error}, after {self._count:,} unpacked bytes. "
                "Pack it and upload it again."
            ) from error
        self._count += len(content)
        if self._count > self._limit:
            raise TooLarge(
                f"{self._name} unpacks to more than {UNPACKED_TIMES} times its size and more than "
                f"{UNPACKED_FREELY >> 20} MiB. If that is meant, upload it unpacked."
            )
        return content


class Text:
    """A file of clean UTF-8; a read gives as many bytes as were asked for, until the end."""

    def __init__(self, name: str, source: Bytes, declared: str | None) -> None:
        head = source.read(HEAD_BYTES)
        if not head:
            raise Invalid(f"{name} is empty: it has no bytes at all. Upload it again.")
        refuse_foreign(name, head)
        self.encoding = _checked(declared) if declared else _detected(head)
        self._name, self._source = name, source
        self._decoder = codecs.getincrementaldecoder(self.encoding)()
        self._is_utf8 = codecs.lookup(self.encoding).name == "utf-8"
        self._taken, self._lines, self._is_over = 0, 0, False
        self._ready = self._clean(head).removeprefix(UTF8_MARK)

    @property
    def head(self) -> bytes:
        """What the first read will begin with: a megabyte, or the whole file if it is shorter."""
        return self._ready

    @property
    def head_is_all(self) -> bool:
        return self._taken < HEAD_BYTES

    def read(self, size: int, /) -> bytes:
        while not self._is_over and len(self._ready) < size:
            raw = self._source.read(size - len(self._ready))
            self._is_over = not raw
            more = self._clean(raw)
            self._ready = self._ready + more if self._ready else more
        content, self._ready = self._ready[:size], self._ready[size:]
        return content

    def _clean(self, raw: bytes) -> bytes:
        """The next bytes of the file, as UTF-8; none are its end."""
        pending = self._decoder.getstate()[0]
        if self._is_utf8 and not pending and raw.isascii():
            content = raw
        else:
            try:
                decoded = self._decoder.decode(raw, final=not raw)
                content = raw if self._is_utf8 else decoded.encode()
            except UnicodeError as error:
                raise self._not_text(error, len(pending)) from error
        if b"\0" in content:
            line = self._lines + content[: content.index(0)].count(10) + 1
            raise Invalid(
                f"{self._name}: line {line:,} holds a NUL character, which no text does. If it is UTF-16, say so in "
                "model.yaml: `read: {encoding: utf-16}`. If it is no text file, upload one."
            )
        self._taken += len(raw)
        self._lines += content.count(10)
        return content

    def _not_text(self, error: UnicodeError, pending: int) -> Invalid:
        where = ""
        if isinstance(error, UnicodeDecodeError):
            line = self._lines + error.object[: error.start].count(10) + 1
            where = f": line {line:,} breaks its rules (byte {self._taken - pending + error.start + 1:,} of the text)"
        return Invalid(
            f"{self._name} is not written in {self.encoding}{where}. Write all of it in UTF-8, or say how it is "
            "written in model.yaml, as in `read: {encoding: cp1252}`."
        )


def _detected(head: bytes) -> str:
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head, final=len(head) < HEAD_BYTES)
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def _checked(declared: str) -> str:
    """An encoding of text that Python knows; of the others it knows some (hex, rot13) that are none of text."""
    try:
        "a,1\n".encode(declared)
    except (LookupError, UnicodeError) as error:
        raise Invalid(
            f"{declared!r} is no encoding of text that Python knows. In model.yaml, `read.encoding` names one: utf-8, "
            "cp1252, utf-16 …",
            field="read.encoding",
        ) from error
    return codecs.lookup(declared).name
