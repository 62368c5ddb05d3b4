"""A person erased from everything that is kept, and nobody else from anything."""

import gzip
import io
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gyre.errors import Unavailable
from gyre.journal.dead_letters import DeadLetters
from gyre.objects import REWRITTEN
from gyre.subjects.erasure import order_key, record_key
from gyre.subjects.export import EXPORTS, ExportOffice, export_key
from gyre.subjects.file_place import FilePlace
from gyre.subjects.subject import erasures_of
from gyre.training.intake import take_in
from tests.fakes import objects
from tests.fakes.errands import MemoryErrands
from tests.unit.subjects.kept import ANNA, BERT, NOW, Kept, people
from tests.unit.tasks.machine import Failed

PLACES = {
    "batch", "dead-letters", "feedback", "inbox", "journal", "labels", "overflow", "datasets/people/raw",
    "datasets/people/processed", "datasets/people/quarantine",
}  # fmt: skip


@pytest.fixture(scope="module")
def erased(tmp_path_factory: pytest.TempPathFactory) -> tuple[Kept, dict[str, Any], Mapping[str, Any]]:
    """Before, and after."""
    kept = Kept(Path(tmp_path_factory.mktemp("kept")))
    kept.fill(ANNA)
    before = {table: kept.every_version(table) for table in kept.tables()}
    record = kept.go(kept.ask(ANNA))
    return kept, before, vars(record)


def test_nothing_is_left_in_any_object_of_any_version(erased: tuple[Kept, Any, Any]) -> None:
    kept, _, _ = erased
    assert kept.grep(ANNA, *kept.subject(ANNA).pseudonyms) == []
    assert kept.grep(BERT), "others stay"


def test_every_version_of_every_table_is_what_it_was_without_them(erased: tuple[Kept, Any, Any]) -> None:
    kept, before, _ = erased
    for table, versions in before.items():
        after = kept.every_version(table)
        assert set(after) >= set(versions)
        for version, rows in versions.items():
            assert after[version] == [row for row in rows if "Anna" not in str(row) and "ragged" not in str(row)]
            assert all(row in rows for row in after[version])
    assert len(before["raw"][1]) - len(kept.every_version("raw")[1]) == 3
    assert before["quarantine"][1]
    assert kept.every_version("quarantine")[1] == []


def test_the_proof_says_what_was_erased_and_what_was_read(erased: tuple[Kept, Any, Any]) -> None:
    _, _, record = erased
    assert (record["state"], {each for each, told in record["places"].items() if told["rows"] or told["removed"]}) == (
        "proven", PLACES,
    )  # fmt: skip
    rows = {place: told["rows"] for place, told in record["places"].items()}
    assert rows["datasets/people/raw"] == 4
    assert rows["datasets/people/processed"] == 3
    assert rows["datasets/people/quarantine"] == 2
    assert (rows["journal"], rows["labels"], rows["feedback"]) == (2, 3, 1)
    assert list(record["places"]["datasets/people/processed"]["versions"]) == [1, 2]
    assert list(record["trained"]) == [{"model": "people", "version": number, "dataset": number} for number in (1, 2)]
    search = record["search"]
    assert (search["found"], search["left"]) == (0, [])
    assert search["objects"] > 60 and search["bytes"] > 10_000
    assert (record["asked"][0].by, record["ended_at"] is not None) == ("ann", True)


def test_nobody_learns_from_what_stays_whom_it_was_about(erased: tuple[Kept, Any, Any]) -> None:
    kept, _, record = erased
    left = {each.key for each in kept.data.versions("erasures/")}
    assert {key for key in left if "/tables/" not in key} == {record_key(record["erasure"])}
    told = json.dumps([kept.called, vars(kept.workflow.runs[record["asked"][0].run])], default=str)
    assert ANNA not in told
    assert not any(each in told for each in kept.subject(ANNA).pseudonyms)


