"""What must agree across the sections of model.yaml: each rule broken alone, and kept."""

import pytest

from gyre.spec.check import check, read_spec
from tests.unit.spec.texts import SMALL, places, told, with_column


def swapped(*pairs: tuple[str, str]) -> str:
    text = SMALL
    for old, new in pairs:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


# --- what follows from a spec -----------------------------------------------------------------------------------------


def test_the_model_sees_columns_in_the_order_of_the_file_and_then_derived_ones() -> None:
    text = with_column(type="text", personal="true") + "derived: {per_year: {ratio: [income, age]}}\ntime: applied\n"
    assert read_spec(text).features == ("income", "age", "purpose", "letter", "member", "per_year")


def test_target_id_time_group_personal_and_declined_columns_are_no_features() -> None:
    text = swapped(("letter: {type: text}", "letter: {type: text, feature: false}"))
    text += "id: age\ntime: applied\ngroup: purpose\n"
    text += "derived: {known: {formula: not is_missing(repaid), feature: false}}\n"
    assert read_spec(text).features == ("income", "member")


def test_what_each_column_is_in_an_expression() -> None:
    assert read_spec(SMALL).kinds == {
        "income": "number", "age": "number", "purpose": "text", "letter": "text", "applied": "time", "member": "truth",
        "repaid": "truth",
    }  # fmt: skip


def test_the_columns_a_derived_feature_comes_from() -> None:
    text = "derived:\n  a: {formula: income / `age` + 1}\n  b: {ratio: [age, income]}\n  c: {bin: age, edges: [18]}\n"
    spec = read_spec(SMALL + text)
    found = {name: spec.inputs_of(derived) for name, derived in spec.derived.items()}
    assert found == {"a": {"income", "age"}, "b": {"income", "age"}, "c": {"age"}}


def test_a_spec_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        read_spec(SMALL).model = "other"  # type: ignore[misc]


@pytest.mark.parametrize("name", ["a", "a-b_c9", "x" * 63])
def test_names_of_models(name: str) -> None:
    assert read_spec(SMALL.replace("loans", name)).model == name


@pytest.mark.parametrize("name", ["Loans", "9a", "-a", "a b", "a/b", "a.b", "ä", "x" * 64, '"a\\n"', '""'])
def test_names_that_are_none(name: str) -> None:
    assert places(SMALL.replace("loans", name)) == [(1, 1, "model")]


# --- columns that are named -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["id", "time", "group"])
def test_a_named_column_is_declared(key: str) -> None:
    assert told(f"{SMALL}{key}: nowhere\n") == [(key, "'nowhere' is not among `columns`")]


def test_the_target_is_declared() -> None:
    assert told(swapped(("target: repaid", "target: paid"))) == [("target", "'paid' is not among `columns`")]


def test_thresholds_are_for_columns_or_derived_features() -> None:
    text = SMALL + "derived: {rich: {formula: income > 1}}\nmonitoring: {thresholds: {rich: 1, age: 1, nowhere: 1}}\n"
    assert told(text) == [("monitoring.thresholds.nowhere", "'nowhere' is not among `columns` or `derived`")]


# --- the target -------------------------------------------------------------------------------------------------------

TARGETS = {
    "binary": {"category", "boolean", "integer"},
    "multiclass": {"category", "integer"},
    "regression": {"number", "integer"},
}


@pytest.mark.parametrize("kind", ["number", "integer", "category", "text", "boolean", "time"])
@pytest.mark.parametrize("task", TARGETS)
def test_what_a_target_may_hold(task: str, kind: str) -> None:
    found = told(swapped(("binary", task), ("repaid: {type: boolean}", f"repaid: {{type: {kind}}}")))
    assert [field for field, _ in found] == ([] if kind in TARGETS[task] else ["columns.repaid.type"])
    assert all(f"the target of a {task} must be" in message for _, message in found)


def test_a_target_is_no_group() -> None:
    found = told(swapped(("repaid: {type: boolean}", "repaid: {type: boolean, protected: true}")))
    assert found == [
        ("columns.repaid.protected", "what is predicted is no group: fairness is about who is told what")
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("task", "values", "says"),
    [
        ("binary", "[a]", "a binary target has two values, and 1 are given"),
        ("binary", "[a, b]", None),
        ("binary", "[a, b, c]", "a binary target has two values, and 3 are given"),
        ("multiclass", "[a, b]", "a target of fewer than three values is `task: binary`"),
        ("multiclass", "[a, b, c]", None),
    ],
)
def test_how_many_values_a_target_has(task: str, values: str, says: str | None) -> None:
    text = swapped(("binary", task), ("repaid: {type: boolean}", f"repaid: {{type: category, values: {values}}}"))
    assert told(text) == ([] if says is None else [("columns.repaid.values", says)])


