"""The fake sink and PostgreSQL keep one contract; what only a real server can show stands below it."""

import json
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gyre.errors import Invalid, Unavailable
from gyre.journal.intake import Message
from gyre.journal.record import Contribution, Fault, JournalRecord, JournalRow, Served, read_record
from gyre.journal.sink import Poured, Sink, pour
from gyre.postgres import database
from gyre.postgres.database import Database, Run
from gyre.postgres.lines import NUL
from gyre.postgres.sink import PostgresSink
from gyre.postgres.tables import STEPS, prepare
from tests.contract.postgres_server import Server, running_or_skipped
from tests.fakes.objects import MemoryBucket
from tests.fakes.sink import TOO_LARGE, MemorySink
from tests.infra.facts import ROOT

PAGE = ROOT / "docs/postgresql.md"
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
ANN, BEN = (f"p1:{letter * 26}" for letter in "AB")
Kept = Callable[[], dict[str, JournalRecord]]


def record(number: int, *rows: JournalRow, at: datetime = NOON) -> JournalRecord:
    told = rows or (JournalRow(id=number, version=1, features={"alcohol": 13.2}, prediction="red", confidence=0.9),)
    return JournalRecord(
        event_id=f"event-{number:04}", model="wine", at=at, status=200, duration_ms=1.5, caller="ann",
        correlation_id=f"c-{number}", rows=told,
    )  # fmt: skip


def poison(number: int) -> JournalRecord:
    return record(number, JournalRow(version=TOO_LARGE))


def about(person: str, number: int, at: datetime = NOON) -> JournalRecord:
    """A call with a row about somebody, and one about nobody."""
    row = JournalRow(id=person, version=2, features={"name": person, "age": 33}, prediction=7.5,
                     explanation=(Contribution(feature="name", value=person, contribution=0.5),))  # fmt: skip
    return record(number, row, JournalRow(id="x", version=2, features={"age": 40}, prediction=8.5), at=at)


def messages(*records: JournalRecord) -> list[Message]:
    return [Message(f"m-{each.event_id}", each.model_dump_json()) for each in records]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running_or_skipped() as made:
        yield made


class World:
    """A database of a test's own, and what a sink of it is told."""

    def __init__(self, server: Server) -> None:
        self.server, self.name = server, server.database()
        self.secret = server.secret(self.name)
        self.asked = 0
        self.sink = PostgresSink(self.read_secret)

    def read_secret(self) -> str:
        self.asked += 1
        return self.secret

    def ask(self, sql: str, **values: Any) -> Any:
        return self.server.ask(sql, self.name, **values)

    def count(self) -> tuple[int, int]:
        """Calls and rows."""
        ((calls, rows),) = self.ask("select (select count(*) from gyre.calls), (select count(*) from gyre.predictions)")
        return calls, rows

    def records(self) -> dict[str, JournalRecord]:
        """Whatever stands in both tables, as records."""
        return {event_id: read_record(json.dumps(told)) for event_id, told in self.told().items()}

    def told(self, numbers: Callable[[str], Any] = float) -> dict[str, dict[str, Any]]:
        """The same as JSON."""
        found = self.ask(
            """
            select (to_jsonb(call) - 'rows' || jsonb_build_object('rows', (
                select coalesce(jsonb_agg(answer || jsonb_build_object('features', features,
                    'check', jsonb_build_array(row_id, version, prediction, value, confidence)) order by "row"), '[]')
                from gyre.predictions where event_id = call.event_id and not erased)))::text
            from gyre.calls as call
            """
        )
        told = [json.loads(text, parse_float=numbers, parse_int=numbers if numbers is Decimal else int)
                for (text,) in found]  # fmt: skip
        for each in told:
            for row in each["rows"]:
                row_id, version, prediction, value, confidence = row.pop("check")
                assert (version, confidence) == (row["version"], row["confidence"])
                assert row_id == (None if row["id"] is None else _text(row["id"]))
                assert (prediction is None) == (row["prediction"] is None)
                if isinstance(row["prediction"], str):
                    assert (prediction, value) == (row["prediction"], None)
        return {each["event_id"]: each for each in told}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else str(int(value))


@pytest.fixture
def world(server: Server) -> Iterator[World]:
    made = World(server)
    yield made
    made.sink.close()


