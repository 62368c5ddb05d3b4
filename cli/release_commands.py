"""gyre model promote, rollback, approve …: let a version serve, or stop it."""

import argparse
import sys
from typing import Any, Literal

from cli.options import Commands, add_model, add_number, command, share
from cli.stack import stack
from cli.text import figure, shown, when
from gyre.errors import Invalid

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
    parser = command(
        commands, "traffic", traffic, "put a version on trial, and say what share of the calls it gets",
        "It sets both shares: what is left out is 0. What breaks the limits in model.yaml is withdrawn by itself.",
    )  # fmt: skip
    add_model(parser)
    parser.add_argument(
        "--challenger", metavar="VERSION", default="challenger",
        help="its number, or latest; the one that is on trial, if left out",
    )  # fmt: skip
    parser.add_argument("--share", metavar="S", type=share, help="of the rows, 0 to 1: it answers these itself")
    parser.add_argument("--shadow", metavar="S", type=share, help="of the calls, 0 to 1: it is asked too, unseen")
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


def traffic(options: argparse.Namespace) -> int:
    if options.share is None and options.shadow is None:
        raise Invalid("say --share, --shadow or both: what is left out is 0, and gyre model withdraw ends a trial")
    asked = (options.share or 0.0, options.shadow or 0.0)
    with stack(options) as gyre:
        made = gyre.traffic(options.model, options.challenger, share=asked[0], shadow=asked[1], comment=options.comment)
    if made["action"] != "traffic":  # it answers with the last move, which was about something else
        return _said(made, f"{options.model}: {options.challenger} gets that already, nothing moved")
    gets = shares(made) or "no calls"
    return _said(made, f"{options.model}: version {made['version']} is on trial and gets {gets}{_by(made)}")


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


def shares(told: Facts) -> str:
    """What a challenger gets, in words."""
    parts = {"of the rows": told.get("share"), "of the calls in the shadow": told.get("shadow")}
    return " and ".join(f"{figure(each * 100)} % {of}" for of, each in parts.items() if each)


def _before(made: Facts) -> str:
    return f", before it version {made['before']}" if made.get("before") else ""


def _by(made: Facts) -> str:
    return f" ({made['actor']}, {when(made['at'])} UTC)"
