"""Drift of all features together: a relation that broke is found where no feature by itself moved."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from examples.catalogue import EXAMPLES
from gyre.monitoring.analysis.multivariate import multivariate
from gyre.monitoring.analysis.reconstruction import THRESHOLD
from gyre.monitoring.analysis.together import FEWEST, LEVEL
from gyre.monitoring.analysis.univariate import univariate
from gyre.monitoring.found import Multivariate
from gyre.monitoring.side import Pair
from gyre.spec.check import read_spec
from gyre.spec.model import ModelSpec
from tests.unit.monitoring.sides import pair, side, spec_from

METHODS = pytest.mark.parametrize("method", ["reconstruction", "domain_classifier"])
TIED = ("a", "b", "c", "d", "e", "f")


def tied(monitoring: str = "{}") -> ModelSpec:
    columns = "\n".join(f"  {name}: {{type: number}}" for name in TIED)
    return spec_from(
        f"model: tied\ntask: regression\ntarget: y\ncolumns:\n{columns}\n"
        f"  kind: {{type: category}}\n  text: {{type: text}}\n  y: {{type: number}}\nmonitoring: {monitoring}\n"
    )


def frame(rows: int = 600, seed: int = 0, *, apart: bool = False, **columns: Any) -> pd.DataFrame:
    """Six numbers that all say the same; apart: each of them as it was, and none knows of the others."""
    rng = np.random.default_rng(seed)
    common = rng.normal(size=rows)
    numbers = {name: common + 0.3 * rng.normal(size=rows) for name in TIED}
    if apart:
        numbers = {name: rng.permutation(values) for name, values in numbers.items()}
    usual = {"kind": rng.choice(["x", "y", "z"], rows, p=[0.6, 0.3, 0.1]), "text": ["words"] * rows, "y": common}
    told = numbers | usual | columns
    return pd.DataFrame({name: values for name, values in told.items() if values is not None})


def looked(then: pd.DataFrame, now: pd.DataFrame, monitoring: str = "{}") -> Multivariate:
    return multivariate(pair(tied(monitoring), then, now))


def test_a_relation_that_broke_is_found_although_no_feature_moved() -> None:
    # given
    both = pair(tied(), frame(seed=1), frame(seed=2, apart=True))

    # when
    found = multivariate(both)

    # then
    assert univariate(both).drifted == ()
    assert found.drifted and found.value is not None and found.expected is not None
    assert found.value > THRESHOLD * found.expected and found.p is not None and found.p <= LEVEL
    assert len(found.points) == 5
    assert all(point.low < point.value < point.high and point.low > found.expected for point in found.points)


def test_rows_that_fit_better_than_before_are_drift_too() -> None:
    # given: what sets each feature apart from the others is gone
    then, now = frame(seed=1), frame(seed=2)
    now = now.assign(**dict.fromkeys(TIED, now["a"]))

    # when
    found = looked(then, now)

    # then
    assert found.drifted and found.value is not None and found.expected is not None
    assert found.expected > THRESHOLD * found.value


@pytest.mark.parametrize("seed", range(6))
def test_the_same_world_is_no_drift_and_its_error_is_as_expected(seed: int) -> None:
    # when
    found = looked(frame(seed=100 + seed), frame(seed=200 + seed))

    # then
    assert not found.drifted and found.p is not None and found.p > LEVEL
    assert found.value == pytest.approx(found.expected, rel=0.1)


def test_what_is_certain_and_little_is_no_drift() -> None:
    # given: very many rows, and one feature of six a little less tied to the others
    then, now = frame(40_000, 1), frame(40_000, 2)
    now["a"] += np.random.default_rng(3).normal(0, 0.3, 40_000)

    # when
    found = looked(then, now)

    # then
    assert found.p is not None and found.p <= LEVEL and not found.drifted


def test_the_same_rows_give_the_same_figures() -> None:
    assert looked(frame(seed=1), frame(seed=2)) == looked(frame(seed=1), frame(seed=2))


def test_model_yaml_turns_it_off() -> None:
    assert looked(frame(seed=1), frame(seed=2), "{multivariate: none}").because == "model.yaml turns it off"
    example = EXAMPLES["sentiment"]
    spec = read_spec(example.spec.read_bytes())
    assert multivariate(pair(spec, example.generate(200, 1), example.generate(200, 2))).value is None


@METHODS
@pytest.mark.parametrize(("then", "now"), [(2 * FEWEST - 1, 600), (600, FEWEST - 1), (0, 0)])
def test_too_few_rows_are_a_reason(then: int, now: int, method: str) -> None:
    # when
    found = looked(frame(seed=1)[:then], frame(seed=2)[:now], f"{{multivariate: {method}}}")

    # then
    assert found.because == f"the reference has {then} rows and the window {now}: 60 and 30 are needed"
    assert (found.method, found.drifted, found.value, found.points) == (method, False, None, ())


def test_two_features_are_needed() -> None:
    # given
    one = dict.fromkeys(TIED[1:])
    gaps = dict.fromkeys(TIED[1:], np.nan)
    alone = dict.fromkeys(TIED[1:], 4.2)

    # then: absent, nothing but gaps, one value alone
    for lacking in (one, gaps, alone):
        spoilt = {"kind": None, **lacking}
        found = looked(frame(seed=1, **spoilt), frame(seed=2, **spoilt))
        assert found.because is not None and found.because.startswith("fewer than two features")
    assert looked(frame(seed=1, **one), frame(seed=2, **one)).value is not None


@pytest.mark.parametrize("spoilt", [
    {"a": None}, {"a": np.nan}, {"a": 3.0}, {"a": np.inf}, {"kind": None}, {"kind": "never seen"},
])  # fmt: skip
def test_a_feature_that_cannot_be_used_leaves_the_others(spoilt: dict[str, Any]) -> None:
    # when: on either side
    now = looked(frame(seed=1), frame(seed=2, **spoilt))
    then = looked(frame(seed=1, **spoilt), frame(seed=2))

    # then
    for found in (now, then):
        assert found.because is None and found.value is not None and found.expected is not None
        assert np.isfinite(found.value) and np.isfinite(found.expected)


def test_names_without_end_and_new_ones_are_taken() -> None:
    # given
    rng = np.random.default_rng(1)
    names = [rng.integers(0, 3_000, 600).astype(str) for _ in range(2)]

    # when
    endless = looked(frame(seed=1, kind=names[0]), frame(seed=2, kind=names[1]))
    new = looked(frame(seed=1), frame(seed=2, kind=rng.choice(["x", "v", "w", None], 600)))

    # then
    assert endless.value is not None and not endless.drifted
    assert new.value is not None and new.value > (new.expected or 0)


def test_gaps_and_slips_of_the_unit_are_no_drift_of_all_together() -> None:
    # given
    then, now = frame(seed=1), frame(seed=2)
    now.loc[::10, "b"] = np.nan
    then.loc[5, "a"] = now.loc[7, "a"] = 1e9

    # when
    found = looked(then, now)

    # then
    assert not found.drifted and found.value == pytest.approx(found.expected, rel=0.1)


@pytest.mark.parametrize("huge", [1e17, 1e200, 1e308])
def test_huge_numbers_end_nothing(huge: float) -> None:
    # given
    rng = np.random.default_rng(3)

    # when
    found = looked(*(frame(seed=seed, a=huge * rng.choice([-1.0, 0.5, 1.0], 600)) for seed in (1, 2)))

    # then
    assert (found.value is None) == (found.because is not None)
    assert Multivariate.read(found.dump()) == found


def test_where_components_tell_all_nothing_is_left_to_expect() -> None:
    # given: every feature is the same number
    same = [dict.fromkeys(TIED, np.random.default_rng(seed).normal(size=600)) for seed in (1, 2)]

    # when
    exact = looked(*(frame(seed=seed, kind=None, **each) for seed, each in zip((1, 2), same, strict=True)))
    broken = looked(frame(seed=1, kind=None, **same[0]), frame(seed=2, kind=None))

    # then
    assert not exact.drifted and exact.value == pytest.approx(0, abs=1e-9)
    assert broken.drifted


@METHODS
def test_parts_follow_the_window_and_small_ones_have_no_value(method: str) -> None:
    # given
    spec = tied(f"{{multivariate: {method}, chunks: 3, chunk_by: time}}")
    then, now = side(spec, frame(seed=1)), side(spec, frame(seed=2))
    at = now.at.copy()
    at[-10:] += np.timedelta64(40, "h")

    # when
    points = multivariate(Pair(spec, (), then, type(now)(now.source, now.columns, at))).points

    # then
    assert [point.rows for point in points] == [590, 0, 10]
    assert [point.value is None for point in points] == [False, True, True]
