"""Files cut into ranges: whatever they hold, the ranges together are the file."""

import csv
import gzip
import io
import json
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gyre.datasets import ranges
from gyre.datasets.ranges import CutFile, RowRange, cut_file
from gyre.datasets.read_range import read_range
from gyre.datasets.source import open_upload
from gyre.errors import GyreError, Invalid
from gyre.spec.reading import Reading

READING = Reading()
Told = list[tuple[int, Any]]


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three rows are enough, and pieces are smaller than a row."""
    monkeypatch.setattr(ranges, "RANGE_ROWS", 3)
    monkeypatch.setattr(ranges, "_PIECE_ROWS", 1)
    monkeypatch.setattr(ranges, "_LEAST_PIECE", 5)


def cut(name: str, content: bytes, reading: Reading = READING) -> tuple[CutFile, list[RowRange], dict[str, bytes]]:
    copies: dict[str, bytes] = {}

    def copy(number: int, piece: bytes) -> str:
        copies[f"copy-{number}"] = piece
        return f"copy-{number}"

    found = cut_file(name, io.BytesIO(content), reading, copy)
    return found, list(found.ranges), copies


def by_ranges(name: str, content: bytes, reading: Reading = READING) -> tuple[Told, list[RowRange]]:
    """Every row with its number in the file, read range by range."""
    found, made, copies = cut(name, content, reading)
    told: Told = []
    for each in made:
        stream = io.BytesIO(copies[each.key] if each.key else content)
        before = len(told)
        for read in read_range(name, found.shape, each, stream, reading):
            told += [(number + each.first - 1, row) for number, row in rows_of(read.chunk)]
        assert len(told) - before == each.rows
    return told, made


def rows_of(chunk: Any) -> Iterator[tuple[int, Any]]:
    found = list(zip(chunk.numbers.to_pylist(), chunk.rows.to_pylist(), strict=True))
    return iter(sorted([*found, *((each.row, each.code) for each in chunk.malformed)], key=lambda each: each[0]))


def as_a_whole(name: str, content: bytes, reading: Reading = READING) -> Told:
    found = open_upload(name, io.BytesIO(content), reading)
    return sorted((each for chunk in found.chunks for each in rows_of(chunk)), key=lambda each: each[0])


def follow(made: list[RowRange]) -> None:
    """Without a gap, from the first row to the last."""
    assert [each.number for each in made] == list(range(1, len(made) + 1))
    assert [each.first for each in made] == [1 + sum(e.rows for e in made[:at]) for at in range(len(made))]


CELLS = st.text(st.sampled_from("ab ,;\"\n\r'é\ufeff"), max_size=6)


@given(
    st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=25), st.sampled_from(["\n", "\r\n"]),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]), st.booleans(),
)  # fmt: skip
@settings(deadline=None)
def test_a_csv_file_is_its_ranges(rows: list[tuple[str, str]], end: str, quoting: Any, packed: bool) -> None:
    """Given line feeds, quotes and delimiters anywhere in a cell."""
    file = io.StringIO()
    csv.writer(file, lineterminator=end, quoting=quoting).writerows([("x", "y"), *rows])
    content = file.getvalue().encode()
    name = "a.csv"
    if packed:
        content, name = gzip.compress(content), "a.csv.gz"
    reading = Reading(delimiter=",")
    try:
        whole = as_a_whole(name, content, reading)
    except Invalid:  # of blank rows alone
        assert by_ranges(name, content, reading) == ([], [])
        return
    told, made = by_ranges(name, content, reading)
    assert told == whole
    follow(made)


@given(st.lists(st.sampled_from(["1,2", "1", "1,2,3", '"a\nb",2', "", "x,", ",", '"",""', "  ,  "]), max_size=30))
@settings(deadline=None)
def test_rows_that_are_none_have_their_number(lines: list[str]) -> None:
    content = "\n".join(["x,y", "5,6", *lines]).encode()
    told, made = by_ranges("a.csv", content)
    assert told == as_a_whole("a.csv", content)
    follow(made)


LINES = st.one_of(
    st.fixed_dictionaries({"x": st.integers(0, 9), "y": st.text(max_size=3)}).map(json.dumps),
    st.sampled_from(["", "  ", "\u3000", "no json", "[1]", '{"x": [1]}', '{"x": 1, "x": 2}', '{"z": 1}', "{}"]),
)


@given(st.lists(LINES, max_size=30), st.booleans())
@settings(deadline=None)
def test_a_file_of_lines_is_its_ranges(lines: list[str], ended: bool) -> None:
    content = ("\n".join(['{"x": 1, "y": "a"}', *lines]) + ("\n" if ended else "")).encode()
    told, made = by_ranges("a.jsonl", content)
    assert told == as_a_whole("a.jsonl", content)
    follow(made)


@pytest.mark.parametrize("group", [1, 2, 4, 6, 7, 100])
def test_a_parquet_file_is_its_ranges(group: int) -> None:
    """Row groups that are small lie as they are; larger ones are cut."""
    table = pa.table({"x": list(range(20)), "t": pa.array(["a", "b"] * 10).dictionary_encode()})
    sink = io.BytesIO()
    pq.write_table(table, sink, row_group_size=group)
    content = sink.getvalue()
    told, made = by_ranges("a.parquet", content)
    assert told == as_a_whole("a.parquet", content)
    assert [bool(each.key) for each in made] == [group > 6] * len(made)
    assert max(each.rows for each in made) <= 6
    follow(made)


@pytest.mark.parametrize(
    ("encoding", "declared", "copied"),
    [("utf-8", None, False), ("utf-8-sig", None, False), ("utf-16", None, True), ("cp1252", None, True),
     ("latin-1", "latin-1", True), ("utf-8", "utf-8", False)],
)  # fmt: skip
def test_what_is_not_utf8_is_copied(encoding: str, declared: str | None, copied: bool) -> None:
    content = ("ö,y\n" + "é,ß\n" * 10).encode(encoding)
    reading = Reading(encoding=declared) if declared else READING
    told, made = by_ranges("a.csv", content, reading)
    assert told == as_a_whole("a.csv", content, reading) == [(at, {"ö": "é", "y": "ß"}) for at in range(1, 11)]
    assert [bool(each.key) for each in made] == [copied] * len(made)
    assert len(made) == 4


@pytest.mark.parametrize("begins", ["PAR1", "\ufeffx", "PK\x03\x04", "\x1f\x8b"])
def test_a_range_may_begin_with_anything(begins: str) -> None:
    """A row that looks like the beginning of another kind of file is still a row."""
    content = b"x,y\n1,2\n3,4\n5,6\n" + f"{begins},1\n".encode() * 4
    told, _ = by_ranges("a.csv", content)
    assert [row["x"] for _, row in told] == ["1", "3", "5", *[begins] * 4]


def test_ranges_hold_about_as_many_rows_as_they_should(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    rows = np.arange(35_000)
    content = b"x,y\n" + b"".join(b"%d,some text\n" % each for each in rows)
    _, made, _ = cut("a.csv", content)
    assert [each.rows for each in made[:-1]] == pytest.approx([10_000] * (len(made) - 1), rel=0.2)
    assert sum(each.rows for each in made) == 35_000
    assert (made[0].start, made[-1].stop) == (4, len(content))
    assert all(ahead.start == each.stop for each, ahead in pairwise(made))


def test_long_rows_make_short_ranges(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    monkeypatch.setattr(ranges, "RANGE_BYTES", 100_000)
    monkeypatch.setattr(ranges, "PIECE_BYTES", 50_000)
    content = b"x\n" + (b"a" * 40_000 + b"\n") * 10
    _, made, _ = cut("a.csv", content)
    assert max(each.stop - each.start for each in made) < 200_000
    assert sum(each.rows for each in made) == 10


@given(st.binary(max_size=200), st.sampled_from(["a.csv", "a.jsonl", "a.parquet", "a.csv.gz", "a.tsv"]))
@settings(deadline=None)
def test_any_bytes_are_rows_or_a_fault_that_is_told(content: bytes, name: str) -> None:
    try:
        told, _ = by_ranges(name, content)
    except GyreError:
        return
    assert told == as_a_whole(name, content) if told else True
