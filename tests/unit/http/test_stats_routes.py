"""/stats: production and challenger, held against each other."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from httpx import Response

from gyre.http.routes import stats
from gyre.registry.moves import promote, withdraw
from gyre.registry.traffic import send_traffic
from gyre.spec.versions import add_spec
from gyre.trials.comparison import MOST_RECORDS
from tests.unit.cli.stack import SPEC
from tests.unit.parts import House, caller, told
from tests.unit.registry.house import ANNA, released
from tests.unit.trials.trial_calls import call, failure, shadow


@pytest.fixture
def house() -> House:
    """Version 1 serves, version 2 has a tenth of the rows; the calls are of an hour ago."""
    made = House(artifacts=released(3, 1))
    send_traffic("wine", 2, 0.1, 1.0, made.artifacts, ANNA)
    calls = [call(1, "red") for _ in range(60)]
    happen(made, *calls, *(shadow(each, "red") for each in calls[:40]), *(failure() for _ in range(10)))
    return made


def happen(house: House, *records: Any, ago: timedelta = timedelta(hours=1)) -> None:
    at = datetime.now(UTC) - ago
    house.journal.append([each.model_copy(update={"at": at}) for each in records])


def get(house: House, query: str = "", model: str = "wine") -> Response:
    return house.client("prediction_log").get(f"/stats/{model}/comparison{query}")


def test_both_are_told_side_by_side(house: House) -> None:
    found = get(house).json()
    assert (found["model"], found["records"], found["cut"]) == ("wine", 110, False)
    assert (found["traffic"]["share"], found["traffic"]["shadow"]) == (0.1, 1)
    assert (found["production"]["version"], found["production"]["rows"], found["production"]["faults"]) == (1, 70, 0)
    assert (found["challenger"]["version"], found["challenger"]["rows"], found["challenger"]["faults"]) == (2, 50, 0.2)
    assert (found["shadow"]["rows"], found["shadow"]["agreement"]) == (40, 1)
    assert {each["of"]: each["differs"] for each in found["differences"]} == {
        "faults": True, "latency": False, "predictions": False, "confidence": False,
    }  # fmt: skip
    assert all(each["says"].endswith(".") for each in found["differences"])


def test_it_is_looked_as_far_back_as_was_asked(house: House) -> None:
    happen(house, *(call(1) for _ in range(5)), ago=timedelta(hours=30))
    assert get(house, "?hours=0.5").json()["records"] == 0
    assert get(house, "?hours=48").json()["records"] == 115
    since = datetime.fromisoformat(get(house, "?hours=48").json()["since"])
    assert abs(datetime.now(UTC) - timedelta(hours=48) - since) < timedelta(minutes=1)


def test_of_too_many_records_the_newest_are_read_and_that_is_said(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert MOST_RECORDS == 20_000
    monkeypatch.setattr(stats, "MOST_RECORDS", 3)
    happen(house, call(1), ago=timedelta(minutes=2))
    found = get(house).json()
    assert (found["cut"], found["records"]) == (True, 3)
    oldest = min(each.at for each in house.journal.window("wine", datetime.min.replace(tzinfo=UTC), 3).records)
    assert datetime.fromisoformat(found["since"]) == oldest


def test_a_former_challenger_is_asked_for_by_its_number(house: House) -> None:
    withdraw("wine", house.artifacts, ANNA)
    error = told(get(house), 404)
    assert error["field"] == "challenger" and "POST /models/wine/traffic" in error["message"]
    found = get(house, "?challenger=2").json()
    assert (found["challenger"]["rows"], found["traffic"]) == (50, None)
    assert get(house, "?challenger=3").json()["challenger"]["rows"] == 0
    swapped = get(house, "?challenger=1&production=2").json()
    assert (swapped["production"]["version"], swapped["challenger"]["version"]) == (2, 1)


def test_a_version_is_not_compared_with_itself(house: House) -> None:
    assert told(get(house, "?challenger=1"), 422)["field"] == "challenger"


def test_what_was_never_released_has_nothing_to_compare() -> None:
    house = House(artifacts=released(2))
    assert told(get(house), 404)["field"] == "model"
    promote("wine", 1, house.artifacts, ANNA, alias="challenger")
    assert told(get(house), 404)["field"] == "production"


@pytest.mark.parametrize("query", ["hours=0", "hours=-1", "hours=x", "hours=nan", "hours=inf", "hours=9999999",
                                   "challenger=0", "challenger=x", "production=1.5"])  # fmt: skip
def test_a_query_that_breaks_a_rule_is_422(house: House, query: str) -> None:
    assert told(get(house, f"?{query}"), 422)["field"] == query.partition("=")[0]


def test_what_is_no_model_is_422_and_a_journal_that_is_down_503(house: House) -> None:
    assert told(get(house, model="Wine"), 422)["field"] == "model"
    house.journal.down = True
    assert told(get(house), 503)["code"] == "unavailable"


def test_nobody_without_a_key_is_told(house: House) -> None:
    app = house.app(stats.router(house.journal, house.artifacts))
    assert caller(app).get("/stats/wine/comparison").status_code == 401


# --- figures ----------------------------------------------------------------------------------------------------------


def test_a_models_figures_are_told(house: House) -> None:
    found = house.client("prediction_log").get("/stats/wine").json()
    assert (found["model"], found["calls"], found["failed"], found["rows"]) == ("wine", 110, 0, 110)
    assert found["predictions"] == {"red": 110}
    assert found["versions"] == {"1": 70, "2": 40}
    assert found["confidence"]["least"] <= found["confidence"]["mean"] <= found["confidence"]["most"]
    assert found["latency"]["p50"] <= found["latency"]["p99"] <= found["latency"]["most"]
    assert house.client("prediction_log").get("/stats/wine?version=2").json()["rows"] == 40


def test_of_a_time_without_calls_there_is_nothing(house: House) -> None:
    add_spec(SPEC, house.artifacts)
    found = house.client("prediction_log").get("/stats/wine?to=2020-01-01T00:00:00Z").json()
    assert (found["calls"], found["latency"], found["confidence"], found["first_at"]) == (0, None, None, None)


@pytest.mark.parametrize(
    ("query", "field"), [("version=0", "version"), ("from=x", "from"), ("from=2026-01-02&to=2026-01-01", "to")]
)
def test_a_question_about_no_time_is_422(house: House, query: str, field: str) -> None:
    assert told(house.client("prediction_log").get(f"/stats/wine?{query}"), 422)["field"] == field


def test_a_model_that_nobody_declared_or_asked_is_404(house: House) -> None:
    found = told(house.client("prediction_log").get("/stats/none"), 404)
    assert (found["field"], "GET /models" in found["message"]) == ("model", True)
