"""python -m examples: an upload of one of the example models, to a file or to the standard output."""

import argparse
import math
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from examples.catalogue import EXAMPLES
from examples.files import FORMATS, csv, ending_of
from examples.simulate import SIMULATORS, CannotSimulate, simulated


def main(arguments: Sequence[str] | None = None) -> int:
    asked = _parser().parse_args(arguments)
    example = EXAMPLES[asked.example]
    frame = example.generate(asked.rows, asked.seed)
    try:
        for drift in asked.drift:
            frame = simulated(frame, drift, example.simulations[drift], strength=asked.strength, seed=asked.seed)
    except CannotSimulate as error:
        return _failed(f"--drift {drift}: {error}")
    if len(frame) < asked.rows:
        print(f"examples: {len(frame):,} of {asked.rows:,} rows are left by {' '.join(asked.drift)}", file=sys.stderr)
    if asked.out is None:
        return _printed(csv(frame))
    try:
        asked.out.write_bytes(FORMATS[str(ending_of(asked.out.name))](frame))
    except OSError as error:
        return _failed(f"{asked.out} cannot be written: {error.strerror}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m examples", description="Made-up data for the example models: the same seed, the same file.",
        epilog="What --drift does to which column stands in `simulations` of examples/<example>/generator.py.",
    )  # fmt: skip
    parser.add_argument("example", choices=EXAMPLES, help="the model that the data is for")
    parser.add_argument("--rows", type=_count(1), default=2_000, metavar="N", help="how many (2000)")
    parser.add_argument("--seed", type=_count(0), default=1, metavar="N", help="other seeds, other rows (1)")
    parser.add_argument(
        "--drift", choices=SIMULATORS, action="append", default=[], metavar="NAME",
        help=f"spoil it: {', '.join(SIMULATORS)}; several, one after the other, if given several times",
    )  # fmt: skip
    parser.add_argument("--strength", type=_figure, default=1.0, metavar="X", help="of the drift; 0 is none (1.0)")
    parser.add_argument(
        "--out", type=_file, metavar="FILE", help=f"its ending chooses the format: {' '.join(FORMATS)}; "
        "left out: CSV on the standard output",
    )  # fmt: skip
    return parser


def _count(least: int) -> Callable[[str], int]:
    """Reads a whole number of at least so much."""

    def read(text: str) -> int:
        if not text.isdecimal() or int(text) < least:
            raise argparse.ArgumentTypeError(f"must be a whole number of at least {least}, and not {text!r}")
        return int(text)

    return read


def _figure(text: str) -> float:
    try:
        figure = float(text)
    except ValueError:
        figure = math.nan
    if not math.isfinite(figure):
        raise argparse.ArgumentTypeError(f"must be a number, and not {text!r}")
    return figure


def _file(text: str) -> Path:
    if ending_of(text) is None:
        raise argparse.ArgumentTypeError(f"{text!r} has an unknown ending: use one of {' '.join(FORMATS)}")
    return Path(text)


def _printed(content: bytes) -> int:
    try:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        # The reader, such as `head`, has enough. Python would complain once more when it closes the stream.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _failed(why: str) -> int:
    print(f"examples: {why}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
