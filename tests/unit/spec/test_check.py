"""From text to a spec, or to all faults at once, each where it stands and none that is not there."""

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gyre.errors import Invalid
from gyre.spec.check import MOST_FAULTS, check, read_spec
from tests.unit.spec.texts import RIGHT, SMALL, VALUES, faults, paths, places, replaced, told, with_column


def test_a_right_file_is_a_spec_without_faults() -> None:
    spec, found = check(SMALL)
    assert found == []
    assert spec is not None
    assert (spec.model, spec.task, spec.target, len(spec.columns)) == ("loans", "binary", "repaid", 7)
    assert read_spec(SMALL.encode()) == spec


def test_what_was_wrong_is_told_in_words_and_as_facts() -> None:
    with pytest.raises(Invalid) as caught:
        read_spec(SMALL + "quality: {rejected: 2}\nowner: 5\n")
    assert caught.value.message == (
        "model.yaml has 2 faults:\n"
        "line 12, column 11: quality.rejected: must be less than or equal to 1, and not 2\n"
        "line 13, column 1: owner: must be text (in quotes), and not 5"
    )
    assert caught.value.details[1] == {
        "field": "owner", "message": "must be text (in quotes), and not 5", "line": 13, "column": 1,
    }  # fmt: skip
    json.dumps(caught.value.details)


def test_one_fault_is_told_as_one() -> None:
    with pytest.raises(Invalid, match=r"^model.yaml has one fault:\nthe file is empty$"):
        read_spec("")


@pytest.mark.parametrize("text", ["[]", "5", "text", "--- ~", "- model: a"])
def test_what_is_no_list_of_keys_is_told_how_to_begin(text: str) -> None:
    ((field, message),) = told(text)
    assert field == ""
    assert "`model: <name>`" in message


def test_nothing_but_missing_keys() -> None:
    needed = ("model", "task", "target", "columns")
    assert told("{}") == [(field, "is needed here, and is missing") for field in needed]


# --- one fault of each kind -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "column", "field", "says"),
    [
        ("trainng: {}", 1, "trainng", "there is no such key here"),
        ("split: {tset: 0.2}", 9, "split.tset", "there is no such key here"),
        ("quality: {rejected: many}", 11, "quality.rejected", 'must be a number, and not "many"'),
        ("quality: {rejected: true}", 11, "quality.rejected", "must be a number, and not true"),
        ("quality: {rejected: '0.2'}", 11, "quality.rejected", 'must be a number, and not "0.2"'),
        ("quality: {rejected: 1e999}", 11, "quality.rejected", "must be a finite number, and not Infinity"),
        ("quality: {minimum_rows: true}", 11, "quality.minimum_rows", "must be a whole number, and not true"),
        ("quality: {minimum_rows: 1.5}", 11, "quality.minimum_rows", "must be a whole number, and not 1.5"),
        ("quality: {minimum_rows: 0}", 11, "quality.minimum_rows", "must be greater than or equal to 1, and not 0"),
        ("training: {reweigh: no}", 12, "training.reweigh", 'must be true or false, and not "no"'),
        ("training: {reweigh: 0}", 12, "training.reweigh", "must be true or false, and not 0"),
        ("training:", 1, "training", "must be keys and values, and nothing stands there"),
        ("training: [1]", 1, "training", "must be keys and values"),
        ("training: {estimators: linear}", 12, "training.estimators", 'must be a list, and not "linear"'),
        ("training: {estimators: []}", 12, "training.estimators", "has too few entries: 1 or more are needed"),
        ("training: {estimators: [linear, magic]}", 33, "training.estimators[1]", 'and not "magic"'),
        ("training: {space: {linear: {C: 5}}}", 29, "training.space.linear.C", "must be a list, and not 5"),
        ("training: {space: {linear: {C: [1, [2]]}}}", 36, "training.space.linear.C[1]", "must be a number or a whole"),
        ("training: {space: {magic: {}}}", 20, "training.space.magic", 'must be \'linear\''),
        ("split: {by: size}", 9, "split.by", "must be 'stratified', 'random' or 'time', and not \"size\""),
        ("owner: 5", 1, "owner", "must be text (in quotes), and not 5"),
        ("owner:", 1, "owner", "must be text (in quotes), and nothing stands there"),
        ("id: 'a`b'", 1, "id", "cannot be a name here"),
        ("monitoring: {thresholds: {'a`b': 1}}", 27, "monitoring.thresholds.a`b", "cannot be a name here"),
        ("read: {delimiter: ab}", 8, "read.delimiter", "at most 1 character"),
        ("rules: {}", 1, "rules", "must be a list"),
        ("rules: [{check: member}]", 9, "rules[0].name", "is needed here, and is missing"),
        ("rules: [{name: A, check: member}]", 10, "rules[0].name", "'A' cannot be a name here"),
    ],
)  # fmt: skip
def test_one_fault_is_one_fault_at_its_place(line: str, column: int, field: str, says: str) -> None:
    (fault,) = faults(SMALL + line)
    assert (fault.line, fault.column, fault.field) == (12, column, field)
    assert says in fault.message


