"""Drift of one column at a time: what moved is named, what did not is not, and no column stops another one."""

from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examples.catalogue import EXAMPLES
from examples.simulate import simulated
from gyre.monitoring.analysis.univariate import FEWEST, LEVEL, cramer, measured, univariate
from gyre.monitoring.found import Drift, Univariate
from gyre.monitoring.side import Pair
from gyre.spec.check import read_spec
from gyre.spec.model import ModelSpec
from tests.unit.monitoring.sides import START, pair, side, spec_from

NUMERIC = ("jensen_shannon", "kolmogorov_smirnov", "wasserstein", "hellinger")
CATEGORICAL = ("jensen_shannon", "chi2", "l_infinity", "hellinger")


def small(monitoring: str = "{}", task: str = "binary", target: str = "{type: category}") -> ModelSpec:
    return spec_from(f"""
model: small
task: {task}
target: y
columns:
  number: {{type: number}}
  category: {{type: category}}
  truth: {{type: boolean}}
  text: {{type: text}}
  time: {{type: time}}
  secret: {{type: text, personal: true}}
  y: {target}
monitoring: {monitoring}
""")


def frame(rows: int = 400, seed: int = 0, **columns: Any) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    usual = {
        "number": rng.normal(10, 2, rows),
        "category": rng.choice(["red", "green", "blue"], rows, p=[0.5, 0.3, 0.2]),
        "truth": rng.random(rows) < 0.4,
        "text": ["so many words " * count for count in rng.integers(1, 9, rows)],
        "time": [(START + timedelta(minutes=float(each))).isoformat() for each in rng.uniform(0, 1e5, rows)],
        "secret": [f"person {each}" for each in range(rows)],
        "y": rng.choice(["yes", "no"], rows),
    }
    return pd.DataFrame({name: values for name, values in (usual | columns).items() if values is not None})


def by_name(found: Univariate) -> dict[str, Drift]:
    return {drift.column: drift for drift in found.drifts}


def looked(then: pd.DataFrame, now: pd.DataFrame, spec: ModelSpec | None = None) -> dict[str, Drift]:
    return by_name(univariate(pair(spec or small(), then, now)))


def of_example(name: str, what: str, rows: int = 600) -> Pair:
    """What a simulator does to an example, at its usual strength."""
    example = EXAMPLES[name]
    # A class that becomes more frequent costs rows of the others.
    window = simulated(example.generate(rows * (3 if what == "prior_shift" else 1), 2), what, example.simulations[what])
    assert len(window) >= 500
    return pair(read_spec(example.spec.read_bytes()), example.generate(1_000, 1), window)


@pytest.mark.parametrize("name", list(EXAMPLES))
@pytest.mark.parametrize("what", ["shift", "new_category", "seasonal"])
def test_a_feature_that_moved_is_named_and_only_what_is_computed_from_it_with_it(name: str, what: str) -> None:
    # given
    both = of_example(name, what)
    column = EXAMPLES[name].simulations[what]["column"]
    computed = {
        derived for derived, declared in both.spec.derived.items() if column in both.spec.inputs_of(declared)
    }  # fmt: skip

    # when
    found = univariate(both)

    # then
    assert column in {drift.column for drift in found.drifted}
    assert {drift.column for drift in found.drifted} <= {column} | computed
    assert found.drifts[0].drifted


@pytest.mark.parametrize("name", list(EXAMPLES))
def test_a_class_that_became_frequent_is_named_as_drift_of_the_label(name: str) -> None:
    # when
    found = univariate(of_example(name, "prior_shift"))

    # then
    assert "label" in {drift.of for drift in found.drifted}


@pytest.mark.parametrize("name", list(EXAMPLES))
@pytest.mark.parametrize("what", [None, "missing_surge"])
def test_the_same_world_and_gaps_in_it_are_no_drift(name: str, what: str | None) -> None:
    # given
    example = EXAMPLES[name]
    window = example.generate(600, 2)
    if what:
        window = simulated(window, what, example.simulations[what])

    # when
    found = univariate(pair(read_spec(example.spec.read_bytes()), example.generate(1_000, 1), window))

    # then
    assert found.drifted == ()
    assert all(drift.value is not None and drift.p is not None for drift in found.drifts)


