"""Windows in which nothing happened: how many of them raise an alarm. At most 1 in 100 may.

Reference and window come from the same generator; the release that predicts is trained on other rows of it."""

import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import cache
from importlib.metadata import version
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from bench.measure import keep, timing
from examples.catalogue import EXAMPLES
from gyre.features.compute import Array
from gyre.monitoring.analysis.multivariate import multivariate
from gyre.monitoring.analysis.performance import performance
from gyre.monitoring.analysis.quality import quality
from gyre.monitoring.analysis.univariate import univariate
from gyre.monitoring.side import Pair
from gyre.spec.check import read_spec
from gyre.spec.model import ModelSpec
from tests.unit.monitoring.sides import pair, values_of

WINDOWS = int(os.environ.get("BENCH_QUIET_WINDOWS", "500"))
WORKERS = int(os.environ.get("BENCH_QUIET_WORKERS", "1"))
MOST: Final = 0.01
"""The share of quiet windows that may raise an alarm."""
SIZES: Final = (200, 300, 500, 1_000, 2_000)
_TRAINED_ON, _TRAINING_SEED = 3_000, 999_983

Analysis = Callable[[Pair], tuple[str, ...]]
"""What it raises an alarm about."""

ANALYSES: Final[Mapping[str, Analysis]] = {
    "univariate": lambda both: tuple(f"{drift.of} {drift.column}" for drift in univariate(both).drifted),
    "multivariate": lambda both: ("all together",) if multivariate(both).drifted else (),
    "domain classifier": lambda both: ("all together",) if multivariate(_by_classifier(both)).drifted else (),
    "performance": lambda both: tuple(f"{each.how} {each.metric}" for each in performance(both).fallen),
    "quality": lambda both: tuple(f"{each.flaw} {each.column}" for each in quality(both).broken),
}


def _by_classifier(both: Pair) -> Pair:
    """As if model.yaml asked for it."""
    monitoring = both.spec.monitoring.model_copy(update={"multivariate": "domain_classifier"})
    return replace(both, spec=both.spec.model_copy(update={"monitoring": monitoring}))


@dataclass(frozen=True)
class World:
    """Something that stays as it is."""

    spec: ModelSpec
    generate: Callable[[int, int], pd.DataFrame]


@dataclass(frozen=True)
class Alarm:
    """A false one."""

    world: str
    number: int
    analysis: str
    about: tuple[str, ...]


def _wide(task: str) -> World:
    """Twenty features of all sorts, most of them tied to one another, with gaps."""
    numbers = "".join(f"  n{at}: {{type: number}}\n" for at in range(12))
    names = "".join(f"  c{at}: {{type: category}}\n" for at in range(8))
    target = "{type: number}" if task == "regression" else "{type: category}"
    text = f"model: wide\ntask: {task}\ntarget: y\ncolumns:\n{numbers}{names}  y: {target}\n"

    def generate(rows: int, seed: int) -> pd.DataFrame:
        rng = np.random.default_rng([20, seed])
        tie = rng.normal(size=rows)
        draws: list[Callable[[], npt.NDArray[Any]]] = [
            lambda: rng.normal(size=rows) + tie, lambda: np.exp(rng.normal(size=rows) + tie),
            lambda: np.where(rng.random(rows) < 0.8, 0.0, rng.exponential(size=rows)),
            lambda: rng.poisson(2.0, rows).astype(float), lambda: rng.standard_t(2, rows), lambda: rng.random(rows),
        ]  # fmt: skip
        columns: dict[str, Any] = {f"n{at}": draws[at % len(draws)]() for at in range(12)}
        for at in range(8):
            codes = rng.zipf(1.3 + 0.2 * at, rows) % (2, 5, 30, 3_000)[at % 4] + (tie > 1) * (at % 2)
            columns[f"c{at}"] = np.char.add("name ", codes.astype(str)).astype(object)
        frame = pd.DataFrame(columns)
        frame = frame.mask(rng.random(frame.shape) < 0.03)
        score = tie + rng.normal(size=rows)
        frame["y"] = score if task == "regression" else np.where(score > 0.7, "yes", "no")
        return frame

    return World(read_spec(text.encode()), generate)


WORLDS: Final[Mapping[str, World]] = {
    **{name: World(read_spec(each.spec.read_bytes()), each.generate) for name, each in EXAMPLES.items()},
    "wide regression": _wide("regression"),
    "wide binary": _wide("binary"),
}


