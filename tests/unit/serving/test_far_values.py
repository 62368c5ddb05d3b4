"""Values and calls that are allowed one by one and are too much together: for a model's arithmetic, for an answer, for
a function's time."""

import json
import time
from functools import cache
from typing import Any

import numpy as np
import pytest

from gyre.errors import GyreError, NotFound, TooManyRequests
from gyre.features.compute import Columns
from gyre.features.inputs import inputs, layout
from gyre.http.answering import _MOST_WAITING, Desk
from gyre.http.lambda_entry import http_handler
from gyre.journal.record import JournalRecord
from gyre.serving.answer import Serving
from gyre.telemetry import logger
from gyre.training.compiling import Compiled, compile_bundle
from gyre.training.fitting import Candidate, fit
from tests.unit.features.parts import objects
from tests.unit.parts import proxy_event, told
from tests.unit.serving.house import ROW, Serve
from tests.unit.training.models import SMALL, compiled, declared, rows, target

SMALL_UNITS = "a: {type: number}, b: {type: number}"
FAR = {"a": 3e38, "b": -3e38}
NEAR = {"a": 0.004, "b": 0.00002}
# Trees compare, and end at a number however far a value lies.
ADDED = [("linear", "multiclass"), ("linear", "binary"), ("linear", "regression"), ("naive_bayes", "multiclass")]
COMPARED = [("boosting", "multiclass"), ("random_forest", "regression"), ("extra_trees", "binary")]


@cache
def in_small_units(estimator: str, task: str) -> Compiled:
    """Columns so small that a large value, divided by their spread, is infinite in single precision."""
    known = rows(1, 300)
    spec = declared(task, SMALL_UNITS)
    chosen = Candidate(estimator, SMALL.get(estimator, {}))
    return compile_bundle(fit(spec, _small(known), target(known, task), chosen, 7), _small(rows(2, 120)))


def _small(columns: Columns) -> dict[str, Any]:
    return {"a": np.nan_to_num(columns["age"], nan=40) / 1e4, "b": np.nan_to_num(columns["pay"], nan=20) / 1e6}


@pytest.mark.parametrize("explain", [False, True])
@pytest.mark.parametrize("kind", ADDED)
def test_where_arithmetic_ends_at_no_number_the_row_is_refused(kind: tuple[str, str], explain: bool) -> None:
    serve = Serve()
    serve.promote(1, in_small_units(*kind))
    error = told(serve.ask(FAR, NEAR, explain=explain), 422)
    assert (error["field"], error["details"][0]["rule"], error["details"][0]["row"]) == (
        "rows[0].features",
        "overflow",
        0,
    )
    record = serve.outlet.one()
    assert record.status == 422 and [row.prediction for row in record.rows] == [None, None]
    assert record.rows[0].fault is not None and record.rows[1].fault is None
    # And beside others, if that is wished
    far, near = serve.ask(FAR, NEAR, partial=True, explain=explain).json()["predictions"]
    assert far["error"]["rule"] == "overflow" and far["version"] is None and near["prediction"] is not None
    assert [row.fault is None for row in serve.outlet.one().rows] == [False, True]


@pytest.mark.parametrize("kind", COMPARED)
def test_trees_answer_however_far_a_value_lies(kind: tuple[str, str]) -> None:
    serve = Serve()
    serve.promote(1, in_small_units(*kind))
    assert serve.ask(FAR, explain=True).status_code == 200


def test_what_overflows_a_challenger_is_answered_by_production() -> None:
    serve = Serve()
    serve.promote(1, in_small_units("boosting", "multiclass"))
    serve.trial(2, share=1.0, made=in_small_units("linear", "multiclass"))
    assert serve.ask(NEAR).json()["version"] == 2
    serve.outlet.records.clear()
    assert serve.ask(FAR).json()["version"] == 1
    broken, instead = serve.outlet.one().served
    assert (broken.version, instead.version) == (2, 1) and "no number" in str(broken.fault)


def test_what_overflows_both_is_refused() -> None:
    serve = Serve()
    serve.promote(1, in_small_units("linear", "multiclass"))
    serve.trial(2, share=1.0, made=in_small_units("naive_bayes", "multiclass"))
    assert told(serve.ask(FAR), 422)["details"][0]["rule"] == "overflow"


def test_half_a_million_unknown_names_take_no_longer_than_they_are_read() -> None:
    serve = Serve()
    serve.promote(1)
    names = json.dumps({f"age{n}": 1 for n in range(300_000)})
    began = time.perf_counter()
    error = told(serve.client().post("/predict/m", content=names), 422)
    assert time.perf_counter() - began < 5  # with a hint for each it was 6
    assert len(error["details"]) == 100


def test_accents_beyond_all_reason_are_read_in_linear_time_and_others_as_ever() -> None:
    spec = layout(declared("binary", "text: {type: text}"))

    def read(text: str) -> str:
        return str(inputs(spec, {"text": objects(text)}).words[0, 0])

    began = time.perf_counter()
    read("e" + "\u0301\u0327" * 500_000)  # 20 s for a tenth of it, before
    assert time.perf_counter() - began < 5
    assert read("Cafe\u0301 don\u2019t " + "!" * 50 + " na\u0308ive") == "caf\u00e9 don't n\u00e4ive"
    assert read("e\u0301" * 1000) == "\u00e9" * 1000


