"""All features together, by a domain classifier: how well the window's rows are told from the reference's."""

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats  # type: ignore[import-untyped]

from gyre.features.compute import Array
from gyre.monitoring.analysis.parts import Part, parts_of
from gyre.monitoring.analysis.together import LEVEL, Frame, Measured, course, frames
from gyre.monitoring.found import Multivariate
from gyre.monitoring.side import Pair

EXPECTED = 0.5
"""The area under the curve of a classifier that knows nothing."""
THRESHOLD = 1.2
"""The relation of the window's area to the expected one above which it matters: 0.6."""
MOST_ROWS = 10_000
"""Of either side. With them the area is told to within 0.01, and nothing becomes clearer that matters."""
_FOLDS = 5
_SEED = 17

Scores = npt.NDArray[np.float64]


def domain_classifier(pair: Pair) -> Multivariate:
    """Each row is told by classifiers that were trained without it."""
    chosen = [_some(len(side), seed) for side, seed in ((pair.reference, _SEED), (pair.window, _SEED + 1))]
    then, now = frames(pair, chosen[0])
    scores = _scores(then, now.iloc[chosen[1]])
    reference, window = scores[: len(then)], scores[len(then) :]
    whole = area(window, reference)
    p = float(stats.mannwhitneyu(window, reference, alternative="greater", method="asymptotic").pvalue)
    cuts = parts_of(pair)
    return Multivariate(
        method="domain_classifier", value=whole.value, expected=EXPECTED, p=p, threshold=THRESHOLD,
        drifted=whole.value > THRESHOLD * EXPECTED and p <= LEVEL,
        points=course(cuts, [area(window[_of(part, chosen[1])], reference) for part in cuts if len(part)]),
    )  # fmt: skip


def area(those: Scores, others: Scores) -> Measured:
    """Under the curve: how often one of those scores higher than one of the others, with its error by DeLong (1988)."""
    if not len(those):
        return Measured(EXPECTED, 0.0, 0)
    above, below = _above(those, others), 1 - _above(others, those)
    variance = sum(float(each.var(ddof=1)) / len(each) for each in (above, below) if len(each) > 1)
    return Measured(float(above.mean()), variance**0.5, len(those))


def _above(those: Scores, others: Scores) -> Scores:
    """For each of those the share of the others that lies below it; equal ones count half."""
    ordered = np.sort(others)
    sides = np.searchsorted(ordered, those, "left") + np.searchsorted(ordered, those, "right")
    shares: Scores = sides / (2 * len(ordered))
    return shares


def _scores(then: Frame, now: Frame) -> Scores:
    """How much each row looks like one of the window; the reference's rows stand first."""
    import pandas as pd
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    rows = pd.concat([then, now], ignore_index=True)
    names = {name: "category" for name in rows if rows[name].dtype.kind not in "fiu"}
    side = np.repeat([0, 1], [len(then), len(now)])
    classifier: Any = HistGradientBoostingClassifier(
        categorical_features="from_dtype", class_weight="balanced", early_stopping=False, learning_rate=0.1,
        max_iter=50, max_leaf_nodes=15, random_state=_SEED,
    )  # fmt: skip
    folds = StratifiedKFold(_FOLDS, shuffle=True, random_state=_SEED)
    with threadpool_limits(1):  # three other analyses go on beside it, and threads that wait for one another spin
        told = cross_val_predict(classifier, rows.astype(names), side, cv=folds, method="predict_proba")
    scores: Scores = told[:, 1]
    return scores


def _some(rows: int, seed: int) -> Array:
    """Their places, in their order."""
    if rows <= MOST_ROWS:
        return np.arange(rows)
    return np.sort(np.random.default_rng(seed).choice(rows, MOST_ROWS, replace=False))


def _of(part: Part, chosen: Array) -> slice:
    """Where the rows of a part stand among those that were chosen."""
    return slice(*np.searchsorted(chosen, [part.first, part.last]).tolist())
