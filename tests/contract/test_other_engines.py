"""The journal's table as others open it: DuckDB, pandas, and Spark's way of reading partitions and columns."""

import json
from pathlib import Path

import duckdb
import pytest
from deltalake import DeltaTable

from bench.directory import DirectoryBucket
from gyre.aws.lake import DeltaJournal
from gyre.aws.upkeep import DeltaUpkeep
from tests.contract.test_journal_lines import calls

TOLD = calls(11)
ROWS = [(call, at, row) for call in TOLD for at, row in enumerate(call.rows)]


@pytest.fixture(scope="module", params=["as it was written", "compacted by us", "compacted by another"])
def table(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> DeltaTable:
    folder = tmp_path_factory.mktemp("engines")
    journal = DeltaJournal(str(folder / "journal"))
    for first in range(0, len(TOLD), 6):
        journal.append(TOLD[first : first + 6])
    opened = DeltaTable(str(folder / "journal/predictions"))
    match request.param:
        case "compacted by us":
            DeltaUpkeep(journal.table, DirectoryBucket(Path(folder)), "journal/predictions/").compact()
        case "compacted by another":
            opened.optimize.z_order(["event_id"])
            assert journal.append(TOLD) == frozenset()
            assert [journal.find(each.event_id) for each in TOLD] == TOLD
    opened.update_incremental()
    return opened


def test_duckdb_counts_and_joins_as_we_do(table: DeltaTable) -> None:
    predictions = table.to_pyarrow_dataset()  # noqa: F841  # DuckDB finds it by its name
    found = duckdb.sql(
        "select model, prediction, count(*) as n, round(avg(confidence), 6) as sure from predictions "
        "where prediction is not null group by all order by all"
    ).fetchall()
    wanted = {}
    for call, _, row in ROWS:
        if row.prediction is not None:
            name = str(row.prediction)
            wanted.setdefault((call.model, name), []).append(row.confidence)
    assert {(model, name): n for model, name, n, _ in found} == {key: len(each) for key, each in wanted.items()}
    for model, name, _, sure in found:
        told = [each for each in wanted[model, name] if each is not None]
        assert sure == (pytest.approx(sum(told) / len(told), abs=1e-6) if told else None)


def test_duckdb_reads_features_out_of_their_json(table: DeltaTable) -> None:
    predictions = table.to_pyarrow_dataset()  # noqa: F841
    found = duckdb.sql(
        "select event_id, row, cast(features->>'x' as double) from predictions where features->>'x' is not null"
    ).fetchall()
    wanted = {(call.event_id, at): row.features["x"] for call, at, row in ROWS if row.features.get("x") is not None}
    assert {(event, at): x for event, at, x in found} == pytest.approx(wanted)


def test_pandas_has_every_row_with_its_types(table: DeltaTable) -> None:
    frame = table.to_pandas()
    assert len(frame) == len(ROWS) + sum(not call.rows for call in TOLD)
    assert str(frame["at"].dtype).startswith("datetime64") and "UTC" in str(frame["at"].dtype)
    by_event = {call.event_id: call for call in TOLD}
    for event, row, at, answer in zip(frame["event_id"], frame["row"], frame["at"], frame["answer"], strict=True):
        call = by_event[event]
        assert at.to_pydatetime() == call.at
        if call.rows:
            assert json.loads(answer)["prediction"] == call.rows[int(row)].prediction