@pytest.fixture(params=["fake", "postgres"])
def sink(request: pytest.FixtureRequest) -> tuple[Sink, Kept]:
    if request.param == "fake":
        fake = MemorySink()
        return fake, lambda: fake.records
    world: World = request.getfixturevalue("world")
    return world.sink, world.records


# --- one contract -----------------------------------------------------------------------------------------------------


def test_a_record_stands_there_as_it_was(sink: tuple[Sink, Kept]) -> None:
    writer, kept = sink
    refused = record(2).model_copy(update={"rows": (), "model": None, "error": Fault(code="c", message="m")})
    writer.write([record(1, at=NOON + timedelta(microseconds=7)), refused])
    assert kept() == {"event-0001": record(1, at=NOON + timedelta(microseconds=7)), "event-0002": refused}


def test_nothing_is_nothing(sink: tuple[Sink, Kept]) -> None:
    writer, _ = sink
    writer.write([])
    assert writer.erase([]) == 0


def test_what_comes_again_is_there_once_as_it_came_first(sink: tuple[Sink, Kept]) -> None:
    """Also in one batch, and also where it tells of other rows: they would mix."""
    writer, kept = sink
    writer.write([record(1), record(2), record(1, JournalRow(id="other"), JournalRow(id="more"))])
    writer.write([record(3), record(2, JournalRow(id="other"), JournalRow(id="more"))])
    assert kept() == {f"event-{number:04}": record(number) for number in (1, 2, 3)}


def test_all_of_a_batch_or_nothing(sink: tuple[Sink, Kept]) -> None:
    writer, kept = sink
    writer.write([record(1)])
    with pytest.raises(Invalid):
        writer.write([record(2), poison(3), record(4)])
    assert set(kept()) == {"event-0001"}


def test_one_that_is_never_taken_holds_up_no_other(sink: tuple[Sink, Kept]) -> None:
    writer, kept = sink
    bad = {3, 17, 18}
    batch = messages(*((poison if number in bad else record)(number) for number in range(20)))
    poured = pour([*batch, Message("junk", "{"), Message("far", _pointer("nowhere"))], writer, MemoryBucket())
    assert {each.id for each in poured.spoilt} == {"m-event-0003", "m-event-0017", "m-event-0018", "junk", "far"}
    assert (poured.written, poured.postponed) == (17, ())
    assert set(kept()) == {f"event-{number:04}" for number in set(range(20)) - bad}


def test_a_person_is_blanked_and_nobody_else(sink: tuple[Sink, Kept]) -> None:
    writer, kept = sink
    writer.write([about(ANN, 1), about(BEN, 2), about(ANN, 3)])
    assert writer.erase([ANN, f"p2:{'Q' * 26}"]) == 2
    assert writer.erase([ANN]) == 0
    found = kept()
    assert found["event-0002"] == about(BEN, 2)
    assert [row.id for row in found["event-0001"].rows if row.features] == ["x"]
    assert not [each for each in found.values() if ANN in each.model_dump_json()]


def test_what_comes_after_an_erasure_is_blank_if_it_is_of_before(sink: tuple[Sink, Kept]) -> None:
    """Given a person who was erased while a call waited in the queue, and who comes again later."""
    writer, kept = sink
    writer.write([about(BEN, 1)])
    assert writer.erase([ANN]) == 0
    later = about(ANN, 4, at=datetime.now(UTC) + timedelta(hours=1))
    writer.write([about(ANN, 2), about(BEN, 3), later])
    writer.write([about(ANN, 2)])
    found = kept()
    assert ANN not in found["event-0002"].model_dump_json()
    assert [row.id for row in found["event-0002"].rows if row.features] == ["x"]
    assert (found["event-0003"], found["event-0004"]) == (about(BEN, 3), later)


def _pointer(name: str) -> str:
    return json.dumps({"shape": 1, "event_id": "event-0099", "lies_at": f"overflow/wine/{name}.json"})


# --- the same record, field by field ----------------------------------------------------------------------------------

