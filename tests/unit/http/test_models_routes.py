"""/models: declare, and read what is declared."""

from typing import Any, Never

import pytest
from httpx import Response

from gyre.errors import Conflict
from gyre.registry.moves import promote
from gyre.registry.traffic import send_traffic
from gyre.spec.document import MAX_BYTES
from tests.event_data import SPEC
from tests.fakes.objects import MemoryBucket
from tests.unit.parts import House, told
from tests.unit.registry.house import ANNA, registered, release

TEXT = SPEC.decode()
FEATURES = ["alcohol", "colour"]


@pytest.fixture
def house() -> House:
    return House()


def declare(house: House, text: str | bytes) -> Response:
    return house.client("training_trigger").post("/models", content=text)


def get(house: House, path: str) -> Response:
    return house.client("training_trigger").get(path)


# --- declaring --------------------------------------------------------------------------------------------------------


def test_what_is_new_is_created(house: House) -> None:
    answer = declare(house, SPEC)
    assert answer.status_code == 201
    assert answer.json() == {"model": "wine", "spec_version": 1, "features": FEATURES}


def test_the_same_text_again_makes_no_version(house: House) -> None:
    declare(house, SPEC)
    answer = declare(house, SPEC)
    assert (answer.status_code, answer.json()["spec_version"]) == (200, 1)


def test_another_text_is_another_version(house: House) -> None:
    declare(house, SPEC)
    answer = declare(house, f"# mended\n{TEXT}")
    assert (answer.status_code, answer.json()["spec_version"]) == (201, 2)


@pytest.mark.parametrize(
    "kind", ["application/yaml", "application/json", "text/plain", "application/x-www-form-urlencoded"]
)
def test_what_kind_of_text_it_is_said_to_be_changes_nothing(house: House, kind: str) -> None:
    answer = house.client("training_trigger").post("/models", content=SPEC, headers={"content-type": kind})
    assert answer.status_code == 201


def test_json_is_yaml_too(house: House) -> None:
    columns = {"a": {"type": "number"}, "b": {"type": "boolean"}}
    answer = house.client("training_trigger").post(
        "/models", json={"model": "wine", "task": "binary", "target": "b", "columns": columns}
    )
    assert (answer.status_code, answer.json()["features"]) == (201, ["a"])


def test_every_fault_is_told_with_its_place(house: House) -> None:
    text = TEXT.replace("task: multiclass", "task: guess").replace("[red, white]", "[red, red]") + "qualities: {}\n"
    error = told(declare(house, text), 422)
    assert error["code"] == "invalid"
    assert [(each["line"], each["column"], each["field"]) for each in error["details"]] == [
        (3, 1, "task"),
        (7, 42, "columns.colour.values[1]"),
        (text.count("\n"), 1, "qualities"),
    ]
    assert all(each["message"] and f"line {each['line']}" in error["message"] for each in error["details"])
    assert get(house, "/models").json() == {"models": []}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"# nothing\n", "empty"),
        (b"[]", "keys and values"),
        (b"model: [", "line 1"),
        (b"\xff\xfe\x00", "UTF-8"),
        (b"#" * (MAX_BYTES + 1), "524,288"),
        (b"model: ../secrets", "model"),
    ],
)
def test_what_is_no_model_yaml_is_422(house: House, content: bytes, says: str) -> None:
    error = told(declare(house, content), 422)
    assert says in error["message"]
    assert error["details"]
    assert list(house.artifacts.list("specs/")) == []


def test_many_faults_stay_a_readable_answer(house: House) -> None:
    columns = "".join(f"  c{n}: {{type: nothing}}\n" for n in range(2_000))
    error = told(declare(house, f"model: m\ntask: binary\ntarget: c0\ncolumns:\n{columns}"), 422)
    assert len(error["details"]) == 101
    assert "1,900 more" in error["details"][-1]["message"]


def test_who_is_never_fast_enough_is_told_to_look_first(house: House) -> None:
    class Contested(MemoryBucket):
        def write(self, *_: Any, **__: Any) -> Never:
            raise Conflict("somebody was faster")

    error = told(declare(House(artifacts=Contested()), SPEC), 409)
    assert error["code"] == "conflict"
    assert "wine" in error["message"]


# --- reading ----------------------------------------------------------------------------------------------------------


