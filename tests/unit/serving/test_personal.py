"""Who somebody is never leaves the function: pseudonyms do, in every record and message."""

import json
import time
from typing import Any

import pytest

from gyre.pseudonyms import FRESH_SECONDS, PSEUDONYM_KEYS, Pseudonym
from gyre.serving.kept import Kept
from gyre.serving.question import Question, Row
from gyre.serving.shadow import ShadowCall
from gyre.serving.split import place
from tests.unit.parts import told
from tests.unit.serving.personal import ANN, COLUMNS, PERSONAL, ROW, People, compiled, spec_of
from tests.unit.training.models import compiled as any_model

OPEN = COLUMNS.replace("person: {type: text, personal: true}", "person: {type: text, feature: false}")


@pytest.fixture
def people() -> People:
    return People().promote()


def tensors(*features: dict[str, Any]) -> dict[str, Any]:
    kinds = {"age": "FP64", "social": "INT64"}
    inputs = [
        {
            "name": name,
            "datatype": kinds.get(name, "BYTES"),
            "shape": [len(features)],
            "data": [e[name] for e in features],
        }
        for name in features[0]
    ]
    return {"inputs": inputs}


# --- the record -------------------------------------------------------------------------------------------------------


def test_the_record_holds_pseudonyms_and_the_answer_what_was_sent(people: People) -> None:
    answer = people.ask(ROW, ids=("Ann Miller",)).json()
    (row,) = people.outlet.one().rows
    assert answer["predictions"][0]["id"] == "Ann Miller"
    assert row.id == people.names.of("Ann Miller") == row.features["person"]
    assert row.features == {**ROW, **{name: people.names.of(value) for name, value in ANN.items()}}
    assert list(row.features) == list(ROW)


@pytest.mark.parametrize("ask", ["inference", "predict", "v2"])
def test_whichever_way_it_came(people: People, ask: str) -> None:
    match ask:
        case "inference":
            answer = people.ask(ROW)
        case "predict":
            answer = people.client.post("/predict/m", json=ROW)
        case _:
            answer = people.client.post("/v2/models/m/infer", json=tensors(ROW))
    assert answer.status_code == 200, answer.text
    (row,) = people.outlet.one().rows
    assert {name: row.features[name] for name in PERSONAL} == {name: people.names.of(ANN[name]) for name in PERSONAL}
    # Nobody named the row, so its model's id column does
    assert row.id == people.names.of("Ann Miller")
    if ask == "inference":
        assert answer.json()["predictions"][0]["id"] is None


@pytest.mark.parametrize("nobody", [None, "", "  ", "NA", "nobody"])
def test_null_stays_null_and_so_does_what_means_it(people: People, nobody: str | None) -> None:
    people.ask({**ROW, "email": nobody, "person": None})
    (row,) = people.outlet.one().rows
    assert row.features["email"] is None and row.features["person"] is None and row.id is None


def test_a_column_that_was_not_sent_is_not_there(people: People) -> None:
    people.ask({"age": 30, "email": "ann@example.org"})
    (row,) = people.outlet.one().rows
    assert set(row.features) == {"age", "email"} and row.id is None


@pytest.mark.parametrize(
    "value", [{"first": "Ann", "last": ["Miller"]}, [1, "Ann"], True, 1e300, "Ann\x00", "é" * 5000]
)
def test_whatever_is_sent_in_a_personal_column_has_a_pseudonym(people: People, value: Any) -> None:
    """No model looks at it, so nobody checks what it is."""
    people.ask({**ROW, "email": value})
    assert people.outlet.one().rows[0].features["email"] == people.names.of(value)


def test_one_person_has_one_pseudonym_whoever_asks_and_however(people: People) -> None:
    people.promote(1, compiled(id_=None), model="n")
    people.ask({**ROW, "social": 4711})
    people.ask({**ROW, "social": " 4711 "})
    people.client.post("/predict/n", json={**ROW, "social": 4711.0})
    assert {each.rows[0].features["social"] for each in people.outlet.records} == {people.names.of("4711")}


