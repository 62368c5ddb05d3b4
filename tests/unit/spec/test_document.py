"""What a YAML file says, where it says it, and what is refused."""

import math
import time
from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from gyre.spec.document import MAX_BYTES, Document, Fault, Place, read_document, told_path


def content(text: str | bytes) -> Any:
    document, faults = read_document(text)
    assert document is not None, faults
    assert faults == []
    return document.content


def refusal(text: str | bytes) -> Fault:
    """The one fault for which there is no document."""
    document, faults = read_document(text)
    assert document is None
    assert len(faults) == 1
    return faults[0]


def places(text: str) -> dict[Any, tuple[int, int]]:
    document, _ = read_document(text)
    assert document is not None
    return {path: (place.line, place.column) for path, place in document.places.items()}


# --- values -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "word",
    ["no", "yes", "on", "off", "NO", "y", "n", "2026-01-01", "12:30", "0x1F", "0o17", ".inf", ".nan", "1_000", "1,5",
     "nUll", "tRUE", "<<", "=", "+", "1e", "e5", ".", "--1"],
)  # fmt: skip
def test_only_the_words_of_yaml_1_2_are_more_than_words(word: str) -> None:
    assert content(f"a: {word}") == {"a": word}


@pytest.mark.parametrize("code", ["007", "00", "-01", "+00", "01.5", "00e3"])
def test_a_leading_zero_makes_a_code_and_no_number(code: str) -> None:
    assert content(f"a: {code}") == {"a": code}


@pytest.mark.parametrize(
    ("text", "value"),
    [("0", 0), ("-0", 0), ("+5", 5), ("-17", -17), ("1.5", 1.5), ("5.", 5.0), (".5", 0.5), ("-.5", -0.5),
     ("1e3", 1000.0), ("1E-2", 0.01), ("0.0", 0.0), ("1e999", math.inf), ("9" * 400, int("9" * 400)),
     ("1" * 5000, math.inf)],
)  # fmt: skip
def test_numbers(text: str, value: float) -> None:
    found = content(f"a: {text}")["a"]
    assert (type(found), found) == (type(value), value)


@pytest.mark.parametrize("text", ["", "~", "null", "Null", "NULL"])
def test_nothing(text: str) -> None:
    assert content(f"a: {text}\nb: 1") == {"a": None, "b": 1}


@pytest.mark.parametrize(("text", "value"), [("true", True), ("True", True), ("TRUE", True), ("false", False)])
def test_truths(text: str, value: bool) -> None:
    assert content(f"a: {text}")["a"] is value


@pytest.mark.parametrize("written", ["'5'", '"5"', "|-\n  5", ">-\n  5"])
def test_what_is_quoted_stays_text(written: str) -> None:
    assert content(f"a: {written}") == {"a": "5"}
    assert content(f"a: {written.replace('5', 'true')}") == {"a": "true"}
    assert content(f"a: {written.replace('5', '')}") == {"a": ""}


def test_keys_are_words_whatever_they_look_like() -> None:
    assert content("1: a\ntrue: b\nnull: c\n1.50: d\n'': e") == {
        "1": "a",
        "true": "b",
        "null": "c",
        "1.50": "d",
        "": "e",
    }


def test_there_is_no_merging_of_keys() -> None:
    assert content("<<: {a: 1}\nb: 2") == {"<<": {"a": 1}, "b": 2}


@pytest.mark.parametrize("mark", ["\ufeff", ""])
def test_a_byte_order_mark_is_no_part_of_the_text(mark: str) -> None:
    assert content((mark + "a: 1").encode()) == content(mark + "a: 1") == {"a": 1}
    assert places(mark + "a: 1")[("a",)] == (1, 1)


def test_windows_line_ends() -> None:
    assert content("a: 1\r\nb:\r\n  - x\r\n") == {"a": 1, "b": ["x"]}
    assert places("a: 1\r\nb:\r\n  - x\r\n")["b", 0] == (3, 5)


def test_a_nothing_that_is_written_is_a_document() -> None:
    assert content("---") is None


# --- places -----------------------------------------------------------------------------------------------------------


def test_every_field_has_the_place_of_its_key_and_every_entry_its_own() -> None:
    text = "a: 1\nb:\n  c: [x, {d: 2}]\n  - # not here\n".replace("  - # not here\n", "")
    assert places(text) == {
        (): (1, 1), ("a",): (1, 1), ("b",): (2, 1), ("b", "c"): (3, 3), ("b", "c", 0): (3, 7), ("b", "c", 1): (3, 10),
        ("b", "c", 1, "d"): (3, 11),
    }  # fmt: skip


