"""Text becomes the value that a person reads there, or no value; and whatever stands in the cells around it."""

import math
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gyre.datasets.typed import ARROW_TYPES, typed
from gyre.spec.columns import Column, ColumnType
from gyre.spec.reading import Reading

quick = settings(max_examples=40, deadline=None)
FAILED = "no such value"
TYPES: tuple[ColumnType, ...] = ("number", "integer", "category", "text", "boolean", "time")


def values(kind: ColumnType, *cells: str | None, own: tuple[str, ...] = (), **reading: Any) -> list[Any]:
    """What the cells hold; FAILED where the text was none of the type."""
    found = typed(pa.array(cells, pa.string()), Column(type=kind, missing=own), Reading(**reading))
    found.values.validate(full=True)
    assert found.values.type == ARROW_TYPES[kind]
    assert len(found.values) == len(found.failed) == len(cells)
    told = found.values.to_pylist()
    assert not any(failed and value is not None for value, failed in zip(told, found.failed, strict=True))
    return [FAILED if failed else value for value, failed in zip(told, found.failed, strict=True)]


def value(kind: ColumnType, cell: str | None, **reading: Any) -> Any:
    """What one cell holds, found alone and among others that arrow cannot cast at once."""
    alone = values(kind, cell, **reading)[0]
    assert values(kind, "no value", cell, None, "12", "x" * 50, **reading)[1] == alone
    return alone


# --- numbers


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        ("0", 0.0), ("-0", 0.0), ("+5", 5.0), ("5.", 5.0), (".5", 0.5), ("-.5e-3", -0.0005), ("1E+5", 1e5),
        ("007", 7.0), (" 7\t", 7.0), ("\u00a07\u2003", 7.0), ("1e-999", 0.0),
        ("1.7976931348623157e308", 1.7976931348623157e308), ("5e-324", 5e-324),
        ("1" + "0" * 300, 1e300), ("0." + "0" * 400 + "1", 0.0),
    ],
)  # fmt: skip
def test_a_number_is_read_as_people_and_programs_write_it(cell: str, number: float) -> None:
    assert value("number", cell) == number


@pytest.mark.parametrize(
    "cell",
    [
        "inf", "-inf", "Infinity", "1e999", "-1e999", "1e", "e5", ".", "-", "+", "--1", "++1", "+-1", "0x1A", "1_000",
        "1,5", "1 000", "1\n2", "٣", "½", "1f", "$5", "5%", "(5)", "true", "1.2.3", "NaN0",
    ],
)  # fmt: skip
def test_what_is_no_finite_number_fails(cell: str) -> None:
    assert value("number", cell) == FAILED


def test_nan_fails_where_it_does_not_mean_missing() -> None:
    assert value("number", "NaN") is None
    assert value("number", "NaN", missing=("",)) == FAILED


@quick
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_float_that_python_writes_comes_back(number: float) -> None:
    assert value("number", repr(number)) == number
    assert value("number", f"  {number!r} ") == number
    assert value("number", repr(number).replace(".", ","), decimal=",") == number


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        ("1,5", 1.5), ("1.000,5", 1000.5), ("1.234.567,25", 1234567.25), ("-1.000", -1000.0), ("1000", 1000.0),
        (",5", 0.5), ("1,", 1.0), ("1,5e-7", 1.5e-7), ("+12.345,0", 12345.0), ("999.999", 999999.0),
    ],
)  # fmt: skip
def test_with_a_decimal_comma_dots_group_thousands(cell: str, number: float) -> None:
    assert value("number", cell, decimal=",") == number


@pytest.mark.parametrize(
    "cell",
    ["1.5", "12.34", "1,000.5", "1.2.3", ".5", "1000.000", "1.0000", "1.00,5", "1,5,5", "1..000", "1.000e3", "."],
)
def test_a_dot_that_groups_no_thousands_is_never_guessed_away(cell: str) -> None:
    assert value("number", cell, decimal=",") == FAILED
    assert value("integer", cell, decimal=",") == FAILED


# --- integers


@pytest.mark.parametrize(
    ("cell", "integer"),
    [
        ("3", 3), ("3.0", 3), ("3.", 3), ("+5", 5), ("-5", -5), ("-0", 0), ("007", 7), ("1e3", 1000), ("+00012", 12),
        (" 12 ", 12), ("0" * 5000 + "9", 9), (str(2**53 + 1), 2**53 + 1), (str(2**63 - 1), 2**63 - 1),
        (str(-(2**63)), -(2**63)), ("9007199254740991.0", 2**53 - 1),
    ],
)  # fmt: skip
def test_an_integer_keeps_every_digit(cell: str, integer: int) -> None:
    assert value("integer", cell) == integer


