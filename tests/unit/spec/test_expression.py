"""What may stand in an expression, what it computes, and that nothing else is ever reached."""

import ast
import sys
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gyre.spec.expression import FUNCTIONS, Expression, ExpressionError, Kind, kind_of, parse

KINDS: dict[str, Kind] = {
    "a": "number", "b": "number", "s": "text", "other": "text", "t": "time", "f": "truth", "µg": "number",
    "class": "number", "_column_0_": "text", "min": "number", "größe": "number", "Blood pressure (mm)": "number",
}  # fmt: skip


def kind(text: str) -> Kind:
    return kind_of(parse(text), KINDS)


def outcome(text: str) -> str:
    """Its kind, or why it has none."""
    try:
        return kind(text)
    except ExpressionError as error:
        return f"refused: {error}"


def refusal(text: str) -> str:
    with pytest.raises(ExpressionError) as caught:
        kind(text)
    return str(caught.value)


# --- what may stand there ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    ["1", "-1.5", "+a", "a + b - 1 * 2 / 3 % 4 ** 2", "-a ** -b", "f + f", "-f", "log(a)", "max(a, b, 3)", "min(f)",
     "round(abs(a))", "words(s) / length('two words')", "year(t) * 12 + month(t)", "weekday(t)", "hour(t)", "day(t)",
     "  a  ", "(a)", "max(f, a > 1)", "min(min, 3)", "1e300 * 10", "0x10", "1_000", "a # told"],
)  # fmt: skip
def test_numbers(text: str) -> None:
    assert kind(text) == "number"


@pytest.mark.parametrize(
    "text",
    ["True", "False", "f", "not f", "f and a > 1 or not f", "a < b", "a <= b < 3", "1 == a != b", "f == 1", "a == f",
     "s == 'x'", "s != other", "'x' == s", "a in [1, -2, +3.5]", "a in (1, 2)", "s not in ['x', \"y\"]", "s in ['x']",
     "f in [True, False]", "a in []", "is_missing(a)", "is_missing(s) and is_missing(t)", "not is_missing(a + b)"],
)  # fmt: skip
def test_truths(text: str) -> None:
    assert kind(text) == "truth"


def test_texts_and_times_are_what_their_columns_are() -> None:
    assert (kind("s"), kind("'x'"), kind("'x' 'y'"), kind("t")) == ("text", "text", "text", "time")


# --- what may not -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    ["a.b", "a.__class__", "''.join(s)", "a.b.c(1)", "(lambda: 1)()", "lambda: 1", "[a for a in s]", "{a for a in s}",
     "{a: b for a in s}", "sum(a for a in s)", "(a := 1)", "f'{a}'", "f''", "a[0]", "a[1:2]", "s['x']", "*a", "[*a]",
     "a if f else b", "await a", "(yield a)", "{}", "{1}", "{'a': 1}", "[1]", "(1, 2)", "()", "None", "...", "b'x'",
     "1j", "a // b", "a @ b", "a & b", "a | b", "a ^ b", "a << 1", "a >> 1", "~a", "a < [1]", "log(a)(b)", "log[0]",
     "'%s' % a", "s + 'x'", "s * 2", "1e999", "-1e999", "9" * 400, "a < 1e999"],
)  # fmt: skip
def test_what_cannot_stand_in_an_expression(text: str) -> None:
    assert refusal(text)


@pytest.mark.parametrize(
    "text",
    ["", " ", "\n", "a +", "a b", "a = 1", "a; b", "import os", "del a", "print a", "log(a", "a)", "'x", "`", "``",
     "`a", "a > 1\nand b > 1", "a\0", "a \ud800", "a == \ud800", "def f(): pass", "1a", "a ? b : c", "a && b", "!a",
     "\\", "0777"],
)  # fmt: skip
def test_what_is_no_expression(text: str) -> None:
    assert "is not an expression" in refusal(text)


