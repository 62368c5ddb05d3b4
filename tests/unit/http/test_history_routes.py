"""/monitoring/{model}/history and /notices."""

from base64 import urlsafe_b64encode
from datetime import datetime, timedelta
from typing import Any

import pytest

from gyre.monitoring.acting.incident import Links, tell
from gyre.monitoring.results import rows_of
from gyre.spec.check import read_spec
from tests.fakes.notices import MemoryNotices
from tests.unit.monitoring.look_parts import HOUR, NOON, full_look
from tests.unit.parts import House, caller, told

SPEC = read_spec(b"model: wine\ntask: binary\ntarget: y\ncolumns: {y: {type: boolean}, weight: {type: number}}\n")


def cursor(told: str) -> str:
    return urlsafe_b64encode(told.encode()).decode().rstrip("=")


@pytest.fixture
def house() -> House:
    house = House()
    for number in range(4):
        house.looks.append(full_look(f"monitor_{number}", NOON - number * HOUR))
    house.looks.append(full_look("drift_1", NOON + HOUR, kind="compare"))
    return house


def pages(house: House, query: str, limit: int = 1000) -> list[dict[str, Any]]:
    found, cursor, client = list[dict[str, Any]](), "", house.client("drift")
    while cursor is not None:
        answer = client.get(f"/monitoring/wine/history?{query}&limit={limit}{f'&cursor={cursor}' if cursor else ''}")
        assert answer.status_code == 200, answer.text
        assert len(answer.json()["history"]) <= limit
        found += answer.json()["history"]
        cursor = answer.json()["cursor"]
    return found


def test_the_course_of_one_figure(house: House) -> None:
    found = pages(house, "what=drift&column=weight&kind=watch")
    assert [each["run"] for each in found] == [f"monitor_{number}" for number in range(4)]
    told = {name: value for name, value in found[0].items() if name not in ("at", "window_start", "window_end")}
    assert told == {
        "run": "monitor_0", "kind": "watch", "version": 4, "what": "drift",
        "column": "weight", "name": "jensen_shannon", "value": 0.4, "threshold": 0.1, "p": 1e-9, "adjusted": 2e-9,
        "counts": True, "rows": 500,
    }  # fmt: skip
    assert datetime.fromisoformat(found[0]["at"]) == datetime.fromisoformat(found[0]["window_end"]) == NOON


@pytest.mark.parametrize("limit", [3, 7])
def test_pages_follow_each_other(house: House, limit: int) -> None:
    every = pages(house, "")
    assert len(every) == 5 * len(rows_of(full_look()))
    assert pages(house, "", limit) == every


def test_from_and_to_are_moments_in_utc_where_nothing_else_is_said(house: House) -> None:
    found = pages(house, "what=verdict&from=2026-11-21T10:00:00&to=2026-11-21T12:00:00")
    assert [each["run"] for each in found] == ["monitor_1", "monitor_2"]


def test_a_figure_that_could_not_be_told_says_why(house: House) -> None:
    found = pages(house, "column=sex")[0]
    assert (found["value"], found["text"]) == (None, "one value alone")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("what=weather", "what"), ("limit=0", "limit"), ("limit=1001", "limit"), ("cursor=abc", "cursor"),
        ("cursor=%ff", "cursor"), ("from=2026-11-22&to=2026-11-21", "to"), ("kind=look", "kind"),
        (f"cursor={cursor('2026-11-21T12:00:00+00:00 99999999999999999999 run')}", "cursor"),
        (f"cursor={cursor('2026-11-21T12:00:00+00:00 1.5 run')}", "cursor"),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_refused(house: House, query: str, field: str) -> None:
    answer = house.client("drift").get(f"/monitoring/wine/history?{query}")
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, field)


def test_beyond_our_centuries_is_always(house: House) -> None:
    client = house.client("drift")
    every = client.get("/monitoring/wine/history").json()["history"]
    told = "from=0001-01-01T00:00:00%2B14:00&to=9999-12-31T23:59:59-14:00"
    assert client.get(f"/monitoring/wine/history?{told}").json()["history"] == every
    before = cursor("0001-01-01T00:00:00+14:00 1 run")
    assert client.get(f"/monitoring/wine/history?cursor={before}").json()["history"] == []


def test_a_model_that_nobody_looked_at_has_no_history(house: House) -> None:
    answer = house.client("drift").get("/monitoring/beer/history")
    assert answer.json() == {"model": "beer", "history": [], "cursor": None}


def test_what_people_heard_and_what_is_wrong_now(house: House) -> None:
    answer = house.client("drift").get("/monitoring/wine/notices")
    assert answer.json() == {"model": "wine", "incident": None, "notices": []}
    tell(full_look(), SPEC, house.data, MemoryNotices(), Links(), NOON + timedelta(minutes=1))
    found = house.client("drift").get("/monitoring/wine/notices").json()
    assert found["incident"]["level"] == "alert"
    assert found["incident"]["codes"] == ["drift:weight", "realised_performance:"]
    ((notice,),) = (found["notices"],)
    assert (notice["action"], notice["subject"]) == ("opened", "Gyre: wine: alert: f1 macro fell, weight moved")


def test_nobody_asks_without_a_key(house: House) -> None:
    app = house.app(*house.routers()["drift"])
    assert told(caller(app, "").get("/monitoring/wine/history"), 401)["code"] == "unauthenticated"
