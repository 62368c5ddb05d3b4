"""/subjects: asked for by anybody who may, told to nobody else."""

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import pytest

from gyre.pseudonyms import PSEUDONYM_KEYS, read_pseudonyms, with_newer_key
from gyre.subjects.erasure import order_key, record_key
from gyre.subjects.export import EXPORTS, export_key
from gyre.subjects.subject import checked_subject, erasures_of
from tests.fakes import objects
from tests.unit.parts import House, caller, told
from tests.unit.trials.trial_calls import record, row, served

ANNA = "anna/ä+b lund@example.org"


@pytest.fixture
def house(monkeypatch: pytest.MonkeyPatch) -> House:
    monkeypatch.setattr(objects, "EPOCH", datetime.now(UTC))  # what is written, is written now
    made = House()
    made.artifacts.put(PSEUDONYM_KEYS, with_newer_key(None, "now"))
    return made


def path(name: str) -> str:
    return f"/subjects/{quote(name, safe='')}"


def erasure_of(house: House, name: str) -> str:
    return erasures_of(checked_subject(name, read_pseudonyms(house.artifacts)))[0]


def test_an_erasure_is_begun_once_and_told_of(house: House) -> None:
    client = house.client("prediction_log")
    first, second = client.delete(path(ANNA)), client.delete(path(f" {ANNA} "))
    assert (first.status_code, first.json()) == (202, second.json())
    body = first.json()
    assert (body["erasure"], body["state"]) == (erasure_of(house, ANNA), "running")
    (run,) = house.workflow.runs.values()
    assert ANNA not in json.dumps(dict(run.input), ensure_ascii=False)
    found = client.get(body["status_url"]).json()
    assert (found["state"], found["run"], found["search"]) == ("running", run.name, None)
    assert found["asked"][0]["by"] == "admin-1"
    assert json.loads(house.data.read(order_key(body["erasure"])).content)["subject"] == ANNA
    assert ANNA not in house.data.read(record_key(body["erasure"])).content.decode()


def test_a_failed_erasure_says_why_and_goes_on_when_asked(house: House) -> None:
    client = house.client("prediction_log")
    body = client.delete(path(ANNA)).json()
    house.workflow.end(f"{body['erasure']}-1", "failed")
    assert client.get(body["status_url"]).json()["state"] == "running"
    assert client.delete(path(ANNA)).json() == body
    assert house.workflow.runs[f"{body['erasure']}-1"].attempt == 2


def test_what_is_kept_is_told_and_a_file_is_made(house: House) -> None:
    client = house.client("prediction_log")
    named = read_pseudonyms(house.artifacts).of(ANNA)
    house.journal.append([
        record([served(1)], [row(1, id=each)], event_id=f"event-000{at}") for at, each in enumerate((named, "other"), 1)
    ])  # fmt: skip
    body = client.get(path(ANNA)).json()
    assert [each["event_id"] for each in body["predictions"]] == ["event-0001"]
    assert (body["export"], body["get_url"], body["erasure"]) == ("running", None, None)
    assert client.get(path(ANNA)).json()["export"] == "running"
    assert house.errands.sent == [("export", {"export": erasure_of(house, ANNA)})]


def test_while_a_person_is_erased_no_file_is_begun(house: House) -> None:
    client = house.client("prediction_log")
    client.delete(path(ANNA))
    body = client.get(path(ANNA)).json()
    assert (body["export"], body["get_url"], body["erasure"]["state"]) == ("erasing", None, "running")
    assert house.errands.sent == []
    assert [each.key for each in house.data.versions(EXPORTS)] == []


def test_more_than_an_answer_may_hold_is_cut(house: House) -> None:
    named = read_pseudonyms(house.artifacts).of(ANNA)
    house.journal.append([
        record([served(1)], [row(1, id=named, features={"a": "x" * 700_000})], event_id=f"event-000{at}")
        for at in range(6)
    ])  # fmt: skip
    client = house.client("prediction_log")
    answer = client.get(path(ANNA))
    assert len(answer.content) < 3_500_000
    assert [each["event_id"] for each in answer.json()["predictions"]] == [f"event-000{at}" for at in (5, 4, 3, 2)]
    assert answer.json()["cut"]
    assert not client.get(path(ANNA), params={"limit": 4}).json()["cut"]


def test_a_file_that_is_there_has_an_address(house: House) -> None:
    house.data.put(export_key(erasure_of(house, ANNA)), b"{}")
    client = house.client("prediction_log")
    client.delete(path(ANNA))
    body = client.get(path(ANNA)).json()
    assert (body["export"], body["seconds"], body["erasure"]["state"]) == ("ready", 900, "running")
    assert body["get_url"].startswith("memory://erasures/exports/")
    assert house.errands.sent == []


@pytest.mark.parametrize("name", ["", " ", "x" * 201, "a\x07b", "a\0b", "x" * 1000])
@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_an_absurd_id_is_refused(house: House, method: str, name: str) -> None:
    error = told(house.client("prediction_log").request(method, path(name)), 422)
    assert error["code"] == "invalid"
    assert house.workflow.runs == {} and house.errands.sent == []


@pytest.mark.parametrize("name", ["王小明", "0", "🙂" * 200, "a" * 200, "a/b/c", "null"])
def test_ids_of_any_script_are_taken(house: House, name: str) -> None:
    answer = house.client("prediction_log").delete(path(name))
    assert answer.status_code == 202, answer.text
    assert answer.json()["erasure"] == erasure_of(house, name)


def test_an_unknown_erasure_is_not_found(house: House) -> None:
    client = house.client("prediction_log")
    told(client.get(f"/subjects/erasures/erase_{'a' * 26}"), 404)
    assert told(client.get("/subjects/erasures/erase_x"), 422)["code"] == "invalid"


def test_nobody_else_may(house: House) -> None:
    for role in ("predict", "train", "operate"):
        client = caller(house.app(*house.routers()["prediction_log"]), house.add_key(role))  # type: ignore[arg-type]
        told(client.delete(path(ANNA)), 403)
    assert house.workflow.runs == {}


def test_no_log_says_who(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    client = house.client("prediction_log")
    body: dict[str, Any] = client.delete(path("anna@example.org")).json()
    client.get(path("anna@example.org"))
    client.get(body["status_url"])
    logged = capsys.readouterr().out
    assert "anna@example.org" not in logged
    assert [json.loads(line)["path"] for line in logged.splitlines() if '"path"' in line] == [
        "/subjects/…", "/subjects/…", body["status_url"],
    ]  # fmt: skip
    assert body["status_url"] in logged