TEXT = st.text(st.characters(exclude_categories=["Cs"]) | st.just("\0"), max_size=12)
NUMBER = st.floats(allow_nan=False, allow_infinity=False)
PART = st.floats(0, 1)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**40), 10**40) | NUMBER | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3), max_leaves=6,
)  # fmt: skip
FAULT = st.none() | st.builds(Fault, code=TEXT, message=TEXT, field=st.none() | TEXT)
ROW = st.builds(
    JournalRow, id=st.none() | TEXT | st.integers(-(10**30), 10**30), version=st.none() | st.integers(0, 2**63 - 1),
    features=st.dictionaries(TEXT, JSON, max_size=4), confidence=st.none() | PART, base_value=st.none() | NUMBER,
    prediction=st.none() | st.booleans() | st.integers(-(10**40), 10**40) | NUMBER | TEXT,
    probabilities=st.none() | st.dictionaries(TEXT, PART, max_size=3), fault=FAULT,
    explanation=st.none() | st.tuples(st.builds(Contribution, feature=TEXT, value=JSON, contribution=NUMBER)),
)  # fmt: skip
MILLISECONDS = st.floats(0, 1e9)
SERVED = st.builds(
    Served, version=st.integers(1, 2**80), alias=st.sampled_from(["production", None]), bundle=st.none() | TEXT,
    rows=st.integers(0, 2**40), ms=MILLISECONDS, fault=st.none() | TEXT,
)  # fmt: skip
RECORD = st.builds(
    JournalRecord, event_id=st.from_regex(r"[A-Za-z0-9_-]{8,80}", fullmatch=True),
    model=st.none() | st.just("wine"), kind=st.sampled_from(["online", "batch", "shadow"]),
    at=st.datetimes(timezones=st.just(UTC)), status=st.integers(100, 599), duration_ms=MILLISECONDS,
    times=st.dictionaries(TEXT, MILLISECONDS, max_size=3), cold=st.booleans(),
    memory_mb=st.none() | st.integers(1, 2**63 - 1), caller=TEXT, correlation_id=TEXT, asked=TEXT,
    served=st.lists(SERVED, max_size=2).map(tuple), rows=st.lists(ROW, max_size=4).map(tuple), error=FAULT,
)  # fmt: skip


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture,
                                                                 HealthCheck.too_slow])  # fmt: skip
@given(records=st.lists(RECORD, min_size=1, max_size=4, unique_by=lambda each: each.event_id))
def test_every_record_is_the_same_there(world: World, records: list[JournalRecord]) -> None:
    """Numbers by their decimal value, however many digits they have; U+0000 as the symbol for it."""
    if world.ask("select to_regclass('gyre.calls') is not null")[0][0]:
        world.ask("delete from gyre.calls")
    world.sink.write([read_record(each.model_dump_json()) for each in records])
    found = world.told(Decimal)
    assert len(found) == len(records)
    for each in records:
        told = found[each.event_id]
        moment = datetime.fromisoformat(told.pop("at"))
        wanted = json.loads(each.model_dump_json(), parse_float=Decimal, parse_int=Decimal)
        assert (moment, wanted.pop("at") is not None) == (each.at, True)
        assert told == _without_nul(wanted)


