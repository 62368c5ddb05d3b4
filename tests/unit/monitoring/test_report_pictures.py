"""Pictures are as high as their figures, say in words what they show, and stay sound whatever the figures."""

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gyre.monitoring.found import (
    Drift,
    Multivariate,
    Performance,
    Performances,
    Point,
    Qualities,
    Quality,
    Shares,
    Univariate,
)
from gyre.monitoring.report.page import report, summary
from tests.unit.datasets.test_report_page import Reader
from tests.unit.monitoring.report_looks import (
    number_drift,
    page_of,
    pictures,
    points,
    rich_look,
)

THIN = "\u202f"


def test_a_drifted_column_is_drawn_then_and_now_and_over_time() -> None:
    page = page_of(rich_look())
    cards = re.findall(r'<article class="card"><h3><code>(.*?)</code>.*?</article>', page, re.S)
    assert cards == ["weight", "transport", "age", "prediction"]
    spreads = [each for each in pictures(page) if each.get("class") == "spread"]
    assert len(spreads) == 2
    for each in spreads:
        then = [rect for rect in each.iter("rect") if rect.get("class") == "then"]
        assert len(then) > 10, "as many bars as there are shares"
        tallest = max(float(rect.get("height", "0")) for rect in then)
        assert tallest == pytest.approx(76, abs=12)
    assert len([each for each in pictures(page) if each.get("class") == "spark"]) == 5  # the fifth is multivariate


def test_the_bars_of_a_spread_are_as_high_as_its_shares() -> None:
    shares = Shares(edges=(0, 1, 2, 3), reference=(0.5, 0.25, 0.25), window=(0.0, 0.0, 1.0))
    drift = number_drift("x", 3.0).model_copy(update={"shares": shares})
    page = page_of(rich_look().model_copy(update={"univariate": Univariate(drifts=(drift,), level=0.004)}))
    (spread,) = (each for each in pictures(page) if each.get("class") == "spread")
    heights = [float(rect.get("height", "0")) for rect in spread.iter("rect")]
    assert heights == pytest.approx([38, 19, 19])
    (outline,) = (path for path in spread.iter("path") if path.get("class") == "now")
    assert outline.get("d", "").count("V92.0") == 2 and "V16.0H320.0" in outline.get("d", "")
    assert [text.text for text in spread.iter("text")] == [f"100{THIN}% of rows", "0", "1", "3"]


def limit_of(figure: Performance) -> float:
    look = rich_look().model_copy(update={"performance": Performances(figures=(figure,))})
    found = re.search(r">limit ([\d.]+)</text>", page_of(look))
    assert found
    return float(found[1])


def test_the_limit_lies_below_what_was_expected_of_scores_and_above_it_of_errors() -> None:
    score = Performance(
        metric="accuracy", how="realised", by="labels", expected=0.9, value=0.8, limit=0.05, points=points([0.8, 0.9])
    )
    assert limit_of(score) == pytest.approx(0.85)
    assert limit_of(score.model_copy(update={"metric": "rmse", "expected": 10.0})) == pytest.approx(10.5)


def test_every_picture_has_words_or_is_left_out_of_what_is_read_aloud() -> None:
    page = page_of(rich_look())
    for picture in pictures(page):
        said = picture.get("role") == "img" and picture.findtext("title") and picture.findtext("desc")
        assert said or picture.get("aria-hidden") == "true"
    assert sum(each.get("role") == "img" for each in pictures(page)) == 2 + 5 + 2
    assert ("html", {"lang": "en"}) in Reader(page).tags


figures = st.none() | st.floats()
series = st.lists(figures, max_size=8).map(lambda each: points(each) if each else ())