@pytest.mark.parametrize(
    "call", ["__import__('os')", "eval('1')", "open('x')", "exec('1')", "getattr(a, 'b')", "sum(a)"]
)
def test_only_these_functions_can_be_called(call: str) -> None:
    message = refusal(call)
    assert f"there is no function {call.partition('(')[0]!r}" in message
    assert all(name in message for name in FUNCTIONS)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("log()", "log() does not go: it takes number"),
        ("log(a, b)", "log(number, number) does not go: it takes number"),
        ("log(s)", "log(text) does not go: it takes number"),
        ("max()", "max() does not go"),
        ("max(a, s)", "max(number, text) does not go: it takes number, number"),
        ("words(a)", "words(number) does not go: it takes text"),
        ("year(s)", "year(text) does not go: it takes time"),
        ("is_missing()", "is_missing() does not go"),
        ("is_missing(a, b)", "is_missing(number, number) does not go"),
        ("round(a, ndigits=2)", "round(…) takes its arguments without names"),
        ("max(*a)", "'*a' cannot stand"),
        ("max(**a)", "without names"),
        ("s + 1", "'s' is a text, and a number is needed there"),
        ("t - t", "'t' is a time, and a number is needed there"),
        ("not a", "'a' is a number, and a truth is needed there"),
        ("f and a", "'a' is a number, and a truth is needed there"),
        ("s < 'x'", "'s' is a text, and a number is needed there"),
        ("t < t", "'t' is a time, and a number is needed there"),
        ("1 < s", "'s' is a text, and a number is needed there"),
        ("a == 'x'", "\"'x'\" is a text, and cannot equal a number"),
        ("s == 1", "'1' is a number, and cannot equal a text"),
        ("t == t", "'t' is a time, and cannot equal a time"),
        ("t in ['2020']", "is a text, and cannot equal a time"),
        ("s in ['x', 1]", "'1' is a number, and cannot equal a text"),
        ("s in 'xyz'", "after `in` stands a list of values"),
        ("a in [b]", "after `in` stands a list of values"),
        ("a in [[1]]", "after `in` stands a list of values"),
        ("a in {1, 2}", "after `in` stands a list of values"),
        ("a in [None]", "'None' cannot stand"),
        ("a in [1] in [2]", "'[1]' cannot stand"),
        ("a is None", "`is` cannot stand in an expression"),
        ("a is not 1", "`is` cannot stand in an expression"),
        ("a == None", "'None' cannot stand"),
        ("nowhere + 1", "'nowhere' is not a declared column"),
        ("log", "'log' is not a declared column"),
        ("true", "'true' is not a declared column"),
        ("1e999 > a", "too large to compute with"),
        ("9" * 400 + " > a", "too large to compute with"),
    ],
)
def test_what_does_not_go_is_told_in_words(text: str, says: str) -> None:
    assert says in refusal(text)


# --- names ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("a + b", {"a", "b"}),
        ("log(a) + min(min, 1)", {"a", "min"}),
        ("`Blood pressure (mm)` > 1", {"Blood pressure (mm)"}),
        ("`a` + a", {"a"}),
        ("`class` > 1 and `class` < 3", {"class"}),
        ("µg + größe", {"µg", "größe"}),  # Python alone would read another letter, μ
        ("`µg`", {"µg"}),
        ("s == 'it`s not `a` column'", {"s"}),
        ('s == "`" and `class` > 1', {"s", "class"}),
        ("`it's` > 1 or s == 'x'", {"it's", "s"}),
        (r"s == 'a\'b`c`'", {"s"}),
        ("_column_0_ == 'x' and `class` > 1 and `a` > 2", {"_column_0_", "class", "a"}),
        ("1 + 2", set()),
    ],
)
def test_the_columns_it_needs(text: str, columns: set[str]) -> None:
    assert parse(text).columns == columns


def test_text_in_quotes_is_left_as_it_is() -> None:
    tree = parse("s == 'the `odd` one'").tree
    assert isinstance(tree, ast.Compare)
    assert ast.literal_eval(tree.comparators[0]) == "the `odd` one"


def test_a_name_that_looks_like_a_stand_in_keeps_its_own_column() -> None:
    assert kind("`class` + 1") == "number"
    assert kind("_column_0_ == 'x' and `class` > 1 and `a` > 2") == "truth"


def test_messages_name_columns_as_they_were_written() -> None:
    assert "'`class`.x' cannot stand" in refusal("`class`.x")
    assert "there is no function '`größe`'" in refusal("größe(a)")
    assert "'no such' is not a declared column" in refusal("`no such` > 1")


def test_a_parsed_expression_keeps_its_text() -> None:
    assert isinstance(parse(" a "), Expression)
    assert parse(" a ").text == " a "


# --- limits -----------------------------------------------------------------------------------------------------------

