"""How the journal grows: the same questions to a hundred thousand, a million and ten million predictions.

Records are made by a generator as Arrow columns and written as upkeep leaves them: a file for each model and day, of
sixty days. What is timed goes through the journal's own code, over a folder: S3 adds its own milliseconds a file."""

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from itertools import count
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from deltalake import WriterProperties, write_deltalake

from bench.directory import DirectoryBucket
from bench.measure import Timing, keep, repeat
from gyre.aws.lake import DeltaJournal
from gyre.journal.dead_letters import DeadLetters
from gyre.journal.intake import Intake, Message
from gyre.journal.lines import Line, lines_of
from gyre.journal.record import JournalRecord, JournalRow, Served, new_event
from gyre.journal.table import Wanted

SIZES = tuple(int(each) for each in os.environ.get("BENCH_JOURNAL_SIZES", "100000,1000000,10000000").split(","))
TIMES, BATCH, PERSONS = 7, 500, 20_000
MODELS, DAYS, END = ("wine", "beer", "tea"), 60, datetime(2026, 11, 21, tzinfo=UTC)
CLASSES = ("low", "middle", "high")
# What is promised of ten million, in seconds; a machine that is busy with other things may miss it.
LIMITS = {
    "append a batch of 500": 1.0, "find one event": 0.5, "a page of 100": 1.0, "a filtered page": 2.0,
    "the page after": 1.0, "figures of a week": 2.0, "figures of all": 10.0, "erase a person": 120.0,
}  # fmt: skip
_WRITER = WriterProperties(compression="ZSTD", max_row_group_size=16_384)


def record(at: datetime, person: int, model: str = MODELS[0]) -> JournalRecord:
    """A call of one row, as inference would record it."""
    shares = {"low": 0.0625, "middle": 0.0625, "high": 0.875}
    row = JournalRow(
        id=_person(person), version=3, prediction="high", probabilities=shares, confidence=0.875,
        features={"mail": _person(person), "age": 41.5, "weight_kg": 71.25, "smokes": "no"},
    )  # fmt: skip
    return JournalRecord(
        event_id=new_event(at), model=model, at=at, status=200, duration_ms=4.5, times={"auth": 0.1, "predict": 0.6},
        memory_mb=1769, caller="bench", correlation_id=f"c-{person}", rows=(row,),
        served=(Served(version=3, alias="production", bundle="b" * 64, rows=1, ms=0.8),),
    )  # fmt: skip


def _person(number: int) -> str:
    return f"p1:{number:026}"


def fill(place: str, size: int) -> None:
    """That many records, evenly over days and models."""
    chance, table = np.random.default_rng(7), DeltaJournal(place).table
    table.append({"settles-the-columns": [_row(lines_of(record(END - timedelta(days=DAYS), 0))[0])]})
    each = size // (DAYS * len(MODELS))
    for day in range(DAYS):
        for model in MODELS:
            first = END - timedelta(days=DAYS - day - 1)
            at = [first + timedelta(seconds=float(second)) for second in np.sort(chance.random(each) * 80_000)]
            write_deltalake(
                table.latest() or place, _columns(model, at, chance), mode="append",
                partition_by=["model", "day"], writer_properties=_WRITER,
            )  # fmt: skip


