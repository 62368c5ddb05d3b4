import csv
import io

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from gyre.datasets import csv_rows
from gyre.datasets.source import CHUNK_BYTES, CHUNK_ROWS, Malformed
from gyre.errors import Invalid
from tests.unit.datasets.opening import cells, opened, read_all, rows, taken

TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)
# What csv files are made of, more often than chance would have it.
PIECES = st.lists(st.sampled_from([*",;\t|\"'\r\n aé€\ufeff𝄞", "NA", '""', "1.5"]), max_size=6).map("".join)


@st.composite
def tables(draw: st.DrawFn) -> list[list[str]]:
    width = draw(st.integers(1, 4))
    return draw(st.lists(st.lists(TEXTS | PIECES, min_size=width, max_size=width), min_size=1, max_size=6))


@settings(deadline=None)  # the first file of a session pays for pyarrow's imports
@given(
    tables(),
    st.sampled_from(",;\t| :"),
    st.sampled_from("\"'"),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
)
@example([["x", ""]], ",", '"', csv.QUOTE_MINIMAL, "\n", True)
@example([["\ufeff", ""]], ",", '"', csv.QUOTE_MINIMAL, "\n", True)
@example([["\ufeff\ufeffx"]], ",", '"', csv.QUOTE_MINIMAL, "\n", False)
def test_any_table_comes_back(
    table: list[list[str]], delimiter: str, quote: str, quoting: int, line_end: str, ends: bool
) -> None:
    # given: a writer that leaves a bare \r without quotes (it takes \n alone for a line end) writes something else
    assume(quoting != csv.QUOTE_MINIMAL or line_end == "\r\n" or not any("\r" in cell for row in table for cell in row))
    file = io.StringIO(newline="")
    writer = csv.writer(file, delimiter=delimiter, quotechar=quote, quoting=quoting, lineterminator=line_end)
    writer.writerows([[f"c{at}" for at in range(len(table[0]))], *table])
    content = file.getvalue() if ends else file.getvalue().removesuffix(line_end)
    # when
    found, numbers, malformed = taken(opened("a.csv", content.encode(), delimiter=delimiter, quote=quote))
    # then
    assert cells(found) == [tuple(cell or None for cell in row) for row in table]
    assert (numbers, malformed) == (list(range(1, len(table) + 1)), [])


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize(
    "table",
    [
        [["a", "b"], ["1", "2"]],
        [["a", "b", "c"], ["1,5", "2;5", "x"], ["1,5", "2|5", "y\ty"]],
        [["a", "b", "c"], ["", "", ""], ["1", "", "3"]],
        [["an a, of sorts", "b"], ["1", "two\nlines, and a comma"], ['"', "|"]],
    ],
)
def test_the_delimiter_is_found_out(delimiter: str, table: list[list[str]]) -> None:
    file = io.StringIO(newline="")
    csv.writer(file, delimiter=delimiter).writerows(table)
    found = opened("a.csv", file.getvalue().encode())
    assert found.facts["delimiter"] == {"\t": "tab"}.get(delimiter, delimiter)
    assert cells(taken(found)[0]) == [tuple(cell or None for cell in row) for row in table[1:]]


def test_fractions_with_a_comma_are_no_cells() -> None:
    content = b"size;price, net\n1,5;2,25\n1,5;2,25\n"
    assert opened("a.csv", content).columns == ("size", "price, net")


def test_a_ragged_row_does_not_hide_the_delimiter() -> None:
    assert opened("a.csv", b"a;b\n1;2\n1;2;3\n1,2\n3;4\n").facts["delimiter"] == ";"


def test_one_column_needs_no_delimiter() -> None:
    found, numbers, malformed = taken(opened("a.csv", b'a\n1\n\n""\nx;y\n'))
    assert cells(found) == [("1",), (None,), ("x;y",)]
    assert (numbers, malformed) == ([1, 2, 3], [])