@pytest.mark.parametrize(
    ("fields", "field", "says"),
    [
        ({"type": "numeric"}, "type", "must be 'number', 'integer', 'category', 'text', 'boolean' or 'time', and not"),
        ({"required": "true"}, "type", "is needed here, and is missing"),
        ({"type": "number", "range": "5"}, "range", "must be a list, and not 5"),
        ({"type": "number", "range": "[1]"}, "range[1]", "is needed here, and is missing"),
        ({"type": "number", "range": "[1, 2, 3]"}, "range", "has too many entries: 2 are the limit"),
        ({"type": "number", "range": "[1, high]"}, "range[1]", 'must be a number, and not "high"'),
        ({"type": "category", "values": "[]"}, "values", "has too few entries: 1 or more are needed"),
        ({"type": "category", "values": "[true]"}, "values[0]", "must be text (in quotes), and not true"),
        ({"type": "number", "actions": "{size: drop}"}, "actions.size", "must be 'type'"),
        ({"type": "number", "actions": "{type: mend}"}, "actions.type", "must be 'reject'"),
        (
            {"type": "number", "prepare": "{fill: true}"},
            "prepare.fill",
            "must be a number or text (in quotes), and not",
        ),
        ({"type": "number", "prepare": "{rare_below: 1}"}, "prepare.rare_below", "must be less than 1"),
    ],
)
def test_one_fault_in_a_column_is_one_fault(fields: dict[str, str], field: str, says: str) -> None:
    (fault,) = faults(with_column(**fields))
    assert (fault.line, fault.field) == (12, f"columns.extra.{field}")
    assert says in fault.message


def test_a_fault_of_a_missing_key_stands_where_it_is_missing() -> None:
    assert places(SMALL.replace("{type: text}", "{}")) == [(8, 3, "columns.letter.type")]


def test_a_column_that_is_no_column_and_its_name_that_is_none() -> None:
    assert places(SMALL.replace("letter: {type: text}", "letter: text")) == [(8, 3, "columns.letter")]
    assert places(SMALL.replace("letter: {type: text}", "'let`ter': {type: text}")) == [(8, 3, "columns.let`ter")]


def test_a_single_column_is_no_table() -> None:
    assert told("model: m\ntask: binary\ntarget: y\ncolumns: {y: {type: boolean}}\n") == [
        ("columns", "has too few entries: 2 or more are needed")
    ]


def test_numbers_among_categories_are_words() -> None:
    spec = read_spec(with_column(type="category", values="[1, -0, b, 007, '1.50']"))
    assert spec.columns["extra"].values == ("1", "0", "b", "007", "1.50")


def test_hyper_parameters_keep_their_kinds() -> None:
    spec = read_spec(SMALL + "training: {space: {linear: {C: [1, 0.5, l1, true, null, '1']}}}\n")
    assert [(type(value), value) for value in spec.training.space["linear"]["C"]] == [
        (int, 1), (float, 0.5), (str, "l1"), (bool, True), (type(None), None), (str, "1"),
    ]  # fmt: skip


# --- all at once ------------------------------------------------------------------------------------------------------


