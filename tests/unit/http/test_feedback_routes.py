"""/feedback over HTTP: one label, many, wrong ones, and what was said before."""

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from httpx import Response

from gyre.http.routes.feedback import MOST_LABELS
from gyre.pseudonyms import PSEUDONYM_KEYS, Pseudonyms, parse_pseudonyms, with_newer_key
from gyre.spec.versions import add_spec
from tests.unit.feedback.label_house import call, event
from tests.unit.parts import House, told

WINE = b"""\
model: wine
task: multiclass
target: colour
columns:
  colour: {type: category, values: [red, white, rose]}
  acid: {type: number}
"""
PEOPLE = b"""\
model: people
task: binary
target: stays
id: who
columns:
  stays: {type: boolean}
  who: {type: text, personal: true}
  age: {type: number}
"""


@pytest.fixture
def house() -> House:
    made = House()
    for spec in (WINE, PEOPLE):
        add_spec(spec, made.artifacts)
    ago = datetime.now(UTC) - timedelta(hours=1)
    made.journal.append([call(1, "a", at=ago), call(2, "b", "c", at=ago), call(3, "a", at=ago)])
    return made


def post(house: House, body: Any, **headers: str) -> Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer: Response = house.client("prediction_log").post("/feedback", content=content, headers=headers)
    return answer


def get(house: House, **query: str) -> Response:
    answer: Response = house.client("prediction_log").get("/feedback", params=query)
    return answer


def test_one_label(house: House) -> None:
    answer = post(house, {"event_id": event(1), "label": "white", "happened_at": time.time()})
    assert answer.status_code == 200, answer.text
    assert answer.json() == {"kept": 1, "repeated": 0, "unknown": [], "unknown_count": 0, "warnings": []}
    (kept,) = house.labels.labels
    assert (kept.label, kept.source) == ("white", "admin-1")


def test_many_labels_of_one_model(house: House) -> None:
    body = {
        "model": "wine",
        "labels": [
            {"event_id": event(2), "row": 1, "label": "rose"}, {"id": "a", "label": "red"},
            {"event_id": event(7), "row": 0, "label": "red", "happened_at": "2126-01-01"}, {"id": 7, "label": "white"},
        ],
    }  # fmt: skip
    found = post(house, body).json()
    assert (found["kept"], found["repeated"], found["unknown_count"]) == (4, 0, 2)
    assert found["unknown"] == [
        {"label": 2, "event_id": event(7), "row": 0, "id": None}, {"label": 3, "event_id": None, "row": None, "id": 7},
    ]  # fmt: skip
    assert [(each["label"], each["field"]) for each in found["warnings"]] == [(1, "id"), (2, "happened_at")]
    again = post(house, body).json()
    assert (again["kept"], again["repeated"]) == (0, 4)


def test_a_retry_under_its_key_is_one(house: House) -> None:
    said = {"event_id": event(1), "label": "white"}
    assert post(house, said, **{"idempotency-key": "k"}).json()["kept"] == 1
    assert post(house, {**said, "label": "red"}).json()["kept"] == 1
    assert post(house, said, **{"idempotency-key": "k"}).json()["repeated"] == 1
    assert get(house, event_id=event(1)).json()["rows"][0]["label"] == "red"


def test_all_or_nothing_with_every_fault_by_place_and_field(house: House) -> None:
    right = {"event_id": event(1), "label": "white"}
    answer = post(
        house,
        {
            "labels": [
                right,
                {**right, "label": "green"},
                {"event_id": event(2), "label": "red"},
                {"id": "a", "label": 1},
            ]
        },
    )
    error = told(answer, 422)
    assert error["field"] == "label"
    assert error["message"].startswith("Label 1, label: the label is none of the classes of wine: red, white, rose")
    assert error["message"].endswith("(3 faults, the first 3 in `details`). Nothing of this call was kept.")
    assert [(each["label"], each["field"]) for each in error["details"]] == [(1, "label"), (2, "row"), (3, "model")]
    assert house.labels.labels == []


