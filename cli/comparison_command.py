"""gyre model comparison: how the challenger does beside what serves."""

import argparse
import sys
from typing import Any

from cli.options import Commands, add_json, add_model, command, hours, number
from cli.release_commands import shares
from cli.stack import stack
from cli.tables import table
from cli.text import as_json, figure, shown, when

Facts = dict[str, Any]


def add(commands: Commands) -> None:
    """This one, beside the others that read."""
    parser = command(
        commands, "comparison", comparison, "production and challenger: what each did, whether they differ",
        "From the journal's calls for production and their shadows; whoever asked for a version by name is left out.",
    )  # fmt: skip
    add_model(parser)
    parser.add_argument("--hours", metavar="N", type=hours, default=24.0, help="so far back; 24 by itself")
    parser.add_argument("--challenger", metavar="N", type=number, help="a former challenger, by its number")
    add_json(parser)


def comparison(options: argparse.Namespace) -> int:
    with stack(options) as gyre:
        told = gyre.comparison(options.model, hours=options.hours, challenger=options.challenger)
    if options.json:
        print(as_json(told))
        return 0
    print(table(("", "production", "challenger"), _lines(told["production"], told["challenger"])))
    print()
    if shadow := told.get("shadow"):
        print(_agreement(shadow))
    for each in told["differences"]:
        print(shown(f"{each['of']}: {each['says']}"))
    if told["cut"]:
        print(f"gyre: only the newest {figure(told['records'])} records were read, since {when(told['since'])} UTC",
              file=sys.stderr)  # fmt: skip
    if gets := shares(told.get("traffic") or {}):
        print(f"gyre: the challenger gets {gets}; gyre model withdraw {options.model} ends its trial", file=sys.stderr)
    return 0


def _lines(ours: Facts, theirs: Facts) -> list[tuple[str, Any, Any]]:
    """A fact a line; those that neither has are left out."""
    names = {
        "version": "version", "calls": "calls", "rows": "rows", "failed": "rows failed", "refused": "rows refused",
        "faults": "share of both", "ms_p50": "ms a row, median", "ms_p95": "ms a row, 95 of 100", "mean": "mean answer",
        "confidence": "mean confidence",
    }  # fmt: skip
    lines = [(told, ours.get(name), theirs.get(name)) for name, told in names.items()]
    one, two = ours.get("shares") or {}, theirs.get("shares") or {}
    lines += [
        (f"share of {shown(name)}", one.get(name, 0.0) if one else None, two.get(name, 0.0) if two else None)
        for name in sorted({*one, *two})
    ]
    return [line for line in lines if line[1:] != (None, None)]


def _agreement(shadow: Facts) -> str:
    if not shadow["rows"]:
        return f"shadow: none of its {figure(shadow['unmatched'])} rows has its call in this window."
    interval = f"95 % interval {figure(shadow['low'])} to {figure(shadow['high'])}"
    far = f"; numbers are {figure(shadow['mean_difference'])} apart in the mean" if shadow["mean_difference"] else ""
    rows = f"{figure(shadow['rows'])} rows"
    return f"shadow: both say the same of {figure(shadow['agreement'])} of {rows} ({interval}){far}."
