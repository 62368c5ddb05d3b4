"""What a prediction takes, beside FastAPI with scikit-learn and shap, and MLServer: all in one run, in turn."""

import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.metadata import version
from os import getloadavg
from pathlib import Path
from subprocess import run
from tempfile import TemporaryDirectory

from bench.measure import Timing, keep, timing
from bench.serving.aws import local_aws
from bench.serving.cold import cold, starts
from bench.serving.figures import Promise, Samples, told
from bench.serving.functions import in_process
from bench.serving.load import Caller, Target, per_second, quantile
from bench.serving.models import CANDIDATES, Sent, make_models, read_rows
from bench.serving.servers import SIDES, peer_environment, probabilities, target

ROUNDS, CALLS, WARM_UP, CLIENTS, SECONDS = 5, 50, 10, 8, 2.0
COLD_STARTS = 9
SAME = 1e-5
KINDS = {False: "", True: ", with explanation"}

PROMISES = (
    Promise("one row, boosting, with explanation", "Gyre", "scikit-learn", 1 / 12),
    Promise("one row, forest, with explanation", "Gyre", "scikit-learn", 1 / 2),
    Promise("one row, boosting", "Gyre", "scikit-learn", 1 / 40),
    Promise("8 clients, boosting", "Gyre", "MLServer", 1 / 20),
    Promise("8 clients, boosting, with explanation", "Gyre", "MLServer", 1 / 5),
    Promise("cold start, with explanation", "Gyre", "scikit-learn", 1 / 4),
    Promise("cold start", "Gyre", "an empty FastAPI and Mangum", 2.0),
)


@dataclass(frozen=True)
class Case:
    """A server that is asked one kind of question."""

    side: str
    model: str
    explained: bool
    target: Target

    @property
    def name(self) -> str:
        return f"{self.model}{KINDS[self.explained]}"


def check(case: Case, rows: Sequence[Sent]) -> None:
    """Whoever answers something else is not compared."""
    caller = Caller(case.target)
    for row, body in zip(rows[:20], case.target.bodies, strict=False):
        wanted = row.probabilities[case.model]
        found = probabilities(case.side, caller.ask(body), list(wanted))
        if max(abs(found[name] - share) for name, share in wanted.items()) > SAME:
            raise RuntimeError(f"{case.side} says of a row of {case.name}: {found}; scikit-learn says {wanted}")
    caller.close()


def warm(place: Path, rows: Sequence[Sent], samples: Samples) -> None:
    """Servers stand side by side, and each is asked in turn: a busy minute hits all of them."""
    with ExitStack() as standing:
        urls = {side: standing.enter_context(serve(place)) for side, serve in SIDES.items()}
        cases = [
            Case(side, model, explained, target(side, url, model, rows, explained=explained))
            for model in CANDIDATES
            for explained in KINDS
            for side, url in urls.items()
        ]
        for case in cases:
            check(case, rows)
        for at in range(ROUNDS):
            for case in cases:
                caller = Caller(case.target, at * CALLS)  # anew: a server closes what is silent for long
                caller.seconds(WARM_UP)
                samples.add(f"one row, {case.name}", case.side, caller.seconds(CALLS))
                caller.close()
        for _ in range(ROUNDS):
            for case in cases:
                each = 1 / per_second(case.target, CLIENTS, SECONDS)
                samples.add(f"{CLIENTS} clients, {case.name}", case.side, [each])


def functions(place: Path, samples: Samples) -> None:
    """The same apps as Lambda calls them: an event in, an answer out, no server between."""
    for _ in range(ROUNDS):
        for side in ("Gyre", "scikit-learn"):
            for model in CANDIDATES:
                for explained, kind in KINDS.items():
                    took = in_process(side, place, model, explained=explained, warm_up=WARM_UP, calls=CALLS)
                    samples.add(f"one event, {model}{kind}", side, took)


def colds(place: Path, row: Sent, samples: Samples) -> None:
    with local_aws(place) as aws:
        every = starts(place, f"http://127.0.0.1:{aws.server_port}", row)
        for (_, side), start in every.items():  # for the disk, and the bytecode of what is not built
            cold(start, keep_bytecode=side == "scikit-learn")
        for _ in range(COLD_STARTS):
            for (kind, side), start in every.items():
                samples.add(f"cold start{kind}", side, [cold(start).answered])


def main() -> int:
    samples, load = Samples(), getloadavg()[0]
    peer_environment()
    with TemporaryDirectory(prefix="gyre-bench-") as folder:
        place = Path(folder)
        make_models(place)
        rows = read_rows(place)
        warm(place, rows, samples)
        functions(place, samples)
        colds(place, rows[0], samples)
    timings: dict[str, Timing] = {}
    figures: dict[str, float] = {"load_at_start": load}
    for name, side, rounds in samples:
        every = [each for one in rounds for each in one]
        timings[f"{name}: {side}"] = timing(every)
        if len(every) > len(rounds):
            figures[f"{name}: {side}: p95"] = quantile(every, 0.95)
        if name.startswith(f"{CLIENTS} clients"):
            figures[f"{name}: {side}: calls a second"] = 1 / timings[f"{name}: {side}"].median
        print(f"bench: {name:42} {side:28} {timings[f'{name}: {side}']}", flush=True)
    for promise in PROMISES:
        line, more = told(promise, samples)
        figures |= more
        print(f"bench: {line}", flush=True)
    path = keep("serving", timings, _versions(), figures)
    print(f"bench: wrote {path.name}")
    return 0


def _versions() -> dict[str, str]:
    ours = {name: version(name) for name in ("fastapi", "uvicorn", "onnxruntime", "numpy", "scikit-learn", "shap")}
    asked = "from importlib.metadata import version; print(version('mlserver'))"
    mlserver = run([peer_environment() / "python", "-c", asked], capture_output=True, text=True, check=True)
    return {**ours, "mlserver": mlserver.stdout.strip()}


if __name__ == "__main__":
    sys.exit(main())
