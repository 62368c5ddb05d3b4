"""One person taken out of every version of a table: nothing else changes, wherever it is ended and whoever meets."""

import json
import time
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from deltalake import DeltaTable
from hypothesis import given, settings
from hypothesis import strategies as st

from gyre.errors import Conflict
from gyre.subjects.history import ABANDONED_SECONDS
from gyre.subjects.table_plan import LEASE_SECONDS, Busy
from tests.unit.subjects.tables import ROOT, Died, Lake

ANNA, BERT, CARL = "anna@example.org", "bert@example.org", "carl@example.org"
PEOPLE = (ANNA, BERT, CARL)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path)


def filled(lake: Lake) -> Lake:
    """An append, a replacement, an append: Anna is in each, Bert in the first."""
    lake.ingest(ANNA, BERT, CARL)
    lake.ingest(CARL, ANNA, replace=True)
    lake.ingest(ANNA, ANNA)
    lake.ingest(CARL)
    return lake


def test_a_person_is_gone_from_every_version_and_nobody_else_is(lake: Lake) -> None:
    filled(lake).check()
    done = lake.erase(ANNA)
    lake.forget(ANNA)
    assert (done.done, done.rows, done.files, done.in_flight) == (True, 4, 3, 0)
    lake.check()
    assert lake.grep(ANNA) == []
    assert lake.grep(CARL)


def test_versions_keep_their_numbers_and_the_next_ingest_gets_the_next(lake: Lake) -> None:
    filled(lake).erase(ANNA)
    lake.forget(ANNA)
    after = lake.newest()
    assert lake.ingest(BERT, ANNA) == after + 1
    lake.check()


def test_what_was_ingested_is_still_known(lake: Lake) -> None:
    """The same upload is not taken again: it would bring the person back."""
    version = lake.ingest(ANNA, BERT)
    name = "ingest2of0"
    lake.erase(ANNA)
    assert lake.tables.version_of("m", "raw", name) == version


def test_a_person_who_is_nowhere_changes_nothing(lake: Lake) -> None:
    filled(lake)
    before = {each.key: each.version for each in lake.bucket.versions(ROOT)}
    assert lake.erase("joanna@example.org").rows == 0
    assert {each.key: each.version for each in lake.bucket.versions(ROOT)} == before
    assert lake.newest() == 4


def test_there_may_be_no_table(lake: Lake) -> None:
    assert lake.erase(ANNA).done
    assert list(lake.bucket.list("")) == []


def test_erasing_again_finds_nothing(lake: Lake) -> None:
    filled(lake).erase(ANNA)
    newest = lake.newest()
    assert lake.erase(ANNA).rows == 0
    assert lake.newest() == newest


def test_least_and_greatest_values_go_with_the_person(lake: Lake) -> None:
    lake.ingest(ANNA, BERT)
    lake.erase(ANNA)
    (added,) = [
        json.loads(line)["add"]
        for line in (lake.folder / ROOT / "_delta_log/00000000000000000001.json").read_text().splitlines()
        if '"add"' in line
    ]
    assert json.loads(added["stats"]) == {"numRecords": 1}
    assert added["size"] == (lake.folder / ROOT / added["path"]).stat().st_size


def test_a_checkpoint_is_no_hiding_place(lake: Lake) -> None:
    filled(lake)
    DeltaTable(str(lake.folder / ROOT)).create_checkpoint()
    assert lake.grep(ANNA)
    lake.erase(ANNA)
    lake.forget(ANNA)
    lake.check()
    assert lake.grep(ANNA) == []
    DeltaTable(str(lake.folder / ROOT)).create_checkpoint()
    lake.check()


def test_files_of_an_ingest_that_was_ended_are_found(lake: Lake) -> None:
    """Written, and named by no commit: after an hour nobody will commit them."""
    lake.ingest(BERT)
    donor = Lake(lake.folder / "elsewhere")
    donor.ingest(ANNA)
    (file,) = (donor.folder / ROOT).rglob("*.parquet")
    orphan = lake.folder / ROOT / "_gyre_upload=x" / "part-0.parquet"
    orphan.parent.mkdir()
    file.rename(orphan)
    lake.bucket._look_at_all()
    written = next(each for each in lake.bucket.versions(ROOT) if "part-0.p" in each.key).changed_at.timestamp()
    assert lake.erase(ANNA, clock=lambda: written + 60).in_flight == 1
    assert orphan.exists()
    assert lake.erase(ANNA, clock=lambda: written + ABANDONED_SECONDS + 1).in_flight == 0
    assert not orphan.exists()


def test_a_log_that_another_program_tidied_is_refused(lake: Lake) -> None:
    filled(lake)
    (lake.folder / ROOT / "_delta_log/00000000000000000001.json").unlink()
    with pytest.raises(Conflict, match="does not hold every version"):
        lake.erase(ANNA)


# -- ended in the middle -----------------------------------------------------------------------


