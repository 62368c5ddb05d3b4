"""The tests of significance say what scipy says."""

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from gyre.trials.significance import chi_square, distributions, proportions, quantile, ranks, wilson

counts = st.integers(1, 3_000).flatmap(lambda total: st.tuples(st.integers(0, total), st.just(total)))
# Few different values, so that many are tied.
samples = st.lists(st.integers(-3, 9).map(float), min_size=2, max_size=80)


def near(value: float) -> object:
    return pytest.approx(value, rel=1e-9, abs=1e-12)


# --- shares -----------------------------------------------------------------------------------------------------------


@given(counts)
def test_an_interval_is_that_of_scipy(share: tuple[int, int]) -> None:
    found = stats.binomtest(*share).proportion_ci(method="wilson")
    assert wilson(*share) == near((found.low, found.high))


def test_of_no_rows_everything_is_possible() -> None:
    assert wilson(0, 0) == (0, 1)
    assert wilson(1, 1)[0] < 0.3 < wilson(30, 30)[0]


@given(counts, counts)
def test_two_shares_differ_as_scipy_says(first: tuple[int, int], second: tuple[int, int]) -> None:
    (one, of_one), (two, of_two) = first, second
    count, total = one + two, of_one + of_two
    assume(0 < count < total)
    table = [[one, of_one - one], [two, of_two - two]]
    rare = stats.contingency.expected_freq(table).min() < 5
    expected = stats.fisher_exact(table).pvalue if rare else stats.chi2_contingency(table, correction=False).pvalue
    assert proportions(first, second) == pytest.approx(expected, rel=1e-6, abs=1e-12)
    assert proportions(first, second) == near(proportions(second, first))


@pytest.mark.parametrize(("first", "second"), [((0, 40), (0, 9)), ((40, 40), (9, 9)), ((0, 100_000), (0, 100_000))])
def test_where_nothing_varies_nothing_differs(first: tuple[int, int], second: tuple[int, int]) -> None:
    assert proportions(first, second) == 1


def test_a_rare_fault_among_many_rows_is_judged_exactly() -> None:
    assert proportions((4, 100_000), (0, 900_000)) == pytest.approx(0.1**4, rel=1e-3)


# --- classes ----------------------------------------------------------------------------------------------------------


@given(st.floats(0, 1e6), st.integers(1, 1_200))
def test_the_tail_of_chi_square_is_that_of_scipy(value: float, freedom: int) -> None:
    assert chi_square(value, freedom) == pytest.approx(stats.chi2.sf(value, freedom), rel=1e-7, abs=1e-250)


@given(st.lists(st.tuples(st.integers(20, 500), st.integers(20, 500)), min_size=2, max_size=12))
def test_two_distributions_differ_as_scipy_says(pairs: list[tuple[int, int]]) -> None:
    assume(stats.contingency.expected_freq(pairs).min() >= 5)
    first, second = ({f"c{at}": pair[side] for at, pair in enumerate(pairs)} for side in (0, 1))
    expected = stats.chi2_contingency(np.array(pairs), correction=False).pvalue
    assert distributions(first, second) == near(expected)


def test_rare_classes_are_counted_together() -> None:
    first = {"a": 60, "b": 36, **{f"rare{at}": 1 for at in range(4)}}
    second = {"a": 40, "b": 50, **{f"other{at}": 1 for at in range(10)}}
    expected = stats.chi2_contingency([[60, 36, 4], [40, 50, 10]], correction=False).pvalue
    assert distributions(first, second) == near(expected)


def test_too_few_rare_ones_go_to_the_rarest_class() -> None:
    expected = stats.chi2_contingency([[60, 31], [45, 42]], correction=False).pvalue
    assert distributions({"a": 60, "b": 30, "c": 1}, {"a": 45, "b": 40, "d": 2}) == near(expected)


@pytest.mark.parametrize(
    ("first", "second"),
    [({"a": 50}, {"a": 70}), ({"a": 50}, {"a": 30, "b": 1}), ({"a": 1, "b": 1}, {"c": 2}), ({"a": 0}, {"a": 9})],
)
def test_one_class_alone_differs_from_nothing(first: dict[str, int], second: dict[str, int]) -> None:
    assert distributions(first, second) == 1


@given(st.lists(st.sampled_from("abcd"), min_size=1), st.lists(st.sampled_from("cdefg"), min_size=1))
def test_any_two_distributions_have_a_p(first: list[str], second: list[str]) -> None:
    assert 0 <= distributions(Counter(first), Counter(second)) <= 1


# --- values -----------------------------------------------------------------------------------------------------------


@given(samples, samples)
def test_ranks_differ_as_scipy_says(first: list[float], second: list[float]) -> None:
    assume(len({*first, *second}) > 1)
    expected = stats.mannwhitneyu(first, second, method="asymptotic").pvalue
    assert ranks(first, second) == near(expected)


def test_many_values_differ_as_scipy_says() -> None:
    draw = np.random.default_rng(1)
    first, second = draw.exponential(1.0, 5_000).round(2).tolist(), draw.exponential(1.06, 700).round(2).tolist()
    expected = stats.mannwhitneyu(first, second, method="asymptotic").pvalue
    assert 1e-6 < expected < 0.5 and ranks(first, second) == near(expected)


def test_values_that_are_all_alike_do_not_differ() -> None:
    assert ranks([1.0] * 40, [1.0] * 50) == ranks([1.0], [1.0]) == 1


def test_chance_alone_is_called_a_difference_as_often_as_it_says() -> None:
    """Given 400 pairs of samples from one distribution, about 5 in 100 have a p below 0.05."""
    draw = np.random.default_rng(7)
    drawn = [(draw.normal(size=60).tolist(), draw.normal(size=60).tolist()) for _ in range(400)]
    assert 0.02 < sum(ranks(*pair) < 0.05 for pair in drawn) / 400 < 0.09


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=50), st.floats(0, 1))
def test_quantiles_are_those_of_numpy(values: list[float], share: float) -> None:
    assert quantile(sorted(values), share) == pytest.approx(np.quantile(values, share), rel=1e-9, abs=1e-9)
    assert math.isclose(quantile(sorted(values), 0), min(values)) and math.isclose(
        quantile(sorted(values), 1), max(values)
    )
