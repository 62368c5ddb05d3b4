"""An emulator of the benchmark's own: the developer's stack goes on undisturbed."""

import os
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def make(target: str) -> None:
    done = subprocess.run(["make", "--silent", target], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"make {target}: {done.stdout[-2000:]}{done.stderr[-2000:]}")


@contextmanager
def own_emulator() -> Iterator[None]:
    """A port, a home and a record of its own."""
    with tempfile.TemporaryDirectory(prefix="gyre-bench-") as home, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
        probe.close()
        own = {"GYRE_EMULATOR_HOME": home, "GYRE_EMULATOR_PORT": port, "GYRE_STACK": f"{home}/stack.json"}
        os.environ.update(own)
        try:
            yield
        finally:
            make("down")
