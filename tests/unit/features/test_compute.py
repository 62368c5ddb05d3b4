import warnings
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gyre.features import compute
from gyre.features.compute import derive, evaluate
from gyre.spec.expression import FUNCTIONS, ExpressionError, kind_of, parse
from tests.unit.features.parts import spec
from tests.unit.features.reference import Value, evaluate_row

KINDS = {"a": "number", "b": "number", "odd name": "number", "yes": "truth", "no": "truth", "word": "text", "s": "text",
         "when": "time"}  # fmt: skip
patient = settings(max_examples=200, deadline=None)  # a busy machine is slow now and then
NAN = float("nan")


def as_columns(rows: Sequence[Mapping[str, Value]]) -> dict[str, np.ndarray]:
    columns: dict[str, np.ndarray] = {}
    for name, kind in KINDS.items():
        values = [row[name] for row in rows]
        if kind == "text":
            columns[name] = np.array([*values, None], dtype=object)[:-1]
        elif kind == "time":
            bare = [
                np.datetime64("NaT", "us") if v is None else np.datetime64(v.replace(tzinfo=None), "us") for v in values
            ]
            columns[name] = np.array(bare, dtype="M8[us]")
        else:
            columns[name] = np.array([np.nan if v is None else v for v in values], dtype=np.float64)
    return columns


def computed(text: str, **columns: object) -> list[float]:
    return evaluate(parse(text), {name: np.asarray(values) for name, values in columns.items()}).tolist()


# Numbers that add, multiply and compare exactly, so that two ways of computing cannot differ in the last digit.
NUMBERS = st.none() | st.integers(-40, 40).map(lambda n: n / 4) | st.sampled_from([1e300, -1e300, 0.0, -0.0])
ROW = st.fixed_dictionaries(
    {
        "a": NUMBERS,
        "b": NUMBERS,
        "odd name": NUMBERS,
        "yes": st.sampled_from([None, 0.0, 1.0]),
        "no": st.sampled_from([None, 0.0, 1.0]),
        "word": st.sampled_from([None, "", "red", "two words", " a  b\tc\n", "größe", "\N{NO-BREAK SPACE}x"]),
        "s": st.sampled_from([None, "", "red", "blue"]),
        "when": st.none() | st.datetimes(datetime(1700, 1, 1), datetime(2200, 1, 1)),  # noqa: DTZ001  # UTC, as columns are
    }
)  # fmt: skip
LITERALS = st.sampled_from(["0", "1", "2", "0.5", "-3", "10", "1e308", "True"])


def _deeper(
    numbers: st.SearchStrategy[str], truths: st.SearchStrategy[str]
) -> tuple[st.SearchStrategy[str], st.SearchStrategy[str]]:
    """Expressions one level deeper than these."""
    texts = st.sampled_from(["word", "s", "'red'", "''"])
    orders, equals = st.sampled_from(["<", "<=", ">", ">="]), st.sampled_from(["==", "!="])
    number = st.one_of(
        numbers,
        truths,
        st.builds("({} {} {})".format, numbers, st.sampled_from(["+", "-", "*", "/", "%"]), numbers),
        st.builds("(-{})".format, numbers),
        st.builds("{}({})".format, st.sampled_from(["abs", "round", "floor", "sqrt"]), numbers),
        st.builds("{}({}, {})".format, st.sampled_from(["min", "max"]), numbers, numbers),
        st.builds("{}({})".format, st.sampled_from(["words", "length"]), texts),
        st.builds("{}(when)".format, st.sampled_from(["year", "month", "day", "weekday", "hour"])),
    )
    truth = st.one_of(
        truths,
        st.builds("({} {} {})".format, numbers, orders | equals, numbers),
        st.builds("({} {} {} {} {})".format, numbers, orders, numbers, orders | equals, numbers),
        st.builds("({} {} {})".format, texts, equals, texts),
        st.builds("({} {} ['red', '', 'odd'])".format, texts, st.sampled_from(["in", "not in"])),
        st.builds("({} {} [1, 2, 0.5])".format, numbers, st.sampled_from(["in", "not in"])),
        st.builds("({} {} {})".format, truths, st.sampled_from(["and", "or"]), truths),
        st.builds("({} or {} and {})".format, truths, truths, truths),
        st.builds("(not {})".format, truths),
        st.builds("is_missing({})".format, numbers | texts | truths | st.just("when")),
    )
    return number, truth


LEAVES = (LITERALS | st.sampled_from(["a", "b", "`odd name`", "yes"]), st.sampled_from(["yes", "no", "True", "False"]))
EXACT, TRUTHS = _deeper(*_deeper(*_deeper(*LEAVES)))
INEXACT = st.one_of(
    st.builds("{}({})".format, st.sampled_from(["log", "log1p", "exp"]), EXACT),
    st.builds("({}) ** ({})".format, EXACT, EXACT),
)