def _row(line: Line) -> tuple[object, ...]:
    micros = (line.at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    return tuple(micros if each.name == "at" else getattr(line, each.name) for each in fields(Line))


def _columns(model: str, moments: list[datetime], chance: np.random.Generator) -> pa.Table:
    """Lines like those of `record`, a column at a time."""
    many, (like,) = len(moments), lines_of(record(moments[0], 0, model))
    persons = pa.array([_person(each) for each in chance.integers(0, PERSONS, many)])
    ages = pc.cast(pa.array(chance.integers(18, 90, many)), pa.string())
    parts = (like.features or "").split(_person(0))
    before, after = parts[0], parts[1].split("41.5")
    features = pc.binary_join_element_wise(before, persons, after[0], ages, after[1], "")
    answer = (like.answer or "").split(_person(0))
    predictions = pa.array([CLASSES[each] for each in chance.choice(3, many, p=[0.69, 0.3, 0.01])])
    told = {
        "event_id": pa.array([new_event(each) for each in moments]), "at": pa.array(moments, pa.timestamp("us", "UTC")),
        "row_id": persons, "features": features, "prediction": predictions,
        "answer": pc.binary_join_element_wise(answer[0], persons, answer[1], ""),
        "confidence": pa.array(chance.random(many)), "duration_ms": pa.array(chance.gamma(2.0, 3.0, many)),
    }  # fmt: skip
    kinds = {"row": pa.int32(), "rows": pa.int32(), "status": pa.int32(), "version": pa.int64(), "value": pa.float64()}
    columns = {
        each.name: told[each.name]
        if each.name in told
        else pa.array([getattr(like, each.name)] * many, kinds.get(each.name))
        for each in fields(Line)
    }
    return pa.table(columns)


def questions(place: str, numbers: Iterator[int]) -> dict[str, Callable[[], object]]:
    """What is timed, by name. Each is asked anew by an environment that is warm."""
    journal = DeltaJournal(place)
    some = journal.page(Wanted(MODELS[1], since=END - timedelta(days=20), until=END - timedelta(days=19)), 50)
    week = Wanted(MODELS[0], since=END - timedelta(days=7))

    def append() -> None:
        at = END + timedelta(hours=1)
        new = journal.append([record(at + timedelta(milliseconds=next(numbers)), number) for number in range(BATCH)])
        assert len(new) == BATCH

    def erase() -> None:
        assert journal.erase([_person(PERSONS - 1 - next(numbers))]) > 0

    def find() -> None:
        journal.find(some.lines[next(numbers) % len(some.lines)].event_id)

    return {
        f"append a batch of {BATCH}": append,
        "find one event": find,
        "a page of 100": lambda: journal.page(Wanted(), 100),
        "a filtered page": lambda: journal.page(Wanted(MODELS[0], prediction="high"), 100),
        "the page after": lambda: journal.page(Wanted(MODELS[1]), 100, some.after),
        "figures of a week": lambda: journal.figures(week),
        "figures of all": lambda: journal.figures(Wanted(MODELS[0])),
        "erase a person": erase,
    }


def intake(place: str) -> Timing:
    """Messages of the queue into the table, a thousand at a time; seconds an event."""
    data, numbers = DirectoryBucket(Path(place)), count()
    taker = Intake(DeltaJournal(place), data, DeadLetters(data), 3)
    batches = [
        [
            Message(str(n), record(END + timedelta(milliseconds=next(numbers)), n).model_dump_json())
            for n in range(1_000)
        ]
        for _ in range(TIMES)
    ]
    waiting = iter(batches)

    def take() -> None:
        assert len(taker.take(next(waiting)).records) == 1_000

    found = repeat(TIMES, take)
    return Timing(found.median / 1_000, found.least / 1_000, found.most / 1_000, found.times)


def main() -> int:
    timings: dict[str, Timing] = {}
    figures: dict[str, float] = {}
    for size in SIZES:
        folder = tempfile.mkdtemp(prefix="gyre-bench-")
        try:
            started = time.perf_counter()
            fill(f"{folder}/journal", size)
            bytes_ = sum(each.stat().st_size for each in Path(folder).rglob("*.parquet"))
            figures[f"{size:,}: megabytes"] = bytes_ / 1e6
            print(
                f"bench: {size:,} records, {bytes_ / 1e6:.0f} MB, made in {time.perf_counter() - started:.0f} s",
                flush=True,
            )
            for name, ask in questions(f"{folder}/journal", count()).items():
                timings[f"{size:,}: {name}"] = repeat(3 if name.startswith("erase") else TIMES, ask)
                print(f"bench: {size:>10,} {name:24} {timings[f'{size:,}: {name}']}", flush=True)
        finally:
            shutil.rmtree(folder)
    with tempfile.TemporaryDirectory(prefix="gyre-bench-") as folder:
        timings["an event of the queue"] = intake(folder)
    figures["events a second"] = 1 / timings["an event of the queue"].median
    print(f"bench: {figures['events a second']:.0f} events a second, asked for 2,000")
    largest = f"{max(SIZES):,}: "
    for name, most in LIMITS.items():
        found = timings[largest + name].median
        print(f"bench: {largest}{name} {found:.2f} s, at most {most:g} s: {'kept' if found <= most else 'NOT kept'}")
        figures[f"{name}: promised"] = most
    path = keep("journal", timings, {"deltalake": version("deltalake")}, figures)
    print(f"bench: wrote {path.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