def test_places_count_characters_and_no_bytes() -> None:
    assert places("größe: {b: 1}")["größe", "b"] == (1, 9)


def test_what_has_no_place_of_its_own_has_that_of_what_is_around_it() -> None:
    document = Document({}, {(): Place(1, 1), ("a",): Place(2, 3)})
    assert document.place(("a", "missing", 3)) == Place(2, 3)
    assert document.place(("b",)) == Place(1, 1)
    assert Document({}, {}).place(("b",)) is None


def test_a_field_is_told_as_a_person_would_write_it() -> None:
    assert told_path(("columns", "age", "range", 0)) == "columns.age.range[0]"
    assert told_path(()) == ""


def test_a_fault_is_told_with_what_is_known_of_it() -> None:
    assert str(Fault("a.b", "is wrong", 2, 5)) == "line 2, column 5: a.b: is wrong"
    assert str(Fault("", "is empty")) == "is empty"


# --- faults with which there still is a document ----------------------------------------------------------------------


def test_a_key_that_stands_there_twice_is_a_fault_at_its_second_place() -> None:
    document, faults = read_document("a: 1\nb:\n  c: 1\n  d: 2\n  c: 3\na: 2\na: 3\n")
    assert document is not None
    assert document.content == {"a": 3, "b": {"c": 3, "d": 2}}
    assert [(fault.field, fault.line, fault.column) for fault in faults] == [("b.c", 5, 3), ("a", 6, 1), ("a", 7, 1)]


def test_the_same_key_written_in_two_ways_is_the_same_key() -> None:
    assert len(read_document("1: a\n'1': b\n")[1]) == 1


@pytest.mark.parametrize("text", ["? [a, b]\n: 1\n", "? {a: b}\n: 1\n", "{[a]: 1}"])
def test_a_key_that_is_no_word_is_a_fault(text: str) -> None:
    document, faults = read_document(text)
    assert document is not None
    assert document.content == {}
    assert [fault.message for fault in faults] == ["a key must be a word"]


# --- what is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "place", "says"),
    [
        ("a: &x 5\n", (1, 4), "an anchor (&x)"),
        ("a: 5\nb: [&list [1]]\n", (2, 5), "an anchor (&list)"),
        ("&k a: 5\n", (1, 1), "an anchor (&k)"),
        ("a: 1\nb: *x\n", (2, 4), "an alias (*x)"),
        ("*x : 1\n", (1, 1), "an alias (*x)"),
        ("a: !thing 5\n", (1, 4), "a tag (!thing)"),
        ("a: !!python/object/apply:os.system [ls]\n", (1, 4), "a tag (tag:yaml.org,2002:python"),
        ("a: !!str 5\n", (1, 4), "a tag"),
        ("a: ! 5\n", (1, 4), "a tag (!)"),
        ("a: !map {b: 1}\n", (1, 4), "a tag (!map)"),
        ("!!set {a, b}\n", (1, 1), "a tag"),
    ],
)
def test_what_makes_a_file_say_something_else_than_it_shows(text: str, place: tuple[int, int], says: str) -> None:
    fault = refusal(text)
    assert says in fault.message
    assert (fault.line, fault.column) == place


@pytest.mark.parametrize(
    ("text", "place", "says"),
    [
        ("a:\n\tb: 1\n", (2, 1), "a tab"),
        ("a: `age` > 5\n", (1, 4), "begins with ` must stand in quotes"),
        ("a: @x\n", (1, 4), "begins with @"),
        ("a: b: c\n", (1, 5), "mapping values are not allowed here"),
        ("a: [1, 2\n", (2, 1), "expected ',' or ']'"),
        ("a: 'x\n", (2, 1), "found unexpected end of stream"),
        ("a: 1\n  b: 2\n", (2, 4), "mapping values"),
        ("a: 1\n---\nb: 1\n", (2, 1), "a single document"),
        ("a: \0\n", (1, 4), "U+0000"),
        ("a: 1\nb: x\x07y\n", (2, 5), "U+0007"),
        ("a: \ud800\n", (1, 4), "U+D800"),
        ('a: "\\ud800"\n', (1, 4), "half a character"),
        ('"\\udfff": 1\n', (1, 1), "half a character"),
        ('a: 1\nb: "\\UFFFFFFFF"\n', (2, 7), "stands for nothing"),
        (f"%YAML 1.{'9' * 5000}\n---\na: 1\n", (1, 9), "stands for nothing"),
        ("%YAML 9.0\n---\na: 1\n", (1, 1), "incompatible"),
        ('a: "\\`"\n', (1, 6), "unknown escape"),
        ("a: ]\n", (1, 4), "expected the node content"),
        (b"a: 1\nb: \xff\n", (2, 4), "not UTF-8"),
        ("a: ü".encode("cp1252"), (1, 4), "not UTF-8"),
        ("a: 1".encode("utf-16"), (1, 1), "not UTF-8"),
        (b"\xef\xbb\xbfa: \xff", (1, 4), "not UTF-8"),
    ],
)
def test_what_cannot_be_read(text: str | bytes, place: tuple[int, int], says: str) -> None:
    fault = refusal(text)
    assert says in fault.message
    assert (fault.line, fault.column) == place
    assert "\n" not in fault.message


