"""Files beside the journal that hold a person: of refused commits, of tidied logs."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import pytest
from deltalake import DeltaTable

from gyre.errors import NotFound
from gyre.feedback.labels import Label
from gyre.objects import StoredObject
from gyre.subjects import eraser
from gyre.subjects.journal_place import JournalPlace, SinkPlace
from gyre.subjects.journal_sweep import WRITER_SECONDS, JournalSweep
from gyre.subjects.place import Step
from gyre.subjects.work import Diary
from tests.fakes import objects
from tests.unit.subjects.kept import ANNA, BERT, Kept

ROOT = "journal/predictions/"
NOW = datetime(2026, 11, 1, tzinfo=UTC)
SOON, LATE = (NOW.timestamp() + seconds for seconds in (WRITER_SECONDS / 2, 2 * WRITER_SECONDS))


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kept:
    monkeypatch.setattr(objects, "EPOCH", NOW)
    found = Kept(tmp_path)
    found.predictions(ANNA)
    return found


def files(kept: Kept) -> list[str]:
    return [each.key for each in kept.data.list(ROOT) if each.key.endswith(".parquet") and "_delta_log" not in each.key]


def refused(kept: Kept, name: str = "refused") -> str:
    """A file like that of the first append, whose commit was not taken."""
    there = files(kept)[0]
    key = f"{there.rpartition('/')[0]}/part-{name}.parquet"
    kept.data.put(key, kept.data.read(there).content)
    return key


def sweep(kept: Kept, person: str, now: float) -> float:
    return JournalSweep(ROOT, kept.subject(person), kept.data, lambda: now).sweep()


def test_a_file_that_nobody_can_commit_any_more_is_removed(kept: Kept) -> None:
    key = refused(kept)
    assert sweep(kept, ANNA, LATE) == 0
    assert key not in files(kept)
    assert len(kept.journal.about(kept.subject(ANNA).pseudonyms, 10)) == 2, "what is in the table is"


def test_a_file_that_may_be_committed_stays_until_it_may_not(kept: Kept) -> None:
    key = refused(kept)
    until = sweep(kept, ANNA, SOON)
    assert key in files(kept)
    assert SOON < until < LATE
    assert sweep(kept, ANNA, until) == 0
    assert key not in files(kept)


def test_a_file_of_others_stays(kept: Kept) -> None:
    key = refused(kept)
    assert sweep(kept, "nobody@example.org", LATE) == 0
    assert key in files(kept)


def test_what_checkpoints_alone_name_is_in_the_table(kept: Kept) -> None:
    """The log is tidied: its first commits are gone."""
    table = DeltaTable(str(kept.folder / "data" / ROOT))
    table.create_checkpoint()
    for each in list(kept.data.list(f"{ROOT}_delta_log/")):
        if each.key.endswith(".json"):
            for version in list(kept.data.versions(each.key)):
                kept.data.remove(each.key, version.version)
    before = files(kept)
    assert sweep(kept, ANNA, LATE) == 0
    assert files(kept) == before != []


def test_a_commit_that_is_tidied_in_this_moment_is_passed_over(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    DeltaTable(str(kept.folder / "data" / ROOT)).create_checkpoint()
    read = kept.data.read

    def gone(key: str, version: str | None = None) -> StoredObject:
        if key.endswith(f"{0:020}.json"):
            raise NotFound(f"{key} does not exist.")
        return read(key, version)

    monkeypatch.setattr(kept.data, "read", gone)
    before = files(kept)
    assert sweep(kept, ANNA, LATE) == 0
    assert files(kept) == before


class Hours:
    """Goes on while a run waits."""

    def __init__(self, kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
        self.kept, self.now, self.waits = kept, SOON, 0
        monkeypatch.setattr(eraser, "JournalPlace", partial(JournalPlace, clock=lambda: self.now))

    def call(self, event: Mapping[str, Any]) -> Mapping[str, Any]:
        answer = self.kept.call(event)
        if answer.get("state") == "waits":
            self.now, self.waits = self.now + 20, self.waits + 1
        return answer


def test_an_erasure_waits_for_who_may_still_commit(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    refused(kept)
    hours = Hours(kept, monkeypatch)
    record = kept.go(kept.ask(ANNA), hours.call)
    assert (record.state, kept.notices) == ("proven", [])
    assert 20 < hours.waits < WRITER_SECONDS / 20
    assert kept.grep(ANNA, *kept.subject(ANNA).pseudonyms) == []
    assert kept.grep(*kept.subject(BERT).pseudonyms), "others stay"


def test_what_is_committed_while_it_waits_is_blanked(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    refused(kept)
    hours = Hours(kept, monkeypatch)

    def call(event: Mapping[str, Any]) -> Mapping[str, Any]:
        if hours.waits == 3:
            kept.predictions(ANNA, "late")
        return hours.call(event)

    record = kept.go(kept.ask(ANNA), call)
    assert (record.state, record.places["journal"]["rows"]) == ("proven", 4)


def test_it_waits_once_in_a_round(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where such files keep coming, the search tells of them."""
    now, diary = SOON, Diary(kept.data, "erase_a")
    place = JournalPlace(
        kept.subject(ANNA), kept.journal, kept.stock.labels, kept.data, diary, clock=lambda: now
    )  # fmt: skip
    refused(kept)
    waits = Step(done=False, waits=True)
    assert [place.erase(lambda: False) for _ in range(2)] == [waits, waits]
    now = LATE
    monkeypatch.setattr(objects, "EPOCH", datetime.fromtimestamp(now, UTC))  # the file is a new one
    assert place.erase(lambda: False) == Step(done=True)
    assert place.erase(lambda: False) == waits


def test_what_several_rounds_erase_counts_together(kept: Kept) -> None:
    """Of labels that are known by the person's id alone, and of the copy."""

    class Copy:
        left: ClassVar = [3, 0, 1]

        def erase(self, pseudonyms: Sequence[str]) -> int:
            return self.left.pop(0)

    diary = Diary(kept.data, "erase_a")
    journal = JournalPlace(kept.subject(ANNA), kept.journal, kept.stock.labels, kept.data, diary, clock=lambda: LATE)
    copy = SinkPlace(kept.subject(ANNA), Copy(), diary)
    for at in range(3):
        said = Label(
            label_id=f"~:late{at}", model="people", row_id=kept.subject(ANNA).pseudonyms[0], label="yes",
            received_at=NOW, source="ann",
        )  # fmt: skip
        kept.labels.append([said])
        for place in (journal, copy):
            assert place.erase(lambda: False).done
    assert {name: each.rows for name, each in diary.counts().items()} == {"journal": 2, "labels": 6, "database": 4}
