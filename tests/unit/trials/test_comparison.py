"""The report: its figures, its tests, and what it says of them."""

import numpy as np
import pytest
from scipy import stats

from gyre.journal.record import JournalRecord
from gyre.trials.comparison import MINIMUM, Comparison, Difference, compare
from tests.unit.trials.trial_calls import call, explained, failure, record, refusal, row, served, shadow


def told(found: Comparison, of: str) -> Difference:
    (test,) = [each for each in found.differences if each.of == of]
    return test


def compared(*records: JournalRecord) -> Comparison:
    return compare(records, 1, 2)


def drawn(version: int, count: int, share: float, seed: int) -> list[JournalRecord]:
    """So many calls, of which about this share are white, and others take longer."""
    draw = np.random.default_rng(seed)
    return [
        call(version, "white" if white else "red", ms=float(ms))
        for white, ms in zip(draw.random(count) < share, draw.gamma(4, 0.5, count), strict=True)
    ]


def test_without_records_there_is_nothing_to_tell() -> None:
    found = compared()
    assert (found.records, found.production.rows, found.challenger.faults, found.shadow) == (0, 0, None, None)
    assert (found.production.ms_p50, found.production.shares, found.challenger.confidence) == (None, None, None)
    assert [(each.p, each.differs) for each in found.differences] == [(None, None)] * 4
    assert all(each.says.startswith("not enough data: 0 ") for each in found.differences)


def test_the_figures_are_those_of_the_records() -> None:
    records = [*(call(1, ms=ms) for ms in (1.0, 2.0, 3.0, 4.0)), call(1, "white", "red", ms=10.0), refusal(1)]
    records += [call(2, "white", ms=7.0), failure(3)]
    found = compared(*records)
    ours, theirs = found.production, found.challenger
    assert (found.records, ours.version, theirs.version) == (8, 1, 2)
    # Production answered three rows in the challenger's place.
    assert (ours.calls, ours.rows, ours.failed, ours.refused) == (7, 10, 0, 1)
    assert (theirs.calls, theirs.rows, theirs.failed, theirs.refused) == (2, 4, 3, 0)
    assert (ours.faults, theirs.faults) == (0.1, 0.75)
    interval = stats.binomtest(3, 4).proportion_ci(method="wilson")
    assert (theirs.faults_low, theirs.faults_high) == pytest.approx((interval.low, interval.high))
    times = [1.0, 2.0, 3.0, 4.0, 5.0, 1 / 3]
    assert (ours.ms_p50, ours.ms_p95) == pytest.approx((np.quantile(times, 0.5), np.quantile(times, 0.95)))
    assert ours.shares == pytest.approx({"red": 8 / 9, "white": 1 / 9}) and theirs.shares == {"white": 1.0}
    assert (ours.mean, theirs.confidence) == (None, 0.7)


def test_each_test_is_that_of_scipy() -> None:
    ours, theirs = drawn(1, 400, 0.3, 1), drawn(2, 90, 0.5, 2)
    broken = [failure() for _ in range(10)]
    found = compared(*ours, *theirs, *broken)
    white = [sum(each.rows[0].prediction == "white" for each in calls) for calls in (theirs, ours)]
    classes = [[white[0], 90 - white[0]], [white[1], 410 - white[1]]]
    assert told(found, "predictions").p == pytest.approx(stats.chi2_contingency(classes, correction=False).pvalue)
    assert told(found, "faults").p == pytest.approx(stats.fisher_exact([[10, 90], [0, 410]]).pvalue)
    times = [[each.served[0].ms for each in calls] for calls in (theirs, ours)]
    times[1] += [1.0] * 10
    assert told(found, "latency").p == pytest.approx(stats.mannwhitneyu(*times, method="asymptotic").pvalue)
    assert told(found, "confidence").p == 1


def test_with_few_rows_of_one_side_nothing_is_said() -> None:
    for few in (MINIMUM - 1, MINIMUM):
        found = compared(*drawn(1, 500, 0.1, 1), *drawn(2, few, 0.9, 2))
        assert [each.p is not None for each in found.differences] == [few == MINIMUM] * 4
    assert (
        f"{MINIMUM - 1} rows of the challenger and 500 of production"
        in told(compared(*drawn(1, 500, 0.1, 1), *drawn(2, MINIMUM - 1, 0.9, 2)), "faults").says
    )


# --- what it says -----------------------------------------------------------------------------------------------------


def test_a_challenger_that_fails_is_said_to() -> None:
    found = told(compared(*drawn(1, 300, 0.5, 1), *drawn(2, 60, 0.5, 2), *(failure() for _ in range(40))), "faults")
    assert found.differs
    assert found.says == (
        "The challenger fails more often: 40 of its 100 rows have no answer of its own, 0 of production's 340; chance "
        "alone makes them differ as much in fewer than 1 of 1,000 cases."
    )


def test_a_challenger_that_fails_less_often_is_said_to() -> None:
    found = told(compared(*(refusal(1) for _ in range(60)), *drawn(1, 60, 0.5, 1), *drawn(2, 60, 0.5, 2)), "faults")
    assert found.differs and found.says.startswith("The challenger fails less often: 0 of its 60 rows")


