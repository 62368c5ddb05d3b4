"""Every simulator does what it says, to the column it says, and nothing else."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examples.catalogue import EXAMPLES
from examples.simulate import (
    SIMULATORS,
    CannotSimulate,
    concept_change,
    label_flip,
    missing_surge,
    new_category,
    prior_shift,
    seasonal,
    shift,
    simulated,
    spread,
)
from tests.unit.examples.parts import NAMES, frame_of

CLASSES = ("low", "middle", "high")
shares = st.floats(0, 1)
quick = settings(max_examples=15, deadline=None)


@st.composite
def frames(draw: st.DrawFn, least: int = 2) -> pd.DataFrame:
    """Any small table with two kinds of numbers, words and labels, each with gaps but for the labels."""
    rows = draw(st.integers(least, 60))

    def column(values: st.SearchStrategy[Any]) -> list[Any]:
        return draw(st.lists(values, min_size=rows, max_size=rows))

    return pd.DataFrame({
        "number": pd.Series(column(st.none() | st.integers(-10_000, 10_000).map(lambda n: n / 10)), dtype="float64"),
        "count": pd.Series(column(st.none() | st.integers(-50, 50)), dtype="Int64"),
        "word": pd.Series(column(st.none() | st.sampled_from("abcd")), dtype="str"),
        "label": pd.Series(column(st.sampled_from(CLASSES)), dtype="str"),
    })  # fmt: skip


def changed(before: pd.DataFrame, after: pd.DataFrame) -> set[str]:
    assert list(before.columns) == list(after.columns)
    return {column for column in before if not before[column].equals(after[column])}


def differing(before: pd.Series, after: pd.Series) -> int:
    return int((before.fillna("-").astype(object) != after.fillna("-").astype(object)).sum())


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("drift", SIMULATORS)
def test_every_example_can_be_spoiled_in_every_way_without_more_arguments(name: str, drift: str) -> None:
    before = frame_of(name, 2_000)
    kept = before.copy()
    how = EXAMPLES[name].simulations[drift]

    after, again = (simulated(before, drift, how, seed=3) for _ in range(2))

    pd.testing.assert_frame_equal(before, kept)
    pd.testing.assert_frame_equal(after, again)
    assert after.dtypes.equals(before.dtypes)
    if drift == "prior_shift":
        assert len(after) < len(before)
    else:
        touched = how["target"] if drift in ("label_flip", "concept_change") else how["column"]
        assert changed(before, after) == {touched}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("drift", SIMULATORS)
def test_no_strength_is_no_drift(name: str, drift: str) -> None:
    before = frame_of(name, 500)
    after = simulated(before, drift, EXAMPLES[name].simulations[drift], strength=0)
    pd.testing.assert_frame_equal(before, after)


@pytest.mark.parametrize("name", NAMES)
def test_a_share_ends_at_one_however_strong(name: str) -> None:
    how = EXAMPLES[name].simulations["missing_surge"]
    assert simulated(frame_of(name, 200), "missing_surge", how, strength=1_000)[how["column"]].isna().all()


@quick
@given(frames(), st.floats(-5, 5), st.sampled_from(["number", "count"]))
def test_a_shift_moves_the_mean_of_its_column_alone(frame: pd.DataFrame, by: float, column: str) -> None:
    if spread(frame[column]) == 0:
        with pytest.raises(CannotSimulate, match="no spread"):
            shift(frame, column, by)
        return

    after = shift(frame, column, by)

    assert changed(frame, after) <= {column}
    assert after[column].isna().equals(frame[column].isna())
    assert after[column].dtype == frame[column].dtype
    moved = (after[column] - frame[column]).dropna().astype(float)
    # Rounded as the column is: to tenths here, and counts up or down to a whole number.
    assert (moved - by * spread(frame[column])).abs().max() <= (0.0501 if column == "number" else 1.0001)


def test_counts_move_by_the_right_amount_on_average() -> None:
    frame = pd.DataFrame({"count": pd.Series(np.arange(20_000) % 2, dtype="Int64")})
    assert shift(frame, "count", 0.5)["count"].mean() == pytest.approx(0.75, abs=0.01)


def test_a_gradual_shift_begins_with_nothing_and_ends_with_all() -> None:
    frame = pd.DataFrame({"number": np.tile([0.123456789, 2.0], 500)})
    moved = (shift(frame, "number", 2.0, gradual=True) - frame)["number"]
    assert moved.iloc[0] == 0
    assert moved.iloc[-1] == pytest.approx(2 * spread(frame["number"]))
    assert moved.is_monotonic_increasing


def test_a_slip_of_the_unit_does_not_make_a_shift_huge() -> None:
    values = pd.Series([*np.linspace(1.5, 1.9, 999), 175.0])
    assert spread(values) == pytest.approx(0.115, abs=0.01)


@quick
@given(frames(), st.floats(-2, 2), st.integers(1, 5))
def test_a_season_comes_and_goes(frame: pd.DataFrame, by: float, periods: int) -> None:
    if spread(frame["number"]) == 0:
        return
    after = seasonal(frame, "number", by, periods=periods)
    assert changed(frame, after) <= {"number"}
    assert (after["number"] - frame["number"]).abs().max() <= abs(by) * spread(frame["number"]) + 0.0501


def test_a_season_rises_from_what_was_and_comes_back() -> None:
    frame = pd.DataFrame({"number": np.random.default_rng(1).normal(10, 2, 4_000)})
    rise = (seasonal(frame, "number", 1.5, periods=2) - frame)["number"] / spread(frame["number"])
    assert rise.mean() == pytest.approx(1.5 / 2)
    assert [rise.iloc[at] for at in (0, 1_000, 2_000, 3_000, -1)] == pytest.approx([0, 1.5, 0, 1.5, 0], abs=0.001)


@quick
@given(frames(), shares)
def test_a_new_category_takes_exactly_its_share_of_the_values(frame: pd.DataFrame, share: float) -> None:
    present = int(frame["word"].notna().sum())
    after = new_category(frame, "word", "new", share)
    assert changed(frame, after) <= {"word"}
    assert (after["word"] == "new").sum() == differing(frame["word"], after["word"]) == round(share * present)
    assert after["word"].isna().equals(frame["word"].isna())


@quick
@given(frames(), shares, st.sampled_from(["number", "count", "word"]))
def test_a_surge_takes_exactly_its_share_of_the_values(frame: pd.DataFrame, share: float, column: str) -> None:
    present = int(frame[column].notna().sum())
    after = missing_surge(frame, column, share)
    assert changed(frame, after) <= {column}
    assert after[column].notna().sum() == present - round(share * present)
    kept = after[column].notna()
    assert after[column][kept].equals(frame[column][kept])


@pytest.mark.parametrize(("values", "dtype"), [([1, 2], "Int64"), ([True, False], "boolean"), ([1.5, 2.5], "float64")])
def test_a_gap_does_not_change_how_the_rest_is_written(values: list[Any], dtype: str) -> None:
    after = missing_surge(pd.DataFrame({"column": values}), "column", 0.5)["column"]
    assert str(after.dtype) == dtype
    assert after.isna().sum() == 1


@quick
@given(frames(), shares)
def test_a_flip_changes_exactly_its_share_of_the_labels(frame: pd.DataFrame, share: float) -> None:
    if frame["label"].nunique() < 2:
        with pytest.raises(CannotSimulate, match="fewer than two classes"):
            label_flip(frame, "label", share)
        return
    after = label_flip(frame, "label", share)
    assert changed(frame, after) <= {"label"}
    assert differing(frame["label"], after["label"]) == round(share * len(frame))
    assert set(after["label"]) <= set(frame["label"])


@quick
@given(frames(), shares, st.sampled_from(["number", "count", "word"]))
def test_a_change_of_concept_leaves_every_feature(frame: pd.DataFrame, share: float, column: str) -> None:
    features = ["number", "count", "word"]
    after = concept_change(frame, "label", order=CLASSES, column=column, share=share)

    assert after[features].to_csv() == frame[features].to_csv()
    present = int(frame[column].notna().sum())
    touched = (after["label"] != frame["label"]).to_numpy()
    # At least the share, at most one row less for the rounding; and equal values stay together.
    assert touched.sum() >= np.floor(share * present + 1e-9)
    inside, outside = frame[column][touched].dropna(), frame[column][~touched].dropna()
    assert len(inside) == touched.sum(), "a row without a value is in no group"
    if len(inside) and len(outside):
        assert inside.min() > outside.max()
    moves = {"low": "middle", "middle": "high", "high": "middle"}
    assert after["label"][touched].tolist() == [moves[label] for label in frame["label"][touched]]


@quick
@given(frames(), st.floats(-0.99, 20))
def test_a_prior_shift_only_leaves_rows_out(frame: pd.DataFrame, by: float) -> None:
    label = frame["label"].iloc[0]
    mine = int((frame["label"] == label).sum())
    others = len(frame) - mine

    numbered = frame.assign(count=pd.Series(range(len(frame)), dtype="Int64"))
    after = prior_shift(numbered, "label", label, by)

    assert after["count"].is_monotonic_increasing
    assert after["count"].is_unique
    pd.testing.assert_frame_equal(after, numbered.iloc[after["count"].astype(int)].reset_index(drop=True))
    left = int((after["label"] == label).sum())
    assert left == mine if by >= 0 else len(after) - left == others
    if others and by >= 0:
        assert len(after) - left == pytest.approx(others / (1 + by), abs=0.51)


def test_a_prior_shift_makes_a_class_as_frequent_as_asked() -> None:
    before = frame_of("sentiment", 5_000)
    after = prior_shift(before, "sentiment", "negative", 2.0)
    odds = [(frame["sentiment"] == "negative").mean() for frame in (before, after)]
    assert odds[1] / (1 - odds[1]) == pytest.approx(3 * odds[0] / (1 - odds[0]), rel=0.01)


@pytest.mark.parametrize(
    ("name", "how", "why"),
    [
        ("shift", {"column": "lost", "by": 1}, "there is no column 'lost'"),
        ("shift", {"column": "word", "by": 1}, "holds no numbers"),
        ("seasonal", {"column": "number", "by": 1, "periods": 0}, "at least one period"),
        ("new_category", {"column": "number", "name": "x", "share": 0.1}, "holds no categories"),
        ("new_category", {"column": "word", "name": "a", "share": 0.1}, "is not new"),
        ("missing_surge", {"column": "word", "share": -0.1}, "between 0 and 1"),
        ("label_flip", {"target": "word", "share": 0.5}, "fewer than two classes"),
        (
            "concept_change",
            {"target": "label", "order": CLASSES[:2], "column": "number", "share": 1},
            "not in the order",
        ),
        ("concept_change", {"target": "label", "order": CLASSES, "column": "label", "share": 1}, "is the target"),
        ("concept_change", {"target": "label", "order": ("low",), "column": "number", "share": 1}, "two classes"),
        ("prior_shift", {"target": "label", "label": "none", "by": 1}, "does not occur"),
        ("prior_shift", {"target": "label", "label": "low", "by": -1}, "above 0"),
    ],
)
def test_what_does_not_go_is_said(name: str, how: Mapping[str, Any], why: str) -> None:
    frame = pd.DataFrame({"number": [1.0, 2.0, 3.0], "word": ["a"] * 3, "label": list(CLASSES)})
    with pytest.raises(CannotSimulate, match=why):
        SIMULATORS[name](frame, **how)