def test_where_the_id_column_is_not_personal_rows_are_called_as_before() -> None:
    people = People().promote(1, compiled(OPEN))
    answers = people.ask(ROW, {**ROW, "person": "Bea"}, ids=("r-1", None)).json()["predictions"]
    assert [each["id"] for each in answers] == ["r-1", "Bea"]
    assert [row.id for row in people.outlet.one().rows] == ["r-1", "Bea"]


def test_a_model_without_an_id_column_leaves_its_callers_names_alone() -> None:
    people = People().promote(1, compiled(id_=None))
    people.ask(ROW, ids=("r-1",))
    (row,) = people.outlet.one().rows
    assert row.id == "r-1" and row.features["person"] == people.names.of("Ann Miller")


def test_a_refused_call_is_recorded_with_pseudonyms(people: People) -> None:
    answer = people.ask({**ROW, "age": "old"}, ROW, ids=("Ann Miller", 7))
    assert told(answer, 422)["field"] == "rows[0].age"
    record = people.outlet.one()
    assert [row.id for row in record.rows] == [people.names.of("Ann Miller"), people.names.of(7)]
    assert "Miller" not in people.left() and "ann@" not in people.left()


def test_two_rows_of_one_person_are_refused_without_telling_whose(people: People) -> None:
    error = told(people.ask(ROW, ROW, ids=("Ann Miller", "Ann Miller")), 422)
    assert error["field"] == "rows[1].id" and "value" not in error["details"][0]
    assert "Miller" not in error["message"]
    (fault,) = [row.fault for row in people.outlet.one().rows if row.fault]
    assert (fault.code, fault.field) == ("unique", "id")


def test_who_reads_of_a_repeated_name_that_is_no_person_is_told_which() -> None:
    people = People().promote(1, compiled(OPEN))
    assert told(people.ask(ROW, ROW, ids=("r-1", "r-1")), 422)["details"][0]["value"] == "'r-1'"


@pytest.mark.parametrize(
    "body",
    [
        [{"features": ROW}], {"model": "m", "rows": [{"features": ROW}], "Rows": [{"features": ROW}]},
        {"model": [ROW], "rows": [{"features": ROW}]}, {"model": "m", "release": ROW, "rows": [{"features": ROW}]},
        {"model": "m", "rows": ROW}, {"model": "m", "rows": [ROW]}, {"rows": [{"features": ROW}], "partial": [ANN]},
        {"model": "m", "explain": ROW, "rows": [{"features": ROW}]}, {"model": "m", "rows": [{"features": [ROW]}]},
        {"model": "m", "rows": [{"id": "Ann Miller" * 30, "features": ROW}]}, "Ann Miller", ROW,
        {"model": "m", "rows": [{"features": ROW}], "person": "Ann Miller"},
    ],
)  # fmt: skip
def test_rows_at_a_wrong_place_are_not_told(people: People, body: Any) -> None:
    error = told(people.client.post("/inference", json=body), 422)
    assert "Miller" not in str(error) and "ann@" not in str(error)
    assert people.outlet.records[0].status == 422 and "Miller" not in people.left() and "4711" not in people.left()


def test_what_is_wrong_with_a_wish_is_still_told(people: People) -> None:
    error = told(people.client.post("/inference", json={"model": "M!", "rows": [{"features": ROW}]}), 422)
    assert "(sent: 'M!')" in error["message"]


@pytest.mark.parametrize(
    "changed",
    [
        {"datatype": ["Ann Miller"]}, {"shape": ["Ann Miller"]}, {"data": "Ann Miller"}, {"data": [["Ann Miller"]]},
        {"data": None, "parameters": {"binary_data_size": ["Ann Miller"]}}, {"parameters": ["Ann Miller"]},
    ],
)  # fmt: skip
def test_a_tensor_that_is_off_tells_nobody(people: People, changed: dict[str, Any]) -> None:
    body = tensors(ROW)
    body["inputs"][3] |= changed
    answer = people.client.post("/v2/models/m/infer", json=body)
    assert answer.status_code == 422 and "Miller" not in answer.text
    assert people.outlet.records[0].status == 422 and "Miller" not in people.left()


# --- trials -----------------------------------------------------------------------------------------------------------


