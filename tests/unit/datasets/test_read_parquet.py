import datetime as dt
import io
import math
import random
import uuid
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gyre.datasets import read_parquet
from gyre.datasets.source import CHUNK_BYTES, CHUNK_ROWS, open_upload
from gyre.errors import Conflict, GyreError, Invalid, TooLarge
from gyre.spec.reading import Reading
from tests.unit.datasets.opening import cells, opened, read_all, rows, taken


def parquet(columns: dict[str, Any] | pa.Table, **options: Any) -> bytes:
    file = io.BytesIO()
    pq.write_table(columns if isinstance(columns, pa.Table) else pa.table(columns), file, **options)
    return file.getvalue()


def column(values: Any, **reading: Any) -> list[str | None]:
    return [row[0] for row in rows("a.parquet", parquet({"a": values}), **reading)]


TIME = dt.datetime.fromisoformat("2024-02-29T12:30:05")


@pytest.mark.parametrize(
    ("values", "cell"),
    [
        (pa.array(["x"]), "x"),
        (pa.array(["x"], pa.large_string()), "x"),
        (pa.array(["é€𝄞"], pa.string_view()), "é€𝄞"),
        (pa.array([b"x"]), "x"),
        (pa.array([b"xyz"], pa.binary(3)), "xyz"),
        (pa.array(["x"]).dictionary_encode(), "x"),
        (pa.array([""]), None),
        (pa.array(["NA"]), "NA"),
        (pa.array([" "]), " "),
        (pa.nulls(1), None),
        (pa.array([None], pa.float64()), None),
        (pa.array([True]), "true"),
        (pa.array([False]), "false"),
        (pa.array([-128], pa.int8()), "-128"),
        (pa.array([2**63 - 1]), "9223372036854775807"),
        (pa.array([2**64 - 1], pa.uint64()), "18446744073709551615"),
        (pa.array([3.0]), "3"),
        (pa.array([-0.0]), "-0"),
        (pa.array([0.1]), "0.1"),
        (pa.array([0.1], pa.float32()), "0.1"),
        (pa.array(np.array([1.5], np.float16)), "1.5"),
        (pa.array([1234567890123456.0]), "1234567890123456"),
        (pa.array([4915112345678.0]), "4915112345678"),
        (pa.array([10000000000.5]), "10000000000.5"),
        (pa.array([1e16]), "1e+16"),
        (pa.array([math.nan]), None),
        (pa.array([-math.inf]), "-inf"),
        (pa.array([Decimal("1.50")]), "1.50"),
        (pa.array([Decimal("-12345678901234567890.123")]), "-12345678901234567890.123"),
        (pa.array([dt.date(2024, 2, 29)]), "2024-02-29"),
        (pa.array([dt.date(2024, 2, 29)], pa.date64()), "2024-02-29"),
        (pa.array([TIME], pa.timestamp("s")), "2024-02-29T12:30:05"),
        (pa.array([TIME.replace(second=50)], pa.timestamp("ns")), "2024-02-29T12:30:50"),
        (pa.array([TIME.replace(microsecond=120_000)]), "2024-02-29T12:30:05.12"),
        (pa.array([TIME.replace(tzinfo=dt.UTC)]), "2024-02-29T12:30:05Z"),
        (pa.array([TIME], pa.timestamp("us", "Europe/Berlin")), "2024-02-29T12:30:05Z"),
        (pa.array([TIME], pa.timestamp("us", "No/Such")), "2024-02-29T12:30:05Z"),
        (pa.array([dt.time(1, 2, 0)]), "01:02:00"),
        (pa.array([dt.time(1, 2, 3, 40)]), "01:02:03.00004"),
        (pa.array([uuid.UUID(int=7).bytes], pa.uuid()), "00000000-0000-0000-0000-000000000007"),
    ],
    ids=lambda each: str(each.type) if isinstance(each, pa.Array) else None,
)
def test_a_value_is_told_as_text(values: pa.Array, cell: str | None) -> None:
    assert column(values) == [cell]


@settings(deadline=None)
@given(st.lists(st.floats() | st.none() | st.integers(-(2**53), 2**53).map(float), min_size=1))
def test_any_float_is_told_without_loss(values: list[float | None]) -> None:
    told = column(pa.array(values, pa.float64()))
    for value, cell in zip(values, told, strict=True):
        if value is None or math.isnan(value):
            assert cell is None
        else:
            assert cell is not None and float(cell) == value
            assert not value.is_integer() or abs(value) >= 1e16 or cell == repr(value)[:-2]


def test_times_of_old_writers_are_told_beyond_the_reach_of_nanoseconds() -> None:
    content = parquet({"a": pa.array([dt.datetime.fromisoformat("9999-12-31")])}, use_deprecated_int96_timestamps=True)
    assert rows("a.parquet", content) == [("9999-12-31T00:00:00",)]


