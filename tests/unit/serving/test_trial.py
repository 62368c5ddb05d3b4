"""A challenger beside production: who meets it, and what happens when it breaks."""

from collections import Counter
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gyre.bundle.ref import BundleRef
from gyre.errors import Unavailable
from gyre.journal.shadow import take_shadows
from gyre.registry.releases import Released
from gyre.serving.answer import Serving
from gyre.serving.question import Question, Row
from gyre.serving.shadow import ShadowCall, shadow_call
from gyre.serving.split import place
from gyre.spec.model import ModelSpec
from gyre.telemetry import logger
from tests.unit.serving.house import ROW, Serve
from tests.unit.training.models import compiled


@pytest.fixture
def serve() -> Serve:
    made = Serve()
    made.promote(1)
    return made


@given(st.text(max_size=80), st.sampled_from(["m", "wine", "a-model-with-a-very-long-name-indeed"]))
def test_a_key_has_one_place(key: str, model: str) -> None:
    assert 0 <= place(model, key) < 1 and place(model, key) == place(model, key)


def test_places_are_spread_evenly_and_anew_for_each_model() -> None:
    one, two = ([place(model, f"id-{n}") for n in range(4000)] for model in ("m", "n"))
    for places in (one, two):
        counts = Counter(int(each * 10) for each in places)
        assert all(330 < counts[tenth] < 470 for tenth in range(10))
    assert 0.2 < sum(a < 0.5 and b < 0.5 for a, b in zip(one, two, strict=True)) / 4000 < 0.3


def test_each_row_goes_its_own_way_and_always_the_same(serve: Serve) -> None:
    serve.trial(2, share=0.4)
    ids = [f"person-{n}" for n in range(200)]
    body = {"model": "m", "rows": [{"id": each, "features": ROW} for each in ids]}
    first, second = (serve.client().post("/inference", json=body).json() for _ in range(2))
    went = {row["id"]: row["version"] for row in first["predictions"]}
    assert {row["id"]: row["version"] for row in second["predictions"]} == went
    assert [row["id"] for row in first["predictions"]] == ids and first["version"] is None
    assert 0.3 < Counter(went.values())[2] / 200 < 0.5
    # And as the share grows, nobody goes back
    serve.trial(2, share=0.8)
    serve.house.clock.now += 3600
    more = {row["id"]: row["version"] for row in serve.client().post("/inference", json=body).json()["predictions"]}
    assert all(more[each] == 2 for each, version in went.items() if version == 2)


def test_both_releases_are_told_in_the_record(serve: Serve) -> None:
    serve.trial(2, share=0.5)
    rows = [{"id": f"p-{n}", "features": ROW} for n in range(50)]
    serve.client().post("/inference", json={"model": "m", "rows": rows, "explain": True})
    record = serve.outlet.one()
    assert {(each.version, each.alias) for each in record.served} == {(1, "production"), (2, "challenger")}
    assert sum(each.rows for each in record.served) == 50 and record.version is None
    assert {row.version for row in record.rows} == {1, 2}


def test_a_challenger_that_cannot_be_loaded_leaves_its_rows_to_production(serve: Serve) -> None:
    made = serve.trial(2, share=1.0)
    serve.house.artifacts.put(made.bundle.key + "model.onnx", b"broken")
    answer = serve.ask(ROW)
    assert answer.status_code == 200 and answer.json()["version"] == 1
    challenger, production = serve.outlet.one().served
    assert (challenger.version, challenger.rows, production.version) == (2, 1, 1) and "SHA-256" in str(challenger.fault)


