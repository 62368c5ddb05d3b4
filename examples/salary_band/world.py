"""What is true of every salary survey here, whatever its seed: countries, employers, and what work is paid for."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np

from examples.draws import Floats, Words, words

BANDS: Final = ("band_1", "band_2", "band_3", "band_4", "band_5")
# Where a band begins, in thousands a year: equal pay for work in an average country, skewed like all pay.
BAND_EDGES: Final = (22.0, 36.0, 58.0, 92.0)

EDUCATION: Final = ("none", "school", "vocational", "bachelor", "master", "doctorate")
AGE_GROUPS: Final = ("18-24", "25-34", "35-44", "45-54", "55-64", "65+")
SIZES: Final = ("1-9", "10-49", "50-249", "250-999", "1000+")

# name: (share of the employers, logarithm of the pay relative to the average)
SECTORS: Final[Mapping[str, tuple[float, float]]] = {
    "health": (0.16, -0.08), "retail": (0.17, -0.27), "manufacturing": (0.17, 0.03), "it": (0.12, 0.34),
    "education": (0.11, -0.10), "finance": (0.08, 0.38), "public": (0.10, 0.0), "transport": (0.09, -0.16),
}  # fmt: skip
# How likely it is for a woman, compared with a man, to work in a sector (difference of the tendencies).
WOMEN_IN: Final[Mapping[str, float]] = {"health": 1.1, "education": 0.9, "retail": 0.5, "it": -1.0, "transport": -1.0}
COUNTRIES: Final[Mapping[str, tuple[float, float]]] = {
    "Germany": (0.22, 0.15), "France": (0.15, 0.04), "Italy": (0.12, -0.14), "Spain": (0.11, -0.20),
    "Poland": (0.10, -0.48), "Netherlands": (0.07, 0.22), "Sweden": (0.05, 0.14), "Portugal": (0.045, -0.42),
    "Austria": (0.04, 0.09), "Czechia": (0.03, -0.30), "Denmark": (0.02, 0.30), "Ireland": (0.015, 0.22),
    "Finland": (0.01, 0.08), "Slovenia": (0.006, -0.22), "Estonia": (0.005, -0.24), "Luxembourg": (0.004, 0.45),
    "Iceland": (0.002, 0.33), "Malta": (0.002, -0.18), "Andorra": (0.001, 0.0),
}  # fmt: skip
REGIONS: Final[Mapping[str, tuple[float, float]]] = {
    "Capital": (0.3, 0.09), "North": (0.25, 0.0), "South": (0.25, -0.02), "Coast": (0.15, -0.03),
    "Islands": (0.05, -0.1),
}  # fmt: skip

# The bias: what equal work was paid less in the past, as logarithms (-0.08 is about 8 %).
GENDERS: Final[Mapping[str, tuple[float, float]]] = {"man": (0.51, 0.0), "woman": (0.49, -0.13)}
ETHNICITIES: Final[Mapping[str, tuple[float, float]]] = {
    "group_a": (0.67, 0.0), "group_b": (0.2, -0.11), "group_c": (0.13, -0.06)
}  # fmt: skip

FIRST_NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "man": ("Anton", "Bruno", "Carlos", "David", "Emil", "Filip", "Hugo", "Ivan", "Jonas", "Luca", "Mateo", "Pavel"),
    "woman": ("Alma", "Bianca", "Clara", "Dora", "Elena", "Frida", "Hanna", "Ines", "Julia", "Lena", "Maria", "Petra"),
}
LAST_NAMES: Final = (
    "Almeida", "Bauer", "Conti", "Dvorak", "Eriksen", "Ferrari", "Garcia", "Hansen", "Jansen", "Keller", "Laurent",
    "Moreau", "Novak", "O'Brien", "Pereira", "Rossi", "Schmidt", "Torres", "Virtanen", "Weber", "Zielinska",
)  # fmt: skip

_EMPLOYERS: Final = 700


@dataclass(frozen=True)
class Employers:
    """The employers that people of this world work for: arrays with a place for each."""

    names: Words
    sector: Words
    country: Words
    region: Words
    size: Words
    staff: Floats  # how often one is drawn
    pay: Floats  # what it pays more or less than others like it, as a logarithm


@cache
def employers() -> Employers:
    """Always the same ones: a seed draws people, and not the world they live in."""
    rng = np.random.default_rng(20_250_101)

    def drawn(table: Mapping[str, tuple[float, float]]) -> Words:
        shares = np.array([share for share, _ in table.values()])
        return words(tuple(table))[rng.choice(len(table), _EMPLOYERS, p=shares / shares.sum())]

    grade = rng.choice(len(SIZES), _EMPLOYERS, p=(0.2, 0.27, 0.27, 0.17, 0.09))
    return Employers(
        names=words([f"E{number:03d}" for number in range(1, _EMPLOYERS + 1)]),
        sector=drawn(SECTORS), country=drawn(COUNTRIES), region=drawn(REGIONS), size=words(SIZES)[grade],
        staff=np.exp(0.45 * grade + 0.4 * rng.normal(size=_EMPLOYERS)),
        pay=0.05 * (grade - 2) + 0.04 * rng.normal(size=_EMPLOYERS),
    )  # fmt: skip


def effect(table: Mapping[str, tuple[float, float]], values: Words) -> Floats:
    """What the second figures of a table add to the pay of each row."""
    keys = sorted(table)
    of_key = np.array([table[key][1] for key in keys])
    return np.asarray(of_key[np.searchsorted(words(keys), values)], dtype=np.float64)
