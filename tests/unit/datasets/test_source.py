import bz2
import gzip
import io
import subprocess
import sys
from typing import BinaryIO

import pytest

from gyre.datasets import text
from gyre.datasets.source import MAX_COLUMNS, open_upload
from gyre.datasets.upload import SUFFIXES
from gyre.errors import Conflict, Invalid, TooLarge
from gyre.spec.reading import Reading
from tests.unit.datasets.opening import opened, read_all, rows

CSV = b"a,b\n1,2\n"
CONTENTS = {"csv": CSV, "txt": CSV, "tsv": b"a\tb\n1\t2\n", "jsonl": b'{"a":1,"b":2}', "ndjson": b'{"a":1,"b":2}'}
TEXT_ENDINGS = [ending for ending in SUFFIXES if ending != ".parquet"]


@pytest.mark.parametrize("ending", TEXT_ENDINGS)
def test_a_file_is_read_by_its_ending(ending: str) -> None:
    content = CONTENTS[ending.split(".")[1]]
    name = f"my.File{ending}".upper()
    found = opened(name, gzip.compress(content) if ending.endswith(".gz") else content)
    assert found.columns == ("a", "b")
    assert found.facts["compression"] == ("gzip" if ending.endswith(".gz") else "none")
    assert [chunk.rows.to_pylist() for chunk in found.chunks] == [[{"a": "1", "b": "2"}]]


def test_what_was_found_out_is_told() -> None:
    facts = {"format": "csv", "compression": "none", "delimiter": ",", "encoding": "utf-8"}
    assert opened("a.csv", CSV).facts == facts
    assert opened("a.tsv", b"a\tb\n1\t2\n").facts == {**facts, "delimiter": "tab"}


@pytest.mark.parametrize("name", ["a.xlsx", "a.gz", "a", "csv", ".gz", "a.csv.zip", "a.csv "])
def test_an_unknown_ending_is_invalid(name: str) -> None:
    with pytest.raises(Invalid, match=r"unknown ending: use one of \.csv, .*\.parquet") as refused:
        opened(name, CSV)
    assert refused.value.message.startswith(name)


def test_parquet_inside_of_gzip_is_invalid() -> None:
    with pytest.raises(Invalid, match=r"a\.parquet\.gz: Parquet is packed inside"):
        opened("a.parquet.gz", gzip.compress(b"PAR1"))


@pytest.mark.parametrize(
    ("name", "content"), [(f"a{ending}", b"") for ending in SUFFIXES] + [("a.csv.gz", gzip.compress(b""))]
)
def test_an_empty_file_is_invalid(name: str, content: bytes) -> None:
    with pytest.raises(Invalid, match=f"{name} is empty"):
        opened(name, content)


@pytest.mark.parametrize("content", [b"\n\n", b"\r\n", b"\xef\xbb\xbf", b"\xef\xbb\xbf\n", b" \n1\n", b" , \n1,2\n"])
def test_a_file_without_columns_is_invalid(content: bytes) -> None:
    with pytest.raises(Invalid, match=r"a\.csv has no columns"):
        opened("a.csv", content)


@pytest.mark.parametrize(
    ("magic", "words"),
    [
        (b"PK\x03\x04", "ZIP archive or an Excel workbook"),
        (b"\xd0\xcf\x11\xe0", "old Excel workbook"),
        (b"\xfd7zXZ", "xz"),
        (b"\x28\xb5\x2f\xfd", "Zstandard"),
        (b"PAR1", r"ending \.parquet"),
        (gzip.compress(CSV), "take one gzip away"),
    ],
)
def test_a_file_of_another_kind_is_told_as_what_it_is(magic: bytes, words: str) -> None:
    names = ["a.csv.gz"] if magic.startswith(b"\x1f\x8b") else ["a.csv", "a.jsonl.gz", "a.csv.gz"]
    for name in names:
        content = magic + b"\0\0rest"
        with pytest.raises(Invalid, match=words):
            opened(name, gzip.compress(content) if name.endswith(".gz") else content)


def test_a_zip_file_is_no_parquet() -> None:
    with pytest.raises(Invalid, match="ZIP archive"):
        opened("a.parquet", b"PK\x03\x04\0\0")


def test_gzip_without_its_ending_is_unpacked() -> None:
    assert rows("a.csv", gzip.compress(CSV)) == [("1", "2")]