def test_the_target_is_not_personal() -> None:
    ((field, message),) = told(swapped(("repaid: {type: boolean}", "repaid: {type: boolean, personal: true}")))
    assert (field, message[:34]) == ("columns.repaid.personal", "what is predicted cannot be person")


def test_something_is_left_to_learn_from() -> None:
    text = "model: m\ntask: binary\ntarget: y\nid: x\ncolumns:\n  x: {type: text}\n  y: {type: boolean}\n"
    assert told(text) == [("columns", "no column is left as a feature: the model would see nothing")]
    assert told(text + "derived: {z: {formula: length(x)}}\n") == []


# --- time -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("column", ["applied", "income", "age"])
def test_time_is_a_time_or_a_number(column: str) -> None:
    assert told(f"{SMALL}time: {column}\nsplit: {{by: time}}\n") == []


@pytest.mark.parametrize(("column", "kind"), [("letter", "text"), ("purpose", "category"), ("member", "boolean")])
def test_nothing_else_is_time(column: str, kind: str) -> None:
    assert told(f"{SMALL}time: {column}\n") == [
        ("time", f"'{column}' is of type {kind}: it must be time or a number"),
    ]


def test_a_split_by_time_needs_one() -> None:
    ((field, message),) = told(SMALL + "split: {by: time}\n")
    assert field == "split.by"
    assert message.startswith("a split by time needs `time`")


# --- derived features, filter and rules -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("derived", "field", "says"),
    [
        ("age: {formula: income}", "derived.age", "'age' is a column already"),
        ("x: {formula: letter}", "derived.x.formula", "it computes a text, and a number or something true or false"),
        ("x: {formula: applied}", "derived.x.formula", "it computes a time"),
        ("x: {formula: income +}", "derived.x.formula", "is not an expression"),
        ("x: {formula: nowhere + 1}", "derived.x.formula", "'nowhere' is not a declared column"),
        ("x: {ratio: [income, letter]}", "derived.x.ratio[1]", "'letter' is not a number column"),
        ("x: {ratio: [nowhere, income]}", "derived.x.ratio[0]", "'nowhere' is not a number column"),
        ("x: {ratio: [member, income]}", "derived.x.ratio[0]", "'member' is not a number column"),
        ("x: {bin: purpose, edges: [1]}", "derived.x.bin", "'purpose' is not a number column"),
        ("x: {bin: '', edges: [1]}", "derived.x.bin", "'' is not a number column"),
        ("x: {formula: repaid + 1}", "derived.x", "it would tell the model the target 'repaid'"),
        ("x: {formula: is_missing(repaid)}", "derived.x", "it would tell the model the target 'repaid'"),
    ],
)
def test_a_derived_feature_that_does_not_go(derived: str, field: str, says: str) -> None:
    ((found, message),) = told(f"{SMALL}derived: {{{derived}}}\n")
    assert found == field
    assert says in message


def test_a_derived_feature_comes_from_columns_alone() -> None:
    text = SMALL + "derived: {x: {formula: income * 2}, y: {formula: x + 1}, z: {ratio: [x, age]}}\n"
    assert [field for field, _ in told(text)] == ["derived.y.formula", "derived.z.ratio[0]"]


def test_a_ratio_over_the_target_of_a_regression_tells_it() -> None:
    text = swapped(("binary", "regression"), ("repaid: {type: boolean}", "repaid: {type: number}"))
    assert told(text + "derived: {x: {ratio: [repaid, income]}}\n") == [
        ("derived.x", "it would tell the model the target 'repaid'")
    ]
    assert told(text + "derived: {x: {bin: repaid, edges: [1], feature: false}}\n") == []


@pytest.mark.parametrize(
    ("line", "field"), [("filter: {}", "filter"), ("rules: [{{name: one, check: {}}}]", "rules[0].check")]
)
@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("income > 1 and repaid", None),
        ("income", "it computes a number, and something true or false is needed"),
        ("letter", "it computes a text, and something true or false is needed"),
        ("income >", "is not an expression"),
        ("letter > 1", "'letter' is a text, and a number is needed there"),
        ("'x'", "it computes a text"),
    ],
)
def test_filter_and_rules_are_true_or_false(line: str, field: str, text: str, says: str | None) -> None:
    found = told(SMALL + line.format('"' + text + '"') + "\n")
    assert [each for each, _ in found] == ([] if says is None else [field])
    assert all((says or "") in message for _, message in found)


