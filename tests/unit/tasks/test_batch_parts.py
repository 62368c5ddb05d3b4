"""Parts of a file, written and put together: what a cell may hold, and how much of it is in memory."""

import csv
import gzip
import io
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gyre.datasets import ranges
from gyre.tasks.batch.join import Blocks, packed
from gyre.tasks.batch.parts import csv_lines
from tests.unit.tasks.batching import HEADER, Batching, pets, read_parquet

CELLS = st.one_of(st.none(), st.text(st.sampled_from("ab;,'\"\n\r é\u2028"), max_size=8))


@given(
    st.integers(2, 4).flatmap(lambda width: st.lists(st.tuples(*[CELLS] * width), min_size=1, max_size=8)),
    st.sampled_from([(",", '"'), (";", "'"), ("\t", '"'), ("|", "'")]),
)  # fmt: skip
@settings(deadline=None)
def test_every_cell_comes_out_of_the_lines_as_it_went_in(
    rows: list[tuple[str | None, ...]], marks: tuple[str, str]
) -> None:
    delimiter, quote = marks
    columns = [pa.array(cells, pa.string()) for cells in zip(*rows, strict=True)]
    told = csv_lines(columns, delimiter, quote).decode()
    found = list(csv.reader(io.StringIO(told, newline=""), delimiter=delimiter, quotechar=quote))
    assert found == [[cell or "" for cell in row] for row in rows]


def test_a_part_of_an_array_gives_its_own_lines_alone() -> None:
    cells = pa.array(["a", "b", None, "d"], pa.string())
    assert csv_lines([cells.slice(1, 2), cells.slice(2, 2)], ",", '"') == b"b,\n,d\n"
    assert csv_lines([cells.slice(0, 0)] * 2, ",", '"') == b""


@given(st.lists(st.binary(max_size=20), max_size=12), st.integers(1, 9))
@settings(deadline=None)
def test_blocks_are_read_in_any_size(blocks: list[bytes], size: int) -> None:
    stream = Blocks(blocks)
    assert b"".join(iter(lambda: stream.read(size), b"")) == b"".join(blocks)
    assert Blocks(blocks).read() == b"".join(blocks)
    assert gzip.decompress(b"".join(packed(blocks))) == b"".join(blocks)


def test_what_is_packed_twice_is_the_same() -> None:
    assert b"".join(packed([b"a" * 1000])) == b"".join(packed([b"a" * 400, b"a" * 600]))


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.parquet"])
def test_no_more_than_a_part_is_in_memory(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given answers that are taken as a stream: the next part is opened when the last one is out."""
    from tests.unit.tasks.test_batch import FORMS

    monkeypatch.setattr(ranges, "RANGE_ROWS", 20)
    monkeypatch.setattr(ranges, "_PIECE_ROWS", 5)
    monkeypatch.setattr(ranges, "_LEAST_PIECE", 40)
    world, happened = Batching().release(), list[str]()
    opening, streaming = world.data.open, world.data.write_stream

    def opened(key: str, version: str | None = None) -> Any:
        if "/parts/" in key:
            happened.append("part")
        return opening(key, version)

    def told(key: str, stream: Any) -> Any:
        def reads() -> Iterator[bytes]:
            while block := stream.read(512):
                happened.append("block")
                yield block

        return streaming(key, Blocks(reads()))

    world.data.open, world.data.write_stream = opened, told  # type: ignore[method-assign]
    write = next(write for known, write, _ in FORMS.values() if known == name)
    world.predict(name, write(pets(200)))
    parts = [at for at, what in enumerate(happened) if what == "part"]
    assert len(parts) >= 5
    if name != "a.csv.gz":  # gzip keeps what it has to itself for a while
        assert all(happened[at + 1] == "block" for at in parts[:-1])


def test_parquet_keeps_the_types_of_its_columns() -> None:
    """Given dictionaries, decimals, times and nested metadata, over several parts."""
    columns: dict[str, Any] = {name: [row[name] for row in pets(30)] for name in HEADER}
    table = pa.table({
        **columns,
        "age": pa.array([float(each) for each in columns["age"]], pa.float32()),
        "colour": pa.array(columns["colour"]).dictionary_encode(),
        "born": pa.array(range(30), pa.timestamp("ms", tz="Europe/Berlin")),
        "cost": pa.array(range(30), pa.int64()).cast(pa.decimal128(25, 2)),
    })  # fmt: skip
    sink = io.BytesIO()
    pq.write_table(table, sink, row_group_size=10)
    out = Batching().release().predict("a.parquet", sink.getvalue())
    found = pq.read_table(io.BytesIO(out))
    for field in table.schema:
        assert found.schema.field(field.name).type == field.type, field.name
    assert found.select(table.column_names).to_pylist() == table.to_pylist()
    assert [each["error"] for each in read_parquet(out)] == [None] * 30
