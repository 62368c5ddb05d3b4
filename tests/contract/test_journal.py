"""The fake journal and the Delta table keep one contract."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gyre.aws.lake import DeltaJournal
from gyre.errors import NotFound
from gyre.journal.record import JournalRecord
from gyre.journal.table import Journal
from tests.fakes.journal import MemoryJournal

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def record(number: int, model: str = "wine", status: int = 200, at: datetime = NOON) -> JournalRecord:
    return JournalRecord(
        event_id=f"event-{number:04}",
        model=model,
        at=at,
        status=status,
        duration_ms=1.25,
        caller="test",
        correlation_id=f"c-{number}",
        request={"rows": [{"id": "ä", "features": {"x": 1.5, "y": None}}]},
    )


@pytest.fixture(params=["fake", "delta"])
def journal(request: pytest.FixtureRequest, tmp_path: Path) -> Journal:
    return MemoryJournal() if request.param == "fake" else DeltaJournal(str(tmp_path / "journal"))


def test_an_empty_journal_answers(journal: Journal) -> None:
    assert journal.newest(5) == []
    assert journal.volumes(NOON) == []
    with pytest.raises(NotFound):
        journal.find("event-0001")


def test_a_record_comes_back_whole(journal: Journal) -> None:
    kept = record(1, at=NOON + timedelta(microseconds=7))
    journal.append([kept, record(2)])
    assert journal.find("event-0001") == kept


def test_the_newest_come_first_and_by_model(journal: Journal) -> None:
    journal.append([record(number, at=NOON + timedelta(days=number % 3, seconds=number)) for number in range(6)])
    journal.append([record(9, model="other", at=NOON + timedelta(days=9))])
    assert [each.event_id for each in journal.newest(3)] == ["event-0009", "event-0005", "event-0002"]
    assert [each.event_id for each in journal.newest(1, "wine")] == ["event-0005"]


def test_a_quote_in_an_id_finds_nothing_and_breaks_nothing(journal: Journal) -> None:
    journal.append([record(1)])
    with pytest.raises(NotFound):
        journal.find("x' or '1'='1")


def test_volumes_count_calls_and_failures_since_a_moment(journal: Journal) -> None:
    early, late = NOON - timedelta(days=1, seconds=1), NOON + timedelta(minutes=5)
    journal.append([record(1, at=early), record(2), record(3, status=503, at=late), record(4, model="b", status=404)])
    found = {volume.model: volume for volume in journal.volumes(NOON - timedelta(days=1))}
    assert (found["wine"].calls, found["wine"].failed) == (2, 1)
    assert (found["wine"].first_at, found["wine"].last_at) == (NOON, late)
    assert (found["b"].calls, found["b"].failed) == (1, 0)
