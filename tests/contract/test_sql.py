"""SQL over the journal: what it finds, what it may not do, and where it ends."""

import json
from pathlib import Path

import pytest

from gyre.aws.lake import DeltaJournal
from gyre.aws.sql import BoundedQueries
from gyre.errors import Invalid
from tests.contract.test_journal_lines import calls


@pytest.fixture(scope="module")
def uri(tmp_path_factory: pytest.TempPathFactory) -> str:
    uri = str(tmp_path_factory.mktemp("sql") / "journal")
    DeltaJournal(uri).append(calls(7))
    return uri


@pytest.fixture
def queries(uri: str) -> BoundedQueries:
    return BoundedQueries(uri)


def test_what_it_finds_is_what_was_told(queries: BoundedQueries) -> None:
    found = queries.ask(
        "select model, count(distinct event_id) as calls from predictions group by model order by 2;", 10
    )
    told = calls(7)
    counts = {model: sum(each.model == model for each in told) for model in (None, "wine", "beer")}
    assert found.columns == ("model", "calls")
    assert dict(found.rows) == counts  # type: ignore[arg-type]
    assert not found.cut


def test_every_type_is_told_as_json(queries: BoundedQueries) -> None:
    first = min(calls(7), key=lambda each: each.at)
    sql = (
        "select min(at) as at, true as b, 1.5 as n, null as gone, make_array(1, 2) as many, "
        "cast('2026-01-02' as date) as d from predictions"
    )
    found = queries.ask(sql, 1)
    assert found.rows == ((first.at.isoformat(), True, 1.5, None, [1, 2], "2026-01-02"),)
    assert len(found.types) == 6


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("to_timestamp_nanos(1500000000123456789)", "2017-07-14T02:40:00.123456+00:00"),
        ("to_timestamp_seconds(-1)", "1969-12-31T23:59:59+00:00"),
        ("arrow_cast(9000000000000, 'Timestamp(Second, None)')", "9000000000000 1 s after 1970-01-01T00:00:00+00:00"),
    ],
)
def test_a_moment_of_any_kind_is_told(queries: BoundedQueries, sql: str, told: str) -> None:
    assert queries.ask(f"select {sql}", 1).rows == ((told,),)


def test_the_rows_are_cut_and_that_is_said(queries: BoundedQueries) -> None:
    assert queries.ask("select 1 from predictions", 5).cut
    assert len(queries.ask("select 1 from predictions", 5).rows) == 5
    wide = queries.ask("select repeat('x', 100000) from predictions", 1_000)
    assert wide.cut and 25 < len(wide.rows) < 32
    assert len(queries.ask("select repeat('x', 4000000)", 1).rows) == 1


def test_what_no_json_can_be_made_of_is_told_as_that(queries: BoundedQueries) -> None:
    with pytest.raises(Invalid, match=r"interval .*: cast it to text") as told:
        queries.ask("select interval '1 day' as a", 1)
    assert "MB" not in told.value.message


@pytest.mark.parametrize(
    "sql",
    [
        "delete from predictions", "drop table predictions", "insert into predictions select * from predictions",
        "update predictions set status = 1", "with a as (select 1) insert into predictions select * from predictions",
        "copy (select * from predictions) to '{here}/copy.parquet'",
        "select 1) as a; copy (select 1) to '{here}/copy.parquet'; select * from (select 1",
        "create external table x stored as csv location '/etc/hostname'", "select * from '/etc/hostname'",
        "select * from read_csv('/etc/hostname')", "set datafusion.execution.target_partitions = 1",
        "select 1; select 2", "select * from information_schema.tables", "select", "", ")", "select * from nothing",
        "'", "/*", "explain select 1",
    ],
)  # fmt: skip
def test_it_does_nothing_but_read(queries: BoundedQueries, uri: str, tmp_path: Path, sql: str) -> None:
    files = sorted(str(each) for each in Path(uri).rglob("*"))
    with pytest.raises(Invalid) as told:
        queries.ask(sql.replace("{here}", str(tmp_path)), 10)
    assert told.value.field == "sql"
    assert "datafusion" not in told.value.message.lower()
    assert list(tmp_path.iterdir()) == []
    assert sorted(str(each) for each in Path(uri).rglob("*")) == files


def test_a_query_that_never_ends_is_ended(uri: str) -> None:
    endless = "select count(*) from generate_series(1, 999999999) a, generate_series(1, 999999999) b"
    with pytest.raises(Invalid, match="more than 3 s"):
        BoundedQueries(uri, seconds=3).ask(endless, 1)


def test_a_query_that_wants_too_much_memory_is_ended(uri: str) -> None:
    large = "select array_agg(repeat('x', 100000) || value) from generate_series(1, 100000)"
    with pytest.raises(Invalid, match="more than 400 MB"):
        BoundedQueries(uri, megabytes=400).ask(large, 1)


def test_before_anything_was_predicted_the_table_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="table 'predictions' not found"):
        BoundedQueries(str(tmp_path)).ask("select * from predictions", 1)


def test_answers_are_json(queries: BoundedQueries) -> None:
    found = queries.ask("select * from predictions", 500)
    assert json.loads(json.dumps(found.rows)) == [list(row) for row in found.rows]
