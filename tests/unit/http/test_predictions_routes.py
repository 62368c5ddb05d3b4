from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gyre.http.lists import cursor_of
from gyre.journal.record import Contribution, Fault, JournalRecord, JournalRow, Served
from tests.unit.parts import House, told
from tests.unit.registry.house import registered

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
WHY = (Contribution(feature="age", value=40, contribution=1.5), Contribution(feature="mood", contribution=-0.25))


def record(number: int, model: str = "wine", *rows: JournalRow, **facts: Any) -> JournalRecord:
    return JournalRecord(
        event_id=f"event-{number:04}",
        model=model,
        at=NOON + timedelta(seconds=number),
        status=200,
        duration_ms=1.5,
        caller="test",
        correlation_id="c",
        rows=rows,
        **facts,
    )


def row(prediction: str = "red", **facts: Any) -> JournalRow:
    shares = {"red": 0.75, "white": 0.25}
    return JournalRow(
        version=1, features={"age": 40}, prediction=prediction, probabilities=shares, confidence=0.75, **facts
    )


@pytest.fixture
def house() -> House:
    house = House()
    house.journal.append([record(1), record(2, "beer", row(id=7), row("white")), record(3)])
    return house


def pages(house: House, query: str) -> list[dict[str, Any]]:
    """All items, from page to page."""
    found, cursor = list[dict[str, Any]](), ""
    while cursor is not None:
        answer = house.client("prediction_log").get(
            f"/predictions?{query}&cursor={cursor}" if cursor else f"/predictions?{query}"
        )
        assert answer.status_code == 200, answer.text
        found += answer.json()["predictions"]
        cursor = answer.json()["cursor"]
    return found


def events(found: list[dict[str, Any]]) -> list[tuple[str, int | None]]:
    return [(each["event_id"][-1], each["row"]) for each in found]


# --- lists ------------------------------------------------------------------------------------------------------------


def test_the_newest_come_first_row_by_row(house: House) -> None:
    assert events(pages(house, "")) == [("3", None), ("2", 0), ("2", 1), ("1", None)]


@pytest.mark.parametrize("limit", [1, 2, 3, 4])
def test_pages_follow_each_other(house: House, limit: int) -> None:
    assert pages(house, f"limit={limit}") == pages(house, "limit=1000")


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("model=beer", [("2", 0), ("2", 1)]),
        ("prediction=white", [("2", 1)]),
        ("id=7", [("2", 0)]),
        ("version=1", [("2", 0), ("2", 1)]),
        ("version=2", []),
        ("from=2026-11-21T12:00:03Z", [("3", None)]),
        ("to=2026-11-21T12:00:02", [("1", None)]),
        ("from=2026-11-21T12:00:01%2B00:00&to=2026-11-21T12:00:03Z", [("2", 0), ("2", 1), ("1", None)]),
    ],
)
def test_they_are_asked_for_by_what_they_are(house: House, query: str, wanted: list[tuple[str, int | None]]) -> None:
    assert events(pages(house, query)) == wanted


def test_a_row_is_told_with_its_answer(house: House) -> None:
    (found,) = pages(house, "id=7")
    assert found == {
        "event_id": "event-0002", "row": 0, "at": "2026-11-21T12:00:02Z", "model": "beer", "version": 1,
        "kind": "online", "status": 200, "id": 7, "prediction": "red", "confidence": 0.75,
        "probabilities": {"red": 0.75, "white": 0.25}, "features": {"age": 40}, "caller": "test",
        "correlation_id": "c", "duration_ms": 1.5, "error": None,
    }  # fmt: skip


def test_what_went_wrong_is_told(house: House) -> None:
    refused = {"status": 422, "error": Fault(code="invalid", message="No.")}
    house.journal.append([record(8).model_copy(update=refused)])
    house.journal.append([record(9, "wine", row().model_copy(update={"fault": Fault(code="range", message="Far.")}))])
    found = pages(house, "model=wine&limit=2")[:2]
    assert [each["error"]["message"] for each in found] == ["Far.", "No."]


def test_a_list_has_room_for_so_much_and_goes_on(house: House) -> None:
    large = record(9, "wine", JournalRow(features={"text": "ü" * 900_000}))
    house.journal.append([large.model_copy(update={"event_id": f"large-{n:04}", "at": large.at}) for n in range(3)])
    answer = house.client("prediction_log").get("/predictions")
    assert len(answer.content) < 3_100_000
    assert [each["event_id"] for each in answer.json()["predictions"]] == ["large-0002"]
    assert [each["event_id"] for each in pages(house, "model=wine")] == [
        "large-0002", "large-0001", "large-0000", "event-0003", "event-0001",
    ]  # fmt: skip