def test_a_filter_is_limited_in_length() -> None:
    ((field, message),) = told(SMALL + "filter: member" + " and member" * 20_000 + "\n")
    assert (field, message) == ("filter", "it has 220,006 characters, and 2,000 are the limit: split it")


def test_each_rule_has_its_own_name() -> None:
    rules = "rules:\n" + "".join(f"  - {{name: {name}, check: member}}\n" for name in ("a", "b", "a", "a"))
    assert places(SMALL + rules) == [(15, 6, "rules[2].name"), (16, 6, "rules[3].name")]


# --- policies ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("test", "reference", "fits"), [(0.2, 0.7, True), (0.2, 0.75, False), (0.85, 0.85, False)])
def test_something_is_left_to_train_on(test: float, reference: float, fits: bool) -> None:
    found = told(f"{SMALL}split: {{test: {test}, reference: {reference}}}\n")
    assert found == ([] if fits else [("split", "test and reference leave less than 5 % of the rows to train on")])


def test_no_more_verdicts_are_asked_for_than_are_looked_at() -> None:
    assert told(SMALL + "retrain: {verdicts: 4}\n") == [("retrain.verdicts", "4 of the last 3 can never be")]
    assert told(SMALL + "retrain: {verdicts: 4, of_last: 4}\n") == []


@pytest.mark.parametrize("metric", ["f1_macro", "accuracy", "roc_auc", "log_loss", "rmse", "mae", "r2"])
@pytest.mark.parametrize("task", ["binary", "regression"])
def test_a_metric_goes_with_the_task(task: str, metric: str) -> None:
    kind = "number" if task == "regression" else "boolean"
    text = swapped(("binary", task), ("repaid: {type: boolean}", f"repaid: {{type: {kind}}}"))
    fits = (metric in ("rmse", "mae", "r2")) == (task == "regression")
    expected = [] if fits else [("training.metric", f"{metric} is no measure of a {task}")]
    assert told(f"{text}training: {{metric: {metric}}}\n") == expected


@pytest.mark.parametrize(
    ("policy", "field"),
    [("gates: {fairness: {gap: {at_most: 0.1}}}", "gates.fairness"), ("training: {reweigh: true}", "training.reweigh")],
)
def test_fairness_needs_somebody_to_be_fair_to(policy: str, field: str) -> None:
    ((found, message),) = told(f"{SMALL}{policy}\n")
    assert found == field
    assert "no column is `protected: true`" in message
    assert told(with_column(type="category", protected="true") + policy) == []


def test_hyper_parameters_are_for_estimators_that_compete() -> None:
    text = SMALL + "training: {estimators: [linear], space: {linear: {}, boosting: {}}}\n"
    assert told(text) == [("training.space.boosting", "boosting is not among `training.estimators`")]


def test_names_that_a_table_cannot_hold_are_told() -> None:
    text = SPEC_OF_NAMES.replace("x:", "_gyre_row:").replace("y2:", "AGE:")
    assert [(fault.field, fault.line) for fault in check(text)[1]] == [("columns._gyre_row", 5), ("columns.AGE", 7)]


SPEC_OF_NAMES = """\
model: m
task: binary
target: y
columns:
  x: {type: number}
  age: {type: number}
  y2: {type: number}
  y: {type: boolean}
"""


def test_what_says_nothing_of_rows_makes_no_other_rows() -> None:
    """Given a spec, when only what concerns people or models changes, then its data is the same; else it is not."""

    def digest(text: str) -> str:
        spec, faults = check(text)
        assert spec is not None and not faults
        return spec.data_digest

    before = digest(SPEC_OF_NAMES)
    assert (
        digest(SPEC_OF_NAMES.replace("x: {type: number}", "x: {type: number, description: d, feature: false}"))
        == before
    )
    assert digest(SPEC_OF_NAMES + "gates: {bundle_mb: 5}\n") == before
    assert digest(SPEC_OF_NAMES.replace("x: {type: number}", "x: {type: number, range: [0, 1]}")) != before
    assert digest(SPEC_OF_NAMES + "rules: [{name: r, check: x < 1}]\n") != before
