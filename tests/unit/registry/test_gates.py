"""What passes, what fails and why; and that nothing passes unseen."""

import json
import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gyre.registry.gates import Asked, Champion, Judgement, Verdict, judge, keep_judgement, read_judgement
from gyre.run_folder import RunFolder
from gyre.spec.policy import Gates, Limit
from tests.fakes.objects import MemoryBucket

NAN = math.nan
KINDS = {"metrics", "baseline", "champion", "fairness", "latency", "size"}
ASKED = Asked(
    figures={"f1_macro": 0.8, "accuracy": 0.82, "recall.Obese": 0.7, "log_loss": 0.4, "brier": None},
    metric="f1_macro", higher_is_better=True, baseline=0.2, champion=None, latency_ms=2.5, bundle_bytes=1_500_000,
    fairness={"demographic_parity_difference": 0.08, "demographic_parity_difference.gender": 0.08},
)  # fmt: skip
CHAMPION = Champion(3, 200, True, 0.8, 0.79, 0.01, -0.02, 0.04)


def verdicts(gates: Gates, asked: Asked = ASKED) -> dict[str, Verdict]:
    return {each.gate: each for each in judge(gates, asked).verdicts}


def metric(name: str, limit: Limit, **figures: float | None) -> Verdict:
    return verdicts(Gates(metrics={name: limit}), replace(ASKED, figures={**ASKED.figures, **figures}))["metrics"]


# --- the whole --------------------------------------------------------------------------------------------------------


def test_gates_that_nobody_declared_still_ask_for_the_baseline_and_the_size() -> None:
    found = judge(Gates(), ASKED)
    assert found.passed and {each.gate for each in found.verdicts} == KINDS
    assert {each.gate for each in found.verdicts if each.passed} == {"baseline", "champion", "size"}
    assert found.words == "All 3 gates passed."


def test_what_is_not_asked_is_told() -> None:
    found = judge(Gates(champion_tolerance=None, baseline=False), ASKED)
    quiet = [each for each in found.verdicts if each.passed is None]
    assert {each.gate for each in quiet} == KINDS - {"size"}
    assert all(each.because.startswith("not asked: ") and each.limit is None for each in quiet)
    assert found.passed


def test_one_that_fails_is_enough() -> None:
    limits = {"f1_macro": Limit(at_least=0.9), "accuracy": Limit(at_least=0.5), "log_loss": Limit(at_most=0.3)}
    found = judge(Gates(metrics=limits), ASKED)
    assert not found.passed and [each.figure for each in found.failed] == ["f1_macro", "log_loss"]
    assert found.words == "2 of 6 gates failed: f1_macro is 0.8, below 0.9; log_loss is 0.4, above 0.3"


def test_a_judgement_is_kept_with_its_run() -> None:
    folder = RunFolder(MemoryBucket(), "wine", "train-1")
    assert read_judgement(folder) is None
    found = judge(Gates(metrics={"f1_makro": Limit(at_least=0.1)}), replace(ASKED, champion=CHAMPION))
    assert keep_judgement(found, folder) == "runs/wine/train-1/judgement.json"
    assert read_judgement(folder) == found
    assert folder.read_json("judgement.json")["passed"] is False


# --- figures ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limit", "passed", "words"),
    [
        (Limit(at_least=0.75), True, "at least 0.75"),
        (Limit(at_least=0.8), True, "at least 0.8"),
        (Limit(at_least=0.800001), False, "at least 0.800001"),
        (Limit(at_most=0.8), True, "at most 0.8"),
        (Limit(at_most=0.79), False, "at most 0.79"),
        (Limit(at_least=0.7, at_most=0.9), True, "at least 0.7 and at most 0.9"),
        (Limit(at_least=0.9, at_most=0.7), False, "at least 0.9 and at most 0.7"),
        (Limit(at_least=0), True, "at least 0"),
        (Limit(at_most=-12500.5), False, "at most -12,500.5"),
    ],
)
def test_a_figure_keeps_its_bounds(limit: Limit, passed: bool, words: str) -> None:
    found = metric("f1_macro", limit)
    assert (found.passed, found.limit, found.value) == (passed, words, 0.8)


def test_what_a_float_cannot_tell_counts_for_the_model() -> None:
    assert metric("f1_macro", Limit(at_most=0.3), f1_macro=0.1 + 0.2).passed
    assert metric("f1_macro", Limit(at_least=0.3), f1_macro=0.3 - 1e-12).passed


