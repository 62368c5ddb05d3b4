"""The page says what the report says, holds nothing that runs, and stays small however wide the data."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gyre.datasets.report import Alert, Bar, ColumnProfile, Finding, Report, RowCounts
from gyre.datasets.report_page import report_page
from gyre.datasets.report_parts import figure, number, share

EVIL = "<script>alert('x')</script>\"&'"
VOID = {"meta", "br", "hr", "img", "link", "input"}

AGE = ColumnProfile(
    "age", "integer", 950, 50, 61, False, 18, 99, 43.8271, 15.1951, (33.0, 43.0, 54.0),
    tuple(Bar(f"{low} - {low + 9}", low) for low in range(10, 100, 10)),
)  # fmt: skip
CITY = ColumnProfile(
    "city", "category", 950, 0, 10_000, True, bars=(*(Bar(f"City {n}", 90 - n) for n in range(20)), Bar("others", 40))
)
REPORT = Report(
    model="churn", run="r-1", upload="inbox/churn/a.csv", outcome="accepted", at="2026-10-21T09:14:07Z", seconds=75.2,
    size=48_113_920, sha256="9f86d0", spec_version=4, dataset_version=12, facts={"encoding": "utf-8"},
    rows=RowCounts(1_000, 950, 30, 20, 7, 3),
    findings=(Finding("range", "reject", 30, "age", ("-1", "999")), Finding("adults", "flag", 7)),
    alerts=(Alert("missing", "half of it is gone"),),
    unknown_columns=("note",), absent_columns=("region",), columns=(AGE, CITY),
)  # fmt: skip


class Reader(HTMLParser):
    """Reads a page as strictly as XML, and keeps what tests ask for."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs), f"<{tag}> has an attribute twice"
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] != ["style"]:
            self.text += data


def test_the_verdict_comes_first() -> None:
    text = Reader(report_page(REPORT)).text
    assert (
        text.index("Taken as version 12") < text.index("inbox/churn/a.csv") < text.index("Where 1\u202f000 rows went")
    )
    assert "950 of 1\u202f000 rows were taken. 1 alert to look at." in text


def test_a_refused_upload_says_why_and_that_nothing_was_taken() -> None:
    refused = replace(REPORT, outcome="refused", dataset_version=None, reason="Too many rows are rejected.")
    text = Reader(report_page(refused)).text
    assert "Refused" in text and "Too many rows are rejected." in text and "Nothing of it was taken." in text
    assert "passed the checks, not taken" in text and "accepted" not in text


def test_everything_of_the_report_can_be_read() -> None:
    text = Reader(report_page(REPORT)).text
    for told in (
        "rejected, in quarantine", "95.0\u202f%", "3.0\u202f%", "2.0\u202f%", "7 (0.7\u202f%) are flagged",
        "outside the range", "row rejected", "-1", "999", "adults", "kept and flagged", "half of it is gone", "note",
        "region", "50 (5.3\u202f%)", "33 to 54", "43.827", "City 0", "all others", "more than 10\u202f000",
        "48.1\u202fMB", "1 min 15 s", "2026-10-21T09:14:07Z", "utf-8",
    ):  # fmt: skip
        assert told in text, told


def test_the_page_runs_and_fetches_nothing() -> None:
    page = report_page(REPORT)
    tags = Reader(page).tags
    assert not {"script", "link", "img", "iframe", "a", "form", "object"} & {tag for tag, _ in tags}
    assert not re.search(r"https?:|@import|url\((?!#)", page)
    assert not [name for _, attributes in tags for name in attributes if name.startswith("on") or name == "style"]


def test_pictures_have_words_and_headings_have_their_scope() -> None:
    tags = Reader(report_page(REPORT)).tags
    assert ("html", {"lang": "en"}) in tags
    for tag, attributes in tags:
        if tag == "svg":
            said = attributes.get("role") == "img" and attributes.get("aria-label")
            assert said or attributes.get("aria-hidden") == "true"
        if tag == "th":
            assert attributes["scope"] in ("row", "col")


def evil_report() -> Report:
    column = ColumnProfile(EVIL, EVIL, 10, 1, 3, minimum=EVIL, maximum=EVIL, bars=(Bar(EVIL, 5), Bar(EVIL, 4)))
    many = replace(column, type="number", bars=tuple(Bar(EVIL, n) for n in range(9)))
    return Report(
        EVIL, EVIL, EVIL, "refused", EVIL, 1.0, 1, EVIL, reason=EVIL, facts={EVIL: EVIL}, rows=RowCounts(10, 9, 1),
        findings=(Finding(EVIL, "reject", 3, EVIL, (EVIL, EVIL)),), alerts=(Alert(EVIL, EVIL),),
        unknown_columns=(EVIL,), absent_columns=(EVIL,),
        columns=(column, many, replace(column, type="time"), replace(column, type="category")),
    )  # fmt: skip


