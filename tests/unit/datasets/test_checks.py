"""Which rows are taken, what is done to their values, and what is told of the others."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gyre.datasets.checks import QUARANTINE_SCHEMA, Checker, Fences, processed_schema
from gyre.datasets.report import Finding, RowCounts
from gyre.datasets.source import Chunk, Malformed
from gyre.spec.columns import CHECK_TYPES, DEFAULT_ACTIONS, IMPOSSIBLE_ACTIONS
from gyre.spec.model import ModelSpec

Cells = Mapping[str, Sequence[str | None]]


@dataclass
class Checked:
    """All that came of an upload."""

    accepted: pa.Table
    quarantine: pa.Table
    counts: RowCounts
    findings: tuple[Finding, ...]
    failing: tuple[Finding, ...] = field(default=())

    def column(self, name: str) -> list[Any]:
        return list(self.accepted[name].to_pylist())

    @property
    def codes(self) -> dict[int, list[str]]:
        return dict(zip(self.quarantine["_gyre_row"].to_pylist(), self.quarantine["codes"].to_pylist(), strict=True))

    @property
    def flags(self) -> dict[int, str]:
        told = zip(self.column("_gyre_row"), self.column("_gyre_flags"), strict=True)
        return {row: flags for row, flags in told if flags is not None}

    @property
    def told(self) -> set[tuple[str, str, int, str | None]]:
        return {(each.code, each.action, each.count, each.column) for each in self.findings}


def spec(columns: Mapping[str, Mapping[str, Any]], **more: Any) -> ModelSpec:
    """A model with these columns besides its target `y`, in which no duplicates are looked for."""
    return ModelSpec.model_validate(
        {
            "model": "m",
            "task": "binary",
            "target": "y",
            "columns": {"y": {"type": "boolean"}, "other": {"type": "text"}} | columns,
            "quality": {"duplicates": "keep"},
        }
        | more
    )


def chunk(cells: Cells, first: int = 1, malformed: Sequence[Malformed] = ()) -> Chunk:
    rows = pa.RecordBatch.from_pydict({name: pa.array(each, pa.string()) for name, each in cells.items()})
    taken = {each.row for each in malformed}
    numbers = [number for number in range(first, first + rows.num_rows + len(taken)) if number not in taken]
    return Chunk(rows, pa.array(numbers, pa.int64()), tuple(malformed))


def check(of: ModelSpec, *chunks: Chunk | Cells, fences: Fences | None = None) -> Checked:
    """Every promise that holds for all specs is looked at here, too."""
    as_chunks = list(numbered(chunks))
    columns = as_chunks[0].rows.schema.names
    checker = Checker(of, "ingest-1", columns, fences or {})
    pairs = [checker.check(each) for each in as_chunks]
    for accepted, quarantined in pairs:
        accepted.validate(full=True)
        quarantined.validate(full=True)
    found = Checked(
        pa.Table.from_batches([each for each, _ in pairs], processed_schema(of)),
        pa.Table.from_batches([each for _, each in pairs], QUARANTINE_SCHEMA),
        checker.counts,
        checker.findings.found(),
        checker.findings.failing(),
    )
    counts = found.counts
    numbers = [number for each in as_chunks for number in each.numbers.to_pylist()]
    numbers += [each.row for one in as_chunks for each in one.malformed]
    assert counts.read == counts.accepted + counts.rejected + counts.filtered == len(numbers)
    assert (found.accepted.num_rows, found.quarantine.num_rows) == (counts.accepted, counts.rejected)
    assert set(found.column("_gyre_upload")) <= {"ingest-1"} >= set(found.quarantine["_gyre_upload"].to_pylist())
    assert found.column("_gyre_row") == sorted(found.column("_gyre_row"))
    left = Counter(numbers) - Counter(found.column("_gyre_row")) - Counter(found.quarantine["_gyre_row"].to_pylist())
    assert sum(left.values()) == counts.filtered
    assert counts.flagged == len(found.flags)
    assert all(found.codes.values())
    return found


def numbered(chunks: Sequence[Chunk | Cells]) -> Iterator[Chunk]:
    first = 1
    for each in chunks:
        made = each if isinstance(each, Chunk) else chunk(each, first)
        first += made.rows.num_rows + len(made.malformed)
        yield made


# --- each check with each action it may have


@dataclass(frozen=True)
class Case:
    """A column, cells of which the third breaks the check alone, and what becomes of that value."""

    column: Mapping[str, Any]
    cells: Sequence[str | None]
    values: Sequence[Any]
    clipped: Any = None
    fences: Fences | None = None


CASES: dict[str, list[Case]] = {
    "type": [
        Case({"type": "number"}, ["1.5", "2", "x", None], [1.5, 2.0, None, None]),
        Case({"type": "integer"}, ["1", "2", "2.5", None], [1, 2, None, None]),
        Case({"type": "boolean"}, ["yes", "no", "maybe", None], [True, False, None, None]),
        Case({"type": "time"}, [None, None, "noon", None], [None, None, None, None]),
    ],
    "required": [
        Case({"type": "number", "required": True}, ["1", "2", None, "4"], [1.0, 2.0, None, 4.0]),
        Case({"type": "text", "required": True}, ["a", "b", " NA ", "d"], ["a", "b", None, "d"]),
    ],
    "range": [
        Case({"type": "number", "range": [0, 9.5]}, ["0", "9.5", "9.6", None], [0.0, 9.5, 9.6, None], 9.5),
        Case({"type": "number", "range": [0, None]}, ["0", "1e308", "-1e-9", None], [0.0, 1e308, -1e-9, None], 0.0),
        Case({"type": "number", "range": [None, 1]}, ["1", "-1e308", "2", None], [1.0, -1e308, 2.0, None], 1.0),
        Case({"type": "integer", "range": [2.5, 7.5]}, ["3", "7", "8", None], [3, 7, 8, None], 7),
        Case({"type": "integer", "range": [2.5, 7.5]}, ["3", "7", "2", None], [3, 7, 2, None], 3),
        Case({"type": "integer", "range": [0, 1e30]}, ["0", str(2**63 - 1), "-5", None], [0, 2**63 - 1, -5, None], 0),
        Case({"type": "integer", "range": [-1e30, 2**53]}, ["0", str(-(2**63)), str(2**53 + 1), None],
             [0, -(2**63), 2**53 + 1, None], 2**53),
    ],
    "values": [Case({"type": "category", "values": ["a", "b", 1]}, ["a", "1", "A", None], ["a", "1", "A", None])],
    "length": [
        Case({"type": "text", "length": 3}, ["", "äöü", "äöü\u0301", None], [None, "äöü", "äöü\u0301", None], "äöü"),
        Case({"type": "category", "length": 1}, ["a", "👍", "ab", None], ["a", "👍", "ab", None], "a"),
    ],
    "outliers": [
        Case({"type": "number", "outliers": 3}, ["1", "9", "9.1", None], [1.0, 9.0, 9.1, None], 9.0, {"x": (1.0, 9.0)}),
        Case({"type": "integer", "outliers": 3}, ["2", "8", "1", None], [2, 8, 1, None], 2, {"x": (1.5, 8.5)}),
    ],
    "unique": [
        Case({"type": "number", "unique": True}, ["1", "2", "1.0", None], [1.0, 2.0, 1.0, None]),
        Case({"type": "category", "unique": True}, ["a", "b", " b ", None], ["a", "b", "b", None]),
    ],
}  # fmt: skip
ACTIONS = [
    pytest.param(case, check_, action, id=f"{check_}-{action}-{at}")
    for check_, cases in CASES.items()
    for at, case in enumerate(cases)
    for action in ("reject", "clip", "drop", "flag", "fail")
    if action not in IMPOSSIBLE_ACTIONS.get(check_, ())  # type: ignore[call-overload]
    and not (action == "drop" and case.column.get("required"))
]


def test_every_check_has_its_cases() -> None:
    assert CASES.keys() == DEFAULT_ACTIONS.keys()
    for name, types in CHECK_TYPES.items():
        assert {case.column["type"] for case in CASES[name]} == set(types)


@pytest.mark.parametrize(("case", "name", "action"), ACTIONS)
def test_what_breaks_a_check_is_dealt_with_as_its_column_says(case: Case, name: str, action: str) -> None:
    # Given
    of = spec({"x": {**case.column, "actions": {name: action}}})
    # When
    found = check(of, {"x": case.cells, "y": ["1"] * 4, "other": list("abcd")}, fences=case.fences)
    # Then the others are taken as they are
    values = list(case.values)
    if action in ("reject", "fail"):
        assert found.column("x") == [values[0], values[1], values[3]]
        assert found.codes == {3: [f"{name}:x"]}
        record = {"x": case.cells[2], "y": "1", "other": "c"}
        assert [json.loads(each) for each in found.quarantine["record"].to_pylist()] == [record]
    else:
        put = {"clip": case.clipped, "drop": None, "flag": values[2]}[action]
        assert found.column("x") == [values[0], values[1], put, values[3]]
    assert found.flags == ({3: f"{name}:x"} if action == "flag" else {})
    assert found.counts.changed == (1 if action in ("clip", "drop") else 0)
    # And the finding tells it, with what stood there
    examples = () if case.cells[2] is None else (case.cells[2],)
    assert found.findings == (Finding(name, action, 1, "x", examples),)  # type: ignore[arg-type]
    assert found.failing == (found.findings if action == "fail" else ())


@pytest.mark.parametrize(("case", "name", "action"), ACTIONS)
def test_nothing_is_shown_of_a_personal_column(case: Case, name: str, action: str) -> None:
    # Given
    of = spec({"x": {**case.column, "actions": {name: action}, "personal": True}})
    # When
    found = check(of, {"x": case.cells, "y": ["1"] * 4, "other": list("abcd")}, fences=case.fences)
    # Then it is counted, and nothing else; what is set aside for a person to mend is all of the row
    assert found.findings == (Finding(name, action, 1, "x", ()),)  # type: ignore[arg-type]
    for record in found.quarantine["record"].to_pylist():
        assert json.loads(record)["x"] == case.cells[2]


def test_left_out_actions_are_those_of_the_specs_table() -> None:
    of = spec({"x": {"type": "number", "range": [0, 1], "outliers": 1, "required": True}})
    found = check(of, {"x": ["0.5", "2", "", "x", "0.9"], "y": ["1"] * 5}, fences={"x": (0.0, 0.8)})
    assert found.codes == {2: ["range:x"], 3: ["required:x"], 4: ["type:x"]}
    assert found.flags == {5: "outliers:x"}


# --- how checks go together


def test_a_row_has_every_reason_and_every_flag() -> None:
    # Given
    of = spec(
        {
            "a": {"type": "number"},
            "b": {"type": "number", "range": [0, 1]},
            "c": {"type": "category", "values": ["x"], "length": 2, "actions": {"values": "flag", "length": "flag"}},
        },
        rules=[{"name": "r", "check": "b < 1", "action": "flag"}, {"name": "s", "check": "b < 0"}],
    )
    # When
    found = check(of, {"a": ["no", "1"], "b": ["7", "0"], "c": ["long", "longer"], "y": ["1", "1"]})
    # Then
    assert found.codes == {1: ["type:a", "range:b", "s"], 2: ["s"]}
    assert found.counts == RowCounts(read=2, rejected=2)
    assert ("r", "flag", 1, None) in found.told and ("values", "flag", 2, "c") in found.told


def test_flags_stand_beside_each_other_on_the_rows_that_are_taken() -> None:
    of = spec(
        {"c": {"type": "category", "values": ["x"], "length": 2, "actions": {"values": "flag", "length": "flag"}}},
        rules=[{"name": "never", "check": "c == 'x'", "action": "flag"}],
    )
    found = check(of, {"c": ["x", "yy", "yyy"], "y": ["1"] * 3})
    assert found.flags == {2: "values:c,never", 3: "values:c,length:c,never"}
    assert found.counts.flagged == 2


def test_a_value_is_counted_as_changed_once() -> None:
    of = spec(
        {
            "a": {"type": "number", "range": [0, 1], "outliers": 1, "actions": {"range": "clip", "outliers": "clip"}},
            "b": {"type": "number", "actions": {"type": "drop"}},
        }
    )
    found = check(of, {"a": ["5", "0.5"], "b": ["no", "1"], "y": ["1", "1"]}, fences={"a": (0.2, 0.8)})
    assert (found.counts.changed, found.column("a"), found.column("b")) == (1, [0.8, 0.5], [None, 1.0])


def test_a_change_to_a_row_that_is_rejected_does_not_count() -> None:
    of = spec({"a": {"type": "number", "range": [0, 1], "actions": {"range": "clip"}}, "b": {"type": "number"}})
    found = check(of, {"a": ["5"], "b": ["no"], "y": ["1"]})
    assert (found.counts.changed, found.counts.rejected) == (0, 1)


def test_what_was_clipped_and_dropped_is_what_derived_features_and_rules_see() -> None:
    # Given
    of = spec(
        {
            "a": {"type": "number", "range": [0, 10], "actions": {"range": "clip"}},
            "b": {"type": "number", "range": [0, 10], "actions": {"range": "drop"}},
        },
        derived={
            "sum": {"formula": "a + b"}, "share": {"ratio": ["a", "b"]},
            "size": {"bin": "a", "edges": [5], "labels": [1, 2]}, "truth": {"formula": "a > 5"},
            "one": {"formula": "1"},
        },
        rules=[{"name": "small", "check": "a + b < 15"}],
    )  # fmt: skip
    # When
    found = check(of, {"a": ["99", "-5", "4", "10"], "b": ["99", "2", "0", "10"], "y": ["1"] * 4})
    # Then
    assert found.column("sum") == [None, 2.0, 4.0]
    assert found.column("share") == [None, 0.0, None]
    assert found.column("size") == ["2", "1", "1"]
    assert found.column("truth") == [1.0, 0.0, 0.0]
    assert found.column("one") == [1.0, 1.0, 1.0]
    assert found.codes == {4: ["small"]}


def test_an_optional_column_that_the_file_lacks_is_missing_and_breaks_nothing() -> None:
    of = spec(
        {
            "a": {"type": "number", "range": [0, 1], "outliers": 1, "unique": True},
            "b": {"type": "category", "values": ["x"], "length": 1, "unique": True},
        },
        derived={"d": {"formula": "a + 1"}},
        rules=[{"name": "r", "check": "a < 0 and b == 'x'"}],
        quality={"duplicates": "reject"},
    )
    found = check(of, {"y": ["1", "0", "1"]}, {"y": ["0"]}, fences={})
    assert found.column("a") == found.column("b") == found.column("d") == [None, None]
    assert found.codes == {3: ["duplicate"], 4: ["duplicate"]}


def test_columns_that_are_not_declared_go_no_further_than_quarantine() -> None:
    of = spec({"a": {"type": "number"}})
    found = check(of, {"extra": ["1", "2"], "a": ["1", "x"], "y": ["1", "1"]})
    assert "extra" not in found.accepted.column_names
    assert json.loads(found.quarantine["record"][0].as_py()) == {"extra": "2", "a": "x", "y": "1"}


# --- filter and rules


def test_a_row_that_is_filtered_out_is_neither_rejected_nor_flagged_nor_shown() -> None:
    # Given rows that break every check there is
    of = spec(
        {
            "a": {"type": "number", "range": [0, 1], "outliers": 1, "required": True, "unique": True},
            "c": {"type": "category", "values": ["x"], "length": 1, "actions": {"values": "flag", "length": "fail"}},
        },
        filter="other == 'taken'",
        rules=[{"name": "never", "check": "1 > 2", "action": "fail"}],
        quality={"duplicates": "reject"},
    )
    # When
    found = check(
        of,
        {"a": ["9", "x", None, "9"], "c": ["long"] * 4, "y": ["1"] * 4, "other": ["left", None, "", "left"]},
        fences={"a": (0, 0)},
    )
    # Then
    assert found.counts == RowCounts(read=4, filtered=4)
    assert (found.findings, found.quarantine.num_rows, found.accepted.num_rows) == ((), 0, 0)


def test_the_filter_looks_at_values_before_they_are_clipped() -> None:
    of = spec({"a": {"type": "number", "range": [0, 10], "actions": {"range": "clip"}}}, filter="a > 10 or a < 5")
    found = check(of, {"a": ["99", "7", "-1", None, "x"], "y": ["1"] * 5})
    assert (found.column("a"), found.counts.filtered) == ([10.0, 0.0], 3)


def test_a_filtered_row_is_nobodys_first() -> None:
    of = spec({"a": {"type": "number", "unique": True}}, filter="y == True", quality={"duplicates": "reject"})
    found = check(of, {"a": ["1", "1", "1"], "y": ["0", "1", "1"]})
    assert (found.column("_gyre_row"), found.codes) == ([2], {3: ["unique:a"]})


def test_a_filter_takes_what_is_true_and_a_rule_rejects_what_is_false() -> None:
    # Given the same condition, of which nothing can be said where the value is missing
    columns = {"a": {"type": "number", "actions": {"type": "drop"}}}
    cells = {"a": ["1", "-1", None, "x"], "y": ["1"] * 4}
    # When and then
    filtered = check(spec(columns, filter="a > 0"), cells)
    assert (filtered.column("_gyre_row"), filtered.counts.filtered) == ([1], 3)
    ruled = check(spec(columns, rules=[{"name": "r", "check": "a > 0"}]), cells)
    assert (ruled.column("_gyre_row"), ruled.codes) == ([1, 3, 4], {2: ["r"]})


@pytest.mark.parametrize("action", ["reject", "flag", "fail"])
def test_a_rule_has_an_action_and_shows_no_cells(action: str) -> None:
    of = spec({"a": {"type": "number"}}, rules=[{"name": "r", "check": "a > 0", "action": action}])
    found = check(of, {"a": ["1", "-1"], "y": ["1"] * 2})
    assert found.findings == (Finding("r", action, 1),)  # type: ignore[arg-type]
    assert (found.codes, found.flags) == (({}, {2: "r"}) if action == "flag" else ({2: ["r"]}, {}))
    assert bool(found.failing) == (action == "fail")


@pytest.mark.parametrize(
    ("condition", "holds"), [("1 < 2", True), ("1 > 2", False), ("True", True), ("not True", False)]
)
def test_a_condition_without_any_column_holds_for_all_rows_or_for_none(condition: str, holds: bool) -> None:
    cells = {"y": ["1", "0", None]}
    ruled = check(spec({}, rules=[{"name": "r", "check": condition}]), cells, cells)
    assert (ruled.counts.accepted, ruled.counts.rejected) == ((6, 0) if holds else (0, 6))
    filtered = check(spec({}, filter=condition), cells, cells)
    assert (filtered.counts.accepted, filtered.counts.filtered) == ((6, 0) if holds else (0, 6))


def test_words_and_times_are_compared_in_rules() -> None:
    of = spec(
        {"t": {"type": "time"}, "w": {"type": "text"}},
        rules=[{"name": "year", "check": "year(t) >= 2020"}, {"name": "words", "check": "words(w) > 1"}],
    )
    found = check(of, {"t": ["2019-12-31", "2020-01-01", None], "w": ["a b", "a", "a b"], "y": ["1"] * 3})
    assert found.codes == {1: ["year"], 2: ["words"]}


# --- what occurs twice


def test_the_first_right_row_of_equal_values_is_taken_also_across_chunks() -> None:
    of = spec({"a": {"type": "number", "unique": True}})
    found = check(of, {"a": ["1", "2", "1"], "y": ["1"] * 3}, {"a": ["2.0", "3", "1e0"], "y": ["1"] * 3})
    assert found.column("_gyre_row") == [1, 2, 5]
    assert found.codes == {3: ["unique:a"], 4: ["unique:a"], 6: ["unique:a"]}


@pytest.mark.parametrize("cut", [1, 3])
def test_a_rejected_first_occurrence_does_not_count(cut: int) -> None:
    # Given a first row that is wrong in another column
    of = spec({"a": {"type": "number", "unique": True}, "b": {"type": "number"}}, quality={"duplicates": "reject"})
    rows = {"a": ["1", "1", "1"], "b": ["x", "2", "2"], "y": ["1"] * 3}
    # When it comes in the same chunk, or in an earlier one
    found = check(of, *({k: v[at : at + cut] for k, v in rows.items()} for at in range(0, 3, cut)))
    # Then
    assert found.column("_gyre_row") == [2]
    assert found.codes == {1: ["type:b"], 3: ["unique:a"]}


def test_missing_values_do_not_repeat_each_other() -> None:
    of = spec({"a": {"type": "category", "unique": True}})
    assert check(of, {"a": [None, None, "NA", ""], "y": ["1"] * 4}).counts.accepted == 4


def test_values_that_were_dropped_are_missing_to_unique_too() -> None:
    of = spec({"a": {"type": "number", "unique": True, "range": [0, 5], "actions": {"range": "drop"}}})
    assert check(of, {"a": ["9", "9", "1"], "y": ["1"] * 3}).column("a") == [None, None, 1.0]


def test_repeated_values_that_are_only_flagged_stay() -> None:
    of = spec({"a": {"type": "category", "unique": True, "actions": {"unique": "flag"}}})
    found = check(of, {"a": ["u", "u"], "y": ["1"] * 2}, {"a": ["u"], "y": ["1"]})
    assert (found.flags, found.counts.flagged) == ({2: "unique:a", 3: "unique:a"}, 2)


@pytest.mark.parametrize("wish", ["reject", "flag", "keep"])
def test_duplicates(wish: str) -> None:
    # Given rows of which the third and the fifth (in a chunk of its own) repeat the first, and one differs in a gap
    of = spec({"a": {"type": "text"}, "b": {"type": "text"}}, quality={"duplicates": wish})
    first = {"a": ["ab", "a", "ab", "ab"], "b": ["c", "bc", "c", None], "y": ["1"] * 4}
    # When
    found = check(of, first, {"a": ["ab", "ab"], "b": ["c", None], "y": ["1", "1"]})
    # Then
    if wish == "reject":
        assert found.codes == {3: ["duplicate"], 5: ["duplicate"], 6: ["duplicate"]}
    else:
        assert found.flags == (dict.fromkeys((3, 5, 6), "duplicate") if wish == "flag" else {})
    assert found.findings == (() if wish == "keep" else (Finding("duplicate", wish, 3),))  # type: ignore[arg-type]


def test_a_duplicate_is_one_in_every_declared_column_of_the_file() -> None:
    of = spec({"a": {"type": "text"}, "b": {"type": "text"}}, quality={"duplicates": "reject"})
    found = check(of, {"a": ["1", "1"], "undeclared": ["1", "2"], "y": ["1", "1"]})
    assert found.codes == {2: ["duplicate"]}


def test_a_file_in_which_nothing_is_declared_has_no_duplicates() -> None:
    of = spec({"a": {"type": "text"}}, quality={"duplicates": "reject"})
    assert check(of, {"undeclared": ["1", "1"]}).counts.accepted == 2


# --- malformed rows, and chunks of which nothing is left


def test_malformed_rows_are_rejected_with_their_code_and_their_text() -> None:
    # Given
    bad = (Malformed(2, "ragged", "1,2,3"), Malformed(4, "not_json", 'ä"'))
    # When
    found = check(spec({"a": {"type": "number"}}), chunk({"a": ["1", "x"], "y": ["1", "1"]}, malformed=bad))
    # Then
    assert found.counts == RowCounts(read=4, accepted=1, rejected=3)
    assert found.codes == {3: ["type:a"], 2: ["ragged"], 4: ["not_json"]}
    records = dict(zip(found.quarantine["_gyre_row"].to_pylist(), found.quarantine["record"].to_pylist(), strict=True))
    assert json.loads(records[4]) == {"unreadable": 'ä"'}
    assert Finding("ragged", "reject", 1, None, ("1,2,3",)) in found.findings


def test_nothing_is_shown_of_malformed_rows_where_a_column_is_personal() -> None:
    of = spec({"a": {"type": "text", "personal": True}})
    found = check(of, chunk({"a": ["x"], "y": ["1"]}, malformed=[Malformed(1, "ragged", "jane@example.org,1,2")]))
    assert found.findings == (Finding("ragged", "reject", 1, None, ()),)


def test_malformed_rows_are_no_matter_of_the_filter() -> None:
    of = spec({}, filter="1 > 2")
    found = check(of, chunk({"y": ["1"]}, malformed=[Malformed(1, "ragged", "?")]))
    assert found.counts == RowCounts(read=2, rejected=1, filtered=1)


FULL = spec(
    {
        "n": {"type": "number", "range": [0, 1], "outliers": 1, "required": True, "unique": True},
        "i": {"type": "integer", "range": [0, 1], "actions": {"range": "clip"}},
        "c": {"type": "category", "values": ["x"], "length": 1, "unique": True},
        "t": {"type": "text", "length": 3},
        "b": {"type": "boolean"},
        "w": {"type": "time", "unique": True},
    },
    derived={
        "f": {"formula": "n + 1"}, "r": {"ratio": ["n", "i"]}, "z": {"bin": "n", "edges": [0.5]}, "o": {"formula": "2"},
    },
    filter="not is_missing(b)",
    rules=[{"name": "r", "check": "n > i or length(t) > 1 or year(w) > 2000"}],
    quality={"duplicates": "flag"},
)  # fmt: skip


def nothing() -> dict[str, list[str | None]]:
    return {name: [] for name in FULL.columns}


def test_a_chunk_of_which_no_row_is_well_formed_is_counted() -> None:
    # Given chunks without rows around one with a right row
    right: Cells = {
        "n": ["0.5"],
        "i": ["1"],
        "c": ["x"],
        "t": ["ab"],
        "b": ["1"],
        "w": ["2020-01-01"],
        "y": ["1"],
        "other": ["o"],
    }
    broken = [
        chunk(nothing(), malformed=[Malformed(1, "ragged", ",")]),
        chunk(right, 2),
        chunk(nothing(), 3, [Malformed(3, "ragged", ";")]),
    ]
    # When
    found = check(FULL, *broken, fences={"n": (0.0, 1.0)})
    # Then
    assert found.counts == RowCounts(read=3, accepted=1, rejected=2)
    assert found.codes == {1: ["ragged"], 3: ["ragged"]}


def test_a_chunk_of_nothing_at_all_leaves_nothing() -> None:
    found = check(FULL, nothing())
    assert (found.counts, found.findings) == (RowCounts(), ())
    assert found.accepted.schema.equals(processed_schema(FULL))


def test_a_file_whose_rows_are_all_rejected_leaves_its_quarantine() -> None:
    found = check(spec({"a": {"type": "number"}}), {"a": ["x"] * 300, "y": ["1"] * 300})
    assert found.counts == RowCounts(read=300, rejected=300)
    assert found.findings == (Finding("type", "reject", 300, "a", ("x",)),)


# --- against a plain reading of the rules


CELLS = {
    "n": ["1", "5", "-3", "11", "1e1", "bad", "", None, " 5 "],
    "i": ["0", "3", "4", "2.0", "2.5", "-7", "99", None],
    "c": ["a", "b", "z", "zz", None, "NA"],
    "y": ["1", "0", "true", "2", None],
}
PARSED: dict[str, dict[str | None, Any]] = {
    "n": {"1": 1.0, "5": 5.0, "-3": -3.0, "11": 11.0, "1e1": 10.0, " 5 ": 5.0},
    "i": {"0": 0, "3": 3, "4": 4, "2.0": 2, "-7": -7, "99": 99},
    "c": {"a": "a", "b": "b", "z": "z", "zz": "zz"},
    "y": {"1": True, "0": False, "true": True},
}


def actions(check_: str) -> st.SearchStrategy[str]:
    return st.sampled_from(
        [a for a in ("reject", "clip", "drop", "flag", "fail") if a not in IMPOSSIBLE_ACTIONS.get(check_, ())]
    )  # type: ignore[call-overload]


specs = st.builds(
    lambda n, i, c, y, condition, rule, duplicates, unique: spec(
        {
            "n": {"type": "number", "range": [0, 10], "actions": {"type": n[0], "range": n[1]}},
            "i": {"type": "integer", "range": [1.5, 3.5], "actions": {"type": i[0], "range": i[1]}},
            "c": {
                "type": "category", "values": ["a", "b"], "length": 1, "unique": unique is not None,
                "actions": {"values": c[0], "length": c[1]} | ({"unique": unique} if unique else {}),
            },
        }
        | {"y": {"type": "boolean", "actions": {"type": y}}},
        rules=[{"name": "rule", "check": "n <= i", "action": rule}],
        quality={"duplicates": duplicates},
        **({"filter": condition} if condition else {}),
    ),
    st.tuples(actions("type"), actions("range")),
    st.tuples(actions("type"), actions("range")),
    st.tuples(actions("values"), actions("length")),
    actions("type"),
    st.none() | st.sampled_from(["n > 2", "c == 'a' or is_missing(c)"]),
    st.sampled_from(["reject", "flag", "fail"]),
    st.sampled_from(["reject", "flag", "keep"]),
    st.none() | actions("unique"),
)  # fmt: skip


class Plain:
    """The rules as they stand in the spec, one row after the other."""

    def __init__(self, of: ModelSpec) -> None:
        self.of = of
        self.accepted: list[dict[str, Any]] = []
        self.codes: dict[int, list[str]] = {}
        self.filtered = self.changed = 0
        self.found: Counter[tuple[str, str, str | None]] = Counter()
        self.seen: dict[str, set[Any]] = {"c": set(), "row": set()}

    def row(self, number: int, cells: dict[str, str | None]) -> None:
        of = self.of
        row = {name: PARSED[name].get(cell) for name, cell in cells.items()}
        if of.filter and not (
            row["n"] is not None and row["n"] > 2 if of.filter == "n > 2" else row["c"] in ("a", None)
        ):
            self.filtered += 1
            return
        self.reasons, self.flags, self.is_changed = list[str](), list[str](), False
        for name in (each for each in of.columns if each in cells):
            column, cell = of.columns[name], cells[name]
            if row[name] is None and cell not in (None, "", "NA"):
                self.act("type", column.action("type"), name, row)
            if name in ("n", "i") and row[name] is not None:
                low, high = (0, 10) if name == "n" else (2, 3)
                if not low <= row[name] <= high:
                    self.act("range", column.action("range"), name, row, min(max(row[name], low), high))
            if name == "c" and row[name] not in (None, "a", "b"):
                self.act("values", column.action("values"), name, row)
            if name == "c" and row[name] is not None and len(row[name]) > 1:
                self.act("length", column.action("length"), name, row, row[name][:1])
        if row["n"] is not None and row["i"] is not None and not row["n"] <= row["i"]:
            self.act("rule", of.rules[0].action, None, row)
        if of.columns["c"].unique and row["c"] is not None and not self.reasons:
            if row["c"] in self.seen["c"]:
                self.act("unique", of.columns["c"].action("unique"), "c", row)
            self.seen["c"].add(row["c"])
        if of.quality.duplicates != "keep" and not self.reasons:
            whole = tuple(cells[name] for name in CELLS)
            if whole in self.seen["row"]:
                self.act("duplicate", of.quality.duplicates, None, row)
            self.seen["row"].add(whole)
        if self.reasons:
            self.codes[number] = self.reasons
        else:
            self.changed += self.is_changed
            self.accepted.append({"_gyre_row": number, "_gyre_flags": ",".join(self.flags) or None, **row})

    def act(self, code: str, action: str, name: str | None, row: dict[str, Any], nearest: Any = None) -> None:
        self.found[code, action, name] += 1
        told = f"{code}:{name}" if name else code
        if action in ("reject", "fail"):
            self.reasons.append(told)
        elif action == "flag":
            self.flags.append(told)
        elif name:
            row[name] = nearest if action == "clip" else None
            self.is_changed = True


@settings(max_examples=100, deadline=None)
@given(
    specs,
    st.lists(st.fixed_dictionaries({name: st.sampled_from(cells) for name, cells in CELLS.items()}), max_size=25),
    st.lists(st.integers(0, 25), max_size=3),
)
def test_all_checks_together_do_what_they_say_one_by_one(
    of: ModelSpec, rows: list[dict[str, str | None]], cuts: list[int]
) -> None:
    # Given
    plain = Plain(of)
    for number, cells in enumerate(rows, 1):
        plain.row(number, cells)
    # When the same rows come in chunks
    edges = [0, *sorted(min(cut, len(rows)) for cut in cuts), len(rows)]
    pieces = [rows[a:b] for a, b in pairwise(edges)]
    found = check(of, *({name: [row[name] for row in piece] for name in CELLS} for piece in pieces))
    # Then
    wanted = ["_gyre_row", "_gyre_flags", *CELLS]
    assert found.accepted.select(wanted).to_pylist() == plain.accepted
    assert found.codes == plain.codes
    assert (found.counts.filtered, found.counts.changed) == (plain.filtered, plain.changed)
    assert found.told == {(code, action, count, name) for (code, action, name), count in plain.found.items()}
    assert {each.code for each in found.failing} == {code for code, action, _ in plain.found if action == "fail"}
