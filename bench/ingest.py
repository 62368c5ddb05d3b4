"""Ingest: records a second, and what a file larger than the memory costs. One function, over the emulator's S3."""

import json
import os
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.emulator import make, own_emulator
from bench.measure import Timing, keep, most_memory, repeat, timing
from cli.client import GyreClient
from examples.catalogue import EXAMPLES
from gyre import __version__
from infra.deploy.record import StackRecord, read_record

MODEL = "obesity"
ROWS = 400_000
TIMES = 3
LARGE_BYTES = 2 * 1024**3
STATED = 1_250  # records a second that an earlier system stated


def child(key: str, version: str) -> dict[str, Any]:
    """One ingest as the function does it, in a process of its own, so that its memory is its own."""
    from functions.science import app

    event = {
        "task": "ingest", "run": f"bench-{uuid.uuid4().hex[:8]}", "model": MODEL,
        "upload": {"key": key, "version": version},
    }  # fmt: skip
    app.training_tasks()
    started = time.perf_counter()
    told = app.train(event, None)
    return {"seconds": time.perf_counter() - started, "peak_mb": most_memory(), **told}


def in_child(record: StackRecord, key: str, version: str) -> dict[str, Any]:
    environment = {
        **os.environ, "GYRE_ENVIRONMENT": "local", "GYRE_DATA_BUCKET": record.data_bucket,
        "GYRE_ARTIFACT_BUCKET": record.artifact_bucket, "AWS_ENDPOINT_URL": str(record.endpoint_url),
        "AWS_DEFAULT_REGION": record.region, "AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local",
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "bench.ingest", key, version], env=environment, capture_output=True, text=True
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-3000:])
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


class Bench:
    def __init__(self) -> None:
        self.record = read_record()
        self.s3 = GyreClient(self.record).aws("s3")
        self.s3.put_object(
            Bucket=self.record.artifact_bucket,
            Key=f"specs/{MODEL}/00000001.yaml",
            Body=EXAMPLES[MODEL].spec.read_bytes(),
        )

    def upload(self, path: Path) -> tuple[str, str]:
        """Not into the inbox: that would start a run beside ours."""
        key = f"fetched/{MODEL}/{uuid.uuid4().hex[:8]}/{path.name}"
        self.s3.upload_file(str(path), self.record.data_bucket, key)
        version = self.s3.head_object(Bucket=self.record.data_bucket, Key=key)["VersionId"]
        return key, version


def block() -> bytes:
    """Distinct rows; a few rows of each kind of fault among them."""
    frame = EXAMPLES[MODEL].generate(ROWS, 1)
    return bytes(frame.to_csv(index=False).encode())


def renamed(content: bytes, number: int) -> bytes:
    """The same people under other ids: making new ones takes longer than reading them."""
    return content.replace(b"\nob-1-", f"\nob-{number + 2}-".encode())


def peer(path: Path) -> Callable[[], object]:
    """pandas alone: the whole file in memory, nothing checked, written as one Parquet file."""

    def read() -> None:
        import pandas as pd

        pd.read_csv(path).to_parquet(path.with_suffix(".parquet"))

    return read


def main() -> int:
    timings: dict[str, Timing] = {}
    make("package")
    with own_emulator(), tempfile.TemporaryDirectory(prefix="gyre-bench-") as folder:
        make("up")
        make("deploy")
        bench, content = Bench(), block()
        path = Path(folder, "rows.csv")
        path.write_bytes(content)
        peers = repeat(TIMES, peer(path))
        timings[f"pandas: read_csv and to_parquet, {ROWS:,} rows"] = peers
        seconds = []
        for number in range(TIMES):
            path.write_bytes(renamed(content, number))
            seconds.append(in_child(bench.record, *bench.upload(path))["seconds"])
        found = timing(seconds)
        timings[f"ingest, {ROWS:,} rows of {MODEL} as CSV"] = found
        rate = ROWS / found.median
        print(f"bench: {rate:,.0f} records/s ({found}), {rate / STATED:.0f} times {STATED:,}", flush=True)
        print(f"bench: pandas alone, nothing checked: {ROWS / peers.median:,.0f} records/s")
        large = Path(folder, "large.csv")
        header, body = content.split(b"\n", 1)
        with large.open("wb") as file:
            file.write(header + b"\n")
            number = 100
            while file.tell() < LARGE_BYTES:
                file.write(renamed(b"\n" + body, number)[1:])
                number += 1
        size = large.stat().st_size
        told = in_child(bench.record, *bench.upload(large))
        gigabytes, rows = size / 1024**3, told["rows"] + told["rejected"]
        timings[f"ingest, {gigabytes:.1f} GB of CSV, {rows:,} rows"] = timing([told["seconds"]])
        print(
            f"bench: {gigabytes:.1f} GB of CSV: {told['seconds']:.0f} s, at most {told['peak_mb']:,.0f} MB (goal 1,024)"
        )
    figures = {"records_per_second": round(rate), "peak_mb_of_the_large_file": round(told["peak_mb"])}
    path = keep("ingest", timings, {"gyre": __version__}, figures)
    print(f"bench: wrote {path.name}")
    return 0


if __name__ == "__main__":
    if len(sys.argv) == 3:
        print(json.dumps(child(sys.argv[1], sys.argv[2])))
    else:
        sys.exit(main())
