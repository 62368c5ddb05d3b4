"""Whether a person's name, or a pseudonym of it, stands in an object: packed or not, text or table, however spelled."""

import gzip
import html
import io
import json
import re
import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO, cast
from urllib.parse import quote, quote_plus

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from gyre.subjects.subject import Subject

_BLOCK = 4 * 1024 * 1024
_ROWS = 65_536
_GZIP, _PARQUET = b"\x1f\x8b", b"PAR1"
_WORD = frozenset(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_")
# Every reason of pyarrow not to read a file, and of gzip. Errors of the stream itself are GyreErrors, and pass.
_NO_PARQUET = (pa.ArrowException, OSError, UnicodeDecodeError)
_NO_GZIP = (gzip.BadGzipFile, EOFError, zlib.error)


class Needles:
    """What is searched for. A name that stands everywhere by chance is not: then its pseudonyms are, alone."""

    def __init__(self, subject: Subject) -> None:
        self._words = [*subject.pseudonyms, *([subject.id] if subject.is_telling else [])]
        spelled = {each for word in self._words for each in _spellings(word)}
        self._longest = max(map(len, spelled))
        self._pattern = re.compile(b"|".join(map(re.escape, sorted(spelled))))
        self._word = re.compile("|".join(rf"(?<!\w){re.escape(word)}(?!\w)" for word in self._words))

    def in_text(self, text: str) -> bool:
        """As a word of its own."""
        return self._word.search(text) is not None

    def in_key(self, key: str) -> bool:
        """In the name of an object, as it stands there or escaped."""
        return self._pattern.search(key.encode()) is not None

    def in_stream(self, stream: BinaryIO) -> bool:
        """Of Parquet in every value, dictionary and statistic; of gzip in what it holds; else byte by byte."""
        head = stream.read(4)
        stream.seek(0)
        if head == _PARQUET:
            try:
                return self._in_parquet(stream)
            except _NO_PARQUET:  # named so and none: its bytes then
                stream.seek(0)
        if head.startswith(_GZIP):
            try:
                return self._in_bytes(cast(BinaryIO, gzip.GzipFile(fileobj=stream)))
            except _NO_GZIP:
                stream.seek(0)
        return self._in_bytes(stream)

    def _in_bytes(self, stream: BinaryIO) -> bool:
        rest = b""
        while block := stream.read(_BLOCK):
            window = rest + block
            if self._in_window(window):
                return True
            rest = window[-self._longest - 1 :]
        return False

    def _in_window(self, window: bytes) -> bool:
        """In text only as a word of its own; what stands beside a value in other formats is not part of it."""
        is_text: bool | None = None
        for found in self._pattern.finditer(window):
            is_text = b"\0" not in window if is_text is None else is_text
            before = window[found.start() - 1] if found.start() else None
            after = window[found.end()] if found.end() < len(window) else None
            if not (is_text and (before in _WORD or after in _WORD)):
                return True
        return False

    def _in_parquet(self, stream: BinaryIO) -> bool:
        file = pq.ParquetFile(pa.PythonFile(stream, mode="r"), pre_buffer=False, buffer_size=1024 * 1024)
        said = file.metadata
        told = [each.decode(errors="replace") for pair in (said.metadata or {}).items() for each in pair]
        told += [*file.schema_arrow.names, *_statistics(said)]
        if any(map(self.in_text, told)):
            return True
        texts = [said.schema.column(at).path for at in range(said.num_columns)
                 if said.schema.column(at).physical_type == "BYTE_ARRAY"]  # fmt: skip
        stream.seek(0)
        # As dictionaries: a word may stand in one though no row says it any more.
        file = pq.ParquetFile(pa.PythonFile(stream, mode="r"), read_dictionary=texts, pre_buffer=False)
        for batch in file.iter_batches(_ROWS, use_threads=False):
            if any(self._in_column(column) for column in batch.columns):
                return True
        return False

    def _in_column(self, column: pa.Array) -> bool:
        kind = column.type
        if pa.types.is_dictionary(kind):
            return self._in_column(column.dictionary)
        if pa.types.is_string(kind) or pa.types.is_large_string(kind):
            return any(self._in_strings(column, word) for word in self._words)
        if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
            return any(self._in_bytes(io.BytesIO(each)) for each in column.to_pylist() if each)
        if pa.types.is_nested(kind):
            return self.in_text(json.dumps(column.to_pylist(), ensure_ascii=False, default=str))
        if pa.types.is_integer(kind):
            digits = [word for word in self._words if word.isascii() and word.isdigit()]
            return bool(digits) and bool(pc.any(pc.is_in(column.cast(pa.string()), pa.array(digits))).as_py())
        return False

    def _in_strings(self, column: pa.Array, word: str) -> bool:
        escaped = json.dumps(word)[1:-1]
        found = column.filter(pc.fill_null(pc.match_substring(column, word), False)).to_pylist()
        if escaped != word:
            return any(map(self.in_text, found)) or bool(pc.any(pc.match_substring(column, escaped)).as_py())
        return any(map(self.in_text, found))


def _statistics(metadata: Any) -> Iterator[str]:
    for group in range(metadata.num_row_groups):
        for at in range(metadata.num_columns):
            found = metadata.row_group(group).column(at).statistics
            if found is not None and found.has_min_max:
                for each in (found.min, found.max):
                    yield each.decode(errors="replace") if isinstance(each, bytes) else str(each)


def _spellings(word: str) -> Iterator[bytes]:
    """As text files, JSON, pages and addresses write it."""
    texts = {
        word, json.dumps(word)[1:-1], json.dumps(word, ensure_ascii=False)[1:-1], html.escape(word),
        word.replace('"', '""'), html.escape(word, quote=False), quote(word), quote(word, safe=""), quote_plus(word),
    }  # fmt: skip
    texts |= {re.sub("%[0-9A-F]{2}", lambda found: found[0].lower(), each) for each in texts if "%" in each}
    for each in texts:
        yield each.encode()
        for encoding in ("utf-16-le", "utf-16-be"):
            yield each.encode(encoding)
        try:
            yield each.encode("cp1252")
        except UnicodeEncodeError:
            continue  # it cannot be written so