def test_faults_of_the_yaml_the_fields_and_across_sections_are_told_together_in_the_order_of_lines() -> None:
    text = """\
model: Loans
task: binary
target: repaid
columns:
  income: {type: number, range: [5, 1]}
  repaid: {type: category, values: [a, b, c], unit: coins}
  income: {type: number, range: [5, 1]}
  gone: {type: text, length: 0}
owner: 5
filter: income
derived:
  twice: {formula: income * 2, featur: true}
  word: {formula: gone + 1}
rules:
  - {name: Bad, check: income > 1}
  - {name: good, check: incom > 1}
split: {by: time, test: 3}
training: {metric: rmse, seed: -1, space: {boosting: {depth: 5}, random_forest: {}}}
gates: {fairness: {gap: {at_most: 0.1}}, latency_ms: soon}
monitoring: {thresholds: {nowhere: 1, income: -1}}
retrain: {verdicts: 5, of_last: 2}
"""
    assert places(text) == [
        (1, 1, "model"),
        (6, 28, "columns.repaid.values"),
        (6, 47, "columns.repaid.unit"),
        (7, 3, "columns.income"),
        (7, 26, "columns.income.range"),
        (8, 22, "columns.gone.length"),
        (9, 1, "owner"),
        (10, 1, "filter"),
        (12, 32, "derived.twice.featur"),
        (13, 10, "derived.word.formula"),
        (15, 6, "rules[0].name"),
        (16, 18, "rules[1].check"),
        (17, 19, "split.test"),
        (18, 12, "training.metric"),
        (18, 26, "training.seed"),
        (18, 55, "training.space.boosting.depth"),
        (18, 66, "training.space.random_forest"),
        (19, 9, "gates.fairness"),
        (19, 42, "gates.latency_ms"),
        (20, 27, "monitoring.thresholds.nowhere"),
        (20, 39, "monitoring.thresholds.income"),
        (21, 11, "retrain.verdicts"),
    ]


def test_what_a_column_is_at_odds_with_is_told_beside_its_unknown_key() -> None:
    assert places(with_column(type="number", unit="kg", values="[a]", prepare="{impute: constant}")) == [
        (12, 25, "columns.extra.unit"),
        (12, 35, "columns.extra.values"),
        (12, 58, "columns.extra.prepare.impute"),
    ]


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        # what rests on the field that is wrong is not told: it may be right
        (with_column(type="text", protected="maybe") + "gates: {fairness: {gap: {at_most: 1}}}\n", ["protected"]),
        (with_column(type="text", protected="true", size="1") + "training: {reweigh: true}\n", ["size"]),
        (with_column(type="text", protected="true", range="[1, 2]") + "training: {reweigh: true}\n", ["range"]),
        (with_column(type="number", range="[low, 2]", actions="{range: clip}"), ["range[0]"]),
        (with_column(type="category", values="[[]]", ordered="true"), ["values[0]"]),
        (with_column(type="number", prepare="{impute: constant, fill: []}"), ["prepare.fill"]),
        (with_column(type="number", required="yes", actions="{required: flag}"), ["required"]),
    ],
)
def test_in_a_column_a_fault_makes_no_others(text: str, fields: list[str]) -> None:
    assert [fault.field for fault in faults(text)] == [f"columns.extra.{field}" for field in fields]


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("time: 'a`b'\nsplit: {by: time}\n", ["time"]),
        ("split: {test: 1.5, reference: 0.8}\n", ["split.test"]),
        ("retrain: {verdicts: 0, of_last: 1}\n", ["retrain.verdicts"]),
        ("training: {estimators: [magic], space: {random_forest: {}}}\n", ["training.estimators[0]"]),
        ("derived: {a: {}}\nmonitoring: {thresholds: {a: 1}}\n", ["derived.a"]),
        ("derived: {a: {formula: 5}}\nmonitoring: {thresholds: {a: 1}}\n", ["derived.a.formula"]),
        ("derived: [a]\nmonitoring: {thresholds: {a: 1}}\n", ["derived"]),
        ("derived: {'a`b': {foo: 1}}\n", ["derived.a`b", "derived.a`b.foo"]),
        ("rules: [{name: a, check: 5}, {name: a, check: member}]\n", ["rules[0].check"]),
        ("rules: 5\nfilter: 5\nread: 5\nid: 5\n", ["rules", "filter", "read", "id"]),
        ("training: {search: {rounds: many}, space: {linear: {C: [[]]}}}\n",
         ["training.search.rounds", "training.space.linear.C[0]"]),
    ],
)  # fmt: skip
def test_a_fault_makes_no_others(text: str, fields: list[str]) -> None:
    assert [fault.field for fault in faults(SMALL + text)] == fields


