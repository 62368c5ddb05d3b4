"""A report as it is kept and found again."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gyre.datasets.report import Alert, Bar, ColumnProfile, Finding, Report, RowCounts, report_key, report_of
from gyre.errors import NotFound
from tests.fakes.objects import MemoryBucket

REPORT = Report(
    "m", "run-1", "inbox/m/ä.csv", "accepted", "2026-11-21T09:00:00+00:00", 0.25, 2**40, "0" * 64, 3, 7,
    facts={"format": "csv", "delimiter": "tab"},
    rows=RowCounts(10, 6, 3, 1, 2, 1),
    findings=(Finding("range", "clip", 1, "x", ("12", "'\"\\\u2028")), Finding("duplicate", "reject", 3)),
    alerts=(Alert("flagged", "20.0% of the rows are flagged"),),
    unknown_columns=("z",),
    absent_columns=("w",),
    columns=(ColumnProfile("x", "number", 6, 1, 5, False, 0.0, 9.5, 4.0, 2.5, (1.0, 4.0, 7.0), (Bar("0 to 5", 3),)),),
)  # fmt: skip


def told(report: Report) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(report.as_json())
    return found


def test_a_report_in_json_holds_all_of_it() -> None:
    found = told(REPORT)
    assert set(found) == set(Report.__dataclass_fields__)
    assert found["rows"] == {"read": 10, "accepted": 6, "rejected": 3, "filtered": 1, "flagged": 2, "changed": 1}
    assert found["findings"][0] == {
        "code": "range", "action": "clip", "count": 1, "column": "x", "examples": ["12", "'\"\\\u2028"],
    }  # fmt: skip
    assert found["columns"][0]["bars"] == [{"label": "0 to 5", "count": 3}]
    assert (found["reason"], found["size"], found["alerts"][0]["code"]) == (None, 2**40, "flagged")


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_whatever_the_data_holds_the_report_is_json(text: str) -> None:
    report = replace(REPORT, reason=text, findings=(Finding(text, "reject", 1, text, (text,)),), facts={text: text})
    found = told(report)
    assert (found["reason"], found["findings"][0]["examples"], found["facts"]) == (text, [text], {text: text})


def test_json_that_others_could_not_read_is_never_written() -> None:
    with pytest.raises(ValueError, match="JSON"):
        replace(REPORT, columns=(replace(REPORT.columns[0], mean=float("nan")),)).as_json()


def test_a_report_is_found_by_its_run() -> None:
    data = MemoryBucket()
    data.put(report_key("m", "run-1", "json"), b"{}")
    data.put(report_key("m", "run-1", "html"), b"<p>")
    assert (report_of("m", "run-1", "json", data), report_of("m", "run-1", "html", data)) == (b"{}", b"<p>")


def test_a_run_without_a_report_is_told_as_such() -> None:
    data = MemoryBucket()
    data.put(report_key("m", "run-1", "json"), b"{}")
    for model, run in (("m", "run-2"), ("n", "run-1")):
        with pytest.raises(NotFound, match=f"{run} has no report") as lacking:
            report_of(model, run, "json", data)
        assert lacking.value.field == "run"
