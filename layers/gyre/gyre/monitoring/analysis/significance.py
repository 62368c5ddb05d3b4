"""Whether a difference is more than chance: a p for each column, and what is left of it among so many."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy import stats  # type: ignore[import-untyped]

Numbers = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]

# Below it, the chi-square distribution tells too little about a cell.
_LEAST_EXPECTED = 5.0
_SEED = 5


def holm(ps: Sequence[float | None]) -> tuple[float | None, ...]:
    """Each p given how many there are (Holm 1979): the chance that any of them is as low, whatever they have to do
    with one another. None where there is no p; it counts for nothing."""
    known = sorted((p, at) for at, p in enumerate(ps) if p is not None)
    adjusted: list[float | None] = [None] * len(ps)
    most = 0.0
    for rank, (p, at) in enumerate(known):
        most = max(most, min(1.0, p * (len(known) - rank)))
        adjusted[at] = most
    return tuple(adjusted)


def p_of_numbers(reference: Numbers, window: Numbers) -> float:
    """Of two samples without gaps, by Kolmogorov and Smirnov. Where values occur more than once it is on the safe
    side."""
    # The asymptotic one: exact p grow slow with thousands of rows, and differ in nothing that decides.
    return float(stats.ks_2samp(reference, window, method="asymp").pvalue)


def p_of_counts(reference: Counts, window: Counts) -> float:
    """Of how often each category occurred on either side, by chi-square. Rare ones are put together with others that
    are about as rare; those too few even together are asked about by Fisher's exact test. Which they are is told by
    both sides at once, so that it favours neither."""
    # What occurs equally often is shuffled: in the order in which names came, those of the reference stand first.
    shuffled = np.random.default_rng(_SEED).permutation(len(reference))
    total = reference + window
    order = shuffled[np.argsort(-total[shuffled], kind="stable")]
    cells, full = _cells(total[order] * (min(reference.sum(), window.sum()) / total.sum()))
    rest = order[cells == full]
    ps = []
    if full > 1:
        merged = np.minimum(cells, full - 1)
        counted = [np.bincount(merged, weights=side[order]) for side in (reference, window)]
        ps.append(float(stats.chi2_contingency(counted, correction=False).pvalue))
    if full and len(rest):
        table = [[side.sum() - side[rest].sum(), side[rest].sum()] for side in (reference, window)]
        ps.append(float(stats.fisher_exact(table).pvalue))
    return min(1.0, len(ps) * min(ps)) if ps else 1.0


def p_of_means(first: tuple[float, float, int], second: tuple[float, float, int]) -> float:
    """Two-sided, of two means with their standard errors and rows (Welch 1947)."""
    (one, one_error, one_rows), (other, other_error, other_rows) = first, second
    variance = one_error**2 + other_error**2
    if not variance:
        return 1.0 if one == other else 0.0
    freedom = variance**2 / (one_error**4 / (one_rows - 1) + other_error**4 / (other_rows - 1))
    return float(2 * stats.t.sf(abs(one - other) / variance**0.5, freedom))


def _cells(expected: Numbers) -> tuple[Counts, int]:
    """The cell that each category goes to, the most frequent first, and how many cells are full: enough is expected
    of them. A rest that is not enough stands in a last one."""
    cells = np.zeros(len(expected), dtype=np.int64)
    cell, held = 0, 0.0
    for at, share in enumerate(expected):
        cells[at] = cell
        held += share
        if held >= _LEAST_EXPECTED:
            cell, held = cell + 1, 0.0
    return cells, cell
