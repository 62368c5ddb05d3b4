"""/journal: dead letters over HTTP."""

from datetime import UTC, datetime
from typing import Any

import pytest
from starlette.testclient import TestClient

from gyre.http.routes import dead_letters
from gyre.journal.dead_letters import DeadLetter, DeadLetters
from gyre.journal.outlet import parcel
from tests.contract.test_outlet import record
from tests.unit.parts import House, caller, told

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture
def house() -> House:
    return House()


@pytest.fixture
def client(house: House) -> TestClient:
    return house.client("prediction_log")


def keep(house: House, number: int, body: str = "poison", cause: str = "no JSON") -> DeadLetter:
    return DeadLetters(house.data).keep(f"m-{number}", body, cause, NOON, 3)


def test_a_list_tells_causes_and_no_content(house: House, client: TestClient) -> None:
    made = keep(house, 1, record(1).model_dump_json(), "shape 2 is newer")
    (listed,) = client.get("/journal/dead-letters").json()["dead_letters"]
    assert listed == made.model_dump(mode="json", exclude={"body", "aside"})


def test_a_list_goes_on_where_it_ended(house: House, client: TestClient) -> None:
    made = [keep(house, number).id for number in range(5)]
    first = client.get("/journal/dead-letters", params={"limit": 3}).json()
    rest = client.get("/journal/dead-letters", params={"limit": 3, "cursor": first["cursor"]}).json()
    assert [each["id"] for page in (first, rest) for each in page["dead_letters"]] == made
    assert rest["cursor"] is None


def test_one_comes_with_its_message(house: House, client: TestClient) -> None:
    made = keep(house, 1, "ü\u0000 {")
    answer = client.get(f"/journal/dead-letters/{made.id}").json()
    assert answer == made.model_dump(mode="json") | {"get_url": None}


def test_one_that_is_larger_than_an_answer_may_be_is_got_elsewhere(house: House, client: TestClient) -> None:
    made = keep(house, 1, parcel(record(1, "x" * 3_000_000), house.data, 250_000))
    answer = client.get(f"/journal/dead-letters/{made.id}")
    assert len(answer.content) < 2_000
    assert (answer.json()["aside"], answer.json()["body"]) == (None, made.body)
    assert answer.json()["get_url"] == f"memory://{made.key}?get=600"


def test_named_letters_are_replayed(house: House, client: TestClient) -> None:
    made = [keep(house, number, f"body {number}") for number in range(3)]
    answer = client.post("/journal/replay", json={"ids": [made[1].id, "2026-11-21.nobody"]}).json()
    assert (answer["replayed"], answer["left"], answer["cursor"]) == (1, 0, None)
    assert [each["id"] for each in answer["failed"]] == ["2026-11-21.nobody"]
    assert house.queue.bodies == ["body 1"]


def test_all_of_a_model_and_cause_are_replayed(house: House, client: TestClient) -> None:
    keep(house, 1, record(1).model_dump_json(), "The journal is down.")
    keep(house, 2, "poison", "The journal is down.")
    keep(house, 3, record(3).model_dump_json(), "shape 2 is newer")
    answer = client.post("/journal/replay", json={"all": True, "model": "wine", "cause": "IS DOWN"})
    assert answer.json() == {"replayed": 1, "left": 0, "failed": [], "cursor": None}
    assert house.queue.bodies == [record(1).model_dump_json()]


def test_a_queue_that_is_down_is_told_by_letter(house: House, client: TestClient) -> None:
    made = keep(house, 1)
    house.queue.down = True
    answer = client.post("/journal/replay", json={"all": True}).json()
    assert (answer["replayed"], answer["failed"][0]["id"]) == (0, made.id)
    assert "does not answer" in answer["failed"][0]["reason"]
    assert len(client.get("/journal/dead-letters").json()["dead_letters"]) == 1


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"all": False},
        {"ids": []},
        {"ids": ["2026-11-21.m-1"], "all": True},
        {"ids": ["2026-11-21.m-1"], "model": "wine"},
        {"ids": ["2026-11-21.m-1"], "cursor": "x"},
        {"ids": ["../x"]},
        {"ids": ["2026-11-21.m-1"] * 101},
        {"all": True, "cursor": "x"},
        {"all": True, "model": "No Model"},
        {"all": True, "cause": ""},
        {"all": True, "more": 1},
    ],
)
def test_a_replay_of_nothing_that_is_named_is_refused(house: House, client: TestClient, asked: Any) -> None:
    keep(house, 1)
    assert told(client.post("/journal/replay", json=asked), 422)["code"] == "invalid"
    assert house.queue.bodies == []


@pytest.mark.parametrize("path", ["m-1", "2026-11-21.m 1", "2026-11-21", "2026-11-21.a.b"])
def test_what_is_no_letters_id_is_refused(client: TestClient, path: str) -> None:
    assert told(client.get(f"/journal/dead-letters/{path}"), 422)["field"] == "letter"


def test_a_letter_that_is_not_there_is_not_found(client: TestClient) -> None:
    assert "lists them" in told(client.get("/journal/dead-letters/2026-11-21.m-1"), 404)["message"]


@pytest.mark.parametrize(("method", "path"), [("GET", "dead-letters"), ("GET", "dead-letters/x"), ("POST", "replay")])
def test_a_stranger_learns_nothing(house: House, method: str, path: str) -> None:
    stranger = caller(house.app(*house.routers()["prediction_log"]))
    assert stranger.request(method, f"/journal/{path}", json={}).status_code == 401


def test_what_is_answered_with_fits_into_an_answer() -> None:
    """Lambda takes 6 MB; a text may grow to twice its bytes in JSON, as a quotation mark does."""
    assert dead_letters._MOST_BYTES * 2 < 6_000_000
