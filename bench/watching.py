"""How a look grows: time and memory of each of its tasks over a thousand to ten million predictions in the window.

The journal is made by a generator and lies in a folder; each task runs in a process of its own, as in a function of its
own, on what the task before it left. Above 100,000 predictions a sample is looked at, whose error is told."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from deltalake import WriterProperties, write_deltalake

from bench.directory import DirectoryBucket
from bench.measure import Timing, keep, most_memory, shown, timing
from gyre.aws.lake import DeltaJournal
from gyre.aws.windows import DeltaPredictions
from gyre.journal.lines import lines_of
from gyre.journal.record import JournalRecord, JournalRow, new_event
from gyre.monitoring.found import Found, Look, Source, Univariate, Verdict
from gyre.monitoring.gathering.given import MOST_REFERENCE, MOST_ROWS
from gyre.monitoring.gathering.predicted import Span, predicted_side
from gyre.monitoring.side import Pair, Side
from gyre.spec.model import ModelSpec
from gyre.tasks.watching.folder import LookFolder

SIZES = tuple(
    int(each) for each in os.environ.get("BENCH_WATCHING_SIZES", "1000,10000,100000,1000000,10000000").split(",")
)
TIMES = int(os.environ.get("BENCH_WATCHING_TIMES", "3"))
NUMBERS, CATEGORIES = 10, 10
MODEL, END = "bench", datetime(2026, 11, 21, tzinfo=UTC)
# What is promised of 100,000 predictions: all tasks one after another, in seconds, and the largest of them in MB.
PROMISED_ROWS, PROMISED_SECONDS, PROMISED_MB = 100_000, 180.0, 2_048.0
TASKS = ("window", "univariate", "multivariate", "performance", "quality", "report")
_CLASSES = ("no", "yes")
_BLOCK = 250_000


def spec() -> ModelSpec:
    """Twenty features, half of them numbers."""
    columns: dict[str, Any] = {f"n{at}": {"type": "number"} for at in range(NUMBERS)}
    columns |= {f"c{at}": {"type": "category"} for at in range(CATEGORIES)}
    columns["bought"] = {"type": "category", "values": list(_CLASSES)}
    told = {"model": MODEL, "task": "binary", "target": "bought", "columns": columns, "training": {"metric": "roc_auc"}}
    return ModelSpec.model_validate_json(json.dumps(told))


def rows(many: int, chance: np.random.Generator) -> tuple[dict[str, Any], np.ndarray, np.ndarray]:
    """Features, the probability of `yes`, and what turned out to be true."""
    features: dict[str, Any] = {f"n{at}": np.round(chance.normal(at, 1 + at, many), 3) for at in range(NUMBERS)}
    words = np.array([f"word_{each}" for each in range(12)], dtype=object)
    features |= {f"c{at}": words[chance.integers(0, 3 + at, many)] for at in range(CATEGORIES)}
    share = 1 / (1 + np.exp(-(features["n0"] + (features["c3"] == "word_1") - 0.2)))
    return features, np.round(share, 4), chance.random(many) < share


def reference() -> Side:
    """As many rows as are looked at of a release's reference at most."""
    features, share, bought = rows(MOST_REFERENCE, np.random.default_rng(1))
    names = np.array([*_CLASSES, None], dtype=object)[:-1]
    return Side(
        Source(name="reference", rows=MOST_REFERENCE, of_rows=MOST_REFERENCE, labelled=MOST_REFERENCE), features,
        np.zeros(MOST_REFERENCE, "M8[us]"), names[(share > 0.5).astype(int)], np.column_stack([1 - share, share]),
        names[bought.astype(int)],
    )  # fmt: skip


def fill(place: str, size: int) -> None:
    """So many answered calls of one row over a day, with the truth of none: labels have benches of their own."""
    chance, table = np.random.default_rng(2), DeltaJournal(place).table
    first = END - timedelta(hours=23)
    table.append({"settles-the-columns": [_settling(first - timedelta(days=2))]})
    for begin in range(0, size, _BLOCK):
        many = min(_BLOCK, size - begin)
        at = [first + timedelta(seconds=float(second)) for second in np.sort(chance.random(many) * 80_000)]
        write_deltalake(
            table.latest() or place, _columns(at, chance), mode="append", partition_by=["model", "day"],
            writer_properties=WriterProperties(compression="ZSTD"),
        )  # fmt: skip


