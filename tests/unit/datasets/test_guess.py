"""What a column of texts seems to be."""

import math
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gyre.datasets.guess import Guess, guess, guess_decimal
from gyre.datasets.typed import typed
from gyre.spec.columns import Column, ColumnType
from gyre.spec.reading import Reading


def of(cells: list[str | None], name: str = "c", **reading: Any) -> Guess:
    return guess(name, pa.array(cells, pa.string()), Reading(**reading))


def words(count: int) -> list[str]:
    return [f"word {number}" for number in range(count)]


# --- types ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["1", "2", "3"], "integer"),
        (["1.0", "2.0", "3"], "integer"),
        (["-1", "+2", "0"], "integer"),
        (["1.5", "2"], "number"),
        (["1e-3", "2E5", ".5", "5."], "number"),
        (["0", "1"], "boolean"),
        (["0.0", "1.0", "1"], "boolean"),
        (["1", "1"], "integer"),
        (["0"], "integer"),
        (["yes", "no"], "boolean"),
        (["Yes", "NO", "y", "n"], "boolean"),
        (["TRUE", "false"], "boolean"),
        (["t", "f"], "boolean"),
        (["yes", "no", "maybe"], "category"),
        (["m", "f"], "category"),
        (["2024-01-31", "2024-02-01"], "time"),
        (["2024-01-31T09:00:00Z", "2024-02-01T10:00:00+02:00"], "time"),
        (["2024-01-31 09:00:00.123"], "time"),
        (["2024-13-31"], "category"),
        (["31.12.2024", "01.01.2025"], "category"),
        (["1700000000", "1700000001"], "integer"),
        (["a", "b"], "category"),
        (["1", "2", "a"], "category"),
        (["12 kg", "13 kg"], "category"),
        (["inf", "1.5"], "category"),
        (["1,234", "5"], "category"),
        # As a number it would be another one.
        (["007", "008"], "category"),
        (["01234", "98765"], "category"),
        (["12345678901234567890", "12345678901234567891"], "category"),
        (["9007199254740993", "9007199254740995"], "integer"),
        (["0.5", "0"], "number"),
    ],
)
def test_a_column_is_what_all_of_its_cells_are(cells: list[str | None], kind: ColumnType) -> None:
    assert of(cells).type == kind
    assert of([f" {cell} " for cell in cells]).type == kind
    assert of([*cells, None, "", "NA", "?", "nan"]).type == kind


def test_a_column_without_a_value_is_a_category_of_none() -> None:
    for cells in ([None, None], ["", " "], ["NA", "?", "null"]):
        found = of(cells)
        assert (found.type, found.values, found.distinct, found.missing) == ("category", None, 0, 2 + ("?" in cells))


def test_rows_and_values_are_counted() -> None:
    found = of(["a", "b", "a", None, " a ", "NA"])
    assert (found.rows, found.missing, found.distinct, found.values) == (6, 2, 2, ("a", "b"))


def test_one_value_in_two_ways_is_one() -> None:
    """Whether a value occurs twice is asked of values, and not of how they are written."""
    assert of(["1", "1.0", "2"]).distinct == 2
    assert of(["yes", "Yes", "no", "N"]).distinct == 2
    assert not of(["1", "1.0", "2"], "id").is_id


def test_fractions_are_told_from_thousands() -> None:
    assert of(["1,5", "2,25"], decimal=",").type == "number"
    assert of(["1.234,5", "12.345.678,0"], decimal=",").type == "number"
    assert of(["31.12.2024", "01.01.2025"], decimal=",").type == "category"
    assert of(["1.5", "2.25"], decimal=",").type == "category"


# --- words ------------------------------------------------------------------------------------------------------------


def test_a_list_of_categories_is_one_that_a_person_would_keep() -> None:
    assert of(words(50) * 2).values == tuple(sorted(words(50)))
    assert of(words(51) * 2).values is None


def test_what_people_write_is_text_and_names_of_things_are_not() -> None:
    letters = [f"I am letter number {number} and I liked it" for number in range(100)]
    assert of(letters).type == "text"
    assert of(letters[:10] * 10).type == "category"
    assert of([f"Street {number}" for number in range(100)]).type == "category"
    assert of([f"a b c {number}" for number in range(25)] * 10).type == "category"


@pytest.mark.parametrize(
    "name",
    ["email", "E-Mail", "customer_email", "emailAddress", "phone", "mobile", "name", "Name", "first_name", "lastName",
     "full_name", "surname", "address", "home_address", "IBAN", "ssn", "customerName"],
)  # fmt: skip
def test_a_column_may_be_personal_by_its_name(name: str) -> None:
    found = of(["x", "y"], name)
    assert found.personal
    assert found.values is None, "a list of them would stand in model.yaml"
    assert not found.can_be_target


@pytest.mark.parametrize(
    "name", ["age", "filename", "renamed", "phones_owned", "unnamed", "addressee", "city", "mails"]
)
def test_a_name_that_only_looks_like_one_is_not(name: str) -> None:
    assert not of(["x", "y"], name).personal


@pytest.mark.parametrize(
    ("cells", "personal"),
    [
        (["a@example.org", "b.c+d@sub.example.org"], True),
        (["a@example.org", None, "", "b@example.org"], True),
        (["a@example.org", "b@example.org", "unknown"], True),
        (["a@example.org", "none", "none", "none"], False),
        (["@home", "a@b", "10 @ 5 EUR"], False),
        ([None, ""], False),
    ],
)
def test_addresses_of_mail_are_personal_whatever_the_column_is_called(cells: list[str | None], personal: bool) -> None:
    assert of(cells, "contact").personal is personal


