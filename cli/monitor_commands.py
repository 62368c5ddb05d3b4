"""gyre monitor: whether a model still meets what it was trained on, and is as good as it was."""

import argparse
import sys
from typing import TYPE_CHECKING, Any

from cli.options import Commands, add_json, add_model, command, group, hours, model, number, run_name, write_new
from cli.stack import stack
from cli.tables import facts, table
from cli.text import as_json, shown, when
from gyre.errors import Invalid

if TYPE_CHECKING:
    from cli.client import GyreClient

_SECONDS = 2 * 3600


def add(groups: Commands) -> None:
    """The group, with its commands."""
    commands = group(groups, "monitor", "whether models still meet what they were trained on, and are as good")
    parser = command(
        commands, "run", run, "look at a model now, or at every one that is released",
        "The newest predictions are held against the reference of the release that serves: what moved, how good it "
        "still is, and whether the data is sound.",
    )  # fmt: skip
    parser.add_argument("model", metavar="MODEL", type=model, nargs="?", help="every released one if left out")
    parser.add_argument("--hours", type=hours, help="how far back the window reaches; model.yaml's if left out")
    _add_follow(parser)
    parser = command(
        commands, "compare", compare, "compare a set of data with what a release was trained on",
        "Name it by one of --dataset, --file and --release.",
    )  # fmt: skip
    add_model(parser)
    parser.add_argument("--dataset", type=number, metavar="N", help="a dataset version")
    parser.add_argument("--file", metavar="KEY", help="in the data bucket, under drift/MODEL/ or inbox/MODEL/")
    parser.add_argument("--release", metavar="VERSION", help="the reference of a release")
    parser.add_argument(
        "--with", dest="other", type=number, metavar="N", help="a dataset version, in the place of the reference"
    )
    _add_follow(parser)
    parser = command(commands, "show", show, "what the last look at a model found, or a certain one")
    _add_look(parser)
    add_json(parser)
    parser = command(commands, "report", report, "get the page about a look")
    _add_look(parser)
    parser.add_argument("--out", metavar="FILE", help="where to write it; to stdout if left out")
    parser = command(commands, "history", history, "the course of the figures that looks found, newest first")
    add_model(parser)
    parser.add_argument(
        "--what",
        choices=("verdict", "volume", "drift", "multivariate", "estimated", "realised", "quality"),
        help="of one kind alone",
    )
    parser.add_argument("--column", help="of one column alone")
    parser.add_argument("--limit", type=number, default=40, help="so many figures; 40 if left out")
    add_json(parser)
    parser = command(commands, "notices", notices, "what is wrong with a model now, and what people heard of")
    add_model(parser)
    add_json(parser)


def _add_follow(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--follow", action="store_true", help="wait until it ends, and tell what it found")


def _add_look(parser: argparse.ArgumentParser) -> None:
    add_model(parser)
    parser.add_argument(
        "name", metavar="RUN", type=run_name, nargs="?", help="the look's run; the last one if left out"
    )


def run(options: argparse.Namespace) -> int:
    if options.hours is not None and options.model is None:
        raise Invalid("a window goes with one model: name it, too")
    with stack(options) as gyre:
        begun = gyre.monitor(options.model, hours=options.hours)
        return _followed(gyre, begun, options.model) if options.follow else _begun(begun)


def compare(options: argparse.Namespace) -> int:
    named = {"dataset": options.dataset, "file": options.file, "release": options.release}
    subject = {name: each for name, each in named.items() if each is not None}
    if len(subject) != 1:
        raise Invalid("name the data by one of --dataset, --file and --release")
    with stack(options) as gyre:
        begun = gyre.compare(options.model, subject, None if options.other is None else {"dataset": options.other})
        return _followed(gyre, begun, options.model) if options.follow else _begun(begun)


def show(options: argparse.Namespace) -> int:
    with stack(options) as gyre:
        return _tell(gyre.look(options.model, options.name), options)


def report(options: argparse.Namespace) -> int:
    with stack(options) as gyre:
        page = gyre.report(options.model, options.name)
    if options.out:
        write_new(options.out, page, "")
    else:
        print(page)
    return 0


def history(options: argparse.Namespace) -> int:
    with stack(options) as gyre:
        told = gyre.course(options.model, what=options.what, column=options.column, limit=options.limit)
    if options.json:
        print(as_json(told))
        return 0
    # What there is nothing to tell of is not told: a verdict has no column.
    names = ("column", "name", "value", "reference", "text")
    rows = [(when(each["at"]), each["what"], *map(each.get, names)) for each in told["history"]]
    heads = ("looked (UTC)", "what", "column", "by", "value", "before", "says")
    print(table(heads, rows) if rows else "nobody has looked yet")
    return 0


def notices(options: argparse.Namespace) -> int:
    with stack(options) as gyre:
        told = gyre.notices(options.model)
    if options.json:
        print(as_json(told))
        return 0
    incident = told["incident"]
    print(f"{incident['level']} since {when(incident['opened_at'])}" if incident else "nothing is wrong")
    if told["notices"]:
        print(
            table(("at (UTC)", "what", "said"), [(when(e["at"]), e["action"], e["subject"]) for e in told["notices"]])
        )
    return 0


def _begun(begun: dict[str, Any]) -> int:
    print(begun["run"])
    return 0


def _followed(gyre: "GyreClient", begun: dict[str, Any], name: str | None) -> int:
    ended: dict[str, Any] = {}
    for ended in gyre.follow(begun["status_url"], _SECONDS):
        steps = [each["name"] for each in ended.get("steps", ()) if each["status"] == "running"]
        print(f"gyre: {begun['run']} {ended['status']}{': ' + ', '.join(steps) if steps else ''}", file=sys.stderr)
    if ended["status"] != "succeeded":
        print(f"gyre: {shown(ended.get('cause') or 'it did not succeed')}", file=sys.stderr)
        return 1
    if name is not None:
        return _tell(gyre.look(name, begun["run"]), argparse.Namespace(json=False))
    return 0


def _tell(look: dict[str, Any], options: argparse.Namespace) -> int:
    if options.json:
        print(as_json(look))
        return 0
    sides = {
        side: look[side] and f"{look[side]['name']}, {look[side]['rows']:,} rows" for side in ("window", "reference")
    }
    lines = {"verdict": look["verdict"]["level"], "looked": when(look["at"]), "release": look["version"], **sides}
    print(facts(lines))
    found = look["verdict"]["findings"]
    if found:
        print(table(("how bad", "what", "says"), [(each["severity"], each["code"], each["text"]) for each in found]))
    for each in look["done"].values():
        print(f"gyre: {shown(each['sentence'])}", file=sys.stderr)
    return 0
