"""Figures, moments and tables as people read them, whatever they hold."""

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.tables import MOST_WIDE, facts, table
from cli.text import as_json, cut, figure, lasted, shown, when, width


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (0.87123, "0.8712"), (0.5, "0.5"), (12345.678, "12,346"), (1.0, "1"), (0.0, "0"), (-0.25, "-0.25"),
        (99999.0, "99,999"), (1e-7, "1e-07"), (1e20, "1e+20"), (0.99996, "1"), (9.9996, "10"), (1391, "1,391"),
        (None, "-"), (math.nan, "nan"), (math.inf, "inf"), (True, "True"), ("a\nb", "a\\nb"),
    ],
)  # fmt: skip
def test_a_figure_has_four_digits(value: Any, told: str) -> None:
    assert figure(value) == told


@given(st.floats(min_value=-1e300, max_value=1e300))
def test_a_figure_is_near_what_it_tells(value: float) -> None:
    told = float(figure(value).replace(",", ""))
    assert told == pytest.approx(value, rel=6e-4, abs=5e-324)


@pytest.mark.parametrize(
    ("at", "told"),
    [
        ("2026-11-21T09:00:59+00:00", "2026-11-21 09:00"), ("2026-11-21T01:30:00.123456+02:00", "2026-11-20 23:30"),
        ("2026-11-21T09:00:00Z", "2026-11-21 09:00"), ("soon\x1b", "soon\\x1b"), ("", "-"), (None, "-"),
        ("0001-01-01T00:00:00+14:00", "0001-01-01T00:00:00+14:00"),
    ],
)  # fmt: skip
def test_a_moment_is_short_and_in_utc(at: str | None, told: str) -> None:
    assert when(at) == told


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0, "0.0 s"), (0.84, "0.8 s"), (9.94, "9.9 s"), (9.96, "10 s"), (59.4, "59 s"), (59.6, "1 m 00 s"),
        (125, "2 m 05 s"), (3599.7, "1 h 00 m"), (90061, "25 h 01 m"), (None, ""), (-1, "0.0 s"),
    ],
)  # fmt: skip
def test_a_duration(seconds: float | None, told: str) -> None:
    assert lasted(seconds) == told


@given(st.text())
def test_what_is_shown_is_one_line_that_a_terminal_does_not_obey(text: str) -> None:
    assert shown(text).isprintable()
    assert shown(shown(text)) == shown(text)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda each: st.lists(each) | st.dictionaries(st.text(), each),
    )
)
def test_json_says_the_same_and_holds_no_control_characters(told: Any) -> None:
    text = as_json(told)
    assert json.loads(text) == told
    assert all(each.isprintable() or each == "\n" for each in text)


@given(st.text(), st.integers(min_value=3, max_value=40))
def test_what_is_cut_fits(text: str, most: int) -> None:
    assert width(cut(text, most)) <= most
    if width(text) <= most:
        assert cut(text, most) == text


def test_columns_stand_below_each_other() -> None:
    rows = [("a", 1, "x"), ("größe", 12345, None), ("年齢", None, "a\nb"), ("", 0.5, "y" * 100)]
    assert table(("name", "rows", "note"), rows).splitlines() == [
        "name     rows  note",
        "a           1  x",
        "größe  12,345  -",
        "年齢        -  a\\nb",
        f"          0.5  {'y' * (MOST_WIDE - 3)}...",
    ]


def test_a_table_of_nothing_is_its_head() -> None:
    assert table(("name", "rows"), []) == "name  rows"


@given(st.lists(st.tuples(st.text(max_size=90), st.none() | st.floats() | st.integers())))
def test_a_table_has_a_line_for_each_row(rows: list[tuple[Any, ...]]) -> None:
    told = table(("name", "value"), rows).split("\n")
    assert len(told) == len(rows) + 1
    assert all(each.isprintable() and width(each) <= 400 for each in told)


def test_facts_that_are_not_known_are_left_out() -> None:
    assert facts({"model": "wine", "owner": "", "rows": 1391, "about": None, "注": "a\tb"}) == (
        "model  wine\nrows   1,391\n注     a\\tb"
    )
    assert facts({}) == ""
