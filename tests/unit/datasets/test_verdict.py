"""Whether an upload is taken as a whole, and what a person should look at."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from gyre.datasets.report import Alert, ColumnProfile, Finding, Report, RowCounts
from gyre.datasets.verdict import absent_columns, alerts_of, check_names, refuse
from gyre.errors import Invalid
from gyre.spec.model import ModelSpec

REPORT = Report("m", "run-1", "inbox/m/a.csv", "refused", "2026-11-21T09:00:00+00:00", 0.1, 100)


def spec(columns: Mapping[str, Any] | None = None, **quality: Any) -> ModelSpec:
    told = {"x": {"type": "number"}, "y": {"type": "boolean"}} if columns is None else columns
    return ModelSpec.model_validate(
        {"model": "m", "task": "binary", "target": "y", "columns": told, "quality": quality}
    )


def report(**facts: Any) -> Report:
    return replace(REPORT, **facts)


# --- columns


def test_optional_columns_may_be_absent_and_are_told() -> None:
    of = spec({name: {"type": "number"} for name in "abc"} | {"y": {"type": "boolean"}})
    assert absent_columns(of, ["y", "c", "extra"]) == ("a", "b")
    assert absent_columns(of, ["extra", "c", "y", "b", "a"]) == ()


@pytest.mark.parametrize(
    ("there", "lacks"), [(["x", "r"], "lacks y. It"), (["x", "y"], "lacks r. It"), (["x"], "lacks r, y. It")]
)
def test_target_and_required_columns_must_be_there(there: list[str], lacks: str) -> None:
    of = spec({"x": {"type": "number"}, "r": {"type": "number", "required": True}, "y": {"type": "boolean"}})
    with pytest.raises(Invalid, match=lacks) as refused:
        absent_columns(of, there)
    assert refused.value.field == "columns"
    assert ", ".join(there) in refused.value.message


def test_names_are_told_in_a_limited_number_and_cannot_break_the_line() -> None:
    with pytest.raises(Invalid) as refused:
        absent_columns(spec(), ["a\u202eb", *(f"c{at}" for at in range(2000))])
    assert "and 1989 more" in refused.value.message
    assert "\u202e" not in refused.value.message
    assert len(refused.value.message) < 500


def test_the_words_for_one_column_are_right() -> None:
    with pytest.raises(Invalid, match="It has 1 column: a;b;c"):
        absent_columns(spec(), ["a;b;c"])


@pytest.mark.parametrize("names", [("age", "Age"), ("a", "b", "A"), ("Ä", "ä"), ("x", "X", "y", "Y")])
def test_names_that_differ_in_capitals_alone_are_refused(names: tuple[str, ...]) -> None:
    with pytest.raises(Invalid, match="capitals") as refused:
        check_names(names)
    assert refused.value.field == "columns"
    assert names[0] in refused.value.message


def test_other_names_are_fine() -> None:
    check_names(["a", "b", "a b", "ab", "A_b"])


# --- limits


def test_an_upload_within_its_limits_is_not_refused() -> None:
    refuse(spec(rejected=0.2), report(rows=RowCounts(read=12, accepted=8, rejected=2, filtered=2)), ())


@pytest.mark.parametrize(("rejected", "is_refused"), [(0, False), (20, False), (21, True), (100, True)])
def test_a_share_of_rejected_rows_above_the_limit_refuses(rejected: int, is_refused: bool) -> None:
    # Given so many of a hundred rows, where 20 % is the limit
    told = report(
        rows=RowCounts(read=1100, accepted=100 - rejected, rejected=rejected, filtered=1000),
        findings=(Finding("type", "reject", rejected, "x"), Finding("range", "flag", 7, "x")),
    )
    # When and then
    if not is_refused:
        refuse(spec(), told, ())
        return
    with pytest.raises(
        Invalid, match=rf"{rejected} of 100 rows are rejected \({rejected}.0%\).*type of x: {rejected}\."
    ) as no:
        refuse(spec(), told, ())
    assert no.value.field == "quality.rejected"
    assert "range" not in no.value.message


def test_a_limit_of_nothing_and_of_everything() -> None:
    some = report(rows=RowCounts(read=1000, accepted=999, rejected=1))
    with pytest.raises(Invalid):
        refuse(spec(rejected=0), some, ())
    refuse(spec(rejected=1), report(rows=RowCounts(read=1000, accepted=1, rejected=999)), ())


@pytest.mark.parametrize(
    "rows",
    [
        RowCounts(),
        RowCounts(read=5, filtered=5),
        RowCounts(read=4, accepted=4),
        RowCounts(read=9, accepted=4, filtered=5),
    ],
)
def test_too_few_accepted_rows_refuse(rows: RowCounts) -> None:
    with pytest.raises(Invalid, match=f"{rows.accepted} of {rows.read} rows are left, and 5 are the least") as refused:
        refuse(spec(minimum_rows=5), report(rows=rows), ())
    assert refused.value.field == "quality.minimum_rows"


def test_nothing_is_accepted_even_if_all_may_be_rejected() -> None:
    with pytest.raises(Invalid, match="minimum_rows"):
        refuse(spec(rejected=1), report(rows=RowCounts(read=5, rejected=5)), ())


def test_a_check_that_fails_refuses_whatever_the_limits() -> None:
    failing = (Finding("type", "fail", 1, "x"), Finding("rule", "fail", 2000))
    with pytest.raises(Invalid, match="`fail`: type of x: 1 rows; rule: 2,000 rows"):
        refuse(spec(rejected=1), report(rows=RowCounts(read=3, accepted=3)), failing)


# --- alerts


def profile(name: str, count: int, missing: int) -> ColumnProfile:
    return ColumnProfile(name, "number", count, missing, 1)


def test_a_clean_report_has_no_alerts() -> None:
    told = report(
        rows=RowCounts(read=100, accepted=100, flagged=10), columns=(profile("x", 100, 50), profile("y", 0, 0))
    )
    assert alerts_of(spec(), told) == ()


def test_each_thing_to_look_at_is_one_alert() -> None:
    told = report(
        rows=RowCounts(read=100, accepted=100, flagged=11),
        unknown_columns=("z",),
        absent_columns=("x",),
        columns=(profile("x", 100, 100), profile("y", 100, 51)),
    )
    assert [each.code for each in alerts_of(spec(), told)] == [
        "unknown_columns",
        "absent_columns",
        "flagged",
        "missing",
    ]
    assert alerts_of(spec(), told)[-1] == Alert("missing", "51.0% of y is missing")
    assert "11.0%" in alerts_of(spec(), told)[2].message


def test_the_limits_of_alerts_are_those_of_the_spec() -> None:
    told = report(rows=RowCounts(read=100, accepted=100, flagged=1), columns=(profile("x", 100, 1),))
    assert [each.code for each in alerts_of(spec(flagged=0, missing=0), told)] == ["flagged", "missing"]
    assert alerts_of(spec(flagged=0.01, missing=0.01), told) == ()


def test_of_no_rows_there_are_no_shares() -> None:
    assert alerts_of(spec(flagged=0, missing=0), report()) == ()