def test_fractions_are_written_as_the_models_other_files_write_them() -> None:
    assert column(pa.array([1.5]), decimal=",") == ["1,5"]
    assert column(pa.array([Decimal("1.50")]), decimal=",") == ["1,50"]
    assert column(pa.array(["1.5"]), decimal=",") == ["1.5"]


def test_a_frame_of_pandas_comes_back() -> None:
    frame = pd.DataFrame({" n ": [1, 2, None], "c": pd.Categorical(["x", "y", None]), "b": [True, None, False]})
    found = opened("a.PARQUET", parquet(pa.Table.from_pandas(frame, preserve_index=False), compression="zstd"))
    assert found.facts == {"format": "parquet", "compression": "internal", "rows": "3"}
    assert found.columns == ("n", "c", "b")
    table, numbers, _ = taken(found)
    assert cells(table) == [("1", "x", "true"), ("2", "y", None), (None, None, "false")]
    assert numbers == [1, 2, 3]


@pytest.mark.parametrize(
    "values",
    [
        pa.array([[1]]),
        pa.array([{"x": 1}]),
        pa.array([[("k", 1)]], pa.map_(pa.string(), pa.int64())),
        pa.array([[1.0, 2.0]], pa.list_(pa.float64(), 2)),
        pa.array([dt.timedelta(1)]),
    ],
    ids=lambda each: str(each.type),
)
def test_a_column_of_more_than_plain_values_is_invalid(values: pa.Array) -> None:
    with pytest.raises(Invalid, match=r"a\.parquet: column 'inner' holds .* leave it out"):
        opened("a.parquet", parquet({"outer": pa.nulls(len(values), pa.int64()), "inner": values}))


def test_bytes_that_are_no_text_are_invalid() -> None:
    wrong = pa.Array.from_buffers(pa.string(), 1, pa.array([b"\xff"]).buffers())
    for values in (pa.array([b"\xff"]), wrong):
        with pytest.raises(Invalid, match=r"a\.parquet: column 'a' holds bytes that are not UTF-8 text"):
            read_all("a.parquet", parquet({"a": values}))


def test_names_of_columns_are_checked() -> None:
    one = pa.array([1])
    with pytest.raises(Invalid, match="more than one column named 'a'"):
        opened("a.parquet", parquet(pa.table([one, one], names=["a", "a "])))
    with pytest.raises(Invalid, match="column 1 of 2 has no name"):
        opened("a.parquet", parquet({"": one, "b": one}))
    with pytest.raises(Invalid, match="has no columns"):
        opened("a.parquet", parquet(pa.table({})))
    with pytest.raises(TooLarge, match="2,001 columns"):
        opened("a.parquet", parquet({f"c{at}": one for at in range(2001)}))


def test_names_may_hold_dots() -> None:
    content = parquet({"a": ["x" * 1000] * 30_000, "a.b": ["y" * 1000] * 30_000})
    assert rows("a.parquet", content)[-1] == ("x" * 1000, "y" * 1000)


def test_no_rows_are_invalid() -> None:
    with pytest.raises(Invalid, match=r"a\.parquet has columns and no rows"):
        opened("a.parquet", parquet({"a": pa.array([], pa.string())}))


def _mixed(count: int) -> dict[str, Any]:
    chance = random.Random(1)
    return {
        "n": [chance.random() for _ in range(count)],
        "t": [f"text {chance.randrange(count)}" for _ in range(count)],
        "c": [chance.choice(["x", "y", None]) for _ in range(count)],
    }


@pytest.mark.parametrize("compression", ["snappy", "gzip", "none"])
def test_row_groups_follow_each_other(compression: str) -> None:
    table = pa.table(_mixed(150_000))
    found, numbers, _ = taken(opened("a.parquet", parquet(table, row_group_size=70_000, compression=compression)))
    assert numbers == list(range(1, 150_001))
    assert found["t"].to_pylist() == table["t"].to_pylist()
    assert list(map(float, found["n"].to_pylist())) == table["n"].to_pylist()