@pytest.mark.parametrize("measure", NUMERIC)
def test_every_measure_of_numbers_finds_half_a_deviation_and_draws_its_course(measure: str) -> None:
    # given
    spec = small(f"{{numeric: {measure}, chunks: 4}}")
    then, now = frame(seed=1), frame(seed=2, number=np.random.default_rng(3).normal(11, 2, 400))

    # when
    found = looked(then, now, spec)

    # then
    drift = found["number"]
    assert drift.drifted and drift.method == measure and drift.p is not None and drift.p < 1e-6
    assert [point.rows for point in drift.points] == [100, 100, 100, 100]
    assert all(point.value is not None and point.value > 0 for point in drift.points)
    assert [name for name, each in found.items() if each.drifted] == ["number"]


@pytest.mark.parametrize("measure", CATEGORICAL)
def test_every_measure_of_categories_finds_a_name_that_was_rarer(measure: str) -> None:
    # given
    spec = small(f"{{categorical: {measure}}}")
    now = frame(seed=2, category=np.random.default_rng(3).choice(["red", "green", "blue"], 400, p=[0.3, 0.3, 0.4]))

    # when
    found = looked(frame(seed=1), now, spec)

    # then
    assert found["category"].drifted and found["category"].method == measure
    assert not found["truth"].drifted and found["truth"].value is not None


def test_what_matters_little_is_no_drift_however_certain() -> None:
    # given: a tenth of a deviation in very many rows
    then = frame(25_000, 1, text=None, time=None)
    now = frame(25_000, 2, text=None, time=None, number=np.random.default_rng(9).normal(10.25, 2, 25_000))

    # when
    drift = looked(then, now)["number"]

    # then
    assert drift.adjusted is not None and drift.adjusted < LEVEL and drift.value is not None
    assert drift.value < drift.threshold and not drift.drifted


def test_what_may_be_chance_is_no_drift_however_large() -> None:
    # given
    now = frame(FEWEST, seed=3, number=np.random.default_rng(4).normal(10.9, 2, FEWEST))

    # when
    drift = looked(frame(seed=1), now)["number"]

    # then
    assert drift.value is not None and drift.value > drift.threshold
    assert drift.adjusted is not None and drift.adjusted > LEVEL and not drift.drifted


def test_a_threshold_of_model_yaml_counts_and_wasserstein_has_a_quarter_of_a_deviation() -> None:
    # given
    then, now = frame(seed=1), frame(seed=2, number=np.random.default_rng(3).normal(12, 2, 400))

    # when
    fixed = looked(then, now, small("{numeric: wasserstein}"))["number"]
    declared = looked(then, now, small("{numeric: wasserstein, thresholds: {number: 3.5, y: 0.9}}"))

    # then
    assert fixed.threshold == pytest.approx(then["number"].std(ddof=0) / 4) and fixed.drifted
    assert fixed.value == pytest.approx(2, rel=0.2)
    assert declared["number"].threshold == 3.5 and not declared["number"].drifted
    assert declared["label"].threshold == 0.9


def test_texts_are_compared_by_their_lengths_and_times_by_their_seconds() -> None:
    # given
    now = frame(
        seed=2, text=["word"] * 400,
        time=[(START + timedelta(days=400, minutes=each)).isoformat() for each in range(400)],
    )  # fmt: skip

    # when
    found = looked(frame(seed=1), now)

    # then
    assert {name for name, drift in found.items() if drift.drifted} == {"text: characters", "text: words", "time"}
    assert found["text: words"].kind == "number" and found["text: words"].shares is not None
    assert "text" not in found


def test_personal_columns_never_occur() -> None:
    # when
    found = univariate(pair(small(), frame(seed=1), frame(seed=2)))

    # then
    assert "secret" not in by_name(found)
    assert b"person" not in found.dump()


def test_a_prediction_is_compared_as_what_it_is() -> None:
    # given
    def classes(rows: pd.DataFrame) -> tuple[np.ndarray, None]:
        return np.where(rows["number"] > 10, "yes", "no").astype(object), None

    def amounts(rows: pd.DataFrame) -> tuple[np.ndarray, None]:
        return rows["number"].to_numpy() * 3, None

    then, now = frame(seed=1), frame(seed=2, number=np.random.default_rng(3).normal(13, 2, 400))
    regression = small(task="regression", target="{type: number}")
    with_amounts = [each.assign(y=np.arange(400.0)) for each in (then, now)]

    # when
    named = by_name(univariate(pair(small(), then, now, predict=classes)))
    counted = by_name(univariate(pair(regression, *with_amounts, predict=amounts)))

    # then
    assert (named["prediction"].kind, named["prediction"].of, named["prediction"].drifted) == (
        "category", "prediction", True,
    )  # fmt: skip
    assert (counted["prediction"].kind, counted["prediction"].drifted) == ("number", True)
    assert (counted["label"].kind, counted["label"].drifted) == ("number", False)


