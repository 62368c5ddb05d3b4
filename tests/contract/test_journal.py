"""The fake journal and the Delta table keep one contract."""

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from gyre.aws import once
from gyre.aws.lake import DeltaJournal
from gyre.errors import NotFound
from gyre.journal.lines import lines_of
from gyre.journal.record import JournalRecord, JournalRow
from gyre.journal.table import Journal, Page, Wanted, Window
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
        rows=(JournalRow(id="ä", features={"x": 1.5, "y": None}),),
    )


def events(page: Page) -> list[str]:
    return [line.event_id for line in page.lines]


@pytest.fixture(params=["fake", "delta"])
def journal(request: pytest.FixtureRequest, tmp_path: Path) -> Journal:
    return MemoryJournal() if request.param == "fake" else DeltaJournal(str(tmp_path / "journal"))


def test_an_empty_journal_answers(journal: Journal) -> None:
    assert journal.page(Wanted(), 5) == Page((), None)
    assert journal.about(["p1:A"], 5) == []
    assert journal.erase(["p1:A"]) == 0
    assert journal.figures(Wanted()).calls == 0
    with pytest.raises(NotFound):
        journal.find("event-0001")


def test_a_record_comes_back_whole(journal: Journal) -> None:
    kept = record(1, at=NOON + timedelta(microseconds=7))
    journal.append([kept, record(2)])
    assert journal.find("event-0001") == kept


def test_the_newest_come_first_and_by_model(journal: Journal) -> None:
    journal.append([record(number, at=NOON + timedelta(days=number % 3, seconds=number)) for number in range(6)])
    journal.append([record(9, model="other", at=NOON + timedelta(days=9))])
    assert events(journal.page(Wanted(), 3)) == ["event-0009", "event-0005", "event-0002"]
    assert events(journal.page(Wanted("wine"), 1)) == ["event-0005"]


def test_a_quote_in_an_id_finds_nothing_and_breaks_nothing(journal: Journal) -> None:
    journal.append([record(1)])
    with pytest.raises(NotFound):
        journal.find("x' or '1'='1")


# --- a window of one model --------------------------------------------------------------------------------------------


def test_a_window_holds_a_models_records_since_a_moment(journal: Journal) -> None:
    moments = [NOON + timedelta(seconds=each) for each in (-86_400, -1, 0, 5, 3)]
    journal.append([record(number, at=at) for number, at in enumerate(moments)])
    journal.append([record(9, model="other", at=NOON + timedelta(seconds=4))])
    found = journal.window("wine", NOON, 10)
    assert [each.event_id for each in found.records] == ["event-0003", "event-0004", "event-0002"]
    assert found.records[-1] == record(2)
    assert not found.cut


def test_a_window_is_told_by_the_moment_and_not_by_the_zone(journal: Journal) -> None:
    journal.append([record(1), record(2, at=NOON - timedelta(microseconds=1))])
    since = NOON.astimezone(timezone(timedelta(hours=-13)))
    assert [each.event_id for each in journal.window("wine", since, 10).records] == ["event-0001"]


@pytest.mark.parametrize(("limit", "cut"), [(1, True), (5, True), (6, False), (7, False)])
def test_of_more_than_were_asked_for_the_newest_come(journal: Journal, limit: int, cut: bool) -> None:
    journal.append([record(number, at=NOON + timedelta(seconds=number)) for number in range(6)])
    found = journal.window("wine", NOON, limit)
    assert [each.event_id for each in found.records] == [f"event-{number:04}" for number in (5, 4, 3, 2, 1, 0)][:limit]
    assert found.cut is cut


def test_records_of_one_moment_are_no_more_than_asked_for(journal: Journal) -> None:
    journal.append([record(number) for number in range(9)])
    found = journal.window("wine", NOON, 4)
    assert (len({each.event_id for each in found.records}), found.cut) == (4, True)


def test_an_empty_window_is_whole(journal: Journal) -> None:
    assert journal.window("wine", NOON, 5) == Window((), cut=False)
    journal.append([record(1)])
    assert (
        journal.window("beer", NOON, 5) == journal.window("wine", NOON + timedelta(seconds=1), 5) == Window((), False)
    )


def test_records_that_do_not_fit_into_memory_are_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = DeltaJournal(str(tmp_path / "journal"))
    journal.append([record(number, at=NOON + timedelta(seconds=number)) for number in range(5)])
    (line,) = lines_of(record(1))
    size = sum(len((text or "").encode()) for text in (line.features, line.answer, line.call))
    monkeypatch.setattr(once, "MOST_BYTES", 3 * size + 1)
    found = journal.window("wine", NOON, 4)
    assert [each.event_id for each in found.records] == ["event-0004", "event-0003", "event-0002"]
    assert found.cut
    monkeypatch.setattr(once, "MOST_BYTES", 1)
    assert [each.event_id for each in journal.window("wine", NOON, 4).records] == ["event-0004"]