def _without_nul(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\0", NUL)
    if isinstance(value, dict):
        return {_without_nul(key): _without_nul(each) for key, each in value.items()}
    return [_without_nul(each) for each in value] if isinstance(value, list) else value


@pytest.mark.parametrize("text", ["\0", "\\u0000", "\\\0", "\\\\u0000", "\\\\\0u0000", "\ufffe\uffff", "\x01\x1f\x7f"])
def test_only_what_postgres_has_not_is_another_character(world: World, text: str) -> None:
    kept = record(1, JournalRow(id=text, features={text: text}, prediction=text))
    world.sink.write([kept])
    (row,) = world.records()["event-0001"].rows
    wanted = text.replace("\0", NUL)
    assert (row.id, row.features, row.prediction) == (wanted, {wanted: wanted}, wanted)


def test_a_long_id_and_a_long_text_are_taken(world: World) -> None:
    """An index of the usual kind takes none above 2,700 bytes."""
    kept = record(1, JournalRow(id="x" * 100_000, features={"text": "ü" * 3_000_000}, prediction="y" * 100_000))
    world.sink.write([kept])
    assert world.records() == {"event-0001": kept}


def test_more_rows_than_a_statement_takes_values_come_at_once(world: World) -> None:
    """PostgreSQL counts values of a statement up to 65,535."""
    rows = tuple(JournalRow(id=number, version=1, features={"x": number / 7}) for number in range(20_000))
    world.sink.write([record(1, *rows)])
    assert world.count() == (1, 20_000)
    assert world.ask("select sum((features ->> 'x')::float) from gyre.predictions") == [
        [pytest.approx(sum(number / 7 for number in range(20_000)))]
    ]


# --- outages ----------------------------------------------------------------------------------------------------------


def test_an_outage_loses_nothing_and_doubles_nothing(world: World) -> None:
    """Given a server that stops between two batches, when their messages come again, then each call is there once."""
    first, second = (messages(*map(record, range(at, at + 50))) for at in (0, 50))
    data = MemoryBucket()
    assert pour(first, world.sink, data) == Poured(50, (), ())
    world.server.stop()
    try:
        told = [pour([*first[:20], *second], world.sink, data) for _ in range(2)]
    finally:
        world.server.start()
    for poured in told:
        assert (poured.written, poured.spoilt, len(poured.postponed)) == (0, (), 70)
        assert re.search("did not answer.*wait in the queue", poured.postponed[0].reason)
    assert pour([*first[:20], *second], world.sink, data) == Poured(70, (), ())
    assert world.count() == (100, 100)


def test_a_server_that_stops_in_the_middle_of_a_batch_leaves_nothing_of_it(world: World) -> None:
    """Given a writer that waits for a lock, when the server stops and starts again, then its batch comes whole."""
    world.sink.write([record(0)])
    with world.server.connect(world.name) as other, ThreadPoolExecutor(1) as pool:
        other.run("begin")
        other.run("lock table gyre.predictions in exclusive mode")
        writing = pool.submit(pour, messages(*map(record, range(1, 40))), world.sink, MemoryBucket())
        _wait_until(lambda: world.ask("select count(*) from pg_locks where not granted and relation is not null"
                                      " and database = (select oid from pg_database"
                                      " where datname = current_database())") == [[1]])  # fmt: skip
        world.server.stop()
        poured = writing.result(30)
        other._usock.close()
        world.server.start()
    assert (poured.written, len(poured.postponed)) == (0, 39)
    assert world.count() == (1, 1)
    world.sink.write(list(map(record, range(1, 40))))
    assert world.count() == (40, 40)


def test_a_connection_that_ended_in_silence_is_made_anew(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.sink.write([record(1)])
    _end_connections(world)
    world.sink.write([record(2)])
    monkeypatch.setattr(database, "_IDLE_SECONDS", 0.0)
    world.sink.write([record(3)])
    assert (world.count(), world.asked) == ((3, 3), 1)


def test_a_commit_whose_answer_is_lost_doubles_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.sink.write([record(1)])
    held = world.sink._database._held
    assert held is not None
    run, lost = held.run, []

    def commits_and_dies(sql: str, **values: Any) -> Any:
        found = run(sql, **values)
        if sql == "commit":
            lost.append(sql)
            held._usock.close()
            raise OSError("the answer is lost")
        return found

    monkeypatch.setattr(held, "run", commits_and_dies)
    world.sink.write([record(2)])
    assert lost and world.count() == (2, 2)


def test_a_statement_that_waits_too_long_is_ended(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.sink.write([record(1)])
    monkeypatch.setattr(database, "_BEGIN", database._BEGIN.replace("'15s'", "'100ms'"))
    with world.server.connect(world.name) as other:
        other.run("begin")
        other.run("lock table gyre.predictions in exclusive mode")
        with pytest.raises(Unavailable, match="57014"):
            world.sink.write([record(2)])
        other.run("rollback")
    world.sink.write([record(2)])
    assert world.count() == (2, 2)


def _wait_until(true: Callable[[], bool]) -> None:
    waited = threading.Event()
    for _ in range(2000):
        if true():
            return
        waited.wait(0.01)
    pytest.fail("what was waited for did not come")


def _end_connections(world: World) -> None:
    (ended,) = world.ask("select count(pg_terminate_backend(pid)) from pg_stat_activity"
                         " where datname = current_database() and pid <> pg_backend_pid()")  # fmt: skip
    assert ended == [1]


# --- several at once --------------------------------------------------------------------------------------------------


def test_several_writers_of_the_same_write_each_once(world: World) -> None:
    """From the first moment on, when there is no table yet; in orders of their own."""
    sinks = [PostgresSink(world.read_secret) for _ in range(4)]
    started = threading.Barrier(4)

    def write(at: int) -> None:
        started.wait(10)
        for begin in range(0, 200, 20):
            batch = [record(number, JournalRow(id=1), JournalRow(id=2)) for number in range(begin, begin + 40)]
            sinks[at].write(batch if at % 2 else batch[::-1])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    for each in sinks:
        each.close()
    assert world.count() == (220, 440)
    assert world.ask("select step from gyre.migrations") == [[step + 1] for step in range(len(STEPS))]


def test_a_deadlock_and_a_serialization_failure_are_tried_again(world: World) -> None:
    world.ask("create table pair (n int primary key, told int)")
    world.ask("insert into pair values (1, 0), (2, 0)")
    met, tries = threading.Barrier(2), list[int]()

    def add(order: Sequence[int]) -> None:
        tried = []

        def work(run: Run) -> None:
            tries.append(1)
            for at, number in enumerate(order):
                run("update pair set told = told + 1 where n = :n", n=number)
                if at == 0 and not tried:
                    tried.append(1)
                    met.wait(10)

        Database(world.read_secret, prepare).transaction(work)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(add, [(1, 2), (2, 1)]))
    assert world.ask("select told from pair") == [[2], [2]]
    assert len(tries) >= 3  # whoever gave way may meet the other once more, before it is done

    def conflicts(run: Run) -> None:
        tries.append(1)
        run("do $$ begin raise exception using errcode = '40001'; end $$")

    tries.clear()
    with pytest.raises(Unavailable, match="40001"):
        Database(world.read_secret, prepare).transaction(conflicts)
    assert len(tries) == 3


def test_an_erasure_waits_for_writers_and_misses_none_of_their_rows(world: World) -> None:
    """Given a writer that has looked who was erased and has not committed yet."""
    world.sink.write([about(BEN, 1)])
    with world.server.connect(world.name) as other, ThreadPoolExecutor(2) as pool:
        other.run("begin")
        other.run("lock table gyre.predictions in exclusive mode")
        writing = pool.submit(world.sink.write, [about(ANN, 2)])
        _wait_until(lambda: _waiting(world) == 1)
        eraser = PostgresSink(world.read_secret)
        erasing = pool.submit(eraser.erase, [ANN])
        _wait_until(lambda: _waiting(world) == 2)
        other.run("rollback")
        writing.result(20)
        assert erasing.result(20) == 1
        eraser.close()
    assert ANN not in _dump(world)


def _waiting(world: World) -> int:
    ((found,),) = world.ask("select count(*) from pg_stat_activity where wait_event_type = 'Lock'"
                            " and datname = current_database()")  # fmt: skip
    return int(found)


def _dump(world: World) -> str:
    """All that any table holds."""
    return str([world.ask(f"select t::text from gyre.{table} as t")
                for table in ("calls", "predictions", "erased", "migrations")])  # fmt: skip


def test_of_who_was_erased_no_table_tells(world: World) -> None:
    world.sink.write([about(ANN, 1), about(BEN, 2)])
    assert ANN in _dump(world)
    world.sink.erase([ANN])
    world.sink.write([about(ANN, 3)])
    told = _dump(world)
    assert ANN not in told and BEN in told
    assert world.ask("select count(*), count(*) filter (where erased) from gyre.predictions") == [[6, 2]]


# --- who may, and who listens -----------------------------------------------------------------------------------------


def test_a_new_password_is_asked_for_when_the_old_one_is_refused(world: World) -> None:
    world.server.ask("drop role if exists rotated")
    world.server.ask("create role rotated login superuser password 'old-one'")
    world.secret = world.server.secret(world.name, username="rotated", password="old-one")
    world.sink.write([record(1)])
    world.server.ask("alter role rotated password 'new-one'")
    _end_connections(world)
    with pytest.raises(Unavailable, match=r"refused the login of the secret \(28P01\)"):
        world.sink.write([record(2)])
    world.secret = world.server.secret(world.name, username="rotated", password="new-one")
    world.sink.write([record(2)])
    world.sink.write([record(3)])
    assert (world.count(), world.asked) == ((3, 3), 3)


def test_whoever_may_only_write_may_write_where_the_tables_are(world: World) -> None:
    """Given tables that somebody else made, and a role that may create nothing."""
    world.sink.write([record(1)])
    world.server.ask("drop role if exists writer")
    world.server.ask("create role writer login password 'writer'")
    for right in (
        "usage on schema gyre",
        "select, insert, update on all tables in schema gyre",
        "delete on gyre.erased",
    ):
        world.ask(f"grant {right} to writer")
    made = PostgresSink(lambda: world.server.secret(world.name, username="writer", password="writer"))
    made.write([record(2), about(ANN, 3)])
    assert made.erase([ANN]) == 1
    made.close()
    world.ask("drop owned by writer")
    with pytest.raises(Unavailable, match="42501"):
        PostgresSink(lambda: world.server.secret(world.name, username="writer", password="writer")).write([record(4)])
    world.server.ask("drop role writer")


def test_tables_that_were_dropped_are_made_anew(world: World) -> None:
    world.sink.write([record(1)])
    world.ask("drop schema gyre cascade")
    with pytest.raises(Unavailable, match="42P01"):
        world.sink.write([record(2)])
    world.sink.write([record(2)])
    assert world.count() == (1, 1)


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        ("alter table gyre.predictions drop column answer", "42703"),
        ("drop table gyre.predictions", "42P01"),
        (f"alter database {{name}} set default_transaction_read_only = on", "25006"),  # noqa: F541
    ],
)
def test_what_is_wrong_with_the_database_spoils_no_record(world: World, sql: str, code: str) -> None:
    world.sink.write([record(1)])
    world.ask(sql.format(name=world.name))
    if code == "25006":
        _end_connections(world)
    poured = pour(messages(record(2), record(3)), world.sink, MemoryBucket())
    assert (poured.written, poured.spoilt, len(poured.postponed)) == (0, (), 2)
    assert code in poured.postponed[0].reason


