import gzip
import io
import json
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from gyre.datasets import profile as module
from gyre.datasets.profile import ColumnProfile, profile_of
from gyre.errors import Invalid, TooLarge

CSV = b"alcohol,colour\n13.5,red\n12.5,white\n,red\n"
COLUMNS = (
    ColumnProfile("alcohol", "number", missing=1, distinct=2, minimum=12.5, maximum=13.5, mean=13.0),
    ColumnProfile("colour", "text", missing=0, distinct=2, most_common="red"),
)


def as_parquet(**columns: object) -> bytes:
    file = io.BytesIO()
    pd.DataFrame(columns).to_parquet(file)
    return file.getvalue()


def as_jsonl(*rows: object) -> bytes:
    return "\n".join(json.dumps(row) for row in rows).encode()


def column(content: bytes, name: str = "x.csv", at: int = 0) -> ColumnProfile:
    return profile_of(name, content).columns[at]


ROWS = ({"alcohol": 13.5, "colour": "red"}, {"alcohol": 12.5, "colour": "white"}, {"alcohol": None, "colour": "red"})
SAME = {
    "wine.csv": CSV,
    "WINE.CSV": CSV,
    "wine.csv.gz": gzip.compress(CSV),
    "wine.jsonl": as_jsonl(*ROWS),
    "wine.jsonl.gz": gzip.compress(as_jsonl(*ROWS)),
    "wine.parquet": as_parquet(alcohol=[13.5, 12.5, None], colour=["red", "white", "red"]),
}


@pytest.mark.parametrize("name", SAME)
def test_one_table_is_the_same_in_every_format(name: str) -> None:
    profile = profile_of(name, SAME[name])
    assert (profile.rows, profile.columns) == (3, COLUMNS)


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("x.csv", b"", "is empty"),
        ("x.csv.gz", gzip.compress(b""), "cannot be read"),
        ("x.csv", b"\n", "cannot be read"),
        ("x.csv", b"a,b\n", "a header and no rows"),
        ("x.parquet", as_parquet(a=[]), "a header and no rows"),
        ("x.jsonl", b"\n", "no columns"),
        ("x.jsonl", b"{}\n{}\n", "no columns"),
        ("x.csv", b"a\n\xff\n", "cannot be read"),
        ("x.csv", b'a\n"open\n', "cannot be read"),
        ("x.jsonl", b'{"a": 1}\nnot json', "cannot be read"),
        ("x.parquet", b"not a parquet file, though long enough", "cannot be read"),
        ("x.parquet", b"PAR1", "cannot be read"),
        ("x.csv.gz", CSV, "not a readable gzip"),
        ("x.csv.gz", gzip.compress(CSV)[:-9], "not a readable gzip"),
        ("x.csv.gz", gzip.compress(CSV) + b"junk", "not a readable gzip"),
        ("x.xlsx", CSV, "unknown ending"),
        ("x", CSV, "unknown ending"),
        ("x.csv.zip", CSV, "unknown ending"),
    ],
)
def test_what_cannot_be_read_is_invalid_with_the_reason(name: str, content: bytes, why: str) -> None:
    with pytest.raises(Invalid, match=why) as refused:
        profile_of(name, content)
    assert name in refused.value.message


def test_an_archive_stops_at_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LIMIT_BYTES", 1000)
    bomb = gzip.compress(b"a\n" + b"1\n" * 100_000)
    assert len(bomb) < 1000
    with pytest.raises(TooLarge, match="1,000 bytes"):
        profile_of("bomb.csv.gz", bomb)


def test_an_archive_is_never_unpacked_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LIMIT_BYTES", 1000)
    asked: list[int] = []
    read: Callable[..., bytes] = gzip.GzipFile.read

    def noted(self: gzip.GzipFile, size: int = -1) -> bytes:
        asked.append(size)
        return read(self, size)

    monkeypatch.setattr(gzip.GzipFile, "read", noted)
    with pytest.raises(TooLarge):
        profile_of("bomb.csv.gz", gzip.compress(b"1\n" * 100_000))
    assert asked == [1001]


