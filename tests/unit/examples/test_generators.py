"""The made-up worlds: the same for every seed, with as much wrong in them as was meant."""

import hashlib
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest

from examples.catalogue import EXAMPLES
from examples.files import csv
from examples.obesity.generator import LEVELS
from examples.obesity.generator import MISSING as OBESITY_MISSING
from examples.salary_band.generator import MISSING as SALARY_MISSING
from examples.salary_band.generator import NEW_FORM, OPTIONAL
from examples.salary_band.world import BANDS, COUNTRIES
from tests.infra.facts import ROOT
from tests.unit.examples.parts import NAMES, frame_of, spec_of

MISSING = {
    "obesity": OBESITY_MISSING,
    "salary_band": SALARY_MISSING,
    "sentiment": {"text": 0.006, "product": 0.03, "price": 0.05},
}


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_the_same_seed_gives_the_same_bytes_in_every_process() -> None:
    here = [digest(csv(EXAMPLES[name].generate(700, 5))) for name in NAMES]
    again = [digest(csv(EXAMPLES[name].generate(700, 5))) for name in NAMES]
    probe = (
        "import hashlib; from examples.catalogue import EXAMPLES; from examples.files import csv\n"
        "print(*(hashlib.sha256(csv(each.generate(700, 5))).hexdigest() for each in EXAMPLES.values()))"
    )
    environment = {"PYTHONHASHSEED": "12345", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", probe], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert here == again == done.stdout.split()


@pytest.mark.parametrize("name", NAMES)
def test_other_seeds_give_other_rows_of_the_same_world(name: str) -> None:
    one, two = frame_of(name, 10_000, 1), frame_of(name, 10_000, 2)
    declared = spec_of(name)
    assert set(one[declared.id]).isdisjoint(two[declared.id]), "an upload must not replace another's rows"
    for column in one.select_dtypes(["float64", "Int64", "boolean"]):
        # Medians of measures: a slip of the unit moves a mean.
        middle = [
            frame[column].median() if frame[column].dtype == "float64" else frame[column].mean() for frame in (one, two)
        ]
        assert middle[0] == pytest.approx(middle[1], rel=0.05, abs=0.02), column
    shares = [frame[EXAMPLES[name].target].value_counts(normalize=True) for frame in (one, two)]
    assert (shares[0] - shares[1]).abs().max() < 0.02


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("rows", [0, 1, 3])
def test_any_number_of_rows_will_do(name: str, rows: int) -> None:
    frame = EXAMPLES[name].generate(rows, 1)
    assert len(frame) == rows
    assert tuple(frame.columns) == tuple(spec_of(name).columns)


@pytest.mark.parametrize("name", NAMES)
def test_gaps_are_as_frequent_as_meant(name: str) -> None:
    frame = frame_of(name, 10_000)
    found = frame.isna().mean()
    for column, share in MISSING[name].items():
        assert found[column] == pytest.approx(share, abs=0.006), column
    rest = frame.columns.difference([*MISSING[name], *(OPTIONAL if name == "salary_band" else ())])
    assert found[rest].max() == 0


@pytest.mark.parametrize("name", NAMES)
def test_some_words_are_misspelt(name: str) -> None:
    frame = frame_of(name, 10_000)
    wrong = {
        column: (frame[column].notna() & ~frame[column].isin(declared.values)).mean()
        for column, declared in spec_of(name).columns.items()
        if declared.values and column != EXAMPLES[name].target
    }
    assert any(wrong.values())
    assert max(wrong.values()) < 0.008


@pytest.mark.parametrize("name", NAMES)
def test_making_rows_is_fast(name: str) -> None:
    began = time.process_time()
    EXAMPLES[name].generate(5_000, 3)
    assert time.process_time() - began < 0.5, "a tenth of a second on a quiet machine"


def test_the_class_of_a_person_follows_from_the_body_mass_index() -> None:
    frame = frame_of("obesity", 10_000)
    bmi = (frame["weight_kg"] / frame["height_m"] ** 2).where(frame["height_m"] < 3)
    medians = bmi.groupby(frame["level"]).median()[list(LEVELS)]
    assert medians.is_monotonic_increasing
    likes = frame.groupby("level")["high_calorie_food"].mean()
    assert likes["obesity_type_2"] > likes["insufficient_weight"] + 0.1


def test_answers_come_in_the_order_of_time_and_gaps_surge_with_the_new_form() -> None:
    frame = frame_of("salary_band", 10_000)
    moments = pd.to_datetime(frame["answered_at"], errors="coerce", utc=True).dt.tz_localize(None)
    assert moments.dropna().is_monotonic_increasing
    assert 0 < moments.isna().mean() < 0.005, "a few dates that no calendar has"
    late = (moments >= pd.Timestamp(NEW_FORM)).to_numpy()
    for column in OPTIONAL:
        assert frame.loc[~late, column].isna().mean() == pytest.approx(0.08, abs=0.01)
        assert frame.loc[late, column].isna().mean() == pytest.approx(0.45, abs=0.03)


def test_the_past_was_unfair() -> None:
    frame = frame_of("salary_band", 10_000)
    place = frame["band"].map({band: at for at, band in enumerate(BANDS)}).astype(float)
    by_gender, by_group = place.groupby(frame["gender"]).mean(), place.groupby(frame["ethnicity"]).mean()
    assert 0.2 < by_gender["man"] - by_gender["woman"] < 0.8
    assert 0.1 < by_group["group_a"] - by_group["group_b"] < 0.6
    alike = frame[(frame["education"] == "bachelor") & (frame["hours_per_week"] == 40) & (frame["sector"] == "it")]
    equal_work = place[alike.index].groupby(alike["gender"]).mean()
    assert equal_work["man"] > equal_work["woman"], "the bias is not only one of sectors and hours"


def test_countries_are_many_some_rare_and_experience_is_skewed() -> None:
    frame = frame_of("salary_band", 10_000)
    shares = frame.loc[frame["country"].isin(COUNTRIES), "country"].value_counts(normalize=True)
    assert len(shares) >= 12
    assert (shares < 0.01).sum() >= 3
    assert frame["commute_km"].mean() > 1.3 * frame["commute_km"].median()
    assert frame["region"].nunique() > 40
    assert frame["employer"].value_counts(normalize=True).max() < 0.02, "a split by employers stays possible"


def test_addresses_are_nobodys() -> None:
    emails = frame_of("salary_band")["email"].dropna()
    assert emails.str.fullmatch(r"[a-z]+\.[a-z]+[0-9]+@example\.org").all()


def test_reviews_hold_what_makes_them_hard() -> None:
    frame = frame_of("sentiment", 10_000)
    text = frame["text"].dropna()
    assert 0.004 < frame.duplicated().mean() < 0.015
    assert 0.1 < text.str.contains("[😡👎😞🙄😐🤷😶😍👍😀🎉❤]").mean() < 0.25
    assert 0.02 < text.str.contains("(?i)leider|enttäuscht|geht zurück|okay|zweck|gerne|begeistert|malo|recomiendo"
                                    "|très|moyen|pessimo|ottimo|sans plus|encanta").mean() < 0.2  # fmt: skip
    assert text.str.contains("\n").any()
    assert text.str.contains('"').any()
    assert np.mean([each.isupper() for each in text]) < 0.05
    assert text.duplicated().mean() > 0.02