def test_files_keep_their_format_and_the_rows_of_others(erased: tuple[Kept, Any, Any]) -> None:
    kept, _, _ = erased
    one = kept.data.read("inbox/people/one.csv").content.decode()
    assert (one.count("\n"), one.startswith("email,name,age,income,bought\nperson1-0@")) == (161, True)
    packed = gzip.decompress(kept.data.read("batch/people/in/a/rows.jsonl.gz").content).decode()
    assert [json.loads(line)["email"] for line in packed.splitlines()] == [BERT, "carl@example.org"]
    out = pq.read_table(io.BytesIO(kept.data.read("batch/people/out/a/rows.parquet").content))
    assert out.to_pylist() == [{"email": BERT, "prediction": "no"}]
    assert kept.data.read("feedback/people/labels.csv").content == f"id,label\n{BERT},yes\n".encode()
    assert [each.key for each in kept.data.list("batch/people/work/")] == ["batch/people/work/batch_1/parts/000002"]


def test_what_was_put_in_the_place_of_an_upload_is_known_for_it(erased: tuple[Kept, Any, Any]) -> None:
    """It came in by nobody: no run is to take it."""
    kept, _, record = erased
    assert kept.data.marks("inbox/people/one.csv") == {REWRITTEN: record["erasure"]}
    assert kept.data.marks("inbox/people/two.csv") == {}
    for key in ("inbox/people/one.csv", "batch/people/in/a/rows.jsonl.gz"):
        assert "ignored" in take_in(key, None, kept.data, kept.artifacts, kept.workflow)
    assert "run" in take_in("inbox/people/two.csv", None, kept.data, kept.artifacts, kept.workflow)


def test_the_journal_knows_the_calls_and_nothing_of_the_rows(erased: tuple[Kept, Any, Any]) -> None:
    kept, _, _ = erased
    first, second = kept.journal.find("event-0001"), kept.journal.find("event-0002")
    assert [row.fault.code for row in first.rows if row.fault] == ["erased"]
    assert [row.prediction for row in second.rows] == ["yes", None]
    assert {each.label_id for each in kept.labels.of_events(["event-0001", "event-0002"])} == {"event-0002:l3"}
    aside = json.loads(kept.data.read("overflow/people/2026-11-01/event-0004.json").content)
    assert [row.get("prediction") for row in aside["rows"]] == ["yes", None]
    letters = DeadLetters(kept.data).page(10).letters  # type: ignore[arg-type]
    assert [each.id.partition(".")[2] for each in letters] == ["message-1", "message-3"]


def test_a_model_is_trained_on_the_old_version_as_before(erased: tuple[Kept, Any, Any]) -> None:
    kept, before, _ = erased
    told = kept.world.train("run-9", "people", dataset=1)
    assert told
    split = kept.world.step("run-9", "split", "people")
    assert split == kept.world.step("run-1", "split", "people"), "nobody else changes sides"
    assert len(before["processed"][1]) - len(kept.every_version("processed")[1]) == 2


def test_an_upload_that_is_brought_again_does_not_bring_them_back(erased: tuple[Kept, Any, Any]) -> None:
    """Its content is known: it is the version that it became."""
    kept, _, _ = erased
    again = f"{people(160, 2)}{ANNA},Anna Lund,47,32,yes\n"
    kept.world.train("run-8", "people", upload=kept.world.upload("people", again, "again.csv"))
    assert kept.world.step("run-8", "ingest", "people")["version"] == 2
    assert not any(ANNA in str(row) for row in kept.every_version("processed")[2])


# -- what may come in between ------------------------------------------------------------------


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    found = Kept(tmp_path)
    found.files(ANNA)
    found.predictions(ANNA)
    return found


def test_asked_twice_it_is_one_erasure(kept: Kept) -> None:
    first, second = kept.ask(ANNA), kept.ask(f" {ANNA} ")
    assert (first, len(kept.workflow.runs)) == (second, 1)
    assert kept.go(first).state == "proven"
    assert kept.grep(ANNA) == []


def test_after_a_proof_another_one_begins_for_what_came_since(kept: Kept) -> None:
    first = kept.go(kept.ask(ANNA))
    kept.data.put("inbox/people/new.csv", f"email,age\n{ANNA},1\n".encode())
    again = kept.go(kept.ask(ANNA))
    assert (again.erasure, again.state, len(again.asked)) == (first.erasure, "proven", 2)
    assert (again.places["inbox"]["rows"], again.earlier[0]["places"]) == (1, first.places)
    assert kept.grep(ANNA) == []