@pytest.mark.parametrize(
    "cell",
    ["3.5", "1e-3", str(2**63), str(-(2**63) - 1), "9" * 5000, "1e999", "inf", "0x1A", "0X1A", "1_0", "1,0", "a", "-"],
)  # fmt: skip
def test_what_is_no_integer_of_64_bits_fails(cell: str) -> None:
    assert value("integer", cell) == FAILED


@pytest.mark.parametrize("cell", ["9007199254740993.0", "1e16", "9223372036854775807.0"])
def test_an_integer_written_as_a_fraction_too_large_to_be_exact_fails_and_is_not_rounded(cell: str) -> None:
    assert value("integer", cell) == FAILED


@quick
@given(st.integers(-(2**70), 2**70))
def test_an_integer_comes_back_or_fails_by_its_size_alone(integer: int) -> None:
    assert value("integer", str(integer)) == (integer if -(2**63) <= integer < 2**63 else FAILED)


def test_integers_have_decimal_commas_and_thousands_too() -> None:
    assert values("integer", "1.234.567", "12,0", "12", "12,5", decimal=",") == [1234567, 12, 12, FAILED]


# --- booleans


@pytest.mark.parametrize("cell", ["true", "TRUE", "True", "t", "T", "yes", "Y", "1", "1.0", " yes "])
def test_yes(cell: str) -> None:
    assert value("boolean", cell) is True


@pytest.mark.parametrize("cell", ["false", "FALSE", "f", "no", "N", "0", "0.0", "\tno"])
def test_no(cell: str) -> None:
    assert value("boolean", cell) is False


@pytest.mark.parametrize("cell", ["2", "-1", "01", "on", "off", "ja", "truee", "1.00", "yes no"])
def test_what_is_neither_yes_nor_no_fails(cell: str) -> None:
    assert value("boolean", cell) == FAILED


# --- times


def at(*moment: int, zone: timezone = UTC) -> datetime:
    return datetime(*moment, tzinfo=zone)  # type: ignore[arg-type, misc]


@pytest.mark.parametrize(
    ("cell", "moment"),
    [
        ("2024-02-29", at(2024, 2, 29)), ("2024-02-29T10:11:12Z", at(2024, 2, 29, 10, 11, 12)),
        ("2024-02-29 10:11", at(2024, 2, 29, 10, 11)), ("2024-02-29T10:11:12.12", at(2024, 2, 29, 10, 11, 12, 120000)),
        ("2024-02-29T10:11:12+02:00", at(2024, 2, 29, 8, 11, 12)), ("2024-02-29T10:11-0130", at(2024, 2, 29, 11, 41)),
        ("2024-02-29T10:11:12.1234569Z", at(2024, 2, 29, 10, 11, 12, 123456)), ("20240229", at(2024, 2, 29)),
        ("20240229T101112Z", at(2024, 2, 29, 10, 11, 12)), ("2024-W09-4", at(2024, 2, 29)),
        ("0001-01-01", at(1, 1, 1)), ("9999-12-31T23:59:59.999999Z", at(9999, 12, 31, 23, 59, 59, 999999)),
        ("1709165472", at(2024, 2, 29, 0, 11, 12)), ("1709165472.25", at(2024, 2, 29, 0, 11, 12, 250000)),
        ("0", at(1970, 1, 1)), ("-1.5", at(1969, 12, 31, 23, 59, 58, 500000)), ("1.7e9", at(2023, 11, 14, 22, 13, 20)),
        (" 2024-02-29 ", at(2024, 2, 29)),
    ],
)  # fmt: skip
def test_a_time_is_iso_8601_or_seconds_and_becomes_utc(cell: str, moment: datetime) -> None:
    assert value("time", cell) == moment


@pytest.mark.parametrize(
    "cell",
    [
        "0000-01-01", "99999-01-01", "10000-01-01", "-0001-01-01", "0001-01-01T00:00+01:00", "9999-12-31T23:00-02:00",
        "2023-02-29", "2024-13-01", "2024-01-01T24:01", "2024-01-01T00:00:61", "01/02/2024", "12:30", "2024-01",
        "2024-01-01x10:00", "2024-01-01T10:00+99:00", "1709165472000", "1712010112345", "171201019123456",
        str(253_402_300_800), "-62135596801", "1e30", "1e999", "inf", "1_000", "٣", "now", "2024-01-01T10:00:00 UTC",
        "2024-01-01\n2024-01-01",
    ],
)  # fmt: skip
def test_what_is_no_time_of_the_years_1_to_9999_fails(cell: str) -> None:
    assert value("time", cell) == FAILED


