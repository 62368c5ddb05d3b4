"""Each flaw is found in its column and in no other, and none where nothing happened."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gyre.monitoring.analysis.quality import LEVEL, quality
from gyre.monitoring.found import Qualities, Quality
from gyre.monitoring.side import Pair, Side
from tests.unit.monitoring.sides import pair, spec_from, values_of

SPEC = spec_from("""
model: pets
task: binary
target: was
columns:
  weight: {type: number}
  length: {type: number, range: [0, 100], outliers: 1.5}
  age: {type: integer}
  born: {type: time}
  city: {type: category}
  wild: {type: boolean}
  story: {type: text}
  was: {type: category, values: [no, yes]}
derived:
  heavy: {ratio: [weight, age]}
""")
CITIES = [f"city {at}" for at in range(60)]
WORDS = [f"word{at}" for at in range(800)]

Change = Callable[[pd.DataFrame], pd.DataFrame]
Checks = Mapping[tuple[str, str], Quality]


def frame(rows: int, seed: int) -> pd.DataFrame:
    """Rare cities and rare words as in life: each sample brings some that no other has."""
    chance = np.random.default_rng(seed)
    cities, words = (1 / np.arange(1, len(each) + 1) for each in (CITIES, WORDS))
    texts = chance.choice(WORDS, (rows, 8), p=words / words.sum())
    return pd.DataFrame(
        {
            "weight": np.where(chance.random(rows) < 0.05, np.nan, chance.normal(20, 4, rows)),
            "length": chance.normal(50, 5, rows).clip(0, 100),
            "age": chance.integers(1, 20, rows),
            "born": pd.Timestamp("2020-01-01") + pd.to_timedelta(np.arange(rows) + 10_000 * seed, unit="h"),
            "city": chance.choice(CITIES, rows, p=cities / cities.sum()),
            "wild": chance.random(rows) < 0.02,
            "story": [" ".join(each) for each in texts],
            "was": chance.choice(["no", "yes"], rows),
        }
    )


THEN, NOW = frame(800, 1), frame(500, 2)


def as_it_came(side: Side, rows: pd.DataFrame) -> Side:
    """With lengths out of their range: predictions are asked for whatever an ingest would turn away."""
    came = {"length": values_of(rows["length"], "number")} if "length" in rows else {}
    return replace(side, columns={**side.columns, **came})


def told(then: pd.DataFrame, now: pd.DataFrame) -> Pair:
    made = pair(SPEC, then, now, classes=("no", "yes"))
    return replace(made, reference=as_it_came(made.reference, then), window=as_it_came(made.window, now))


def checks(then: pd.DataFrame, now: pd.DataFrame) -> Checks:
    return {(each.column, each.flaw): each for each in quality(told(then, now)).checks}


def broken(then: pd.DataFrame, now: pd.DataFrame) -> set[tuple[str, str]]:
    return {(each.column, each.flaw) for each in quality(told(then, now)).broken}


def with_values(column: str, value: object, share: float) -> Change:
    """The first of so many rows have the value."""

    def change(now: pd.DataFrame) -> pd.DataFrame:
        changed = now.copy()
        changed[column] = changed[column].astype(object)
        changed.loc[: round(share * len(now)) - 1, column] = value
        return changed

    return change


@pytest.mark.parametrize(
    ("change", "column", "flaw"),
    [
        (with_values("weight", None, 0.15), "weight", "missing"),
        (with_values("city", None, 0.1), "city", "missing"),
        (with_values("wild", None, 0.1), "wild", "missing"),
        (with_values("story", None, 0.1), "story", "missing"),
        (with_values("city", "Atlantis", 0.12), "city", "unseen"),
        (with_values("story", "tlhingan hol dajatlhaa 'e vitulo", 0.1), "story", "unseen"),
        (with_values("length", 101.0, 0.1), "length", "range"),
        (with_values("age", 900, 0.1), "age", "range"),
        (with_values("length", 90.0, 0.1), "length", "outliers"),
        (lambda now: now.drop(columns="city"), "city", "absent"),
        (with_values("story", None, 1.0), "story", "all_missing"),
    ],
)
def test_a_flaw_is_found_where_it_is(change: Change, column: str, flaw: str) -> None:
    found = broken(THEN, change(NOW))
    assert (column, flaw) in found
    # Whatever is computed from a column has its flaws.
    assert {name for name, _ in found} <= {column} | ({"heavy"} if column in ("weight", "age") else set())
    # Gaps are no other flaw, and a value is not unseen because it is far out.
    related = {"range", "outliers"} if flaw in ("range", "outliers") else {flaw}
    assert {each for name, each in found if name == column} <= related


def test_shares_are_of_rows_and_examples_are_told() -> None:
    found = checks(THEN, with_values("city", "Atlantis" * 20, 0.12)(NOW))["city", "unseen"]
    assert found.window == pytest.approx(0.12, abs=0.01)
    assert found.reference is not None
    alone = (THEN["city"].map(THEN["city"].value_counts()) == 1).mean()
    assert found.reference == pytest.approx(alone)
    assert found.examples[0] == ("Atlantis" * 20)[:59] + "…"
    far = checks(THEN, with_values("age", 900, 0.1)(NOW))["age", "range"]
    assert far.examples == ("900",)


def test_a_rise_below_what_matters_is_none_however_sure_it_is() -> None:
    then, now = frame(9_000, 1), with_values("age", None, 0.015)(frame(9_000, 2))
    found = checks(then, now)["age", "missing"]
    assert found.window == 0.015
    assert found.adjusted is not None
    assert found.adjusted < LEVEL
    assert not found.broken


def test_a_rise_that_chance_makes_is_none() -> None:
    found = checks(frame(60, 1), with_values("age", None, 0.05)(frame(60, 2)))["age", "missing"]
    assert found.window == pytest.approx(0.05)
    assert not found.broken


def test_a_fall_is_none() -> None:
    then, now = with_values("city", None, 0.5)(THEN), NOW
    assert not broken(then, now)
    found = checks(then, now)["city", "missing"]
    assert (found.reference, found.window) == (0.5, 0.0)
    assert found.p is not None
    assert found.p < 1e-9


def test_what_happened_in_the_reference_already_is_no_news() -> None:
    change = with_values("length", 300.0, 0.2)
    assert not {each for each in broken(change(THEN), change(NOW)) if each[0] == "length"}


def test_later_times_are_not_out_of_range() -> None:
    assert ("born", "missing") in checks(THEN, NOW)
    assert not {("born", "range"), ("born", "outliers")} & checks(THEN, NOW).keys()


def test_one_value_alone_is_a_note() -> None:
    found = checks(THEN, with_values("city", "city 0", 1.0)(NOW))["city", "constant"]
    assert (found.broken, found.examples) == (False, ("city 0",))
    moment = pd.Timestamp("2026-05-04 10:00")
    assert checks(THEN, NOW.assign(born=moment))["born", "constant"].examples == ("2026-05-04T10:00:00",)
    # One in fifty was wild: of these few, that none is says nothing.
    assert ("wild", "constant") not in checks(THEN, with_values("wild", False, 1.0)(NOW[:60]))
    # And what never varied has not stopped to.
    always = with_values("age", 7, 1.0)
    assert ("age", "constant") not in checks(always(THEN), always(NOW))


def test_new_columns_are_a_note() -> None:
    found = quality(replace(told(THEN, NOW), new=("shoe size",))).checks
    assert [(each.column, each.broken) for each in found if each.flaw == "new"] == [("shoe size", False)]


def test_what_is_absent_on_either_side_is_not_compared() -> None:
    then = THEN.drop(columns=["city", "story"])
    found = checks(then, NOW.drop(columns="story"))
    assert not {column for column, _ in found} & {"city", "story"}


def test_few_rows_break_nothing() -> None:
    assert not broken(THEN, NOW[:29].drop(columns="city"))
    assert broken(THEN, NOW[:30].drop(columns="city")) == {("city", "absent")}
    assert not broken(THEN[:20], with_values("city", "Atlantis", 1.0)(NOW))


def test_the_worst_stand_first() -> None:
    now = with_values("city", "Atlantis", 0.5)(with_values("weight", None, 0.12)(NOW)).drop(columns="story")
    found = quality(told(THEN, now)).checks
    ranks = [each.broken for each in found]
    assert ranks == sorted(ranks, reverse=True)
    assert [(each.column, each.flaw) for each in found[:2]] == [("story", "absent"), ("city", "unseen")]


@pytest.mark.parametrize("sizes", [(800, 500), (150, 2_000), (2_000, 200)])
def test_windows_like_the_reference_are_quiet(sizes: tuple[int, int]) -> None:
    for seed in range(12):
        assert not broken(frame(sizes[0], 2 * seed), frame(sizes[1], 2 * seed + 1))


def columns() -> st.SearchStrategy[pd.DataFrame]:
    numbers = st.floats() | st.none()
    values = {
        "weight": numbers, "length": numbers, "age": st.integers(-(2**60), 2**60) | st.none(),
        "city": st.text(max_size=3) | st.none(), "wild": st.booleans() | st.none(),
        "story": st.text(max_size=9) | st.none(),
    }  # fmt: skip
    rows = st.lists(st.fixed_dictionaries(values), max_size=50)
    return st.tuples(rows, st.sets(st.sampled_from(sorted(values)), max_size=2)).map(
        lambda made: pd.DataFrame(made[0], columns=list(values), dtype=object).drop(columns=list(made[1]))
    )


@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(columns(), columns())
def test_nothing_that_data_can_be_is_an_exception(then: pd.DataFrame, now: pd.DataFrame) -> None:
    found = quality(told(then, now))
    assert Qualities.read(found.dump()) == found
    assert all(each.window is None or 0 <= each.window <= 1 for each in found.checks)
    # What is compared with itself is as it was.
    if "city" in now:
        assert not broken(now, now)
