"""Our figures are NannyML's own, and those that its documentation publishes of its bundled data sets.

The tables are those of https://nannyml.readthedocs.io/en/stable/tutorials/performance_estimation and
.../tutorials/performance_calculation; each test names its page, and the rows of the table that it holds us to.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest

from gyre.monitoring.analysis.estimated import estimate
from gyre.monitoring.analysis.nanny import nannyml
from gyre.monitoring.analysis.performance import performance
from gyre.monitoring.analysis.quality import quality
from gyre.monitoring.analysis.realised import realise
from gyre.monitoring.analysis.scored import scored
from gyre.monitoring.found import Performance, Source
from gyre.monitoring.side import Pair, Side
from gyre.spec.model import ModelSpec
from tests.unit.monitoring.sides import spec_from, values_of

CHANCE = "y_pred_proba"
AT = datetime(2026, 1, 1, tzinfo=UTC)


def spec(task: str, target: str, columns: dict[str, str], chunks: int) -> ModelSpec:
    told = "".join(f"  {name}: {{type: {kind}}}\n" for name, kind in columns.items())
    return spec_from(f"model: cars\ntask: {task}\ntarget: {target}\nmonitoring: {{chunks: {chunks}}}\ncolumns:\n{told}")


def side(frame: pd.DataFrame, kinds: dict[str, str], target: str, classes: dict[str, str] | None) -> Side:
    """`classes` tells the column of probabilities of each class; of two classes one alone is known."""
    rows = len(frame)
    kind = "category" if classes else "number"
    chances = None
    if classes:
        columns = [frame[each].to_numpy(float) if each else None for each in classes.values()]
        known = [1 - columns[1] if each is None else each for each in columns]
        chances = np.column_stack(known)
    label = values_of(_classes(frame[target], kind), kind) if target in frame else None
    source = Source(name="a data set of NannyML", rows=rows, of_rows=rows)
    at = np.datetime64("2026-01-01", "us") + np.arange(rows)
    features = {name: values_of(frame[name], each) for name, each in kinds.items() if name != target}
    return Side(source, features, at, values_of(_classes(frame["y_pred"], kind), kind), chances, label)


def _classes(values: pd.Series, kind: str) -> pd.Series:
    """`1.0` and `1` are one class."""
    numbers = kind == "category" and pd.api.types.is_numeric_dtype(values)
    return values.astype("Int64").astype("string") if numbers else values


def joined(analysis: pd.DataFrame, targets: pd.DataFrame, target: str) -> pd.DataFrame:
    return analysis.assign(**{target: targets[target].to_numpy()})


@pytest.fixture(scope="module")
def loans() -> Pair:
    reference, analysis, targets = nannyml().load_synthetic_car_loan_dataset()
    kinds = {"car_value": "number", "salary_range": "category", "repaid": "category"}
    classes = {"0": "", "1": CHANCE}
    now = side(joined(analysis, targets, "repaid"), kinds, "repaid", classes)
    return Pair(spec("binary", "repaid", kinds, 10), ("0", "1"), side(reference, kinds, "repaid", classes), now)


@pytest.fixture(scope="module")
def cards() -> Pair:
    reference, analysis, targets = nannyml().load_synthetic_multiclass_classification_dataset()
    kinds = {"app_behavioral_score": "number", "app_channel": "category", "y_true": "category"}
    names = ("prepaid_card", "highstreet_card", "upmarket_card")
    classes = {name: f"{CHANCE}_{name}" for name in names}
    analysis = joined(analysis, targets, "y_true")
    then, now = (side(each, kinds, "y_true", classes) for each in (reference, analysis))
    return Pair(spec("multiclass", "y_true", kinds, 10), names, then, now)


@pytest.fixture(scope="module")
def prices() -> Pair:
    reference, analysis, targets = nannyml().load_synthetic_car_price_dataset()
    numeric = ("car_age", "km_driven", "price_new", "accident_count", "door_count")
    kinds = {**dict.fromkeys(numeric, "number"), "fuel": "category", "transmission": "category", "y_true": "number"}
    analysis = joined(analysis, targets, "y_true")
    then, now = (side(each, kinds, "y_true", None) for each in (reference, analysis))
    return Pair(spec("regression", "y_true", kinds, 10), (), then, now)


def course(pair: Pair, tell: Callable[..., Any], metric: str, **options: Any) -> list[tuple[float, float]]:
    """Value and sampling error of each part of the window."""
    way = tell(pair, scored(pair, pair.reference).labelled, **options)
    return [(figure.value, figure.error) for _, figure in way.courses[metric].parts]


def told(pair: Pair) -> dict[tuple[str, str], Performance]:
    return {(each.how, each.metric): each for each in performance(pair).figures}


# --- published --------------------------------------------------------------------------------------------------------


def test_estimates_of_two_classes_are_those_of_the_tutorial(loans: Pair) -> None:
    """performance_estimation/binary_performance_estimation/standard_metric_estimation: rows [0:4999], [25000:29999]."""
    areas, f1 = course(loans, estimate, "roc_auc"), course(loans, estimate, "f1")
    assert [areas[0][0], areas[5][0]] == pytest.approx([0.970744, 0.961090], abs=5e-7)
    assert [f1[0][0], f1[5][0]] == pytest.approx([0.943030, 0.911753], abs=5e-7)
    assert f1[0][1] == pytest.approx(0.00644, abs=5e-6)
    # Of equal probabilities any may stand first, and numpy decides otherwise than it did when the page was made.
    assert areas[0][1] == pytest.approx(0.001811, abs=5e-6)


def test_realised_figures_of_two_classes_are_those_of_the_tutorial(loans: Pair) -> None:
    """performance_calculation/binary_performance_calculation/standard_metric_calculation: rows [0:4999],
    [10000:14999], [25000:29999]."""
    areas, right = course(loans, realise, "roc_auc"), course(loans, realise, "accuracy")
    assert [areas[at][0] for at in (0, 2, 5)] == pytest.approx([0.970962, 0.976282, 0.960050], abs=5e-7)
    assert [right[at][0] for at in (0, 2, 5)] == pytest.approx([0.9422, 0.9502, 0.9146], abs=5e-7)
    assert right[0][1] == pytest.approx(0.003261, abs=5e-7)


def test_estimates_of_three_classes_are_those_of_the_tutorial(cards: Pair) -> None:
    """performance_estimation/multiclass_performance_estimation/standard_metric_estimation: rows [0:5999],
    [30000:35999]. NannyML 0.13.1 itself differs from the page in the third digit; to what it says we are held
    exactly."""
    reference, analysis, _ = nannyml().load_synthetic_multiclass_classification_dataset()
    estimator = nannyml().CBPE(
        metrics=["roc_auc", "f1"], problem_type="classification_multiclass", chunk_size=6_000, y_pred="y_pred",
        y_true="y_true", y_pred_proba={name: f"{CHANCE}_{name}" for name in cards.classes},
    )  # fmt: skip
    own = estimator.fit(reference).estimate(analysis).filter(period="analysis").data
    courses = estimate(cards, scored(cards, cards.reference).labelled).courses
    page = {"roc_auc": (0.906962, 0.819359, 0.002143), "f1": (0.753301, 0.630985, 0.005652)}
    for metric, (first, sixth, error) in page.items():
        figures = [figure for _, figure in courses[metric].parts]
        assert [each.value for each in figures] == pytest.approx(list(own[metric]["value"]))
        assert [each.error for each in figures] == pytest.approx(list(own[metric]["sampling_error"]))
        assert [figures[0].value, figures[5].value] == pytest.approx([first, sixth], abs=0.0015)
        assert figures[0].error == pytest.approx(error, abs=5e-6)


def test_estimates_of_a_regression_are_those_of_the_tutorial(prices: Pair) -> None:
    """performance_estimation/regression_performance_estimation: rows [0:5999], [12000:17999], [30000:35999]."""
    root = course(prices, estimate, "rmse", loss_rows=60_000)  # the page takes no sample
    assert [root[at][0] for at in (0, 2, 5)] == pytest.approx([1067.212885, 1054.158749, 928.513388], rel=1e-6)
    assert root[0][1] == pytest.approx(10.348009, abs=5e-7)
    sampled = course(prices, estimate, "rmse")
    assert [value for value, _ in sampled] == pytest.approx([value for value, _ in root], rel=0.02)
    assert sampled == course(prices, estimate, "rmse")


# --- NannyML's own ----------------------------------------------------------------------------------------------------


def test_a_sample_tells_what_all_rows_tell(cards: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 60,000 rows 30,000 are looked at: within a few sampling errors it is what the tutorial says."""
    monkeypatch.setattr("gyre.monitoring.analysis.estimated.MOST_ROWS", 30_000)
    found = estimate(cards, scored(cards, cards.reference).labelled).courses["f1"]
    assert found.rows == sum(len(part) for part, _ in found.parts) == 30_000
    assert [found.parts[0][1].value, found.parts[5][1].value] == pytest.approx([0.753301, 0.630985], abs=0.012)