def test_models_are_listed_with_what_they_have(house: House) -> None:
    declare(house, SPEC)
    declare(house, TEXT.replace("model: wine", "model: beer"))
    declare(house, f"# mended\n{TEXT}")
    house.add_version(number=1)
    house.add_version(number=3)
    release("wine", 7, house.artifacts)
    release("old", 2, house.artifacts)  # its declaration is gone
    assert get(house, "/models").json() == {
        "models": [
            {"model": "beer", "spec_version": 1, "dataset": None, "version": None},
            {"model": "old", "spec_version": None, "dataset": None, "version": 2},
            {"model": "wine", "spec_version": 2, "dataset": 3, "version": 7},
        ]
    }


def test_without_models_the_list_is_empty(house: House) -> None:
    assert get(house, "/models").json() == {"models": []}


def test_a_release_that_cannot_be_read_is_told_and_hides_no_other(house: House) -> None:
    declare(house, SPEC)
    release("beer", 1, house.artifacts)
    house.artifacts.put("releases/wine.json", b"{")
    beer, wine = get(house, "/models").json()["models"]
    assert (beer["version"], wine["version"]) == (1, None)
    assert "releases/wine.json" in wine["fault"] and "fault" not in beer
    assert "releases/wine.json" in told(get(house, "/models/wine"), 503)["message"]


def test_one_model_tells_what_is_declared(house: House) -> None:
    declare(house, SPEC + b"derived: {strong: {formula: alcohol > 13}}\n")
    house.add_version(number=2)
    found = get(house, "/models/wine").json()
    named = ("model", "spec_version", "dataset", "version", "challenger", "traffic")
    assert {key: found[key] for key in named} == {
        "model": "wine", "spec_version": 1, "dataset": 2, "version": None, "challenger": None, "traffic": None,
    }  # fmt: skip
    assert (found["task"], found["target"], found["features"]) == ("multiclass", "cultivar", [*FEATURES, "strong"])
    assert found["description"] == "Which cultivar a wine was made from."
    assert list(found["columns"]) == ["alcohol", "colour", "cultivar"]
    assert found["columns"]["alcohol"]["range"] == [10, 16]
    assert found["derived"]["strong"]["formula"] == "alcohol > 13"


def test_a_model_tells_who_is_on_trial_and_what_it_gets(house: House) -> None:
    declare(house, SPEC)
    release("wine", 1, house.artifacts)
    registered("wine", 2, house.artifacts)
    promote("wine", 2, house.artifacts, ANNA, alias="challenger")
    found = get(house, "/models/wine").json()
    assert (found["version"], found["challenger"], found["traffic"]) == (1, 2, None)
    send_traffic("wine", 2, 0.1, 0.5, house.artifacts, ANNA)
    traffic = get(house, "/models/wine").json()["traffic"]
    assert (traffic["share"], traffic["shadow"]) == (0.1, 0.5)


def test_the_text_comes_back_as_it_was_sent(house: House) -> None:
    second = "# Ein Kommentar: süß\r\n".encode() + SPEC
    declare(house, SPEC)
    declare(house, second)
    answer = get(house, "/models/wine/spec")
    assert answer.headers["content-type"].startswith("application/yaml")
    assert answer.content == second
    assert get(house, "/models/wine/spec?version=1").content == SPEC
    assert get(house, "/models/wine/spec?version=2").content == second


@pytest.mark.parametrize("version", ["3", "1" * 30])
def test_an_unknown_version_of_the_text_is_404(house: House, version: str) -> None:
    declare(house, SPEC)
    assert told(get(house, f"/models/wine/spec?version={version}"), 404)["field"] == "version"


@pytest.mark.parametrize("version", ["0", "-1", "x", "1.5", ""])
def test_what_is_no_number_of_a_version_is_422(house: House, version: str) -> None:
    declare(house, SPEC)
    assert told(get(house, f"/models/wine/spec?version={version}"), 422)["field"] == "version"


@pytest.mark.parametrize("path", ["/models/beer", "/models/beer/spec"])
def test_a_model_that_nobody_declared_says_how_to_declare_it(house: House, path: str) -> None:
    declare(house, SPEC)
    error = told(get(house, path), 404)
    assert (error["code"], error["field"]) == ("not_found", "model")
    assert "POST /models" in error["message"] and "inbox/beer/" in error["message"]


@pytest.mark.parametrize("name", ["Wine", "1wine", "w%20ine", "wine%0A", "%2e%2e", "w" * 64, "w%C3%AFne", "wine%00"])
@pytest.mark.parametrize("rest", ["", "/spec", "/datasets", "/datasets/1", "/datasets/1/report", "/lineage"])
def test_what_is_no_models_name_is_422(house: House, name: str, rest: str) -> None:
    assert told(get(house, f"/models/{name}{rest}"), 422)["field"] == "model"
