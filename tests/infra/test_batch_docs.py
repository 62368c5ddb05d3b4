"""docs/batch.md: its keys, columns, commands and limits are those of the code."""

import re
import shlex

import pytest

from cli.main import parser
from gyre.datasets.batch_file import batch_file_at
from gyre.datasets.ranges import RANGE_ROWS
from gyre.datasets.source import MAX_ROWS
from gyre.tasks.batch.answers import TOP
from gyre.tasks.batch.plan import _MOST_RANGES
from gyre.tasks.batch.records import RECORD_ROWS
from tests.infra.facts import ROOT, machines, template
from tests.infra.test_docs import quoted
from tests.unit.tasks.batching import Batching, as_csv, pets, read_csv

PAGE = ROOT / "docs/batch.md"
TEXT = " ".join(PAGE.read_text().split())


def rows(mark: str) -> list[list[str]]:
    found = re.search(rf"<!-- {mark} -->\n(.*?)<!-- end -->", PAGE.read_text(), re.DOTALL)
    assert found is not None
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in found[1].splitlines()[2:]]


def test_the_keys_mean_what_is_told() -> None:
    told = [quoted(cell)[0].replace("<model>", "wine") for cell, _ in rows("keys")]
    found = [(file.release, file.explain) for file in map(batch_file_at, told)]
    assert found == [("production", False), ("3", False), ("production", True), ("3", True)]


def test_the_columns_are_those_that_are_added() -> None:
    out = read_csv(Batching().release().predict("explain/a.csv", as_csv(pets(2))))
    added = list(dict.fromkeys(re.sub(r"^probability_.*", "probability_<class>", name) for name in list(out[0])[7:]))
    assert [name for cell, _ in rows("columns") for name in quoted(cell)] == added


def test_every_command_can_be_typed() -> None:
    lines = [line for line in PAGE.read_text().splitlines() if line.startswith("./gyre ")]
    assert len(lines) == 3
    for line in lines:
        parser().parse_args(shlex.split(line, comments=True)[1:])


def test_the_steps_are_those_of_the_machine() -> None:
    told = re.findall(r"^\| `(\w[\w ]*)` \|", PAGE.read_text(), re.MULTILINE)
    states = machines()["batch.asl.json"]["States"]
    work = [name for name, each in states.items() if each["Type"] == "Map" or "lambda" in each.get("Resource", "")]
    assert [name for name in told if name in states] == work
    message = states["Tell the failure"]["Parameters"]["Message"]
    assert f"the notice `{message['kind']}`" in TEXT


@pytest.mark.parametrize("limit", range(5))
def test_the_limits_are_those_of_the_code(limit: int) -> None:
    tasks = template()["Resources"]["BatchTasksFunction"]["Properties"]
    told = (
        f"{MAX_ROWS:,} rows, {_MOST_RANGES:,} ranges; a task has {tasks['Timeout'] // 60} minutes and "
        f"{tasks['MemorySize']:,} MB",
        f"ranges of about {RANGE_ROWS:,} rows",
        f"row groups above {2 * RANGE_ROWS:,} rows",
        f"records of up to {RECORD_ROWS:,} rows",
        f"the {TOP} features that weighed most",
    )
    assert told[limit] in TEXT
