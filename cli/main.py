"""The `gyre` command: groups of subcommands, each in a module of its own."""

import argparse
import io
import os
import sys
from collections.abc import Sequence

from cli import (
    batch_commands,
    feedback_commands,
    journal_commands,
    model_commands,
    monitor_commands,
    run_commands,
    spec_commands,
    subject_commands,
    train_commands,
)
from cli.stack import Connect, deployed
from cli.text import shown
from gyre.errors import GyreError

# A group adds itself to the parser; its commands leave a function as `run`, from the options to the exit status.
GROUPS = (
    spec_commands.add, train_commands.add, batch_commands.add, feedback_commands.add, run_commands.add,
    model_commands.add, monitor_commands.add, journal_commands.add, subject_commands.add,
)  # fmt: skip


def parser() -> argparse.ArgumentParser:
    """Every command with its help."""
    top = argparse.ArgumentParser(
        prog="gyre",
        description="Gyre: the whole model loop, serverless.",
        epilog="`gyre COMMAND --help` tells all about a command, or lists those of a group. The stack is the one in "
        ".gyre/stack.json, as make deploy wrote it; GYRE_STACK names another file.",
    )
    groups = top.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for add in GROUPS:
        add(groups)
    return top


def main(arguments: Sequence[str], connect: Connect = deployed) -> int:
    """Runs one command; what can be expected to go wrong is a line on stderr and no traceback."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal that lacks a letter still gets the rest
    options = parser().parse_args(arguments)
    options.connect = connect
    try:
        status: int = options.run(options)
        sys.stdout.flush()
    except GyreError as error:
        print(f"gyre: {shown(error.message)}", file=sys.stderr)
        return 1
    except BrokenPipeError:  # of `gyre … | head`: nobody reads on, and Python's own flush at exit must not complain
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        return 130
    return status
