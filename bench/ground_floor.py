"""Setup, build, start, deploy, deploy again, call: on an emulator of the benchmark's own."""

import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.emulator import ROOT, make, own_emulator
from bench.measure import Timing, keep, repeat
from cli.client import GyreClient
from gyre import __version__
from infra.deploy.record import read_record

TIMES = 5
CALLS = 200


@contextmanager
def edited(path: Path) -> Iterator[list[int]]:
    """Each `edit` changes the file; at the end it is as it was."""
    before = path.read_bytes()
    count = [0]
    try:
        yield count
    finally:
        path.write_bytes(before)


def redeploy(path: Path) -> Timing:
    """From an edit in the package, which every function carries, to the new code answering."""
    with edited(path) as count:
        before = path.read_bytes()

        def edit() -> None:
            count[0] += 1
            path.write_bytes(before + f"\n# bench {count[0]}\n".encode())

        found = repeat(3, lambda: make("deploy"), edit)
    make("deploy")
    return found


def delete_stack() -> None:
    record = read_record()
    cloudformation = GyreClient(record).aws("cloudformation")
    cloudformation.delete_stack(StackName=record.stack)
    cloudformation.get_waiter("stack_delete_complete").wait(
        StackName=record.stack, WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )


def call(url: str) -> None:
    with urllib.request.urlopen(url, timeout=30) as answer:
        answer.read()


def main() -> int:
    timings: dict[str, Timing] = {}

    def tell(name: str, found: Timing) -> None:
        timings[name] = found
        print(f"bench: {name:52} {found}", flush=True)

    make("package")
    tell("make setup, nothing changed (goal 3 s)", repeat(TIMES, lambda: make("setup")))
    tell("make package, nothing changed", repeat(TIMES, lambda: make("package")))
    with own_emulator():
        tell("make up", repeat(3, lambda: make("up"), lambda: make("down")))
        tell("make deploy, first one after up", repeat(1, lambda: make("deploy")))
        tell("make deploy, built packages, no stack (goal 25 s)", repeat(3, lambda: make("deploy"), delete_stack))
        tell("make deploy after a change of code (goal 10 s)", redeploy(ROOT / "layers/gyre/gyre/__init__.py"))
        tell("make deploy, nothing changed", repeat(3, lambda: make("deploy")))
        url = f"{read_record().api_url}/health"
        tell("GET /health through the gateway, warm", repeat(CALLS, lambda: call(url)))
    path = keep("ground_floor", timings, {"gyre": __version__})
    print(f"bench: wrote {path.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