def test_nothing_that_was_sent_of_a_row_stands_in_the_record_of_a_body_that_cannot_be_read() -> None:
    serve = Serve()
    serve.promote(1)
    client = serve.client()
    for body in (
        {"model": "m", "rows": [{"features": "ann@example.org"}]}, {"model": "m", "rows": "ann@example.org"},
        {"model": "m", "rows": [{"id": ["ann@example.org"], "features": {}}]},
    ):  # fmt: skip
        assert client.post("/inference", json=body).status_code == 422
    assert client.post("/predict/m", json=["ann@example.org"]).status_code == 422
    assert "ann@" not in "".join(record.model_dump_json() for record in serve.outlet.records)
    assert len(serve.outlet.records) == 4


def test_an_answer_too_large_for_a_function_is_refused_before_it_is_lost() -> None:
    # Given a thousand rows whose ids and reasons make more than 6 MB of an answer
    serve = Serve()
    serve.promote(1)
    desk_app = serve.client().app
    handle = http_handler(lambda: desk_app)  # type: ignore[arg-type, return-value]
    text = '"' * 900  # which is doubled in the answer, and once more in the function's
    rows_ = [{"id": f"{n}", "features": {**ROW, "mood": text, "town": text}} for n in range(1000)]
    body = json.dumps({"model": "m", "rows": rows_, "explain": {"top": 10}}, ensure_ascii=False)
    headers = {"x-api-key": serve.key, "content-type": "application/json"}
    # When they come through the gateway, and not
    answer = handle(proxy_event("POST", "/inference", body, **headers), None)
    record = serve.outlet.one()
    direct = serve.client().post("/inference", content=body.encode(), headers=headers)
    # Then the one is refused and recorded as such, the other answered
    assert answer["statusCode"] == 413 and json.loads(answer["body"])["error"]["code"] == "too_large"
    assert record.status == 413 and not record.rows
    assert direct.status_code == 200


@pytest.mark.parametrize("path", ["/inference", "/predict/m"])
@pytest.mark.parametrize("failure", [NotFound("gone"), TooManyRequests("slow down")])
def test_whatever_fails_on_the_way_to_the_journal_is_503(path: str, failure: GyreError) -> None:
    class Failing:
        waits = True

        def put(self, record: JournalRecord) -> None:
            raise failure

    serve = Serve()
    serve.promote(1)
    serve.outlet = Failing()  # type: ignore[assignment]
    body = {"model": "m", "rows": [{"features": ROW}]} if path == "/inference" else ROW
    assert told(serve.client().post(path, json=body), 503)["code"] == "unavailable"


def test_who_serves_unlogged_says_so_in_every_answer() -> None:
    serve = Serve()
    spec = declared("multiclass", SMALL_UNITS, more="release: {serve_unlogged: true}\n")
    known = rows(1, 300)
    serve.promote(
        1,
        compile_bundle(
            fit(spec, _small(known), target(known, "multiclass"), Candidate("linear", {}), 7), _small(known)
        ),
    )
    serve.outlet.down = True
    client = serve.client()
    assert serve.ask(NEAR).json()["logged"] is False
    assert client.post("/predict/m", json=NEAR).json()["logged"] is False
    assert [each["logged"] for each in client.post("/predict/m", json=[NEAR, NEAR]).json()] == [False, False]
    assert client.post("/predict/m/explanation.svg", json=NEAR).status_code == 200


def test_a_shadow_queue_that_stalls_holds_no_more_than_so_many_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    serve = Serve()
    serve.promote(1)
    serve.trial(2, share=0.0, shadow=1.0)
    desk = Desk(Serving(serve.shelf), serve.outlet, serve.shadows, logger("stalled"))
    monkeypatch.setattr(
        desk._beside, "submit", lambda send, asked: serve.shadows.calls.append(asked)
    )  # nothing goes on
    serve.desks.append(desk)
    client = serve.client_of(desk)
    for _ in range(_MOST_WAITING + 5):
        assert client.post("/predict/m", json=ROW).status_code == 200
    assert len(serve.shadows.calls) == _MOST_WAITING
    for asked in list(serve.shadows.calls):  # and then it goes on
        desk._send(asked)
    client.post("/predict/m", json=ROW)
    assert len(serve.shadows.calls) == 2 * _MOST_WAITING + 1


def test_two_calls_of_one_bundle_that_was_refused_do_not_pile_up_each_others_frames() -> None:
    serve = Serve()
    made = serve.promote(1, compiled("linear", "multiclass", "mixed"))
    serve.house.artifacts.put(made.bundle.key + "model.onnx", b"")
    depths = []
    for _ in range(3):
        try:
            serve.shelf.release(serve.shelf.pointer("m").aliases["production"])
        except GyreError as error:
            depth, frame = 0, error.__traceback__
            while frame:
                depth, frame = depth + 1, frame.tb_next
            depths.append(depth)
    assert depths[1] == depths[2]
