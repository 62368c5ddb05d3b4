"""A million rows of a file with two workers, beside scikit-learn's pipeline on the same file with two threads."""

import json
import multiprocessing
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import joblib  # type: ignore[import-untyped]
import numpy as np
import pandas as pd

from bench.directory import DirectoryBucket
from bench.measure import Timing, keep, timing
from bench.search import example
from examples.catalogue import EXAMPLES
from gyre.bundle.format import served, write_bundle
from gyre.datasets.batch_file import BatchFile
from gyre.features.compute import Columns
from gyre.features.prepare import frame
from gyre.journal.outlet import parcel
from gyre.journal.record import JournalRecord
from gyre.registry.moves import Mover, promote
from gyre.registry.version import ModelVersion, keep_version
from gyre.spec.model import ModelSpec
from gyre.spec.policy import Estimator
from gyre.spec.versions import add_spec
from gyre.tasks.batch.join import Joiner
from gyre.tasks.batch.plan import Planner
from gyre.tasks.batch.predict import RangePredictor
from gyre.training.compiling import compile_bundle
from gyre.training.fitting import Candidate, fit

MODEL = "obesity"
ROWS = int(os.environ.get("BENCH_BATCH_ROWS", "1000000"))
TIMES = int(os.environ.get("BENCH_BATCH_TIMES", "3"))
ESTIMATORS: tuple[Estimator, ...] = ("boosting", "linear")
WORKERS = 2
# Of a message to SQS, as aws/queue.py has it.
_MOST_BYTES = 250_000
_PIPELINE, _IN = "pipeline.joblib", "people.csv"

_predictor: RangePredictor


class DirectoryOutlet:
    """Records as the adapter over SQS sends them, without the sending: what is too large for a message is written."""

    waits = False

    def __init__(self, data: DirectoryBucket) -> None:
        self._data = data

    def put(self, record: JournalRecord) -> None:
        parcel(record, self._data, _MOST_BYTES)


def prepare(place: Path) -> None:
    """A model of each kind that serves, and the pipelines that answer the same."""
    spec, rows = example()
    for estimator in ESTIMATORS:
        folder = place / estimator
        folder.mkdir()
        artifacts = DirectoryBucket(folder / "artifacts")
        (folder / "artifacts").mkdir()
        (folder / "data").mkdir()
        fitted = fit(spec, rows.columns, rows.target, Candidate(estimator, {}), seed=7)
        ref = write_bundle(compile_bundle(fitted, rows.columns).parts, artifacts, f"bundles/{MODEL}")
        declared, _ = add_spec(EXAMPLES[MODEL].spec.read_bytes(), artifacts)
        keep_version(
            ModelVersion(
                MODEL, 1, "bench", "2026-11-21T09:00:00+00:00", 1, "", {}, declared.version, "bench", 7, estimator, {},
                ref, "f1_macro", {}, {}, None,
            ), artifacts,
        )  # fmt: skip
        promote(MODEL, 1, artifacts, Mover("bench"))
        told = {"pipeline": fitted.pipeline, "classes": fitted.classes, "spec": spec.model_dump_json()}
        joblib.dump(told, folder / _PIPELINE)


def ours(place: Path, estimator: str) -> dict[str, float]:
    """The use cases as the state machine calls them: a process for each worker, and a folder between them."""
    folder = place / estimator
    data, artifacts = DirectoryBucket(folder / "data"), DirectoryBucket(folder / "artifacts")
    file = BatchFile(MODEL, f"batch/{MODEL}/in/{_IN}")
    shutil.rmtree(folder / "data", ignore_errors=True)
    (folder / "data" / file.key).parent.mkdir(parents=True)
    os.link(place / _IN, folder / "data" / file.key)
    with ProcessPoolExecutor(WORKERS, multiprocessing.get_context("fork"), _start, (data, artifacts)) as pool:
        list(pool.map(time.sleep, [0.1] * WORKERS))  # all processes are there
        started = time.perf_counter()
        plan = Planner(data, artifacts, "bench").plan("bench", file)
        planned = time.perf_counter()
        for _ in pool.map(_predict, [plan.key] * len(plan.ranges), [each.number for each in plan.ranges]):
            pass
        predicted = time.perf_counter()
        told = Joiner(data, artifacts).join(plan)
        ended = time.perf_counter()
    shutil.copyfile(folder / "data" / file.out, folder / "ours.csv")
    return {
        "seconds": ended - started, "plan": planned - started, "predict": predicted - planned,
        "join": ended - predicted, "ranges": told["ranges"], "mended": told["changed"],
        "refused": told["refused"]["rows"],
    }  # fmt: skip


