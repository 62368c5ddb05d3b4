"""The report says what the look found: the verdict first, in words; what it leaves out it counts."""

import re
from datetime import timedelta
from itertools import pairwise

import pytest

from gyre.monitoring.found import (
    Level,
    Look,
    Multivariate,
    Verdict,
)
from gyre.monitoring.report.page import report, summary
from gyre.monitoring.report.words import LEVELS, chance, told
from gyre.registry.card_tables import NOTHING
from tests.unit.datasets.test_report_page import Reader
from tests.unit.monitoring.report_looks import (
    NOW,
    REFERENCE,
    WINDOW,
    evil_look,
    headings,
    page_of,
    pictures,
    quiet_look,
    rich_look,
    thin_look,
)

THIN = "\u202f"


def test_the_verdict_comes_first_then_what_was_done_then_what_moved() -> None:
    order = [text for level, text in headings(page_of(rich_look())) if level < 3]
    assert order == [
        "Alert", "What was found", "What was done about it", "What moved: 4 of 20 columns",
        "Whether features fit together as they did", "Performance", "Data quality: 3 of 22 checks broken",
        "The last 30 verdicts", "How to read this",
    ]  # fmt: skip


def test_headings_leave_no_level_out() -> None:
    for look in (rich_look(), quiet_look(), thin_look()):
        levels = [level for level, _ in headings(page_of(look))]
        assert levels[0] == 1 and levels.count(1) == 1
        assert all(after <= before + 1 for before, after in pairwise(levels))


def test_everything_of_the_look_can_be_read() -> None:
    text = Reader(page_of(rich_look())).text
    for said in (
        "A look at obesity, release 3", "3 features moved (weight, transport, age)", "the prediction moved",
        "realised accuracy is worse (0.846, was 0.912)", "2026-11-15 03:00 UTC to 2026-11-22 03:00 UTC",
        f"100{THIN}000 of 1{THIN}250{THIN}000 rows, a sample", "off by more than 0.43 percentage points",
        f"2{THIN}310 with a known truth", "release 3's reference", "watch_01k9q3m2", "41 of which failed",
        "Realised accuracy fell to 0.846 from 0.912; a fall of 0.05 is an alert.", "A notice was sent.",
        "it is the third alert", "Jensen-Shannon distance; matters above 0.1", f"less than 1 in 10{THIN}000",
        f"about 1 in 1{THIN}250", "Public_Transportation", f"74.0{THIN}%", "Every row of the window says `north`",
        "1.35 times as much", "0.861 to 0.885", "fewer than 10 labelled rows", f"1.1{THIN}% → 17.3{THIN}%",
        "Rollerblades", "19 that held", "ROC AUC", "When performance counts as fallen",
        "11-21", "Holm's procedure", "at most 1 time in 250", "1 of 100 windows",
    ):  # fmt: skip
        assert said in text, said


def test_findings_stand_in_the_order_in_which_they_came_each_with_its_severity_in_words() -> None:
    told = re.findall(r'<span class="sev \w+">(.*?)</span><span>(.*?)</span>', page_of(rich_look()))
    assert [severity for severity, _ in told] == ["✕ alert", "✕ alert", "! warning", "! warning", "· note"]
    assert told[0][1].startswith("Realised accuracy") and told[-1][1] == "Every row says north."


@pytest.mark.parametrize(
    ("level", "word"), [("ok", "OK"), ("warn", "Warning"), ("alert", "Alert"), ("not enough data", "Not enough data")]
)
def test_a_level_is_a_word_and_a_shape_and_not_only_a_colour(level: Level, word: str) -> None:
    look = rich_look().model_copy(update={"verdict": Verdict(level=level, findings=())})
    page = page_of(look)
    assert headings(page)[0] == (1, word) and f"<title>{word}: obesity" in page
    others = [page_of(look.model_copy(update={"verdict": Verdict(level=each, findings=())})) for each in LEVELS]
    assert sum(shape_of(each) == shape_of(page) for each in others) == 1


def shape_of(page: str) -> str:
    found = re.search(r'<div class="banner \w+">(<svg class="icon".*?</svg>)', page)
    assert found
    return found[1]


def test_a_classifier_that_tells_the_sides_apart_is_told_and_explained() -> None:
    # given
    together = Multivariate(method="domain_classifier", value=0.81, expected=0.5, threshold=1.2, p=1e-9, drifted=True)

    # when
    told_of, plain = (Reader(page_of(look)).text for look in (
        rich_look().model_copy(update={"multivariate": together}), rich_look(),
    ))  # fmt: skip

    # then
    for said in ("a classifier tells these rows from the reference's", "guessing reaches 0.5"):
        assert said in told_of and said not in plain
    assert "putting a row together again" in plain and "putting a row together again" not in told_of


def test_a_table_tells_every_column_and_why_one_could_not_be_judged() -> None:
    page = page_of(rich_look())
    rows = re.findall(r'<tr><th scope="row"><code>(\w+)</code> <span class="type">', page)
    assert len(rows) == 20 and rows[:4] == ["weight", "transport", "age", "prediction"] and rows[-1] == "region"


