"""gyre spec: check a model.yaml, print its schema, guess a first one from a file."""

import argparse
import re
import sys
from pathlib import Path

from cli.options import Commands, command, group, write_new
from cli.text import shown
from gyre.errors import Invalid, NotFound
from gyre.spec.base import MODEL_PATTERN
from gyre.spec.check import check
from gyre.spec.document import MAX_BYTES, Fault


def add(groups: Commands) -> None:
    """The group, with its commands."""
    commands = group(groups, "spec", "model.yaml: check it, its schema, a first one from a file")
    _add_check(commands)
    _add_schema(commands)
    _add_infer(commands)


def _add_check(commands: Commands) -> None:
    parser = command(commands, "check", check_files, "tell everything that is wrong with a model.yaml")
    parser.epilog = "Each fault is one line, FILE:LINE:COLUMN: field: message. The exit status is 1 if there is any."
    parser.add_argument("files", nargs="+", metavar="FILE", help="a model.yaml")


def _add_schema(commands: Commands) -> None:
    parser = command(commands, "schema", print_schema, "print the JSON Schema of model.yaml, for editors")
    parser.epilog = "The same document stands in docs/model.schema.json."


def _add_infer(commands: Commands) -> None:
    parser = command(commands, "infer", infer, "guess a first model.yaml from a file of data")
    parser.epilog = "A guess is a beginning: read it, mend it, then `gyre spec check` it."
    parser.add_argument("file", metavar="FILE", help="data as it would be uploaded: CSV, JSON Lines or Parquet")
    parser.add_argument("--target", metavar="COLUMN", help="the column that is to be predicted; guessed if left out")
    parser.add_argument("--model", metavar="NAME", help="the model's name; made from the file's if left out")
    parser.add_argument("--out", metavar="FILE", help="write it there, and not to stdout; never over another file")


def check_files(options: argparse.Namespace) -> int:
    """Every file, also after one that is wrong."""
    return max([_check_file(name) for name in options.files])


def _check_file(name: str) -> int:
    try:
        with open(name, "rb") as file:
            text = file.read(MAX_BYTES + 1)  # one byte more is enough to refuse it
    except OSError as error:
        print(f"{shown(name)}: cannot be read: {error.strerror}")
        return 1
    spec, faults = check(text)
    for fault in faults:
        print(_line(name, fault))
    if spec is None or faults:
        return 1
    print(f"{shown(name)}: ok, {len(spec.features)} features")
    return 0


def _line(name: str, fault: Fault) -> str:
    """As compilers tell it, so that editors find the place."""
    place = "" if fault.line is None else f":{fault.line}:{fault.column}"
    return shown(f"{name}{place}: {f'{fault.field}: ' if fault.field else ''}{fault.message}")


def print_schema(_: argparse.Namespace) -> int:
    from infra.model_schema import schema_text

    print(schema_text(), end="")
    return 0


def infer(options: argparse.Namespace) -> int:
    from gyre.datasets.infer import infer_spec

    model = options.model or _model_of(Path(options.file))
    try:
        with open(options.file, "rb") as file:
            text = infer_spec(Path(options.file).name, file, model=model, target=options.target)
    except OSError as error:
        raise NotFound(f"{shown(options.file)} cannot be read: {error.strerror or error}") from None
    if options.out is None:
        print(text, end="")
        return 0
    write_new(options.out, text, ", and somebody may have mended it")
    print(f"gyre: wrote {shown(options.out)}; read it, mend it, then gyre spec check it", file=sys.stderr)
    return 0


def _model_of(file: Path) -> str:
    name = re.sub(r"[^a-z0-9_-]+", "-", file.name.partition(".")[0].lower()).strip("-")[:63]
    if not re.fullmatch(MODEL_PATTERN, name):
        raise Invalid(f"No model's name can be made from {shown(file.name)}: give one with --model")
    return name