def test_a_row_goes_its_way_by_what_was_sent(people: People) -> None:
    people.trial(2, share=0.5, shadow=0.0)
    ids = tuple(f"person {n}" for n in range(40))
    answer = people.ask(*[ROW] * 40, ids=ids).json()
    assert [each["id"] for each in answer["predictions"]] == list(ids)
    theirs = [2 if place("m", each) < 0.5 else 1 for each in ids]
    assert [each["version"] for each in answer["predictions"]] == theirs
    record = people.outlet.one()
    assert [(row.id, row.version) for row in record.rows] == [
        (people.names.of(i), v) for i, v in zip(ids, theirs, strict=True)
    ]


@pytest.mark.parametrize("ids", [("Ann Miller", "7"), (), (7, None)])
def test_the_shadow_is_told_pseudonyms_and_records_the_same(people: People, ids: tuple[Any, ...]) -> None:
    people.trial(2, share=0.0, shadow=1.0)
    people.ask(ROW, {**ROW, "born": None, "email": "NA"}, ids=ids)
    (shadow,) = people.shadowed()
    (call,) = people.shadows.calls
    online = people.outlet.records[0]
    assert "Miller" not in call.model_dump_json() and (call.hides_ids, call.hidden) == (True, tuple(sorted(PERSONAL)))
    assert [(row.id, row.features) for row in shadow.rows] == [(row.id, row.features) for row in online.rows]
    assert all(row.version == 2 and row.fault is None for row in shadow.rows)


def test_a_key_that_came_in_between_changes_nothing_of_a_shadow(people: People) -> None:
    people.trial(2, share=0.0, shadow=1.0)
    people.ask(ROW)
    people.rotate()
    (shadow,) = people.shadowed()
    assert shadow.rows[0].features["person"].startswith("p1:")


def test_rows_of_one_person_are_all_asked_of_the_shadow(people: People) -> None:
    """Nobody named them, so nobody refuses them as repeated; nor where names differ in spaces alone."""
    people.trial(2, share=0.0, shadow=1.0)
    assert people.ask(ROW, ROW).status_code == people.ask(ROW, ROW, ids=("Ann", "Ann ")).status_code == 200
    assert [row.fault for each in people.shadowed() for row in each.rows] == [None] * 4


@pytest.mark.parametrize(
    ("more", "kept"), [(", town: {type: category}", {"town"}), ("", set[str]())], ids=["a feature now", "not known"]
)
def test_a_challenger_is_never_asked_a_pseudonym(more: str, kept: set[str]) -> None:
    """Given one whose declaration takes the column for no person's."""
    people = People().promote(1, compiled(f"{COLUMNS}, town: {{type: category, personal: true}}"))
    people.trial(2, share=0.0, shadow=1.0, made=compiled(COLUMNS + more))
    people.ask({**ROW, "town": "x"})
    (shadow,) = people.shadowed()
    (row,) = shadow.rows
    assert row.fault is None and "town" in people.shadows.calls[0].hidden
    # As if it had not been sent
    (asked,) = people.ask(ROW, release="2").json()["predictions"]
    assert row.probabilities == asked["probabilities"]
    # And recorded as production has it, where it is declared at all
    assert {name: row.features[name] for name in kept} == dict.fromkeys(kept, people.names.of("x"))
    assert ("town" in row.features) == bool(kept)


def test_what_only_the_challenger_calls_personal_is_not_recorded_by_it() -> None:
    people = People().promote(1, compiled(OPEN))
    people.trial(2, share=0.0, shadow=1.0, made=compiled())
    people.ask(ROW, ids=("r-1",))
    (shadow,) = people.shadowed()
    assert "person" not in shadow.rows[0].features and shadow.rows[0].id is None
    assert shadow.rows[0].features["email"] == people.names.of("ann@example.org")


def test_a_shadow_call_of_before_is_read_and_tells_nothing_personal(people: People) -> None:
    """Given a message in the queue while this version is deployed."""
    people.trial(2, share=0.0, shadow=1.0)
    people.ask({"age": 3})
    body = json.loads(people.sent_to_shadow()[0].model_dump_json(exclude={"hidden", "hides_ids"}))
    body["rows"] = [{"id": "Ann Miller", "features": {"age": 3, "person": "Ann Miller"}}]
    people.shadows.calls[:] = [ShadowCall.model_validate_json(json.dumps(body))]
    (shadow,) = people.shadowed()
    assert shadow.rows[0].features == {"age": 3} and shadow.rows[0].id is None and shadow.rows[0].prediction


