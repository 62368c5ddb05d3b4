"""A classifier tells the window's rows from the reference's if there is something to tell them by."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from gyre.monitoring.analysis import domain
from gyre.monitoring.analysis.domain import EXPECTED, THRESHOLD, area
from gyre.monitoring.analysis.multivariate import multivariate
from gyre.monitoring.analysis.together import LEVEL
from gyre.monitoring.found import Multivariate
from tests.unit.monitoring.sides import pair
from tests.unit.monitoring.test_multivariate import TIED, frame, looked, tied

ASKED = "{multivariate: domain_classifier}"


def test_a_relation_that_broke_is_told() -> None:
    # when
    found = looked(frame(seed=1), frame(seed=2, apart=True), ASKED)

    # then
    assert found.method == "domain_classifier" and found.drifted
    assert found.value is not None and found.value > 0.8 and found.p is not None and found.p <= LEVEL
    assert (found.expected, found.threshold) == (EXPECTED, THRESHOLD)
    assert len(found.points) == 5
    assert all(point.low is not None and point.low > THRESHOLD * EXPECTED for point in found.points)


def test_what_components_do_not_see_is_told() -> None:
    """Given one feature that follows another's square, whose components are those of features that are strangers."""
    # given
    then, now = frame(1_000, 1, apart=True), frame(1_000, 2, apart=True)
    now["b"] = np.sort(now["b"])[np.argsort(np.argsort(now["a"] ** 2))]

    # when
    by_components, by_classifier = looked(then, now), looked(then, now, ASKED)

    # then
    assert not by_components.drifted
    assert by_classifier.drifted


@pytest.mark.parametrize("seed", range(4))
def test_the_same_world_is_told_by_nothing(seed: int) -> None:
    # when
    found = looked(frame(seed=100 + seed), frame(seed=200 + seed), ASKED)

    # then
    assert not found.drifted and found.value == pytest.approx(0.5, abs=0.06)


def test_the_same_rows_on_both_sides_are_no_drift_and_give_the_same_figures() -> None:
    same = frame(seed=1)
    assert not looked(same, same, ASKED).drifted
    assert looked(same, frame(seed=2), ASKED) == looked(same, frame(seed=2), ASKED)


def test_a_feature_that_cannot_be_used_leaves_the_others() -> None:
    for spoilt in ({"a": None}, {"a": np.nan}, {"a": np.inf}, {"kind": None}, {"kind": "never seen"}, {"a": 1e308}):
        found = looked(frame(seed=1), frame(seed=2, **spoilt), ASKED)
        assert found.because is None and found.value is not None, spoilt
        assert Multivariate.read(found.dump()) == found


def test_names_and_gaps_tell_rows_apart() -> None:
    # given
    rng = np.random.default_rng(1)
    kinds = rng.choice(["x", "v", None], 600)

    # then
    assert looked(frame(seed=1), frame(seed=2, kind=kinds), ASKED).drifted


def test_two_features_are_needed() -> None:
    alone = dict.fromkeys((*TIED[1:], "kind"))
    found = looked(frame(seed=1, **alone), frame(seed=2, **alone), ASKED)
    assert found.because is not None and found.because.startswith("fewer than two features")


def test_of_many_rows_some_are_asked_about_and_parts_keep_theirs(monkeypatch: pytest.MonkeyPatch) -> None:
    # given: the last half of the window comes from another world
    monkeypatch.setattr(domain, "MOST_ROWS", 800)
    spec = tied("{multivariate: domain_classifier, chunks: 4}")
    window = frame(4_000, 2)
    window.iloc[2_000:] = frame(2_000, 3, apart=True).to_numpy()

    # when
    points = multivariate(pair(spec, frame(4_000, 1), window.infer_objects())).points

    # then
    assert [point.rows for point in points] == [1_000] * 4
    first, second, third, fourth = (point.value or 0.0 for point in points)
    assert min(third, fourth) > max(first, second) + 0.1


@pytest.mark.parametrize("seed", range(5))
def test_the_area_is_that_of_scikit_learn(seed: int) -> None:
    # given
    rng = np.random.default_rng(seed)
    those, others = rng.integers(0, 8, 90).astype(float), rng.integers(2, 7, 40).astype(float)

    # then
    told = area(those, others)
    assert told.value == pytest.approx(roc_auc_score([1] * 90 + [0] * 40, [*those, *others]))
    assert told.rows == 90


def test_the_error_of_an_area_is_how_far_areas_lie_apart() -> None:
    # given
    rng = np.random.default_rng(9)
    told = [area(rng.normal(0.5, 1, 120), rng.normal(0, 1, 80)) for _ in range(400)]

    # then
    assert np.mean([each.deviation for each in told]) == pytest.approx(np.std([each.value for each in told]), rel=0.15)
