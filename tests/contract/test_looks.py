"""The fake and the Delta table of what looks found keep one contract; others open the table, too."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from threading import Barrier, Thread

import duckdb
import pytest
from deltalake import DeltaTable

from gyre.aws import looks as delta
from gyre.aws.looks import DeltaLooks
from gyre.monitoring.results import HistoryPlace, HistoryRow, HistoryWanted, Looks, rows_of
from tests.fakes.looks import MemoryLooks
from tests.unit.monitoring.look_parts import HOUR, NOON, full_look, look

DAY = timedelta(days=1)


@pytest.fixture(params=["fake", "delta"])
def looks(request: pytest.FixtureRequest, tmp_path: Path) -> Looks:
    return MemoryLooks() if request.param == "fake" else DeltaLooks(str(tmp_path / "journal"))


def all_pages(looks: Looks, wanted: HistoryWanted, limit: int) -> list[HistoryRow]:
    found: list[HistoryRow] = []
    place: HistoryPlace | None = None
    while True:
        page = looks.history(wanted, limit, place)
        assert len(page.rows) <= limit
        found += page.rows
        if page.after is None:
            return found
        assert len(page.rows) == limit
        place = page.after


# --- writing ----------------------------------------------------------------------------------------------------------


def test_before_the_first_look_there_is_nothing(looks: Looks) -> None:
    assert looks.history(HistoryWanted("wine"), 10).rows == ()
    assert looks.verdicts("wine", 10) == []


def test_a_look_comes_back_as_it_was_figure_by_figure(looks: Looks) -> None:
    told = full_look(at=NOON + timedelta(microseconds=123_457))
    assert looks.append(told)
    assert list(looks.history(HistoryWanted("wine"), 100).rows) == rows_of(told)


def test_a_look_is_told_once_however_often_it_is_written(looks: Looks) -> None:
    assert [looks.append(full_look()) for _ in range(3)] == [True, False, False]
    assert len(looks.history(HistoryWanted("wine"), 100).rows) == len(rows_of(full_look()))


def test_one_run_looks_at_several_models(looks: Looks) -> None:
    assert looks.append(look("monitor_1"))
    assert looks.append(look("monitor_1", "warn", model="beer"))
    assert looks.verdicts("beer", 9) == [(NOON, "warn", "monitor_1")]
    assert looks.verdicts("wine", 9) == [(NOON, "ok", "monitor_1")]


def test_a_look_without_a_window_and_a_release_has_its_verdict_still(looks: Looks) -> None:
    looks.append(look("monitor_1", "not enough data", window=None, version=None, calls=0))
    (row,) = looks.history(HistoryWanted("wine", "verdict"), 9).rows
    assert (row.text, row.version, row.window_start, row.rows) == ("not enough data", None, None, None)


# --- asking -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def filled(looks: Looks) -> Looks:
    """Twelve days of looks, two on each; two at one moment; a comparison; another model."""
    for day in range(12):
        looks.append(full_look(f"monitor_{day:02}a", NOON - day * DAY))
        looks.append(look(f"monitor_{day:02}b", "ok", at=NOON - day * DAY - HOUR))
    looks.append(full_look("monitor_at_once", NOON))
    looks.append(full_look("drift_1", NOON - HOUR / 2, kind="compare"))
    looks.append(full_look("monitor_00a", NOON, model="beer"))
    return looks


@pytest.mark.parametrize("limit", [1, 7, 50, 1000])
def test_pages_follow_each_other_without_a_gap(filled: Looks, limit: int) -> None:
    if limit == 1:
        wanted, count = HistoryWanted("wine", "verdict"), 26
    else:
        wanted, count = HistoryWanted("wine"), 14 * len(rows_of(full_look())) + 12 * len(rows_of(look()))
    found = all_pages(filled, wanted, limit)
    assert len(found) == count
    assert [row.at for row in found] == sorted((row.at for row in found), reverse=True)
    assert len({(row.run, row.line) for row in found}) == count
    at_once = [row.run for row in found if row.at == NOON]
    assert at_once == sorted(at_once, reverse=True)
    for run in {row.run for row in found}:
        lines = [row.line for row in found if row.run == run]
        assert lines == sorted(lines)


@pytest.mark.parametrize(
    ("wanted", "is_wanted"),
    [
        (HistoryWanted("wine", "drift", column="weight"), lambda row: row.what == "drift" and row.column == "weight"),
        (HistoryWanted("wine", name="f1_macro"), lambda row: row.name == "f1_macro"),
        (HistoryWanted("wine", "quality", "weight", "missing"), lambda row: row.name == "missing"),
        (HistoryWanted("wine", kind="compare"), lambda row: row.kind == "compare"),
        (HistoryWanted("wine", since=NOON - 2 * DAY), lambda row: row.at >= NOON - 2 * DAY),
        (HistoryWanted("wine", until=NOON - 2 * DAY), lambda row: row.at < NOON - 2 * DAY),
        (HistoryWanted("wine", since=NOON - 9 * DAY, until=NOON), lambda row: NOON - 9 * DAY <= row.at < NOON),
        (HistoryWanted("wine", since=NOON + DAY), lambda _: False),
        (HistoryWanted("wine", column="it's"), lambda _: False),
        (HistoryWanted("none"), lambda _: False),
    ],
)
def test_what_is_asked_for_is_found_and_nothing_else(
    filled: Looks, wanted: HistoryWanted, is_wanted: Callable[[HistoryRow], bool]
) -> None:
    every = all_pages(filled, HistoryWanted("wine"), 1000)
    assert all_pages(filled, wanted, 5) == [row for row in every if is_wanted(row)]


def test_verdicts_are_those_of_watching_the_newest_first(filled: Looks) -> None:
    found = filled.verdicts("wine", 5)
    days: list[tuple[datetime, str, str]] = [
        (NOON, "alert", "monitor_at_once"), (NOON, "alert", "monitor_00a"), (NOON - HOUR, "ok", "monitor_00b"),
        (NOON - DAY, "alert", "monitor_01a"), (NOON - DAY - HOUR, "ok", "monitor_01b"),
    ]  # fmt: skip
    assert found == days
    assert len(filled.verdicts("wine", 1000)) == 25


# --- the table alone --------------------------------------------------------------------------------------------------


def test_many_who_write_at_once_lose_nothing(tmp_path: Path) -> None:
    uri, barrier, new = str(tmp_path / "journal"), Barrier(6), list[bool]()

    def write(number: int) -> None:
        mine = DeltaLooks(uri)
        barrier.wait()
        new.append(mine.append(full_look(f"monitor_{number % 3}")))

    threads = [Thread(target=write, args=(number,)) for number in range(6)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(new) == [False] * 3 + [True] * 3
    assert len(DeltaLooks(uri).verdicts("wine", 99)) == 3


def test_a_page_opens_only_the_days_that_it_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looks = DeltaLooks(str(tmp_path / "journal"))
    for day in range(30):
        looks.append(look(f"monitor_{day:02}", at=NOON - day * DAY))
    for file in (tmp_path / "journal").glob("looks/model=wine/day=*/*.parquet"):
        if file.parent.name < f"day={NOON - 8 * DAY:%Y-%m-%d}":
            file.unlink()
    monkeypatch.setattr(delta, "_FIRST_DAYS", 8)
    assert len(looks.verdicts("wine", 8)) == 8
    assert looks.history(HistoryWanted("wine", since=NOON - 3 * DAY), 999).after is None
    with pytest.raises(Exception, match="not found"):  # so the files were gone, and nobody missed them before
        looks.verdicts("wine", 12)


def test_another_engine_reads_the_course_of_a_figure(tmp_path: Path) -> None:
    looks = DeltaLooks(str(tmp_path / "journal"))
    for day in range(3):
        looks.append(full_look(f"monitor_{day}", NOON - day * DAY))
    opened = DeltaTable(str(tmp_path / "journal/looks"))
    results = opened.to_pyarrow_dataset()  # noqa: F841  # DuckDB finds it by its name
    found = duckdb.sql(
        "select day, value, counts from results where what = 'drift' and \"column\" = 'weight' order by day"
    ).fetchall()
    assert found == [(f"{NOON - day * DAY:%Y-%m-%d}", 0.4, True) for day in (2, 1, 0)]
    frame = opened.to_pandas()
    assert str(frame["at"].dtype).startswith("datetime64")
    assert sorted(frame["what"].unique()) == [
        "drift", "estimated", "multivariate", "quality", "realised", "verdict", "volume",
    ]  # fmt: skip
    assert frame["value"].isna().sum() == 3 * 2  # of each look its verdict, and the column that has one value alone
