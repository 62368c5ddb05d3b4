"""What is asked of the journal a line at a time: each event once, pages, figures, a person's lines."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from deltalake import DeltaTable, QueryBuilder

from gyre.aws.lake import DeltaJournal
from gyre.journal.lines import ERASED
from gyre.journal.record import Contribution, Fault, JournalRecord, JournalRow, Served
from gyre.journal.table import Figures, Journal, Page, Wanted
from tests.fakes.journal import MemoryJournal

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
CLASSES = ("low", "high", "mid 'n so")


def call(number: int, chance: Random) -> JournalRecord:
    """A call as it may be: of several rows, refused, failed, answered by numbers; some at one moment."""
    at = NOON + timedelta(days=chance.randrange(3), seconds=chance.randrange(40))
    kind = chance.randrange(5)
    rows: tuple[JournalRow, ...] = tuple(classified(chance) for _ in range(chance.randrange(1, 5)))
    if kind == 3:
        rows = tuple(measured(chance) for _ in range(2))
    return JournalRecord(
        event_id=f"event-{number:05}",
        model=chance.choice(["wine", "beer"]) if kind < 4 else None,
        kind=chance.choice(["online", "batch"]),
        at=at,
        status=200 if kind < 4 else chance.choice([404, 503]),
        duration_ms=chance.randrange(1, 500) / 4,
        times={"auth": 0.25},
        cold=number == 0,
        memory_mb=1024,
        caller="test",
        correlation_id=f"c-{number}",
        served=(Served(version=2, alias="production", bundle="b", rows=len(rows), ms=1.5),),
        rows=rows if kind < 4 else (),
        error=Fault(code="unavailable", message='It says "no".', field="model") if kind == 4 else None,
    )


def classified(chance: Random) -> JournalRow:
    name = chance.choice(CLASSES)
    return JournalRow(
        id=chance.choice([None, 7, "seven", "ä"]),
        version=chance.choice([1, 2]),
        features={"x": chance.random(), "text": 'a "quoted" ⚛ word', "gone": None, "on": True},
        prediction=name,
        probabilities={name: 0.75, "other": 0.25},
        confidence=chance.choice([0.5, 0.75, 1.0]),
        base_value=0.125,
        explanation=(Contribution(feature="x", value=1, contribution=-0.5),),
    )


def measured(chance: Random) -> JournalRow:
    if chance.random() < 0.2:
        return JournalRow(features={"x": None}, fault=Fault(code="range", message="x is too far.", field="x"))
    return JournalRow(version=3, features={"x": 2}, prediction=chance.choice([1.5, 2, -3.25]))


def calls(seed: int, many: int = 60) -> list[JournalRecord]:
    chance = Random(seed)
    return [call(number, chance) for number in range(many)]


@pytest.fixture(params=["fake", "delta"])
def journal(request: pytest.FixtureRequest, tmp_path: Path) -> Journal:
    return MemoryJournal() if request.param == "fake" else DeltaJournal(str(tmp_path / "journal"))


# --- each event once --------------------------------------------------------------------------------------------------


def test_whatever_a_record_holds_comes_back(journal: Journal) -> None:
    told = calls(1)
    assert journal.append(told) == {each.event_id for each in told}
    assert [journal.find(each.event_id) for each in told] == told


def test_what_is_there_is_not_appended_again(journal: Journal) -> None:
    told = calls(2)
    journal.append(told[:40])
    assert journal.append(told[20:50]) == {each.event_id for each in told[40:50]}
    assert journal.append(told[10:50]) == frozenset()
    assert journal.append([]) == frozenset()
    lines = journal.page(Wanted(), 1000).lines
    assert len(lines) == sum(max(1, len(each.rows)) for each in told[:50])


def _appends(place: str, seed: int) -> int:
    chance, told, journal = Random(seed), calls(3, 120), DeltaJournal(place)
    chance.shuffle(told)
    return sum(len(journal.append(told[first : first + 30])) for first in range(0, 120, 15))


def test_several_writers_at_once_keep_each_event_once(tmp_path: Path) -> None:
    """Each tells all calls, some twice, in an order of its own."""
    place = str(tmp_path / "journal")
    with ProcessPoolExecutor(3, multiprocessing.get_context("spawn")) as pool:
        new = list(pool.map(_appends, [place] * 3, range(3), timeout=100))
    assert sum(new) == 120
    found = QueryBuilder().register("t", DeltaTable(f"{place}/predictions"))
    answer = found.execute('select count(*) as n, count(distinct (event_id, "row")) as d from t').read_all()
    lines = sum(max(1, len(each.rows)) for each in calls(3, 120))
    assert [answer.column(name)[0].as_py() for name in ("n", "d")] == [lines, lines]


# --- pages ------------------------------------------------------------------------------------------------------------

WANTED = [
    Wanted(),
    Wanted("wine"),
    Wanted("wine", version=2),
    Wanted(prediction=CLASSES[2]),
    Wanted(row_id="7"),
    Wanted("beer", since=NOON + timedelta(days=1)),
    Wanted(until=NOON + timedelta(days=1, seconds=20)),
    Wanted(since=NOON + timedelta(seconds=10), until=NOON + timedelta(seconds=30)),
    Wanted("nobody's"),
    Wanted(prediction="x' or '1'='1"),
]


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[MemoryJournal, DeltaJournal]:
    fake, delta = MemoryJournal(), DeltaJournal(str(tmp_path_factory.mktemp("both") / "journal"))
    for told in (calls(4)[:25], calls(4)[25:]):
        fake.append(told)
        delta.append(told)
    return fake, delta


def _walk(journal: Journal, wanted: Wanted, limit: int) -> list[Page]:
    pages = [journal.page(wanted, limit)]
    while pages[-1].after is not None:
        pages.append(journal.page(wanted, limit, pages[-1].after))
    return pages


@pytest.mark.parametrize("wanted", WANTED)
@pytest.mark.parametrize("limit", [1, 7, 1000])
def test_pages_hold_each_wanted_line_once_and_in_order(
    both: tuple[MemoryJournal, DeltaJournal], wanted: Wanted, limit: int
) -> None:
    fake, delta = both
    if limit == 1 and wanted.since is None and wanted.prediction is None:
        wanted = replace(wanted, since=NOON, until=NOON + timedelta(seconds=8))  # not hundreds of pages
    ours, theirs = _walk(delta, wanted, limit), _walk(fake, wanted, limit)
    assert ours == theirs
    lines = [line for page in ours for line in page.lines]
    assert len({(line.event_id, line.row) for line in lines}) == len(lines)
    assert lines == list(fake.page(wanted, 10_000).lines)


def test_a_page_does_not_shift_when_newer_records_come(journal: Journal) -> None:
    told = sorted(calls(5, 20), key=lambda each: each.at)
    journal.append(told[:15])
    first = journal.page(Wanted(), 5)
    journal.append([each.model_copy(update={"at": NOON + timedelta(days=9)}) for each in told[15:]])
    assert first.after is not None
    rest = journal.page(Wanted(), 1000, first.after)
    seen = {(line.event_id, line.row) for line in (*first.lines, *rest.lines)}
    assert seen == {(each.event_id, at) for each in told[:15] for at in range(len(each.rows)) or [None]}


def test_a_page_skips_nothing_where_an_older_record_comes_while_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = DeltaJournal(str(tmp_path))
    told = sorted(calls(6, 24), key=lambda each: each.at)
    late, early = told[22], [*told[:22], told[23]]
    journal.append(early)
    rows = journal.table.rows

    def then_append(text: str) -> list[dict[str, Any]]:
        monkeypatch.undo()
        found = rows(text)
        journal.append([late])
        return found

    monkeypatch.setattr(journal.table, "rows", then_append)
    first = journal.page(Wanted(), 8)
    assert first.after is not None
    rest = journal.page(Wanted(), 1000, first.after)
    seen = [(line.event_id, line.row) for line in (*first.lines, *rest.lines)]
    assert sorted(seen, key=str) == sorted(
        ((each.event_id, at) for each in told for at in range(len(each.rows)) or [None]), key=str
    )


# --- figures ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wanted", WANTED)
def test_figures_are_those_of_the_lines(both: tuple[MemoryJournal, DeltaJournal], wanted: Wanted) -> None:
    ours, theirs = (each.figures(wanted) for each in reversed(both))
    assert _exact(ours) == _exact(theirs)
    assert (ours.latency is None) == (theirs.latency is None)
    if ours.latency and theirs.latency:
        assert ours.latency.most == theirs.latency.most
        assert ours.latency.p50 <= ours.latency.p90 <= ours.latency.p99 <= ours.latency.most
        if ours.calls > 20:  # it is an estimate, and says so
            assert ours.latency.p50 == pytest.approx(theirs.latency.p50, rel=0.25)


def _exact(figures: Figures) -> Figures:
    def near(spread: object) -> object:
        return None if spread is None else tuple(round(each, 9) for each in vars(spread).values())

    return replace(figures, latency=None, confidence=near(figures.confidence), value=near(figures.value))  # type: ignore[arg-type]


# --- a person's lines -------------------------------------------------------------------------------------------------

ADA, BOB = "p1:ABCDEFGHIJKLMNOPQRSTUVWXYZ", "p1:ZYXWVUTSRQPONMLKJIHGFEDCBA"


def person(number: int, *whose: str) -> JournalRecord:
    rows = tuple(
        JournalRow(id=each, version=1, features={"mail": each, "x": 1}, prediction="low", confidence=0.5)
        for each in whose
    )
    return JournalRecord(
        event_id=f"person-{number:04}", model="wine", at=NOON + timedelta(minutes=number), status=200, duration_ms=1,
        caller="test", correlation_id="c", rows=rows,
    )  # fmt: skip


def test_a_persons_lines_are_blanked_and_nobody_elses(journal: Journal) -> None:
    journal.append([person(1, ADA), person(2, BOB, ADA), person(3, BOB)])
    hidden = person(4, BOB).rows[0].model_copy(update={"id": "other", "features": {"mail": ADA}})
    journal.append([person(4, BOB).model_copy(update={"rows": (hidden,)})])
    assert [(line.event_id[-1], line.row) for line in journal.about([ADA], 10)] == [("4", 0), ("2", 1), ("1", 0)]

    assert journal.erase([ADA, "p2:OTHER"]) == 3
    assert journal.erase([ADA]) == 0
    assert journal.about([ADA], 10) == []
    second = journal.find("person-0002")
    assert second.rows[0] == person(2, BOB).rows[0]
    assert second.rows[1] == JournalRow(version=1, fault=ERASED)
    assert journal.find("person-0003") == person(3, BOB)
    lines = journal.page(Wanted(), 100).lines
    assert len(lines) == 5
    assert not any(ADA in str(line) for line in lines)
    figures = journal.figures(Wanted("wine"))
    assert (figures.calls, figures.rows, figures.answered, figures.erased) == (4, 5, 2, 3)


def test_an_erased_event_stays_known(journal: Journal) -> None:
    """A message that comes a second time must not bring back what was erased."""
    journal.append([person(1, ADA)])
    journal.erase([ADA])
    assert journal.append([person(1, ADA)]) == frozenset()
    assert journal.about([ADA], 10) == []


def test_the_log_tells_nothing_of_a_person(tmp_path: Path) -> None:
    journal = DeltaJournal(str(tmp_path / "journal"))
    journal.append([person(1, ADA)])
    log = "".join(each.read_text() for each in tmp_path.rglob("_delta_log/*.json"))
    assert "person-0001" in log
    assert ADA not in log