def test_a_gzip_file_may_have_members() -> None:
    assert rows("a.csv.gz", gzip.compress(CSV) + gzip.compress(b"3,4\n")) == [("1", "2"), ("3", "4")]


def _broken() -> dict[str, bytes]:
    packed = gzip.compress(b"a,b\n" + b"1,2\n3,4,5\n" * 1000)
    return {
        "cut": packed[:-20],
        "cut in its check": packed[:-3],
        "other check": packed[:-8] + b"\1\2\3\4" + packed[-4:],
        "other bytes": packed[:40] + b"\xff" * 9 + packed[49:],
        "more behind": packed + b"more",
        "a bare head": packed[:10],
    }


@pytest.mark.parametrize("content", _broken().values(), ids=_broken())
def test_a_broken_gzip_file_is_invalid(content: bytes) -> None:
    with pytest.raises(Invalid, match=r"a\.csv\.gz is not a whole gzip file: .+ Pack it and upload it again"):
        read_all("a.csv.gz", content)


@pytest.mark.parametrize("content", [CSV, bz2.compress(CSV)])
def test_what_is_no_gzip_file_must_not_be_called_so(content: bytes) -> None:
    with pytest.raises(Invalid, match=r"not a gzip file, though its name ends with \.gz"):
        opened("a.csv.gz", content)


def test_a_small_file_that_unpacks_to_a_huge_one_is_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text, "UNPACKED_FREELY", 10_000_000)
    with pytest.raises(TooLarge, match=r"a\.csv\.gz unpacks to more than 200 times its size"):
        read_all("a.csv.gz", gzip.compress(b"a,b\n" + b"1,2\n" * 3_000_000))


def test_a_file_that_unpacks_to_no_more_than_the_limit_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text, "UNPACKED_TIMES", 1)
    assert len(rows("a.csv.gz", gzip.compress(b"a,b\n" + b"1,2\n" * 10_000))) == 10_000


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
def test_too_many_columns_are_too_large(name: str) -> None:
    for count in (MAX_COLUMNS + 1, 10_000):
        names = [f"c{at}" for at in range(count)]
        line = ",".join(names) if name == "a.csv" else "{" + ",".join(f'"{each}":1' for each in names) + "}"
        with pytest.raises(TooLarge, match=f"{count:,} columns; 2,000 are the most"):
            opened(name, line.encode() + b"\n1\n")


def test_as_many_columns_as_may_be_are_read() -> None:
    names = [f"c{at}" for at in range(MAX_COLUMNS)]
    content = "\n".join([",".join(names), ",".join("1" * MAX_COLUMNS)])
    assert rows("a.csv", content.encode()) == [("1",) * MAX_COLUMNS]


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("a,b,a,c,b", r"more than one column named 'a', 'b'"),
        ("a, a ,b", r"more than one column named 'a'"),
        ("a,,c", "column 2 of 3 has no name"),
        (",a,b", r"column 1 of 3 has no name.*index=False"),
        ("a,b,  ", "column 3 of 3 has no name"),
        ("a," + "x" * 129, "column 2 is named 'xxx.*128 characters"),
        ('a,"x\ny"', r"column 2 is named 'x\\ny'"),
        ("a,x`y", "column 2 is named 'x`y'.*backticks"),
        ("a,_gyre_row", "'_gyre_row' begins with _gyre"),
    ],
)
def test_a_column_needs_a_name_of_its_own(header: str, words: str) -> None:
    with pytest.raises(Invalid, match=words) as refused:
        opened("a.csv", f"{header}\n1,2,3\n".encode())
    assert refused.value.message.startswith("a.csv")


def test_blanks_around_names_do_not_count() -> None:
    assert opened("a.csv", b" a ,b\t\n1,2\n").columns == ("a", "b")


LINE = "Größe,Straße\n1,Übergröße €\n"


@pytest.mark.parametrize(
    ("encoding", "told"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8"),
        ("cp1252", "cp1252"),
        ("utf-16", "utf-16"),
        ("utf-32", "utf-32"),
    ],
)
@pytest.mark.parametrize("more", [0, 300_000])
def test_an_encoding_is_found_out(encoding: str, told: str, more: int) -> None:
    content = LINE + "2,wörd\n" * more
    found = opened("a.csv", content.encode(encoding))
    assert (found.columns, found.facts["encoding"]) == (("Größe", "Straße"), told)
    first = next(found.chunks)
    assert first.rows.column(1)[0].as_py() == "Übergröße €"
    assert more == 0 or first.rows.column(1)[-1].as_py() == "wörd"