@pytest.mark.parametrize(
    ("cells", "name", "protected"),
    [
        (["f", "m", "x"], "gender", True),
        (["f", "m", "x"], "Sex", True),
        (["0", "1"], "is_disabled", True),
        (["1", "2"], "sex", True),
        (["single", "married"], "maritalStatus", True),
        (["a", "b"], "Ethnicity", True),
        (["a", "b"], "sextant", False),
        (["a", "b"], "trace", False),
        (["1.5", "2.5"], "race_time", False),
        ([str(number) for number in range(30)], "race", False),
        (["2024-01-01"], "race", False),
    ],
)
def test_groups_that_fairness_is_asked_about(cells: list[str | None], name: str, protected: bool) -> None:
    assert of(cells, name).protected is protected


# --- what names a row -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["id", "ID", "uuid", "customer_id", "customerId", "Customer-ID", "row id", "key", "guid"]
)
def test_an_id_is_called_like_one_and_never_occurs_twice(name: str) -> None:
    assert of(["1", "2", "3"], name).is_id
    assert of(["a-1", "b-2"], name).is_id
    assert not of(["1", "2", "2"], name).is_id
    assert not of(["1", "2", None], name).is_id
    assert not of(["1"], name).is_id
    assert not of(["1.5", "2.5"], name).is_id


def test_names_of_which_there_are_many_and_none_twice_are_ids_by_any_name() -> None:
    assert of([f"c-{number}" for number in range(60)], "customer").is_id
    assert not of([f"c-{number}" for number in range(50)], "customer").is_id, "so few may be categories"
    assert not of([str(number) for number in range(60)], "amount").is_id
    assert not of([str(number) for number in range(60)], "paid").is_id
    assert not of([f"I am letter number {number} and I liked it" for number in range(100)], "letter").is_id


@pytest.mark.parametrize(
    ("cells", "can"),
    [
        (["1", "2"], True),
        (["yes", "no"], True),
        (["a", "b"], True),
        (["1.5", "2.5"], True),
        (["a", "a"], False),
        ([None, None], False),
        (words(60), False),
        (["2024-01-01", "2024-01-02"], False),
        (["a", "b"] * 9 + [None] * 2, True),
        (["a", "b"] * 8 + [None] * 4, False),
    ],
)
def test_what_can_be_predicted(cells: list[str | None], can: bool) -> None:
    assert of(cells).can_be_target is can


# --- ranges -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cells", "bounds"),
    [
        (["18", "65"], (13, 70)),
        (["1.7", "4.4"], (1.4, 4.7)),
        (["0", "2"], (0, 3)),
        (["-5", "5"], (-6, 6)),
        (["5", "5"], (4, 6)),
        (["0.001", "0.002"], (0.0009, 0.0021)),
        (["1e-15", "5e-15"], (6e-16, 5.4e-15)),
        (["1000000", "2000000"], (900_000, 2_100_000)),
        (["1e200", "2e200"], (8e199, 2.1e200)),
        (["1e308", "-1e308"], (-1e308, 1e308)),
        (["5e-324", "1e-323"], (5e-324, 1e-323)),
    ],
)
def test_a_range_is_a_little_wider_than_what_was_seen(cells: list[str | None], bounds: tuple[float, float]) -> None:
    assert of(cells).range == pytest.approx(bounds, rel=1e-9, abs=0)


@pytest.mark.parametrize("cells", [["a", "b"], ["yes", "no"], ["2024-01-01"], [None]])
def test_only_numbers_have_a_range(cells: list[str | None]) -> None:
    assert of(cells).range is None


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=20))
def test_a_range_holds_everything_that_was_seen(numbers: list[float]) -> None:
    found = of([repr(number) for number in numbers])
    if found.range is None:
        assert found.type == "boolean"
        return
    low, high = found.range
    assert low <= min(numbers) and max(numbers) <= high
    assert math.isfinite(low) and math.isfinite(high)
    assert min(numbers) < 0 or low >= 0


@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=2, max_size=20))
def test_a_range_of_integers_holds_them_too(numbers: list[int]) -> None:
    found = of([str(number) for number in numbers])
    if found.range is not None:
        values = typed(pa.array([str(number) for number in numbers]), Column(type=found.type), Reading()).values
        seen = np.asarray(values.to_numpy(zero_copy_only=False), dtype=np.float64)
        assert found.range[0] <= seen.min() and seen.max() <= found.range[1]


# --- decimal comma ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("columns", "decimal"),
    [
        ([["1.5", "2.5"]], "."),
        ([["1,5", "2,5"]], ","),
        ([["1,0", "2,0"]], ","),
        ([["1.234,5", "0,5"]], ","),
        ([["1,5"], ["a"], ["2024-01-01"], ["7"]], ","),
        ([["1,5"], ["1.5"]], "."),
        ([["1,5"], ["2,5"], ["1.5"]], ","),
        ([["1,234.50", "2,345.60"]], "."),
        ([["a, b", "1,5"]], "."),
        ([["31.12.2024"], ["1,5"]], ","),
        ([["10.0.0.1"]], "."),
        ([["1", "2"]], "."),
        ([[None, "NA"]], "."),
        ([["NA", None, "1,5"]], ","),
        ([], "."),
    ],
)
def test_a_decimal_comma_is_where_it_makes_more_columns_numbers(columns: list[list[str | None]], decimal: str) -> None:
    assert guess_decimal([pa.array(each, pa.string()) for each in columns]).decimal == decimal
