"""gyre journal: what the journal did not take, and how it is sent there again."""

import argparse
import re
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from cli import sql_command
from cli.options import Commands, add_json, command, group, model, number
from cli.stack import stack
from cli.tables import facts, table
from cli.text import as_json, figure, shown, when
from gyre.errors import GyreError, Invalid
from gyre.journal.dead_letters import LETTER_PATTERN

if TYPE_CHECKING:
    from cli.client import GyreClient

_MOST_FAILED = 20


def add(groups: Commands) -> None:
    """The group, with its commands."""
    commands = group(groups, "journal", "the journal of predictions, and what it did not take")
    parser = command(
        commands, "dead-letters", dead_letters, "the messages that the journal did not take, with the cause of each",
        "None of them expires. With a letter's id: that one, with its message.",
    )  # fmt: skip
    parser.add_argument("letter", metavar="LETTER", nargs="?", type=letter, help="its id; without one they are listed")
    _add_choice(parser, "only")
    parser.add_argument("--limit", metavar="N", type=number, default=50, help="so many at most; 50 by itself")
    add_json(parser)
    parser = command(
        commands, "replay", replay, "send dead letters to the journal again",
        "First mend what they died of. What the journal has already is not doubled, what fails again is a new letter.",
    )  # fmt: skip
    parser.add_argument("letters", metavar="LETTER", nargs="*", type=letter, help="their ids; see dead-letters")
    parser.add_argument("--all", action="store_true", help="all of them, or those that the next options leave")
    _add_choice(parser, "of all,")
    sql_command.add(commands)


def _add_choice(parser: argparse.ArgumentParser, which: str) -> None:
    parser.add_argument("--model", metavar="MODEL", type=model, help=f"{which} those that tell of calls to this model")
    parser.add_argument("--cause", metavar="TEXT", help=f"{which} those with these words in their cause")


def letter(text: str) -> str:
    """Said here and not by the API, which would not know what such a path means."""
    if not re.fullmatch(LETTER_PATTERN, text):
        raise argparse.ArgumentTypeError(f"{shown(text[:100])!r} is no dead letter's id: a day, a dot, a message's id")
    return text


def dead_letters(options: argparse.Namespace) -> int:
    with stack(options) as gyre:
        if options.letter:
            return _show(gyre.dead_letter(options.letter), options)
        listed, more = _listed(gyre, options)
    if options.json:
        print(as_json({"dead_letters": listed, "cursor": more}))
        return 0
    if not listed:
        print("gyre: there are no dead letters" + (" of these" if options.model or options.cause else ""))
        return 0
    lines = [
        (each["id"], when(each["kept_at"]), each["tries"], each["model"], each["event_id"], each["cause"])
        for each in listed
    ]
    print(table(("letter", "kept (UTC)", "tries", "model", "event", "cause"), lines))
    print("gyre: gyre journal replay LETTER sends one again, --all sends all", file=sys.stderr)
    if more:
        print("gyre: there are more; --limit shows more at once", file=sys.stderr)
    return 0


def _listed(gyre: "GyreClient", options: argparse.Namespace) -> tuple[list[Any], str | None]:
    """So many as are wanted: a page of the API may end early."""
    found, cursor = list[Any](), None
    while True:
        page = gyre.dead_letters(
            model=options.model, cause=options.cause, limit=min(1000, options.limit - len(found)), cursor=cursor
        )
        found, cursor = [*found, *page["dead_letters"]], page["cursor"]
        if cursor is None or len(found) >= options.limit:
            return found, cursor


def _show(told: dict[str, Any], options: argparse.Namespace) -> int:
    if options.json:
        print(as_json(told))
        return 0
    print(facts({
        "letter": told["id"], "cause": told["cause"], "sent (UTC)": when(told["first_seen"]),
        "kept (UTC)": when(told["kept_at"]), "tries": told["tries"], "model": told["model"],
        "event": told["event_id"], "bytes": told["size"], "message": told["body"], "its record": told["aside"],
        "all of it": told["get_url"],
    }))  # fmt: skip
    return 0


def replay(options: argparse.Namespace) -> int:
    if bool(options.letters) == options.all:
        raise Invalid("say which: the ids of some letters, or --all; gyre journal dead-letters lists them")
    if options.letters and (options.model or options.cause):
        raise Invalid("--model and --cause go with --all: the ids name each letter already")
    sent, failed = 0, list[Any]()
    with stack(options) as gyre:
        for told in _calls(gyre, options):
            sent, failed = sent + told["replayed"], [*failed, *told["failed"]]
            if told["cursor"]:
                print(f"gyre: {figure(sent)} sent, {figure(told['left'])} or more to look at", file=sys.stderr)
    print(f"{figure(sent)} {'letter was' if sent == 1 else 'letters were'} sent to the journal again")
    for each in failed[:_MOST_FAILED]:
        print(f"gyre: {shown(each['id'])}: {shown(each['reason'])}", file=sys.stderr)
    if failed:
        raise GyreError(f"{figure(len(failed))} of them could not be sent, or not be removed")
    return 0


def _calls(gyre: "GyreClient", options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """As many as it takes: each is bounded."""
    for at in range(0, len(options.letters), 100):
        yield gyre.replay(options.letters[at : at + 100])
    cursor = None
    while options.all:
        told = gyre.replay(model=options.model, cause=options.cause, cursor=cursor)
        yield told
        cursor = told["cursor"]
        if cursor is None:
            return
