"""Our drift on NannyML's own data: what NannyML computes by itself, and what its documentation prints.

The tables are those of the tutorials "Univariate Drift Detection" and "Data Reconstruction with PCA"
(nannyml.readthedocs.io, tutorials/detecting_data_drift), about its car loan data in chunks of 5,000."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest

from gyre.monitoring.analysis.fences import fenced
from gyre.monitoring.analysis.multivariate import multivariate
from gyre.monitoring.analysis.nanny import hushed, nannyml
from gyre.monitoring.analysis.parts import Part, chunker, parts
from gyre.monitoring.analysis.reconstruction import components, errors
from gyre.monitoring.analysis.univariate import columns_of, measured, univariate
from tests.unit.monitoring.sides import pair, spec_from

FEATURES = [
    "car_value", "salary_range", "debt_to_income_ratio", "loan_length", "repaid_loan_on_prev_car",
    "size_of_downpayment", "driver_tenure",
]  # fmt: skip
NAMES = {"salary_range", "repaid_loan_on_prev_car", "size_of_downpayment"}
# Of debt_to_income_ratio, chunk by chunk.
KOLMOGOROV_SMIRNOV = [0.01576, 0.01268, 0.01734, 0.0128, 0.01918, 0.00824, 0.01058, 0.01002, 0.01068, 0.0068]
JENSEN_SHANNON = [
    0.0316611, 0.0300113, 0.0311286, 0.0294644, 0.0308095, 0.0286811, 0.0436276, 0.0292533, 0.0306276, 0.0283303,
]  # fmt: skip
# Of all features together.
RECONSTRUCTION = [
    1.141517, 1.130636, 1.138914, 1.145040, 1.137563, 1.249205, 1.243101, 1.258147, 1.228179, 1.259884,
]  # fmt: skip
LOAN = """
model: loan
task: binary
target: repaid
columns:
  car_value: {type: number}
  salary_range: {type: category}
  debt_to_income_ratio: {type: number}
  loan_length: {type: number}
  repaid_loan_on_prev_car: {type: boolean}
  size_of_downpayment: {type: category}
  driver_tenure: {type: number}
  repaid: {type: integer}
