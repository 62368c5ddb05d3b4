"""Rows leave a file, and nothing else of it changes: whatever the format, the encoding, the line ends."""

import codecs
import gzip
import io
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gyre.datasets.source import open_upload
from gyre.spec.columns import Column
from gyre.spec.reading import Reading
from gyre.subjects.naming import Naming, Person
from gyre.subjects.row_files import rows_of, without

READING = Reading()
ANNA = "anna@example.org"
PERSON = Person(ANNA, [Naming("email", Column(type="text", personal=True), READING)])


def erased(name: str, content: bytes, reading: Reading = READING) -> bytes:
    rows = rows_of(name, io.BytesIO(content), PERSON, reading)
    with without(name, io.BytesIO(content), rows, reading) as made:
        return made.read()


def csv(*lines: str, end: str = "\n") -> str:
    return "".join(f"{line}{end}" for line in lines)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize(
    ("encoding", "mark"),
    [("utf-8", b""), ("utf-8", codecs.BOM_UTF8), ("utf-16-le", codecs.BOM_UTF16_LE), ("utf-16-be", codecs.BOM_UTF16_BE),
     ("cp1252", b"")],
)  # fmt: skip
@pytest.mark.parametrize("packed", [False, True])
def test_a_text_is_what_it_was_without_the_rows(end: str, encoding: str, mark: bytes, packed: bool) -> None:
    def written(*lines: str) -> bytes:
        return mark + csv(*lines, end=end).encode(encoding)

    rows = ("email;note", 'bert;"ä;\n\n""x"""', "", f"{ANNA};1", f'"{ANNA}";"2\n3"', f" {ANNA} ;4", "carl;é", "a;b;c")
    content = written(*rows)
    wanted = written(*(row for row in rows if ANNA not in row))
    if packed:
        assert gzip.decompress(erased("a.csv.gz", gzip.compress(content))) == wanted
    else:
        assert erased("a.csv", content) == wanted


def test_a_ragged_row_with_the_name_goes_too() -> None:
    content = csv("email,x", "bert,1", f"{ANNA},1,2,3", f"joanna{ANNA},1,2,3", "carl,2").encode()
    assert erased("a.csv", content) == csv("email,x", "bert,1", f"joanna{ANNA},1,2,3", "carl,2").encode()


def test_a_header_may_be_all_that_is_left() -> None:
    assert erased("a.csv", csv("email,x", f"{ANNA},1", f"{ANNA},2").encode()) == b"email,x\n"
    assert erased("a.csv", f"email,x\n{ANNA},1".encode()) == b"email,x\n"


def test_lines_of_json_go_and_the_others_stay_as_they_are() -> None:
    lines = [
        '{"email": "bert",   "x": 1}',
        "",
        "   ",
        json.dumps({"email": ANNA}),
        "no json",
        f"broken {ANNA}",
        '{"x": 2}',
    ]
    wanted = [line for line in lines if ANNA not in line]
    for end in ("\n", ""):
        assert erased("a.jsonl", ("\n".join(lines) + end).encode()) == ("\n".join(wanted) + end).encode()
    # and the last line without an end
    content = f'{{"email": "bert"}}\n{{"email": "{ANNA}"}}'.encode()
    assert erased("a.ndjson", content) == b'{"email": "bert"}\n'


@pytest.mark.parametrize("compression", ["none", "snappy", "zstd", "gzip"])
def test_parquet_keeps_types_names_and_packing(compression: str) -> None:
    table = pa.table(
        {
            "email": pa.array([ANNA, "bert", None, ANNA, "carl"]).dictionary_encode(),
            "x": pa.array([1, 2, 3, 4, 5], pa.int16()),
            "at": pa.array([1, 2, 3, 4, 5], pa.timestamp("ms", "UTC")),
        }
    ).replace_schema_metadata({"by": "somebody"})
    sink = io.BytesIO()
    pq.write_table(table, sink, row_group_size=2, compression=compression)
    made = erased("a.parquet", sink.getvalue())
    found = pq.read_table(io.BytesIO(made))
    assert found.to_pylist() == table.filter(pa.array([False, True, True, False, True])).to_pylist()
    assert found.schema.equals(table.schema, check_metadata=True)
    assert pq.ParquetFile(io.BytesIO(made)).metadata.row_group(0).column(0).compression == (
        "UNCOMPRESSED" if compression == "none" else compression.upper()
    )
    if compression == "none":
        assert ANNA.encode() in sink.getvalue()
        assert ANNA.encode() not in made, "a word that no row says any more"


def test_the_only_row_group_may_become_empty() -> None:
    sink = io.BytesIO()
    pq.write_table(pa.table({"email": [ANNA]}), sink)
    assert pq.read_table(io.BytesIO(erased("a.parquet", sink.getvalue()))).num_rows == 0


_cells = st.sampled_from([ANNA, "bert", "", 'a"b', "x,y", "line\nbreak", "ä", f"not {ANNA}x"])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(_cells, _cells), min_size=1, max_size=30), st.sampled_from(["\n", "\r\n"]))
def test_other_rows_are_read_as_before(rows: list[tuple[str, str]], end: str) -> None:
    def cell(text: str) -> str:
        return '"' + text.replace('"', '""') + '"'

    content = csv("email,x", *(f"{cell(one)},{cell(other)}" for one, other in rows), end=end).encode()
    made = erased("a.csv", content)
    left = [row for row in rows if row[0] != ANNA]
    if left:
        (chunk,) = open_upload("a.csv", io.BytesIO(made), READING).chunks
        assert [tuple(row[name] or "" for name in ("email", "x")) for row in chunk.rows.to_pylist()] == left
    else:
        assert made == f"email,x{end}".encode()


def test_many_rows_are_left_alone_quickly() -> None:
    """One row in the middle of 60,000."""
    lines = [f"person{at}@example.org,{at}" for at in range(60_000)]
    lines[31_337] = f"{ANNA},1"
    content = csv("email,x", *lines).encode()
    assert rows_of("a.csv", io.BytesIO(content), PERSON, READING).tolist() == [31_338]
    assert erased("a.csv", content) == csv("email,x", *(line for line in lines if ANNA not in line)).encode()


def test_a_number_is_found_however_it_is_written() -> None:
    column = Naming("id", Column(type="integer", personal=True), READING)
    person = Person("4711", [column])
    content = csv("id,x", "4711,a", "4711.0,b", " +4711 ,c", "47110,d", "004711,e").encode()
    assert rows_of("a.csv", io.BytesIO(content), person, READING).tolist() == [1, 2, 3, 5]


def test_what_cannot_stand_in_a_column_names_nobody() -> None:
    """NA is no name: it would erase all whose name is missing."""
    person = Person("NA", [Naming("email", Column(type="text", personal=True), READING)])
    assert np.array_equal(rows_of("a.csv", io.BytesIO(b"email,x\nNA,1\n,2\nbert,3\n"), person, READING), [])
