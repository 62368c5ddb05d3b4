"""docs/observability.md: its tables, figures and commands are those of the code."""

import re

import yaml

from gyre.monitoring.figures.families import DURATION, FAMILIES
from gyre.monitoring.figures.metrics import LOOK_METRICS, MOST_COLUMNS, SHOWN_FLAWS
from infra.observability.connect import FILES, HERE
from tests.infra.dashboards import DASHBOARDS
from tests.infra.facts import ROOT

TEXT = (ROOT / "docs/observability.md").read_text(encoding="utf-8")
FLAT = " ".join(TEXT.split())


def rows(mark: str) -> list[list[str]]:
    """The cells of a table, without its head."""
    found = re.search(rf"<!-- {mark} -->\n(.*?)<!-- end -->", TEXT, re.DOTALL)
    assert found is not None, mark
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in found[1].splitlines()[2:]]


def test_the_metrics_are_those_of_the_code() -> None:
    told = [
        [f"`{each.name}`", each.kind, ", ".join(f"`{label}`" for label in each.labels) or "-", each.tells]
        for each in (*FAMILIES.values(), DURATION)
    ]
    assert rows("metrics") == told
    assert f"the worst {MOST_COLUMNS} features" in FLAT
    assert f"of flaws only {', '.join(sorted(SHOWN_FLAWS))};" in FLAT


def test_the_alerts_are_those_of_the_rules() -> None:
    groups = yaml.safe_load((HERE / "alerts.yml").read_text())["groups"]
    rules = [rule for group in groups for rule in group["rules"] if "alert" in rule]
    told = [[f"`{each['alert']}`", each["labels"]["severity"], each.get("for", "at once")] for each in rules]
    assert [row[:3] for row in rows("alerts")] == told
    assert all(row[3].endswith(".") for row in rows("alerts"))


def test_what_cloudwatch_is_told_is_that_of_the_code() -> None:
    assert {name for name, _ in rows("cloudwatch")} == {f"`{name}`" for name in LOOK_METRICS}


def test_what_it_tells_to_type_and_to_import_is_there() -> None:
    assert "make connect " in TEXT
    assert "$(DEV) -m infra.observability.connect $(ENV)" in (ROOT / "Makefile").read_text()
    assert "prometheus --config.file=.gyre/observability/local/prometheus.yml" in TEXT and "prometheus.yml" in FILES
    for name, board in DASHBOARDS.items():
        assert f"{name}.json" in TEXT
        assert f"Schema version {board['schemaVersion']}" in FLAT
    for path in re.findall(r"(?:infra|tests)/[\w/.-]+\.(?:json|yml)", TEXT):
        assert (ROOT / path).exists(), path