def test_what_is_refused_before_the_first_record_is_no_fault_of_one(world: World) -> None:
    """Given somebody else who makes the same tables at the same moment, by another way."""

    def taken(run: Run) -> None:
        run("do $$ begin raise exception using errcode = '23505'; end $$")

    with pytest.raises(Unavailable, match="23505"):
        Database(world.read_secret, taken).transaction(lambda run: run("select 1"))


def test_a_rule_of_somebody_else_holds_up_only_what_breaks_it(world: World) -> None:
    world.sink.write([record(1)])
    world.ask("alter table gyre.calls add constraint theirs check (caller <> 'eve')")
    eve = record(3).model_copy(update={"caller": "eve"})
    poured = pour(messages(record(2), eve, record(4)), world.sink, MemoryBucket())
    assert ([each.id for each in poured.spoilt], poured.written) == (["m-event-0003"], 2)
    assert poured.spoilt[0].reason == "PostgreSQL cannot take this: it answers 23514."


def test_a_column_that_somebody_added_is_no_hindrance(world: World) -> None:
    world.sink.write([record(1)])
    world.ask("alter table gyre.predictions add column told_at timestamptz not null default now()")
    world.ask("insert into gyre.migrations (step) values (99)")
    world.sink.close()
    world.sink.write([record(2)])
    assert world.count() == (2, 2)