def test_where_nothing_moved_the_page_says_so_and_draws_no_column() -> None:
    page = page_of(quiet_look(), ())
    assert "Nothing moved that matters." in page and "No column moved by more than its threshold" in page
    assert 'class="spread"' not in page and "Every check held." in page and "There is nothing to report." in page


def test_not_enough_data_is_a_clear_page_without_empty_charts() -> None:
    page = page_of(thin_look(), ())
    assert [text for level, text in headings(page) if level < 3] == [
        "Not enough data", "What was found", "What was done about it", "The last 30 verdicts", "How to read this",
    ]  # fmt: skip
    assert "There are 31 rows; 200 are needed." in page and "It is no good news and no bad news" in page
    assert {each.get("class") for each in pictures(page)} == {"icon"}


def test_a_look_at_nothing_at_all_is_a_page() -> None:
    look = Look(
        run="watch_1", model="m", at=NOW, kind="watch", version=None, reference=None, window=None,
        verdict=Verdict(level="not enough data", findings=()),
    )  # fmt: skip
    page = report(look).decode()
    Reader(page)
    assert "There is too little to judge." in page and "The last" not in page
    assert summary(look) == "Not enough data: m: There is too little to judge."


def test_a_comparison_that_led_to_nothing_has_no_part_about_what_was_done() -> None:
    look = rich_look().model_copy(update={"kind": "compare"})
    assert "What was done" not in report(look).decode() and "Data compared for" in report(look).decode()
    assert "What was done" in report(look, done=("A notice was sent.",)).decode()


def test_the_last_thirty_verdicts_are_shown_the_oldest_of_them_first() -> None:
    history = [(NOW + timedelta(hours=at), level) for at, level in enumerate(["alert"] * 5 + ["ok"] * 30)]
    page = report(rich_look(), history[::-1]).decode()  # type: ignore[arg-type]  # a list of texts
    strip = re.search(r'<ol class="strip">.*?</ol>', page, re.S)
    assert strip and strip[0].count("<li ") == 30 and "alert" not in strip[0]
    times = re.findall(r'datetime="(.*?)"', strip[0])
    assert times == sorted(times)


def test_sources_that_were_read_whole_have_no_error() -> None:
    assert "a sample" not in report(rich_look().model_copy(update={"window": REFERENCE})).decode()
    assert "a sample" in report(rich_look().model_copy(update={"reference": WINDOW})).decode()


@pytest.mark.parametrize(
    ("p", "said"),
    [(None, NOTHING), (0.0, f"less than 1 in 10{THIN}000"), (0.0002, f"about 1 in 5{THIN}000"), (0.1, "about 1 in 10"),
     (0.9, "as often as not"), (float("nan"), NOTHING)],
)  # fmt: skip
def test_chances_are_told_as_people_do(p: float | None, said: str) -> None:
    assert chance(p) == said


def test_figures_have_three_digits_that_count() -> None:
    assert [told(each) for each in (0.36634, 12.0, 123456.0, 0.00001234, None, float("inf"))] == [
        "0.366", "12", f"123{THIN}456", "1.23e\u221205", NOTHING, NOTHING,
    ]  # fmt: skip


def test_a_summary_is_one_line_of_plain_text() -> None:
    assert summary(rich_look()) == (
        "Alert: obesity release 3: 3 features moved (weight, transport, age); the prediction moved; the features no "
        "longer fit together as they did; realised accuracy is worse (0.846, was 0.912); 3 columns of poor quality "
        "(region, transport, water). 100,000 rows of 2026-11-15 03:00 UTC to 2026-11-22 03:00 UTC, against release 3's "
        "reference."
    )
    assert summary(quiet_look()).startswith("OK: salary_band release 12: Nothing moved that matters. 100,000 rows of")
    evil = summary(evil_look("a\r\nBcc: x\u2028\u202e"))
    assert "\n" not in evil and "\r" not in evil and "\u2028" not in evil and "\u202e" not in evil


def test_broken_checks_stand_first_and_open_the_others_fold() -> None:
    look = rich_look()
    assert look.quality
    turned = look.quality.model_copy(update={"checks": look.quality.checks[::-1]})
    page = report(look.model_copy(update={"quality": turned})).decode()
    checks = page[page.index("Data quality") :]
    told = re.findall(r'<th scope="row"><code>(\w+)</code></th>', checks)
    assert told[:3] == ["region", "transport", "water"] and len(told) == 22
    assert checks.index(">water<") < checks.index("<details") < checks.index(">weight<")


def test_the_figure_that_fell_is_marked() -> None:
    page = report(rich_look()).decode()
    marked = [row for row in re.findall(r"<tr>.*?</tr>", page) if '<span class="yes">fell</span>' in row]
    assert len(marked) == 1 and "realised" in marked[0] and "0.846" in marked[0]
