"""Whether two releases differ, or chance alone would do it: tests in plain Python, since nothing scientific is near."""

import math
from collections.abc import Mapping, Sequence
from itertools import groupby

LEVEL = 0.05
"""A p below it counts as a difference."""
_Z = 1.959963984540054  # 95 % of a normal distribution lie within
# Below so many expected, the approximations of the tests of counts are not to be trusted (Cochran).
_EXPECTED = 5.0
# Of two tables that are equally likely, rounding must not make one the likelier.
_AS_LIKELY = 1 + 1e-7


def wilson(count: int, total: int) -> tuple[float, float]:
    """The 95 % interval of a share; it is right for few rows, too, and for none or all of them."""
    if not total:
        return 0.0, 1.0
    share, spread = count / total, _Z * _Z / total
    middle = (share + spread / 2) / (1 + spread)
    reach = _Z / (1 + spread) * math.sqrt(share * (1 - share) / total + spread / (4 * total))
    return (0.0 if count == 0 else max(0.0, middle - reach)), (1.0 if count == total else min(1.0, middle + reach))


def proportions(first: tuple[int, int], second: tuple[int, int]) -> float:
    """The p of two shares (count, total): by the normal distribution, or exactly (Fisher) where one of the two outcomes
    is rare."""
    (one, of_one), (two, of_two) = first, second
    count, total = one + two, of_one + of_two
    if count in (0, total):
        return 1.0
    if min(of_one, of_two) * min(count, total - count) / total < _EXPECTED:
        return _fisher(one, of_one, count, total)
    share = count / total
    error = math.sqrt(share * (1 - share) * (1 / of_one + 1 / of_two))
    return math.erfc(abs(one / of_one - two / of_two) / error / math.sqrt(2))


def _fisher(one: int, of_one: int, count: int, total: int) -> float:
    """The sum of the likelihoods of all tables with these margins that are not likelier than this one."""
    whole = _log_choose(total, of_one)

    def likely(at: int) -> float:
        return math.exp(_log_choose(count, at) + _log_choose(total - count, of_one - at) - whole)

    seen = likely(one) * _AS_LIKELY
    every = map(likely, range(max(0, count + of_one - total), min(count, of_one) + 1))
    return min(1.0, math.fsum(each for each in every if each <= seen))


def _log_choose(total: int, count: int) -> float:
    return math.lgamma(total + 1) - math.lgamma(count + 1) - math.lgamma(total - count + 1)


def distributions(first: Mapping[str, int], second: Mapping[str, int]) -> float:
    """The p of two distributions over classes, by chi-square. Classes too rare for it are counted together."""
    totals = sum(first.values()), sum(second.values())
    pairs = _gathered([(first.get(name, 0), second.get(name, 0)) for name in {**first, **second}], totals)
    if len(pairs) < 2:
        return 1.0
    whole = sum(totals)
    found = math.fsum(
        (count - expected) ** 2 / expected
        for pair in pairs
        for count, expected in zip(pair, (sum(pair) * total / whole for total in totals), strict=True)
    )
    return chi_square(found, len(pairs) - 1)


def _gathered(pairs: Sequence[tuple[int, int]], totals: tuple[int, int]) -> list[tuple[int, int]]:
    """The classes with enough rows, the others as one; if that has not enough either, it goes to the rarest."""
    share = min(totals) / sum(totals)
    kept = sorted((each for each in pairs if sum(each) * share >= _EXPECTED), key=sum)
    rest = [each for each in pairs if sum(each) * share < _EXPECTED]
    left = sum(one for one, _ in rest), sum(two for _, two in rest)
    if not kept or sum(left) * share >= _EXPECTED:
        return [*kept, left] if sum(left) else kept
    return [(kept[0][0] + left[0], kept[0][1] + left[1]), *kept[1:]]


def chi_square(value: float, freedom: int) -> float:
    """How often chance alone gives at least this value: for a whole number of degrees of freedom it is a finite sum,
    over whole powers of the half value, or over those between them."""
    half, odd = value / 2, freedom % 2
    if half <= 0:
        return 1.0
    powers = (at + odd / 2 for at in range(freedom // 2))
    terms = math.fsum(math.exp(power * math.log(half) - half - math.lgamma(power + 1)) for power in powers)
    return min(1.0, terms + (math.erfc(math.sqrt(half)) if odd else 0.0))


def ranks(first: Sequence[float], second: Sequence[float]) -> float:
    """The p of Mann and Whitney's test: whether values of one tend to be greater than those of the other. By the normal
    distribution, corrected for ties and for continuity."""
    one, two = len(first), len(second)
    whole = one + two
    every = sorted([*((value, True) for value in first), *((value, False) for value in second)])
    passed, ranked, ties = 0, 0.0, 0
    for _, group in groupby(every, key=lambda each: each[0]):
        members = [ours for _, ours in group]
        alike = len(members)
        ranked += sum(members) * (passed + (alike + 1) / 2)
        ties += alike**3 - alike
        passed += alike
    spread = math.sqrt(one * two / 12 * (whole + 1 - ties / (whole * (whole - 1))))
    if not spread:
        return 1.0
    above = abs(ranked - one * (one + 1) / 2 - one * two / 2) - 0.5
    return min(1.0, math.erfc(above / spread / math.sqrt(2)))


def quantile(values: Sequence[float], share: float) -> float:
    """Of sorted values; between two of them in proportion."""
    at = (len(values) - 1) * share
    below = math.floor(at)
    above = min(below + 1, len(values) - 1)
    part = at - below
    return values[below] * (1 - part) + values[above] * part if part else values[below]
