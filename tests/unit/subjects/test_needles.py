"""A name is found wherever it stands, and no other name is taken for it."""

import gzip
import html
import io
import json
import sqlite3
from pathlib import Path
from urllib.parse import quote

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gyre.errors import Invalid
from gyre.pseudonyms import Pseudonyms
from gyre.subjects.needles import _BLOCK, Needles
from gyre.subjects.subject import Subject, checked_subject, erasures_of

KEYS = Pseudonyms([("1", b"k" * 32), ("2", b"l" * 32)])
ANNA = 'anna "ä" <o\'neil>@example.org'


def needles(name: str = ANNA) -> Needles:
    return Needles(checked_subject(name, KEYS))


def found(content: bytes, name: str = ANNA) -> bool:
    return needles(name).in_stream(io.BytesIO(content))


def parquet(table: pa.Table, **how: object) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink, **how)
    return sink.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        f"1,{ANNA},2".encode(), f"1,{ANNA},2".encode("utf-16"), f"1,{ANNA},2".encode("cp1252"),
        json.dumps({"a": [ANNA]}).encode(), json.dumps({"a": ANNA}, ensure_ascii=False).encode(),
        f"<b>{html.escape(ANNA)}</b>".encode(), quote(ANNA).encode(), quote(ANNA, safe="").lower().encode(),
        ('x;"' + ANNA.replace('"', '""') + '"').encode(), gzip.compress(f"x {ANNA}".encode()),
        KEYS.of(ANNA).encode(), json.dumps({"id": KEYS.every(ANNA)[1]}).encode(), b"\0\1xx" + ANNA.encode() + b"yy",
        b"x" * (_BLOCK - 5) + b" " + ANNA.encode() + b" ",
        parquet(pa.table({"a": [None, "x", ANNA]})),
        parquet(pa.table({"a": ["x", f"said {ANNA} once"]}), compression="zstd"),
        parquet(pa.table({"a": [[{"b": ANNA}]]})), parquet(pa.table({"a": [ANNA.encode()]})),
        parquet(pa.table({"a": [json.dumps({"b": ANNA})]})), parquet(pa.table({ANNA: [1]})),
        parquet(pa.table({"a": [1]}).replace_schema_metadata({"by": ANNA})),
        parquet(pa.table({"a": pa.array([ANNA, "x"]).dictionary_encode()}).slice(1), compression="none"),
        b"PAR1 but no Parquet: " + ANNA.encode() + b" ", b"\x1f\x8b but no gzip: " + ANNA.encode(),
    ],
)  # fmt: skip
def test_a_name_is_found(content: bytes) -> None:
    assert found(content)


@pytest.mark.parametrize(
    "content",
    [
        b"", b"nothing", f"jo{ANNA}".encode(), f"{ANNA}2".encode(), gzip.compress(f"jo{ANNA}".encode()),
        b"PAR1", b"\x1f\x8b",
        parquet(pa.table({"a": [f"jo{ANNA}", None]})), parquet(pa.table({"a": pa.array([], pa.string())})),
        KEYS.of("bert").encode(),
    ],
)  # fmt: skip
def test_no_other_name_is_taken_for_it(content: bytes) -> None:
    assert not found(content)


def test_a_database_is_no_hiding_place(tmp_path: Path) -> None:
    """As MLflow's, whose values stand side by side without anything between them."""
    with sqlite3.connect(tmp_path / "mlflow.db") as database:
        database.execute("create table tags (a text, b text, c text)")
        database.execute("insert into tags values ('before', ?, 'after')", (ANNA,))
    assert found((tmp_path / "mlflow.db").read_bytes())


def test_a_name_that_stands_everywhere_is_searched_by_its_pseudonym() -> None:
    for name in ("4711", "anna", "12345678"):
        assert not found(f"size {name} bytes".encode(), name)
        assert found(KEYS.of(name).encode(), name)
    assert found(b"size 123456789 bytes", "123456789")
    assert found(parquet(pa.table({"a": [1, 123456789]})), "123456789")


def test_a_key_is_looked_at_too() -> None:
    assert needles("anna@example.org").in_key("inbox/m/anna@example.org.csv")
    assert needles("anna@example.org").in_key("inbox/m/anna%40example.org.csv")
    assert not needles("anna@example.org").in_key("inbox/m/bert.csv")


def test_erasures_of_one_person_are_called_the_same() -> None:
    anna, bert = checked_subject(" anna@example.org ", KEYS), checked_subject("bert", KEYS)
    assert anna == checked_subject("anna@example.org", KEYS)
    older = Pseudonyms([("1", b"k" * 32)])
    assert erasures_of(checked_subject("anna@example.org", older))[0] == erasures_of(anna)[1]
    assert not {*erasures_of(anna)} & {*erasures_of(bert)}
    assert not any(Needles(anna).in_text(each) for each in erasures_of(anna))


@pytest.mark.parametrize("name", ["", "  ", "x" * 201, "a\nb", "a\0b", "a\ud800b"])
def test_absurd_names_are_refused(name: str) -> None:
    with pytest.raises(Invalid):
        checked_subject(name, KEYS)


def test_names_of_any_script_are_taken() -> None:
    for name in ("王小明的邮箱地址", "Zoë", "🙂" * 200, "0"):
        assert checked_subject(name, KEYS).id == name
    assert Subject("anna@x.org", ()).masked("inbox/anna@x.org.csv") == "inbox/….csv"
