"""The example of a row can be sent: whatever a model declares, its own checks let it through."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from examples.catalogue import EXAMPLES
from gyre.serving.rows import RowCheck
from gyre.spec.check import read_spec
from gyre.spec.example import example_row
from gyre.spec.model import ModelSpec

bounds = st.tuples(st.integers(-50, 50), st.integers(0, 60)).map(lambda two: [two[0], two[0] + two[1]])
TYPES = ["category", "text", "number", "integer", "boolean", "time"]
categories = st.lists(st.text("abc", min_size=1), min_size=1, unique=True)
columns = st.one_of(
    st.builds(lambda kind, range_: {"type": kind, "range": range_}, st.sampled_from(["number", "integer"]), bounds),
    st.builds(
        lambda values: {"type": "category", "values": values},
        st.lists(st.text("abc", min_size=1), min_size=1, unique=True),
    ),
    st.builds(
        lambda kind: {"type": kind}, st.sampled_from(["number", "integer", "category", "text", "boolean", "time"])
    ),
    st.builds(
        lambda kind, most: {"type": kind, "length": most}, st.sampled_from(["category", "text"]), st.integers(1, 9)
    ),
)


@settings(max_examples=200)
@given(columns, st.booleans())
def test_an_example_breaks_no_rule(column: dict[str, Any], required: bool) -> None:
    spec = ModelSpec.model_validate(
        {
            "model": "m",
            "task": "binary",
            "target": "y",
            "columns": {"y": {"type": "boolean"}, "x": column | {"required": required}},
        }
    )
    row = example_row(spec)
    assert row.keys() == {"x"} and row["x"] is not None
    assert RowCheck(spec).check([row]).faults == ()


def test_the_examples_have_examples() -> None:
    for example in EXAMPLES.values():
        spec = read_spec(example.spec.read_bytes())
        row = example_row(spec)
        assert RowCheck(spec).check([row]).faults == ()
        assert spec.target not in row and not [name for name in row if spec.columns[name].personal]


def test_what_is_usual_is_taken_from_the_reference() -> None:
    spec = ModelSpec.model_validate({
        "model": "m", "task": "binary", "target": "y",
        "columns": {"y": {"type": "boolean"}, "age": {"type": "integer"}, "mood": {"type": "category"},
                    "on": {"type": "boolean"}, "born": {"type": "time"}},
    })  # fmt: skip
    quantiles = [0.0, 1.0, 2.0, 3.0, 41.4, 50.0, 60.0, 70.0, 80.0]
    features: dict[str, Any] = {
        "age": {"quantiles": quantiles}, "mood": {"shares": {"bad": 0.2, "good": 0.7}}, "on": {"quantiles": [0.0] * 9},
        "born": {"quantiles": [86400.0] * 9},
    }  # fmt: skip
    assert example_row(spec, {"features": features}) == {
        "age": 41, "mood": "good", "on": False, "born": "1970-01-02T00:00:00+00:00",
    }  # fmt: skip
