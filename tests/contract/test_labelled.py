"""Labelled predictions become the same upload whatever holds them, and an ingest takes it as it is."""

import gzip
import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gyre.aws.labels import DeltaLabels
from gyre.aws.lake import DeltaJournal
from gyre.datasets.checks import Checker
from gyre.datasets.source import open_upload
from gyre.feedback.labels import Label, Labels, Truth, label_id_of, place_of
from gyre.journal.record import JournalRecord, JournalRow
from gyre.journal.table import Journal
from gyre.monitoring.acting import labelled
from gyre.monitoring.acting.labelled import LabelledUpload, Received, kept_upload, labelled_upload
from gyre.spec.check import read_spec
from tests.fakes.journal import MemoryJournal
from tests.fakes.labels import MemoryLabels
from tests.fakes.objects import MemoryBucket

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
SPEC = read_spec(b"""
model: wine
task: binary
target: y
id: id
time: day
columns:
  id: {type: text, required: true, unique: true, length: 40}
  day: {type: time, required: true}
  y: {type: category, values: ["red", "white"]}
  acid: {type: number, range: [0, 10]}
  proof: {type: integer}
  dry: {type: boolean}
  place: {type: category}
  taste: {type: text}
  owner: {type: text, personal: true}
derived: {double: {formula: acid + acid}}
""")
FEATURES: dict[str, Any] = {
    "acid": 0.1 + 0.2, "proof": 12, "dry": True, "place": "007", "taste": 'it\'s "good"\n, née', "owner": "a pseudonym",
}  # fmt: skip


@pytest.fixture(params=["fake", "delta"])
def filled(request: pytest.FixtureRequest, tmp_path: Path) -> Labels:
    journal: Journal = MemoryJournal() if request.param == "fake" else DeltaJournal(str(tmp_path))
    labels: Labels = MemoryLabels(journal) if isinstance(journal, MemoryJournal) else DeltaLabels(str(tmp_path))
    said: list[tuple[int, int, Truth]] = []
    records = []
    for number in range(8):
        rows = tuple(
            JournalRow(
                id=f"case {number} {place}" if place else None, version=4, prediction="red",
                features=FEATURES | {"acid": number + place / 10},
            )
            for place in range(3)
        )  # fmt: skip
        records.append(
            JournalRecord(
                event_id=event(number), model="wine", at=NOON - timedelta(hours=30 * number + 1), status=200, rows=rows,
                duration_ms=1, caller="c", correlation_id="x", kind="batch" if number % 2 else "online",
            )
        )  # fmt: skip
        said += [(number, place, "white" if number % 3 else "red") for place in range(3) if (number + place) % 4]
    journal.append(records)
    labels.append([label(*each) for each in said])
    return labels


def event(number: int) -> str:
    return f"0190a000-{number:04}-7000-8000-000000000000"


def label(number: int, row: int, truth: Truth) -> Label:
    name = label_id_of(place_of("wine", event(number), None), (row, truth))
    return Label(
        label_id=name, model="wine", event_id=event(number), row=row, label=truth, source="key",
        received_at=NOON - timedelta(minutes=30 + number),
    )  # fmt: skip


@pytest.mark.parametrize("page", [4, 7, 1000])
def test_what_is_known_to_be_true_becomes_an_upload(filled: Labels, page: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(labelled, "_PAGE", page)
    data = MemoryBucket()
    made = labelled_upload(SPEC, "monitor_1", Received(None, NOON), filled, data)
    assert isinstance(made, LabelledUpload)
    content = data.read(made.key, made.version).content
    rows = [json.loads(line) for line in gzip.decompress(content).decode().splitlines()]
    wanted = {(number, place) for number in range(8) for place in range(3) if (number + place) % 4}
    assert made.rows == len(rows) == len(wanted)
    assert {each["id"] for each in rows} == {
        f"case {number} {place}" if place else f"{event(number)}-0" for number, place in wanted
    }
    assert all("owner" not in each for each in rows)
    assert kept_upload("wine", "monitor_1", data) == LabelledUpload(made.key, made.version)


def test_an_ingest_takes_every_row_as_it_was_sent(filled: Labels) -> None:
    data = MemoryBucket()
    made = labelled_upload(SPEC, "monitor_1", Received(None, NOON), filled, data)
    assert isinstance(made, LabelledUpload)
    opened = open_upload(made.key.rsplit("/", 1)[-1], io.BytesIO(data.read(made.key).content), SPEC.read)
    checker = Checker(SPEC, "ingest-1", opened.columns, {})
    parts = [checker.check(chunk) for chunk in opened.chunks]
    (accepted,) = (part for part, _ in parts)
    assert (checker.counts.accepted, checker.counts.rejected, checker.counts.flagged) == (made.rows, 0, 0)
    taken = {each["id"]: each for each in accepted.to_pylist()}
    row = taken["case 3 2"]
    assert {name: row[name] for name in ("acid", "proof", "dry", "place", "taste", "y", "double")} == {
        "acid": 3.2, "proof": 12, "dry": True, "place": "007", "taste": FEATURES["taste"], "y": "red", "double": 6.4,
    }  # fmt: skip
    assert row["day"].replace(tzinfo=UTC) == NOON - timedelta(hours=91)


def test_only_truths_of_the_time_that_was_asked_for_are_added(filled: Labels) -> None:
    since, until = NOON - timedelta(minutes=34), NOON - timedelta(minutes=32)
    data = MemoryBucket()
    made = labelled_upload(SPEC, "monitor_1", Received(since, until), filled, data)
    assert isinstance(made, LabelledUpload)
    text = gzip.decompress(data.read(made.key).content).decode()
    found = {int(json.loads(line)["acid"]) for line in text.splitlines()}
    assert found == {2, 3}