def test_ended_anywhere_every_version_is_read_and_the_next_try_ends_it(tmp_path: Path) -> None:
    """Before each change of an erasure, and so after each; others see the rows with the person or without."""
    for dies_at in count(1):
        lake = filled(Lake(tmp_path / f"{dies_at}"))
        lake.bucket.dies_at = lake.bucket.changes + dies_at
        died = False
        try:
            lake.erase(ANNA)
        except Died:
            died = True
        for version, rows in lake.versions.items():
            seen = lake.read(version)
            assert set(seen) <= set(rows) and len(seen) == len(set(seen)), (dies_at, version)
            assert {each for each in rows if each[0] != ANNA} <= set(seen), (dies_at, version)
        lake.bucket.dies_at = None
        who = {"person": BERT, "erasure": "another"} if dies_at % 2 else {"person": ANNA}
        assert lake.erase(clock=lambda: time.time() + 2 * LEASE_SECONDS, **who).done
        assert lake.erase(ANNA, clock=lambda: time.time() + 4 * LEASE_SECONDS).done
        lake.forget(ANNA)
        if dies_at % 2:
            lake.forget(BERT)
        lake.check()
        assert lake.grep(ANNA) == [], dies_at
        if not died:
            assert dies_at > 15
            return


def test_when_time_is_short_it_goes_on_where_it_was(lake: Lake) -> None:
    filled(lake)
    for tries in count(1):  # noqa: B007
        left = iter([False, True])
        if lake.erase(ANNA, short=lambda left=left: next(left, True)).done:
            break
    assert tries == 4  # a file at a time
    lake.forget(ANNA)
    lake.check()
    assert lake.grep(ANNA) == []


# -- several at once ---------------------------------------------------------------------------


def test_two_erasures_do_not_meet_in_one_table(lake: Lake) -> None:
    filled(lake)
    assert not lake.erase(ANNA, short=lambda: True).done
    with pytest.raises(Busy, match="of-anna"):
        lake.erase(BERT)
    assert lake.erase(BERT, clock=lambda: time.time() + 2 * LEASE_SECONDS).done
    assert lake.erase(ANNA, clock=lambda: time.time() + 2 * LEASE_SECONDS).done
    lake.forget(ANNA)
    lake.forget(BERT)
    lake.check()
    assert lake.grep(ANNA) == lake.grep(BERT) == []


@pytest.mark.parametrize("replace", [False, True])
def test_an_ingest_in_the_middle_of_an_erasure_is_lost_in_no_case(tmp_path: Path, replace: bool) -> None:
    """At each change of an erasure somebody commits, from what they read a moment ago."""
    for at in count(1):
        lake = filled(Lake(tmp_path / f"{at}"))
        begun, step = lake.bucket.changes, lake.bucket._step

        def meanwhile(change, lake=lake, begun=begun, step=step, at=at):  # type: ignore[no-untyped-def]
            if lake.bucket.changes == begun + at - 1:
                lake.ingest(BERT, replace=replace)
            return step(change)

        lake.bucket._step = meanwhile
        assert lake.erase(ANNA).done
        reached = lake.bucket.changes >= begun + at
        del lake.bucket._step
        lake.forget(ANNA)
        lake.check()
        assert lake.grep(ANNA) == [], at
        if not reached:
            return


@pytest.mark.parametrize("replace", [False, True])
def test_who_read_the_table_before_an_erasure_cannot_commit_after_it(lake: Lake, replace: bool) -> None:
    """They would remove files that are no more, and leave those in their place; or keep a checkpoint of them."""
    filled(lake)
    stale = DeltaTable(str(lake.folder / ROOT))
    begun, version = lake.tables._table, iter([stale])
    lake.tables._table = lambda *which: next(version, None) or begun(*which)  # type: ignore[method-assign]
    lake.erase(ANNA)
    lake.forget(ANNA)
    lake.ingest(BERT, replace=replace)
    assert next(version, None) is None
    lake.check()
    assert lake.newest() == 6


# -- whatever happens --------------------------------------------------------------------------

_people = st.lists(st.sampled_from(PEOPLE), min_size=1, max_size=4)
_happenings = st.lists(
    st.one_of(
        st.tuples(st.just("append"), _people), st.tuples(st.just("replace"), _people),
        st.tuples(st.just("erase"), st.sampled_from(PEOPLE)), st.tuples(st.just("checkpoint"), st.none()),
    ),
    min_size=2, max_size=8,
)  # fmt: skip


@settings(max_examples=25, deadline=None)
@given(_happenings)
def test_every_version_is_what_it_was_without_who_was_erased(happenings: list[tuple[str, object]]) -> None:
    with TemporaryDirectory() as folder:
        lake = Lake(Path(folder))
        gone: set[str] = set()
        for kind, what in happenings:
            if kind == "erase":
                lake.erase(str(what))
                lake.forget(str(what))
                gone.add(str(what))
            elif kind == "checkpoint":
                if lake.versions:
                    DeltaTable(str(lake.folder / ROOT)).create_checkpoint()
            else:
                assert isinstance(what, list)
                lake.ingest(*what, replace=kind == "replace")
                gone -= set(what)
            if lake.versions:
                lake.check()
        for person in gone:
            assert lake.grep(person) == []
