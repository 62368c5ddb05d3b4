from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gyre.datasets.split import NO_PART, divide
from gyre.errors import Invalid
from gyre.spec.check import read_spec
from gyre.spec.model import ModelSpec

quick = settings(max_examples=50, deadline=None)  # a busy machine is slow now and then
TRAIN, TEST, REFERENCE = range(3)
SHARES = st.tuples(st.floats(0.05, 0.6), st.just(0) | st.floats(0.05, 0.3))
SEEDS = st.integers(0, 2**32 - 1)


def spec(task: str = "multiclass", **split: object) -> ModelSpec:
    kind = "number" if task == "regression" else "category"
    told = ", ".join(f"{key}: {value}" for key, value in split.items())
    return read_spec(
        f"model: m\ntask: {task}\ntarget: y\ntime: at\ngroup: who\nsplit: {{{told}}}\n"
        f"columns: {{y: {{type: {kind}}}, x: {{type: number}}, at: {{type: time}}, who: {{type: category}}}}\n"
    )


def words(values: Sequence[str | None]) -> np.ndarray:
    return np.array([*values, None], dtype=object)[:-1]


def classes(counts: Sequence[int], seed: int = 0) -> np.ndarray:
    """So many rows of each class, shuffled."""
    return np.random.default_rng(seed).permutation(words([f"c{at}" for at, n in enumerate(counts) for _ in range(n)]))


def sizes(parts: np.ndarray) -> list[int]:
    return [int(np.count_nonzero(parts == part)) for part in range(3)]


def moments(values: Sequence[int | None]) -> np.ndarray:
    return np.array(
        [np.datetime64("NaT", "us") if v is None else np.datetime64(v, "us") for v in values], dtype="M8[us]"
    )


# --- by class


@quick
@given(SHARES, SEEDS, st.lists(st.integers(40, 90), min_size=2, max_size=8))
def test_each_class_is_in_each_part_within_a_row_of_its_share(
    shares: tuple[float, float], seed: int, counts: list[int]
) -> None:
    # Given classes of enough rows to be in every part
    target = classes(counts, seed)
    # When they are divided
    parts = divide(spec(test=shares[0], reference=shares[1], seed=seed), target, None, None)
    # Then each row has one part, and each class, and the whole, its share of each within a row
    assert set(parts.tolist()) <= {TRAIN, TEST, REFERENCE} and parts.dtype == np.int8
    for rows in (target == name for name in set(target)):
        for found, share in zip(sizes(parts[rows]), (1 - sum(shares), *shares), strict=True):
            assert abs(found - share * rows.sum()) < 1
    for found, share in zip(sizes(parts), (1 - sum(shares), *shares), strict=True):
        assert abs(found - share * len(target)) < 1


@quick
@given(SHARES, SEEDS, st.lists(st.integers(1, 12), min_size=4, max_size=30))
def test_a_class_of_a_few_rows_is_not_lost_to_rounding(
    shares: tuple[float, float], seed: int, counts: list[int]
) -> None:
    target = classes([*counts, 40, 40], seed)
    parts = divide(spec(test=shares[0], reference=shares[1], seed=seed), target, None, None)
    for name, count in Counter(target.tolist()).items():
        train, test, reference = sizes(parts[target == name])
        assert train >= 1
        assert test >= 1 or count < 3
        assert reference >= 1 or count < 4 or not shares[1]


