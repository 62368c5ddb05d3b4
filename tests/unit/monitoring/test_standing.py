from datetime import UTC, datetime, timedelta

import pytest

from gyre.journal.dead_letters import DeadLetters
from gyre.monitoring.figures import standing
from gyre.monitoring.figures.standing import letters, standings
from gyre.registry.moves import promote, rollback
from gyre.registry.releases import history, move_key, pointer, pointer_key
from gyre.registry.traffic import send_traffic
from gyre.spec.versions import add_spec
from tests.fakes.objects import MemoryBucket
from tests.unit.cli.stack import SPEC
from tests.unit.registry.house import ANNA, registered, release, released

MADE = datetime.fromisoformat("2026-11-21T09:00:00+00:00")


def moved(model: str, artifacts: MemoryBucket) -> datetime:
    """When its pointer was moved last."""
    return datetime.fromisoformat(pointer(model, artifacts).last.at)


def test_where_nothing_is_released_nothing_stands() -> None:
    assert standings(MemoryBucket()) == standings(released(2)) == []


def test_each_model_is_told_with_its_release_and_its_last_training() -> None:
    # given
    artifacts = released(2, 1)
    registered("wine", 3, artifacts, at="2026-11-22T01:00:00+00:00")
    release("beer", 1, artifacts)
    # then
    beer, wine = standings(artifacts)
    assert (beer.model, beer.version, beer.since, beer.trained) == ("beer", 1, moved("beer", artifacts), MADE)
    assert (wine.model, wine.version, wine.since) == ("wine", 1, moved("wine", artifacts))
    assert wine.trained == datetime.fromisoformat("2026-11-22T01:00:00+00:00")


def test_a_rollback_moves_production_and_shares_of_traffic_do_not() -> None:
    # given
    artifacts = released(3, 1, 2)
    rollback("wine", artifacts, ANNA)
    since = moved("wine", artifacts)
    # when
    promote("wine", 3, artifacts, ANNA, alias="challenger")
    send_traffic("wine", 3, 0.1, 0.0, artifacts, ANNA)
    # then
    assert moved("wine", artifacts) > since
    assert [(each.version, each.since) for each in standings(artifacts)] == [(1, since)]


def test_behind_too_many_moves_nobody_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    artifacts = released(2, 1)
    promote("wine", 2, artifacts, ANNA, alias="challenger")
    monkeypatch.setattr(standing, "_MOST_MOVES", len(list(history("wine", artifacts))) - 1)
    assert [each.since for each in standings(artifacts)] == [None]


def test_how_often_it_is_looked_is_what_was_declared_or_the_usual() -> None:
    artifacts = released(1, 1)
    assert [each.every for each in standings(artifacts)] == [timedelta(hours=24)]
    add_spec(SPEC + b"\nmonitoring: {every_hours: 1.5}\n", artifacts)
    assert [each.every for each in standings(artifacts)] == [timedelta(minutes=90)]


def test_a_pointer_that_cannot_be_read_hides_no_other_model() -> None:
    artifacts = released(1, 1)
    release("beer", 1, artifacts)
    artifacts.put(pointer_key("beer"), b"{")
    assert [each.model for each in standings(artifacts)] == ["wine"]


def test_a_gap_in_a_history_and_a_broken_record_take_nothing_else_away() -> None:
    # given
    artifacts = released(2, 1)
    promote("wine", 2, artifacts, ANNA, alias="challenger")
    artifacts.put(move_key("wine", 1), b"{")
    artifacts.put("registry/wine/00000002.json", b"{")
    # then
    assert [(each.version, each.since, each.trained) for each in standings(artifacts)] == [(1, None, None)]


def test_dead_letters_are_counted_up_to_where_it_makes_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    # given
    data = MemoryBucket()
    assert letters(data) == 0
    for number in range(3):
        DeadLetters(data).keep(f"message-{number}", "{", "no record", datetime(2026, 11, 22, tzinfo=UTC), 3)
    # then
    assert letters(data) == 3
    monkeypatch.setattr(standing, "_MOST_LETTERS", 2)
    assert letters(data) == 2
