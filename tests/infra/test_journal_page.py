"""docs/journal.md: its columns, limits and commands are those of the code."""

import json
import re
import shlex

from arro3.core import DataType

from bench.__main__ import BENCHES, exactly_once
from bench.journal import LIMITS
from bench.measure import RESULTS, shown
from cli.main import parser
from gyre.aws import sql_process
from gyre.aws.lake import _COLUMNS
from gyre.aws.sql import MEGABYTES, SECONDS
from gyre.aws.upkeep import _FILE_BYTES
from gyre.http.routes.predictions import _MOST_BYTES
from gyre.journal.sql import MOST_ROWS
from gyre.journal.upkeep import GRACE
from infra.openapi import DOCUMENT
from tests.infra.facts import ROOT, template

TEXT = (ROOT / "docs/journal.md").read_text(encoding="utf-8")
FLAT = " ".join(TEXT.split())
_TYPES = {"string": DataType.is_string, "boolean": DataType.is_boolean, "timestamp": DataType.is_timestamp}
_WIDTHS = {(True, 32): "int", (True, 64): "long", (False, 64): "double"}


def _told(kind: DataType) -> str:
    """As Delta and most engines call it."""
    named = next((name for name, fits in _TYPES.items() if fits(kind)), None)
    return named or _WIDTHS[DataType.is_integer(kind), kind.bit_width]


def test_the_columns_are_those_of_the_table() -> None:
    told = re.findall(r"^\| `(\w+)` \| (string|int|long|double|timestamp|boolean) \|", TEXT, re.MULTILINE)
    assert told == [(name, _told(kind)) for name, kind in _COLUMNS.items()]


def test_the_figures_are_those_of_the_code() -> None:
    assert f"for {SECONDS} s and with {MEGABYTES} MB" in FLAT
    assert f"{MOST_ROWS:,} rows and {sql_process._MOST_BYTES // 10**6} MB at most" in FLAT
    assert sql_process._MOST_BYTES == _MOST_BYTES
    assert f"put together up to {_FILE_BYTES // 2**20} MB" in FLAT
    assert GRACE.total_seconds() == 3600 and "an hour later" in FLAT
    schedule = template()["Parameters"]["UpkeepSchedule"]["Default"]
    assert f"every {schedule.removeprefix('rate(').removesuffix(')')}" in FLAT
    timeouts = [
        each["Properties"].get("Timeout", 29)
        for each in template()["Resources"].values()
        if each["Type"] == "AWS::Serverless::Function"
    ]
    assert max(timeouts) < GRACE.total_seconds()


def test_the_process_of_a_query_fits_into_the_function() -> None:
    """Beside the function's own."""
    assert template()["Resources"]["PredictionLogFunction"]["Properties"]["MemorySize"] >= MEGABYTES + 256


def test_its_commands_can_be_typed() -> None:
    lines = [line for line in TEXT.splitlines() if line.startswith("gyre ")]
    assert len(lines) >= 3
    for line in lines:
        assert parser().parse_args(shlex.split(line)[1:]).run
    assert "`make bench NAME=exactly-once`" in TEXT and exactly_once.main
    assert "journal" in BENCHES


def test_its_routes_are_there() -> None:
    document = DOCUMENT.read_text()
    routes = re.findall(r"^\| `(?:GET|POST) (/\S+)`", TEXT, re.MULTILINE)
    assert len(routes) == 5
    for route in routes:
        assert f'"{route}"' in document, route


def test_its_table_of_growth_is_what_was_measured() -> None:
    """`make bench NAME=journal`, then this test says what the page must say."""
    kept = json.loads((RESULTS / "journal.json").read_text())
    for name, most in LIMITS.items():
        medians = [shown(kept["seconds"][f"{size:,}: {name}"]["median"]) for size in (10**5, 10**6, 10**7)]
        assert f"| {name} | {' | '.join(medians)} | {most:g} s |" in TEXT
    assert f"{kept['figures']['events a second']:,.0f} events a second" in FLAT
