"""What the benchmark of serving makes of its samples."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.serving.figures import Promise, Samples, as_share, ratio, told
from bench.serving.load import quantile

SECONDS = st.floats(1e-5, 100)


@pytest.mark.parametrize(("share", "expected"), [(0.5, 5), (0.95, 10), (0.9, 9), (0.05, 1), (1.0, 10), (0.0, 1)])
def test_a_quantile_is_a_sample(share: float, expected: float) -> None:
    assert quantile([10, 3, 1, 2, 5, 4, 9, 8, 7, 6], share) == expected


@given(st.lists(SECONDS, min_size=1), st.floats(0, 1))
def test_so_many_samples_are_not_above_a_quantile(samples: list[float], share: float) -> None:
    found = quantile(samples, share)
    assert found in samples
    assert sum(each <= found for each in samples) >= share * len(samples) - 1e-9


def test_a_ratio_is_of_all_samples_and_its_spread_of_the_rounds() -> None:
    """Given a second round in which the machine was half as fast, then the ratio of what was measured at once stays."""
    found = ratio([[1, 1, 4], [2, 2, 2]], [[10, 10, 10], [20, 20, 20]])
    assert found.median == pytest.approx(2 / 15)
    assert (found.least, found.most) == pytest.approx((0.1, 0.1))


@given(st.lists(st.lists(SECONDS, min_size=3, max_size=3), min_size=1, max_size=5))
def test_who_takes_twice_as_long_every_time_has_the_ratio_two(rounds: list[list[float]]) -> None:
    found = ratio([[2 * each for each in one] for one in rounds], rounds)
    assert (found.least, found.median, found.most) == pytest.approx((2, 2, 2))


def test_rounds_that_were_not_taken_together_are_not_compared() -> None:
    with pytest.raises(ValueError, match="longer"):
        ratio([[1.0]], [[1.0], [1.0]])


@pytest.mark.parametrize(("ours", "verdict"), [(0.9, "kept"), (1.0, "kept"), (1.1, "NOT kept")])
def test_a_promise_is_told_as_it_was_found(ours: float, verdict: str) -> None:
    samples = Samples()
    for _ in range(3):
        samples.add("one row", "Gyre", [ours])
        samples.add("one row", "other", [4.0])
    line, figures = told(Promise("one row", "Gyre", "other", 1 / 4), samples)
    assert line.endswith(f"promised 1/4: {verdict}")
    assert figures["one row: Gyre / other: median"] == pytest.approx(ours / 4)
    assert figures["one row: Gyre / other: promised"] == 0.25


def test_samples_stay_in_their_rounds() -> None:
    samples = Samples()
    samples.add("a", "x", [1, 2])
    samples.add("a", "y", [5])
    samples.add("a", "x", [3])
    assert samples.rounds("a", "x") == [[1, 2], [3]]
    assert list(samples) == [("a", "x", [[1, 2], [3]]), ("a", "y", [[5]])]


@pytest.mark.parametrize(
    ("value", "told_as"),
    [(0.5, "1/2"), (1 / 12, "1/12"), (0.4, "1/2.5"), (0.1, "1/10"), (1.0, "1.00 times"), (2.5, "2.50 times")],
)
def test_a_share_reads_as_people_say_it(value: float, told_as: str) -> None:
    assert as_share(value) == told_as
