"""gyre subject: what is kept about a person, and how they are erased from everything."""

import argparse
import sys
from typing import TYPE_CHECKING, Any

from cli.options import Commands, add_json, command, group
from cli.stack import stack
from cli.tables import facts, table
from cli.text import as_json, figure, shown, when
from gyre.errors import Invalid

if TYPE_CHECKING:
    from cli.client import GyreClient

_SECONDS = 24 * 3600


def add(groups: Commands) -> None:
    """The group, with its commands."""
    commands = group(groups, "subject", "what is kept about a person; erasing one")
    parser = command(
        commands, "show", show, "what is kept about a person",
        "The newest predictions at once. Everything else is put together as a file; asked again in a minute, the "
        "answer says where to get it.",
    )  # fmt: skip
    _add_id(parser)
    add_json(parser)
    parser = command(
        commands, "erase", erase, "erase a person from everything that is kept",
        "From the journal, labels, datasets in every version, uploads, batches and what else is kept. It ends in a "
        "proof that does not name them. The same command goes on with an erasure that was broken off.",
    )  # fmt: skip
    _add_id(parser)
    parser.add_argument("--yes", action="store_true", help="do it: nothing brings a person's data back")
    parser.add_argument("--follow", action="store_true", help="wait until it ends; the exit status says how")
    add_json(parser)
    parser = command(commands, "proof", proof, "how far an erasure is, and in the end its proof")
    parser.add_argument("erasure", metavar="ERASURE", help="its name, as erase tells it")
    add_json(parser)


def _add_id(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", metavar="ID", help="the person, by the value of the column that names persons")


def show(options: argparse.Namespace) -> int:
    with stack(options) as gyre:
        told = gyre.subject(options.id)
    if options.json:
        print(as_json(told))
        return 0
    lines = [
        (when(each["at"]), each["model"], each["version"], each["event_id"], each["prediction"])
        for each in told["predictions"]
    ]
    print(table(("at (UTC)", "model", "version", "event", "prediction"), lines) if lines else "no predictions")
    if told["erasure"] is not None:
        print(f"gyre: erasure {told['erasure']['erasure']} is {told['erasure']['state']}", file=sys.stderr)
    if told["cut"]:
        print("gyre: older predictions are in the file alone", file=sys.stderr)
    if told["export"] == "running":
        print("gyre: everything else is being put together; ask again in a minute", file=sys.stderr)
    elif told["export"] == "ready":
        print(f"everything that is kept, for {told['seconds']} seconds: {told['get_url']}")
    return 0


def erase(options: argparse.Namespace) -> int:
    if not options.yes:
        raise Invalid("nothing brings a person's data back: say --yes to erase it")
    with stack(options) as gyre:
        begun = gyre.erase_subject(options.id)
        if not options.follow:
            print(as_json(begun) if options.json else f"{begun['erasure']} is {begun['state']}")
            return 0
        return _tell(_ended(gyre, begun["erasure"]), options)


def proof(options: argparse.Namespace) -> int:
    with stack(options) as gyre:
        return _tell(gyre.erasure(options.erasure), options)


def _ended(gyre: "GyreClient", erasure: str) -> dict[str, Any]:
    told: dict[str, Any] = {}

    def is_over() -> bool:
        told.update(gyre.erasure(erasure))
        return told["state"] != "running" or told["cause"] is not None

    gyre.until(is_over, f"{erasure} ends", _SECONDS)
    return told


def _tell(told: dict[str, Any], options: argparse.Namespace) -> int:
    if options.json:
        print(as_json(told))
        return int(told["state"] != "proven")
    last, search = told["asked"][-1], told["search"]
    lines = {"erasure": told["erasure"], "state": told["state"], "step": told["step"],
             "asked": f"{when(last['at'])} by {last['by']}"}  # fmt: skip
    if search:
        read = f"{figure(search['objects'])} objects, {figure(search['bytes'])} bytes, by {search['by']}"
        lines |= {"searched": read, "found": search["found"]}
    print(facts(lines))
    if told["places"]:
        rows = [(name, each["rows"], each["objects"], each["removed"]) for name, each in told["places"].items()]
        print(table(("place", "rows", "written anew", "removed"), rows))
    for each in told["trained"]:
        trained = f"{each['model']} {each['version']} was trained on dataset {each['dataset']}, which held them"
        print(f"gyre: {shown(trained)}; it cannot be made to forget", file=sys.stderr)
    for each in search["left"] if search else ():
        print(f"gyre: left in {shown(each)}", file=sys.stderr)
    if told["cause"]:
        print(f"gyre: it failed, and the same command goes on: {shown(told['cause'])}", file=sys.stderr)
    return int(told["state"] != "proven")
