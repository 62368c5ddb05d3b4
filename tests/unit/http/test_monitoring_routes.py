from datetime import UTC, datetime

import pytest

from gyre.monitoring.metrics import CONTENT_TYPE
from gyre.monitoring.watch import Limits, watch
from tests.unit.http.test_predictions_routes import record
from tests.unit.parts import House, told


@pytest.fixture
def house() -> House:
    return House()


def watched(house: House) -> None:
    """One run over three calls of one model."""
    now = datetime.now(UTC)
    house.journal.append([record(number).model_copy(update={"at": now}) for number in range(3)])
    watch("monitor_1", house.journal, house.data, Limits(minimum_calls=2, failure_share=0.1), hours=1)


def test_a_run_starts_and_is_shown(house: House) -> None:
    client = house.client("drift")
    answer = client.post("/monitoring/run")
    assert answer.status_code == 202
    run = answer.json()["run"]
    assert answer.json()["status_url"] == f"/monitoring/runs/{run}"
    assert client.get(answer.json()["status_url"]).json()["status"] == "running"


def test_each_start_is_a_run_of_its_own(house: House) -> None:
    client = house.client("drift")
    assert client.post("/monitoring/run").json()["run"] != client.post("/monitoring/run").json()["run"]


def test_an_unknown_run_is_404(house: House) -> None:
    told(house.client("drift").get("/monitoring/runs/never"), 404)


def test_what_the_last_run_found_about_a_model(house: House) -> None:
    watched(house)
    found = house.client("drift").get("/monitoring/wine").json()
    assert (found["run"], found["model"], found["verdict"]) == ("monitor_1", "wine", "ok")
    assert (found["calls"], found["failed"]) == (3, 0)
    assert datetime.fromisoformat(found["last_at"]).tzinfo


def test_before_the_first_run_it_says_how_to_start_one(house: House) -> None:
    assert "POST /monitoring/run" in told(house.client("drift").get("/monitoring/wine"), 404)["message"]


def test_a_model_that_was_not_called_is_404_by_name(house: House) -> None:
    watched(house)
    error = told(house.client("drift").get("/monitoring/beer"), 404)
    assert error["field"] == "model"
    assert "monitor_1" in error["message"]


def test_what_is_no_models_name_is_422(house: House) -> None:
    assert told(house.client("drift").get("/monitoring/Wine"), 422)["field"] == "model"


def test_metrics_are_prometheus_text_before_and_after_a_run(house: House) -> None:
    client = house.client("drift")
    before = client.get("/metrics")
    assert before.headers["content-type"] == CONTENT_TYPE
    assert "gyre_info" in before.text
    assert "gyre_window_calls" not in before.text
    watched(house)
    assert 'gyre_window_calls{model="wine"} 3' in client.get("/metrics").text