def test_a_near_miss_is_told_with_the_digits_that_show_it() -> None:
    assert metric("f1_macro", Limit(at_least=0.75), f1_macro=0.74999).because == "f1_macro is 0.74999, below 0.75"
    assert "0.749999995, below" in metric("f1_macro", Limit(at_least=0.75), f1_macro=0.749999995).because
    assert metric("rmse", Limit(at_most=12_000), rmse=12_345.678).because == "rmse is 12,346, above 12,000"


@pytest.mark.parametrize(
    ("name", "meant"),
    [("f1_makro", "f1_macro"), ("F1_MACRO", "f1_macro"), ("recall.obese", "recall.Obese"), ("acuracy", "accuracy")],
)
@pytest.mark.parametrize("limit", [Limit(at_least=-9), Limit(at_most=9), Limit()])
def test_a_misspelt_figure_never_passes(name: str, meant: str, limit: Limit) -> None:
    found = metric(name, limit)
    assert found.passed is False and found.value is None
    assert name in found.because and f"did you mean {meant}" in found.because


def test_a_name_like_no_other_is_answered_with_what_there_is() -> None:
    found = metric("zzz", Limit(at_least=0), **{f"figure {n}": 0.5 for n in range(100)})
    assert "it has accuracy, brier, f1_macro" in found.because and "and 97 more" in found.because
    none = verdicts(Gates(metrics={"zzz": Limit(at_least=0)}), replace(ASKED, figures={}))["metrics"]
    assert none.passed is False


@pytest.mark.parametrize("value", [None, NAN, math.inf, -math.inf])
def test_what_could_not_be_measured_fails(value: float | None) -> None:
    for limit in (Limit(at_least=-9), Limit(at_most=9)):
        found = metric("f1_macro", limit, f1_macro=value)
        assert found.passed is False and found.value is None and "could not be measured" in found.because


def test_a_limit_without_bounds_asks_nothing() -> None:
    found = metric("f1_macro", Limit())
    assert found.passed is None and found.because == "no bound of f1_macro is declared"


# --- fairness ---------------------------------------------------------------------------------------------------------


def fair(name: str, limit: Limit, figures: dict[str, float | None]) -> Verdict:
    return verdicts(Gates(fairness={name: limit}), replace(ASKED, fairness=figures))["fairness"]


def test_a_fairness_figure_keeps_its_bounds() -> None:
    figures: dict[str, float | None] = {"demographic_parity_difference": 0.08, "demographic_parity_ratio": 0.7}
    assert fair("demographic_parity_difference", Limit(at_most=0.1), figures).passed
    assert fair("demographic_parity_ratio", Limit(at_least=0.8), figures).passed is False


@pytest.mark.parametrize("figures", [{}, {"demographic_parity_difference": None, "other": NAN}])
def test_where_no_group_can_be_measured_fairness_fails(figures: dict[str, float | None]) -> None:
    found = fair("demographic_parity_difference", Limit(at_most=1), figures)
    assert found.passed is False and "no two groups" in found.because


def test_a_misspelt_fairness_figure_never_passes() -> None:
    found = fair("demographic_parity_diference", Limit(at_most=1), {"demographic_parity_difference": 0.0})
    assert found.passed is False and "did you mean demographic_parity_difference?" in found.because


# --- champion ---------------------------------------------------------------------------------------------------------


def against(tolerance: float | None = 0.0, **facts: Any) -> Verdict:
    asked = replace(ASKED, champion=replace(CHAMPION, **facts))
    return verdicts(Gates(champion_tolerance=tolerance), asked)["champion"]


@pytest.mark.parametrize(
    ("difference", "tolerance", "passed"),
    [(0.01, 0, True), (0, 0, True), (-0.0001, 0, False), (-0.01, 0.01, True), (0.80 - 0.81, 0.01, True),
     (-0.011, 0.01, False), (-1e-12, 0, True)],
)  # fmt: skip
def test_the_champion_may_be_better_by_the_tolerance(difference: float, tolerance: float, passed: bool) -> None:
    assert against(tolerance, difference=difference).passed is passed


def test_the_comparison_tells_its_interval_and_its_rows() -> None:
    assert against().because == (
        "f1_macro is 0.8, and 0.79 of the champion, version 3: a gain of 0.01 (-0.02 to 0.04) on 200 rows, at least 0 "
        "is asked"
    )
    assert "some of which the champion was trained on" in against(unseen_rows_only=False).because
    assert "(" not in against(low=None).because