def test_a_declared_delimiter_counts_more_than_what_is_found() -> None:
    assert opened("a.csv", b"a;b,c\n1;2,3\n", delimiter=";").columns == ("a", "b,c")
    assert opened("a.tsv", b"a;b\n1;2\n", delimiter=";").columns == ("a", "b")
    assert opened("a.tsv", b"a;b\tc\n1;2\t3\n").columns == ("a;b", "c")


@pytest.mark.parametrize(
    ("reading", "field"),
    [
        ({"delimiter": "§"}, "read.delimiter"),
        ({"delimiter": "\n"}, "read.delimiter"),
        ({"quote": "«"}, "read.quote"),
        ({"quote": "\r"}, "read.quote"),
        ({"delimiter": ",", "quote": ","}, "read.quote"),
    ],
)
def test_a_mark_that_cannot_be_one_is_invalid(reading: dict[str, str], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        opened("a.csv", b"a,b\n1,2\n", **reading)
    assert refused.value.field == field


def test_a_quote_that_is_a_usual_delimiter_delimits_nothing() -> None:
    assert rows("a.csv", b"a,b\n|1,5|,2\n", quote="|") == [("1,5", "2")]


@pytest.mark.parametrize("text", ["NA", "null", "NaN", "None", "?", " ", "true", "0"])
def test_only_an_empty_cell_is_missing(text: str) -> None:
    assert rows("a.csv", f'a,b,c\n{text},,""\n'.encode()) == [(text, None, None)]


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_lines_may_end_in_any_way(line_end: str) -> None:
    content = line_end.join(["", "a,b", "", "1,2", '"3\n3",4', "", "5,6"])
    for end in ("", line_end, line_end * 2):
        found, numbers, _ = taken(opened("a.csv", (content + end).encode()))
        assert cells(found) == [("1", "2"), ("3\n3", "4"), ("5", "6")]
        assert numbers == [1, 2, 3]


def test_ragged_rows_are_told_with_number_and_text() -> None:
    content = b'a,b\n1,2\n3\n\n4,5\n6,7,8\n"9\n9",10\n11,"x, ""y""\n",12\n'
    found, numbers, malformed = taken(opened("a.csv", content))
    assert cells(found) == [("1", "2"), ("4", "5"), ("9\n9", "10")]
    assert numbers == [1, 3, 5]
    assert malformed == [
        Malformed(2, "ragged", "3", "1 cells where the header has 2"),
        Malformed(4, "ragged", "6,7,8", "3 cells where the header has 2"),
        Malformed(6, "ragged", '11,"x, ""y""\n",12', "3 cells where the header has 2"),
    ]


def test_a_long_ragged_row_is_told_in_short() -> None:
    _, _, malformed = taken(opened("a.csv", b"a,b\n" + b"x" * 10_000 + b"\n"))
    assert [len(each.text) for each in malformed] == [2000]


@pytest.mark.parametrize("content", [b"a,b\n1\n2\n,,\n", b"a,b\n,,\n"])
def test_a_file_of_ragged_rows_alone_has_columns(content: bytes) -> None:
    found, numbers, malformed = taken(opened("a.csv", content))
    assert (found.num_columns, numbers, len(malformed)) == (2, [], content.count(b"\n") - 1)


def test_ragged_rows_come_with_their_chunk() -> None:
    # given rows enough for several pieces and chunks
    content = b"a,b\n" + b"".join(b"%d\n" % at if at % 1000 == 0 else b"%d,xxxxxxxx\n" % at for at in range(1, 500_001))
    found = opened("a.csv", content)
    # when
    last = 0
    for chunk in found.chunks:
        # then
        assert len(chunk.rows) <= CHUNK_ROWS
        assert chunk.rows.nbytes <= 1.5 * CHUNK_BYTES
        seen = [*chunk.numbers.to_pylist(), *(each.row for each in chunk.malformed)]
        assert sorted(seen) == list(range(last + 1, last + len(seen) + 1))
        assert chunk.rows.column(0).to_pylist() == [str(number) for number in chunk.numbers.to_pylist()]
        last += len(seen)
    assert last == 500_000


@pytest.mark.parametrize("rows_at_once", [10, 1000])
@pytest.mark.parametrize("piece", [1, 2, 7, 40, 64, 100, 1000])
def test_numbers_hold_whatever_the_pieces(piece: int, rows_at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_rows, "PIECE_BYTES", piece)
    monkeypatch.setattr(csv_rows, "CHUNK_ROWS", rows_at_once)
    content = "a,b\n" + "".join(
        f"{at}\n" if at % 7 in (1, 2) or at > 190 else f'{at},"x\n"\n\n' for at in range(1, 200)
    )
    found, numbers, malformed = taken(opened("a.csv", content.encode()))
    assert [row[0] for row in cells(found)] == [str(number) for number in numbers]
    assert [each.text for each in malformed] == [str(each.row) for each in malformed]
    assert len(numbers) + len(malformed) == 199


@pytest.mark.parametrize("content", [b"a,b", b"a,b\n", b"a,b\r\n\r\n", b"\n\na,b\n\n"])
def test_a_header_alone_is_invalid(content: bytes) -> None:
    with pytest.raises(Invalid, match=r"a\.csv has columns and no rows"):
        read_all("a.csv", content)


@pytest.mark.parametrize(
    ("content", "where"),
    [
        (b'a,b\n1,2\n"3,4\n5,6\n', "row 2"),
        (b'a,b\n1,2\n3,"4\n5,6\n', "row 2"),
        (b'a,b\n1,2\n3,"4', "row 2"),
        (b'a,b\n1\n3,"4', "row 2"),
        (b'a,b\n1,2\n3,4\n5,"6""\n', "row 3"),
        (b'a,b\n,,\n1,"2\n', "row 2"),
        (b'a\n"1', "row 1"),
    ],
)
def test_a_quote_that_is_never_closed_is_invalid(content: bytes, where: str) -> None:
    with pytest.raises(Invalid, match=f'a.csv: {where} opens a " that is never closed'):
        read_all("a.csv", content)


def test_a_header_that_opens_a_quote_and_never_closes_it_is_invalid() -> None:
    with pytest.raises(Invalid, match="columns and no rows"):
        read_all("a.csv", b'a,"b')
    with pytest.raises(Invalid, match="column 2 is named"):
        opened("a.csv", b'a,"b\n1,2\n')


def test_a_row_longer_than_a_block_is_invalid(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_rows, "CHUNK_BYTES", 1 << 20)
    monkeypatch.setattr(csv_rows, "PIECE_BYTES", 1 << 17)
    content = b"a,b\n" + b"1,2\n" * 40_000 + b'3,"' + b"x\n" * (1 << 20) + b'"\n4,5\n'
    with pytest.raises(
        Invalid, match=r"a\.csv cannot be read after row (32,768|39,[0-9]+|40,000): .* longer than 1 MiB"
    ):
        read_all("a.csv", content)


def test_a_row_of_many_megabytes_is_read() -> None:
    text = "x\n" * (6 << 20)
    assert rows("a.csv", f'a,b\n1,2\n3,"{text}"\n4,5\n'.encode()) == [("1", "2"), ("3", text), ("4", "5")]


def test_a_header_without_an_end_is_invalid() -> None:
    with pytest.raises(Invalid, match="its first row is longer than a megabyte"):
        opened("a.csv", b"abcdef," * 300_000)
    with pytest.raises(Invalid, match="its header cannot be read"):
        opened("a.csv", b"a" * 200_000)


def test_a_flood_of_ragged_rows_is_invalid(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_rows, "MAX_MALFORMED", 1000)
    with pytest.raises(Invalid, match=r"nearly all rows after row 0 are ragged; row 2 has 1 cells where .* delimiter"):
        read_all("a.csv", b"a,b\n1,2\n" + b"1;2\n" * 2000)


def test_an_abandoned_file_is_no_burden() -> None:
    chunks = opened("a.csv", b"a,b\n" + b"1,2\n" * 10_000_000).chunks
    assert len(next(chunks).rows) == CHUNK_ROWS
    del chunks