def peer(place: Path, estimator: str) -> dict[str, float]:
    """Read, predict, write: as a script would, without a check, a journal, or a way to go on after a crash."""
    kept = joblib.load(place / estimator / _PIPELINE)
    spec = ModelSpec.model_validate_json(kept["spec"])
    started = time.perf_counter()
    table = pd.read_csv(place / _IN)
    found = kept["pipeline"].predict_proba(frame(served(spec), _columns(spec, table)))
    classes = kept["classes"]
    table["prediction"] = np.asarray(classes, dtype=object)[found.argmax(axis=1)]
    table["confidence"] = found.max(axis=1)
    for at, name in enumerate(classes):
        table[f"probability_{name}"] = found[:, at]
    table.to_csv(place / estimator / "peer.csv", index=False)
    return {"seconds": time.perf_counter() - started, "rows": len(table)}


def _columns(spec: ModelSpec, table: pd.DataFrame) -> Columns:
    columns: dict[str, Any] = {}
    for name in spec.needed:
        values = table[name]
        if spec.columns[name].type == "boolean":
            columns[name] = values.map({"yes": 1.0, "no": 0.0, True: 1.0, False: 0.0}).to_numpy(dtype=float)
        elif spec.columns[name].type in ("number", "integer"):
            columns[name] = values.to_numpy(dtype=float)
        else:
            columns[name] = values.astype(object).where(values.notna(), None).to_numpy()
    return columns


SIDES: Mapping[str, Callable[[Path, str], dict[str, float]]] = {"ours": ours, "peer": peer}
_TOLD = {"ours": f"Gyre, {WORKERS} workers", "peer": "scikit-learn's pipeline, 2 threads"}
_THREADS = {"ours": "1", "peer": "2"}


def _start(data: DirectoryBucket, artifacts: DirectoryBucket) -> None:
    global _predictor  # noqa: PLW0603  # of this process, as in a warm function
    _predictor = RangePredictor(data, artifacts, DirectoryOutlet(data))


def _predict(plan: str, number: int) -> None:
    _predictor.predict(_predictor.plan(plan), number)


def _in_child(side: str, place: Path, estimator: str) -> dict[str, float]:
    """In a process of its own: what one side leaves in memory makes the other no faster."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.batch", side, str(place), estimator],
        env={**os.environ, "OMP_NUM_THREADS": _THREADS[side]}, capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(done.stderr[-3000:])
    told: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return told


def _agree(place: Path, estimator: str, doubtful: float) -> None:
    """Both wrote the same answers in the same order, but for rows that break a check, which one of them has."""
    kept = ["id", "prediction", "confidence"]
    theirs, mine = (pd.read_csv(place / estimator / name, usecols=kept) for name in ("peer.csv", "ours.csv"))
    labels = theirs["prediction"] != mine["prediction"]
    different = int((labels | ~((theirs["confidence"] - mine["confidence"]).abs() < 1e-5)).sum())
    if len(theirs) != len(mine) or (theirs["id"] != mine["id"]).any() or different > doubtful:
        raise RuntimeError(f"{estimator}: {different} of {len(mine)} answers differ, and {doubtful} rows may")


def main() -> int:
    timings: dict[str, Timing] = {}
    figures: dict[str, float] = {"rows": ROWS, "load_at_start": os.getloadavg()[0]}
    with tempfile.TemporaryDirectory(prefix="gyre-bench-") as name:
        place = Path(name)
        prepare(place)
        EXAMPLES[MODEL].generate(ROWS, 1).to_csv(place / _IN, index=False)
        figures["megabytes"] = round((place / _IN).stat().st_size / 1e6, 1)
        for estimator in ESTIMATORS:
            found: dict[str, list[dict[str, float]]] = {side: [] for side in SIDES}
            for _ in range(TIMES):
                for side in SIDES:  # in turn, so that a busy minute hits both
                    found[side].append(_in_child(side, place, estimator))
            _agree(place, estimator, found["ours"][0]["refused"] + found["ours"][0]["mended"])
            for side, samples in found.items():
                told = f"{estimator}: {_TOLD[side]}"
                timings[told] = timing([each["seconds"] for each in samples])
                figures[f"{told}: rows/s"] = round(ROWS / timings[told].median)
                for part in ("plan", "predict", "join", "ranges", "refused", "mended"):
                    if part in samples[0]:
                        figures[f"{told}: {part}"] = round(samples[-1][part], 2)
                print(f"bench: {told:48} {timings[told]}, {figures[f'{told}: rows/s']:,.0f} rows/s", flush=True)
            ratio = [p["seconds"] / o["seconds"] for o, p in zip(found["ours"], found["peer"], strict=True)]
            for word, value in asdict(timing(ratio)).items():
                if word != "times":
                    figures[f"{estimator}: times as fast: {word}"] = round(value, 2)
    path = keep("batch", timings, {"scikit-learn": version("scikit-learn"), "pandas": version("pandas")}, figures)
    print(f"bench: wrote {path.name}")
    return 0


if __name__ == "__main__":
    if len(sys.argv) == 4:
        print(json.dumps(SIDES[sys.argv[1]](Path(sys.argv[2]), sys.argv[3])))
    else:
        sys.exit(main())
