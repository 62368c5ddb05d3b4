"""infra/observability and the alarms in template.yaml: they speak of what is told, and their own tools take them."""

import copy
import json
import re
import stat
import subprocess
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml

from gyre.aws.cloudwatch import NAMESPACE
from gyre.journal.metrics import _TIMES, LETTERS, metrics_of
from gyre.journal.record import JournalRecord
from gyre.monitoring.figures.families import DURATION, FAMILIES
from gyre.monitoring.figures.metrics import LOOK_METRICS, VERDICTS, look_metrics
from infra.deploy.record import StackRecord
from infra.observability import connect as connecting
from infra.observability.connect import connect
from infra.packaging.template import FUNCTION
from tests.contract.prometheus_server import program
from tests.infra.dashboards import DASHBOARDS, metrics, panels, queries
from tests.infra.facts import MACHINE, ROOT, of_type, template
from tests.unit.monitoring.looks import look

FOLDER = ROOT / "infra/observability"
RULE_TESTS = [ROOT / "tests/infra" / name for name in ("alerts.test.yml", "alerts-week.test.yml")]
TOLD = FAMILIES.keys() | {f"{DURATION.name}_{part}" for part in ("bucket", "sum", "count")}
SCHEMA = json.loads((ROOT / "tests/infra/grafana.schema.json").read_text())
RECORD = StackRecord(**dict.fromkeys(StackRecord.__dataclass_fields__, "") | {
    "environment": "dev", "stack": "gyre-dev", "api_key": "gyre_secret",
    "api_url": "https://abc.execute-api.eu-west-1.amazonaws.com/v1/",
})  # fmt: skip


def rules(kind: str = "alert") -> list[dict[str, Any]]:
    groups = yaml.safe_load((FOLDER / "alerts.yml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"] if kind in rule]