def test_big_endian_is_found_out_by_its_mark() -> None:
    assert rows("a.csv", b"\xfe\xff" + LINE.encode("utf-16-be")) == [("1", "Übergröße €")]


@pytest.mark.parametrize(
    "encoding", ["utf-16-le", "utf-16", "utf-8", "latin-1", "cp1252", "shift_jis", "UTF8", "gb18030"]
)
def test_a_declared_encoding_is_used(encoding: str) -> None:
    line = "a,b\n1,ab\n" if encoding in ("latin-1", "shift_jis") else LINE.replace("ß", "s")
    assert rows("a.csv", line.encode(encoding), encoding=encoding)[0][1] in ("ab", "Übergröse €")


def test_a_mark_is_no_part_of_the_first_name_even_if_the_encoding_is_declared() -> None:
    assert opened("a.csv", b"\xff\xfe" + "a,b\n1,2\n".encode("utf-16-le"), encoding="utf-16-le").columns == ("a", "b")
    assert opened("a.csv", b"\xef\xbb\xbfa,b\n1,2\n", encoding="utf-8").columns == ("a", "b")


@pytest.mark.parametrize("encoding", ["no-such", "hex", "rot13", "undefined"])
def test_an_encoding_that_is_none_is_invalid(encoding: str) -> None:
    with pytest.raises(Invalid, match="no encoding of text") as refused:
        opened("a.csv", CSV, encoding=encoding)
    assert refused.value.field == "read.encoding"


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
def test_bytes_of_another_encoding_far_down_are_told_with_their_line(name: str) -> None:
    first, line = (b"a,b\n", b"x,yyyyyy\n") if name == "a.csv" else (b'{"a":1}\n', b'{"a":"xxxx"}\n')
    content = first + line * 300_000 + line.replace(b"xx", b"\xe4x").replace(b"yy", b"\xe4y") + line
    with pytest.raises(Invalid, match=r"line 300,002 .*read: \{encoding: cp1252\}"):
        read_all(name, content)


@pytest.mark.parametrize("read_at_once", [1, 2, 3, 1000])
def test_a_character_may_lie_on_the_edge_of_two_reads(read_at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text, "HEAD_BYTES", 7)
    for encoding in ("utf-8", "utf-16", "cp1252"):
        source = text.Text("a.csv", io.BytesIO(LINE.encode(encoding)), encoding)
        pieces = []
        while piece := source.read(read_at_once):
            pieces.append(piece)
        assert b"".join(pieces).decode() == LINE
        assert {len(piece) for piece in pieces[:-1]} <= {read_at_once}


def test_a_file_that_ends_inside_of_a_character_is_invalid() -> None:
    with pytest.raises(Invalid, match=r"not written in utf-8: line 2 breaks its rules \(byte 7 of the text\)"):
        read_all("a.csv", b"a,b\n1,\xc3", encoding="utf-8")


def test_a_nul_character_is_invalid() -> None:
    with pytest.raises(Invalid, match=r"a\.csv: line 3 holds a NUL character.*utf-16"):
        read_all("a.csv", b"a,b\n1,2\n1,\0\n")
    with pytest.raises(Invalid, match=r"a\.csv: line 250,002 holds a NUL character"):
        read_all("a.csv", b"a,b\n" + b"12345,12345\n" * 250_000 + b"1,\0\n")
    with pytest.raises(Invalid, match="utf-16"):
        opened("a.csv", CSV.decode().encode("utf-16-le"))


class Replaced(io.BytesIO):
    """A file that somebody replaces while it is read."""

    def read(self, size: int | None = -1, /) -> bytes:
        if self.tell() > 1_100_000:
            raise Conflict("changed")
        return super().read(size)


@pytest.mark.parametrize(("name", "line"), [("a.csv", b"aaaaaaaa,bbbbbbbb\n"), ("a.jsonl", b'{"a":12345678901234}\n')])
def test_an_error_of_the_stream_comes_as_it_is(name: str, line: bytes) -> None:
    stream: BinaryIO = Replaced(line * 1_500_000)
    with pytest.raises(Conflict, match="changed"):
        list(open_upload(name, stream, Reading()).chunks)


def test_a_light_function_may_import_the_names() -> None:
    code = "import sys, gyre.datasets.source; sys.exit('pyarrow' in sys.modules or 'numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": ":".join(sys.path)}).returncode == 0