def _settling(at: datetime) -> tuple[object, ...]:
    (line,) = lines_of(
        JournalRecord(
            event_id="settles-the-columns", model="other", at=at, status=200, duration_ms=1.0, caller="bench",
            correlation_id="c", rows=(JournalRow(),),
        )
    )  # fmt: skip
    micros = (line.at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    return tuple(micros if name == "at" else value for name, value in vars(line).items())


def _columns(at: list[datetime], chance: np.random.Generator) -> pa.Table:
    many = len(at)
    features, share, _ = rows(many, chance)
    names = list(features)
    told = [
        json.dumps(dict(zip(names, each, strict=True)))
        for each in zip(*(f.tolist() for f in features.values()), strict=True)
    ]
    said = np.where(share > 0.5, "yes", "no").tolist()
    answers = [
        f'{{"version":3,"prediction":"{name}","probabilities":{{"no":{1 - p:.4f},"yes":{p:.4f}}},"confidence":0.9}}'
        for name, p in zip(said, share.tolist(), strict=True)
    ]
    same: dict[str, tuple[object, pa.DataType]] = {
        "row": (0, pa.int32()), "rows": (1, pa.int32()), "model": (MODEL, pa.string()), "kind": ("online", pa.string()),
        "status": (200, pa.int32()), "version": (3, pa.int64()), "row_id": (None, pa.string()),
        "value": (None, pa.float64()), "confidence": (0.9, pa.float64()), "duration_ms": (4.5, pa.float64()),
        "caller": ("bench", pa.string()), "call": ("{}", pa.string()), "erased": (False, pa.bool_()),
    }  # fmt: skip
    columns = {
        "event_id": pa.array([new_event(each) for each in at]), "at": pa.array(at, pa.timestamp("us", "UTC")),
        "day": pa.array([f"{each:%Y-%m-%d}" for each in at]), "features": pa.array(told),
        "prediction": pa.array(said), "answer": pa.array(answers),
        **{name: pa.array([value] * many, kind) for name, (value, kind) in same.items()},
    }  # fmt: skip
    order = ("event_id", "row", "rows", "model", "day", "at", "kind", "status", "version", "row_id", "prediction",
             "value", "confidence", "duration_ms", "caller", "features", "answer", "call", "erased")  # fmt: skip
    return pa.table({name: columns[name] for name in order})


def one(task: str, place: str) -> None:
    """In a process of its own: does one task, and tells what it took and took up."""
    started = time.perf_counter()
    folder = LookFolder(DirectoryBucket(Path(place)), MODEL, "run")
    rows_seen = _window(folder, place) if task == "window" else _judged(task, folder)
    seconds, megabytes = time.perf_counter() - started, most_memory()
    print(json.dumps({"seconds": seconds, "megabytes": megabytes, "rows": rows_seen}))


def _window(folder: LookFolder, place: str) -> int:
    predictions, span = DeltaPredictions(f"{place}/journal"), Span(MODEL, END - timedelta(hours=24), END)
    of_rows = predictions.volume(span, END).rows[3]
    read = predictions.rows(span, 3, min(1.0, MOST_ROWS / of_rows))
    side = predicted_side("the journal", read, of_rows, spec(), _CLASSES)
    folder.keep(Pair(spec(), _CLASSES, reference(), side))
    folder.write("window", side.source)
    return len(side)


def _judged(task: str, folder: LookFolder) -> int:
    from gyre.monitoring.analysis.multivariate import multivariate
    from gyre.monitoring.analysis.performance import performance
    from gyre.monitoring.analysis.quality import quality
    from gyre.monitoring.analysis.univariate import univariate
    from gyre.monitoring.report.page import report

    if task == "report":
        look = Look(
            run="run", model=MODEL, at=END, kind="watch", version=3, reference=None, window=None,
            verdict=Verdict(level="ok", findings=()), univariate=folder.find("univariate", Univariate),
        )  # fmt: skip
        return len(report(look))
    judges: dict[str, Any] = {
        "univariate": univariate, "multivariate": multivariate, "performance": performance, "quality": quality,
    }  # fmt: skip
    pair = folder.pair()
    found: Found = judges[task](pair)
    folder.write(task, found)
    return len(pair.window)


def _each(place: str) -> Iterator[tuple[str, dict[str, float]]]:
    for task in TASKS:
        done = subprocess.run(
            [sys.executable, "-m", "bench.watching", task, place],
            check=True,
            capture_output=True,
            text=True,
            timeout=900,
        )
        yield task, json.loads(done.stdout.splitlines()[-1])


def main() -> int:
    timings: dict[str, Timing] = {}
    figures: dict[str, float] = {}
    for size in SIZES:
        place = tempfile.mkdtemp(prefix="gyre-bench-")
        try:
            fill(f"{place}/journal", size)
            runs = [dict(_each(place)) for _ in range(TIMES)]
        finally:
            shutil.rmtree(place)
        for task in TASKS:
            timings[f"{size:,}: {task}"] = timing([run[task]["seconds"] for run in runs])
            figures[f"{size:,}: {task}, MB"] = max(run[task]["megabytes"] for run in runs)
        whole = [sum(each["seconds"] for each in run.values()) for run in runs]
        timings[f"{size:,}: all tasks"] = timing(whole)
        seen = runs[0]["window"]["rows"]
        figures[f"{size:,}: rows looked at"] = seen
        figures[f"{size:,}: most a share is off"] = 0.0 if seen >= size else 1.3581 / seen**0.5
        most = max(figures[f"{size:,}: {task}, MB"] for task in TASKS)
        print(
            f"bench: {size:>10,} predictions: {timings[f'{size:,}: all tasks']}, {most:.0f} MB, {seen:,.0f} looked at",
            flush=True,
        )
        for task in TASKS:
            took, megabytes = timings[f"{size:,}: {task}"].median, figures[f"{size:,}: {task}, MB"]
            print(f"bench:            {task:14} {shown(took):>9} {megabytes:>6.0f} MB")
    if PROMISED_ROWS in SIZES:
        took = timings[f"{PROMISED_ROWS:,}: all tasks"].median
        most = max(figures[f"{PROMISED_ROWS:,}: {task}, MB"] for task in TASKS)
        verdict = "kept" if took <= PROMISED_SECONDS and most <= PROMISED_MB else "NOT kept"
        promised = f"{PROMISED_SECONDS:.0f} s and {PROMISED_MB:.0f} MB are promised"
        print(f"bench: {PROMISED_ROWS:,}: {took:.0f} s and {most:.0f} MB, {promised}: {verdict}")
        figures |= {"seconds promised": PROMISED_SECONDS, "MB promised": PROMISED_MB}
    path = keep("watching", timings, {each: version(each) for each in ("nannyml", "deltalake", "pandas")}, figures)
    print(f"bench: wrote {path.name}")
    return 0


if __name__ == "__main__":
    one(*sys.argv[1:3])
