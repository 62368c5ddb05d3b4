"""gyre journal sql: the journal, asked in SQL."""

import argparse
import csv
import sys

from cli.options import Commands, add_json, command, number
from cli.stack import stack
from cli.tables import table
from cli.text import as_json

_ROWS = 1_000


def add(commands: Commands) -> None:
    """This one, beside the others of the journal."""
    parser = command(
        commands, "sql", sql, "ask the journal in SQL",
        "The tables are `predictions`, a line for each row that was predicted, and `labels`; docs/journal.md tells "
        "their columns. It reads and nothing else, for some seconds; name a model and days, and it reads less.",
    )  # fmt: skip
    parser.add_argument("query", metavar="QUERY", help='"select … from predictions …"; - reads it from standard input')
    parser.add_argument(
        "--limit", metavar="N", type=number, default=_ROWS, help=f"so many rows at most; {_ROWS:,} by itself"
    )
    parser.add_argument("--csv", action="store_true", help="write CSV")
    add_json(parser)


def sql(options: argparse.Namespace) -> int:
    query = sys.stdin.read() if options.query == "-" else options.query
    with stack(options) as gyre:
        told = gyre.post("journal/sql", {"sql": query, "limit": options.limit})
    if options.json:
        print(as_json(told))
    elif options.csv:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerows([told["columns"], *told["rows"]])
    else:
        print(table(told["columns"], told["rows"]))
    if told["cut"]:
        print(f"gyre: there is more than these {len(told['rows']):,} rows", file=sys.stderr)
    return 0
