"""What the commands have in common: how one is added, the kinds of argument, `--json`."""

import argparse
import math
import re
from collections.abc import Callable
from typing import Any

from cli.text import shown
from gyre.errors import GyreError, Invalid
from gyre.spec.base import MODEL_PATTERN
from gyre.workflow import RUN_PATTERN

Commands = Any  # argparse gives what add_subparsers returns no public name
Run = Callable[[argparse.Namespace], int]


def command(commands: Commands, name: str, run: Run, told: str, more: str = "") -> argparse.ArgumentParser:
    """One command: its help in a line, and as much more as is needed to use it without the docs."""
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=told, description=f"{told[0].upper()}{told[1:]}.{' ' if more else ''}{more}"
    )
    parser.set_defaults(run=run)
    return parser


def group(groups: Commands, name: str, told: str) -> Commands:
    """A group of commands."""
    made = groups.add_parser(name, help=told, description=f"{told[0].upper()}{told[1:]}.")
    return made.add_subparsers(title="commands", metavar="COMMAND", required=True)


def add_model(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL", type=model, help="the model's name; gyre model list names them")


def add_number(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "version", metavar="N", type=number, help="the version's number; gyre model versions MODEL lists them"
    )


def add_run(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="RUN", type=run_name, help="the run's name, as gyre train prints it")


def add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="what the API answers, as JSON")


def model(text: str) -> str:
    """Said here and not by the API, which would not know what such a path means."""
    if not re.fullmatch(MODEL_PATTERN, text):
        raise argparse.ArgumentTypeError(
            f"{shown(text[:100])!r} is not a model's name: a lower-case letter, then letters, digits, - and _"
        )
    return text


def run_name(text: str) -> str:
    if not re.fullmatch(RUN_PATTERN, text):
        raise argparse.ArgumentTypeError(f"{shown(text[:100])!r} is not the name of a run: letters, digits, - and _")
    return text


def number(text: str) -> int:
    """From 1; a v before it is how people write versions."""
    if not re.fullmatch(r"v?[0-9]{1,9}", text) or not int(text.removeprefix("v")):
        raise argparse.ArgumentTypeError(f"{shown(text[:100])!r} is not a whole number from 1")
    return int(text.removeprefix("v"))


def share(text: str) -> float:
    """Between nothing and everything."""
    found = _float(text)
    if not 0 <= found <= 1:
        raise argparse.ArgumentTypeError(f"{shown(text[:100])!r} is no share: a number from 0 to 1")
    return found


def minutes(text: str) -> float:
    """More than none, and an end."""
    return _length(text, "minutes")


def hours(text: str) -> float:
    """The same."""
    return _length(text, "hours")


def _length(text: str, unit: str) -> float:
    found = _float(text)
    if not (0 < found < math.inf):
        raise argparse.ArgumentTypeError(f"{shown(text[:100])!r} is not a number of {unit}")
    return found


def _float(text: str) -> float:
    """NaN for what is none, which no bound holds."""
    try:
        return float(text)
    except ValueError:
        return math.nan


def write_new(name: str, text: str, why: str) -> None:
    """Into a file that nobody has; `why` tells what might be lost otherwise."""
    try:
        with open(name, "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise Invalid(f"{shown(name)} is there already{why}: name another file") from None
    except OSError as error:
        raise GyreError(f"{shown(name)} cannot be written: {error.strerror}") from None