@quick
@given(SEEDS, st.integers(30, 200))
def test_a_numeric_target_is_in_each_part_all_along_its_range(seed: int, rows: int) -> None:
    target = np.random.default_rng(seed).permutation(np.arange(rows, dtype=float) ** 3)
    parts = divide(spec("regression", test=0.3, reference=0.3, seed=seed), target, None, None)
    ranks = np.argsort(np.argsort(target))
    tenths = ranks * min(10, rows // 10) // rows
    for tenth in set(tenths):
        assert min(sizes(parts[tenths == tenth])) >= 2
    assert all(abs(found - share * rows) < 1 for found, share in zip(sizes(parts), (0.4, 0.3, 0.3), strict=True))


def test_a_numeric_target_of_few_values_is_divided_too() -> None:
    target = np.array([0.0] * 90 + [1.0] * 10)
    parts = divide(spec("regression"), target, None, None)
    assert sizes(parts) == [70, 20, 10]
    assert sizes(parts[90:]) == [7, 2, 1]


# --- at random


@quick
@given(SHARES, SEEDS, st.integers(40, 300))
def test_a_random_split_keeps_the_shares_of_the_whole(shares: tuple[float, float], seed: int, rows: int) -> None:
    target = classes([rows - rows // 2, rows // 2], seed)
    parts = divide(spec(by="random", test=shares[0], reference=shares[1], seed=seed), target, None, None)
    for found, share in zip(sizes(parts), (1 - sum(shares), *shares), strict=True):
        assert abs(found - share * rows) < 1


@pytest.mark.parametrize("by", ["stratified", "random"])
@pytest.mark.parametrize("grouped", [False, True])
def test_the_seed_alone_decides(by: str, grouped: bool) -> None:
    target = classes([200, 100])
    group = words([f"g{at // 3}" for at in range(300)]) if grouped else None
    once, again, other = (divide(spec(by=by, seed=seed), target, None, group) for seed in (1, 1, 2))
    assert once.tolist() == again.tolist()
    assert once.tolist() != other.tolist()


def test_parts_stay_the_same_from_release_to_release() -> None:
    # numpy keeps no such promise for its shuffle: an upgrade that breaks this changes everybody's test parts
    parts = divide(spec(), words(["a", "a", "b"] * 7), None, None)
    assert "".join(str(part) for part in parts) == "001010000202000000110"


# --- by time


@quick
@given(
    SHARES,
    st.lists(st.none() | st.integers(0, 30), min_size=8, max_size=120).filter(lambda at: len({*at} - {None}) >= 3),
)
def test_the_newest_rows_are_tested_on_and_no_moment_is_cut(
    shares: tuple[float, float], told: list[int | None]
) -> None:
    target = np.arange(len(told), dtype=float)
    parts = divide(spec("regression", by="time", test=shares[0], reference=shares[1]), target, moments(told), None)
    times: list[set[int]] = [
        {t for t, p in zip(told, parts, strict=True) if p == part and t is not None} for part in range(3)
    ]
    # Then the parts follow each other, and what tells no time is trained on
    assert all(p == TRAIN for t, p in zip(told, parts, strict=True) if t is None)
    assert times[TEST] and (times[REFERENCE] or not shares[1])
    assert max(times[TRAIN], default=-1) < min(times[REFERENCE] or times[TEST])
    assert max(times[REFERENCE], default=-1) < min(times[TEST])
    # and no other cut comes nearer to the share of the test
    counts = Counter(t for t in told if t is not None)
    cuts = [sum(n for t, n in counts.items() if t >= cut) for cut in sorted(counts)]
    possible = cuts[int(None not in told) + int(shares[1] > 0) :]
    wanted = shares[0] * len(told)
    assert abs(sizes(parts)[TEST] - wanted) == pytest.approx(min(abs(cut - wanted) for cut in possible))


def test_a_number_can_be_the_time() -> None:
    parts = divide(spec("regression", by="time"), np.arange(10.0), np.array([5, 4, 3, 2, 1, 0, 9, 8, 7, np.nan]), None)
    assert parts.tolist() == [0, 0, 0, 0, 0, 0, 1, 1, 2, 0]


# --- by group


@quick
@given(
    st.sampled_from(["stratified", "random", "time"]),
    SEEDS,
    st.lists(st.none() | st.integers(0, 25), min_size=30, max_size=120),
)
def test_a_group_is_never_in_two_parts(by: str, seed: int, who: list[int | None]) -> None:
    assume(len({*who}) >= 4)
    draw = np.random.default_rng(seed)
    target, at = draw.normal(size=len(who)), moments(draw.integers(0, 1000, len(who)).tolist())
    group = words([None if each is None else str(each) for each in who])
    parts = divide(spec("regression", by=by, seed=seed), target, at, group)
    assert min(sizes(parts)) > 0 and sum(sizes(parts)) == len(who)
    for name in set(group) - {None}:
        assert len(set(parts[group == name])) == 1


def test_rows_that_name_no_group_are_not_one_group() -> None:
    parts = divide(spec(), classes([50, 50]), None, words([None] * 100))
    assert sizes(parts) == [70, 20, 10]


@quick
@given(SHARES, SEEDS)
def test_groups_keep_the_shares_of_parts_and_classes_nearly(shares: tuple[float, float], seed: int) -> None:
    # Given groups of one to five rows, and a class that is rare
    draw = np.random.default_rng(seed)
    group = words([str(each) for each in np.repeat(np.arange(300), draw.integers(1, 6, 300))])
    target = words(draw.choice(["often", "seldom"], len(group), p=[0.9, 0.1]).tolist())
    parts = divide(spec(test=shares[0], reference=shares[1], seed=seed), target, None, group)
    for name in (None, "often", "seldom"):
        rows = target != name if name is None else target == name
        for found, share in zip(sizes(parts[rows]), (1 - sum(shares), *shares), strict=True):
            assert abs(found - share * rows.sum()) <= 5


def test_a_group_of_half_the_rows_is_trained_on() -> None:
    group = words(["big"] * 500 + [f"g{at}" for at in range(500)])
    parts = divide(spec(), classes([600, 400]), None, group)
    assert set(parts[:500]) == {TRAIN}
    assert sizes(parts) == [700, 200, 100]


def test_as_many_groups_as_parts_are_enough() -> None:
    parts = divide(spec(), classes([50, 50]), None, words(["a"] * 60 + ["b"] * 30 + ["c"] * 10))
    assert [set(parts[:60]), set(parts[60:90]), set(parts[90:])] == [{TRAIN}, {TEST}, {REFERENCE}]


def test_a_group_stands_where_its_newest_row_does() -> None:
    at = moments([1, 9, 2, 8, 3, 3, 4, 4, 5, 5])
    group = words(["a", "a", "b", "b", "c", "c", "d", "d", "e", "e"])
    parts = divide(spec("regression", by="time", test=0.2, reference=0.2), np.arange(10.0), at, group)
    assert parts.tolist() == [1, 1, 2, 2, 0, 0, 0, 0, 0, 0]


# --- what cannot be divided


@pytest.mark.parametrize("by", ["stratified", "random", "time"])
def test_a_row_without_a_target_has_no_part(by: str) -> None:
    target = words(["a", None, "b", *["a", "b"] * 20])
    parts = divide(spec(by=by), target, moments(range(43)), None)
    assert (parts == NO_PART).tolist() == [each is None for each in target]
    # and nobody else's part depends on it
    assert parts[target != None].tolist() == divide(  # noqa: E711  # element by element
        spec(by=by), target[target != None], moments([0, *range(2, 43)]), None  # noqa: E711
    ).tolist()  # fmt: skip


@pytest.mark.parametrize(
    ("declared", "target", "at", "group", "told"),
    [
        (spec(), words([None, None]), None, None, "No row has a value of the target 'y'"),
        (spec(by="random"), classes([2, 2]), None, None, "4 rows with a target are too few"),
        (spec("regression"), np.array([1.0, 2.0]), None, None, "upload at least 5 rows"),
        (spec(), classes([40]), None, None, "All rows of the train part have the same 'y', c0"),
        (spec(by="time"), words(["a"] * 7 + ["b"] * 3), moments(range(10)), None, "split.by"),
        (spec(by="time"), classes([5, 5]), moments([1] * 5 + [2] * 5), None, "2 different times"),
        (spec(by="time"), classes([5, 5]), moments([None] * 10), None, "0 different times"),
        (spec(by="time"), classes([5, 5]), None, None, "column"),
        (spec(), classes([50, 50]), None, words(["a", "b"] * 50), "groups"),
    ],
)
def test_what_cannot_be_divided_is_refused_with_a_way_out(
    declared: ModelSpec, target: np.ndarray, at: np.ndarray | None, group: np.ndarray | None, told: str
) -> None:
    with pytest.raises(Invalid, match=told):
        divide(declared, target, at, group)


def test_two_different_times_are_enough_beside_rows_that_tell_none() -> None:
    parts = divide(spec(by="time"), classes([5, 5]), moments([None] * 7 + [1, 2, 2]), None)
    assert parts.tolist() == [0] * 7 + [2, 1, 1]


@pytest.mark.parametrize("rows", [100_000])
def test_many_rows_in_many_groups_take_no_time(rows: int) -> None:
    draw = np.random.default_rng(0)
    group = words([str(each) for each in draw.integers(0, rows // 5, rows)])
    parts = divide(spec(), words(draw.choice(["a", "b", "c"], rows).tolist()), None, group)
    np.testing.assert_allclose(np.array(sizes(parts)) / rows, [0.7, 0.2, 0.1], atol=1e-3)