@cache
def release(world: str) -> Callable[[pd.DataFrame], tuple[Array, npt.NDArray[np.float64] | None]]:
    """A model of the world, as something that predicts frames."""
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

    spec = WORLDS[world].spec
    frame = WORLDS[world].generate(_TRAINED_ON, _TRAINING_SEED).dropna(subset=[spec.target])
    known = {name: pd.factorize(frame[name])[1] for name, column in spec.columns.items() if column.type == "category"}

    def matrix(rows: pd.DataFrame) -> npt.NDArray[np.float64]:
        told = []
        for name in (name for name in spec.features if name in spec.columns):
            kind = spec.columns[name].type
            if kind == "category":
                told.append(known[name].get_indexer(rows[name]).astype(float))
            elif kind == "text":
                told.append(rows[name].str.len().to_numpy(dtype=float, na_value=-1))
            else:
                told.append(np.nan_to_num(values_of(rows[name], kind).astype(float), nan=-1))
        return np.column_stack(told)

    forest = RandomForestRegressor if spec.task == "regression" else RandomForestClassifier
    model = forest(40, min_samples_leaf=10, random_state=7).fit(matrix(frame), frame[spec.target].to_numpy())

    def predict(rows: pd.DataFrame) -> tuple[Array, npt.NDArray[np.float64] | None]:
        if spec.task == "regression":
            return model.predict(matrix(rows)), None
        chances = model.predict_proba(matrix(rows))
        return model.classes_[chances.argmax(axis=1)].astype(object), chances

    predict.classes = () if spec.task == "regression" else tuple(model.classes_)  # type: ignore[attr-defined]
    return predict


def quiet(number: int) -> tuple[str, Pair]:
    """One window, with its world's name; the same for the same number."""
    world = list(WORLDS)[number % len(WORLDS)]
    rng = np.random.default_rng([7, number])
    sizes = rng.choice(SIZES, 2)
    then, now = (WORLDS[world].generate(int(rows), 2 * number + at + 10) for at, rows in enumerate(sizes))
    predict = release(world)
    classes: tuple[str, ...] = predict.classes  # type: ignore[attr-defined]
    both = pair(WORLDS[world].spec, then, now, predict=predict, classes=classes)
    # Verdicts are about whole windows; a course over time is drawn for people.
    monitoring = both.spec.monitoring.model_copy(update={"chunks": 1})
    return world, replace(both, spec=both.spec.model_copy(update={"monitoring": monitoring}))


def alarms(numbers: range, analyses: Mapping[str, Analysis] = ANALYSES) -> Iterator[Alarm]:
    """Of these windows."""
    for number in numbers:
        world, both = quiet(number)
        for name, analysis in analyses.items():
            if about := analysis(both):
                yield Alarm(world, number, name, about)


def _counted(numbers: range) -> list[Alarm]:
    return list(alarms(numbers))


def main() -> int:
    started = time.perf_counter()
    found: list[Alarm] = []
    share = 10
    pieces = [range(first, min(first + share, WINDOWS)) for first in range(0, WINDOWS, share)]
    with ProcessPoolExecutor(WORKERS) as pool:
        for piece, several in zip(pieces, pool.map(_counted, pieces), strict=True):
            found += several
            for each in several:
                print(f"bench: window {each.number} of {each.world}: {each.analysis} of {', '.join(each.about)}")
            print(
                f"bench: {piece.stop} quiet windows, {len({each.number for each in found})} with an alarm", flush=True
            )
    loud = kept(found, WINDOWS, time.perf_counter() - started)
    return 0 if loud <= MOST * WINDOWS else 1


def kept(found: Sequence[Alarm], windows: int, seconds: float) -> int:
    """Writes the result; in how many windows there was an alarm."""
    loud = len({each.number for each in found})
    figures = {
        "windows": float(windows), "windows with an alarm": float(loud), "share": loud / windows, "promised": MOST,
        **{f"windows with an alarm: {name}": float(sum(each.analysis == name for each in found)) for name in ANALYSES},
        **{f"windows with an alarm in {world}": float(len({each.number for each in found if each.world == world}))
           for world in WORLDS},
    }  # fmt: skip
    path = keep("quiet", {"all": timing([seconds])}, {"nannyml": version("nannyml")}, figures)
    print(f"bench: {loud} of {windows} quiet windows raised an alarm; wrote {path.name}")
    return loud


if __name__ == "__main__":
    sys.exit(main())
