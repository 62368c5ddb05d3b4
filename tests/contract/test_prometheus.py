"""A real Prometheus takes what we expose, behind our own check of keys, and our rules fire on it."""

import re
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from fastapi import APIRouter, Response

from gyre.http.access import KEY_RING, KeyRing, dump_ring, new_key
from gyre.http.factory import create_app
from gyre.monitoring.figures.families import DURATION, FAMILIES
from gyre.monitoring.figures.metrics import CONTENT_TYPE, exposition
from gyre.monitoring.figures.prometheus import Spread
from gyre.monitoring.figures.standing import Standing
from gyre.monitoring.figures.traffic import BOUNDS, Traffic
from gyre.monitoring.found import Look, Multivariate, Performances, Qualities, Univariate
from gyre.telemetry import logger
from infra.deploy.record import StackRecord
from infra.observability.connect import connect
from tests.contract.prometheus_server import Server, program, running
from tests.fakes.objects import MemoryBucket
from tests.infra.dashboards import queries
from tests.unit.monitoring.looks import drift, look, quality

# Everything that the text format needs to escape, and some that it does not.
AWKWARD = 'a "b"\\c\nd {e="f"} größe\t,'
FEATURE = {"of": "feature", "method": "jensen_shannon"}


@dataclass
class Exposed:
    """What /metrics tells; a test changes it while Prometheus looks."""

    port: int
    key: str
    looks: list[Look] = field(default_factory=list)
    traffic: list[Traffic] = field(default_factory=list)
    standings: list[Standing] = field(default_factory=list)

    def router(self) -> APIRouter:
        routes = APIRouter()

        @routes.get("/v1/metrics")
        def metrics() -> Response:
            now = datetime.now(UTC)
            text = exposition("c0ffee", now, self.looks, self.traffic, self.standings, dead_letters=0)
            return Response(text, media_type=CONTENT_TYPE)

        return routes


@pytest.fixture(scope="module")
def exposed() -> Iterator[Exposed]:
    program("prometheus")
    artifacts = MemoryBucket()
    secret, key = new_key("prometheus", "admin", "now")
    artifacts.put(KEY_RING, dump_ring([key]))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        made = Exposed(listening.getsockname()[1], secret)
        app = create_app("test", [made.router()], KeyRing(artifacts), logger("prometheus-test"))
        runs = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
        thread = threading.Thread(target=runs.run, kwargs={"sockets": [listening]})
        thread.start()
        yield made
        runs.should_exit = True
        thread.join(20)
    assert not thread.is_alive()


def configured(exposed: Exposed, folder: Path, key: str) -> Path:
    """Ours as it is, but for the intervals."""
    other = dict.fromkeys(StackRecord.__dataclass_fields__, "")
    told: dict[str, Any] = {"environment": "local", "stack": "gyre-test", "api_key": key}
    record = StackRecord(**other | told | {"api_url": f"http://127.0.0.1:{exposed.port}/v1"})
    config = connect(record, folder)
    text, changed = re.subn(r"(_interval|_timeout): \w+", r"\1: 200ms", config.read_text())
    assert changed == 3
    config.write_text(text)
    return config


