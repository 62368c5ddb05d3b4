"""What must agree within a column and within a derived feature."""

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gyre.spec.base import Disagreement
from gyre.spec.check import read_spec
from gyre.spec.columns import DEFAULT_ACTIONS, Action, Check, Column, ColumnType, Derived
from tests.unit.spec.texts import SMALL, places, told, with_column

# What a column needs so that the check is made at all.
GIVEN: dict[Check, dict[str, str]] = {
    "type": {"type": "number"},
    "required": {"type": "number", "required": "true"},
    "range": {"type": "number", "range": "[1, 2]"},
    "values": {"type": "category", "values": "[a]"},
    "length": {"type": "text", "length": "5"},
    "unique": {"type": "number", "unique": "true"},
    "outliers": {"type": "number", "outliers": "3"},
}
NUMERIC = {"number", "integer"}
TYPES: dict[str, set[str]] = {
    "range": NUMERIC, "outliers": NUMERIC, "values": {"category"}, "length": {"text", "category"},
}  # fmt: skip
POINTLESS = {
    ("type", "clip"), ("type", "flag"), ("required", "clip"), ("required", "drop"), ("values", "clip"),
    ("unique", "clip"), ("unique", "drop"),
}  # fmt: skip


def in_column(**fields: str) -> list[tuple[str, str]]:
    """What is wrong, by field below the column."""
    found = told(with_column(**fields))
    assert all(field.startswith("columns.extra") for field, _ in found), found
    return [(field.removeprefix("columns.extra").lstrip("."), message) for field, message in found]


# --- columns ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", get_args(ColumnType))
@pytest.mark.parametrize("check", TYPES)
def test_which_checks_go_with_which_types(check: Check, kind: str) -> None:
    fields = GIVEN[check] | {"type": kind}
    found = in_column(**fields)
    assert [field for field, _ in found] == ([] if kind in TYPES[check] else [check])
    assert all(f"and this is a {kind}" in message for _, message in found)


@pytest.mark.parametrize("action", get_args(Action))
@pytest.mark.parametrize("check", get_args(Check))
def test_which_actions_make_sense_for_which_checks(check: Check, action: Action) -> None:
    found = in_column(**GIVEN[check], actions=f"{{{check}: {action}}}")
    wrong = [(f"actions.{check}", f"{action} makes no sense for the check {check}")]
    assert found == (wrong if (check, action) in POINTLESS else [])


@pytest.mark.parametrize("check", [check for check in get_args(Check) if check != "type"])
def test_an_action_is_for_a_check_that_is_made(check: Check) -> None:
    fields = {"type": GIVEN[check]["type"], "actions": f"{{{check}: reject}}"}
    assert in_column(**fields) == [(f"actions.{check}", f"this column does not check {check}")]


def test_every_column_checks_its_type() -> None:
    assert in_column(type="text", actions="{type: drop}") == []


def test_an_action_that_makes_no_sense_for_a_check_that_is_not_made() -> None:
    assert [field for field, _ in in_column(type="text", actions="{unique: clip}")] == ["actions.unique"] * 2


@pytest.mark.parametrize("check", ["type", "range", "outliers"])
def test_what_is_dropped_is_not_required(check: Check) -> None:
    ((field, message),) = in_column(**GIVEN[check], required="true", actions=f"{{{check}: drop}}")
    assert field == f"actions.{check}"
    assert "this column is required" in message


def test_a_column_is_told_once_that_required_cannot_be_dropped() -> None:
    assert len(in_column(type="number", required="true", actions="{required: drop}")) == 1


@pytest.mark.parametrize(
    "limits", ["[1, 2]", "[1, 1]", "[null, 1]", "[1, null]", "[null, null]", "[-1.5, 1e3]", "null"]
)
def test_ranges(limits: str) -> None:
    assert in_column(type="number", range=limits) == []


@pytest.mark.parametrize(
    ("limits", "says"),
    [("[5, 1]", "begins at 5, above its end 1"), ("[0.5, 0.25]", "begins at 0.5, above its end 0.25"),
     ("[1000001, 1000000]", "begins at 1000001, above its end 1000000")],
)  # fmt: skip
def test_a_range_that_is_upside_down(limits: str, says: str) -> None:
    assert in_column(type="number", range=limits) == [("range", says)]


def test_a_value_that_is_named_twice() -> None:
    assert in_column(type="category", values="[a, b, a, 1, '1']") == [
        ("values[2]", "'a' stands here twice"), ("values[4]", "'1' stands here twice"),
    ]  # fmt: skip


def test_an_order_needs_values() -> None:
    assert in_column(type="category", ordered="true") == [("ordered", "needs `values`: they stand in their order")]
    assert in_column(type="category", ordered="true", values="[a, b]") == []