def test_a_challenger_that_breaks_leaves_its_rows_to_production(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    serve.trial(2, share=1.0)
    serve.ask(ROW)
    serve.outlet.records.clear()
    pointer = serve.shelf.pointer("m")
    challenger = serve.shelf.release(pointer.aliases["challenger"])
    monkeypatch.setattr(challenger.predictor, "_session", None)
    assert serve.ask(ROW).json()["version"] == 1
    broken, instead = serve.outlet.one().served
    assert (broken.version, instead.version) == (2, 1) and "AttributeError" in str(broken.fault)
    # But who asks for it by name hears of it
    assert serve.ask(ROW, release="challenger").status_code == 500
    assert serve.outlet.one().status == 500


def test_rows_are_checked_by_the_rules_of_whoever_answers(serve: Serve) -> None:
    serve.trial(2, share=0.5, made=compiled("linear", "multiclass", "numbers"))
    rows = [{"id": f"p-{n}", "features": {"age": 3}} for n in range(40)]
    answer = serve.client().post("/inference", json={"model": "m", "rows": rows})
    assert answer.status_code == 200 and {row["version"] for row in answer.json()["predictions"]} == {1, 2}


def test_the_shadow_is_asked_the_same_and_told_to_nobody(serve: Serve) -> None:
    # Given a challenger that gets no share and sees all calls
    serve.trial(2, share=0.0, shadow=1.0)
    answer = serve.ask(ROW).json()
    assert answer["version"] == 1
    until_sent(serve)
    # When the shadow's own function is given what lies in its queue
    (call,) = serve.shadows.calls
    online = serve.outlet.one()
    again = take_shadows({"m-1": call.model_dump_json()}, Serving(serve.fresh_shelf()), serve.outlet, log())
    # Then the journal holds the challenger's answer beside the other
    record = serve.outlet.one()
    assert again == [] and record.event_id == f"{online.event_id}-shadow" and record.kind == "shadow"
    assert record.rows[0].version == 2 and record.rows[0].features == ROW and record.rows[0].id == online.rows[0].id


def test_nothing_personal_goes_to_the_shadow() -> None:
    columns = {"y": {"type": "boolean"}, "age": {"type": "number"}, "name": {"type": "text", "personal": True}}
    spec = ModelSpec.model_validate({"model": "m", "task": "binary", "target": "y", "columns": columns})
    question = Question("m", [Row("1", {"age": 3, "name": "Ann"})])
    challenger = Released(version=2, bundle=BundleRef("bundles/m/abc/", "abc", 10))
    told = {"event_id": "event-0001", "at": datetime(2026, 11, 21, tzinfo=UTC), "caller": "a", "correlation_id": "c"}
    (row,) = shadow_call(question, challenger, spec, **told).rows
    assert row.features == {"age": 3}


def test_half_a_shadow_is_half_of_the_calls(serve: Serve) -> None:
    serve.trial(2, share=0.0, shadow=0.5)
    for _ in range(60):
        serve.ask(ROW)
    until_sent(serve)
    assert 12 < len(serve.shadows.calls) < 48


def test_a_shadow_queue_that_is_down_is_no_callers_concern(serve: Serve) -> None:
    serve.trial(2, share=0.0, shadow=1.0)
    serve.shadows.down = True
    assert serve.ask(ROW).status_code == 200
    until_sent(serve)
    assert serve.shadows.calls == []


def test_a_shadow_that_cannot_answer_is_recorded_as_its_fault(serve: Serve) -> None:
    made = serve.trial(2, share=0.0, shadow=1.0)
    serve.ask(ROW)
    until_sent(serve)
    serve.outlet.records.clear()
    serve.house.artifacts.put(made.bundle.key + "model.onnx", b"broken")
    body = serve.shadows.calls[0].model_dump_json()
    assert take_shadows({"m-1": body}, Serving(serve.fresh_shelf()), serve.outlet, log()) == []
    record = serve.outlet.one()
    assert (record.model, record.status, record.served[0].version) == ("m", 503, 2) and record.served[0].fault


def test_a_shadow_that_breaks_is_recorded_as_its_fault_too(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    serve.trial(2, share=0.0, shadow=1.0)
    serve.ask(ROW)
    until_sent(serve)
    serve.outlet.records.clear()
    challenger = serve.shelf.release(serve.shelf.pointer("m").aliases["challenger"])
    monkeypatch.setattr(challenger.predictor, "_session", None)
    body = serve.shadows.calls[0].model_dump_json()
    assert take_shadows({"m-1": body}, Serving(serve.shelf), serve.outlet, log()) == []
    assert "AttributeError" in str(serve.outlet.one().served[0].fault)


def test_what_is_no_shadow_call_comes_again_and_holds_up_no_other(serve: Serve) -> None:
    serve.trial(2, share=0.0, shadow=1.0)
    serve.ask(ROW)
    until_sent(serve)
    body = serve.shadows.calls[0].model_dump_json()
    serve.outlet.records.clear()
    assert take_shadows({"a": "poison", "b": body}, Serving(serve.shelf), serve.outlet, log()) == ["a"]
    assert serve.outlet.one().kind == "shadow"
    serve.outlet.down = True
    assert take_shadows({"b": body}, Serving(serve.shelf), serve.outlet, log()) == ["b"]


def test_the_fakes_say_what_the_queue_says(serve: Serve) -> None:
    serve.shadows.down = True
    with pytest.raises(Unavailable):
        serve.shadows.put(ShadowCall.model_construct())


def until_sent(serve: Serve) -> None:
    """What is sent beside the calls."""
    for desk in serve.desks:
        desk._beside.submit(int).result()


def log():  # type: ignore[no-untyped-def]
    return logger("shadow-test")
