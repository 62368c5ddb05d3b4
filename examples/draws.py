"""Random draws that the made-up worlds consist of. Each takes the generator, so that a seed decides everything."""

import zlib
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

Rng = np.random.Generator
Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.intp]
Truths = npt.NDArray[np.bool_]
Words = npt.NDArray[np.object_]


def stream(world: str, seed: int) -> Rng:
    """The draws of one frame. Python's own hash differs between processes, so the name goes through a checksum."""
    return np.random.default_rng([zlib.crc32(world.encode()), seed])


def words(options: Sequence[str]) -> Words:
    """An array to be indexed by codes; of objects, since numpy pads texts of its own to the longest one."""
    return np.array(options, dtype=object)


def pick(rng: Rng, shares: Mapping[str, float], rows: int) -> Words:
    """One of the keys per row, each as often as its share says; shares need not sum to 1."""
    cumulated = np.cumsum(list(shares.values()))
    at = np.searchsorted(cumulated, rng.random(rows) * cumulated[-1], side="right")
    chosen: Words = words(list(shares))[at]
    return chosen


def pick_by(rng: Rng, options: Sequence[str], tendencies: Sequence[Floats]) -> Words:
    """One of the options per row; a tendency higher by 1 makes an option e times as likely (Gumbel's trick)."""
    stacked = np.stack(tendencies, axis=1)
    chosen: Words = words(options)[np.argmax(stacked + rng.gumbel(size=stacked.shape), axis=1)]
    return chosen


def happens(rng: Rng, tendency: Floats) -> Truths:
    """True with the probability 1 / (1 + exp(-tendency))."""
    return rng.random(len(tendency)) < 1 / (1 + np.exp(-tendency))


def graded(latent: Floats, edges: Sequence[float]) -> Codes:
    """Between which edges each value lies: 0 below the first; a value equal to an edge belongs above it."""
    return np.searchsorted(np.asarray(edges), latent, side="right")


def identifiers(prefix: str, seed: int, rows: int) -> Words:
    """Names of rows; with the seed in them, so that two uploads of different seeds never replace each other's rows."""
    return words([f"{prefix}-{seed}-{number:06d}" for number in range(1, rows + 1)])
