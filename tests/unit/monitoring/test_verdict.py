"""The rules of the verdict, one by one, and what it says in words."""

import pytest

from gyre.monitoring.found import (
    Drift,
    Finding,
    Multivariate,
    Performance,
    Performances,
    Qualities,
    Quality,
    Source,
    Univariate,
    Verdict,
)
from gyre.monitoring.verdict import verdict


def source(name: str, rows: int) -> Source:
    return Source(name=name, rows=rows, of_rows=rows)


THEN, NOW = source("release 3's reference", 900), source("the journal", 412)
QUIET = Multivariate(value=1.0, expected=1.0, p=0.4, threshold=1.2)


def drift(column: str, *, drifted: bool = True, of: str = "feature", kind: str = "number", **told: object) -> Drift:
    given = {"method": "jensen_shannon", "value": 0.31, "threshold": 0.1, "p": 1e-6, "adjusted": 1e-4, **told}
    return Drift.model_validate({"column": column, "of": of, "kind": kind, "drifted": drifted, **given})


def fall(how: str = "estimated", *, fallen: bool = True, **told: object) -> Performance:
    by = "CBPE" if how == "estimated" else "labels"
    given = {"metric": "accuracy", "expected": 0.91, "value": 0.8, "rows": 412, "fall": 0.11, "limit": 0.05, **told}
    return Performance.model_validate({"how": how, "by": by, "fallen": fallen, **given})


def flaw(name: str, column: str = "city", *, broken: bool = True, **told: object) -> Quality:
    return Quality.model_validate({"column": column, "flaw": name, "broken": broken, **told})


def judged(  # what was found
    *drifts: Drift, figures: tuple[Performance, ...] = (), checks: tuple[Quality, ...] = (),
    multivariate: Multivariate = QUIET, notes: tuple[Finding, ...] = (), reference: Source | None = THEN,
    window: Source | None = NOW, minimum: int = 200,
) -> Verdict:  # fmt: skip
    return verdict(
        reference, window, Univariate(drifts=drifts, level=0.004), multivariate, Performances(figures=figures),
        Qualities(checks=checks, level=0.003), notes, minimum=minimum,
    )  # fmt: skip


NO_REFERENCE = "there is no reference to compare with: `split.reference` in model.yaml sets rows apart for it"

# --- not enough -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reference", "window", "code", "text"),
    [
        (None, NOW, "no_reference", NO_REFERENCE),
        (None, None, "no_reference", NO_REFERENCE),
        (source("version 1", 0), NOW, "no_reference", NO_REFERENCE),
        (THEN, None, "few_rows", "the window has no rows; 200 are needed"),
        (THEN, source("the journal", 0), "few_rows", "the window (the journal) has no rows; 200 are needed"),
        (THEN, source("the journal", 199), "few_rows", "the window (the journal) has 199 rows; 200 are needed"),
        (source("version 1", 1), NOW, "few_rows", "the reference (version 1) has 1 row; 30 are needed"),
    ],
)  # fmt: skip
def test_without_enough_rows_nothing_is_concluded(
    reference: Source | None, window: Source | None, code: str, text: str
) -> None:
    found = judged(drift("weight"), figures=(fall(),), reference=reference, window=window)
    assert found.level == "not enough data"
    assert [(each.code, each.severity, each.text) for each in found.findings] == [(code, "note", text)]


def test_the_fewest_rows_that_are_enough() -> None:
    window = source("the journal", 200)
    assert judged(window=window).level == "ok"
    assert verdict(THEN, window, None, None, None, None, minimum=200) == Verdict(level="ok", findings=())


# --- the rules --------------------------------------------------------------------------------------------------------

CALM = tuple(drift(f"calm {at}", drifted=False) for at in range(3))


@pytest.mark.parametrize(
    ("found", "level", "codes"),
    [
        (judged(*CALM), "ok", []),
        (judged(drift("weight"), *CALM), "warn", ["drift"]),
        (judged(drift("prediction", of="prediction"), *CALM), "warn", ["prediction_drift"]),
        (judged(drift("was", of="label"), *CALM), "warn", ["label_drift"]),
        (judged(multivariate=QUIET.model_copy(update={"drifted": True})), "warn", ["multivariate"]),
        (judged(checks=(flaw("missing"),)), "warn", ["missing"]),
        (judged(checks=(flaw("unseen"), flaw("range"), flaw("outliers"))), "warn", ["unseen", "range", "outliers"]),
        (judged(checks=(flaw("constant", broken=False), flaw("new", broken=False))), "ok", ["constant", "new"]),
        (judged(checks=(flaw("missing", broken=False), flaw("absent", broken=False))), "ok", []),
        (judged(checks=(flaw("absent"),)), "alert", ["absent"]),
        (judged(checks=(flaw("all_missing"),)), "alert", ["all_missing"]),
        (judged(figures=(fall(),)), "alert", ["estimated_performance"]),
        (judged(figures=(fall("realised"),)), "alert", ["realised_performance"]),
        (judged(figures=(fall(fallen=False),)), "ok", []),
        (judged(drift("a"), drift("b"), *CALM[:2]), "alert", ["many_drifts", "drift", "drift"]),
        (judged(drift("a"), drift("b"), *CALM), "warn", ["drift", "drift"]),
        (judged(drift("a")), "warn", ["drift"]),
        (judged(drift("a"), drift("x", of="prediction"), drift("y", of="label")), "warn",
         ["drift", "prediction_drift", "label_drift"]),
    ],
)  # fmt: skip
def test_each_rule(found: Verdict, level: str, codes: list[str]) -> None:
    assert (found.level, [each.code for each in found.findings]) == (level, codes)