def promtool(*arguments: str | Path) -> str:
    done = subprocess.run([program("promtool"), *arguments], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


# --- Prometheus -------------------------------------------------------------------------------------------------------


def test_prometheus_takes_the_configuration_beside_a_deployment(tmp_path: Path) -> None:
    config = connect(RECORD, tmp_path / "made")
    assert f"SUCCESS: {len(rules()) + len(rules('record'))} rules found" in promtool("check", "config", config)
    (target,) = json.loads((tmp_path / "made/targets.json").read_text())
    assert target == {
        "targets": ["abc.execute-api.eu-west-1.amazonaws.com"],
        "labels": {"__scheme__": "https", "__metrics_path__": "/v1/metrics", "environment": "dev", "stack": "gyre-dev"},
    }


def test_the_key_is_in_a_file_of_its_own_for_its_owner_alone(tmp_path: Path) -> None:
    for _ in range(2):  # the second time it lies there already
        connect(RECORD, tmp_path)
    key = tmp_path / "key"
    assert (key.read_text(), stat.S_IMODE(key.stat().st_mode)) == (RECORD.api_key, 0o600)
    others = [path.read_text() for path in tmp_path.iterdir() if path != key]
    assert len(others) == 3 and not any(RECORD.api_key in text for text in others)


def test_connecting_without_a_deployment_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GYRE_STACK", str(tmp_path / "stack.json"))
    assert connecting.main([]) == 1 == connecting.main(["dev"])
    assert "make up deploy" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_each_alert_fires_where_it_should_and_is_quiet_where_it_should_be() -> None:
    assert promtool("test", "rules", *RULE_TESTS).count("SUCCESS") == len(RULE_TESTS)


def test_each_alert_is_tested_both_ways() -> None:
    groups = [group for path in RULE_TESTS for group in yaml.safe_load(path.read_text())["tests"]]
    tested = [each for group in groups for each in group["alert_rule_test"]]
    names = {rule["alert"] for rule in rules()}
    assert len(names) == len(rules())
    for fires in (True, False):
        assert {each["alertname"] for each in tested if bool(each.get("exp_alerts")) is fires} == names


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_an_alert_speaks_of_what_is_told_and_says_what_to_do(rule: dict[str, Any]) -> None:
    named = metrics(rule["expr"])
    assert named <= TOLD and (named or rule["expr"].startswith("up{"))
    assert {each["record"] for each in rules("record")} >= set(re.findall(r"gyre:\w+", rule["expr"]))
    assert rule["labels"]["severity"] in ("warning", "critical")
    assert set(rule["annotations"]) == {"summary", "description"}


def test_rules_keep_deployments_apart() -> None:
    for rule in (*rules(), *rules("record")):
        for by in re.findall(r"\b(?:by|on) \(([^)]*)\)", rule["expr"]):
            assert by.startswith("stack, "), rule["expr"]


# --- Grafana ----------------------------------------------------------------------------------------------------------


def faults(board: dict[str, Any]) -> list[str]:
    return [each.message for each in jsonschema_rs.validator_for(SCHEMA).iter_errors(board)]


@pytest.mark.parametrize("name", DASHBOARDS)
def test_a_dashboard_is_one_for_grafana(name: str) -> None:
    assert faults(DASHBOARDS[name]) == []


@pytest.mark.parametrize(
    ("where", "value"),
    [
        (("schemaVersion",), "42"),
        (("refreshed",), "1m"),
        (("panels", 0, "options", "colourMode"), "value"),
        (("panels", 0, "options", "colorMode"), "values"),
        (("panels", 0, "type"), "stats"),
        (("panels", 0, "gridPos", "w"), "4"),
        (("panels", 0, "fieldConfig", "defaults", "thresholds", "mode"), "relative"),
        (("templating", "list", 0, "type"), "source"),
    ],
)
def test_the_schema_finds_what_grafana_does_not_know(where: tuple[Any, ...], value: Any) -> None:
    """Otherwise the test above would say nothing."""
    board = copy.deepcopy(DASHBOARDS["operations"])
    place = board
    for each in where[:-1]:
        place = place[each]
    place[where[-1]] = value
    assert faults(board) != []


def test_there_is_a_dashboard_for_each_question() -> None:
    assert set(DASHBOARDS) == {"operations", "drift", "quality"}
    assert len({board["uid"] for board in DASHBOARDS.values()}) == len(DASHBOARDS)
    assert all(board["tags"] == ["gyre"] for board in DASHBOARDS.values())  # by which they link to each other


@pytest.mark.parametrize("name", DASHBOARDS)
def test_panels_have_their_own_numbers_and_places(name: str) -> None:
    shown = DASHBOARDS[name]["panels"]
    assert len({each["id"] for each in shown}) == len(shown)
    cells: Counter[tuple[int, int]] = Counter()
    for place in (each["gridPos"] for each in shown):
        assert place["x"] + place["w"] <= 24
        cells.update((x, y) for x in range(place["x"], place["x"] + place["w"])
                     for y in range(place["y"], place["y"] + place["h"]))  # fmt: skip
    assert max(cells.values()) == 1


@pytest.mark.parametrize("name", DASHBOARDS)
def test_a_dashboard_asks_the_data_source_that_a_person_chose(name: str) -> None:
    source, *others = DASHBOARDS[name]["templating"]["list"]
    assert (source["name"], source["type"], source["query"]) == ("datasource", "datasource", "prometheus")
    chosen = {"type": "prometheus", "uid": "${datasource}"}
    for panel in panels(name):
        assert panel["datasource"] == chosen and all(each["datasource"] == chosen for each in panel["targets"])
        assert panel["title"] and panel["description"].endswith(".")
    assert [each["name"] for each in others] == ["stack", "model"]
    for each in others:
        assert each["datasource"] == chosen and metrics(each["query"]["query"]) <= TOLD


@pytest.mark.parametrize(("where", "query"), queries(), ids=lambda told: told)
def test_a_query_asks_for_what_is_told(where: str, query: str) -> None:
    assert "$" not in query, where
    assert metrics(query) <= TOLD and (metrics(query) or "up{" in query)


def test_every_family_is_on_some_dashboard() -> None:
    shown = {name for _, query in queries() for name in metrics(query)}
    assert FAMILIES.keys() - shown == set() and f"{DURATION.name}_bucket" in shown


def test_prometheus_understands_each_query(tmp_path: Path) -> None:
    rules = [{"record": f"told:{at}", "expr": query} for at, (_, query) in enumerate(queries())]
    path = tmp_path / "queries.yml"
    path.write_text(json.dumps({"groups": [{"name": "queries", "rules": rules}]}))
    assert f"SUCCESS: {len(rules)} rules found" in promtool("check", "rules", path)


# --- CloudWatch -------------------------------------------------------------------------------------------------------

ALARM = "AWS::CloudWatch::Alarm"
TOLD_THERE = {
    "Calls", "Failures", "ColdStarts", "DurationMs", "CostMicroDollars", LETTERS, *_TIMES.values(), *LOOK_METRICS,
}  # fmt: skip


def dashboard() -> list[dict[str, Any]]:
    """The widgets, with references left as they are."""
    (found,) = of_type(template(), "AWS::CloudWatch::Dashboard").values()
    widgets: list[dict[str, Any]] = json.loads(found["Properties"]["DashboardBody"]["Fn::Sub"])["widgets"]
    return widgets


def asked_for() -> list[tuple[str, str]]:
    """Namespace and name of each metric on the dashboard."""
    found = []
    for widget in dashboard():
        for metric in widget["properties"].get("metrics", ()):
            if isinstance(metric[0], dict):
                searched = re.fullmatch(
                    r"SEARCH\('\{(Gyre),model(?:,version)?\} MetricName=\"(\w+)\"', '(?:[SMA][a-z]+|p95)', [0-9]+\)",
                    metric[0]["expression"],
                )
                assert searched, metric
                found.append((searched[1], searched[2]))
            else:
                found.append((metric[0], metric[1]))
    return found


def test_the_dashboard_asks_for_what_is_told() -> None:
    ours = {name for space, name in asked_for() if space == NAMESPACE}
    assert ours <= TOLD_THERE and ours >= {"Calls", "Failures", "DurationMs", *LOOK_METRICS}
    assert {space for space, _ in asked_for()} == {NAMESPACE, "AWS/ApiGateway", "AWS/Lambda", "AWS/SQS", "AWS/States"}


def test_what_the_journal_tells_is_what_was_meant_above() -> None:
    now = datetime.now(UTC)
    record = JournalRecord(
        event_id="event-0001", model="wine", at=now, status=200, duration_ms=5.0, caller="test", correlation_id="c",
        memory_mb=1024, times=dict.fromkeys(_TIMES, 1.0),
    )  # fmt: skip
    assert {each.name for each in metrics_of([record], now)} == TOLD_THERE - {LETTERS, *LOOK_METRICS}


def test_the_dashboard_shows_every_function_and_machine_that_is_always_there() -> None:
    shown = {metric[3] for widget in dashboard() for metric in widget["properties"].get("metrics", ()) if metric[3:]}
    for kind in (FUNCTION, MACHINE):
        names = {name for name, each in of_type(template(), kind).items() if "Condition" not in each}
        assert {f"${{{name}}}" for name in names} <= shown


def test_the_dashboard_shows_every_alarm_that_is_always_there() -> None:
    (shown,) = [widget["properties"]["alarms"] for widget in dashboard() if widget["type"] == "alarm"]
    alarms = {name for name, each in of_type(template(), ALARM).items() if each["Condition"] == "IsAws"}
    assert set(shown) == {f"${{{name}.Arn}}" for name in alarms}


def test_what_the_dashboard_refers_to_is_there() -> None:
    text = json.dumps(dashboard())
    named = {each.partition(".")[0] for each in re.findall(r"\$\{([^}]*)\}", text)}
    assert named - {"AWS::StackName", "AWS::Region"} <= template()["Resources"].keys()
    conditional = {
        name for name, each in template()["Resources"].items() if each.get("Condition") not in (None, "IsAws")
    }
    assert named & conditional == set()


def test_widgets_lie_side_by_side() -> None:
    cells: Counter[tuple[int, int]] = Counter()
    for each in dashboard():
        assert each["x"] + each["width"] <= 24
        cells.update((x, y) for x in range(each["x"], each["x"] + each["width"])
                     for y in range(each["y"], each["y"] + each["height"]))  # fmt: skip
    assert max(cells.values()) == 1


def test_people_hear_of_every_alarm_but_the_one_that_a_look_has_told_of() -> None:
    for name, each in of_type(template(), ALARM).items():
        told = each["Properties"].get("AlarmActions")
        assert told == (None if name == "VerdictAlarm" else [{"Ref": "Notices"}]), name


def test_the_alarm_on_verdicts_watches_all_models() -> None:
    alarm = template()["Resources"]["VerdictAlarm"]["Properties"]
    (found,) = [each for each in look_metrics(look()) if each.model is None]
    assert (alarm["Namespace"], alarm["MetricName"], "Dimensions" in alarm) == (NAMESPACE, found.name, False)
    assert list(found.values) == [VERDICTS["alert"]] and alarm["Threshold"] == VERDICTS["alert"]


def test_that_nothing_is_started_any_more_is_heard_of() -> None:
    """A count that is missing is never below a threshold."""
    alarm = template()["Resources"]["WatchingStoppedAlarm"]["Properties"]
    assert alarm["InsufficientDataActions"] == [{"Ref": "Notices"}] and alarm["TreatMissingData"] == "missing"
