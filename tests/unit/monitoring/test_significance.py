"""p values: what is known of them from elsewhere, and how often they are low where nothing differs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from gyre.monitoring.analysis.significance import holm, p_of_counts, p_of_means, p_of_numbers


@pytest.mark.parametrize("seed", range(20))
def test_holm_is_what_statsmodels_computes(seed: int) -> None:
    # given: some of them equal
    rng = np.random.default_rng(seed)
    ps = (rng.random(rng.integers(1, 30)) ** 3).round(2).tolist()

    # then
    assert holm(ps) == pytest.approx(multipletests(ps, method="holm")[1].tolist())


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_no_p_falls_and_their_order_stays(ps: list[float]) -> None:
    adjusted = [each for each in holm(ps) if each is not None]
    assert all(p <= found <= 1 for p, found in zip(ps, adjusted, strict=True))
    assert adjusted[int(np.argmin(ps))] == min(adjusted)


def test_holm_leaves_out_what_has_no_p() -> None:
    assert holm([0.01, None, 0.04, None]) == (0.02, None, 0.04, None)
    assert holm([]) == ()


@pytest.mark.parametrize("names", [2, 6, 40, 3_000])
def test_counts_of_the_same_world_are_seldom_told_apart(names: int) -> None:
    # given
    rng = np.random.default_rng(names)
    shares = 1 / np.arange(1, names + 1)
    shares /= shares.sum()
    times = 1_500

    def counts() -> tuple[np.ndarray, np.ndarray]:
        """In the order in which names came, the reference's first."""
        then, now = (rng.multinomial(rng.integers(200, most), shares) for most in (2_000, 900))
        came = np.lexsort([rng.random(names), now == 0, then == 0])
        return then[came], now[came]

    # when
    found = np.array([p_of_counts(*counts()) for _ in range(times)])

    # then
    for level in (0.05, 0.01, 0.001):
        assert (found <= level).sum() <= level * times + 4 * (level * times) ** 0.5 + 1


def test_a_new_name_among_thousands_of_rare_ones_is_found() -> None:
    # given
    rng = np.random.default_rng(5)
    shares = np.full(5_000, 1 / 5_000)
    reference = np.append(rng.multinomial(10_000, shares), 0)
    window = np.append(rng.multinomial(176, shares), 24)

    # then
    assert p_of_counts(reference, window) < 1e-6
    assert p_of_counts(reference, np.append(rng.multinomial(200, shares), 0)) > 0.001


def test_a_name_that_was_alone_and_has_company_is_found_by_the_exact_test() -> None:
    assert p_of_counts(np.array([10_000, 0]), np.array([476, 24])) < 1e-20
    assert p_of_counts(np.array([10_000, 1]), np.array([500, 0])) == pytest.approx(1)
    assert p_of_counts(np.array([300]), np.array([200])) == 1


def test_ties_leave_the_p_of_numbers_on_the_safe_side() -> None:
    # given
    rng = np.random.default_rng(3)

    # when
    found = np.array([
        p_of_numbers(rng.poisson(1.5, 400).astype(float), rng.poisson(1.5, 300).astype(float)) for _ in range(600)
    ])  # fmt: skip

    # then
    assert (found <= 0.05).sum() <= 30


def test_means_are_told_apart_as_by_welch() -> None:
    # given
    rng = np.random.default_rng(8)
    one, other = rng.normal(0, 1, 40), rng.normal(0.6, 3, 90)
    from scipy.stats import sem, ttest_ind

    # when
    p = p_of_means((one.mean(), sem(one), 40), (other.mean(), sem(other), 90))

    # then
    assert p == pytest.approx(ttest_ind(one, other, equal_var=False).pvalue)
    assert p_of_means((1.0, 0.0, 5), (1.0, 0.0, 9)) == 1
    assert p_of_means((1.0, 0.0, 5), (2.0, 0.0, 9)) == 0