def test_the_whole_window_and_the_reference_are_told_as_nannyml_tells_them(loans: Pair) -> None:
    nml = nannyml()
    reference, analysis, targets = nml.load_synthetic_car_loan_dataset()
    columns = {"y_pred_proba": CHANCE, "y_pred": "y_pred", "y_true": "repaid", "chunk_number": 1}
    asked = {"metrics": ["roc_auc", "accuracy", "f1"], "problem_type": "classification_binary", **columns}
    estimated = nml.CBPE(**asked).fit(reference).estimate(analysis).filter(period="analysis").data
    calculated = nml.PerformanceCalculator(**asked).fit(reference).calculate(joined(analysis, targets, "repaid")).data
    figures = told(loans)
    for metric in ("roc_auc", "accuracy", "f1"):
        then, now = calculated[metric]["value"]
        realised = figures["realised", metric]
        assert (realised.expected, realised.value) == (pytest.approx(then), pytest.approx(now))
        reach = 1.96 * calculated[metric]["sampling_error"].iloc[1]
        assert (realised.low, realised.high) == (pytest.approx(now - reach), pytest.approx(now + reach))
        assert figures["estimated", metric].value == pytest.approx(estimated[metric]["value"].iloc[0])
        assert figures["estimated", metric].expected == pytest.approx(then)
    # The second half of the window is of poorer loans: the model knows them less.
    assert figures["estimated", "f1"].rows == figures["realised", "f1"].rows == 50_000