monitoring: {numeric: NUMERIC, categorical: CATEGORICAL, chunks: 10}
"""


@pytest.fixture(scope="module", params=["loan", "price"])
def data(request: pytest.FixtureRequest) -> tuple[pd.DataFrame, pd.DataFrame]:
    return loan() if request.param == "loan" else price()


def loan() -> tuple[pd.DataFrame, pd.DataFrame]:
    reference, analysis, _ = nannyml().load_synthetic_car_loan_dataset()
    return reference, analysis


def price() -> tuple[pd.DataFrame, pd.DataFrame]:
    reference, analysis, _ = nannyml().load_synthetic_car_price_dataset()
    return reference, analysis


def chunks(frame: pd.DataFrame, rows: int = 5_000) -> tuple[Part, ...]:
    at = pd.to_datetime(frame["timestamp"]).to_numpy(dtype="M8[us]")
    return parts(at, len(frame) // rows, "count")


def coded(reference: pd.Series, window: pd.Series) -> Iterator[np.ndarray]:
    """A column as it is measured."""
    if pd.api.types.is_numeric_dtype(reference) and reference.dtype != bool:
        return (side.to_numpy(dtype=float) for side in (reference, window))
    codes, _ = pd.factorize(pd.concat([reference, window]))
    return (side.astype(float) for side in np.split(codes, [len(reference)]))


@pytest.mark.parametrize(("method", "published"), [
    ("kolmogorov_smirnov", KOLMOGOROV_SMIRNOV), ("jensen_shannon", JENSEN_SHANNON),
])  # fmt: skip
def test_the_drift_of_one_column_is_what_the_tutorial_prints(method: str, published: list[float]) -> None:
    # given
    reference, window = loan()
    sides = coded(reference["debt_to_income_ratio"], window["debt_to_income_ratio"])

    # when
    _, *course = measured(method, True, *sides, chunks(window))

    # then
    assert course == pytest.approx(published, abs=5e-7)


def test_the_error_of_all_features_together_is_what_the_tutorial_prints() -> None:
    # given
    reference, window = loan()

    # when
    _, *course = errors(components(reference[FEATURES]), window[FEATURES], chunks(window))

    # then
    assert [each.value for each in course] == pytest.approx(RECONSTRUCTION, abs=5e-7)


@pytest.mark.parametrize("method", ["jensen_shannon", "kolmogorov_smirnov", "wasserstein", "hellinger"])
def test_numbers_are_measured_as_by_nannyml_itself(data: tuple[pd.DataFrame, pd.DataFrame], method: str) -> None:
    # given
    reference, window = data
    names = [
        name for name in reference
        if pd.api.types.is_float_dtype(reference[name]) and name not in ("repaid", "y_true", "y_pred_proba")
    ]  # fmt: skip
    assert len(names) >= 4

    # when
    theirs = by_themselves(reference, window, names, {"continuous_methods": [method]}, method)

    # then
    for name in names:
        _, *course = measured(method, True, *coded(reference[name], window[name]), chunks(window))
        assert course == pytest.approx(theirs[name], rel=1e-9), name


@pytest.mark.parametrize("method", ["jensen_shannon", "l_infinity", "hellinger"])
def test_categories_are_measured_as_by_nannyml_itself(method: str) -> None:
    # given
    reference, window = loan()
    names = sorted(NAMES)

    # when
    theirs = by_themselves(reference, window, names, {"categorical_methods": [method]}, method)

    # then
    for name in names:
        _, *course = measured(method, False, *coded(reference[name], window[name]), chunks(window))
        assert course == pytest.approx(theirs[name], rel=1e-9, abs=1e-7), name


def test_chi_square_is_theirs_told_as_cramers_v() -> None:
    # given
    reference, window = loan()

    # when
    theirs = by_themselves(reference, window, ["salary_range"], {"categorical_methods": ["chi2"]}, "chi2")
    _, *course = measured("chi2", False, *coded(reference["salary_range"], window["salary_range"]), chunks(window))

    # then: back to the statistic
    sizes = len(reference) * 5_000 / (len(reference) + 5_000)
    assert [4 * each**2 * sizes for each in course] == pytest.approx(theirs["salary_range"])


def test_a_look_has_the_same_values() -> None:
    # given
    reference, window = loan()
    spec = spec_from(LOAN.replace("NUMERIC", "jensen_shannon").replace("CATEGORICAL", "jensen_shannon"))
    both = pair(spec, reference, window)

    # when
    found = {drift.column: drift for drift in univariate(both).drifts if drift.of == "feature"}

    # then: nothing lies so far out that it would be drawn in, but for the values of cars
    assert [point.value for point in found["debt_to_income_ratio"].points] == pytest.approx(JENSEN_SHANNON, abs=5e-7)
    theirs = by_themselves(reference, window, FEATURES, {}, "jensen_shannon")
    for name in FEATURES:
        column = next(each for each in columns_of(both) if each.name == name)
        if column.by_order and not np.array_equal(fenced(column.reference, column.window)[1], column.window):
            continue
        assert [point.value for point in found[name].points] == pytest.approx(theirs[name], rel=1e-9, abs=1e-7), name

    # and: what the tutorial shows to drift in the second half of the year
    later = univariate(pair(spec, reference, window[25_000:]))
    assert {drift.column for drift in later.drifted} == {
        "car_value", "salary_range", "loan_length", "repaid_loan_on_prev_car",
    }  # fmt: skip


def test_the_second_half_of_the_year_fits_together_less_well() -> None:
    # given
    reference, window = loan()
    spec = spec_from(LOAN.replace("NUMERIC", "jensen_shannon").replace("CATEGORICAL", "jensen_shannon"))

    # when
    quiet = multivariate(pair(spec, reference, window[:25_000]))
    moved = multivariate(pair(spec, reference, window[25_000:]))

    # then: 10 % as in the tutorial, or more: half of the reference makes fewer components
    assert not quiet.drifted and quiet.value == pytest.approx(quiet.expected, rel=0.02)
    assert moved.drifted and moved.value is not None and moved.expected is not None
    assert moved.value / moved.expected >= np.mean(RECONSTRUCTION[5:]) / np.mean(RECONSTRUCTION[:5])
    assert all(point.low > 1.1 * moved.expected for point in moved.points)
    assert all(point.low < quiet.expected * 1.02 and point.high > quiet.expected * 0.98 for point in quiet.points)


@pytest.mark.parametrize("rows", [slice(10_000), slice(40_000, 50_000)])
def test_a_domain_classifier_tells_as_much_as_theirs(rows: slice) -> None:
    # given
    reference, window = loan()
    reference, window = reference[:10_000].reset_index(drop=True), window[rows].reset_index(drop=True)
    spec = spec_from(LOAN[: LOAN.index("monitoring")] + "monitoring: {multivariate: domain_classifier}\n")

    # when
    ours = multivariate(pair(spec, reference, window)).value

    # then: of theirs, the tutorial shows 0.50 for the first half of the year and 0.91 for the second
    with hushed():
        theirs = nannyml().DomainClassifierCalculator(FEATURES, chunker=chunker()).fit(reference).calculate(window)
        told = theirs.filter(period="analysis").to_df()["domain_classifier_auroc"]["value"]
    assert ours == pytest.approx(float(told.iloc[0]), abs=0.02)


def by_themselves(
    reference: pd.DataFrame, window: pd.DataFrame, names: list[str], methods: dict[str, list[str]], method: str
) -> dict[str, list[float]]:
    """As its users call it."""
    texts = [name for name in names if name in NAMES]
    with hushed():
        found = (
            nannyml()
            .UnivariateDriftCalculator(column_names=names, treat_as_categorical=texts, chunk_size=5_000, **methods)
            .fit(reference)
            .calculate(window)
            .filter(period="analysis")
            .to_df()
        )
    return {name: found[(name, method, "value")].tolist() for name in names}
