from datetime import UTC, datetime, timedelta

import pytest

from gyre.journal.record import JournalRecord, JournalRow
from tests.unit.parts import House, told

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def record(number: int, model: str = "wine") -> JournalRecord:
    return JournalRecord(
        event_id=f"event-{number:04}",
        model=model,
        at=NOON + timedelta(seconds=number),
        status=200,
        duration_ms=1.5,
        caller="test",
        correlation_id="c",
    )


@pytest.fixture
def house() -> House:
    house = House()
    house.journal.append([record(1), record(2, "beer"), record(3)])
    return house


def test_the_newest_come_first(house: House) -> None:
    found = house.client("prediction_log").get("/predictions").json()["predictions"]
    assert [each["event_id"] for each in found] == ["event-0003", "event-0002", "event-0001"]


def test_they_are_asked_for_by_model_and_number(house: House) -> None:
    client = house.client("prediction_log")
    assert [e["event_id"] for e in client.get("/predictions?model=beer").json()["predictions"]] == ["event-0002"]
    assert [e["event_id"] for e in client.get("/predictions?limit=1").json()["predictions"]] == ["event-0003"]


def test_a_list_has_room_for_so_much(house: House) -> None:
    large = record(9).model_copy(update={"rows": (JournalRow(features={"text": "ü" * 900_000}),)})
    house.journal.append([large.model_copy(update={"event_id": f"large-{n:04}", "at": large.at}) for n in range(3)])
    answer = house.client("prediction_log").get("/predictions")
    assert len(answer.content) < 3_100_000 and answer.json()["cut"] is True
    assert [each["event_id"][:5] for each in answer.json()["predictions"]] == ["large"]
    assert house.client("prediction_log").get("/predictions?model=beer").json()["cut"] is False


def test_one_is_found_whole(house: House) -> None:
    found = house.client("prediction_log").get("/predictions/event-0002").json()
    assert JournalRecord.model_validate(found) == record(2, "beer")


def test_an_unknown_one_is_404(house: House) -> None:
    told(house.client("prediction_log").get("/predictions/event-9999"), 404)


@pytest.mark.parametrize(
    ("query", "field"),
    [("limit=0", "limit"), ("limit=1001", "limit"), ("limit=x", "limit"), ("model=A", "model"), ("model='", "model")],
)
def test_a_query_that_breaks_a_rule_is_422(house: House, query: str, field: str) -> None:
    assert told(house.client("prediction_log").get(f"/predictions?{query}"), 422)["field"] == field


@pytest.mark.parametrize("event_id", ["short", "x" * 81, "with%20space-0001", "quote'-0001"])
def test_what_is_no_event_id_is_422(house: House, event_id: str) -> None:
    assert told(house.client("prediction_log").get(f"/predictions/{event_id}"), 422)["field"] == "event_id"