def test_realised_errors_are_those_of_nannyml(prices: Pair) -> None:
    nml = nannyml()
    reference, analysis, targets = nml.load_synthetic_car_price_dataset()
    asked = {"metrics": ["rmse", "mae"], "problem_type": "regression", "y_pred": "y_pred", "y_true": "y_true"}
    calculator = nml.PerformanceCalculator(**asked, chunk_number=10).fit(reference)
    found = calculator.calculate(joined(analysis, targets, "y_true")).filter(period="analysis").data
    for metric in ("rmse", "mae"):
        own = zip(found[metric]["value"], found[metric]["sampling_error"], strict=True)
        assert np.array(course(prices, realise, metric)) == pytest.approx(np.array(list(own)))


NUMBERS = ("car_value", "debt_to_income_ratio", "driver_tenure")
TEXTS = ("salary_range", "size_of_downpayment", "repaid_loan_on_prev_car")


def features(frame: pd.DataFrame) -> Side:
    columns = {name: values_of(frame[name], "number") for name in NUMBERS}
    columns |= {name: values_of(frame[name], "category") for name in TEXTS}
    source = Source(name="a data set of NannyML", rows=len(frame), of_rows=len(frame))
    return Side(source, columns, np.full(len(frame), np.datetime64("2026-01-01", "us")))


def test_gaps_and_unseen_values_and_ranges_are_those_of_nannyml() -> None:
    """On the data set that NannyML bundles for its calculators of data quality. Ranges are declared as what the
    reference holds, since ours are wider if nobody declares them."""
    nml = nannyml()
    reference, analysis, _ = nml.load_synthetic_car_loan_data_quality_dataset()
    # As in the tutorial on unseen values a third of the window is turned to something new.
    analysis.loc[: len(analysis) // 3 - 1, "salary_range"] = "40K - 60K EUR"
    declared = {name: f"number, range: [{reference[name].min()}, {reference[name].max()}]" for name in NUMBERS}
    kinds = {**declared, **dict.fromkeys((*TEXTS, "repaid"), "category")}
    judged = Pair(spec("binary", "repaid", kinds, 1), ("0", "1"), features(reference), features(analysis))
    found = {(each.column, each.flaw): each for each in quality(judged).checks}
    told = {
        "missing": nml.MissingValuesCalculator(column_names=[*NUMBERS, *TEXTS], chunk_number=1),
        "unseen": nml.UnseenValuesCalculator(column_names=list(TEXTS), chunk_number=1),
        "range": nml.NumericalRangeCalculator(column_names=list(NUMBERS), chunk_number=1),
    }
    shares = []
    for flaw, calculator in told.items():
        own = calculator.fit(reference).calculate(analysis).filter(period="analysis").data
        for column in calculator.column_names:
            share = own[column]["value"].iloc[0]
            # For NannyML a gap is an unseen value where the reference has no gaps; here it is missing, and that alone.
            gaps = analysis[column].isna().mean() if flaw == "unseen" and not reference[column].isna().any() else 0.0
            assert found[column, flaw].window == pytest.approx(share - gaps), (column, flaw)  # type: ignore[index]
            shares.append(share)
    assert sum(share > 0.01 for share in shares) >= 4