def test_what_came_from_the_data_is_text_and_nothing_else() -> None:
    page = report_page(evil_report())
    read = Reader(page)
    assert "<script" not in page and "script" not in {tag for tag, _ in read.tags}
    assert read.text.count(EVIL) >= 14
    assert not [name for _, attributes in read.tags for name in attributes if "alert" in name]


@given(st.text(max_size=200))
def test_every_text_makes_a_sound_page(text: str) -> None:
    column = ColumnProfile(text, "category", 5, 0, 1, bars=(Bar(text, 5),))
    found = (Finding("type", "drop", 1, text, (text,)),)
    page = report_page(replace(REPORT, upload=text, reason=text, findings=found, columns=(column,)))
    Reader(page)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\u202a-\u202e]", page)
    page.encode()


def column_of(name: str) -> ColumnProfile:
    return replace(
        CITY, name=name, minimum=1.5, maximum=2.5, mean=2.0, deviation=0.25, quartiles=(1.1, 2.2, 3.3),
        bars=tuple(Bar(f"a category of some length, {n}", 1_000_000 - n) for n in range(21)),
    )  # fmt: skip


def test_fifty_columns_make_a_small_page() -> None:
    half = tuple(column_of(f"column {n}") for n in range(25))
    bars = tuple(Bar(f"{n}000000 - {n + 1}000000", 1_000_000 - n) for n in range(20))
    upright = tuple(replace(each, type="number", bars=bars) for each in half)
    assert len(report_page(replace(REPORT, columns=half + upright)).encode()) < 150_000


@pytest.mark.parametrize("letter", ["x", "&", "\u20ac", '"'])
def test_two_thousand_columns_stay_below_a_megabyte(letter: str) -> None:
    # given names, values and examples as long and as costly to escape as they can be
    long = letter * 400
    column = replace(column_of(long), bars=tuple(Bar(long, 10_000 - n) for n in range(21)))
    wide = replace(
        REPORT, columns=(column,) * 2_000, unknown_columns=(long,) * 2_000, absent_columns=(long,) * 2_000,
        findings=(Finding("range", "reject", 5, long, (long,) * 5),) * 6_000, alerts=(Alert(long, long),) * 2_000,
        reason=long * 100, outcome="refused",
    )  # fmt: skip
    page = report_page(wide)
    # then the rest is counted, not shown
    assert len(page.encode()) < 1_000_000
    text = Reader(page).text
    assert "2\u202f000 columns" in text and "1\u202f900 more columns are described in the JSON." in text
    assert "5\u202f850 rarer findings stand in the JSON." in text and "and 1\u202f900 more" in text


def test_personal_columns_show_counts_alone() -> None:
    text = Reader(report_page(replace(REPORT, columns=(ColumnProfile("email", "text", 950, 0, 950),)))).text
    assert "email" in text and "Counts only" in text


def test_an_empty_report_is_a_page_too() -> None:
    text = Reader(report_page(Report("m", "r", "u", "refused", "now", 0.0, 0))).text
    assert "No row was read." in text and "No check was broken." in text and "No reason was kept." in text


def test_a_part_that_is_there_can_be_seen() -> None:
    rows = RowCounts(1_000_000, 999_999, 1)
    stacks = [at for at, (_, each) in enumerate(Reader(report_page(replace(REPORT, rows=rows))).tags)
              if each.get("class") == "stack"]  # fmt: skip
    tags = Reader(report_page(replace(REPORT, rows=rows))).tags
    drawn = [each for tag, each in tags[stacks[0] + 1 : stacks[0] + 3] if tag == "rect"]
    assert len(drawn) == 2 and float(str(drawn[1]["width"]).rstrip("%")) > 0.3


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"), (1_234_567, "1\u202f234\u202f567"), (12_345.678, "12\u202f346"), (1_234.5678, "1\u202f234.6"),
        (0.00012345, "0.00012345"), (1e-9, "1e\u221209"), (-3.5, "\u22123.5"), (7.0, "7"), (1e300, "1e+300"),
        (99_999.96, "100\u202f000"), ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z"), (None, "none"),
    ],
)  # fmt: skip
def test_figures_are_written_as_people_write_them(value: Any, text: str) -> None:
    assert figure(value) == text


@given(st.integers(0, 10**9), st.integers(1, 10**9))
def test_a_share_says_none_and_all_only_where_it_is_so(part: int, more: int) -> None:
    whole = part + more
    assert share(whole, whole) == "100\u202f%" and (share(part, whole) == "0\u202f%") == (part == 0)
    assert not share(part, whole).startswith("100") and number(whole).replace("\u202f", "") == str(whole)
