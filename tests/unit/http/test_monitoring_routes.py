from datetime import UTC, datetime
from typing import Any

import pytest

from gyre.monitoring.acting.done import Done, keep_done
from gyre.monitoring.figures.metrics import CONTENT_TYPE
from gyre.monitoring.found import Finding, Level, Look, Source, Verdict
from gyre.monitoring.kept import keep_look, keep_report
from gyre.spec.versions import add_spec
from tests.unit.cli.stack import SPEC
from tests.unit.parts import House, told
from tests.unit.registry.house import released

RUN = "monitor_20261122T020000-abcd1234"


@pytest.fixture
def house() -> House:
    """Nothing is released; wine is declared."""
    made = House()
    add_spec(SPEC, made.artifacts)
    return made


@pytest.fixture
def serving() -> House:
    """Version 1 serves."""
    made = House(artifacts=released(3, 1))
    add_spec(SPEC, made.artifacts)
    return made


def look(run: str = RUN, level: Level = "warn", kind: Any = "watch", hour: int = 2) -> Look:
    source = Source(name="the journal", rows=500, of_rows=500)
    finding = Finding(code="drift", severity="warn", text="acidity moved", column="acidity")
    return Look(
        run=run, model="wine", at=datetime(2026, 11, 22, hour, tzinfo=UTC), kind=kind, version=1, reference=source,
        window=source, verdict=Verdict(level=level, findings=(finding,)), calls=510, failed_calls=3,
    )  # fmt: skip


def test_a_look_at_one_model_starts_and_is_shown(serving: House) -> None:
    client = serving.client("drift")
    answer = client.post("/monitoring/run", json={"model": "wine", "hours": 6})
    assert answer.status_code == 202, answer.text
    run = answer.json()["run"]
    assert serving.workflow.show(run).input == {"model": "wine", "hours": 6.0}
    assert client.get(answer.json()["status_url"]).json()["status"] == "running"


def test_a_window_that_is_still_to_come_is_refused(serving: House) -> None:
    error = told(
        serving.client("drift").post("/monitoring/run", json={"model": "wine", "since": "2999-01-01T00:00Z"}), 422
    )
    assert error["field"] == "since"
    assert serving.workflow.runs == {}


def test_times_come_in_any_zone_and_from_any_century(serving: House) -> None:
    client = serving.client("drift")
    asked = {"model": "wine", "since": "0001-01-01T00:00:00+14:00", "until": "2026-11-22T01:00:00+09:00"}
    run = client.post("/monitoring/run", json=asked).json()["run"]
    assert serving.workflow.show(run).input == {
        "model": "wine", "since": "1678-01-01T00:00:00Z", "until": "2026-11-21T16:00:00Z",
    }  # fmt: skip


def test_without_a_model_every_released_one_is_looked_at(house: House) -> None:
    client = house.client("drift")
    runs = [client.post("/monitoring/run", **body).json()["run"] for body in ({}, {"json": {}})]
    assert [house.workflow.show(run).input for run in runs] == [{"every": True}, {"every": True}]
    assert runs[0] != runs[1]


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"model": "wine"}, 404, "model"),  # declared, not released
        ({"model": "beer"}, 503, "model"),  # not declared
        ({"hours": 3}, 422, "model"),
        ({"model": "wine", "hours": -1}, 422, "hours"),
        ({"model": "wine", "hours": 1, "since": "2026-11-22T00:00:00Z"}, 422, None),
        ({"modell": "wine"}, 422, "modell"),
        ({"model": "wine", "since": "yesterday"}, 422, "since"),
    ],
)
def test_what_cannot_be_looked_at_starts_nothing(house: House, body: Any, status: int, field: str) -> None:
    error = told(house.client("drift").post("/monitoring/run", json=body), status)
    assert error.get("field") == field
    assert house.workflow.runs == {}


def test_an_unknown_run_is_404(house: House) -> None:
    told(house.client("drift").get("/monitoring/runs/never"), 404)


