"""What the demo says, and the files that it leaves."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from infra.deploy.target import ROOT

OUT = ".gyre/demo"


def say(line: str = "") -> None:
    print(f"demo: {line}" if line else "", flush=True)


@contextmanager
def step(what: str) -> Iterator[None]:
    started = time.monotonic()
    say(f"{what} …")
    yield
    say(f"    done in {time.monotonic() - started:.1f} s")


def kept(name: str, text: str) -> str:
    """A page for the browser; where it lies."""
    folder = ROOT / OUT
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")
    return f"{OUT}/{name}"
