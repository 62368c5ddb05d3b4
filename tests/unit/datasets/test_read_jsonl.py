import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gyre.datasets import read_jsonl
from gyre.datasets.source import CHUNK_BYTES, CHUNK_ROWS, Malformed
from gyre.errors import Invalid
from tests.unit.datasets.opening import cells, opened, read_all, rows, taken

# JSON cannot tell a text from a number by its cell any more, so that each is compared as what it was.
CELLS = st.none() | st.text(max_size=5) | st.integers() | st.floats(allow_infinity=False) | st.booleans()


def _same(cell: str | None, value: object) -> bool:
    if value in (None, "") or (isinstance(value, float) and math.isnan(value)):
        return cell is None
    if isinstance(value, bool):
        return cell == ("true" if value else "false")
    if isinstance(value, float):
        return cell is not None and float(cell) == value
    return cell == str(value)


@settings(deadline=None)
@given(st.lists(st.fixed_dictionaries({"a": CELLS}, optional={"b": CELLS, "c": CELLS}), min_size=1), st.booleans())
def test_any_objects_come_back(objects: list[dict[str, object]], ascii_only: bool) -> None:
    # given
    content = "\n".join(json.dumps(each, ensure_ascii=ascii_only) for each in objects).encode()
    # when
    found, numbers, malformed = taken(opened("a.jsonl", content))
    # then
    assert (numbers, malformed) == (list(range(1, len(objects) + 1)), [])
    for row, each in zip(found.to_pylist(), objects, strict=True):
        assert all(_same(row[name], each.get(name)) for name in row)


@pytest.mark.parametrize(
    ("literal", "cell"),
    [
        ("1", "1"),
        ("1.0", "1"),
        ("-0.0", "-0"),
        ("1.50", "1.5"),
        ("0.1", "0.1"),
        ("0.10000000000000001", "0.1"),
        ("1e2", "100"),
        ("1234567890123456.0", "1234567890123456"),
        ("12345678901234567890123", "12345678901234567890123"),
        ("9" * 5000, "9" * 5000),
        ("1e300", "1e+300"),
        ("1e999", "inf"),
        ("Infinity", "inf"),
        ("NaN", None),
        ("null", None),
        ('""', None),
        ("true", "true"),
        ("false", "false"),
        ('"NA"', "NA"),
        ('" "', " "),
        ('"a\\nb\\u0000"', "a\nb\0"),
        ('"\\ud834\\udd1e"', "𝄞"),
    ],
)
def test_a_value_is_told_as_text(literal: str, cell: str | None) -> None:
    assert rows("a.jsonl", f'{{"a":{literal}}}'.encode()) == [(cell,)]


def test_a_column_may_hold_values_of_all_kinds() -> None:
    content = b'{"a":1.5}\n{"a":true}\n{"a":"x"}\n{"a":2}\n{"a":null}\n{}\n{"a":NaN}\n'
    assert rows("a.jsonl", content) == [("1.5",), ("true",), ("x",), ("2",), (None,), (None,), (None,)]


def test_fractions_are_written_as_the_models_other_files_write_them() -> None:
    assert rows("a.jsonl", b'{"a":1.5,"b":"1.5"}', decimal=",") == [("1,5", "1.5")]


def test_columns_are_those_of_the_first_thousand_lines_in_order() -> None:
    found = opened("a.jsonl", b'{"b":1}\n' * 998 + b'{" a ":1, "b":2}\n{"c":[]}\n')
    assert found.columns == ("b", "a")
    assert found.facts == {"format": "jsonl", "compression": "none", "encoding": "utf-8"}
    table, numbers, malformed = taken(found)
    assert (len(numbers), [each.code for each in malformed]) == (999, ["nested"])
    assert cells(table)[-1] == ("2", "1")


def test_two_names_that_differ_by_blanks_are_one_too_many() -> None:
    with pytest.raises(Invalid, match="more than one column named 'a'"):
        opened("a.jsonl", b'{"a":1}\n{" a":1}\n')


@pytest.mark.parametrize(
    ("line", "code", "detail"),
    [
        ('{"a":1,"b":2}', "new_key", "'b'"),
        ('{"a":[1]}', "nested", "'a'"),
        ('{"a":{}}', "nested", "'a'"),
        ('{"a":' + "[" * 100_000, "nested", "deep"),
        ('{"a":1,"a":1}', "duplicate_key", "'a'"),
        ('{"a":1', "not_json", "character 7"),
        ("  x", "not_json", "character"),
        ("{'a':1}", "not_json", "character 2"),
        ('{"a":1}{"a":2}', "not_json", "the second at character 8"),
        ('{"a":1},', "not_json", "the second at character 8"),
        ('{"a":"\t"}', "not_json", "Invalid control character"),
        ('[{"a":1}]', "not_an_object", "one object"),
        ("1", "not_an_object", "one object"),
        ('"a"', "not_an_object", "one object"),
        ("null", "not_an_object", "one object"),
        ('{"a":"\\ud834"}', "not_text", "surrogate"),
        ('{"\\udd1e":1}', "not_text", "surrogate"),
    ],
)
def test_a_line_that_is_no_row_is_kept_as_malformed(line: str, code: str, detail: str) -> None:
    # given
    content = '{"a":"first"}\n' * 1500 + f"{line}\n\n" + '{"a":"last"}\n'
    # when
    table, numbers, malformed = taken(opened("a.jsonl", content.encode()))
    # then
    assert [(each.row, each.code, each.text) for each in malformed] == [(1501, code, line[:2000])]
    assert detail in malformed[0].detail
    assert (cells(table)[-1], numbers[-1], len(numbers)) == (("last",), 1502, 1501)