def test_what_the_last_look_found_and_what_was_done(house: House) -> None:
    keep_look(look(), house.data)
    keep_look(look("monitor_older", "ok", hour=1), house.data)
    keep_look(look("drift_1", "alert", "compare", hour=3), house.data)
    keep_done("wine", RUN, "notice", Done(action="opened", sentence="A notice was sent."), house.data)
    client = house.client("drift")
    found = client.get("/monitoring/wine").json()
    assert (found["run"], found["verdict"]["level"], found["calls"]) == (RUN, "warn", 510)
    assert found["done"] == {"notice": {"action": "opened", "sentence": "A notice was sent.", "run": None}}
    assert client.get("/monitoring/wine/looks/monitor_older").json()["verdict"]["level"] == "ok"
    assert client.get("/data-drift/wine/drift_1").json()["verdict"]["level"] == "alert"


def test_before_the_first_look_it_says_how_to_start_one(house: House) -> None:
    client = house.client("drift")
    for path in ("/monitoring/wine", "/reports/wine/latest"):
        assert "POST /monitoring/run" in told(client.get(path), 404)["message"]
    told(client.get("/monitoring/wine/looks/never"), 404)
    told(client.get("/reports/wine/never"), 404)


def test_what_is_no_models_name_is_422(house: House) -> None:
    assert told(house.client("drift").get("/monitoring/Wine"), 422)["field"] == "model"


def test_reports_are_pages_and_documents(house: House) -> None:
    keep_look(look(), house.data)
    keep_report(look(), b"<!doctype html><title>wine</title>", house.data)
    client = house.client("drift")
    page = client.get("/reports/wine/latest")
    assert page.headers["content-type"].startswith("text/html") and "script" not in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert client.get(f"/reports/wine/{RUN}").text == page.text
    assert client.get(f"/reports/wine/{RUN}?form=json").json()["verdict"]["level"] == "warn"


# --- comparing --------------------------------------------------------------------------------------------------------


def test_two_sets_of_data_are_compared(serving: House) -> None:
    house = serving
    house.add_version()
    house.data.write("drift/wine/today.csv", b"a\n1\n", content_type="text/csv")
    body = {"model": "wine", "reference": {"dataset": 1, "part": "train"}, "subject": {"file": "drift/wine/today.csv"}}
    answer = house.client("drift").post("/data-drift", json=body)
    assert answer.status_code == 202, answer.text
    run = answer.json()["run"]
    assert answer.json()["result_url"] == f"/data-drift/wine/{run}"
    assert house.workflow.show(run).input["subject"] == {"file": "drift/wine/today.csv", "part": "all"}


@pytest.mark.parametrize(
    ("subject", "status", "field"),
    [
        ({"dataset": 9}, 404, "subject.dataset"),
        ({"release": "7"}, 404, "subject.version"),
        ({"file": "drift/wine/none.csv"}, 404, "subject.file"),
        ({"file": "access/keys.json"}, 422, "subject.file"),
        ({}, 422, "subject"),
        ({"dataset": 1, "release": "production"}, 422, "subject"),
        ({"journal": {"from": "2026-11-22T00:00:00Z", "to": "2026-11-21T00:00:00Z"}}, 422, "subject.journal"),
    ],
)
def test_what_is_not_there_is_told_at_once(serving: House, subject: Any, status: int, field: str) -> None:
    house = serving
    error = told(house.client("drift").post("/data-drift", json={"model": "wine", "subject": subject}), status)
    assert error["field"] == field
    assert house.workflow.runs == {}


# --- metrics ----------------------------------------------------------------------------------------------------------


def test_metrics_are_prometheus_text_before_and_after_a_look(serving: House) -> None:
    house, client = serving, serving.client("drift")
    before = client.get("/metrics")
    assert before.headers["content-type"] == CONTENT_TYPE
    assert "gyre_info" in before.text and "gyre_verdict{" not in before.text
    keep_look(look(), house.data)
    assert 'gyre_verdict{model="wine",verdict="warn"} 1' in client.get("/metrics").text
