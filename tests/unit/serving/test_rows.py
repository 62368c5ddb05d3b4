"""Rows of a call meet the same rules as rows of an upload: the columns that a model is given are the same."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gyre.datasets.findings import Findings
from gyre.datasets.row_checks import RowChecks
from gyre.datasets.rows import Rows, as_numpy
from gyre.datasets.source import Chunk
from gyre.features.compute import is_missing
from gyre.serving.rows import RowCheck
from gyre.spec.columns import DEFAULT_ACTIONS, IMPOSSIBLE_ACTIONS
from gyre.spec.model import ModelSpec

BASE: dict[str, Any] = {
    "model": "m", "task": "binary", "target": "y", "columns": {"y": {"type": "boolean"}, "age": {"type": "number"}},
}  # fmt: skip
TIMES = ["2026-11-21", "2026-11-21T12:30:00Z", "2026-11-21T12:30:00+02:00", "soon", "0001-01-01", 0, 1.5, 1e12]
numbers = st.none() | st.integers(-100, 100) | st.floats(-100, 100).map(lambda value: round(value, 3))
words = st.none() | st.sampled_from(["a", "b", "c", " a ", "", "  ", "?", "NA", "ü", "a b", "abcdefgh"])
SENT: dict[str, st.SearchStrategy[Any]] = {
    "number": numbers,
    "integer": st.none() | st.integers(-100, 100) | st.sampled_from([1.0, 2.5, 2**62, 2**63, -(2**63)]),
    "category": words,
    "text": words,
    "boolean": st.none() | st.booleans() | st.sampled_from([0, 1, 2]),
    "time": st.none() | st.sampled_from(TIMES),
}


@st.composite
def columns(draw: st.DrawFn) -> dict[str, Any]:
    """A column with checks, and what it wants done."""
    kind = draw(st.sampled_from(list(SENT)))
    told: dict[str, Any] = {"type": kind, "required": draw(st.booleans())}
    if kind in ("number", "integer"):
        low, high = sorted((draw(st.integers(-50, 50)), draw(st.integers(-50, 50)) + 0.5))
        told["range"] = draw(st.sampled_from([None, [low, high], [low, None], [None, high]]))
    if kind == "category":
        told["values"] = draw(st.sampled_from([None, ["a", "b"]]))
    if kind in ("category", "text"):
        told["length"] = draw(st.sampled_from([None, 2]))
        told["missing"] = draw(st.sampled_from([[], ["?"]]))
    told = {key: value for key, value in told.items() if value is not None}
    given_ = {"type", *(["required"] if told["required"] else []), *({"range", "values", "length"} & told.keys())}
    actions = {}
    for check in sorted(given_):
        possible = {"reject", "clip", "drop", "flag"} - set(IMPOSSIBLE_ACTIONS.get(check, ()))
        possible -= {"drop"} if told["required"] else set()
        actions[check] = draw(st.sampled_from(sorted(possible | {DEFAULT_ACTIONS[check]})))
    return {**told, "actions": actions}


def spec(column: dict[str, Any]) -> ModelSpec:
    return ModelSpec.model_validate({**BASE, "columns": {"y": {"type": "boolean"}, "x": column}})


def written(value: Any) -> str | None:
    """As a file has it."""
    return None if value is None else str(value).lower() if isinstance(value, bool) else str(value)


@settings(max_examples=400)
@given(columns(), st.data())
def test_a_call_is_read_as_an_upload_is(column: dict[str, Any], data: st.DataObject) -> None:
    declared = spec(column)
    cells = data.draw(st.lists(SENT[column["type"]], min_size=1, max_size=6))
    assume(not (column["type"] == "boolean" and any(type(cell) is float for cell in cells)))
    # Given the same values in a file
    batch = pa.record_batch({"x": pa.array([written(cell) for cell in cells], pa.string())})
    rows = Rows(declared, Chunk(batch, pa.array(range(len(cells)), pa.int64()), ()), frozenset({"x"}))
    RowChecks(Findings(), {}).column(rows, np.ones(len(cells), bool), "x", declared.columns["x"])
    # When they are sent
    checked = RowCheck(declared).check([{"x": cell} for cell in cells])
    # Then the same rows are refused, and the others have the same values
    assert sorted(checked.refused) == np.flatnonzero(rows.rejected).tolist()
    right = ~rows.rejected
    theirs, ours = as_numpy(rows.values["x"])[right], checked.columns["x"][right]
    assert is_missing(ours).tolist() == is_missing(theirs).tolist()
    assert ours[~is_missing(ours)].tolist() == theirs[~is_missing(theirs)].tolist()


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
)


@given(columns(), st.lists(anything, max_size=4))
def test_whatever_is_sent_is_read_or_told(column: dict[str, Any], cells: list[Any]) -> None:
    checked = RowCheck(spec(column)).check([{"x": cell} for cell in cells])
    assert len(checked.columns["x"]) == len(cells)
    assert all(fault.field == "x" and fault.message and 0 <= fault.row < len(cells) for fault in checked.faults)


def test_columns_that_are_no_features_are_not_looked_at() -> None:
    columns = {**BASE["columns"], "name": {"type": "text", "personal": True}}
    declared = ModelSpec.model_validate({**BASE, "columns": columns})
    assert RowCheck(declared).check([{"age": 1, "name": 7, "y": "?"}]).faults == ()


@pytest.mark.parametrize(("sent", "meant"), [("agee", "age"), ("Age", "age"), ("zzz", "It knows")])
def test_a_misspelt_name_is_told_with_what_was_meant(sent: str, meant: str) -> None:
    (fault,) = RowCheck(ModelSpec.model_validate(BASE)).check([{sent: 1}]).faults
    assert fault.rule == "unknown" and meant in fault.message
