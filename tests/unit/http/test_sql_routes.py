import pytest

from gyre.errors import Invalid, Unavailable
from tests.unit.parts import House, told


@pytest.fixture
def house() -> House:
    return House()


def test_a_question_is_asked_and_answered(house: House) -> None:
    answer = house.client("prediction_log").post("/journal/sql", json={"sql": "select 1", "limit": 7})
    assert answer.json() == {
        "columns": ["model", "calls"], "types": ["Utf8View", "Int64"], "rows": [["wine", 3], [None, 1]], "cut": False,
    }  # fmt: skip
    assert house.queries.asked == [("select 1", 7)]


@pytest.mark.parametrize("fault", [Invalid("It took more than 20 s.", field="sql"), Unavailable("S3 is down.")])
def test_what_goes_wrong_is_told(house: House, fault: Invalid | Unavailable) -> None:
    house.queries.fault = fault
    status = 422 if isinstance(fault, Invalid) else 503
    found = told(house.client("prediction_log").post("/journal/sql", json={"sql": "select 1"}), status)
    assert (found["message"], found.get("field")) == (fault.message, fault.field)


@pytest.mark.parametrize(
    ("body", "field"),
    [({}, "sql"), ({"sql": ""}, "sql"), ({"sql": "x" * 20_001}, "sql"), ({"sql": 1}, "sql"),
     ({"sql": "select 1", "limit": 0}, "limit"), ({"sql": "select 1", "limit": 10_001}, "limit"),
     ({"sql": "select 1", "more": 1}, "more")],
)  # fmt: skip
def test_a_question_that_breaks_a_rule_is_422(house: House, body: object, field: str) -> None:
    assert told(house.client("prediction_log").post("/journal/sql", json=body), 422)["field"].endswith(field)
    assert house.queries.asked == []