def test_labels_that_are_too_few_are_left_out() -> None:
    # given
    few = frame(seed=2)
    few.loc[FEWEST - 1 :, "y"] = None

    # then
    assert "label" not in looked(frame(seed=1), few)
    assert "label" not in looked(frame(seed=1), frame(seed=2, y=None))
    few.loc[FEWEST - 1, "y"] = "yes"
    assert "label" in looked(frame(seed=1), few)


SPOILT: dict[str, tuple[dict[str, Any], str]] = {
    "absent": ({"number": None, "category": None}, "the window has no such column"),
    "all missing": ({"number": [np.nan] * 400, "category": [None] * 400}, "the window has nothing but gaps here"),
    "few": (
        {"number": [1.0] * 29 + [np.nan] * 371, "category": ["red"] * 29 + [None] * 371},
        "the window has 29 values here, and 30 are needed",
    ),
    "nothing finite": ({"number": [np.inf, -np.inf] * 200, "category": None}, "nothing but gaps"),
}


@pytest.mark.parametrize("case", SPOILT)
def test_a_column_that_cannot_be_compared_says_why_and_stops_no_other(case: str) -> None:
    # given
    spoilt, because = SPOILT[case]
    then, now = frame(seed=1), frame(seed=2, **spoilt)

    # when
    found = looked(then, now)
    other_way = looked(now, then)

    # then
    for drifts, reason in ((found, because), (other_way, because.replace("window", "reference"))):
        assert reason in (drifts["number"].because or "")
        assert drifts["number"].value is None and not drifts["number"].drifted and drifts["number"].p is None
        others = {name: each for name, each in drifts.items() if name not in spoilt}
        assert {"truth", "text: words", "text: characters", "time", "label"} <= others.keys()
        assert all(each.value is not None and each.because is None for each in others.values())


def test_no_rows_at_all_are_a_reason_too() -> None:
    # when
    found = looked(frame(seed=1), frame(seed=2)[:0])

    # then
    assert all(drift.because == f"the window has 0 values here, and {FEWEST} are needed" for drift in found.values())


def test_one_value_alone_on_both_sides_is_no_drift_and_on_one_side_is_one() -> None:
    # given
    alone = {"number": [7.0] * 400, "category": ["red"] * 400, "truth": [True] * 400}

    # when
    same = looked(frame(seed=1, **alone), frame(seed=2, **alone))
    now_alone = looked(frame(seed=1), frame(seed=2, **alone))
    then_alone = looked(frame(seed=1, **alone), frame(seed=2))

    # then
    for name in alone:
        assert same[name].value == 0 and same[name].p == 1 and same[name].because is None
        assert now_alone[name].drifted and then_alone[name].drifted


def test_a_slip_of_the_unit_in_the_reference_hides_no_drift() -> None:
    # given: one value in 400 is a thousand times too large
    then = frame(seed=1)
    then.loc[17, "number"] *= 1_000
    now = frame(seed=2, number=np.random.default_rng(3).normal(12, 2, 400))

    # then
    assert looked(then, now)["number"].drifted
    assert measured("jensen_shannon", True, then["number"].to_numpy(), now["number"].to_numpy(), ())[0] < 0.1


@pytest.mark.parametrize("huge", [1e15, 1e17, 1e200, 1e308])
def test_huge_numbers_end_nothing(huge: float) -> None:
    # given
    rng = np.random.default_rng(3)
    numbers = [huge * rng.choice([-1.0, 0.5, 1.0], 400) for _ in range(2)]

    # when
    found = looked(frame(seed=1, number=numbers[0]), frame(seed=2, number=numbers[1]))
    alone = looked(frame(seed=1, number=[huge] * 400), frame(seed=2, number=[huge] * 400))

    # then
    for drifts in (found, alone):
        assert drifts["truth"].value is not None and not drifts["number"].drifted
        assert (drifts["number"].value is None) == (drifts["number"].because is not None)


def test_thousands_of_names_are_told_in_a_picture_of_a_few() -> None:
    # given
    rng = np.random.default_rng(1)
    then, now = (frame(5_000, seed, category=rng.zipf(1.2, 5_000).astype(str)) for seed in (1, 2))
    now_new = frame(5_000, 3, category=[f"n{each}" for each in range(5_000)])

    # when
    found, moved = looked(then, now)["category"], looked(then, now_new)["category"]

    # then
    assert not found.drifted and found.shares is not None and found.value is not None
    assert len(found.shares.names) == 13 and found.shares.names[-1] == "others"
    assert sum(found.shares.reference) == pytest.approx(1, abs=1e-4)
    assert moved.drifted and moved.value == pytest.approx(1)


