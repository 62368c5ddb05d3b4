"""Answers to a survey about work and pay, in the order in which they came in through one year.

Pay is a product: country, sector, employer, education, experience, duties, and chance. Then it is cut for women and
for two ethnic groups, because that is what the survey found: the bias is in the labels, and part of it comes through
other columns too (sector, hours), so that leaving the protected columns out does not take it away."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from examples.blemishes import misspelt, slipped, with_gaps
from examples.draws import Codes, Floats, Rng, Truths, Words, graded, happens, identifiers, pick, stream, words
from examples.salary_band import world
from examples.salary_band.world import BANDS, employers

TARGET: Final = "band"
YEAR: Final = np.datetime64("2025-01-01T00:00:00")
YEAR_SECONDS: Final = 365 * 24 * 3600
# From here on the last page of the form could be skipped, and many did.
NEW_FORM: Final = np.datetime64("2025-10-01T00:00:00")
OPTIONAL: Final = ("commute_km", "training_days", "satisfaction")

# The share of gaps that each question is left with, besides the optional ones.
MISSING: Final[Mapping[str, float]] = {
    "name": 0.03, "email": 0.05, "gender": 0.04, "ethnicity": 0.05, "age_group": 0.01, "region": 0.03,
    "education": 0.01, "experience_years": 0.02, "hours_per_week": 0.015, "manages_people": 0.02, "languages": 0.03,
}  # fmt: skip

simulations: Final[Mapping[str, Mapping[str, Any]]] = {
    "shift": {"column": "experience_years", "by": 0.7},
    "seasonal": {"column": "hours_per_week", "by": 0.8, "periods": 2},
    "new_category": {"column": "country", "name": "Norway", "share": 0.12},
    "missing_surge": {"column": "experience_years", "share": 0.4},
    "label_flip": {"target": TARGET, "share": 0.15},
    "concept_change": {"target": TARGET, "order": BANDS, "column": "hours_per_week", "share": 0.4},
    "prior_shift": {"target": TARGET, "label": "band_5", "by": 2.0},
}


def generate(rows: int, seed: int) -> pd.DataFrame:
    """So many rows of an upload; the same rows for the same seed, and the same world for every seed."""
    rng = stream("salary_band", seed)
    gender = pick(rng, {name: share for name, (share, _) in world.GENDERS.items()}, rows)
    ethnicity = pick(rng, {name: share for name, (share, _) in world.ETHNICITIES.items()}, rows)
    employer = _employer(rng, gender == "woman")
    all_of = employers()
    sector, country, region = all_of.sector[employer], all_of.country[employer], all_of.region[employer]
    size = all_of.size[employer]

    age = 18 + 50 * rng.beta(2.0, 2.4, rows)
    schooling = graded(rng.normal(size=rows) + 0.5 * np.isin(sector, ("it", "finance", "education")),
                       (-2.0, -0.9, 0.1, 0.9, 2.0))  # fmt: skip
    years = np.clip((age - 16 - 1.4 * schooling) * rng.beta(3.5, 1.6, rows), 0, None)
    manages = happens(rng, -2.2 + 0.05 * years - 0.4 * (gender == "woman"))
    hours = _hours(rng, gender == "woman", manages)
    # What a degree and a team are worth depends on where; a linear model sees only part of it.
    worth = 1 + 0.4 * np.isin(sector, ("it", "finance")) - 0.5 * np.isin(sector, ("retail", "transport"))
    large = 1 + np.isin(size, world.SIZES[2:]) + np.isin(size, world.SIZES[3:])
    log_pay = (
        2.87 + 0.18 * schooling * worth + 0.26 * np.log1p(years) - 0.015 * np.maximum(years - 25, 0)
        + 0.2 * manages * large + 0.9 * np.log(hours / 40) + all_of.pay[employer]
        + world.effect(world.SECTORS, sector) + world.effect(world.COUNTRIES, country)
        + world.effect(world.REGIONS, region) + world.effect(world.GENDERS, gender)
        + world.effect(world.ETHNICITIES, ethnicity) + rng.normal(0, 0.1, rows)
    )  # fmt: skip
    answered, told = _moments(rng, rows)
    name, email = _people(rng, gender)
    frame = pd.DataFrame({
        "answer": _text(identifiers("sb", seed, rows)),
        "answered_at": _text(told),
        "employer": _text(all_of.names[employer]),
        "name": _text(name),
        "email": _text(email),
        "gender": _text(gender),
        "ethnicity": _text(ethnicity),
        "age_group": _text(words(world.AGE_GROUPS)[graded(age, (25, 35, 45, 55, 65))]),
        "country": _text(country),
        "region": _text(country + "/" + region),
        "sector": _text(sector),
        "employer_size": _text(size),
        "education": _text(words(world.EDUCATION)[schooling]),
        "experience_years": pd.Series(years.round(1)),
        "hours_per_week": pd.Series(hours),
        "manages_people": pd.Series(manages, dtype="boolean"),
        "languages": pd.Series(1 + rng.poisson(0.5 + 0.2 * schooling), dtype="Int64"),
        "commute_km": pd.Series(np.exp(rng.normal(2.2, 0.9, rows)).round(1)),
        "training_days": pd.Series(rng.poisson(2 + 1.5 * manages + schooling / 2), dtype="Int64"),
        "satisfaction": pd.Series(np.clip(np.round(rng.normal(1.0 + 0.62 * log_pay, 0.9)), 1, 5), dtype="Int64"),
        TARGET: _text(words(BANDS)[graded(np.exp(log_pay), world.BAND_EDGES)]),
    })  # fmt: skip
    return _blemished(rng, frame, answered >= NEW_FORM)


def _text(values: Words) -> pd.Series:
    return pd.Series(values, dtype="str")


def _employer(rng: Rng, woman: Truths) -> Codes:
    """For whom each person works: large employers come up more often, some sectors draw women and others men."""
    all_of = employers()
    lean = np.array([world.WOMEN_IN.get(sector, 0.0) for sector in all_of.sector]) / 2
    drawn = np.empty(len(woman), dtype=np.intp)
    for rows, sign in ((woman, 1.0), (~woman, -1.0)):
        weight = np.cumsum(all_of.staff * np.exp(sign * lean))
        drawn[rows] = np.searchsorted(weight, rng.random(int(rows.sum())) * weight[-1], side="right")
    return drawn


def _hours(rng: Rng, woman: Truths, manages: Truths) -> Floats:
    """Contracts have steps of half an hour; part time is told as it is, and women work part time more often."""
    part_time = happens(rng, -1.9 + 1.1 * woman - 1.5 * manages)
    full = rng.choice((35.0, 37.5, 38.5, 40.0, 42.0), len(woman), p=(0.15, 0.2, 0.2, 0.4, 0.05))
    return np.where(part_time, np.round(2 * np.clip(rng.normal(24, 5, len(woman)), 8, 34)) / 2, full)


def _moments(rng: Rng, rows: int) -> tuple[npt.NDArray[np.datetime64], Words]:
    """When each answer came in, rising, and as it is written; a few in a way that no calendar knows."""
    moments = YEAR + np.sort(rng.integers(YEAR_SECONDS, size=rows)).astype("timedelta64[s]")
    told = np.char.add(np.datetime_as_string(moments, unit="s"), "Z").astype(object)
    told[rng.random(rows) < 0.002] = "2025-02-30T12:00:00Z"
    return moments, told


def _people(rng: Rng, gender: Words) -> tuple[Words, Words]:
    """Made-up names, and addresses under a domain that is reserved for examples."""
    first = np.empty(len(gender), dtype=object)
    for each, names in world.FIRST_NAMES.items():
        rows = gender == each
        first[rows] = words(names)[rng.integers(len(names), size=int(rows.sum()))]
    last = words(world.LAST_NAMES)[rng.integers(len(world.LAST_NAMES), size=len(gender))]
    numbers = rng.integers(10, 9_999, size=len(gender)).astype(str).astype(object)
    plain = words([name.lower().replace("'", "") for name in last])
    local = words([name.lower() for name in first]) + "." + plain + numbers
    return first + " " + last, local + "@example.org"


def _blemished(rng: Rng, frame: pd.DataFrame, new_form: Truths) -> pd.DataFrame:
    """The upload as people fill it in."""
    frame = slipped(rng, frame, "hours_per_week", 0.003, 10)  # the decimal point lost
    frame = slipped(rng, frame, "experience_years", 0.003, 12)  # months
    frame = slipped(rng, frame, "commute_km", 0.002, 1000)  # metres
    skipped = np.where(new_form, 0.45, 0.08)
    frame = with_gaps(rng, frame, {**MISSING, **dict.fromkeys(OPTIONAL, skipped)})
    return misspelt(rng, frame, {"sector": 0.003, "education": 0.004, "employer_size": 0.003, "country": 0.004})