def test_a_slower_challenger_is_said_to_be_and_among_what() -> None:
    calls = [call(version, ms=version * (1 + at / 100)) for version in (1, 2) for at in range(50)]
    found = told(compared(*calls), "latency")
    assert found.differs and found.says.startswith(
        "The challenger is slower: a row takes 2.49 ms in the median, against"
    )
    assert "(calls of one row, not explained)" in found.says


def test_only_like_calls_tell_who_is_slower() -> None:
    """Given a challenger that is as fast, and gets fewer rows of each call; and one whose rows are explained."""
    many = [call(1, *["red"] * 90, ms=10.0) for _ in range(60)]
    few = [call(2, *["red"] * 10, ms=1.9) for _ in range(60)]
    assert told(compared(*many, *few), "latency").p is None
    why = [record([served(2, 1, 20.0)], [explained(2)]) for _ in range(60)]
    assert told(compared(*(call(1) for _ in range(60)), *why), "latency").p is None
    both = [call(version, "red", "red", ms=2.0 + at % 7) for version in (1, 2) for at in range(60)]
    found = told(compared(*many, *few, *why, *both), "latency")
    assert found.differs is False and "(calls of 2 rows, not explained)" in found.says


def test_the_class_that_differs_most_is_named() -> None:
    found = told(compared(*drawn(1, 300, 0.2, 1), *drawn(2, 300, 0.6, 2)), "predictions")
    assert found.differs and found.says.startswith("The challenger predicts other classes: 'red' is ")


def test_numbers_are_compared_by_their_ranks_and_told_by_their_mean() -> None:
    calls = [call(version, float(at + 5 * version)) for version in (1, 2) for at in range(60)]
    found = compared(*calls)
    assert (found.production.mean, found.challenger.mean, found.production.shares) == (34.5, 39.5, None)
    test = told(found, "predictions")
    one, two = [float(at + 10) for at in range(60)], [float(at + 5) for at in range(60)]
    assert test.p == pytest.approx(stats.mannwhitneyu(one, two, method="asymptotic").pvalue)
    assert test.method == "Mann-Whitney"


def test_values_that_are_only_spread_otherwise_are_not_called_higher() -> None:
    narrow = [call(1, float(value)) for value in [10] * 31 + [11] * 30]
    wide = [call(2, float(value)) for value in [1] * 29 + [10] * 32]
    test = told(compared(*narrow, *wide), "predictions")
    assert test.differs and "lower" not in test.says.partition(";")[0] and "spread otherwise" in test.says


def test_classes_and_numbers_are_not_compared() -> None:
    calls = [*(call(1) for _ in range(40)), *(call(2, 1.5) for _ in range(40))]
    test = told(compared(*calls), "predictions")
    assert (test.p, test.differs) == (None, None) and "cannot be compared" in test.says


def test_no_difference_is_said_where_there_is_none() -> None:
    found = compared(*drawn(1, 300, 0.3, 1), *drawn(2, 300, 0.3, 5))
    assert [each.differs for each in found.differences] == [False] * 4
    assert all(each.says.startswith("No difference") for each in found.differences)


# --- the shadow -------------------------------------------------------------------------------------------------------


def test_the_shadow_tells_how_often_both_agree() -> None:
    calls = [call(1, "red") for _ in range(50)]
    shadows = [shadow(each, "red" if at < 45 else "white") for at, each in enumerate(calls)]
    found = compared(*calls, *shadows).shadow
    assert found is not None and (found.rows, found.agreeing, found.agreement) == (50, 45, 0.9)
    interval = stats.binomtest(45, 50).proportion_ci(method="wilson")
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high))
    assert (found.unmatched, found.mean_difference) == (0, None)


def test_a_shadow_without_its_calls_tells_no_agreement() -> None:
    found = compared(*(shadow(call(1), "red") for _ in range(3))).shadow
    assert found is not None
    assert (found.rows, found.agreement, found.low, found.unmatched) == (0, None, None, 3)


def test_the_answers_of_a_shadow_count_for_the_challenger() -> None:
    calls = [call(1, "red", ms=1.0) for _ in range(40)]
    found = compared(*calls, *(shadow(each, "white", ms=9.0) for each in calls))
    assert found.challenger.shares == {"white": 1.0}
    assert all(told(found, of).differs for of in ("latency", "predictions"))
    number = compared(*(base := [call(1, 10.0)]), *(shadow(each, 14.0) for each in base)).shadow
    assert number is not None and (number.agreeing, number.mean_difference) == (0, 4.0)


def test_numbers_as_large_as_there_are_have_figures() -> None:
    calls = [call(version, *([1.7e308, -1.7e308, 1.7e308] * 20)) for version in (1, 2)]
    found = compared(*calls, *(shadow(each, *([-1.7e308] * 60)) for each in calls[:1]))
    assert found.production.mean == pytest.approx(1.7e308 / 3) and found.shadow is not None
    assert all(each.p is None or 0 <= each.p <= 1 for each in found.differences)
    assert not any(word in str(found) for word in ("nan", "inf"))


def test_rows_without_ids_in_a_mixed_call_are_no_trouble() -> None:
    mixed = record([served(1, 2), served(2, 1)], [row(1), row(2), row(1, None)])
    assert compared(mixed).production.rows == 2