def _same(text: str, rows: list[dict[str, Value]], relative: float) -> None:
    expression = parse(text)
    kind_of(expression, KINDS)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = evaluate(expression, as_columns(rows))
    assert found.dtype == np.float64 and found.shape == (len(rows),) and not np.isinf(found).any()
    expected = [evaluate_row(expression, row) for row in rows]
    np.testing.assert_allclose(found, [NAN if each is None else each for each in expected], rtol=relative, err_msg=text)


@patient
@given(EXACT | TRUTHS, st.lists(ROW, min_size=1, max_size=6))
def test_columns_compute_what_rows_one_by_one_do(text: str, rows: list[dict[str, Value]]) -> None:
    _same(text, rows, 0)


@patient
@given(INEXACT, st.lists(ROW, min_size=1, max_size=6))
def test_so_do_functions_whose_last_digit_is_the_librarys(text: str, rows: list[dict[str, Value]]) -> None:
    _same(text, rows, 1e-9)


@patient
@given(TRUTHS, st.lists(ROW, max_size=4))
def test_a_truth_is_one_or_zero_or_unknown(text: str, rows: list[dict[str, Value]]) -> None:
    found = evaluate(parse(text), as_columns(rows))
    assert set(found[~np.isnan(found)]) <= {0.0, 1.0}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a / 0", [NAN, NAN]),
        ("0 ** -1", [NAN, NAN]),
        ("(-8) ** 0.5", [NAN, NAN]),
        ("a ** 0", [1, NAN]),  # one to numpy, even where nothing is known
        ("1 ** a", [1, NAN]),
        ("log(-a)", [NAN, NAN]),
        ("1e308 * 10 > 0", [NAN, NAN]),
        ("exp(1000)", [NAN, NAN]),
        ("round(a / 4)", [0, NAN]),  # 0.5: half to even
        ("a > 1 or True", [1, 1]),
        ("a > 1 and False", [0, 0]),
        ("a > 1 or False", [1, NAN]),
        ("0 < a <= 2 < 3", [1, NAN]),
        ("a in []", [0, 0]),
        ("not is_missing(a)", [1, 0]),
        ("min(a, 1)", [1, NAN]),
        ("7", [7, 7]),
        ("-7 % 3", [2, 2]),
        ("t == 'x'", [1, NAN]),
        ("t in ['y', 'x'] and a != 3", [1, NAN]),
        ("words(t) + length('ab c')", [5, NAN]),
    ],
)
def test_what_cannot_be_told_is_missing(text: str, expected: list[float]) -> None:
    found = computed(text, a=[2.0, np.nan], t=np.array(["x", None], dtype=object))
    np.testing.assert_array_equal(found, expected)


def test_times_are_read_in_utc() -> None:
    monday_morning = datetime(2026, 11, 23, 4, 59, tzinfo=UTC)
    assert computed(
        "year(t) * 1000000 + month(t) * 10000 + day(t) * 100 + hour(t) + weekday(t)",
        t=np.array([monday_morning.replace(tzinfo=None), None], dtype="M8[us]"),
    ) == [2026112304, pytest.approx(NAN, nan_ok=True)]


def test_infinity_in_a_column_is_missing_and_its_column_stays_as_it_is() -> None:
    values = np.array([np.inf, 1.0])
    np.testing.assert_array_equal(computed("a", a=values), [NAN, 1])
    evaluate(parse("a"), {"a": values})[:] = 5
    assert values.tolist() == [np.inf, 1.0]


def test_every_function_of_the_spec_can_be_computed() -> None:
    assert set(compute._FUNCTIONS) == set(FUNCTIONS)


def test_the_deepest_expression_a_spec_may_hold_is_computed() -> None:
    deepest = "abs(" * 98 + "a" + ")" * 98
    with pytest.raises(ExpressionError):
        parse(f"abs({deepest})")
    assert computed(deepest, a=[-1.5]) == [1.5]


def test_derived_features_in_the_order_of_the_file() -> None:
    # Given one of each kind, one of which the model never sees
    declared = spec(
        "age: {type: number}, pay: {type: number}",
        derived="""
          young: {bin: age, edges: [18, 65], feature: false}
          per_year: {ratio: [pay, age]}
          named: {bin: age, edges: [0.5], labels: [low, high]}
          rich: {formula: "pay > 100"}
        """,
    )
    # When they are derived
    found = derive(
        declared, {"age": np.array([0, 17.9, 18, 65, np.nan, np.inf]), "pay": np.array([10, 179, 36, np.nan, 7, 200])}
    )
    # Then a value on an edge belongs above it, and what cannot be told is missing
    assert list(found) == ["young", "per_year", "named", "rich"]
    assert found["young"].tolist() == ["<18", "<18", "18-65", ">=65", None, None]
    np.testing.assert_array_equal(found["per_year"], [NAN, 10, 2, NAN, NAN, NAN])
    assert found["named"].tolist() == ["low", "high", "high", "high", None, None]
    np.testing.assert_array_equal(found["rich"], [0, 1, 0, NAN, 0, 1])
