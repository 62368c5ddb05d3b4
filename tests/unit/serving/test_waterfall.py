"""The picture of an explanation: well-formed whatever stands in it, small, and its bars add up."""

import re
from math import inf, isclose, nan
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gyre.serving.waterfall import MOST, waterfall

SVG = "{http://www.w3.org/2000/svg}"
LARGEST = 20_000
# All that the picture is made of: nothing of it runs, and nothing of it is fetched.
TAGS = {"svg", "title", "desc", "style", "g", "text", "path", "circle"}
ATTRIBUTES = {"class", "role", "width", "height", "viewBox", "style", "x", "y", "d", "cx", "cy", "r"}

texts = st.one_of(st.text(max_size=60), st.text(min_size=1, max_size=3).map(lambda each: each * 2_000))
edges = st.sampled_from(
    [0.0, -0.0, 5e-324, -5e-324, 1e-300, 1.0, 1e16, 1e307, 1.7976931348623157e308, -1.7976931348623157e308]
)
figures = edges | st.floats(allow_nan=False, allow_infinity=False)
values = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), texts)
steps = st.lists(st.tuples(texts, values, figures), max_size=30)


def drawn(
    base: float, explanation: list[tuple[str, Any, float]], total: float | None = None, **more: Any
) -> ElementTree.Element:
    total = base + sum(each for *_, each in explanation) if total is None else total
    return ElementTree.fromstring(waterfall(base, explanation, total, **{"title": "Why", "unit": "log_odds", **more}))


def words(picture: ElementTree.Element) -> list[str]:
    return [plain(each.text) for each in picture.iter(f"{SVG}text")]


def plain(told: str | None) -> str:
    """With the sign that a keyboard has."""
    return (told or "").replace("\N{MINUS SIGN}", "-")


def bars(picture: ElementTree.Element) -> list[tuple[str, float, float]]:
    """Each bar's colour, and from where to where it goes."""
    found = []
    for path in picture.iter(f"{SVG}path"):
        if (kind := path.get("class")) in ("p", "n", "z"):
            told = path.get("d", "")
            places = [float(each) for each in re.findall(r"[MHL](-?[\d.]+)", told)]
            if "h" in told:  # a short one: its left side, and how wide it is
                wide = float(re.findall(r"h(-?[\d.]+)", told)[0])
                places = [places[0], places[0] + wide]
                places = places if kind == "p" else places[::-1]
            found.append((kind, places[0], places[2] if "L" in told else places[1]))
    return found


def marks(picture: ElementTree.Element) -> list[float]:
    return [float(each.get("cx", "")) for each in picture.iter(f"{SVG}circle")]


# --- what it tells ----------------------------------------------------------------------------------------------------


def test_the_largest_contributions_come_first_with_their_values() -> None:
    # given
    explanation = [("age", 23, -0.62), ("weight", 112.4, 2.31), ("smokes", False, 0.41), ("city", "Oslo", 0.0)]
    # when
    picture = drawn(-1.84, explanation)
    # then
    told = [[plain(text.text) for text in row.iter(f"{SVG}text")] for row in picture.iter(f"{SVG}g")]
    assert told == [
        ["base value", "-1.84"],
        ["weight", "112.4", "+2.31"],
        ["age", "23", "-0.62"],
        ["smokes", "false", "+0.41"],
        ["city", "Oslo", "0.00"],
        ["score", "0.26"],
    ]
    assert [kind for kind, *_ in bars(picture)] == ["p", "n", "p", "z"]


def test_small_ones_are_told_together() -> None:
    picture = drawn(0.0, [(f"f{at}", at, 1.0 / (at + 1)) for at in range(14)], most=10)
    assert "4 others" in words(picture)
    assert "f9" in words(picture) and "f10" not in words(picture)
    assert len(bars(picture)) == 11


def test_a_single_other_is_told_by_its_name() -> None:
    picture = drawn(0.0, [(f"f{at}", at, 1.0) for at in range(4)], most=3)
    assert "f3" in words(picture) and "1 others" not in words(picture)


def test_an_explanation_that_was_cut_still_leads_to_the_score() -> None:
    # given: the two largest of many
    picture = drawn(0.1, [("a", 1, 2.0), ("b", 2, 1.0)], total=4.0)
    # then
    assert "all others" in words(picture) and "+0.90" in words(picture)
    assert isclose(bars(picture)[-1][2], marks(picture)[1], abs_tol=0.11)


@pytest.mark.parametrize("rounding", [1e-7, -1e-7])
def test_rounding_is_no_other_feature(rounding: float) -> None:
    picture = drawn(250_000.0, [("rooms", 3, 12_000.0)], total=262_000.0 * (1 + rounding))
    assert "all others" not in words(picture)
    assert "262,000" in words(picture)


@pytest.mark.parametrize("nothing", [None, nan])
def test_a_missing_value_is_told(nothing: float | None) -> None:
    assert "missing" in words(drawn(0.0, [("age", nothing, 0.3)]))


@pytest.mark.parametrize(
    ("value", "told"),
    [(10**400, "1.00e+400"), (-3, "-3"), (1e-9, "1e-09"), (-0.5, "-0.5"), (True, "true"), (inf, "inf")],
)
def test_values_of_any_size_are_told(value: Any, told: str) -> None:
    assert told in words(drawn(0.0, [("a", value, 0.3)]))


def test_without_features_the_base_value_is_the_score() -> None:
    picture = drawn(0.5, [])
    assert bars(picture) == []
    assert marks(picture)[0] == marks(picture)[1]