def test_the_worst_stand_first() -> None:
    note = Finding(code="sampled", severity="note", text="412 of 9,000 rows were looked at")
    found = judged(
        drift("weight"), *CALM, figures=(fall(),), checks=(flaw("new", broken=False), flaw("missing")), notes=(note,)
    )
    assert [each.code for each in found.findings] == ["estimated_performance", "missing", "drift", "new", "sampled"]
    assert [each.column for each in found.findings] == [None, "city", "weight", "city", None]


def test_notes_are_told_whatever_the_verdict_and_warn_on_their_own() -> None:
    note = Finding(code="sampled", severity="note", text="a sample")
    assert judged(notes=(note,)).findings == (note,)
    assert judged(notes=(note,)).level == "ok"
    assert judged(notes=(note,), window=None).findings[1:] == (note,)
    warning = Finding(code="release_changed", severity="warn", text="the release changed within the window")
    assert judged(notes=(note, warning)).level == "warn"


# --- the words --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (judged(drift("weight"), *CALM),
         "weight moved: Jensen-Shannon distance 0.31, above 0.1; chance alone does that in 1 of 10,000 windows"),
        (judged(drift("weight", method="wasserstein", value=12345.6, threshold=1000.4, adjusted=None), *CALM),
         "weight moved: Wasserstein distance 12,346, above 1,000; chance alone does that in 1 of 1,000,000 windows"),
        (judged(drift("weight", adjusted=0.0), *CALM),
         "weight moved: Jensen-Shannon distance 0.31, above 0.1; chance alone does that in fewer than 1 of 1,000,000 "
         "windows"),
        (judged(drift("x", of="prediction"), *CALM),
         "the prediction moved: Jensen-Shannon distance 0.31, above 0.1; chance alone does that in 1 of 10,000 "
         "windows"),
        (judged(figures=(fall(),)),
         "accuracy as estimated without labels (CBPE) fell from 0.91 to 0.8; a fall of 0.05 counts"),
        (judged(figures=(fall("realised", rows=1, metric="f1"),)),
         "F1 on 1 row with labels fell from 0.91 to 0.8; a fall of 0.05 counts"),
        (judged(figures=(fall("realised", metric="rmse", expected=1058.9, value=1300.2, fall=0.23),)),
         "root mean squared error on 412 rows with labels rose from 1,059 to 1,300; a rise of 5 % counts"),
        (judged(multivariate=Multivariate(value=1.5, expected=1.0, p=1e-4, threshold=1.2, drifted=True)),
         "the features no longer go together as they did: the error of putting rows together again is 1.5, 1 was "
         "expected; chance alone does that in 1 of 10,000 windows"),
        (judged(multivariate=Multivariate(
            method="domain_classifier", value=0.7, expected=0.5, p=1e-4, threshold=1.2, drifted=True)),
         "a classifier tells the window's rows from the reference's with an area under the curve of 0.7, 0.5 was "
         "expected; chance alone does that in 1 of 10,000 windows"),
        (judged(checks=(flaw("unseen", reference=0.001, window=8 / 412, examples=("Atlantis",)),)),
         "8 of 412 rows have a city never seen before, e.g. Atlantis"),
        (judged(drift("story", drifted=False, kind="text"),
                checks=(flaw("unseen", "story", reference=0.041, window=0.3, examples=("foo", "bar")),)),
         "30 % of the words of story were never seen before (4.1 % are usual), e.g. foo, bar"),
        (judged(checks=(flaw("missing", "weight", reference=0.02, window=0.25),)),
         "weight is missing in 103 of 412 rows (25 %; 2 % in the reference)"),
        (judged(checks=(flaw("range", "age", reference=0.0, window=0.5, examples=("900",)),)),
         "age is out of its range in 206 of 412 rows (50 %; 0 % in the reference), e.g. 900"),
        (judged(checks=(flaw("all_missing", reference=0.1, window=1.0),)),
         "city is missing in each of 412 rows (10 % in the reference)"),
        (judged(checks=(flaw("absent"),)), "no row has city, a feature of the model"),
        (judged(checks=(flaw("constant", broken=False, examples=("Rome",)),)),
         "city has one value alone, and varied in the reference, e.g. Rome"),
    ],
)  # fmt: skip
def test_findings_are_plain_words_with_figures(found: Verdict, text: str) -> None:
    assert [each.text for each in found.findings] == [text]