def test_an_erasure_that_was_broken_off_goes_on(kept: Kept) -> None:
    asked = kept.ask(ANNA)
    kept.workflow.end(asked.run, "failed")
    assert kept.ask(ANNA) == asked
    assert (kept.workflow.runs[asked.run].attempt, kept.workflow.runs[asked.run].status) == (2, "running")
    assert kept.go(asked).state == "proven"


def test_asked_and_never_started_it_is_started(kept: Kept) -> None:
    asked = kept.ask(ANNA)
    kept.workflow.runs.clear()
    assert kept.ask(ANNA) == asked
    assert list(kept.workflow.runs) == [asked.run]


def test_two_people_at_once(kept: Kept) -> None:
    """Their steps alternate."""
    anna, bert = kept.ask(ANNA), kept.ask(BERT)

    def meanwhile(event: Mapping[str, Any]) -> Mapping[str, Any]:
        if event["task"] == "erase":
            kept.call({**event, "erasure": bert.erasure})
        return kept.call(event)

    kept.call({"task": "places", "erasure": bert.erasure})
    assert kept.go(anna, meanwhile).state == "proven"
    assert kept.go(bert).state == "proven"
    assert kept.grep(ANNA, BERT) == []


def test_with_no_time_at_all_it_comes_to_its_end(kept: Kept) -> None:
    """Each task does one thing and is called again."""
    kept.seconds = -1.0
    calls = 0

    def call(event: Mapping[str, Any]) -> Mapping[str, Any]:
        nonlocal calls
        calls += 1
        kept.seconds = 600.0 if not calls % 2 else -1.0
        return kept.call(event)

    assert kept.go(kept.ask(ANNA), call).state == "proven"
    assert kept.grep(ANNA) == []


def test_what_cannot_be_erased_is_told_and_kept_open(kept: Kept) -> None:
    kept.artifacts.put("runs/people/run-1/note.json", json.dumps({"who": ANNA}).encode())
    kept.data.put(f"inbox/people/{ANNA}.txt.bin", b"x")
    record = kept.go(kept.ask(ANNA))
    assert record.state == "incomplete"
    assert record.search and set(record.search["left"]) == {
        "artifacts/runs/people/run-1/note.json", "data/inbox/people/….txt.bin, in its name",
    }  # fmt: skip
    assert ANNA not in kept.data.read(record_key(record.erasure)).content.decode()
    assert [each["kind"] for each in kept.notices] == ["erasure_incomplete"]
    # when somebody has seen to it
    for bucket, key in ((kept.artifacts, "runs/people/run-1/note.json"), (kept.data, f"inbox/people/{ANNA}.txt.bin")):
        for each in list(bucket.versions(key)):
            bucket.remove(each.key, each.version)
    again = kept.go(kept.ask(ANNA))
    assert (again.state, len(again.asked), again.erasure) == ("proven", 2, record.erasure)
    assert kept.grep(ANNA) == []


def test_what_comes_in_meanwhile_goes_in_another_round(kept: Kept) -> None:
    asked, rounds = kept.ask(ANNA), []

    def call(event: Mapping[str, Any]) -> Mapping[str, Any]:
        if event["task"] == "prove":
            rounds.append(event["round"])
            if len(rounds) == 1:
                kept.data.put("inbox/people/late.csv", f"email,age\n{ANNA},1\n{BERT},2\n".encode())
        return kept.call(event)

    record = kept.go(asked, call)
    assert (record.state, rounds) == ("proven", [1, 2])
    assert kept.data.read("inbox/people/late.csv").content == f"email,age\n{BERT},2\n".encode()


def test_a_short_id_is_erased_by_columns_and_searched_by_pseudonym(kept: Kept) -> None:
    kept.data.put("inbox/people/short.csv", b"email,age\nA17,17\nB17,18\n")
    kept.data.put("runs/people/run-1/note.txt", b"size A17 and A17")
    kept.predictions("A17", "other")
    record = kept.go(kept.ask("A17"))
    assert record.state == "proven"
    assert record.search and "so short an id" in record.search["by"]
    assert kept.data.read("inbox/people/short.csv").content == b"email,age\nB17,18\n"
    assert record.places["journal"]["rows"] == 2