@pytest.mark.parametrize(
    "lines",
    [
        ['{"a":1},0,{"a":2}', '{"a":[3', "4]}"],
        ['{"a":1},0,{"a":2}', '{"a":3', '"a":4}'],
        ['{"a":1},0,{"a":2},0,{"a":3}'],
        ["0", "0"],
        ['{"a":1}],[', '{"a":1}'],
        ['{"a":"', '"}'],
    ],
)
def test_lines_that_make_rows_only_together_are_none(lines: list[str]) -> None:
    whole = ['{"a":"whole"}'] * 2
    _, numbers, malformed = taken(opened("a.jsonl", "\n".join([*whole, *lines, *whole]).encode()))
    good = [at for at, line in enumerate(lines, 3) if line == '{"a":1}']
    assert numbers == [1, 2, *good, len(lines) + 3, len(lines) + 4]
    assert [each.text for each in malformed] == [line for line in lines if line != '{"a":1}']


def test_malformed_lines_among_the_first_are_passed_over() -> None:
    table, numbers, malformed = taken(opened("a.jsonl", b'no\n{"z":[1]}\n{"a":1}\n'))
    assert (cells(table), numbers) == ([("1",)], [3])
    assert [(each.row, each.code) for each in malformed] == [(1, "not_json"), (2, "nested")]


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\n\n", "\n \t\n"])
def test_blank_lines_are_no_rows(line_end: str) -> None:
    content = line_end.join(["", ' {"a":1} ', '{"a":2}', '\t{"a":3}', ""])
    table, numbers, malformed = taken(opened("a.jsonl", content.encode()))
    assert (cells(table), numbers, malformed) == ([("1",), ("2",), ("3",)], [1, 2, 3], [])


def test_keys_may_come_in_any_order_and_stay_away() -> None:
    content = b'{"a":1,"b":2}\n{"b":3,"a":4}\n{"b":5}\n{}\n'
    assert rows("a.jsonl", content) == [("1", "2"), ("4", "3"), (None, "5"), (None, None)]


@pytest.mark.parametrize("content", [b"{}", b"{}\n{}\n"])
def test_objects_without_keys_have_no_columns(content: bytes) -> None:
    with pytest.raises(Invalid, match=r"a\.jsonl has no columns"):
        opened("a.jsonl", content)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        # a pretty-printed array: its lines are objects, but for the commas
        (b"[\n" + b'  {"a":1},\n' * 3 + b"]", r"\(the first: not_json, .*: \[\)\. Write one object per line"),
        (b"1\n2\n", "none of its first 2 lines is a JSON object"),
        (b"a,b\n1,2\n", "not_json"),
        (b'{"a":[1]}', "nested, 'a' holds more than one value"),
        (b"\n \n\r\n", "holds blank lines alone"),
    ],
)
def test_a_file_of_anything_else_is_invalid(content: bytes, words: str) -> None:
    with pytest.raises(Invalid, match=words):
        opened("a.jsonl", content)


def test_a_line_without_end_is_invalid(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_jsonl, "CHUNK_BYTES", 1 << 20)
    content = b'{"a":1}\n{"a":"' + b"x" * (9 << 20) + b'"}\n'
    with pytest.raises(Invalid, match=r"a\.jsonl: a line is longer than 1 MiB"):
        read_all("a.jsonl", content)


def test_chunks_are_of_a_size() -> None:
    many = [len(chunk.rows) for chunk in opened("a.jsonl", b'{"a":1}\n' * 150_000).chunks]
    assert many == [CHUNK_ROWS, CHUNK_ROWS, 150_000 - 2 * CHUNK_ROWS]
    wide = list(
        opened("a.jsonl", b'{"a":"' + b"x" * 100_000 + b'"}\n' + b'{"a":"' + b"y" * (7 << 20) + b'"}\n' * 5).chunks
    )
    assert max(chunk.rows.nbytes for chunk in wide) <= 1.5 * CHUNK_BYTES


def test_a_chunk_of_malformed_lines_alone_has_the_same_columns() -> None:
    chunks = list(opened("a.jsonl", b'{"a":1}\n' * CHUNK_ROWS + b"no\n").chunks)
    assert (len(chunks[1].rows), chunks[1].rows.schema) == (0, chunks[0].rows.schema)
    assert chunks[1].malformed == (Malformed(CHUNK_ROWS + 1, "not_json", "no", "Expecting value at character 1"),)