@pytest.mark.parametrize(
    ("body", "places"),
    [
        (b"", [("body",)]),
        (b"[1]", [("body",)]),
        (b'{"label": "\\ud800", "event_id": "0190a000-0001"}', [("body",)]),
        (b"[" * 5_000, [("body",)]),
        ({"labels": []}, [(0, "labels")]),
        ({"labels": [{"label": "red"}] * (MOST_LABELS + 1)}, [(0, "labels")]),
        (
            {"labels": [{"event_id": event(1)}, {"event_id": "x", "label": [1]}]},
            [(0, "label"), (1, "label"), (1, "event_id")],
        ),
        ({"label": None, "event_id": event(1)}, [(0, "label")]),
        ({"label": "x" * 1_001, "event_id": event(1)}, [(0, "label")]),
        ({"label": "red", "event_id": event(1), "row": -1}, [(0, "row")]),
        ({"label": "red", "event_id": event(1), "row": True}, [(0, "row")]),
        ({"label": "red", "event_id": "no id!"}, [(0, "event_id")]),
        ({"label": "red", "id": 1.5, "model": "wine"}, [(0, "id")]),
        ({"label": "red", "id": "a", "model": "Wine"}, [(0, "model")]),
        ({"label": "red", "id": "a", "model": "wine", "lable": 1}, [(0, "lable")]),
        ({"label": 10**30, "id": "a", "model": "wine"}, [(0, "label")]),
        ({"label": "red", "id": "a", "model": "wine", "happened_at": {}}, [(0, "happened_at")]),
        ({"label": "red", "id": "a", "model": "wine", "happened_at": "1e999"}, [(0, "happened_at")]),
        ({"label": "red", "id": "a", "model": "cider"}, [(0, "model")]),
    ],
)
def test_what_is_malformed_is_refused_with_its_place(house: House, body: Any, places: list[tuple[Any, ...]]) -> None:
    error = told(post(house, body), 422)
    found: list[tuple[Any, ...]]
    found = [(each["label"], each["field"]) for each in error.get("details", ())] or [(error["field"],)]
    assert [each[-len(place) :] for each, place in zip(found, places, strict=True)] == places
    assert house.labels.labels == []


def test_nothing_is_said_without_a_key(house: House) -> None:
    client = house.client("prediction_log")
    client.headers.pop("x-api-key")
    told(client.post("/feedback", json={"event_id": event(1), "label": "red"}), 401)


def test_where_it_cannot_be_kept_that_is_said(house: House) -> None:
    house.labels.down = True
    told(post(house, {"event_id": event(1), "label": "red"}), 503)


# --- what was said ----------------------------------------------------------------------------------------------------


def test_the_history_of_a_call(house: House) -> None:
    for value in ("red", "white"):
        post(house, {"event_id": event(2), "row": 1, "label": value})
    post(house, {"model": "wine", "id": "b", "label": "rose"})
    found = get(house, event_id=event(2)).json()
    assert found["known"]
    assert [(row["row"], row["row_id"], row["label"]) for row in found["rows"]] == [(0, "b", "rose"), (1, "c", "white")]
    assert [each["label"] for each in found["rows"][1]["history"]] == ["red", "white"]
    assert get(house, event_id=event(3)).json() == {"known": True, "rows": []}


def test_the_history_of_a_call_that_the_journal_does_not_hold(house: House) -> None:
    post(house, {"event_id": event(8), "label": "red", "model": "wine"})
    found = get(house, event_id=event(8)).json()
    assert (found["known"], [row["label"] for row in found["rows"]]) == (False, ["red"])


def test_the_history_of_an_id(house: House) -> None:
    post(house, {"model": "wine", "id": "a", "label": "red"})
    post(house, {"event_id": event(3), "label": "rose"})
    found = get(house, model="wine", id="a").json()
    assert found["known"]
    assert [(row["event_id"], row["row_id"], row["label"]) for row in found["rows"]] == [
        (None, "a", "red"), (event(3), "a", "rose"),
    ]  # fmt: skip
    assert [each["label"] for each in found["rows"][1]["history"]] == ["red", "rose"]
    assert get(house, model="wine", id="zz").json() == {"known": False, "rows": []}


def test_a_personal_id_is_asked_for_by_its_name_and_told_by_its_pseudonym(house: House) -> None:
    ring = with_newer_key(with_newer_key(None, "now"), "later")
    house.artifacts.put(PSEUDONYM_KEYS, ring)
    keys: Pseudonyms = parse_pseudonyms(ring)
    house.journal.append([call(9, keys.every("Ann")[1], model="people", prediction=True)])
    assert post(house, {"model": "people", "id": "Ann", "label": "true"}).json()["unknown"] == []
    answer = get(house, model="people", id="Ann")
    assert "Ann" not in answer.text
    assert answer.json()["known"] and answer.json()["rows"][0]["label"] is True
    assert len(answer.json()["rows"][0]["history"]) == 2  # one line for each name that she has
    assert [row["label"] for row in get(house, event_id=event(9)).json()["rows"]] == [True]


@pytest.mark.parametrize("query", [{}, {"id": "a"}, {"model": "wine"}, {"event_id": event(1), "model": "wine"}])
def test_a_question_about_nothing_is_refused(house: House, query: dict[str, str]) -> None:
    assert "?event_id=" in told(get(house, **query), 422)["message"]