def test_what_comes_of_a_short_id_meanwhile_goes_in_another_round(kept: Kept) -> None:
    rounds = []

    def call(event: Mapping[str, Any]) -> Mapping[str, Any]:
        if event["task"] == "prove":
            rounds.append(event["round"])
            if len(rounds) == 1:
                kept.predictions("A17", "late")
        return kept.call(event)

    assert (kept.go(kept.ask("A17"), call).state, rounds) == ("proven", [1, 2])


@pytest.mark.parametrize("error", [pa.ArrowInvalid(f"cannot read {ANNA!r}"), ValueError(ANNA), Unavailable(ANNA)])
def test_no_failure_names_the_person(kept: Kept, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """Step Functions keeps its words, and the notice has them."""

    def fail(*_: Any) -> Any:
        raise error

    monkeypatch.setattr(FilePlace, "erase", fail)
    with pytest.raises(Failed):
        kept.go(kept.ask(ANNA))
    (notice,) = kept.notices
    assert notice["kind"] == "erasure_failed"
    assert ANNA not in json.dumps(notice)
    assert notice["error"] == "Unavailable" or type(error).__name__ in notice["cause"]


def test_a_person_nobody_knows_is_proven_to_be_nowhere(kept: Kept) -> None:
    before = kept.grep(ANNA)
    record = kept.go(kept.ask("nobody@example.org"))
    assert (record.state, record.places) == ("proven", {})
    assert kept.grep(ANNA) == before


def test_an_order_without_a_record_harms_nobody(kept: Kept) -> None:
    asked = kept.ask(ANNA)
    kept.data.remove(record_key(asked.erasure), next(kept.data.versions(record_key(asked.erasure))).version)
    again = kept.ask(ANNA)
    assert again.erasure == asked.erasure
    assert kept.go(again).state == "proven"
    assert list(kept.data.versions(order_key(asked.erasure))) == []


# -- what is kept ------------------------------------------------------------------------------


def test_an_export_tells_what_is_kept_and_goes_with_the_person(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    # given
    monkeypatch.setattr(objects, "EPOCH", datetime.now(UTC))  # what is written, is written now
    kept, errands = Kept(tmp_path), MemoryErrands()
    kept.fill(ANNA)
    office = ExportOffice(kept.data, errands)
    assert office.ask(kept.subject(ANNA)) is None
    assert office.ask(kept.subject(ANNA)) is None, "it is on its way"
    ((task, payload),) = errands.sent
    assert ANNA not in json.dumps(payload)
    # when
    kept.call({"task": task, **payload})
    # then
    name = erasures_of(kept.subject(ANNA))[0]
    assert [each.key for each in kept.data.versions(EXPORTS)] == [export_key(name)]
    told = json.loads(kept.data.read(export_key(name)).content)
    rows = {}
    for each in told["kept"]:
        rows[each["where"]] = rows.get(each["where"], 0) + each["count"]
    assert rows == {
        "datasets/people/raw": 4, "datasets/people/processed": 3, "datasets/people/quarantine": 2, "journal": 2,
        "inbox/people/one.csv": 4, "batch/people/in/a/rows.jsonl.gz": 1, "batch/people/out/a/rows.parquet": 1,
        "batch/people/work/batch_1/parts/000001": 1, "feedback/people/labels.csv": 1,
        "overflow/people/2026-11-01/event-0004.json": 1, "dead-letters/2026-11-01/message-1.json": 1,
        "dead-letters/2026-11-01/message-2.json": 1, "labels": 3,
    }  # fmt: skip
    assert BERT not in json.dumps(told)
    (labels,) = (each["rows"] for each in told["kept"] if each["where"] == "labels")
    assert {(each["label_id"], each["label"], each["received_at"]) for each in labels} == {
        (name, "yes", NOW.isoformat()) for name in ("~:l1", "event-0002:l2", "event-0001:l4")
    }
    # and an erasure leaves none of it
    assert kept.go(kept.ask(ANNA)).state == "proven"
    assert list(kept.data.versions(EXPORTS)) == []
