"""gyre train, gyre evaluate: start a run."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from cli.options import Commands, add_model, command, minutes, number
from cli.run_commands import ENDS, add_follow, follow_or_tell
from cli.stack import stack
from cli.text import shown
from gyre.errors import GyreError, Invalid, NotFound

if TYPE_CHECKING:
    from cli.client import GyreClient

# What a search may do otherwise than model.yaml says.
_SEARCH = ("sampler", "candidates", "rounds", "folds", "patience", "minutes", "workers")
_NEVER_WITH_FILE = ("dataset", "upload", "spec", "base", "no_search", *_SEARCH)


def add(groups: Commands) -> None:
    """Both commands; they stand beside the groups."""
    _add_train(groups)
    _add_evaluate(groups)


def _add_train(commands: Commands) -> None:
    parser = command(
        commands, "train", train, "train a model on data that is there, or on a file of yours",
        "By itself it takes the newest dataset version, or the newest upload if there is none, searches as model.yaml "
        "says, and releases what passes the gates. stdout gets the run's name first, for scripts.",
    )  # fmt: skip
    parser.epilog = f"With --follow: {ENDS[0].lower()}{ENDS[1:]}"
    add_model(parser)
    data = parser.add_argument_group("data").add_mutually_exclusive_group()
    data.add_argument("--dataset", metavar="N", type=number, help="train on this dataset version")
    data.add_argument("--upload", metavar="NAME", help="take in this upload first: its file name, or its whole key")
    data.add_argument("--file", metavar="PATH", help="bring this file first (CSV, JSON Lines, Parquet); follow its run")
    parser.add_argument("--spec", metavar="N", type=number, help="a version of model.yaml; the newest if left out")
    parser.add_argument(
        "--base", metavar="VERSION",
        help="the version that is trained again, its hyper-parameters tried first: a number, latest, production or "
        "challenger; what serves if left out",
    )  # fmt: skip
    search = parser.add_argument_group("search", "What is left out is as model.yaml says.")
    search.add_argument("--no-search", action="store_true", help="none: fit the base anew with its hyper-parameters")
    search.add_argument("--sampler", choices=("tpe", "random", "grid"), help="how the next candidates are proposed")
    search.add_argument("--candidates", metavar="N", type=number, help="how many are scored at most")
    search.add_argument("--rounds", metavar="N", type=number, help="in how many rounds")
    search.add_argument("--folds", metavar="N", type=number, help="of the cross-validation")
    search.add_argument("--patience", metavar="N", type=number, help="rounds without a gain after which it ends")
    search.add_argument("--minutes", metavar="M", type=minutes, help="no further round begins after so many")
    search.add_argument("--workers", metavar="N", type=number, help="how many are scored side by side")
    add_follow(parser)


def _add_evaluate(commands: Commands) -> None:
    parser = command(
        commands, "evaluate", evaluate, "say how good a version is on the rows of a dataset version",
        "Nothing is trained, and nothing is released.",
    )  # fmt: skip
    parser.epilog = f"With --follow: {ENDS[0].lower()}{ENDS[1:]}"
    add_model(parser)
    parser.add_argument(
        "--version", metavar="VERSION", default="production",
        help="a number, latest, challenger, or production, which it is by itself",
    )  # fmt: skip
    parser.add_argument("--dataset", metavar="N", type=number, help="a dataset version; the newest if left out")
    parser.add_argument(
        "--part", choices=("unseen", "test", "reference", "all"), default="unseen",
        help="which of its rows: those that the version was not trained on (by itself), a part of the split, or all",
    )  # fmt: skip
    add_follow(parser)


def train(options: argparse.Namespace) -> int:
    search = _search(options)
    if options.file is not None:
        if given := [name for name in _NEVER_WITH_FILE if getattr(options, name) not in (None, False)]:
            raise Invalid(
                f"--file starts a run as model.yaml says, and --{given[0].replace('_', '-')} does not go with it: "
                "bring the file, then train on the dataset version that it becomes"
            )
        with stack(options) as gyre:
            return follow_or_tell(options, gyre, _brought(gyre, options.model, options.file), 1)
    with stack(options) as gyre:
        started = gyre.train(
            options.model, dataset=options.dataset, upload=options.upload, spec=options.spec, base=options.base,
            search=search,
        )  # fmt: skip
        works_on = f"dataset version {started['dataset']}" if started.get("dataset") else started.get("upload")
        print(f"gyre: training {options.model} on {shown(str(works_on))}", file=sys.stderr)
        return follow_or_tell(options, gyre, started["run"], 1)


def evaluate(options: argparse.Namespace) -> int:
    with stack(options) as gyre:
        started = gyre.evaluate(options.model, options.version, dataset=options.dataset, part=options.part)
        told = f"version {started['version']} of {options.model} on dataset version {started['dataset']}"
        print(f"gyre: evaluating {told} ({options.part})", file=sys.stderr)
        return follow_or_tell(options, gyre, started["run"], 1)


def _search(options: argparse.Namespace) -> dict[str, Any] | Literal[False] | None:
    wanted = {name: getattr(options, name) for name in _SEARCH if getattr(options, name) is not None}
    if not options.no_search:
        return wanted or None
    if wanted:
        raise Invalid(f"--no-search and --{next(iter(wanted))} say opposite things: give one of them")
    return False


def _brought(gyre: "GyreClient", model: str, name: str) -> str:
    """The run that a local file starts."""
    file = Path(name)
    if not file.is_file():
        raise NotFound(f"{shown(name)} {'is no file' if file.exists() else 'does not exist'}")
    print(f"gyre: bringing {shown(name)} ({file.stat().st_size:,} bytes)", file=sys.stderr)
    try:
        key, version = gyre.bring(model, file)
    except PermissionError as error:
        raise GyreError(f"{shown(name)} cannot be read: {error.strerror}") from None
    return gyre.run_of_upload(key, version)