# --- the page ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("table", ["calls", "predictions"])
def test_the_page_tells_the_columns_that_are_there(world: World, table: str) -> None:
    world.sink.write([record(1)])
    found = world.ask("select attname, format_type(atttypid, atttypmod) from pg_attribute where attnum > 0"
                      " and attrelid = cast(:name as regclass) order by attnum", name=f"gyre.{table}")  # fmt: skip
    (text,) = re.findall(rf"<!-- {table} -->\n(.*?)<!-- end -->", PAGE.read_text(), re.DOTALL)
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in text.splitlines()[2:]]
    assert [[name.strip("`"), kind] for name, kind, _ in cells] == found


def test_the_statements_of_the_page_can_be_made(world: World) -> None:
    world.sink.write([record(1).model_copy(update={"model": "obesity", "at": datetime.now(UTC)}), record(2)])
    making, counting, deleting = re.findall(r"```sql\n(.*?)```", PAGE.read_text(), re.DOTALL)
    role, made = (each.strip() for each in making.strip().split(";")[:2])
    assert (role, made) == ("create role gyre login password '…'", "create database gyre owner gyre")
    assert [row[1:] for row in world.ask(counting)] == [["red", 1]]
    world.ask("update gyre.calls set at = now() - interval '2 years' where event_id = 'event-0002'")
    world.ask(deleting)
    assert world.count() == (1, 1)


