"""The search against scikit-learn's GridSearchCV: the same rows, folds, cores, and the same box of parameters."""

import json
import multiprocessing
import os
import pickle
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bench.directory import DirectoryBucket
from bench.measure import Timing, keep, timing
from examples.catalogue import EXAMPLES
from gyre.aws.datasets import DeltaDatasets
from gyre.datasets.ingest import Parts, ingest
from gyre.datasets.splitting import split_version
from gyre.datasets.upload import Upload
from gyre.evaluation.targets import targets
from gyre.run_folder import RunFolder
from gyre.spec.check import read_spec
from gyre.spec.model import ModelSpec
from gyre.spec.policy import Search
from gyre.spec.versions import SpecVersion
from gyre.training.candidates import read_scored
from gyre.training.estimators import OneOf, entry_of
from gyre.training.folds import folds
from gyre.training.points import boxes_of
from gyre.training.rows import PartRows, read_rows
from gyre.training.scoring import score
from gyre.training.search import propose
from gyre.training.warm import WarmRows

MODEL = "obesity"
ROWS = int(os.environ.get("BENCH_SEARCH_ROWS", "3000"))
TIMES = int(os.environ.get("BENCH_SEARCH_TIMES", "3"))
WORKERS = (1, 2, 4)
GRID = 36
SEARCH = Search(sampler="tpe", candidates=16, rounds=4, folds=3, patience=2)
_BOX = {"boosting": {"learning_rate": (0.03, 0.3), "max_leaf_nodes": (8, 16, 31), "max_iter": (80, 120, 200)}}

_warm: WarmRows


def example() -> tuple[ModelSpec, PartRows]:
    """The training part of the example, as a run would read it; boosting alone, in one box for both searches."""
    spec = read_spec(EXAMPLES[MODEL].spec.read_bytes())
    with tempfile.TemporaryDirectory(prefix="gyre-bench-") as place:
        data, tables = DirectoryBucket(Path(place, "data")), DeltaDatasets(str(Path(place, "lake")))
        key, declared = f"inbox/{MODEL}/rows.csv", SpecVersion(MODEL, 1, spec, b"")
        data.write(
            key, EXAMPLES[MODEL].generate(ROWS, 1).to_csv(index=False).encode(), content_type="text/csv"
        )  # fmt: skip
        taken = ingest("bench", Upload(MODEL, key), declared, Parts(data, tables, lambda _: None))
        rows = read_rows(split_version(taken.version, declared, data, tables), "train", spec, data, tables)
    training = spec.training.model_copy(update={"estimators": ("boosting",), "space": _BOX})
    return spec.model_copy(update={"training": training}), rows


def ours(spec: ModelSpec, rows: PartRows, workers: int) -> dict[str, float]:
    """The use cases as the state machine calls them: a process for each worker, and a folder between them."""
    with (
        tempfile.TemporaryDirectory(prefix="gyre-bench-") as place,
        ProcessPoolExecutor(workers, multiprocessing.get_context("fork"), _start) as pool,
    ):
        folder = RunFolder(DirectoryBucket(Path(place)), MODEL, "bench")
        list(pool.map(time.sleep, [0.1] * workers))  # all processes are there
        started = time.perf_counter()
        proposal = propose(spec, folder, 0, _now, search=SEARCH)
        while not proposal.done:
            list(pool.map(_score, *zip(*((spec, rows, n, folder) for n in proposal.numbers), strict=True)))
            proposal = propose(spec, folder, proposal.round, _now)
        seconds = time.perf_counter() - started
        best = read_scored(proposal.best or 0, folder)
    return {"seconds": seconds, "score": best.mean or 0.0, "candidates": proposal.scored}


def peer(spec: ModelSpec, rows: PartRows, workers: int) -> dict[str, float]:
    """The equal pipeline over the box cut into a grid."""
    from joblib import Parallel, delayed  # type: ignore[import-untyped]
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import Pipeline

    from gyre.bundle.format import served
    from gyre.features.prepare import frame, preparation

    small, entry, truth = served(spec), entry_of(spec, "boosting"), targets(spec, rows.target)
    table = frame(small, {name: rows.columns[name] for name in sorted(small.needed)})
    (box,) = (each.gridded(GRID) for each in boxes_of(spec))
    grid = {f"model__{name}": where.values for name, where in box.space.items() if isinstance(where, OneOf)}
    model = entry.make(**entry.arguments, random_state=spec.training.seed, class_weight=spec.training.class_weight)
    search = GridSearchCV(
        Pipeline([("prepare", preparation(small, scaled=entry.scaled)), ("model", model)]), grid, scoring="f1_macro",
        cv=folds(spec, rows.columns, truth, SEARCH.folds).sides, n_jobs=workers, refit=False,
    )  # fmt: skip
    Parallel(workers)(delayed(__import__)("gyre.training.fitting") for _ in range(4 * workers))  # all have imported
    started = time.perf_counter()
    search.fit(table, truth.values)
    seconds = time.perf_counter() - started
    return {"seconds": seconds, "score": float(search.best_score_), "candidates": len(search.cv_results_["params"])}


SIDES: Mapping[str, Callable[..., dict[str, float]]] = {"ours": ours, "peer": peer}
_TOLD = {"ours": "Gyre, TPE with early stop", "peer": f"GridSearchCV, {GRID} points"}


def _start() -> None:
    global _warm  # noqa: PLW0603  # of this process, as in a warm function
    _warm = WarmRows()


def _score(spec: ModelSpec, rows: PartRows, number: int, folder: RunFolder) -> None:
    score(spec, rows, number, folder, warm=_warm)


def _now() -> datetime:
    return datetime.now(UTC)


def _in_child(side: str, workers: int, content: Path) -> dict[str, float]:
    """In a process of its own: what one search leaves in memory makes no other one faster."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.search", side, str(workers), str(content)],
        env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(done.stderr[-3000:])
    told: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return told


def main() -> int:
    timings: dict[str, Timing] = {}
    figures: dict[str, float] = {"load_at_start": os.getloadavg()[0]}
    with tempfile.TemporaryDirectory(prefix="gyre-bench-") as place:
        content = Path(place, "rows.pickle")
        spec, rows = example()
        content.write_bytes(pickle.dumps((spec, rows)))
        figures["training_rows"] = len(rows)
        for workers in WORKERS:
            found: dict[str, list[dict[str, Any]]] = {side: [] for side in SIDES}
            for _ in range(TIMES):
                for side in SIDES:  # in turn, so that a busy minute hits both
                    found[side].append(_in_child(side, workers, content))
            for side, samples in found.items():
                name = f"{_TOLD[side]}, {workers} worker{'s' if workers > 1 else ''}"
                timings[name] = timing([each["seconds"] for each in samples])
                figures |= {f"{name}: {what}": samples[0][what] for what in ("score", "candidates")}
                print(f"bench: {name:42} {timings[name]}, f1_macro {samples[0]['score']:.4f}", flush=True)
                if len({each["score"] for each in samples}) > 1:
                    raise RuntimeError(f"{name} found something else each time: {samples}")
    path = keep("search", timings, {"scikit-learn": version("scikit-learn"), "optuna": version("optuna")}, figures)
    print(f"bench: wrote {path.name}")
    return 0


if __name__ == "__main__":
    if len(sys.argv) == 4:
        given: tuple[ModelSpec, PartRows] = pickle.loads(Path(sys.argv[3]).read_bytes())
        print(json.dumps(SIDES[sys.argv[1]](*given, workers=int(sys.argv[2]))))
    else:
        sys.exit(main())
