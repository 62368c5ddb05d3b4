"""Records as PostgreSQL takes them: what JSON says, without the one character that it has not."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gyre.errors import Invalid
from gyre.journal.record import JournalRecord, JournalRow
from gyre.postgres.lines import NUL, lines_for
from gyre.pseudonyms import parse_pseudonyms, with_newer_key

TEXT = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from(["\0", "\\", '"']), max_size=8)
KEYS = parse_pseudonyms(with_newer_key(with_newer_key(None, "then"), "now"))


def record(event_id: str, *rows: JournalRow, **told: Any) -> JournalRecord:
    return JournalRecord(
        event_id=event_id, model="wine", at=datetime(2026, 11, 21, tzinfo=UTC), status=200, duration_ms=1,
        caller=told.get("caller", "ann"), correlation_id="c", rows=rows,
    )  # fmt: skip


@given(text=TEXT, key=TEXT)
def test_every_text_is_kept_but_for_the_character_that_postgres_has_not(text: str, key: str) -> None:
    row = JournalRow(id=text, version=1, features={key: [text]}, prediction=text)
    lines = lines_for([record("event-0001", row, caller=text)])
    assert "\\u0000" not in lines.rows.replace("\\\\", "")
    (call,), (told,) = json.loads(lines.calls), json.loads(lines.rows)
    plain = text.replace("\0", NUL)
    assert (call["caller"], told["row_id"], told["prediction"]) == (plain, plain, plain)
    assert (told["features"], told["answer"]["id"]) == ({key.replace("\0", NUL): [plain]}, plain)


def test_a_batch_stands_in_the_order_of_its_ids_and_the_first_of_each_counts() -> None:
    rows = [JournalRow(id=each) for each in "abc"]
    lines = lines_for([record("event-0003", rows[0]), record("event-0001"), record("event-0003", *rows[1:])])
    assert [each["event_id"] for each in json.loads(lines.calls)] == ["event-0001", "event-0003"]
    assert [each["rows"] for each in json.loads(lines.calls)] == [0, 1]
    assert [each["row_id"] for each in json.loads(lines.rows)] == ["a"]


def test_the_persons_of_a_row_are_found_wherever_they_stand() -> None:
    ann, ben, eve = (KEYS.every(name)[at] for name, at in (("ann", 0), ("ben", 1), ("eve", 0)))
    assert ann.startswith("p2:") and ben.startswith("p1:")
    row = JournalRow(id=eve, features={"name": ann, "friends": [{"name": ben}, [ann]], "age": 3, "text": f"for {ann}"})
    lines = lines_for([record("event-0001", row, JournalRow(id="x", features={"name": "p1:short"}))])
    assert [each["persons"] for each in json.loads(lines.rows)] == [sorted({ann, ben, eve}), None]
    assert lines.about_persons
    assert not lines_for([record("event-0001", JournalRow(id="x", features={"name": "ann"}))]).about_persons


def test_what_cannot_be_written_as_json_is_invalid_and_not_quoted() -> None:
    with pytest.raises(Invalid, match=r"^The record event-0001 cannot be written: [A-Za-z]*Error.$"):
        lines_for([record("event-0001", JournalRow(features={"x": "\ud800"}))])