def test_a_column_of_which_nothing_is_right_leaves_the_rest_in_peace() -> None:
    broken = SMALL.replace("{type: number}", "{type: numeric}") + "filter: income > 1\n"
    assert [fault.field for fault in faults(broken)] == ["columns.income.type"]


def test_keys_that_look_like_pydantics_own_marks() -> None:
    assert places('"[key]": 1\n' + SMALL) == [(1, 1, "[key]")]
    assert places(SMALL + '  "[key]": 5\n') == [(12, 3, "columns.[key]")]
    assert places(SMALL + 'training: {"[key]": 5}\n') == [(12, 12, "training.[key]")]


def test_a_spec_may_come_with_faults_of_the_yaml_and_is_then_refused() -> None:
    spec, found = check(SMALL + "owner: me\nowner: you\n")
    assert spec is not None
    assert [(fault.line, fault.message) for fault in found] == [(13, "this key stands here twice")]
    with pytest.raises(Invalid):
        read_spec(SMALL + "owner: me\nowner: you\n")


def test_a_hundred_faults_are_told_and_the_rest_counted() -> None:
    found = faults(SMALL + "training: {space: {linear: {C: [" + "[]," * 1_234 + "]}}}\n")
    assert len(found) == MOST_FAULTS + 1
    assert found[-1].message == "… and 1,134 more"


@pytest.mark.parametrize(
    "text",
    [
        with_column(type="category", values="[" + "x," * 30_000 + "]"),
        with_column(type="category", values="[" + ",".join(f"v{n}" for n in range(30_000)) + ", v29999]"),
        SMALL + "rules:\n" + "- {name: a, check: member}\n" * 8_000,
        SMALL + "".join(f"  c{n}: {{type: category, values: []}}\n" for n in range(4_000)),
        SMALL + "derived:\n" + "".join(f"  d{n}: {{formula: x}}\n" for n in range(4_000)) + "  e: {foo: 1}\n",
    ],
    ids=["one category", "a late double", "rules", "columns", "derived"],
)
def test_the_largest_files_are_checked_in_seconds(text: str) -> None:
    started = time.monotonic()
    assert faults(text)
    assert time.monotonic() - started < 10


# --- whatever comes ---------------------------------------------------------------------------------------------------

KEYS = ["model", "task", "target", "id", "time", "columns", "derived", "filter", "rules", "split", "training", "gates",
        "monitoring", "retrain", "type", "values", "range", "actions", "formula", "bin", "edges", "space", "estimators",
        "thresholds", "protected", "by", "name", "check", "[key]", "float", "x", "0"]  # fmt: skip
TREES = st.recursive(
    st.sampled_from(VALUES),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=8,
)


def test_the_spec_that_is_made_wrong_is_right() -> None:
    assert told(json.dumps(RIGHT)) == []


@given(TREES)
def test_any_document_is_a_spec_or_has_faults(tree: Any) -> None:
    spec, found = check(json.dumps(tree))
    assert (spec is None) == bool(found)


@given(st.sampled_from(paths(RIGHT)), TREES)
def test_a_changed_value_makes_a_spec_or_faults_with_places(path: tuple[Any, ...], tree: Any) -> None:
    spec, found = check(json.dumps(replaced(RIGHT, path, tree)))
    assert (spec is None) == bool(found)
    assert all(fault.line == 1 and fault.column for fault in found)


@given(st.lists(st.tuples(st.sampled_from(paths(RIGHT)), TREES), min_size=2, max_size=4))
def test_several_wrong_values_never_break_the_checker(changes: list[tuple[tuple[Any, ...], Any]]) -> None:
    changed: Any = RIGHT
    for path, tree in changes:
        if path in paths(changed):
            changed = replaced(changed, path, tree)
    spec, found = check(json.dumps(changed))
    assert (spec is None) == bool(found)
    assert len({(fault.field, fault.message) for fault in found}) == len(found)


@pytest.mark.parametrize("path", [path for path in paths(RIGHT) if path], ids=str)
def test_one_impossible_value_makes_faults_in_its_own_section_alone(path: tuple[Any, ...]) -> None:
    """A list within a list is right nowhere; what rests on the field must not be told for it."""
    fields = [fault.field for fault in faults(json.dumps(replaced(RIGHT, path, [[]])))]
    assert fields
    assert {field.partition(".")[0].partition("[")[0] for field in fields} == {path[0]}
