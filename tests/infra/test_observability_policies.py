"""/metrics within what the role of the drift function allows."""

from gyre.http.routes import metrics
from gyre.journal.dead_letters import DeadLetters
from gyre.monitoring.figures.standing import standings
from gyre.monitoring.kept import keep_look
from gyre.registry.moves import promote
from gyre.spec.versions import add_spec
from tests.fakes.traffic import MemoryTraffic
from tests.infra.test_policies import Guarded
from tests.unit.cli.stack import SPEC
from tests.unit.monitoring.looks import look
from tests.unit.monitoring.prometheus_text import parsed
from tests.unit.parts import House, caller
from tests.unit.registry.house import ANNA, released


def test_the_drift_function_may_read_all_that_metrics_tells() -> None:
    # given: production was moved before the last move, so that a former one has to be read
    house, broken = House(artifacts=released(2, 1)), list[str]()
    promote("wine", 2, house.artifacts, ANNA, alias="challenger")
    add_spec(SPEC, house.artifacts)
    keep_look(look(), house.data)
    data, artifacts = Guarded("DriftFunction", "data", broken), Guarded("DriftFunction", "artifacts", broken)
    data._versions, artifacts._versions = house.data._versions, house.artifacts._versions
    # when
    app = house.app(metrics.router("c0ffee", data, artifacts, MemoryTraffic(house.journal)))
    answer = caller(app, house.add_key()).get("/metrics")
    # then
    assert answer.status_code == 200, answer.text
    names = {name for name, _ in parsed(answer.text)}
    assert names >= {"gyre_verdict", "gyre_release_timestamp_seconds", "gyre_run_age_seconds", "gyre_dead_letters"}
    assert [each.version for each in standings(artifacts)] == [1] and not list(DeadLetters(data).infos())
    assert broken == []
