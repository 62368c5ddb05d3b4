"""POST /inference and /predict: what callers send and get."""

import json
from typing import Any

import pytest

from gyre.bundle.predict import Predictor
from tests.unit.parts import told
from tests.unit.serving.house import ROW, Serve
from tests.unit.training.models import compiled

CLASSES = ["high", "low", "middle"]


@pytest.fixture
def serve() -> Serve:
    made = Serve()
    made.promote(1)
    return made


def test_a_row_is_answered_with_all_that_is_known_of_it(serve: Serve) -> None:
    answer = serve.ask(ROW, explain={"top": 2})
    assert answer.status_code == 200
    told_ = answer.json()
    (row,) = told_["predictions"]
    assert (told_["model"], told_["version"], row["version"], row["id"]) == ("m", 1, 1, "0")
    assert list(row["probabilities"]) == CLASSES
    assert row["prediction"] == max(row["probabilities"], key=row["probabilities"].__getitem__)
    assert row["confidence"] == row["probabilities"][row["prediction"]]
    assert [set(each) for each in row["explanation"]] == [{"feature", "value", "contribution"}] * 2
    values = {each["feature"]: each["value"] for each in row["explanation"]}
    assert values == {name: ROW[name] for name in values}


def test_reasons_add_up_to_the_score(serve: Serve) -> None:
    (row,) = serve.ask(ROW, explain={"top": 100}).json()["predictions"]
    columns = serve.shelf.production("m", serve.shelf.pointer("m"))[0].check.check([ROW]).columns
    predictor = Predictor(compiled("boosting", "multiclass", "mixed").bundle)
    score = predictor.scores(columns)[0][CLASSES.index(row["prediction"])]
    assert row["base_value"] + sum(each["contribution"] for each in row["explanation"]) == pytest.approx(
        score, abs=1e-4
    )


def test_without_being_asked_no_reasons_are_told(serve: Serve) -> None:
    (row,) = serve.ask(ROW).json()["predictions"]
    assert set(row) == {"id", "version", "prediction", "probabilities", "confidence"}


def test_one_object_gives_one_answer_and_a_list_a_list(serve: Serve) -> None:
    client = serve.client()
    one = client.post("/predict/m", json=ROW).json()
    many = client.post("/predict/m?top=3", json=[ROW, {}]).json()
    assert one["prediction"] == many[0]["prediction"] == serve.ask(ROW).json()["predictions"][0]["prediction"]
    assert len(many) == 2 and len(many[1]["explanation"]) == 3
    assert one["model"] == "m" and one["version"] == 1 and one["event_id"] != many[0]["event_id"]


def test_the_record_holds_what_was_asked_and_answered(serve: Serve) -> None:
    answer = serve.ask(ROW, explain=True)
    record = serve.outlet.one()
    assert (record.event_id, record.model, record.status, record.version) == (answer.json()["event_id"], "m", 200, 1)
    assert record.caller == "admin-1" and record.correlation_id == answer.headers["x-request-id"]
    (row,) = record.rows
    assert row.features == ROW and row.prediction == answer.json()["predictions"][0]["prediction"]
    assert row.explanation and len(row.explanation) == 5
    (served,) = record.served
    assert (served.version, served.alias, served.rows) == (1, "production", 1) and served.ms > 0
    assert {"auth", "read", "load", "check", "explain"} <= record.times.keys()


def test_times_are_told_with_every_answer(serve: Serve) -> None:
    client = serve.client()
    first, second = (client.post("/predict/m", json=ROW).headers["server-timing"] for _ in range(2))
    assert first.startswith("cold;dur=") and "cold" not in second
    assert [part.split(";")[0] for part in second.split(", ")] == [
        "auth", "read", "load", "check", "predict", "log", "total",
    ]  # fmt: skip


BAD: list[tuple[dict[str, Any], str, str]] = [
    ({"age": "old"}, "rows[0].age", "type"),
    ({"age": True}, "rows[0].age", "type"),
    ({"age": [1]}, "rows[0].age", "type"),
    ({"age": 10**400}, "rows[0].age", "type"),
    ({"on": "yes"}, "rows[0].on", "type"),
    ({"mood": 1.5}, "rows[0].mood", "type"),
    ({"mood": {"a": 1}}, "rows[0].mood", "type"),
    ({"size": "huge"}, "rows[0].size", "values"),
    ({"ages": 3}, "rows[0].ages", "unknown"),
]


