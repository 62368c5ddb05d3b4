"""The way in, over the real table: what the table cannot hold, and several functions with the same messages."""

import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from deltalake import DeltaTable, QueryBuilder

from gyre.aws.lake import DeltaJournal
from gyre.errors import Unavailable
from gyre.journal.dead_letters import DeadLetters
from gyre.journal.intake import Intake, Message
from gyre.journal.record import JournalRow
from tests.contract.test_outlet import record
from tests.fakes.objects import MemoryBucket

# What a record may say, and a column of 64 bits may not.
UNHELD: dict[str, Any] = {"version": 2**63}


@pytest.fixture
def letters() -> DeadLetters:
    return DeadLetters(MemoryBucket())


def message(number: int, tries: int = 1, name: str = "", **row: Any) -> Message:
    told = record(number).model_copy(update={"rows": (JournalRow(**{"version": 1, **row}), JournalRow(version=1))})
    return Message(f"m-{number}{name}", told.model_dump_json(), tries)


def rows(uri: str) -> dict[str, int]:
    """By event, as another engine counts them."""
    table = QueryBuilder().register("t", DeltaTable(uri))
    answer = table.execute("select event_id, count(*) as many from t group by event_id").read_all()
    return dict(zip(answer.column("event_id").to_pylist(), answer.column("many").to_pylist(), strict=True))


def test_a_record_that_the_table_cannot_hold_ends_as_a_letter_and_the_others_in_the_table(
    tmp_path: Path, letters: DeadLetters
) -> None:
    intake = Intake(DeltaJournal(str(tmp_path)), letters.data, letters, 3)
    batch = [message(number, **(UNHELD if number == 5 else {})) for number in range(12)]
    taken = intake.take(batch)
    assert (taken.appended, [each.id for each in taken.refused]) == (11, ["m-5"])
    last = intake.take([Message("m-5", batch[5].body, 3)])
    assert (last.appended, [each.event_id for each in last.letters]) == (0, ["event-0005"])
    assert rows(str(tmp_path / "predictions")) == {f"event-{n:04}": 2 for n in range(12) if n != 5}


def test_an_answer_beyond_all_columns_is_held_where_it_is_text(tmp_path: Path, letters: DeadLetters) -> None:
    journal = DeltaJournal(str(tmp_path))
    assert Intake(journal, letters.data, letters, 3).take([message(1, prediction=10**400)]).appended == 1
    assert journal.find("event-0001").rows[0].prediction == 10**400


def test_several_functions_with_the_same_messages_keep_each_call_once(tmp_path: Path, letters: DeadLetters) -> None:
    """Given batches that overlap, in any order, some of them taken twice because nobody acknowledged them."""
    messages = [message(number, name=f"-{copy}") for number in range(40) for copy in range(3)]
    random.Random(5).shuffle(messages)
    batches = [messages[at : at + 15] for at in range(0, len(messages), 15)] * 2

    def taken(batch: list[Message]) -> tuple[int, int]:
        left, appended = batch, 0
        for _ in range(20):  # what goes back comes again
            told = Intake(DeltaJournal(str(tmp_path)), letters.data, letters, 99).take(left)
            back = {each.id for each in told.refused}
            left, appended = [each for each in left if each.id in back], appended + told.appended
            if not left:
                break
        return appended, len(left)

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(taken, batches))
    assert (sum(each for each, _ in found), sum(left for _, left in found)) == (40, 0)
    assert Counter(rows(str(tmp_path / "predictions")).values()) == {2: 40}


def test_what_the_table_has_is_no_letter_when_the_queue_gives_it_up(tmp_path: Path, letters: DeadLetters) -> None:
    intake = Intake(DeltaJournal(str(tmp_path)), letters.data, letters, 3)
    given_up = [replace(message(number, tries=4), given_up=True) for number in (1, 2)]
    assert len(intake.take(given_up[:1]).letters) == 1  # before there is a table
    intake.take([message(1)])
    taken = intake.take(given_up)
    assert (taken.known, [each.event_id for each in taken.letters], taken.refused) == (1, ["event-0002"], ())


def test_a_table_that_cannot_be_written_gives_the_batch_back(tmp_path: Path, letters: DeadLetters) -> None:
    (tmp_path / "predictions").write_text("no folder")
    journal = DeltaJournal(str(tmp_path))
    with pytest.raises(Unavailable):
        journal.append([record(1)])
    taken = Intake(journal, letters.data, letters, 3).take([message(1), message(2, tries=3)])
    assert ([each.id for each in taken.refused], [each.event_id for each in taken.letters]) == (["m-1"], ["event-0002"])