def test_the_codes_of_the_page_are_told(world: World) -> None:
    """Each of them is one that leaves the records in the queue."""
    told = re.findall(r"`([0-9A-Z]{5})`", PAGE.read_text()) + re.findall(r"`answered ([0-9A-Z]{5})`", PAGE.read_text())
    assert {"42501", "42P01", "57014", "25006", "53300"} <= set(told)
    for code in told:
        raised = f"do $$ begin raise exception using errcode = '{code}'; end $$"
        with pytest.raises(Unavailable, match=f"answered {code}"):
            Database(world.read_secret, prepare).transaction(lambda run, raised=raised: run(raised))


@pytest.fixture(scope="module")
def authority(server: Server) -> str:
    """The certificate of who signed that of the server, which is for the name localhost."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    def made(name: str, signer: Any = None) -> tuple[Any, Any]:
        key, subject = (
            ec.generate_private_key(ec.SECP256R1()),
            x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]),
        )
        now = datetime.now(UTC)
        certificate = (
            x509.CertificateBuilder().subject_name(subject).issuer_name(signer[1].subject if signer else subject)
            .public_key(key.public_key()).serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
            .add_extension(x509.BasicConstraints(ca=signer is None, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(
                (signer[0] if signer else key).public_key()), critical=False)
            .add_extension(x509.KeyUsage(*[True, False, False, False, False, signer is None, signer is None,
                                           False, False]), critical=True)
            .sign((signer[0] if signer else key), hashes.SHA256())
        )  # fmt: skip
        return key, certificate

    signer = made("tests")
    key, certificate = made("localhost", signer)
    plain, pem = serialization.NoEncryption(), serialization.Encoding.PEM
    server.configure("ssl_key_file", server.place("key", key.private_bytes(
        pem, serialization.PrivateFormat.TraditionalOpenSSL, plain)))  # fmt: skip
    server.configure("ssl_cert_file", server.place("cert", certificate.public_bytes(pem)))
    return str(signer[1].public_bytes(pem).decode())


@pytest.fixture
def tls(server: Server, authority: str) -> Iterator[str]:
    """A server that speaks it; gives the certificate of who vouches for it."""
    server.configure("ssl", "on")
    yield authority
    server.configure("ssl", "off")


def test_the_line_is_encrypted_and_the_server_proves_who_it_is(world: World, tls: str) -> None:
    world.secret = world.server.secret(world.name, host="localhost", sslmode="verify-full", sslrootcert=tls)
    world.sink.write([record(1)])
    assert world.ask("select ssl from pg_stat_ssl join pg_stat_activity using (pid)"
                     " where datname = current_database() and pid <> pg_backend_pid()") == [[True]]  # fmt: skip


def test_a_server_that_nobody_vouches_for_gets_no_password(world: World, tls: str) -> None:
    """The default of every host but one's own machine; and a certificate of another name is none."""
    world.secret = world.server.secret(world.name, sslmode="verify-full")
    with pytest.raises(Unavailable, match="certificate was not accepted"):
        world.sink.write([record(1)])
    other = world.server.secret(world.name, host="127.0.0.1", sslmode="verify-full", sslrootcert=tls)
    with pytest.raises(Unavailable, match="certificate was not accepted"):
        PostgresSink(lambda: other).write([record(1)])
    world.secret = world.server.secret(world.name, sslmode="require")
    PostgresSink(world.read_secret).write([record(1)])
    assert world.count() == (1, 1)


def test_a_server_without_tls_is_not_spoken_to_where_it_is_asked_for(world: World) -> None:
    for mode in ("require", "verify-full"):
        secret = world.server.secret(world.name, sslmode=mode)
        with pytest.raises(Unavailable, match="speaks TLS"):
            PostgresSink(lambda secret=secret: secret).write([record(1)])


@pytest.mark.parametrize(
    "change",
    [{"password": "wr0ng-secret"}, {"dbname": "nowhere"}, {"port": 1}, {"host": "no.such.host.invalid"},
     {"port": "x"}, {"sslmode": "maybe"}, {"sslrootcert": "no PEM", "sslmode": "require"}],
)  # fmt: skip
def test_no_message_shows_a_secret(world: World, change: dict[str, Any]) -> None:
    world.secret = world.server.secret(world.name, **change)
    with pytest.raises(Unavailable) as told:
        world.sink.write([record(1)])
    error: BaseException | None = told.value
    assert error is not None and error.__cause__ is None and error.__suppress_context__
    for secret in (world.server.password, "wr0ng-secret", "no PEM"):
        assert secret not in told.value.message