def test_an_erased_row_says_so(house: House) -> None:
    house.journal.append([record(9, "wine", row(id="p1:ADA"))])
    house.journal.erase(["p1:ADA"])
    (found,) = pages(house, "model=wine&limit=1&from=2026-11-21T12:00:09Z")
    assert found["erased"] is True
    assert (found["id"], found["prediction"], found["features"], found["version"]) == (None, None, {}, 1)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"), ("limit=1001", "limit"), ("limit=x", "limit"), ("model=A", "model"), ("model='", "model"),
        ("version=0", "version"), ("from=yesterday", "from"), ("to=2026-13-01", "to"), ("cursor=%00", "cursor"),
        ("cursor=abc", "cursor"), ("cursor=ZZZZ%3D%3D", "cursor"), (f"id={'x' * 201}", "id"),
        ("from=2026-11-21T12:00:00Z&to=2026-11-21T13:00:00%2B02:00", "to"),
        (f"cursor={cursor_of(NOON, 'event-0001', 10**30)}", "cursor"),
    ],
)  # fmt: skip
def test_a_query_that_breaks_a_rule_is_422(house: House, query: str, field: str) -> None:
    assert told(house.client("prediction_log").get(f"/predictions?{query}"), 422)["field"] == field


def test_beyond_our_centuries_is_always(house: House) -> None:
    every = pages(house, "model=wine")
    assert pages(house, "model=wine&from=0001-01-01T00:00:00%2B14:00&to=9999-12-31T23:59:59-14:00") == every
    assert pages(house, "model=wine&to=1600-01-01") == []


# --- one --------------------------------------------------------------------------------------------------------------


def test_one_is_found_whole(house: House) -> None:
    found = house.client("prediction_log").get("/predictions/event-0002").json()
    assert found.pop("lineage") == []
    assert JournalRecord.model_validate(found) == record(2, "beer", row(id=7), row("white"))


def test_an_unknown_one_is_404(house: House) -> None:
    told(house.client("prediction_log").get("/predictions/event-9999"), 404)


@pytest.mark.parametrize("event_id", ["short", "x" * 81, "with%20space-0001", "quote'-0001"])
def test_what_is_no_event_id_is_422(house: House, event_id: str) -> None:
    assert told(house.client("prediction_log").get(f"/predictions/{event_id}"), 422)["field"] == "event_id"


def test_it_comes_with_release_run_dataset_and_upload(house: House) -> None:
    made = registered("wine", 1, house.artifacts, dataset=3)
    taken = house.add_version("wine", 3)
    served = Served(version=1, alias="production", bundle="abc", rows=1), Served(version=9, alias="challenger", rows=2)
    house.journal.append([record(5, "wine", row(), served=served)])
    first, second = house.client("prediction_log").get("/predictions/event-0005").json()["lineage"]
    assert (first["version"], first["alias"], first["bundle"], first["rows"]) == (1, "production", "abc", 1)
    assert (first["run"], first["trained_at"], first["commit"], first["lost"]) == (made.run, made.at, made.commit, None)
    assert first["dataset"] == {
        "version": 3, "upload": taken.upload, "upload_version": taken.upload_version, "sha256": taken.sha256,
        "uploaded_at": taken.at,
    }  # fmt: skip
    assert (second["version"], second["run"], second["dataset"]) == (9, None, None)
    assert "no version 9" in second["lost"]


def test_of_a_dataset_that_is_gone_the_rest_is_told(house: House) -> None:
    made = registered("wine", 1, house.artifacts, dataset=4)
    house.journal.append([record(5, "wine", row(), served=(Served(version=1),))])
    (found,) = house.client("prediction_log").get("/predictions/event-0005").json()["lineage"]
    assert (found["run"], found["dataset"]) == (made.run, None)
    assert "dataset version 4" in found["lost"]


# --- why --------------------------------------------------------------------------------------------------------------


def test_its_reasons_are_a_picture(house: House) -> None:
    explained = row(base_value=-1.0, score=2.25, explanation=WHY)
    house.journal.append([record(5, "wine", row(), explained, served=(Served(version=1, unit="log_odds"),))])
    answer = house.client("prediction_log").get("/predictions/event-0005/explanation.svg?row=1")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("image/svg+xml")
    assert (
        "script-src" in answer.headers["content-security-policy"]
        or "default-src" in answer.headers["content-security-policy"]
    )
    assert "wine: red" in answer.text and "age" in answer.text and "log odds" in answer.text
    assert "+1.5" in answer.text and "2.25" in answer.text


@pytest.mark.parametrize(
    ("query", "status", "word"), [("", 409, "top"), ("?row=1", 404, "1 rows"), ("?row=-1", 422, "")]
)
def test_where_there_are_none_it_is_said(house: House, query: str, status: int, word: str) -> None:
    house.journal.append([record(5, "wine", row())])
    found = told(house.client("prediction_log").get(f"/predictions/event-0005/explanation.svg{query}"), status)
    assert found["field"] == "row"
    assert word in found["message"]