def test_a_constant_needs_one() -> None:
    ((field, message),) = in_column(type="number", prepare="{impute: constant}")
    assert (field, message) == ("prepare.impute", "constant needs `fill`: the value that stands in")
    assert in_column(type="number", prepare="{impute: constant, fill: 0}") == []
    assert in_column(type="category", prepare="{impute: constant, fill: ''}") == []


def test_all_that_a_column_is_at_odds_with_is_told_at_once() -> None:
    text = with_column(
        type="text", range="[2, 1]", values="[a, a]", ordered="true", actions="{unique: drop, length: flag}"
    )
    assert [field for _, _, field in places(text)] == [
        "columns.extra.range", "columns.extra.range", "columns.extra.values", "columns.extra.values[1]",
        "columns.extra.actions.unique", "columns.extra.actions.unique", "columns.extra.actions.length",
    ]  # fmt: skip


def test_what_happens_where_nothing_is_said() -> None:
    column = Column(type="number", range=(0, 1), actions={"range": "clip"})
    assert {check: column.action(check) for check in get_args(Check)} == {**DEFAULT_ACTIONS, "range": "clip"}
    assert set(DEFAULT_ACTIONS) == set(get_args(Check))


# --- derived features -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("derived", "found"),
    [
        ("{}", [("", "exactly one of formula, ratio and bin is needed, and there is none")]),
        ("{description: x}", [("", "exactly one of formula, ratio and bin is needed, and there is none")]),
        (
            "{formula: income, ratio: [income, age]}",
            [("", "exactly one of formula, ratio and bin is needed, and there is formula and ratio")],
        ),
        ("{bin: income}", [("bin", "`bin` and `edges` go together")]),
        ("{formula: income, edges: [1]}", [("edges", "`bin` and `edges` go together")]),
        ("{bin: income, edges: [1, 1]}", [("edges", "must rise")]),
        ("{bin: income, edges: [1, 3, 2]}", [("edges", "must rise")]),
        ("{bin: income, edges: [1], labels: [a]}",
         [("labels", "2 are needed, one more than there are edges, and there are 1")]),
        ("{bin: income, edges: [1], labels: []}",
         [("labels", "2 are needed, one more than there are edges, and there are 0")]),
        ("{formula: income, labels: [a]}", [("labels", "`labels` go with `bin` and `edges`")]),
        ("{ratio: [income, age], labels: []}", [("labels", "`labels` go with `bin` and `edges`")]),
        ("{edges: [2, 1], labels: [a]}",
         [("", "exactly one of formula, ratio and bin is needed, and there is none"),
          ("edges", "`bin` and `edges` go together"), ("edges", "must rise"),
          ("labels", "3 are needed, one more than there are edges, and there are 1")]),
        ("{bin: income, edges: [-1, 0, 2.5], labels: [a, b, 3, '4']}", []),
        ("{ratio: [income, age]}", []),
        ("{formula: income / age, feature: false}", []),
    ],
)  # fmt: skip
def test_what_a_derived_feature_must_be(derived: str, found: list[tuple[str, str]]) -> None:
    assert told(f"{SMALL}derived:\n  x: {derived}\n") == [
        (f"derived.x.{field}".removesuffix("."), message) for field, message in found
    ]


@pytest.mark.parametrize(
    ("edges", "labels"),
    [
        ("[18]", ("<18", ">=18")),
        ("[18, 65]", ("<18", "18-65", ">=65")),
        ("[-1, 0, 0.5]", ("<-1", "-1-0", "0-0.5", ">=0.5")),
        ("[1000000, 1000001]", ("<1000000", "1000000-1000001", ">=1000001")),
        ("[0.1234567, 0.1234568]", ("<0.1234567", "0.1234567-0.1234568", ">=0.1234568")),
    ],
)
def test_ranges_are_called_by_their_edges(edges: str, labels: tuple[str, ...]) -> None:
    spec = read_spec(f"{SMALL}derived: {{x: {{bin: income, edges: {edges}}}}}\n")
    assert spec.derived["x"].bin_labels() == labels


def test_ranges_are_called_as_was_said() -> None:
    derived = Derived(bin="income", edges=(1,), labels=("low", "high"))
    assert derived.bin_labels() == ("low", "high")


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=20, unique=True))
def test_no_two_ranges_have_one_name(edges: list[float]) -> None:
    derived = Derived(bin="income", edges=tuple(sorted(edges)))
    assert len(set(derived.bin_labels())) == len(edges) + 1


def test_what_is_at_odds_is_told_where_no_file_is_read_too() -> None:
    with pytest.raises(ValueError, match="must rise"):
        Derived(bin="income", edges=(2, 1))
    assert str(Disagreement([(("a",), "one"), ((), "two")])) == "one; two"
