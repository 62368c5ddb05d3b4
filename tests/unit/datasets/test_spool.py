"""What was set aside comes back as it was, as often as it is asked for."""

from collections.abc import Iterator

import pyarrow as pa
import pytest

from gyre.datasets.spool import Spool

SCHEMA = pa.schema([("row", pa.int64()), ("codes", pa.list_(pa.string())), ("record", pa.string())])


def batch(*numbers: int) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist(
        [
            {"row": each, "codes": [f"type:{each}", "range:x"] if each % 2 else [], "record": "ä" * each}
            for each in numbers
        ],
        SCHEMA,
    )


@pytest.fixture
def spool() -> Iterator[Spool]:
    with Spool(SCHEMA) as spool:
        yield spool


def rows(spool: Spool) -> list[int]:
    return [number for each in spool.batches() for number in each["row"].to_pylist()]


def test_batches_come_back_in_their_order_as_they_were(spool: Spool) -> None:
    added = [batch(1, 2, 3), batch(4), batch(5, 6)]
    for each in added:
        spool.add(each)
    assert spool.rows == 6
    assert list(spool.batches()) == added


def test_batches_of_no_rows_are_left_out(spool: Spool) -> None:
    spool.add(batch())
    spool.add(batch(1))
    spool.add(batch())
    assert (spool.rows, [each.num_rows for each in spool.batches()]) == (1, [1])


def test_nothing_was_set_aside(spool: Spool) -> None:
    assert (spool.rows, list(spool.batches())) == (0, [])


def test_they_come_back_as_often_as_a_commit_is_tried(spool: Spool) -> None:
    # Given two batches, of which a first try read one only
    spool.add(batch(1, 2))
    spool.add(batch(3))
    assert next(spool.batches()).num_rows == 2
    # When and then
    assert rows(spool) == [1, 2, 3]
    assert rows(spool) == [1, 2, 3]


def test_it_leaves_nothing_open() -> None:
    with Spool(SCHEMA) as spool:
        spool.add(batch(1))
    with pytest.raises(ValueError, match="closed"):
        next(spool.batches())