@pytest.mark.parametrize("difference", [None, NAN])
def test_a_champion_that_cannot_be_compared_is_not_beaten(difference: float | None) -> None:
    found = against(ours=None, theirs=None, difference=difference, low=None, high=None, rows=0)
    assert found.passed is False and "could not be compared with the champion, version 3" in found.because
    told = against(difference=difference, because="its bundle is gone")
    assert told.because == "it could not be compared with the champion, version 3: its bundle is gone"
    assert "gone" not in against(because="its bundle is gone").because


def test_the_first_model_has_no_champion_to_beat() -> None:
    assert verdicts(Gates())["champion"].passed is True


def test_the_champion_need_not_be_asked() -> None:
    assert against(None, difference=-0.5).passed is None


# --- baseline, latency, size ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ours", "theirs", "higher", "passed"),
    [(0.8, 0.2, True, True), (0.2, 0.2, True, False), (0.1, 0.2, True, False), (0.3, 0.1 + 0.2, True, False),
     (9, 12, False, True), (12, 12, False, False), (13, 12, False, False), (-1, -2, True, True)],
)  # fmt: skip
def test_the_baseline_must_be_beaten(ours: float, theirs: float, higher: bool, passed: bool) -> None:
    asked = replace(ASKED, figures={"f1_macro": ours}, baseline=theirs, higher_is_better=higher)
    found = verdicts(Gates(), asked)["baseline"]
    assert found.passed is passed and str(found.limit).startswith("above" if higher else "below")


@pytest.mark.parametrize(("ours", "theirs"), [(None, 0.2), (0.8, None), (NAN, 0.2), (0.8, NAN)])
def test_without_a_figure_the_baseline_is_not_beaten(ours: float | None, theirs: float | None) -> None:
    found = verdicts(Gates(), replace(ASKED, figures={"f1_macro": ours}, baseline=theirs))["baseline"]
    assert found.passed is False and "could not be measured" in found.because


@pytest.mark.parametrize(("took", "passed"), [(2.5, True), (3.0, True), (3.1, False), (None, False), (NAN, False)])
def test_a_prediction_has_its_time(took: float | None, passed: bool) -> None:
    assert verdicts(Gates(latency_ms=3), replace(ASKED, latency_ms=took))["latency"].passed is passed


def test_a_bundle_has_its_size() -> None:
    assert verdicts(Gates(bundle_mb=1.5))["size"].passed
    found = verdicts(Gates(bundle_mb=1.4))["size"]
    assert (found.passed, found.value, found.because) == (False, 1.5, "megabytes is 1.5, above 1.4")


# --- whatever is asked ------------------------------------------------------------------------------------------------

FIGURES = st.none() | st.floats() | st.sampled_from([0.0, 0.5, 1.0])
BOUNDS = st.none() | st.floats(-2, 2) | st.sampled_from([0.5, 1e300, -1e-300])
LIMITS = st.dictionaries(
    st.sampled_from(["a", "b", "c"]), st.builds(Limit, at_least=BOUNDS, at_most=BOUNDS), max_size=3
)


@given(
    st.builds(Gates, metrics=LIMITS, fairness=LIMITS, champion_tolerance=st.none() | st.floats(0, 1),
              baseline=st.booleans(), latency_ms=st.none() | st.floats(0.1, 9)),
    st.builds(Asked, figures=st.dictionaries(st.sampled_from("ab"), FIGURES), metric=st.sampled_from("ab"),
              higher_is_better=st.booleans(), baseline=FIGURES,
              champion=st.none() | st.builds(Champion, st.just(3), st.integers(0, 9), st.booleans(), *[FIGURES] * 5),
              latency_ms=FIGURES, bundle_bytes=st.integers(0, 10**9),
              fairness=st.dictionaries(st.sampled_from("ab"), FIGURES)),
)  # fmt: skip
def test_every_gate_is_answered_and_none_passes_on_what_is_not_known(gates: Gates, asked: Asked) -> None:
    found = judge(gates, asked)
    told = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert Judgement.from_json(told) == found and {each.gate for each in found.verdicts} == KINDS
    for kind, limits, figures in (
        ("metrics", gates.metrics, asked.figures),
        ("fairness", gates.fairness, asked.fairness),
    ):
        each = {verdict.figure: verdict for verdict in found.verdicts if verdict.gate == kind}
        for name, limit in limits.items():
            value = figures.get(name)
            if value is None or not math.isfinite(value):
                assert each[name].passed is False
            elif each[name].passed:
                assert limit.at_least is None or value >= limit.at_least - 1e-9
                assert limit.at_most is None or value <= limit.at_most + 1e-9
    assert all(each.because for each in found.verdicts)