def test_shares_hold_all_values_and_outliers_stand_in_the_end_bins() -> None:
    # given
    now = frame(seed=2, number=np.append(np.random.default_rng(3).normal(20, 2, 399), 1e9))

    # when
    shares = looked(frame(seed=1), now)["number"].shares

    # then: as far as both reach, without the one that lies far out
    assert shares is not None and len(shares.edges) == len(shares.window) + 1 <= 21
    assert shares.edges[0] < 7 and 22 < shares.edges[-1] < 30
    assert sum(shares.reference) == pytest.approx(1, abs=1e-4) and sum(shares.window) == pytest.approx(1, abs=1e-4)


def test_few_whole_numbers_have_a_bin_each() -> None:
    # given
    rng = np.random.default_rng(1)

    # when
    shares = looked(frame(seed=1, number=rng.integers(0, 8, 400)), frame(seed=2, number=rng.integers(0, 8, 400)))[
        "number"
    ].shares

    # then
    assert shares is not None and shares.edges == tuple(at - 0.5 for at in range(9))


def test_a_part_with_too_few_values_has_no_point_and_a_quiet_hour_none_either() -> None:
    # given: the last value of the window comes much later than the others
    spec = small("{chunks: 4, chunk_by: time}")
    then, now = side(spec, frame(seed=1)), side(spec, frame(seed=2))
    at = now.at.copy()
    at[-1] += np.timedelta64(30, "h")
    late = type(now)(now.source, now.columns, at, label=now.label)

    # when
    points = by_name(univariate(Pair(spec, ("no", "yes"), then, late)))["number"].points

    # then
    assert [point.rows for point in points] == [399, 0, 0, 1]
    assert [point.value is None for point in points] == [False, True, True, True]
    assert points[0].end == points[1].start


def test_what_is_found_is_read_as_it_was_written() -> None:
    # given
    found = univariate(pair(small(), frame(seed=1), frame(seed=2, number=None)))

    # then
    assert Univariate.read(found.dump()) == found
    assert b"NaN" not in found.dump()


def test_cramers_v_is_the_same_however_many_rows_a_side_has() -> None:
    # given
    from scipy.stats import chi2_contingency

    def told(then: int, now: int) -> float:
        table = [[0.5 * then, 0.5 * then], [0.6 * now, 0.4 * now]]
        return cramer(chi2_contingency(table, correction=False).statistic, then, now)

    # then
    assert told(1_000, 1_000) == pytest.approx(0.1005, abs=1e-4)
    assert told(100_000, 1_000) == pytest.approx(told(1_000, 1_000), rel=0.02)


VALUES = st.one_of(
    st.floats(allow_nan=True, allow_infinity=True), st.integers(-(2**63), 2**63).map(float), st.sampled_from([0.0, 1.0])
)
WORDS = st.one_of(st.none(), st.text(max_size=8), st.sampled_from(["a", "b", "1", "true", "nan", "None", ""]))


@settings(max_examples=25, deadline=None)
@given(
    st.lists(VALUES, min_size=1, max_size=8), st.lists(VALUES, min_size=1, max_size=8),
    st.lists(WORDS, min_size=1, max_size=8), st.lists(WORDS, min_size=1, max_size=8),
    st.sampled_from(NUMERIC), st.sampled_from(CATEGORICAL),
)  # fmt: skip
def test_no_values_end_a_look(
    then_values: list[float], now_values: list[float], then_words: list[str | None], now_words: list[str | None],
    numeric: str, categorical: str,
) -> None:  # fmt: skip
    # given
    spec = small(f"{{numeric: {numeric}, categorical: {categorical}, chunks: 3}}")
    sides = []
    for values, words in ((then_values, then_words), (now_values, now_words)):
        bare = side(spec, frame(60, text=None, time=None, y=None))
        columns = {"number": np.resize(np.array(values, float), 60), "category": np.resize(np.array(words, object), 60)}
        sides.append(type(bare)(bare.source, {**bare.columns, **columns}, bare.at))

    # when
    found = by_name(univariate(Pair(spec, (), *sides)))

    # then
    assert set(found) == {"number", "category", "truth", "text: characters", "text: words", "time"}
    for drift in found.values():
        assert (drift.value is None) == (drift.because is not None)
        assert drift.because is None or not drift.drifted
    assert found["truth"].value == 0
    Univariate.read(univariate(Pair(spec, (), *sides)).dump())
