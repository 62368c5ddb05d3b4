"""`python -m bench.serving.functions SIDE PLACE MODEL EXPLAINED WARM_UP CALLS`: seconds of calls to a handler."""

import json
import os
import subprocess
import sys
import time
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

from bench.serving.cold import event
from bench.serving.models import Sent, read_rows
from bench.serving.servers import PEERS, TOP


def in_process(side: str, place: Path, model: str, *, explained: bool, warm_up: int, calls: int) -> list[float]:
    """In a process of its own, as each environment of a function is one."""
    environment = {
        **os.environ, "OMP_NUM_THREADS": "1", "BENCH_MODELS": str(place), "BENCH_SERVED": model,
        "PYTHONPATH": f"{PEERS}{os.pathsep}{os.environ['PYTHONPATH']}",
    }  # fmt: skip
    asked = [side, str(place), model, "explained" if explained else "plain", str(warm_up), str(calls)]
    command = [sys.executable, "-m", "bench.serving.functions", *asked]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    if done.returncode:
        raise RuntimeError(done.stderr[-3000:])
    found: list[float] = json.loads(done.stdout.splitlines()[-1])
    return found


def _event(side: str, row: Sent, model: str, *, explained: bool) -> dict[str, object]:
    path = f"/predict/{model}"
    if side == "Gyre":
        return event(path, row.features, {"top": str(TOP)} if explained else None)
    return event(path, {"features": row.features, "top": TOP if explained else 0})


def main(side: str, place: str, model: str, kind: str, warm_up: str, calls: str) -> None:
    handler = import_module("bench.serving.ours" if side == "Gyre" else "scikit_function").handler
    rows, context = read_rows(Path(place)), SimpleNamespace(aws_request_id="bench")
    events = [_event(side, row, model, explained=kind == "explained") for row in rows]
    took = []
    for at in range(int(warm_up) + int(calls)):
        asked = events[at % len(events)]
        started = time.perf_counter()
        answer = handler(asked, context)
        took.append(time.perf_counter() - started)
        if answer["statusCode"] != 200:
            raise RuntimeError(f"{side} answered {answer}")
    print(json.dumps(took[int(warm_up) :]))


if __name__ == "__main__":
    main(*sys.argv[1:])
