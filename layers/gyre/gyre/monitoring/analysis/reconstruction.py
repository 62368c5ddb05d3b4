"""All features together, by reconstruction: how well the window fits into what the reference's features share."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from gyre.monitoring.analysis.nanny import hushed, nannyml
from gyre.monitoring.analysis.parts import Part, chunker, parts_of
from gyre.monitoring.analysis.significance import p_of_means
from gyre.monitoring.analysis.together import LEVEL, Frame, Measured, NotJudged, course, frames
from gyre.monitoring.found import Multivariate, Point
from gyre.monitoring.side import Pair

THRESHOLD = 1.1
"""The relation of the window's error to the expected one, or the other way round, above which it matters."""
_SEED = 16


def reconstruction(pair: Pair) -> Multivariate:
    """The components are made from one half of the reference; the other half tells what is to be expected of rows
    that they were not made from."""
    rows = len(pair.reference)
    shuffled = np.random.default_rng(_SEED).permutation(rows)
    made_from, others = np.sort(shuffled[: rows // 2]), np.sort(shuffled[rows // 2 :])
    known, unknown, window = frames(pair, made_from, others)
    cuts = parts_of(pair)
    try:
        calculator = components(known)
        (expected,), (found, *later) = errors(calculator, unknown, ()), errors(calculator, window, cuts)
    except nannyml().exceptions.NannyMLException as problem:
        raise NotJudged(f"NannyML cannot put these rows together again: {problem}"[:300]) from None
    return _judged(expected, found, course(cuts, later))


def components(frame: Frame) -> Any:
    """NannyML's calculator, made from these rows."""
    nml = nannyml()
    with hushed():
        return nml.DataReconstructionDriftCalculator(column_names=list(frame.columns), chunker=chunker()).fit(frame)


def errors(calculator: Any, frame: Frame, cuts: Sequence[Part]) -> list[Measured]:
    """Of the whole, then of each part that has rows."""
    calculator.chunker = chunker(cuts)
    with hushed():
        found = calculator.calculate(frame).filter(period="analysis").to_df()["reconstruction_error"]
    sizes = [len(frame), *(len(each) for each in cuts if len(each))]
    told = zip(found["value"], found["sampling_error"], sizes, strict=True)
    return [Measured(float(mean), float(deviation), rows) for mean, deviation, rows in told]


def _judged(expected: Measured, found: Measured, points: tuple[Point, ...]) -> Multivariate:
    p = p_of_means(
        (expected.value, expected.deviation, expected.rows), (found.value, found.deviation, found.rows)
    )  # fmt: skip
    # Told by products: where components tell all of the reference's rows, nothing is expected to be left.
    matters = found.value > THRESHOLD * expected.value or expected.value > THRESHOLD * found.value
    return Multivariate(
        method="reconstruction", value=found.value, expected=expected.value, p=p, threshold=THRESHOLD,
        drifted=matters and p <= LEVEL, points=points,
    )  # fmt: skip