def test_a_broken_file_is_invalid_whatever_broke() -> None:
    # given
    content = parquet(_mixed(2000), write_page_checksum=True)
    chance = random.Random(2)
    broken = [b"no parquet at all", b"PAR1", content[:-1], content[: len(content) // 2], content[4:], content * 2]
    for _ in range(200):
        at, length = chance.randrange(len(content)), chance.randrange(1, 20)
        broken.append(content[:at] + chance.randbytes(length) + content[at + length :])
    # when
    words = [_refusal(each) for each in broken]
    # then
    assert sum(map(bool, words)) > 190  # a statistic that nobody reads may be wrong
    assert all(each.startswith("a.parquet") for each in words if each)


def _refusal(content: bytes) -> str:
    try:
        read_all("a.parquet", content)
    except GyreError as error:
        return error.message
    return ""


def test_no_damage_to_the_footer_ends_the_process() -> None:
    content = parquet({"a": ["x", None], "b": [1, 2]})
    for at in range(len(content) - 8 - int.from_bytes(content[-8:-4], "little"), len(content)):
        for byte in (0, content[at] ^ 1, content[at] ^ 0x10):
            words = _refusal(content[:at] + bytes([byte]) + content[at + 1 :])
            assert not words or words.startswith("a.parquet")


def test_cells_that_are_missing_are_no_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_parquet, "UNPACKED_FREELY", 1_000_000)
    content = parquet({f"c{at}": pa.nulls(100_000, pa.float64()) for at in range(10)})
    assert len(content) * 200 < 4_000_000
    assert len(rows("a.parquet", content)) == 100_000


@pytest.mark.parametrize("content", [b"PAR1 and no more", b"a,b\n1,2\n"])
def test_what_is_no_parquet_is_told_as_such(content: bytes) -> None:
    with pytest.raises(Invalid, match=r"a\.parquet is not a whole Parquet file: .* Write it and upload it again"):
        opened("a.parquet", content)


def test_too_many_rows_are_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_parquet, "MAX_ROWS", 1_000_000)
    content = parquet({"a": pa.nulls(1_000_001, pa.bool_())})
    assert len(content) < 3000
    with pytest.raises(TooLarge, match=r"a\.parquet has 1,000,001 rows; 1,000,000 are the most"):
        opened("a.parquet", content)


def test_a_small_file_that_says_it_unpacks_to_a_huge_one_is_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_parquet, "UNPACKED_FREELY", 10_000_000)
    content = parquet({"a": pa.array([0.0] * 2_000_000)}, use_dictionary=False, compression="zstd")
    with pytest.raises(TooLarge, match=r"a\.parquet unpacks to more than 200 times its size"):
        opened("a.parquet", content)


LONG = "x" * 1_000_000


def test_a_small_file_that_unpacks_to_a_huge_one_unawares_is_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_parquet, "UNPACKED_FREELY", 100_000_000)
    with pytest.raises(TooLarge, match=r"a\.parquet unpacks to more than 200 times its size"):
        read_all("a.parquet", parquet({"a": [LONG] * 200}))


@pytest.mark.parametrize("kind", [pa.string(), pa.dictionary(pa.int32(), pa.string()), pa.binary()])
def test_a_long_text_that_is_written_once_does_not_fill_the_memory(kind: pa.DataType) -> None:
    values = pa.DictionaryArray.from_arrays(pa.array([0, 1] * 150, pa.int32()), pa.array([LONG, "y"]))
    content = parquet({"a": values if kind == values.type else values.cast(kind), "b": list(range(300))})
    assert len(content) < 100_000
    chunks = list(opened("a.parquet", content).chunks)
    assert max(chunk.rows.nbytes for chunk in chunks) <= read_parquet.SKEWED_CHUNK_BYTES
    assert [cell for chunk in chunks for cell in chunk.rows.column(0).to_pylist()] == [LONG, "y"] * 150


def test_chunks_are_of_a_size() -> None:
    content = parquet({"a": pa.nulls(200_000, pa.int64()), "b": ["x" * 1000] * 200_000}, use_dictionary=False)
    for chunk in opened("a.parquet", content).chunks:
        assert len(chunk.rows) <= CHUNK_ROWS
        assert chunk.rows.nbytes <= 1.5 * CHUNK_BYTES


def test_a_row_longer_than_a_chunk_is_invalid() -> None:
    content = parquet({"a": ["x", "y" * (CHUNK_BYTES + 1)]}, use_dictionary=False)
    with pytest.raises(Invalid, match=r"a\.parquet: row 2 is longer than 16 MiB"):
        read_all("a.parquet", content)


class Watched(io.BytesIO):
    """A file that remembers the largest read, and that somebody may replace."""

    largest, replaced = 0, False

    def read(self, size: int | None = -1, /) -> bytes:
        if self.replaced:
            raise Conflict("changed")
        content = super().read(size)
        self.largest = max(self.largest, len(content))
        return content


def test_a_row_group_is_never_read_whole() -> None:
    chance = np.random.default_rng(1)
    file = Watched(parquet({"a": chance.random(2_000_000)}, row_group_size=2_000_000))
    assert sum(len(chunk.rows) for chunk in open_upload("a.parquet", file, Reading()).chunks) == 2_000_000
    assert file.largest <= 2 * 1024 * 1024


def test_an_error_of_the_stream_comes_as_it_is() -> None:
    chance = np.random.default_rng(1)
    file = Watched(parquet({"a": chance.random(2_000_000)}, row_group_size=2_000_000))
    chunks = open_upload("a.parquet", file, Reading()).chunks
    next(chunks)
    file.replaced = True
    with pytest.raises(Conflict, match="changed"):
        list(chunks)
