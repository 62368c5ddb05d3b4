"""gyre run: look at a run, follow it, go on with one that failed."""

import argparse
import sys
from typing import TYPE_CHECKING

from cli.batch_commands import add_result
from cli.following import failure, follow, overview, summary
from cli.options import Commands, add_json, add_run, command, group
from cli.progress import line
from cli.run_facts import RunFacts
from cli.stack import stack
from cli.tables import facts
from cli.text import as_json, when

if TYPE_CHECKING:
    from cli.client import GyreClient

ENDS = (
    "The exit status is 0 if the run succeeded or waits for a person, 1 if it failed, 130 after Ctrl-C, which ends the "
    "looking and never the run."
)


def add(groups: Commands) -> None:
    """The group, with its commands."""
    commands = group(groups, "run", "a run: look at it, follow it, go on with one that failed")
    parser = command(commands, "show", show, "how far a run came: its steps, what they found, how it ended")
    add_run(parser)
    add_json(parser)
    parser = command(commands, "follow", follow_run, "show a run until it ended or waits for approval", ENDS)
    add_run(parser)
    parser.add_argument("--json", action="store_true", help="wait in silence, then print the API's last answer as JSON")
    add_result(commands)
    parser = command(
        commands, "resume", resume, "go on with a run that failed, from the failed step",
        f"What earlier steps made is kept. With --follow: {ENDS[0].lower()}{ENDS[1:]}",
    )  # fmt: skip
    add_run(parser)
    add_follow(parser)


def add_follow(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--follow", action="store_true", help="show the run until it ended or waits for approval")


def show(options: argparse.Namespace) -> int:
    with stack(options) as gyre:
        told = gyre.run(options.name)
    if options.json:
        print(as_json(told))
        return 0
    found = RunFacts(told)
    moments = {"began (UTC)": told.get("started_at"), "ended (UTC)": told.get("ended_at")}
    print(facts(overview(found) | {name: when(at) for name, at in moments.items() if at}))
    for row in found.rows():
        print(line(row))
    for each in summary(found):
        print(each)
    if found.status not in ("running", "succeeded"):
        for each in failure(found):
            print(each)
    return 0


def follow_run(options: argparse.Namespace) -> int:
    with stack(options) as gyre:
        return follow(gyre, options.name, quiet=options.json)


def resume(options: argparse.Namespace) -> int:
    with stack(options) as gyre:
        told = gyre.resume(options.name)
        print(f"gyre: {options.name} goes on, attempt {told.get('attempt')}", file=sys.stderr)
        return follow_or_tell(options, gyre, options.name, int(told.get("attempt", 1)))


def follow_or_tell(options: argparse.Namespace, gyre: "GyreClient", run: str, attempt: int) -> int:
    """A run that was just begun: its name, and then as it was asked."""
    print(run, flush=True)
    if options.follow:
        return follow(gyre, run, attempt=attempt)
    print(f"gyre: gyre run follow {run} shows how it goes on", file=sys.stderr)
    return 0