def test_times_with_and_without_a_zone_stand_beside_each_other() -> None:
    noon = at(2024, 1, 1, 12)
    cells = (
        "2024-01-01T12:00",
        "2024-01-01T14:00+02:00",
        "1704110400",
        "2024-01-01 12:00:00",
        None,
        "noon",
        "20240101T12",
    )
    assert values("time", *cells) == [noon, noon, noon, noon, None, FAILED, noon]


def test_seconds_have_a_decimal_comma_where_numbers_have_one() -> None:
    # Parquet and JSON files come in here with their numbers written so
    assert value("time", "1709165472,25", decimal=",") == at(2024, 2, 29, 0, 11, 12, 250000)
    assert value("time", "1709165472.25", decimal=",") == FAILED


@quick
@given(
    st.datetimes(timezones=st.timedeltas(timedelta(hours=-23), timedelta(hours=23)).map(timezone) | st.just(UTC)),
    st.sampled_from("T "),
)
def test_every_time_that_python_writes_comes_back(moment: datetime, between: str) -> None:
    text = moment.isoformat(between)
    found = value("time", text)
    try:
        assert found == moment.astimezone(UTC)
    except OverflowError:  # it lies in another year in UTC, before 1 or after 9999
        assert found == FAILED


@quick
@given(st.integers(-(2**41), 2**41))
def test_seconds_are_right_to_the_millisecond(milliseconds: int) -> None:
    whole, rest = divmod(abs(milliseconds), 1000)
    text = f"{'-' if milliseconds < 0 else ''}{whole}.{rest:03}"
    assert value("time", text) == at(1970, 1, 1) + timedelta(milliseconds=milliseconds)


# --- words


def test_a_category_is_trimmed_and_text_is_not() -> None:
    assert values("category", " a ", "a\u00a0", "a b") == ["a", "a", "a b"]
    assert values("text", " a ", "a\n", "a b") == [" a ", "a\n", "a b"]


@pytest.mark.parametrize("kind", TYPES)
def test_what_means_missing_is_missing_and_does_not_fail(kind: ColumnType) -> None:
    assert values(kind, None, "", "NA", " null ", "?", "   ", "\u00a0") == [None] * 7


@pytest.mark.parametrize("kind", TYPES)
def test_a_column_has_words_for_missing_of_its_own(kind: ColumnType) -> None:
    assert values(kind, "-999", "k. A.", " k. A. ", "NA", own=("-999", "k. A.")) == [None] * 4


def test_the_words_for_missing_are_those_declared_and_no_others() -> None:
    assert values("number", "NA", "-", "0", own=("0",), missing=("-",)) == [FAILED, None, None]
    assert values("integer", "0", "-0", own=("0",)) == [None, 0]


def test_words_for_missing_know_capitals() -> None:
    assert values("category", "Na", "none", "NULL") == ["Na", "none", None]


# --- of all types


@pytest.mark.parametrize("kind", TYPES)
def test_no_cells_are_no_values(kind: ColumnType) -> None:
    assert values(kind) == []
    assert values(kind, decimal=",") == []


@pytest.mark.parametrize("kind", TYPES)
@quick
@given(cells=st.lists(st.none() | st.text() | st.text("0123456789.,+-eEinfaTZ:W xX_", max_size=12), max_size=8))
def test_no_text_raises_and_each_value_is_found_by_its_cell_alone(kind: ColumnType, cells: list[str | None]) -> None:
    for decimal in (".", ","):
        together = values(kind, *cells, decimal=decimal)
        assert together == [values(kind, cell, decimal=decimal)[0] for cell in cells]
        assert not any(isinstance(each, float) and not math.isfinite(each) for each in together)


@pytest.mark.parametrize("kind", ["number", "integer"])
@quick
@given(cells=st.lists(st.from_regex(r"[-+]?[0-9]{0,20}(\.[0-9]{0,3})?(e[-+]?[0-9]{1,3})?", fullmatch=True), max_size=6))
def test_what_looks_like_a_number_is_found_by_its_cell_alone(kind: ColumnType, cells: list[str]) -> None:
    assert values(kind, *cells) == [values(kind, cell)[0] for cell in cells]


DAY, CLOCK = r"[0-9]{4}-[01][0-9]-[0-3][0-9]", r"[0-2][0-9](:[0-5][0-9](:[0-6][0-9](\.[0-9]{1,9})?)?)?"


@quick
@given(st.lists(st.from_regex(rf"{DAY}([T ]{CLOCK}(Z|[-+][0-9]{{2}}:?[0-9]{{2}})?)?", fullmatch=True), max_size=5))
def test_what_looks_like_a_time_is_found_by_its_cell_alone(cells: list[str]) -> None:
    assert values("time", *cells) == [values("time", cell)[0] for cell in cells]