@pytest.mark.parametrize(("features", "field", "rule"), BAD)
def test_a_wrong_value_is_told_with_field_rule_and_value(
    serve: Serve, features: dict[str, Any], field: str, rule: str
) -> None:
    error = told(serve.ask(features), 422)
    assert error["field"] == field
    (fact,) = error["details"]
    assert (fact["row"], fact["rule"]) == (0, rule)
    if rule != "unknown":
        assert fact["value"] == repr(next(iter(features.values())))[:80]
    record = serve.outlet.one()
    assert record.status == 422 and record.error is not None and record.error.field == field
    assert record.rows[0].fault is not None and record.rows[0].prediction is None


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_what_is_no_number_is_refused(serve: Serve, number: str) -> None:
    body = '{"model": "m", "rows": [{"features": {"age": ' + number + "}}]}"
    answer = serve.client().post("/inference", content=body, headers={"content-type": "application/json"})
    assert told(answer, 422)["field"] == "rows[0].age"
    assert serve.outlet.one().status == 422


def test_right_rows_are_answered_beside_wrong_ones_if_that_is_wished(serve: Serve) -> None:
    rows = serve.ask(ROW, {"age": "old"}, ROW, partial=True).json()["predictions"]
    assert [("error" in row, row["prediction"] is None) for row in rows] == [
        (False, False),
        (True, True),
        (False, False),
    ]
    assert rows[1]["error"]["field"] == "age"
    assert [row.fault is None for row in serve.outlet.one().rows] == [True, False, True]


def test_two_rows_of_one_id_are_refused(serve: Serve) -> None:
    rows = [{"id": each, "features": ROW} for each in ("a", "b", "a")]
    error = told(serve.client().post("/inference", json={"model": "m", "rows": rows}), 422)
    assert error["details"][0] == {
        "row": 2, "field": "id", "rule": "unique", "message": "id: an earlier row of this call has the same one.",
        "value": "'a'",
    }  # fmt: skip


_DEEP = "[" * 500 + "]" * 500
NO_QUESTIONS = [
    "{", "[]", "null", '"text"', '{"model": "m"}', '{"model": "m", "rows": []}', "[" * 100_000,
    '{"model": "M!", "rows": [{"features": {}}]}', '{"model": "m", "rows": [{"features": {}}], "more": 1}',
    f'{{"model": "m", "rows": [{{"features": {{"age": {_DEEP}}}}}]}}',
    '{"model": "m", "rows": [{"id": true, "features": {}}]}', '{"model": "m", "rows": [{"features": {"\\ud800": 1}}]}',
    json.dumps({"model": "m", "rows": [{"features": {}}] * 1001}),
    '{"model": "m", "release": "best", "rows": [{"features": {}}]}',
]  # fmt: skip
NOT_THERE = [
    '{"model": "nobody", "rows": [{"features": {}}]}', '{"model": "m", "release": 9, "rows": [{"features": {}}]}',
    '{"model": "m", "release": "challenger", "rows": [{"features": {}}]}',
]  # fmt: skip
BODIES = [(body, 422) for body in NO_QUESTIONS] + [(body, 404) for body in NOT_THERE]


@pytest.mark.parametrize(("body", "status"), BODIES)
def test_a_body_that_is_no_question_is_refused_and_recorded(serve: Serve, body: str, status: int) -> None:
    answer = serve.client().post("/inference", content=body, headers={"content-type": "application/json"})
    told(answer, status)
    record = serve.outlet.one()
    assert record.status == status and record.error is not None
    assert serve.ask(ROW).status_code == 200


def test_another_type_of_body_is_refused(serve: Serve) -> None:
    answer = serve.client().post(
        "/predict/m", content=b"age=3", headers={"content-type": "application/x-www-form-urlencoded"}
    )
    assert told(answer, 415)["field"] == "content-type"


def test_a_huge_body_is_refused(serve: Serve) -> None:
    answer = serve.client().post("/predict/m", content=b'"' + b"x" * 6_000_000 + b'"')
    assert told(answer, 413)["code"] == "too_large"


def test_a_queue_that_is_down_is_told_and_nothing_is_answered(serve: Serve) -> None:
    serve.outlet.down = True
    assert "serve_unlogged" in told(serve.ask(ROW), 503)["message"]
    assert told(serve.ask({"age": "old"}), 422)["field"] == "rows[0].age"


def test_a_picture_of_the_reasons(serve: Serve) -> None:
    answer = serve.client().post("/predict/m/explanation.svg", json=ROW)
    assert answer.headers["content-type"].startswith("image/svg+xml")
    assert answer.text.startswith("<svg") and "mood" in answer.text
    assert serve.outlet.one().status == 200
