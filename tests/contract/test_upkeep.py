"""Files put together and removed, while somebody reads and writes."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from bench.directory import DirectoryBucket
from gyre.aws.lake import DeltaJournal
from gyre.aws.upkeep import DeltaUpkeep
from gyre.journal.table import Wanted
from tests.contract.test_journal_lines import ADA, NOON, call, person

PREFIX = "journal/predictions/"
LATER = timedelta(hours=2)


class Place:
    """A journal in a folder, with everything that belongs to it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.journal = DeltaJournal(str(folder / "journal"))
        self.data = DirectoryBucket(folder)
        self.upkeep = DeltaUpkeep(DeltaJournal(str(folder / "journal")).table, self.data, PREFIX)

    def append(self, first: int, last: int) -> None:
        for number in range(first, last):
            self.journal.append([call(number, Random(number))])

    @property
    def files(self) -> set[str]:
        return {
            str(each.relative_to(self.folder))
            for each in self.folder.rglob("*.parquet")
            if "_delta_log" not in str(each)
        }

    def seen(self) -> list[object]:
        return list(self.journal.page(Wanted(), 10_000).lines)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_an_empty_journal_needs_nothing(place: Place) -> None:
    assert (
        place.upkeep.compact()
        == place.upkeep.expire("wine", "2027-01-01")
        == place.upkeep.sweep(datetime.now(UTC))
        == 0
    )


def test_small_files_become_large_ones_and_say_the_same(place: Place) -> None:
    place.append(0, 30)
    before, lines = place.files, place.seen()
    together = place.upkeep.compact()
    assert together >= 20
    assert place.seen() == lines
    assert place.files > before  # nobody who reads loses a file
    assert place.upkeep.compact() == 0

    assert place.upkeep.sweep(datetime.now(UTC) - LATER) == 0
    place.append(30, 31)
    assert place.upkeep.sweep(datetime.now(UTC) + LATER) == together
    assert len(place.files & before) == len(before) - together
    assert [line for line in place.seen() if line in lines] == lines
    assert place.journal.append([call(3, Random(3))]) == frozenset()


def test_who_reads_and_writes_meanwhile_notices_nothing(place: Place) -> None:
    """Swept at once, which is sooner than any function would."""
    place.append(0, 10)

    def tidied() -> None:
        mine = DeltaUpkeep(DeltaJournal(str(place.folder / "journal")).table, place.data, PREFIX)
        for _ in range(15):
            mine.compact()

    with ThreadPoolExecutor(1) as beside:
        busy = beside.submit(tidied)
        for number in range(10, 50):
            place.append(number, number + 1)
            assert len({line.event_id for line in place.seen()}) == number + 1  # type: ignore[attr-defined]
        busy.result(60)


def test_a_reader_whose_file_is_gone_reads_again(place: Place) -> None:
    place.append(0, 8)
    lines = place.seen()  # the table is known as it is now
    place.upkeep.compact()
    place.upkeep.sweep(datetime.now(UTC) + LATER)
    assert place.seen() == lines


def test_what_no_commit_names_goes_in_its_time(place: Place) -> None:
    place.append(0, 2)
    orphan = place.folder / PREFIX / "model=wine/day=2026-11-21/orphan.parquet"
    orphan.parent.mkdir(parents=True, exist_ok=True)
    orphan.write_bytes(b"of a writer who was killed")
    assert place.upkeep.sweep(datetime.now(UTC) - LATER) == 0 and orphan.exists()
    assert place.upkeep.sweep(datetime.now(UTC) + LATER) == 1 and not orphan.exists()


def test_days_before_a_day_go_of_one_model_alone(place: Place) -> None:
    days = [person(number, ADA).model_copy(update={"at": NOON + timedelta(days=number)}) for number in range(4)]
    others = [each.model_copy(update={"event_id": f"other-{n}-xx", "model": "beer"}) for n, each in enumerate(days)]
    for each in (*days, *others):
        place.journal.append([each])
    assert place.upkeep.expire("wine", "2026-11-23") == 2
    assert place.upkeep.expire("wine", "2026-11-23") == 0
    assert place.upkeep.expire("it's", "2026-11-23") == 0
    place.journal.append([days[0].model_copy(update={"event_id": "nobodys-xx", "model": None})])
    assert (place.upkeep.expire(None, "2026-11-21"), place.upkeep.expire(None, "2026-11-22")) == (0, 1)
    kept = {line.event_id for line in place.journal.page(Wanted(), 100).lines}
    assert kept == {"person-0002", "person-0003", "other-0-xx", "other-1-xx", "other-2-xx", "other-3-xx"}
