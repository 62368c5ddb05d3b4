"""What watching reads of the journal: the fake and the Delta tables keep one contract."""

import json
from dataclasses import dataclass
from datetime import timedelta, timezone
from pathlib import Path

import pytest

from gyre.aws.labels import DeltaLabels
from gyre.aws.lake import DeltaJournal
from gyre.aws.windows import DeltaPredictions
from gyre.feedback.labels import Labels
from gyre.journal.table import Journal
from gyre.monitoring.gathering.predicted import PredictedRow, Predictions, Span
from tests.contract.test_labels import DAY, NOON, call, label
from tests.fakes.journal import MemoryJournal
from tests.fakes.labels import MemoryLabels
from tests.fakes.predictions import MemoryPredictions

SPAN = Span("wine", NOON - timedelta(hours=1), NOON + timedelta(hours=1))


@dataclass(frozen=True)
class Place:
    journal: Journal
    labels: Labels
    predictions: Predictions

    def read(self, version: int | None = 3, share: float = 1.0, span: Span = SPAN) -> list[PredictedRow]:
        return [each for part in self.predictions.rows(span, version, share) for each in part]


@pytest.fixture(params=["fake", "delta"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param == "fake":
        journal = MemoryJournal()
        labels = MemoryLabels(journal)
        return Place(journal, labels, MemoryPredictions(labels))
    uri = str(tmp_path)
    return Place(DeltaJournal(uri), DeltaLabels(uri), DeltaPredictions(uri))


def test_before_the_first_call_there_is_nothing(place: Place) -> None:
    volume = place.predictions.volume(SPAN, NOON)
    assert (volume.rows, volume.calls, volume.failed, volume.ahead) == ({}, 0, 0, 0)
    assert place.read() == []


def test_rows_come_with_what_is_true(place: Place) -> None:
    place.journal.append([call(1, "a", "b"), call(2, "c"), call(3, "d", at=NOON + DAY)])
    place.labels.append([label("white", 1, 1), label("red", named="c"), label("white", 3)])
    found = {json.loads(each.features)["place"]: each for each in place.read() if each.label is not None}
    assert {at: json.loads(each.label or "") for at, each in found.items()} == {0: "red", 1: "white"}
    (unknown,) = [each for each in place.read() if each.label is None]
    answer = json.loads(unknown.answer)
    assert (answer["prediction"], answer["probabilities"]) == ("red", {"red": 0.75, "white": 0.25})
    assert unknown.at == int(NOON.timestamp() * 1e6)
    assert {each.row_id for each in place.read()} == {"a", "b", "c"}


def test_what_was_corrected_counts_once_as_it_is_now(place: Place) -> None:
    place.journal.append([call(1, "a")])
    place.labels.append([label("white", 1), label("red", 1, at=NOON + 2 * DAY)])
    (found,) = place.read()
    assert json.loads(found.label or "") == "red"


def test_shadows_refusals_and_other_models_are_left_out(place: Place) -> None:
    place.journal.append([
        call(1, "a"), call(1, "a", kind="shadow", suffix="-shadow"), call(2), call(3, "b", model="beer"),
        call(4, "c", said=None), call(5, "d", kind="batch"),
    ])  # fmt: skip
    assert len(place.read()) == 2
    volume = place.predictions.volume(SPAN, NOON)
    assert volume.rows == {3: 2}
    assert volume.calls == 4  # nobody got what the shadow said


def test_a_span_in_another_zone_is_the_same_span(place: Place) -> None:
    place.journal.append([call(1, "a", at=NOON)])
    east = timezone(timedelta(hours=13))
    told = Span("wine", SPAN.since.astimezone(east), SPAN.until.astimezone(east))
    assert place.predictions.volume(told, NOON) == place.predictions.volume(SPAN, NOON)
    assert (place.predictions.volume(told, NOON).calls, len(place.read(span=told))) == (1, 1)


def test_the_span_ends_before_its_end_and_what_is_ahead_is_told(place: Place) -> None:
    place.journal.append([call(1, "a", at=SPAN.since), call(2, "b", at=SPAN.until), call(3, "c", at=NOON + DAY)])
    assert len(place.read()) == 1
    assert place.predictions.volume(SPAN, NOON).ahead == 1


def test_another_release_is_another_version(place: Place) -> None:
    place.journal.append([call(1, "a")])
    assert place.read(version=4) == []
    assert len(place.read(version=None)) == 1


def test_a_share_is_always_the_same_rows_of_each_call(place: Place) -> None:
    place.journal.append([call(number, *"abcdefghij") for number in range(100)])
    half = place.read(share=0.5)
    assert half == place.read(share=0.5) or sorted(half) == sorted(place.read(share=0.5))
    assert 430 < len(half) < 570
    assert len({json.loads(each.features)["place"] for each in half}) == 10
    assert set(place.read(share=0.1)) <= set(half)
