"""gyre model promote, rollback, approve …: let a version serve, or stop it."""

import argparse
import sys
from typing import Any, Literal

from cli.options import Commands, add_model, add_number, command
from cli.stack import stack
from cli.text import shown, when

Facts = dict[str, Any]


def add(commands: Commands) -> None:
    """These beside the ones that read."""
    parser = command(
        commands, "promote", promote, "let a version serve, whatever its gates said",
        "From this moment on it answers; the history keeps who did it and why.",
    )  # fmt: skip
    add_model(parser)
    parser.add_argument("version", metavar="VERSION", help="its number, latest or challenger")
    parser.add_argument("--challenger", action="store_true", help="put it on trial beside what serves, and no more")
    _add_comment(parser)
    parser = command(
        commands, "rollback", rollback, "go back to what was production before",
        "Again, and it is one further. What is left behind stays promotable.",
    )  # fmt: skip
    add_model(parser)
    _add_comment(parser)
    parser = command(
        commands, "approve", approve, "say that a version that waits for a person may serve, or may not",
        "Its run goes on at once and does the rest.",
    )  # fmt: skip
    add_model(parser)
    add_number(parser)
    parser.add_argument("--decline", action="store_true", help="it may not")
    _add_comment(parser)
    parser = command(commands, "withdraw", withdraw, "take the challenger off trial")
    add_model(parser)
    _add_comment(parser)
    parser = command(commands, "retire", retire, "mark a version that shall not serve any more", "None that serves.")
    add_model(parser)
    add_number(parser)
    _add_comment(parser)
    parser = command(commands, "restore", restore, "let a retired version serve again, when it is promoted")
    add_model(parser)
    add_number(parser)
    _add_comment(parser)
    parser = command(
        commands, "mirror", mirror, "tell MLflow anew what serves, where it lags",
        "Every move tells it by itself; serving never asks it.",
    )  # fmt: skip
    add_model(parser)


def _add_comment(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--comment", metavar="TEXT", help="why; it stays in the history")


def promote(options: argparse.Namespace) -> int:
    alias: Literal["production", "challenger"] = "challenger" if options.challenger else "production"
    with stack(options) as gyre:
        made = gyre.promote(options.model, options.version, alias, comment=options.comment)
    if made["action"] != "promote" or made.get("alias") != alias:  # it answers with the last move that was one
        return _said(made, f"{options.model}: {options.version} is {alias} already, nothing moved")
    return _said(made, f"{options.model}: version {made['version']} is {alias}{_before(made)}{_by(made)}")


def rollback(options: argparse.Namespace) -> int:
    with stack(options) as gyre:
        made = gyre.rollback(options.model, comment=options.comment)
    return _said(made, f"{options.model}: version {made['version']} is production again{_before(made)}{_by(made)}")


def withdraw(options: argparse.Namespace) -> int:
    with stack(options) as gyre:
        made = gyre.withdraw(options.model, comment=options.comment)
    return _said(made, f"{options.model}: version {made['before']} is no longer on trial{_by(made)}")


def retire(options: argparse.Namespace) -> int:
    with stack(options) as gyre:
        made = gyre.retire(options.model, options.version, comment=options.comment)
    return _said(made, f"{options.model}: version {options.version} is retired")


def restore(options: argparse.Namespace) -> int:
    with stack(options) as gyre:
        made = gyre.restore(options.model, options.version, comment=options.comment)
    return _said(made, f"{options.model}: version {options.version} may serve again{_by(made)}")


def approve(options: argparse.Namespace) -> int:
    with stack(options) as gyre:
        told = gyre.approve(options.model, options.version, approved=not options.decline, comment=options.comment)
    decided = told["decided"]
    print(shown(f"{options.model}: version {options.version} was {decided['outcome']} by {decided['actor']}"))
    print(f"gyre: gyre run follow {told['run']} shows how its run goes on", file=sys.stderr)
    return 0


def mirror(options: argparse.Namespace) -> int:
    with stack(options) as gyre:
        told = gyre.mirror(options.model)
    print(f"{options.model}: MLflow is being told of revision {told['revision']}")
    print(f"gyre: gyre model show {options.model} says whether it still lags", file=sys.stderr)
    return 0


def _said(made: Facts, told: str) -> int:
    """That MLflow lags is told and no failure: the move is made."""
    print(shown(told))
    if str(made.get("mirror", "sent")) != "sent":
        print(f"gyre: MLflow {shown(made['mirror'])}", file=sys.stderr)
        print(f"gyre: gyre model mirror {made['model']} does that", file=sys.stderr)
    return 0


def _before(made: Facts) -> str:
    return f", before it version {made['before']}" if made.get("before") else ""


def _by(made: Facts) -> str:
    return f" ({made['actor']}, {when(made['at'])} UTC)"
