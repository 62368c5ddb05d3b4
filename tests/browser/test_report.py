"""The report of a look in a real browser: its colours stand where they should, nothing is cut, nothing is asked of any
network, on a wide screen, a narrow one, in the dark and on paper."""

import io
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image

from gyre.monitoring.found import Level, Look, Verdict
from gyre.monitoring.report.page import report
from tests.browser.chromium import Chromium, Page, living
from tests.unit.monitoring.report_looks import (
    DONE,
    HISTORY,
    LINKS,
    evil_look,
    quiet_look,
    rich_look,
    thin_look,
    wide_look,
)

pytestmark = pytest.mark.timeout(90)

Open = Callable[..., Page]
LONG = "an_extremely_long_name_" * 40
LOOKS: dict[str, Callable[[], Look]] = {
    "rich": rich_look, "quiet": quiet_look, "thin": thin_look, "wide": lambda: wide_look(200),
    "long names": lambda: evil_look(LONG), "markup": lambda: evil_look("<script>alert('x')</script>\"&'"),
    "right to left": lambda: evil_look("شماره \u202eمشتری " * 8), "emoji": lambda: evil_look("👩‍👩‍👧🚀" * 40),
}  # fmt: skip
# Border and ground of the banner, in light and in dark.
COLOURS: dict[Level, tuple[tuple[str, str], tuple[str, str]]] = {
    "ok": (("#1a7f5a", "#f0f8f4"), ("#48b98b", "#16291f")),
    "warn": (("#8a5a00", "#fbf3e2"), ("#e0b15c", "#2b2413")),
    "alert": (("#b3382c", "#fbecea"), ("#f0857a", "#321c1a")),
    "not enough data": (("#57606a", "#eef1f4"), ("#a4adb8", "#20262d")),
}


@pytest.fixture
def opened(chromium: Chromium, tmp_path: Path) -> Iterator[Open]:
    pages: list[Page] = []

    def opening(look: Look, width: int = 1280, **like: str) -> Page:
        file = tmp_path / f"report-{len(pages)}.html"
        file.write_bytes(report(look, HISTORY, DONE, LINKS))
        pages.append(chromium.open(file, width, like={name.replace("_", "-"): value for name, value in like.items()}))
        return pages[-1]

    yield opening
    for each in pages:
        each.close()


def colour_at(picture: bytes, x: float, y: float) -> str:
    red, green, blue = Image.open(io.BytesIO(picture)).convert("RGB").getpixel((int(x), int(y)))  # type: ignore[misc]
    return f"#{red:02x}{green:02x}{blue:02x}"


@pytest.mark.parametrize("level", COLOURS)
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (400, "light")])
def test_the_banner_has_the_colour_of_its_level(opened: Open, level: Level, width: int, scheme: str) -> None:
    # given
    look = rich_look().model_copy(update={"verdict": Verdict(level=level, findings=())})
    # when
    page = opened(look, width, prefers_color_scheme=scheme)
    picture = page.screenshot()
    # then
    left, top, right, bottom = page.value(
        "(r => [r.left, r.top, r.right, r.bottom])(document.querySelector('.banner').getBoundingClientRect())"
    )
    assert top < 60 and left >= 0 and right <= width and bottom - top > 60
    border, ground = COLOURS[level][scheme == "dark"]
    assert colour_at(picture, left + 3, (top + bottom) / 2) == border
    assert colour_at(picture, right - 6, bottom - 6) == ground


@pytest.mark.parametrize("name", LOOKS)
@pytest.mark.parametrize("width", [1280, 400])
def test_the_page_is_as_wide_as_its_window_complains_of_nothing_and_asks_for_nothing(
    opened: Open, name: str, width: int
) -> None:
    page = opened(LOOKS[name](), width)
    assert page.value("innerWidth") == width
    assert page.value("document.documentElement.scrollWidth") <= width
    cut = page.value(
        "[...document.querySelectorAll('.card, .banner, .facts, .told li, .done, .strip li, .read')]"
        ".filter(e => e.scrollWidth > e.clientWidth + 1).map(e => e.className + ' ' + e.textContent.slice(0, 60))"
    )
    assert cut == []
    assert page.complaints == []
    assert [each.partition("?")[0].rpartition("/")[2] for each in page.requests] == ["report-0.html"]