@given(
    st.lists(st.floats(), max_size=6), st.lists(st.floats(), max_size=6), st.lists(st.floats(), max_size=7),
    figures, st.floats(), series, figures,
)  # fmt: skip
@settings(deadline=None, max_examples=80, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_the_figures_every_picture_is_drawn_of_finite_numbers(
    then: list[float], now: list[float], edges: list[float], value: float | None, threshold: float,
    course: tuple[Point, ...], limit: float | None,
) -> None:  # fmt: skip
    shares = Shares(edges=tuple(edges), reference=tuple(then), window=tuple(now))
    drift = Drift(column="x", kind="number", method="wasserstein", value=value, threshold=threshold, p=value,
                  drifted=True, shares=shares, points=course)  # fmt: skip
    by_name = drift.model_copy(update={"shares": shares.model_copy(update={"names": tuple(map(str, now))})})
    banded = tuple(each.model_copy(update={"low": limit, "high": value}) for each in course)
    figure = Performance(metric="rmse", how="realised", by="labels", expected=value, value=limit, limit=limit,
                         fall=value, low=value, high=value, points=banded)  # fmt: skip
    check = Quality(column="x", flaw="range", reference=value, window=limit, p=value)
    together = Multivariate(value=value, expected=limit, threshold=threshold, p=value, points=course)
    look = rich_look().model_copy(update={
        "univariate": Univariate(drifts=(drift, by_name), level=0.004), "multivariate": together,
        "performance": Performances(figures=(figure,)), "quality": Qualities(level=0.0, checks=(check,)),
    })  # fmt: skip
    page = report(look).decode()
    for picture in pictures(page):
        for each in picture.iter():
            for key in ("d", "x", "y", "width", "height", "cx", "cy"):
                assert not re.search("nan|inf", each.get(key, "")), (each.tag, each.attrib)
                assert not each.get(key, "").startswith("-") or key not in ("width", "height")
    summary(look)


def test_of_a_long_course_the_furthest_parts_are_kept() -> None:
    values = [0.1] * 999
    values[500] = 7.5
    drift = number_drift("x", 3.0).model_copy(update={"points": points(values)})
    page = page_of(rich_look().model_copy(update={"univariate": Univariate(drifts=(drift,), level=0.004)}))
    spark = next(each for each in pictures(page) if each.get("class") == "spark")
    dots = list(spark.iter("circle"))
    assert len(dots) <= 120 and sum(dot.get("class") == "over-limit" for dot in dots) == 1
    assert "at most 7.5" in (spark.findtext("desc") or "") and "999 parts" in (spark.findtext("title") or "")


def test_a_line_is_broken_where_there_is_no_figure() -> None:
    drift = number_drift("x", 3.0).model_copy(update={"points": points([0.1, 0.2, None, 0.4])})
    page = page_of(rich_look().model_copy(update={"univariate": Univariate(drifts=(drift,), level=0.004)}))
    spark = next(each for each in pictures(page) if each.get("class") == "spark")
    (line,) = (path.get("d", "") for path in spark.iter("path") if path.get("class") == "now")
    assert line.count("M") == 2 and line.count("L") == 1 and len(list(spark.iter("circle"))) == 3


def test_what_is_more_is_drawn_higher() -> None:
    drift = number_drift("x", 3.0).model_copy(update={"points": points([0.05, 0.2, 0.4]), "threshold": 0.1})
    page = page_of(rich_look().model_copy(update={"univariate": Univariate(drifts=(drift,), level=0.004)}))
    spark = next(each for each in pictures(page) if each.get("class") == "spark")
    heights = [float(dot.get("cy", "0")) for dot in spark.iter("circle")]
    (line,) = (path.get("d", "") for path in spark.iter("path") if path.get("class") == "limit")
    limit = float(line.removeprefix("M0 ").partition("H")[0])
    assert heights[0] > limit > heights[1] > heights[2]
    accuracy = next(each for each in pictures(page) if each.get("class") == "course")
    realised = [float(dot.get("y", "0")) for dot in accuracy.iter("rect")]
    assert realised.index(min(realised)) == 1 and realised[-1] == max(realised)  # 0.91 is best, 0.84 the last and worst


def test_of_many_categories_those_that_changed_most_are_shown() -> None:
    names = tuple(f"c{at}" for at in range(30))
    now = tuple(1 / 30 + (0.01 if at % 5 == 0 else 0.0) for at in range(30))
    shares = Shares(names=names, reference=(1 / 30,) * 30, window=now)
    drift = number_drift("x", 3.0).model_copy(update={"kind": "category", "shares": shares})
    page = page_of(rich_look().model_copy(update={"univariate": Univariate(drifts=(drift,), level=0.004)}))
    told = re.findall(r'<tr><th scope="row">(c\d+)</th>', page)
    assert {"c0", "c5", "c10", "c15", "c20", "c25"} <= set(told) and len(told) == 8
    assert told == sorted(told, key=lambda name: int(name[1:])) and "22 other values changed less." in page


def test_the_bar_of_a_column_is_marked_where_it_passed_its_threshold() -> None:
    page = page_of(rich_look())
    gauges = [each for each in pictures(page) if each.get("class") == "gauge"]
    over = [any(rect.get("class") == "over-limit" for rect in each.iter("rect")) for each in gauges]
    assert over == [True] * 4 + [False] * 15
    widths = [float(list(each.iter("rect"))[1].get("width", "0")) for each in gauges]
    marks = {each.findtext("path") or next(each.iter("path")).get("d") for each in gauges}
    assert widths == sorted(widths, reverse=True) and widths[0] == 100 and len(marks) == 1