@pytest.mark.parametrize(("size", "fits"), [(1000, True), (1001, False)])
def test_the_limit_itself_is_allowed(monkeypatch: pytest.MonkeyPatch, size: int, fits: bool) -> None:
    monkeypatch.setattr(module, "LIMIT_BYTES", 1000)
    content = (b"a\n" + b"1\n" * 500)[: size - 1] + b"\n"
    if fits:
        assert profile_of("x.csv", content).rows
    else:
        with pytest.raises(TooLarge):
            profile_of("x.csv", content)


@pytest.mark.parametrize("figure", ["inf", "-inf", "1e400"])
def test_infinities_become_null(figure: str) -> None:
    found = column(f"a\n1\n{figure}\n".encode())
    assert found.kind == "number"
    assert None in (found.minimum, found.maximum)
    assert found.mean is None


@given(st.lists(st.floats() | st.none(), min_size=1, max_size=8))
def test_every_profile_of_figures_is_json(figures: list[float | None]) -> None:
    content = "a,b\n" + "".join(f"{'' if figure is None else figure},x\n" for figure in figures)
    profile = profile_of("x.csv", content.encode())
    assert profile.rows == len(figures)
    json.dumps(asdict(profile), allow_nan=False)


def test_true_and_false_are_boolean() -> None:
    assert column(b"a\nTrue\nFalse\nTrue\nTrue\n") == ColumnProfile("a", "boolean", 0, 2, mean=0.75)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.csv", b"a,b\nTrue,1\n,1\nTrue,1\n"),
        ("x.parquet", as_parquet(a=pd.array([True, None, True], dtype="boolean"))),
    ],
)
def test_booleans_with_gaps_are_boolean(name: str, content: bytes) -> None:
    assert column(content, name) == ColumnProfile("a", "boolean", missing=1, distinct=1, mean=1.0)


def test_times_are_times() -> None:
    noon = datetime(2026, 11, 21, 12, tzinfo=UTC)
    found = column(as_parquet(at=[noon, noon, None]), "x.parquet")
    assert (found.kind, found.missing, found.distinct) == ("time", 1, 1)
    assert (found.most_common or "").startswith("2026-11-21 12:00:00")


def test_figures_with_gaps_stay_figures() -> None:
    found = column(as_parquet(a=pd.array([1, None, 3], dtype="Int64")), "x.parquet")
    assert found == ColumnProfile("a", "number", missing=1, distinct=2, minimum=1.0, maximum=3.0, mean=2.0)


def test_a_column_without_a_value_has_no_figures() -> None:
    assert column(b"a,b\n,1\n,2\n") == ColumnProfile("a", "text", missing=2, distinct=0)


def test_nested_values_are_told_as_text() -> None:
    assert column(as_jsonl({"a": {"b": 1}}, {"a": [1]}), "x.jsonl").kind == "text"


def test_a_long_text_is_told_in_short() -> None:
    assert len(column(b"a\n" + b"x" * 5000 + b"\n").most_common or "") == 200


def test_columns_of_one_name_are_all_told() -> None:
    profile = profile_of("x.csv", b"a,a\n1,2\n")
    assert [(each.minimum, each.name.startswith("a")) for each in profile.columns] == [(1.0, True), (2.0, True)]


def test_a_parquet_with_columns_of_one_name_is_refused() -> None:
    file = io.BytesIO()
    parquet.write_table(pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"]), file)
    with pytest.raises(Invalid, match="cannot be read"):
        profile_of("x.parquet", file.getvalue())


def test_values_never_slip_under_another_column() -> None:
    """A row with one value more than the header has names: pandas would take the first value as an index."""
    try:
        found = column(b"a,b\n1,2,3\n4,5,6\n")
    except Invalid:
        return
    assert (found.name, found.minimum, found.maximum) == ("a", 1.0, 4.0)