def test_a_page_that_did_complain_or_ask_would_be_noticed(chromium: Chromium, tmp_path: Path) -> None:
    # given
    file = tmp_path / "bad.html"
    file.write_text(
        '<!doctype html><img src="http://gyre.invalid/x.png"><p style="width:900px">wide</p>'
        "<script>console.error('so bad')</script>"
    )
    # when
    page = chromium.open(file, 400)
    # then
    assert any("so bad" in each for each in page.complaints)
    assert "http://gyre.invalid/x.png" in page.requests
    assert page.value("document.documentElement.scrollWidth") > 400
    page.close()


def test_pictures_are_drawn_and_their_letters_can_be_read_on_a_narrow_screen(opened: Open) -> None:
    page = opened(rich_look(), 400)
    assert page.value("document.querySelectorAll('article.card').length") == 6
    sizes = page.value(
        "[...document.querySelectorAll('svg.spread, svg.spark, svg.course')].map(e => e.getBoundingClientRect())"
        ".map(r => [r.width, r.height])"
    )
    assert len(sizes) == 9 and all(width > 250 and height > 40 for width, height in sizes)
    smallest = page.value(
        "Math.min(...[...document.querySelectorAll('svg text')].map(e => e.getScreenCTM().a * "
        "parseFloat(getComputedStyle(e).fontSize)))"
    )
    assert smallest >= 10


def test_the_now_of_a_spread_is_painted_over_its_then(opened: Open) -> None:
    page = opened(rich_look())
    page.value("document.querySelector('svg.spread').scrollIntoView()")
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    left, top, right, bottom = page.value(
        "(r => [r.left, r.top, r.right, r.bottom])(document.querySelector('svg.spread').getBoundingClientRect())"
    )
    colours = {colour for _, colour in picture.crop((int(left), int(top), int(right), int(bottom))).getcolors(1 << 20)}
    assert {(0xB4, 0xBD, 0xC8), (0x2F, 0x6F, 0xB5)} <= colours


def test_a_screen_reader_is_told_every_picture_and_the_headings_in_their_order(opened: Open) -> None:
    nodes = opened(rich_look()).tree()
    by_role = {role: [each for each in nodes if each["role"]["value"] == role] for role in ("image", "heading", "link")}
    names = [each["name"]["value"] for each in by_role["image"]]
    assert len(names) == 9 and "How weight was spread then and now" in names and all(names)
    assert [each["name"]["value"] for each in by_role["heading"]][:3] == [
        "Alert",
        "What was found",
        "What was done about it",
    ]
    assert [each["name"]["value"] for each in by_role["link"]] == list(LINKS)


@pytest.mark.parametrize(("name", "most"), [("rich", 6), ("quiet", 3), ("thin", 1)])
def test_on_paper_it_takes_few_pages(opened: Open, name: str, most: int) -> None:
    pdf = opened(LOOKS[name](), prefers_color_scheme="dark").pdf()
    assert pdf.startswith(b"%PDF")
    assert 1 <= len(re.findall(rb"/Type\s*/Page\b", pdf)) <= most


def test_paper_is_white_cuts_no_picture_and_folds_no_column_away(opened: Open) -> None:
    page = opened(wide_look(200), prefers_color_scheme="dark")
    page.as_printed(prefers_color_scheme="dark")
    style = "getComputedStyle(document.querySelector('{}')).{}"
    assert page.value(style.format("body", "backgroundColor")) == "rgb(255, 255, 255)"
    assert page.value(style.format("body", "color")) == "rgb(0, 0, 0)"
    for each in (".card", ".banner", "figure", "tr", ".strip li"):
        assert page.value(style.format(each, "breakInside")) == "avoid", each
    shown = page.value("[...document.querySelectorAll('details table.columns tr')].map(e => e.checkVisibility())")
    assert len(shown) == 171 and all(shown)
    assert page.value("document.querySelector('details.held table').checkVisibility()") is False


def test_tables_scroll_in_a_box_of_their_own(opened: Open) -> None:
    page = opened(rich_look(), 400)
    boxes = page.value("[...document.querySelectorAll('.wide')].map(e => [e.clientWidth, e.scrollWidth])")
    assert any(inside > outside for outside, inside in boxes), "otherwise nothing would have to scroll"
    assert all(outside <= 400 for outside, _ in boxes)


def test_a_machine_without_a_browser_is_told_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="apt-get install chromium"):
        Chromium(tmp_path)


def test_a_closed_browser_leaves_no_process(tmp_path: Path) -> None:
    # given
    browser = Chromium(tmp_path)
    assert "Chrome" in browser.ask("Browser.getVersion")["product"]
    assert browser.id in living(browser.id)

    # when
    browser.close()

    # then
    assert living(browser.id) == []
