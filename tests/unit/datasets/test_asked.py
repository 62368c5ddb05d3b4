"""Rows to be predicted keep the rules that an upload keeps, as far as these are about one row."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gyre.datasets.asked import AskedCheck, check_needed
from gyre.datasets.checks import Checker
from gyre.datasets.source import Chunk
from gyre.errors import Invalid
from gyre.spec.check import read_spec

SPEC = read_spec(b"""
model: m
task: binary
target: y
columns:
  y: {type: boolean, required: true}
  n: {type: number, range: [0, 10], actions: {range: clip, type: drop}}
  i: {type: integer, range: [1.5, 8.5], required: true}
  c: {type: category, values: [a, b], actions: {values: flag}}
  t: {type: text, length: 3, actions: {length: clip}}
  b: {type: boolean, actions: {type: fail}}
  w: {type: time}
  k: {type: integer, unique: true, feature: false, required: true}
rules:
  - {name: low, check: "n + i < 15"}
  - {name: about_the_target, check: "y == 1"}
  - {name: always, check: "1 < 2", action: flag}
quality: {duplicates: keep}
""")
CELLS = st.sampled_from(["", "1", "2.5", "9", "99", "-3", "a", "b", "abcd", "true", "no", "2026-01-01", "NA", " 7 "])


def chunk(rows: list[dict[str, str]]) -> Chunk:
    names = list(SPEC.columns)
    cells = [pa.array([row.get(name) or None for row in rows], pa.string()) for name in names]
    batch = pa.RecordBatch.from_arrays(cells, schema=pa.schema([(name, pa.string()) for name in names]))
    return Chunk(batch, pa.array(np.arange(1, len(rows) + 1)), ())


@given(st.lists(st.fixed_dictionaries(dict.fromkeys(["n", "i", "c", "t", "b", "w"], CELLS)), min_size=1, max_size=12))
@settings(deadline=None)
def test_values_and_reasons_are_those_of_an_upload(rows: list[dict[str, str]]) -> None:
    """Given rows whose other columns are right."""
    whole = chunk([{**row, "y": "true", "k": str(at)} for at, row in enumerate(rows)])
    accepted, rejected = Checker(SPEC, "x", list(SPEC.columns), {}).check(whole)
    found = AskedCheck(SPEC, SPEC.needed).check(whole)
    assert found.refused.sum() == rejected.num_rows
    good = pa.array(~found.refused)
    for name, values in found.values.items():
        assert values.filter(good).to_pylist() == accepted[name].to_pylist(), name
    assert [list(found.reasons[at]) for at in np.flatnonzero(found.refused)] == rejected["codes"].to_pylist()


def test_what_the_model_does_not_look_at_has_no_say() -> None:
    """Given a target and a key that no upload would take."""
    rows = [{"i": "3", "y": "perhaps", "k": "7"}, {"i": "3", "y": "", "k": "7"}, {"i": "3", "y": "no", "k": "x"}]
    found = AskedCheck(SPEC, SPEC.needed).check(chunk(rows))
    assert not found.refused.any() and found.reasons == {}
    assert set(found.values) == {"n", "i", "c", "t", "b", "w"}


def test_what_was_sent_is_told_as_it_was_before_any_action() -> None:
    rows = [{"i": "3", "n": "99", "t": "abcd", "k": "7"}, {"i": "3", "n": "many", "k": "x"}]
    found = AskedCheck(SPEC, SPEC.needed, {"k"}).check(chunk(rows))
    assert (found.sent["n"].to_pylist(), found.values["n"].to_pylist()) == ([99.0, None], [10.0, None])
    assert (found.sent["t"][0].as_py(), found.values["t"][0].as_py()) == ("abcd", "abc")
    assert (found.failed["n"].tolist(), found.sent["k"].to_pylist()) == ([False, True], [7, None])
    assert (found.changed, found.flagged) == (2, 0)
    assert "k" not in found.values


def test_a_column_that_is_needed_must_be_there() -> None:
    check_needed(["b", "a", "z"], {"a", "b"}, "wine")
    with pytest.raises(Invalid, match=r"lacks b, c, which wine needs\. It has a, z\. Names must match") as caught:
        check_needed(["a", "z"], {"a", "b", "c"}, "wine")
    assert caught.value.field == "columns"