# --- keys -------------------------------------------------------------------------------------------------------------


def test_a_newer_key_hashes_within_minutes(people: People) -> None:
    people.ask(ROW)
    people.rotate()
    people.ask(ROW)
    people.house.clock.now += FRESH_SECONDS
    people.ask(ROW)
    told = [each.rows[0].features["email"] for each in people.outlet.records]
    assert told == [people.names.every("ann@example.org")[at] for at in (1, 1, 0)]


@pytest.mark.parametrize("more", ["", "release: {serve_unlogged: true}\n"])
def test_without_keys_nobody_is_answered_and_nothing_leaves(more: str) -> None:
    people = People(ring=False).promote(1, compiled(more=more))
    people.trial(2, share=0.5, shadow=1.0)
    error = told(people.ask(ROW, ids=("Ann Miller",)), 503)
    assert "pseudonyms/keys.json is missing" in error["message"] and "deploy again" in error["message"]
    record = people.outlet.records[0]
    assert (record.status, record.rows, people.shadows.calls) == (503, (), [])
    assert "Miller" not in people.left()
    # When it is deployed again
    people.house.artifacts.put(PSEUDONYM_KEYS, People().house.artifacts.read(PSEUDONYM_KEYS).content)
    people.house.clock.now += 1
    assert people.ask(ROW).status_code == 200


def test_a_ring_that_is_gone_later_is_kept_in_memory(people: People) -> None:
    people.ask(ROW)
    del people.house.artifacts._versions[PSEUDONYM_KEYS]
    people.house.clock.now += FRESH_SECONDS
    assert people.ask(ROW).status_code == 200
    one, two = people.outlet.records
    assert one.rows[0].features == two.rows[0].features


def test_nothing_is_waited_for_in_the_event_loop(people: People) -> None:
    question = Question("m", [Row(None, ROW)])
    people.shelf.production("m", people.shelf.pointer("m"))
    # Given the release in memory and not the ring
    assert people.shelf.at_hand("m") and not people.serving.at_hand(question)
    people.ask(ROW)
    assert people.serving.at_hand(question)
    # When the ring is to be looked at again
    people.house.clock.now += FRESH_SECONDS
    people.ask({"age": 1})
    assert people.serving.at_hand(question)
    people.keys._held = None
    assert people.shelf.at_hand("m") and not people.serving.at_hand(question)


def test_a_model_without_personal_columns_asks_for_no_ring() -> None:
    people = People(ring=False).promote(1, any_model("linear", "multiclass", "mixed"))
    assert people.ask({"age": 30}).status_code == 200
    assert people.serving.at_hand(Question("m", [Row(None, {"age": 30})])) and not people.keys.at_hand
    assert people.outlet.one().rows[0].features == {"age": 30}


def test_without_keys_what_is_personal_is_left_out() -> None:
    kept = Kept(spec_of(), None)
    assert kept.features({**ROW, "unheard_of": 1}) == {"age": 30, "size": "m", "note": "n"}
    assert kept.id(Row("Ann", {})) is None and kept.id(Row(None, ANN)) is None


def test_a_pseudonym_is_not_hashed_again(people: People) -> None:
    kept = Kept(spec_of(), people.names)
    name = people.names.of("Ann Miller")
    assert kept.value("person", Pseudonym(name)) == name != kept.value("person", name)


def test_hashing_a_value_takes_microseconds(people: People) -> None:
    """The least of many: what else runs on this machine is not what is measured."""
    kept, rows = Kept(spec_of(), people.names), [{**ANN, "person": f"Ann Miller {n}"} for n in range(250)]
    least = float("inf")
    for _ in range(20):
        began = time.process_time()
        for each in rows:
            kept.features(each)
        least = min(least, (time.process_time() - began) / (len(rows) * len(ANN)))
    assert least < 15e-6