@pytest.mark.parametrize("text", ["", " ", "\n\n", "# a: 1\n", "\ufeff", b"", b"\xef\xbb\xbf"])
def test_an_empty_file(text: str | bytes) -> None:
    assert refusal(text) == Fault("", "the file is empty")


# --- limits -----------------------------------------------------------------------------------------------------------


def test_a_file_of_just_the_limit_is_read() -> None:
    text = "a: 1\n#" + "x" * (MAX_BYTES - 6)
    assert content(text) == content(text.encode()) == {"a": 1}


@pytest.mark.parametrize("text", [b"a" * (MAX_BYTES + 1), "a" * (MAX_BYTES + 1), "ü" * (MAX_BYTES // 2 + 1)])
def test_a_larger_one_is_not(text: str | bytes) -> None:
    assert refusal(text).message == "the file has more than 524,288 bytes, which are the limit"


def test_twenty_levels_and_no_more() -> None:
    assert content("[" * 20 + "]" * 20)
    fault = refusal("[" * 22 + "]" * 22)
    assert (fault.message, fault.line, fault.column) == ("more than 20 levels deep", 1, 22)
    assert content("".join("  " * level + f"k{level}:\n" for level in range(20)) + "  " * 20 + "1")
    assert refusal("".join("  " * level + f"k{level}:\n" for level in range(21)) + "  " * 21 + "1")


@pytest.mark.parametrize("opening", ["[", "{", "- ", "? ", "[{a: ", "a: {", "! [", "&a [", "[[],"])
def test_a_bomb_of_nesting_is_refused_and_soon(opening: str) -> None:
    started = time.monotonic()
    refusal(opening * (300_000 // len(opening)))
    assert time.monotonic() - started < 5


def test_a_billion_laughs_are_refused_at_the_first() -> None:
    lines = ["a0: &a0 [lol, lol, lol]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    assert "anchor (&a0)" in refusal("\n".join(lines)).message


def test_more_values_than_any_spec_has_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gyre.spec.document._MAX_NODES", 1_000)
    assert content("[" + "a," * 999 + "]")
    assert refusal("[" + "a," * 1_000 + "]").message == "more than 1,000 values cannot stand in one file"


# --- whatever comes ---------------------------------------------------------------------------------------------------

TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=20,
)


def quoted(value: Any) -> str:
    """As PyYAML writes it, with texts in quotes."""

    class Dumper(yaml.SafeDumper):
        def ignore_aliases(self, data: Any) -> bool:
            return True

    Dumper.add_representer(str, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"'))
    return yaml.dump(value, Dumper=Dumper, allow_unicode=True, sort_keys=False)


@given(st.dictionaries(TEXTS, PLAIN, max_size=5))
def test_plain_values_come_back_as_they_were_written(value: dict[str, Any]) -> None:
    found = content(quoted(value))
    assert found == value
    assert list(found) == list(value)


@given(st.text(st.sampled_from("ab:-[]{},?!&*|>'\"%@`#~ \n\t\\\r0159.eE+_x\x85\u2028\ufeff\x00é😀"), max_size=60))
@example("? a\n? b\n")
@example("a: |+9\n x")
@example("%TAG ! x\n%TAG ! y\n--- a")
@example("!<%zz> a")
@example('"\\x4')
@example("- - - -\n -")
def test_any_text_is_a_document_or_has_faults(text: str) -> None:
    document, faults = read_document(text)
    assert document is not None or len(faults) == 1
    assert all("\n" not in fault.message for fault in faults)


@given(st.text(max_size=100))
def test_any_characters_at_all(text: str) -> None:
    document, faults = read_document(text)
    assert document is not None or faults


@given(st.binary(max_size=100))
def test_any_bytes(text: bytes) -> None:
    document, faults = read_document(text)
    assert document is not None or faults