@pytest.fixture(scope="module")
def prometheus(exposed: Exposed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("prometheus")
    with running(configured(exposed, home / "config", exposed.key), home) as server:
        yield server


def firing(prometheus: Server) -> set[tuple[str, str]]:
    """Alerts, each with its column if it is about one."""
    return {
        (each["labels"]["alertname"], each["labels"].get("column", ""))
        for each in prometheus.ask("alerts")["alerts"]
        if each["state"] == "firing"
    }


def quiet(**other: Any) -> Look:
    """A look at now that found nothing."""
    nothing: dict[str, Any] = {
        "univariate": Univariate(drifts=(drift(value=0.01, drifted=False),), level=0.004),
        "multivariate": Multivariate(value=1.2, expected=1.2, threshold=1.1),
        "performance": Performances(figures=()), "quality": Qualities(checks=(quality(),), level=0.003),
    }  # fmt: skip
    return look(level="ok", at=datetime.now(UTC), **nothing | other)


def test_a_drifted_look_raises_an_alert_and_a_quiet_one_ends_it(exposed: Exposed, prometheus: Server) -> None:
    # given: a look that found something of every kind
    exposed.looks, exposed.standings = [look(at=datetime.now(UTC))], [serving()]
    # then
    expected = {("GyreVerdictAlert", ""), ("GyreDrift", "age"), ("GyreMultivariateDrift", ""),
                ("GyrePerformanceFallen", ""), ("GyreQualityBroken", "age")}  # fmt: skip
    prometheus.until("all alerts", lambda: firing(prometheus) == expected or None)
    # when: the next look finds nothing
    exposed.looks = [quiet()]
    # then
    prometheus.until("no alert", lambda: firing(prometheus) == set() or None)
    # and again
    exposed.looks = [quiet(univariate=Univariate(drifts=(drift("city"),), level=0.004))]
    prometheus.until("another alert", lambda: firing(prometheus) == {("GyreDrift", "city")} or None)
    exposed.looks = [quiet()]
    prometheus.until("no alert", lambda: firing(prometheus) == set() or None)


def test_every_family_arrives_with_its_kind_and_help(exposed: Exposed, prometheus: Server) -> None:
    exposed.looks = [look(at=datetime.now(UTC))]
    exposed.traffic = [traffic(3)]
    exposed.standings = [serving()]
    described = {each.name: (each.kind, each.tells) for each in (*FAMILIES.values(), DURATION)}

    def told() -> dict[str, Any] | None:
        found = prometheus.ask("targets/metadata", match_target='{job="gyre"}')
        ours = {each["metric"]: (each["type"], each["help"]) for each in found if each["metric"].startswith("gyre_")}
        return ours if len(ours) == len(described) else None

    assert prometheus.until("all families", told) == described


def serving() -> Standing:
    now = datetime.now(UTC)
    return Standing("wine", 3, now, now, timedelta(days=1))


def traffic(calls: int, model: str = "wine") -> Traffic:
    within = tuple(calls if bound >= 0.1 else 0 for bound in BOUNDS)
    return Traffic(model, 3, "online", 2, calls, 2 * calls, 1, Spread(within, calls, 0.09 * calls))


def test_a_counter_that_begins_anew_at_midnight_is_taken_for_what_it_is(exposed: Exposed, prometheus: Server) -> None:
    # given
    by = 'gyre_calls_total{model="beer"}'
    for calls in (1000, 1040, 7, 10):  # between 1040 and 7 it is midnight
        exposed.traffic = [traffic(calls, "beer")]
        prometheus.until(f"{calls} calls", lambda calls=calls: calls in prometheus.figures(by).values() or None)
    # then: 40 before and 10 after it, and a little for the time before the first and after the last
    assert list(prometheus.figures(f"resets({by}[1m])").values()) == [1]
    (grown,) = prometheus.figures(f"increase({by}[1m])").values()
    assert 50 <= grown < 100
    (slow,) = prometheus.figures('histogram_quantile(0.5, gyre_call_duration_seconds_bucket{model="beer"})').values()
    assert 0.05 < slow <= 0.1


def test_any_name_arrives_as_it_was(exposed: Exposed, prometheus: Server) -> None:
    exposed.looks = [quiet(univariate=Univariate(drifts=(drift(AWKWARD, 0.125, False),), level=0.004))]
    wanted = {"model": "wine", "column": AWKWARD, **FEATURE, "environment": "local", "stack": "gyre-test",
              "job": "gyre", "instance": f"127.0.0.1:{exposed.port}", "__name__": "gyre_drift_score"}  # fmt: skip
    found = prometheus.until("its score", lambda: _only(prometheus.figures("gyre_drift_score"), wanted))
    assert found == 0.125


def _only(figures: dict[frozenset[tuple[str, str]], float], wanted: dict[str, str]) -> float | None:
    return figures.get(frozenset(wanted.items())) if len(figures) == 1 else None


def test_every_query_of_the_dashboards_finds_something(exposed: Exposed, prometheus: Server) -> None:
    # given
    exposed.looks = [look(at=datetime.now(UTC), quality=Qualities(checks=(
        *(quality(flaw=flaw) for flaw in ("missing", "unseen", "outliers", "range")), quality(broken=True),
    ), level=0.003))]  # fmt: skip
    exposed.standings = [serving()]
    for calls in (2000, 2050):
        exposed.traffic = [traffic(calls), replace(traffic(calls), kind="shadow")]
        prometheus.until("calls", lambda calls=calls: calls in prometheus.figures("gyre_calls_total").values() or None)

    # then
    def silent() -> list[str]:
        return [where for where, query in queries() if not prometheus.figures(query)]

    prometheus.until("an answer to each", lambda: True if not silent() else None)


def test_whoever_has_no_key_of_ours_reads_nothing(exposed: Exposed, tmp_path: Path) -> None:
    with running(configured(exposed, tmp_path / "config", "gyre_wrong"), tmp_path) as stranger:
        (target,) = stranger.until(
            "a refusal",
            lambda: [each for each in stranger.ask("targets")["activeTargets"] if each["lastError"]] or None,
        )
        assert (target["health"], "401" in target["lastError"]) == ("down", True)
        assert stranger.figures("gyre_info") == {}
