"""The fake book of traffic and the one over the Delta table keep one contract, each over its own journal."""

from datetime import UTC, datetime, timedelta, timezone
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from deltalake import DeltaTable

from gyre.aws.lake import DeltaJournal
from gyre.aws.traffic import _COLD, DeltaTraffic
from gyre.journal.lines import lines_of
from gyre.journal.record import Fault, JournalRecord, JournalRow, Served
from gyre.journal.table import Journal
from gyre.monitoring.figures.traffic import BOUNDS, Traffic, TrafficBook
from tests.fakes.journal import MemoryJournal
from tests.fakes.traffic import MemoryTraffic

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
Setting = tuple[Journal, TrafficBook]
EVENTS = count(1)


@pytest.fixture(params=["fake", "delta"])
def setting(request: pytest.FixtureRequest, tmp_path: Path) -> Setting:
    if request.param == "fake":
        journal = MemoryJournal()
        return journal, MemoryTraffic(journal)
    uri = str(tmp_path / "journal")
    return DeltaJournal(uri), DeltaTraffic(uri)


def call(*versions: int | None, **other: Any) -> JournalRecord:
    """With a row for each version that answered."""
    told: dict[str, Any] = {
        "event_id": f"event-{next(EVENTS):05}", "model": "wine", "at": NOON, "status": 200, "duration_ms": 4.0,
        "caller": "test", "correlation_id": "c-1",
        "rows": tuple(JournalRow(version=version, features={"x": 1.5}) for version in versions),
    }  # fmt: skip
    return JournalRecord(**told | other)


def by(found: list[Traffic]) -> dict[tuple[str | None, int | None, str, int], Traffic]:
    told = {(each.model, each.version, each.kind, each.status): each for each in found}
    assert len(told) == len(found)
    return told


def figures(found: list[Traffic]) -> dict[tuple[str | None, int | None, str, int], tuple[int, int, int]]:
    return {key: (each.calls, each.rows, each.cold) for key, each in by(found).items()}


def test_an_empty_journal_has_no_traffic(setting: Setting) -> None:
    assert setting[1].today(NOON) == []


def test_calls_and_rows_are_counted_by_model_release_kind_and_status(setting: Setting) -> None:
    journal, book = setting
    journal.append([
        call(1, 1, 1), call(1), call(1, status=503), call(2, kind="batch"), call(2, kind="shadow"),
        call(1, model="beer"), call(status=422, error=Fault(code="invalid", message="x")), call(model=None, status=404),
    ])  # fmt: skip
    assert figures(book.today(NOON)) == {
        ("wine", 1, "online", 2): (2, 4, 0),
        ("wine", 1, "online", 5): (1, 1, 0),
        ("wine", 2, "batch", 2): (1, 1, 0),
        ("wine", 2, "shadow", 2): (1, 1, 0),
        ("beer", 1, "online", 2): (1, 1, 0),
        ("wine", None, "online", 4): (1, 0, 0),
        (None, None, "online", 4): (1, 0, 0),
    }


def test_a_call_that_several_releases_answered_counts_where_its_first_row_does(setting: Setting) -> None:
    journal, book = setting
    journal.append([call(1, 2, 2), call(2, 1)])
    found = by(book.today(NOON))
    assert {version: (each.calls, each.rows) for (_, version, _, _), each in found.items()} == {1: (1, 2), 2: (1, 3)}


def test_the_day_is_that_of_utc(setting: Setting) -> None:
    journal, book = setting
    midnight = NOON.replace(hour=0)
    journal.append([
        call(1, at=midnight - timedelta(microseconds=1)), call(1, at=midnight),
        call(1, at=midnight + timedelta(days=1) - timedelta(microseconds=1)), call(1, at=midnight + timedelta(days=1)),
    ])  # fmt: skip
    assert [each.calls for each in book.today(NOON)] == [2]
    assert [each.calls for each in book.today(NOON.astimezone(timezone(timedelta(hours=13))))] == [2]


def test_counters_grow_and_a_copy_of_a_record_is_none(setting: Setting) -> None:
    journal, book = setting
    first = call(1)
    journal.append([first])
    assert [each.calls for each in book.today(NOON)] == [1]
    journal.append([first, call(1)])
    assert [each.calls for each in book.today(NOON)] == [2]


def test_what_a_person_has_erased_stays_counted(setting: Setting) -> None:
    journal, book = setting
    journal.append([call(1).model_copy(update={"rows": (JournalRow(id="p1:A", version=1),)}), call(1)])
    before = book.today(NOON)
    assert journal.erase(["p1:A"]) == 1
    assert book.today(NOON) == before


def test_a_cold_start_is_told_by_the_call_alone_whatever_callers_send(setting: Setting) -> None:
    journal, book = setting
    lie = '"cold":true'
    journal.append([
        call(1, 1, cold=True), call(1),
        call(1, asked=lie, correlation_id=lie, served=(Served(version=1, fault=lie, unit=lie),)),
        call(1, times={"cold": 1.0}, error=Fault(code=lie, message=lie, field=lie)),
    ])  # fmt: skip
    assert figures(book.today(NOON)) == {("wine", 1, "online", 2): (4, 5, 1)}


def test_the_text_that_a_cold_start_is_found_by_is_what_is_written() -> None:
    """Where the journal's JSON is written otherwise one day, the query would count nothing."""
    for cold in (True, False):
        (line,) = lines_of(call(1, cold=cold))
        assert (_COLD.split("%")[1] in line.call) is cold


def test_durations_fall_at_or_below_their_bounds(setting: Setting) -> None:
    journal, book = setting
    took = [5.0, 5.001, 30_000.0, 30_001.0, 0.0]
    journal.append([call(1, 1, duration_ms=each) for each in took])
    (found,) = book.today(NOON)
    assert found.took.within == tuple(sum(each <= bound * 1000 for each in took) for bound in BOUNDS)
    assert found.took.within[:2] == (2, 3) and found.took.within[-1] == 4
    assert (found.took.count, found.took.total) == (5, pytest.approx(60.011_001))


def test_only_the_partitions_of_today_are_read(tmp_path: Path) -> None:
    """What a scrape costs must not grow with the age of the journal: the files of other days are gone here."""
    journal = DeltaJournal(str(tmp_path))
    for days in range(3):
        journal.append([call(1, at=NOON - timedelta(days=days))])
    table = DeltaTable(str(tmp_path / "predictions"))
    for file in table.file_uris():
        if "day=2026-11-22" not in file:
            Path(file).unlink()
    assert [each.calls for each in DeltaTraffic(str(tmp_path)).today(NOON)] == [1]
