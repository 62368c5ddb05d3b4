"""Findings are added up over chunks, with a few different examples each."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from gyre.datasets.findings import Findings
from gyre.datasets.report import MOST_EXAMPLES, Finding


def where(*truths: int) -> np.ndarray:
    return np.array(truths, dtype=bool)


def cells(*texts: str | None) -> pa.Array:
    return pa.array(texts, pa.string())


def examples(findings: Findings) -> Sequence[str]:
    return findings.found()[0].examples


def test_nothing_found_is_no_finding() -> None:
    findings = Findings()
    findings.add("type", "fail", where(), column="x", cells=cells())
    findings.add("type", "fail", where(0, 0), column="x", cells=cells("a", "b"))
    assert (findings.found(), findings.failing()) == ((), ())


def test_counts_of_one_check_add_up_over_chunks() -> None:
    findings = Findings()
    findings.add("type", "reject", where(1, 0, 1), column="x", cells=cells("a", "b", "c"))
    findings.add("type", "reject", where(1, 1), column="x", cells=cells("c", "d"))
    assert findings.found() == (Finding("type", "reject", 4, "x", ("a", "c", "d")),)


def test_code_action_and_column_tell_findings_apart_and_the_most_frequent_come_first() -> None:
    findings = Findings()
    findings.add("type", "reject", where(1), column="x")
    findings.add("type", "flag", where(1, 1), column="x")
    findings.add("type", "reject", where(1, 1, 1), column="y")
    findings.add("range", "reject", where(1, 1, 1, 1))
    found = findings.found()
    assert [(each.code, each.action, each.column, each.count) for each in found] == [
        ("range", "reject", None, 4), ("type", "reject", "y", 3), ("type", "flag", "x", 2), ("type", "reject", "x", 1),
    ]  # fmt: skip
    assert all(each.examples == () for each in found)


def test_examples_are_the_first_different_ones() -> None:
    findings = Findings()
    findings.add("type", "reject", where(1, 1, 1, 0, 1), cells=cells("b", "b", "a", "right", "b"))
    findings.add("type", "reject", np.ones(9, bool), cells=cells(*"abcdefghi"))
    assert examples(findings) == ("b", "a", "c", "d", "e")
    assert len(examples(findings)) == MOST_EXAMPLES


def test_long_examples_are_cut() -> None:
    findings = Findings()
    findings.add("length", "reject", where(1, 1), cells=cells("ä" * 500, "ä" * 499))
    assert examples(findings) == ("ä" * 80,)


def test_where_nothing_stands_there_is_nothing_to_show() -> None:
    findings = Findings()
    findings.add("required", "reject", where(1, 1, 1), column="x", cells=cells(None, "NA", None))
    assert findings.found() == (Finding("required", "reject", 3, "x", ("NA",)),)


def test_a_chunk_with_many_equal_texts_is_not_searched_to_its_end() -> None:
    # Given a chunk in which the second text comes late
    findings = Findings()
    findings.add("type", "reject", np.ones(60_000, bool), cells=cells(*["a"] * 59_999, "b"))
    # Then all are counted
    assert findings.found() == (Finding("type", "reject", 60_000, None, ("a",)),)


def test_those_that_refuse_the_upload_are_told_apart() -> None:
    findings = Findings()
    findings.add("type", "fail", where(1), column="x", cells=cells("?"))
    findings.add("range", "reject", where(1, 1), column="x")
    assert findings.failing() == (Finding("type", "fail", 1, "x", ("?",)),)