def test_contributions_that_are_no_number_count_as_nothing() -> None:
    picture = drawn(nan, [("a", 1, inf), ("b", 1, nan), ("c", 1, 2.0)], total=2.0)
    assert [kind for kind, *_ in bars(picture)] == ["p", "z", "z"]


def test_it_is_told_in_words_to_those_who_hear_it() -> None:
    # when
    picture = drawn(0.5, [("age", 23, -0.25)], title="Why yes", unit="log_odds")
    # then
    assert picture.get("role") == "img"
    assert [each.tag for each in picture][:2] == [f"{SVG}title", f"{SVG}desc"]
    assert picture.findtext(f"{SVG}title") == "Why yes"
    assert plain(picture.findtext(f"{SVG}desc")) == "In log odds: base value 0.500; age (23) -0.250; score 0.250."


def test_who_points_at_a_short_text_is_told_more_of_it() -> None:
    told = [row.findtext(f"{SVG}title") for row in drawn(0.0, [("a" * 40, "b" * 40, 1.0)]).iter(f"{SVG}g")]
    assert told == [None, f"{'a' * 40}: {'b' * 40}", None]


# --- what comes from outside ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>", "</text></svg><script>alert(1)</script>", '" onload="alert(1)', "]]><b>",
        "&lt;b&gt; &amp; &#0;", "<!DOCTYPE x [<!ENTITY a 'b'>]>&a;", "</style><style>*{display:none}",
    ],
)  # fmt: skip
def test_no_text_becomes_markup(text: str) -> None:
    # when
    picture = drawn(0.0, [(text, text, 1.0)], title=text, unit=text)
    # then
    assert {each.tag.removeprefix(SVG) for each in picture.iter()} <= TAGS
    assert {name for each in picture.iter() for name in each.attrib} <= ATTRIBUTES
    assert (picture.findtext(f"{SVG}title") or "").startswith(text[:20])
    assert sum("url(" in (each.text or "") for each in picture.iter(f"{SVG}style")) == 0


@pytest.mark.parametrize("letter", ["\x00", "\x07", "\x1b", "\ufffe", "\uffff", "\ud800", "\u202e", "\u2067"])
def test_what_xml_or_a_reader_cannot_take_is_left_out(letter: str) -> None:
    told = waterfall(0, [(f"a{letter}b", f"c{letter}d", 1)], 1, title=f"t{letter}", unit=f"u{letter}")
    assert letter not in told
    assert told.encode()
    ElementTree.fromstring(told)


@settings(max_examples=200, deadline=None)
@given(
    base=figures, explanation=steps, total=figures, title=texts, unit=texts, most=st.integers(-2, 99)
)  # fmt: skip
def test_it_is_well_formed_and_small_whatever_comes(
    base: float, explanation: list[tuple[str, Any, float]], total: float, title: str, unit: str, most: int
) -> None:
    # when
    told = waterfall(base, explanation, total, title=title, unit=unit, most=most)
    # then
    assert len(told.encode()) < LARGEST
    picture = ElementTree.fromstring(told)
    assert len(bars(picture)) <= MOST + 2  # one more by its name, and what no one was told
    # and: all of it lies inside
    places = [*marks(picture), *(place for _, *ends in bars(picture) for place in ends)]
    assert all(320 <= place <= 640 for place in places)
    assert not re.search(r"\b(nan|inf)\b", "".join(path.get("d", "") for path in picture.iter(f"{SVG}path")))


@pytest.mark.parametrize("text", ["&" * 5_000, "<>&" * 2_000, "👩‍👩‍👧‍👦" * 800, "é" * 5_000, "W" * 5_000])
def test_the_largest_is_below_20_kb(text: str) -> None:
    explanation = [(text, text, (-1) ** at * (30 - at) * 1.23456789e-200) for at in range(30)]
    told = waterfall(-1.23456789e-199, explanation, 1e-199, title=text, unit=text, most=99)
    assert len(told.encode()) < LARGEST


# --- it adds up -------------------------------------------------------------------------------------------------------


small = st.floats(min_value=-1e6, max_value=1e6).filter(lambda each: each == 0 or abs(each) > 1e-6)


@settings(max_examples=200, deadline=None)
@given(base=small, contributions=st.lists(small, max_size=20), most=st.integers(min_value=1, max_value=12))
def test_each_bar_begins_where_the_one_before_ends(base: float, contributions: list[float], most: int) -> None:
    # when
    explanation = [(f"f{at}", at, each) for at, each in enumerate(contributions)]
    picture = drawn(base, explanation, most=most)
    # then
    start, score = marks(picture)
    place = start
    for _, begin, end in bars(picture):
        assert abs(begin - place) <= 1.61  # what is too short to be seen is drawn 1.5 wide
        place = end
    assert abs(place - score) <= 1.61
    assert abs(score - start) <= 320


@settings(max_examples=200, deadline=None)
@given(base=small, contributions=st.lists(small, min_size=1, max_size=11))
def test_a_bar_is_as_long_as_its_contribution_and_points_its_way(base: float, contributions: list[float]) -> None:
    # given
    explanation = [(f"f{at}", at, each) for at, each in enumerate(contributions)]
    # when
    found = bars(drawn(base, explanation))
    # then
    assert len(found) == len(contributions)
    largest = max(contributions, key=abs)
    scale = (found[0][2] - found[0][1]) / largest if largest and abs(found[0][2] - found[0][1]) > 20 else None
    for (kind, begin, end), each in zip(found, sorted(contributions, key=lambda each: -abs(each)), strict=True):
        assert kind == ("p" if each > 0 else "n" if each < 0 else "z")
        assert (end > begin) == (each > 0)
        if scale is not None:
            assert abs((end - begin) - each * scale) <= 1.7 + abs(each / largest) * 0.3
