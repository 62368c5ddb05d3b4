"""A file of one JSON object per line in chunks: its columns are found out here, then json_rows.py reads its rows."""

from collections.abc import Iterable, Iterator
from itertools import batched, chain, islice
from typing import TYPE_CHECKING

from gyre.datasets.json_rows import JsonRows, NotARow, checked_row, object_of
from gyre.datasets.source import CHUNK_BYTES, Opened, checked_columns
from gyre.datasets.text import Text
from gyre.errors import Invalid

if TYPE_CHECKING:
    from gyre.spec.reading import Reading

LOOKED_AT_ROWS = 1_000
LOOKED_AT_CHARACTERS = 32 * 1024 * 1024
BLOCK_BYTES = 4 * 1024 * 1024
# So few at a time become columns that they are still in the processor's cache when that happens.
ROWS_AT_ONCE = 512


def open_jsonl(name: str, text: Text, reading: "Reading") -> Opened:
    """Takes the columns from the first 1,000 lines, which then are read like all the others."""
    blocks = _blocks(name, text)
    head: list[list[str]] = []
    for block in blocks:
        head.append(block)
        if sum(map(len, head)) >= LOOKED_AT_ROWS or sum(map(len, chain(*head))) > LOOKED_AT_CHARACTERS:
            break
    keys = keys_of(name, list(islice(chain(*head), LOOKED_AT_ROWS)))
    columns = checked_columns(name, keys)
    rows = JsonRows(tuple(keys), columns, reading.decimal)
    return Opened(columns, {"format": "jsonl"}, rows.chunks(in_batches(chain(head, blocks))))


def _blocks(name: str, text: Text) -> Iterator[list[str]]:
    """The lines that are not blank."""
    rest = b""
    while block := text.read(BLOCK_BYTES):
        whole, _, rest = (rest + block).rpartition(b"\n")
        if len(rest) > CHUNK_BYTES:
            raise too_long(name)
        yield not_blank(whole)
    yield not_blank(rest)


def too_long(name: str) -> Invalid:
    """Of a line that no row is."""
    return Invalid(
        f"{name}: a line is longer than {CHUNK_BYTES >> 20} MiB. Write one JSON object per line; "
        "a JSON array is not read."
    )


def not_blank(lines: bytes) -> list[str]:
    """As text, those that hold anything."""
    return [line for line in lines.decode().split("\n") if line and not line.isspace()]


def in_batches(blocks: Iterable[list[str]]) -> Iterator[tuple[str, ...]]:
    """As many as are made columns at one time."""
    for block in blocks:
        yield from batched(block, ROWS_AT_ONCE)


def keys_of(name: str, lines: list[str]) -> list[str]:
    """All that the lines have, in the order in which they appear."""
    keys, reason = dict[str, None](), ""
    for line in lines:
        try:
            keys.update(dict.fromkeys(checked_row(object_of(line))))
        except NotARow as error:
            reason = reason or f"{error.code}, {error.detail}: {line[:100]}"
    if not lines:
        raise Invalid(f"{name} holds blank lines alone. Write one JSON object per line.")
    if reason and not keys:
        raise Invalid(
            f"{name}: none of its first {len(lines):,} lines is a JSON object of plain values (the first: {reason}). "
            "Write one object per line."
        )
    return list(keys)
