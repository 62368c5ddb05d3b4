"""Nothing in a report runs; whatever came from data is text; it stays small, and can be read by everybody."""

import re
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gyre.monitoring.found import (
    Performance,
    Performances,
    Univariate,
)
from gyre.monitoring.report.page import report, summary
from tests.unit.datasets.test_report_page import EVIL, Reader
from tests.unit.monitoring.report_looks import (
    HISTORY,
    evil_look,
    page_of,
    pictures,
    points,
    rich_look,
    wide_look,
)

THIN = "\u202f"
LONG = "an_extremely_long_name_" * 40
NAMES = (EVIL, LONG, "été Ω 数据", "شماره \u202eمشتری", "👩‍👩‍👧 🚀", "", "a\x00b\ud800\uffff", "]]>--><!--")


def test_the_page_runs_and_fetches_nothing() -> None:
    page = page_of(rich_look())
    tags = Reader(page).tags
    assert not {"script", "link", "img", "iframe", "form", "object", "image"} & {tag for tag, _ in tags}
    assert re.findall(r"https?://[^\"<]*", page) == ["https://gyre.example/models/obesity/versions/3"]
    assert not re.search(r"@import|url\((?!#)", page)
    assert not [name for _, attributes in tags for name in attributes if name.startswith("on") or name == "style"]
    assert "default-src 'none'" in page


@pytest.mark.parametrize(
    "to",
    ["javascript:alert(1)", "data:text/html,x", "//evil.example/", "s3://bucket/key", "https://a b", 'https://"x', ""],
)
def test_a_link_leads_to_pages_alone(to: str) -> None:
    page = report(rich_look(), links={"there": to}).decode()
    assert "<a " not in page and "there" in page


def sound(page: str) -> Reader:
    """A page that every reader reads alike."""
    read = Reader(page)
    assert "script" not in {tag for tag, _ in read.tags} and "<script" not in page
    assert not re.search(r"[\x00-\x09\x0b-\x1f\u061c\u202a-\u202e\u2066-\u2069\ufffe\uffff]", page)
    assert len(pictures(page)) == sum(tag == "svg" for tag, _ in read.tags)
    return read


@pytest.mark.parametrize("name", NAMES)
def test_what_came_from_the_data_is_text_and_nothing_else(name: str) -> None:
    told = name.replace("\ud800", "")  # no value of ours holds one; a sentence of a caller may
    page = report(evil_look(told), HISTORY, (name, name), {name: name, "b": f"https://x/{told}"}).decode()
    read = sound(page)
    assert not [attribute for _, attributes in read.tags for attribute in attributes if "alert" in attribute]
    if name == EVIL:
        assert read.text.count(EVIL) >= 18
    assert len(page.encode()) < 60_000


@given(st.text(max_size=120), st.text(max_size=60))
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
def test_every_text_makes_a_sound_page(name: str, other: str) -> None:
    look = evil_look(name)
    sound(report(look, (), (other, name), {other: name}).decode())
    line = summary(look)
    assert "\n" not in line and len(line) <= 480 and line.encode()


@pytest.mark.parametrize(("columns", "most"), [(200, 400_000), (2_000, 400_000)])
def test_a_wide_look_is_a_small_page_that_says_what_is_left_out(columns: int, most: int) -> None:
    page = page_of(wide_look(columns))
    assert len(page.encode()) < most
    text = Reader(page).text
    assert page.count('<article class="card"><h3><code>') == 12
    assert f"{columns - 12:,} more that moved".replace(",", THIN) in text
    assert f"{columns - 30:,} more findings stand in the JSON.".replace(",", THIN) in text
    assert ("1\u202f800 more columns stand in the JSON." in text) == (columns == 2_000)


def test_the_worst_names_and_the_longest_courses_stay_below_a_megabyte() -> None:
    long = wide_look(2_000, "<&\"'" * 60)
    drifts = tuple(
        each.model_copy(update={"points": points([0.1] * 1_000)}) for each in long.univariate.drifts[:40]  # type: ignore[union-attr]
    )  # fmt: skip
    figures = tuple(
        Performance(metric=f"m{at}", how=how, by="labels", expected=0.9, value=0.8, points=points([0.8] * 1_000, 0.1))
        for at in range(30)
        for how in ("estimated", "realised")
    )  # fmt: skip
    look = long.model_copy(update={
        "univariate": Univariate(drifts=drifts * 50, level=0.004), "performance": Performances(figures=figures),
    })  # fmt: skip
    assert len(page_of(look).encode()) < 1_000_000


def variables(page: str) -> Iterator[dict[str, str]]:
    """The page's colours: in light, and in dark."""
    css = page.partition("<style>")[2].partition("</style>")[0]
    light: dict[str, str] = {}
    dark: dict[str, str] = {}
    for before, block in re.findall(r"(prefers-color-scheme:dark\)\{)?:root\{(.*?)\}", css, re.S):
        if "--page:#fff;--text:#000" not in block:
            (dark if before else light).update(re.findall(r"--([\w-]+):(#\w+)", block))
    yield light
    yield light | dark


def contrast(one: str, other: str) -> float:
    """As WCAG 2 defines it."""

    def luminance(colour: str) -> float:
        digits = colour[1:] if len(colour) == 7 else "".join(2 * each for each in colour[1:])
        parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def test_texts_are_told_from_their_ground_in_light_and_in_dark() -> None:
    assert contrast("#000", "#ffffff") == pytest.approx(21)
    schemes = list(variables(page_of(rich_look())))
    assert schemes[0]["page"] != schemes[1]["page"]
    for colours in schemes:
        pairs = [(ink, "page") for ink in ("text", "soft", "good", "warn", "bad", "bar")]
        pairs += [("text", f"tint-{each}") for each in ("ok", "warn", "alert", "unknown")] + [("text", "card")]
        pairs += [("good", "tint-ok"), ("warn", "tint-warn"), ("bad", "tint-alert"), ("soft", "tint-unknown")]
        for ink, ground in pairs:
            assert contrast(colours[ink], colours[ground]) >= 4.5, (ink, ground)
        for shape in ("good", "warn", "bad"):
            assert contrast(colours["on"], colours[shape]) >= 4.5, shape
        assert contrast(colours["real"], colours["page"]) >= 3
        assert contrast(colours["then"], colours["bar"]) >= 1.7  # they differ in form as well


def test_every_colour_that_is_used_is_declared() -> None:
    css = page_of(rich_look()).partition("<style>")[2].partition("</style>")[0]
    declared = set(re.findall(r"(--[\w-]+):", css))
    used = set(re.findall(r"var\((--[\w-]+)\)", css))
    assert used <= declared and {"--level", "--then", "--bad"} <= used
