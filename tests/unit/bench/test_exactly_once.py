"""The count of `python -m bench exactly-once` sees each way to be wrong, and its load is what it says."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from deltalake import DeltaTable, write_deltalake

from bench.exactly_once.calls import Load, make_load
from bench.exactly_once.count import Counted, count
from gyre.aws.lake import DeltaJournal
from gyre.journal.outlet import parcel, unpack
from gyre.journal.record import JournalRecord
from tests.fakes.objects import MemoryBucket

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def load() -> Load:
    return make_load(["load-a", "load-b"], 300, 0.2, NOON, seed=7)


def counted(folder: Path, load: Load, records: Sequence[JournalRecord]) -> Counted:
    journal = DeltaJournal(str(folder))
    journal.append(records)
    return count(DeltaTable(str(folder / "predictions")), load.expected)


def test_a_journal_with_each_call_once_is_right(tmp_path: Path, load: Load) -> None:
    found = counted(tmp_path, load, [each.record() for each in load.calls])
    assert found.is_right
    assert (found.calls, found.lines) == (300, sum(max(1, each.rows) for each in load.calls))
    assert str(found).endswith("none missing, none doubled, none torn")


def test_a_call_that_is_missing_is_seen(tmp_path: Path, load: Load) -> None:
    found = counted(tmp_path, load, [each.record() for each in load.calls[1:]])
    assert (found.missing, found.doubled, found.torn, found.foreign) == ([load.calls[0].event_id], [], [], [])
    assert not found.is_right and load.calls[0].event_id in str(found)


@pytest.mark.parametrize("rows", [0, 1, 3])
def test_a_call_that_is_there_twice_is_seen(tmp_path: Path, load: Load, rows: int) -> None:
    """As a second append would write it that does not look."""
    bad = next(each for each in load.calls if each.rows == rows)
    counted(tmp_path, load, [each.record() for each in load.calls])
    other = tmp_path / "other"
    DeltaJournal(str(other)).append([bad.record()])
    write_deltalake(
        str(tmp_path / "predictions"), DeltaTable(str(other / "predictions")).to_pyarrow_table(), mode="append"
    )
    found = count(DeltaTable(str(tmp_path / "predictions")), load.expected)
    assert (found.missing, found.doubled, found.torn, found.foreign) == ([], [bad.event_id], [], [])


@pytest.mark.parametrize("change", ["a row less", "another row", "another day", "another model"])
def test_a_call_that_is_not_whole_is_seen(tmp_path: Path, load: Load, change: str) -> None:
    bad = next(each for each in load.calls if each.rows == 3)
    record = bad.record()
    changed = {
        "a row less": {"rows": record.rows[:2]}, "another row": {"rows": (*record.rows[:2], record.rows[0])},
        "another day": {"at": record.at - timedelta(days=1)}, "another model": {"model": "load-c"},
    }[change]  # fmt: skip
    others = [each.record() for each in load.calls if each is not bad]
    found = counted(tmp_path, load, [*others, record.model_copy(update=changed)])
    assert not found.is_right
    wrong = found.missing if change == "another model" else found.torn
    assert wrong == [bad.event_id]


def test_a_call_that_nobody_made_is_seen(tmp_path: Path, load: Load) -> None:
    extra = load.calls[0].record().model_copy(update={"event_id": "event-0001"})
    found = counted(tmp_path, load, [*(each.record() for each in load.calls), extra])
    assert (found.foreign, found.missing, found.doubled) == (["event-0001"], [], [])


def test_a_load_is_the_calls_in_no_order_with_its_doubles(load: Load) -> None:
    sent = Counter([*load.first, *load.late])
    assert (len(load.calls), load.messages) == (300, 360)
    assert set(sent) == set(range(300)) and max(sent.values()) >= 2
    assert 5 <= len(load.late) <= 30
    assert set(range(300)) <= set(load.first)
    assert list(load.first) != sorted(load.first)
    assert len({each.event_id for each in load.calls}) == 300
    assert {f"{each.at:%Y-%m-%d}" for each in load.calls} == {"2026-11-20", "2026-11-21"}
    jumps = [abs(one - other) for one, other in pairwise(load.first)]
    assert min(jumps) < 10 and max(jumps) > 100, "some are minutes apart, some a day"
    gaps = [
        abs(one - other)
        for number, times in Counter(load.first).items() if times == 2
        for one, other in [[at for at, each in enumerate(load.first) if each == number]]
    ]  # fmt: skip
    assert min(gaps) < 60 < max(gaps)


def test_a_large_call_is_too_large_for_a_message() -> None:
    load = make_load(["load-a"], 1_001, 0, NOON, seed=1)
    large = [each for each in load.calls if each.large]
    assert len(large) == 1
    data = MemoryBucket()
    body = parcel(large[0].record(), data, 250_000)
    assert len(body) < 1_000 and unpack(body, data) == large[0].record()
