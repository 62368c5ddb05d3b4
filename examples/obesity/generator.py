"""People, their bodies and their habits, as a survey would bring them in.

Two things that no question asks for drive everything: an inclination (genes) and a way of life. Habits show the way of
life, family history shows the genes, both move the body-mass index; the class follows from the index, a little from the
habits themselves, and a little from nothing at all, so that no model can be right about everybody."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd

from examples.blemishes import misspelt, slipped, with_gaps
from examples.draws import Codes, Floats, Rng, graded, happens, identifiers, pick_by, stream, words

TARGET: Final = "level"
LEVELS: Final = (
    "insufficient_weight", "normal_weight", "overweight_level_1", "overweight_level_2",
    "obesity_type_1", "obesity_type_2", "obesity_type_3",
)  # fmt: skip
# Where the levels of the World Health Organization begin, with overweight cut in two as in the public survey.
EDGES: Final = (18.5, 25.0, 27.5, 30.0, 35.0, 40.0)

VEGETABLES: Final = ("rarely", "sometimes", "always")
HOW_OFTEN: Final = ("never", "sometimes", "frequently", "always")
TRANSPORT: Final = ("public_transport", "car", "walking", "bicycle", "motorbike")

# The share of gaps that each question is left with; people skip what is private.
MISSING: Final[Mapping[str, float]] = {
    "gender": 0.01, "height_m": 0.01, "weight_kg": 0.015, "family_history": 0.04, "high_calorie_food": 0.01,
    "vegetables": 0.02, "main_meals": 0.015, "snacks": 0.02, "smokes": 0.03, "water_litres": 0.05,
    "counts_calories": 0.02, "activity_days": 0.03, "screen_hours": 0.04, "alcohol": 0.06, "transport": 0.01,
}  # fmt: skip

simulations: Final[Mapping[str, Mapping[str, Any]]] = {
    "shift": {"column": "weight_kg", "by": 0.6},
    "seasonal": {"column": "activity_days", "by": 0.8, "periods": 2},
    "new_category": {"column": "transport", "name": "electric_scooter", "share": 0.12},
    "missing_surge": {"column": "activity_days", "share": 0.35},
    "label_flip": {"target": TARGET, "share": 0.15},
    "concept_change": {"target": TARGET, "order": LEVELS, "column": "age", "share": 0.35},
    "prior_shift": {"target": TARGET, "label": "obesity_type_1", "by": 2.0},
}


def generate(rows: int, seed: int) -> pd.DataFrame:
    """So many rows of an upload; the same rows for the same seed, and the same world for every seed."""
    rng = stream("obesity", seed)
    genes, lifestyle = rng.normal(size=rows), rng.normal(size=rows)
    man = rng.random(rows) < 0.49
    age = np.clip(np.floor(14 + rng.gamma(2.2, 6.5, rows)), 14, 79)

    frame = pd.DataFrame({
        "id": pd.Series(identifiers("ob", seed, rows), dtype="str"),
        "gender": pd.Series(np.where(man, "male", "female"), dtype="str"),
        "age": pd.Series(age, dtype="Int64"),
        **_habits(rng, genes, lifestyle, age),
    })  # fmt: skip
    bmi = 26.4 * np.exp(0.14 * genes + 0.13 * lifestyle + 0.0035 * (age - 28) + rng.normal(0, 0.07, rows))
    height = rng.normal(np.where(man, 1.755, 1.625), 0.07) - 0.0008 * np.maximum(age - 40, 0)
    level = graded(bmi + 1.1 * _habit_score(frame) + rng.normal(0, 0.42, rows), EDGES)
    frame.insert(3, "height_m", height.round(2))
    frame.insert(4, "weight_kg", (bmi * height**2).round(1))
    return _blemished(rng, frame.assign(**{TARGET: pd.Series(words(LEVELS)[level], dtype="str")}))


def _habits(rng: Rng, genes: Floats, lifestyle: Floats, age: Floats) -> dict[str, pd.Series]:
    """The twelve questions about habits; the higher `lifestyle`, the less healthy the answers."""
    rows = len(age)

    def noisy(weight: float, other: Floats | float = 0.0) -> Floats:
        return np.asarray(weight * lifestyle + other + rng.normal(size=rows), dtype=np.float64)

    young: Floats = (30 - age) / 15
    counts = {
        "main_meals": np.clip(np.round(3 + 0.35 * noisy(0.8)), 1, 5),
        "activity_days": np.clip(np.round(2.4 - 1.3 * noisy(0.8) + 0.5 * np.clip(young, -2, 1)), 0, 7),
    }
    amounts = {
        "water_litres": np.clip(1.9 - 0.35 * noisy(0.5) + np.where(counts["activity_days"] > 3, 0.4, 0), 0.3, 4.5),
        "screen_hours": np.round(2 * np.clip(3.5 + 1.5 * noisy(0.5, 0.5 * young), 0, 15)) / 2,
    }
    grades: dict[str, tuple[tuple[str, ...], Codes]] = {
        "vegetables": (VEGETABLES, graded(-noisy(0.7), (-1.3, 0.6))),
        "snacks": (HOW_OFTEN, graded(noisy(0.8), (-1.9, 0.9, 2.0))),
        "alcohol": (HOW_OFTEN, graded(noisy(0.3, np.where(age < 18, -0.2, 0.0)), (-0.5, 1.2, 2.6))),
    }
    truths = {
        "family_history": happens(rng, 1.3 + 1.8 * genes),
        "high_calorie_food": happens(rng, 1.4 + 1.3 * lifestyle),
        "smokes": happens(rng, -2.6 + 0.5 * lifestyle + 0.4 * (age > 25)),
        "counts_calories": happens(rng, -2.4 - 0.9 * lifestyle),
    }
    transport = pick_by(
        rng, TRANSPORT, [1.5 + 0.5 * young, 0.4 + 0.5 * lifestyle - 0.9 * young, -0.9 - 0.7 * lifestyle,
                         -3.0 - 0.8 * lifestyle, np.full(rows, -3.4)]
    )  # fmt: skip
    columns = {
        **{name: pd.Series(values, dtype="boolean") for name, values in truths.items()},
        **{name: pd.Series(values, dtype="Int64") for name, values in counts.items()},
        **{name: pd.Series(values.round(1)) for name, values in amounts.items()},
        **{name: pd.Series(words(options)[codes], dtype="str") for name, (options, codes) in grades.items()},
        "transport": pd.Series(transport, dtype="str"),
    }
    order = ("family_history", "high_calorie_food", "vegetables", "main_meals", "snacks", "smokes", "water_litres",
             "counts_calories", "activity_days", "screen_hours", "alcohol", "transport")  # fmt: skip
    return {name: columns[name] for name in order}


def _habit_score(frame: pd.DataFrame) -> Floats:
    """What the habits add to the index when a person is given a class; about 0 on average."""
    score = (
        0.5 * frame["high_calorie_food"].astype(float) + 0.5 * frame["family_history"].astype(float)
        - 0.22 * frame["activity_days"].astype(float) + 0.35 * (frame["vegetables"] == "rarely").astype(float)
        + 0.4 * frame["snacks"].isin(HOW_OFTEN[2:]).astype(float) + 0.06 * frame["screen_hours"]
        - 0.3 * frame["transport"].isin(("walking", "bicycle")).astype(float)
    )  # fmt: skip
    return np.asarray(score - 0.55, dtype=np.float64)


def _blemished(rng: Rng, frame: pd.DataFrame) -> pd.DataFrame:
    """The upload as people fill it in."""
    frame = slipped(rng, frame, "height_m", 0.003, 100)  # centimetres
    frame = slipped(rng, frame, "weight_kg", 0.002, 2.2046)  # pounds
    frame = slipped(rng, frame, "water_litres", 0.002, 1000)  # millilitres
    frame = slipped(rng, frame, "screen_hours", 0.003, 7)  # hours of a week
    frame = with_gaps(rng, frame, MISSING)
    return misspelt(rng, frame, dict.fromkeys(("gender", "vegetables", "snacks", "alcohol", "transport"), 0.004))
