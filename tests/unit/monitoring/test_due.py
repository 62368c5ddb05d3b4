"""Which models are looked at, and when."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from gyre.errors import Unavailable
from gyre.monitoring.due import begin, begun_key, due
from gyre.monitoring.gathering.predicted import PredictedRow, Span, SpanVolume
from gyre.monitoring.kept import keep_look, latest_key
from gyre.registry.releases import pointer_key
from gyre.spec.versions import add_spec
from tests.fakes.objects import MemoryBucket
from tests.unit.monitoring.look_parts import HOUR, NOON, look
from tests.unit.registry.house import release

MINUTE = HOUR / 60


class Journal:
    """`Predictions` as far as their number goes."""

    def __init__(self) -> None:
        self.predicted: list[tuple[datetime, int]] = []
        self.asked: list[Span] = []

    def volume(self, span: Span, now: datetime) -> SpanVolume:
        self.asked.append(span)
        rows: dict[int, int] = {}
        for at, version in self.predicted:
            if span.since <= at < span.until:
                rows[version] = rows.get(version, 0) + 1
        return SpanVolume(rows, sum(rows.values()), 0, 0)

    def rows(self, span: Span, version: int | None, share: float) -> Iterator[Sequence[PredictedRow]]:
        raise AssertionError("nobody has to read rows to count them")


class Place:
    def __init__(self) -> None:
        self.artifacts, self.data, self.journal = MemoryBucket(), MemoryBucket(), Journal()

    def release(self, model: str, monitoring: str | None = "") -> None:
        release(model, 1, self.artifacts)
        if monitoring is not None:
            text = (
                f"model: {model}\ntask: binary\ntarget: y\ncolumns: {{y: {{type: boolean}}, x: {{type: number}}}}\n"
                f"monitoring: {{{monitoring}}}\n"
            )
            add_spec(text.encode(), self.artifacts)

    def looked(self, at: datetime, model: str = "wine") -> None:
        keep_look(look(f"monitor_{at:%d%H%M}", at=at, model=model), self.data)

    def due(self, now: datetime = NOON, *, every: bool = False, run: str | None = None) -> list[str]:
        return due(self.artifacts, self.data, self.journal, now, every=every, run=run)


@pytest.fixture
def place() -> Place:
    return Place()


def test_who_has_no_release_is_never_due(place: Place) -> None:
    add_spec(
        b"model: wine\ntask: binary\ntarget: y\ncolumns: {y: {type: boolean}, x: {type: number}}\n", place.artifacts
    )
    assert place.due() == place.due(every=True) == []


def test_who_was_never_looked_at_is_due(place: Place) -> None:
    place.release("wine")
    assert place.due() == ["wine"]


@pytest.mark.parametrize(("every", "hours"), [(24, 24), (1, 1), (0.5, 0.5), (30, 30)])
def test_the_clock_asks_often_and_a_look_begins_as_often_as_it_is_declared(
    place: Place, every: float, hours: float
) -> None:
    place.release("wine", f"every_hours: {every}")
    began: list[datetime] = []
    for quarter in range(int(hours * 4 * 3) + 1):
        # The clock is late by some seconds, each time by others, and the window by some minutes.
        now = NOON + quarter * 15 * MINUTE + timedelta(seconds=quarter * 7 % 20)
        if place.due(now):
            began.append(now)
            place.looked(now + min(2 * MINUTE, hours * HOUR / 20))
    assert len(began) == 4
    gaps = [after - before for before, after in pairwise(began)]
    assert all(abs(gap - hours * HOUR) < MINUTE for gap in gaps)


def test_what_was_asked_for_by_hand_counts_too(place: Place) -> None:
    place.release("wine")
    place.looked(NOON - 2 * HOUR)
    assert place.due() == []
    assert place.due(every=True) == ["wine"]


def test_so_many_predictions_of_the_release_are_a_reason_too(place: Place) -> None:
    place.release("wine", "every_rows: 10")
    place.looked(NOON - HOUR)
    place.journal.predicted = [(NOON - 2 * HOUR, 1)] * 50 + [(NOON - MINUTE, 1)] * 9 + [(NOON - MINUTE, 2)] * 30
    assert place.due() == []
    place.journal.predicted.append((NOON - MINUTE, 1))
    assert place.due() == ["wine"]


def test_where_the_clock_alone_decides_the_journal_is_not_asked(place: Place) -> None:
    place.release("wine")
    place.release("beer", "every_rows: 10")
    place.looked(NOON - HOUR, "wine")
    assert place.due() == ["beer"]
    place.looked(NOON - HOUR, "beer")
    assert place.due() == []
    assert [each.model for each in place.journal.asked] == ["beer"]


# --- looks that have begun --------------------------------------------------------------------------------------------


def test_while_a_look_goes_on_no_other_begins(place: Place) -> None:
    place.release("wine", "every_hours: 1, every_rows: 10")
    place.journal.predicted = [(NOON - MINUTE, 1)] * 20
    begin(["wine"], "monitor_1", NOON, place.data)
    assert place.due(NOON + 15 * MINUTE) == []
    assert place.due(NOON + 15 * MINUTE, run="monitor_1") == ["wine"]  # the very run asks again
    place.looked(NOON + MINUTE)
    assert place.due(NOON + 2 * HOUR) == ["wine"]


def test_a_look_that_was_lost_is_begun_again(place: Place) -> None:
    place.release("wine")
    place.looked(NOON - 25 * HOUR)
    begin(["wine"], "monitor_1", NOON, place.data)
    assert place.due(NOON + HOUR) == []
    assert place.due(NOON + 4 * HOUR) == ["wine"]


def test_a_mark_that_nobody_can_read_marks_nothing(place: Place) -> None:
    place.release("wine")
    place.data.put(begun_key("wine"), b"?")
    assert place.due() == ["wine"]


# --- what is broken ---------------------------------------------------------------------------------------------------


def test_a_model_that_nobody_can_read_holds_up_no_other_and_is_told_once_a_day(place: Place) -> None:
    place.release("beer", None)  # released by hand, and never declared
    place.release("rum", "every_hours: 1")
    place.release("wine", "every_hours: 1")
    place.artifacts.put("specs/rum/00000002.yaml", b"model: rum\nno: spec\n")
    place.artifacts.put(pointer_key("wine"), b"no pointer")
    assert place.due() == ["beer", "rum", "wine"]
    begin(place.due(), "monitor_1", NOON, place.data)
    assert [place.due(NOON + hours * HOUR) for hours in (1, 5, 23)] == [[], [], []]
    assert place.due(NOON + 24 * HOUR) == ["beer", "rum", "wine"]


def test_a_look_that_nobody_can_read_is_taken_anew(place: Place) -> None:
    place.release("wine")
    place.data.put(latest_key("wine"), b"{}")
    assert place.due() == ["wine"]


def test_a_store_that_is_away_is_no_broken_declaration(place: Place) -> None:
    class Away(MemoryBucket):
        def read(self, key: str, version: str | None = None):  # type: ignore[no-untyped-def]
            if key.startswith("specs/"):
                raise Unavailable("S3 is away")
            return super().read(key, version)

    away = Away()
    for each in place.artifacts.list(""):
        away.put(each.key, place.artifacts.read(each.key).content)
    place.artifacts = away
    place.release("wine")
    with pytest.raises(Unavailable):
        place.due()
