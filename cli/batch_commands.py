"""gyre batch, gyre run result: have every row of a file predicted, take the answers away."""

import argparse
import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from cli.following import answers, follow
from cli.options import Commands, add_model, add_run, command
from cli.stack import stack
from cli.text import shown
from gyre.errors import GyreError, Invalid, NotFound

if TYPE_CHECKING:
    from cli.client import GyreClient

_PACKED = ".gz"


def add(groups: Commands) -> None:
    """The command; it stands beside the groups."""
    parser = command(
        groups, "batch", batch, "have every row of a file predicted, and write the answers beside it",
        "The answers are the file's own rows in their order, in its format, with prediction, probabilities and the "
        "reason why a row has none. The exit status is 0 if they were written, 1 if the run failed, 130 after Ctrl-C, "
        "which ends the looking and never the run: gyre run result RUN gets the answers later.",
    )  # fmt: skip
    add_model(parser)
    parser.add_argument("file", metavar="FILE", help="the rows: CSV, JSON Lines (both also .gz), Parquet")
    _add_out(parser, "FILE with .answers in its name")
    parser.add_argument(
        "--version", metavar="VERSION",
        help="who answers: a number, latest, challenger; production, as it is when the run begins, if left out",
    )  # fmt: skip
    parser.add_argument("--explain", action="store_true", help="also the features that weighed most in each prediction")


def add_result(commands: Commands) -> None:
    """Beside the other commands about runs."""
    parser = command(
        commands, "result", result, "get the answers to a file, once its run has ended",
    )  # fmt: skip
    add_run(parser)
    _add_out(parser, "the file's name with .answers in it")


def _add_out(parser: argparse.ArgumentParser, usual: str) -> None:
    parser.add_argument("--out", metavar="PATH", help=f"write them there, never over another file; {usual} if left out")


def batch(options: argparse.Namespace) -> int:
    file = Path(options.file)
    if not file.is_file():
        raise NotFound(f"{shown(options.file)} {'is no file' if file.exists() else 'does not exist'}")
    out = _free(Path(options.out) if options.out else file.with_name(answers_name(file.name)))
    with stack(options) as gyre:
        print(f"gyre: bringing {shown(options.file)} ({file.stat().st_size:,} bytes)", file=sys.stderr)
        try:
            run = gyre.batch(options.model, file, version=options.version, explain=options.explain)
        except PermissionError as error:
            raise GyreError(f"{shown(options.file)} cannot be read: {error.strerror}") from None
        print(run, flush=True)
        if status := follow(gyre, run):
            return status
        _write(gyre, gyre.result(run)["get_url"], out)
    return 0


def result(options: argparse.Namespace) -> int:
    with stack(options) as gyre:
        told = gyre.result(options.name)
        out = _free(Path(options.out or answers_name(told["out"].rsplit("/", 1)[-1])))
        for line in answers(told["summary"]):
            print(shown(line))
        _write(gyre, told["get_url"], out)
    return 0


def answers_name(name: str) -> str:
    """people.csv.gz becomes people.answers.csv.gz."""
    packed = _PACKED if name.lower().endswith(_PACKED) else ""
    path = Path(name[: len(name) - len(packed)])
    return f"{path.stem}.answers{path.suffix}{name[len(name) - len(packed) :]}"


def _free(out: Path) -> Path:
    """Looked at before anything is brought: an answer that can be kept nowhere need not be asked for."""
    if out.exists():
        raise Invalid(f"{shown(str(out))} is there already: name another file with --out")
    return out


def _write(gyre: "GyreClient", url: str, out: Path) -> None:
    """Under its name once it is whole."""
    draft = out.with_name(f"{out.name}.part")
    try:
        with draft.open("wb") as file:
            for block in gyre.blocks(url):
                file.write(block)
        draft.replace(_free(out))  # another one may have come meanwhile
    except OSError as error:
        raise GyreError(f"{shown(str(out))} cannot be written: {error.strerror}") from None
    finally:
        with contextlib.suppress(FileNotFoundError):
            draft.unlink()
    print(f"gyre: the answers are in {shown(str(out))}", file=sys.stderr)