BOMBS = {
    "parentheses": "(" * 100_000 + "1" + ")" * 100_000,
    "minus": "-" * 5_000 + "1",
    "not": "not " * 5_000 + "f",
    "lists": "[" * 50_000,
    "attributes": "a" + ".b" * 5_000,
    "calls": "abs(" * 5_000 + "a" + ")" * 5_000,
    "sums": "a" + "+a" * 100_000,
    "powers": "9" + "**9" * 5_000,
    "comparisons": "a" + "<a" * 5_000,
    "ands": "f" + " and f" * 5_000,
    "ifs": "a if f else " * 2_000 + "a",
    "lambdas": "lambda:" * 5_000 + "1",
    "digits": "9" * 5_000,
    "text": "s == '" + "x" * 5_000 + "'",
    "quotes": "'" * 100_001,
    "backticks": "`" * 100_001,
}


@pytest.mark.parametrize("text", BOMBS.values(), ids=BOMBS)
def test_a_bomb_is_refused_and_soon(text: str) -> None:
    started = time.monotonic()
    assert "split it" in refusal(text)
    assert time.monotonic() - started < 1


@pytest.mark.parametrize("length", range(100, 2_000, 100))
@pytest.mark.parametrize("pattern", ["-", "not ", "(", "[", "a.", "abs(", "a+", "a**", "a<", "f and ", "lambda:", "a,"])
def test_no_nesting_within_the_limit_of_length_breaks_anything(pattern: str, length: int) -> None:
    times = length // len(pattern)
    for text in (
        pattern * times + "a",
        pattern * times + "f",
        pattern * times + "a" + ")" * min(times, pattern.count("(")),
    ):
        assert len(outcome(text[:2_000])) < 500


@pytest.mark.parametrize("levels", range(60, 110, 7))
@pytest.mark.parametrize("pattern", ["-", "not ", "abs(", "a+", "a**", "~", "a.", "lambda:"])
def test_what_is_allowed_is_read_even_where_the_stack_is_nearly_full(pattern: str, levels: int) -> None:
    """Half of Python's stack is left: an app's middlewares never take more."""
    text = pattern * levels + ("f" if pattern == "not " else "a") + ")" * (levels if pattern == "abs(" else 0)

    def deep(frames: int) -> str:
        return deep(frames - 1) if frames else outcome(text)

    found = deep(sys.getrecursionlimit() // 2 - 100)
    assert found in ("number", "truth") or "cannot stand" in found or "levels deep" in found


def test_towers_of_powers_are_read_and_never_computed() -> None:
    started = time.monotonic()
    assert kind("10**10**10**10 + 9**9**9**9") == "number"
    assert kind("'x' == s and 2**(10**9) > 1") == "truth"
    assert time.monotonic() - started < 0.5


def test_a_sum_of_many_columns_is_no_bomb() -> None:
    assert kind(" + ".join(["a"] * 90)) == "number"
    assert kind(" and ".join(["a > 1"] * 90)) == "truth"
    assert kind("a in [" + ", ".join(str(n) for n in range(200)) + "]") == "truth"


def test_in_a_thread_with_a_small_stack_too() -> None:
    found: list[str] = []
    threading.stack_size(512 * 1024)
    try:
        thread = threading.Thread(
            target=lambda: found.extend(refusal(text) for text in ("-" * 1_999 + "a", "(" * 1_999))
        )
        thread.start()
        thread.join()
    finally:
        threading.stack_size(0)
    assert len(found) == 2


# --- whatever comes ---------------------------------------------------------------------------------------------------


TOKENS = ["a", "s", "f", "t", "1", "'x'", "`class`", "+", "-", "**", "%", "(", ")", "[", "]", ",", "<", "==", "in",
          "not", "and", "or", "is", "log", "words", "year", ".", ":", "=", "lambda", "if", "else", "for", ":=", "*",
          "f'", "'", "{", "}", "µ", "\\", "#"]  # fmt: skip
OUTCOMES = ("number", "text", "truth", "time")


@given(st.text(max_size=60))
def test_any_text_has_a_kind_or_a_reason(text: str) -> None:
    found = outcome(text)
    assert found in OUTCOMES or len(found) > len("refused: ")


@given(st.lists(st.sampled_from(TOKENS), max_size=15))
def test_any_tokens_have_a_kind_or_a_reason(tokens: list[str]) -> None:
    found = outcome(" ".join(tokens))
    assert found in OUTCOMES or len(found) > len("refused: ")
