"""Trials, comparisons and batches asked with numbers that are none and names that lead elsewhere: refused alike."""

import pytest

from tests.unit.parts import told
from tests.unit.serving.house import Serve
from tests.unit.training.models import compiled

_JSON = {"content-type": "application/json"}
TRAFFIC = [
    '{"challenger": 2, "share": NaN}', '{"challenger": 2, "share": 1e400}', '{"challenger": 2, "share": 2}',
    '{"challenger": 2, "shadow": -1e-9}', '{"challenger": "../2", "share": 0.1}', '{"challenger": true, "share": 0}',
    '{"challenger": ' + "9" * 4300 + ', "share": 0.1}', '{"challenger": ' + "9" * 4301 + ', "share": 0.1}',
    '{"challenger": ' + "[" * 5000 + "]" * 5000 + "}", '{"challenger": "\\ud800", "share": 0.1}', "[]", "{",
]  # fmt: skip
HOURS = ["NaN", "inf", "-inf", "-1", "0", "1e308", "9" * 400, "", "x", "8785"]
BATCHES = [
    '{"name": "../../x.csv"}', '{"name": "a\\u0000.csv"}', '{"name": "' + "x" * 100_000 + '.csv"}', '{"name": ".csv"}',
    '{"name": "a.csv", "version": "' + "9" * 19 + '"}', '{"name": "a.csv", "version": "\\u0000"}', '{"name": NaN}',
    '{"name": "\\ud800.csv"}', '{"name": "a/b.csv"}', '{"name": "a.csv", "explain": 1e400}', "[]", "{",
]  # fmt: skip


@pytest.fixture(scope="module")
def serve() -> Serve:
    made = Serve()
    for version, estimator in ((1, "linear"), (2, "boosting")):
        made.promote(version, compiled(estimator, "multiclass", "mixed"))
    return made


@pytest.mark.parametrize("body", TRAFFIC, ids=range(len(TRAFFIC)))
def test_a_share_that_is_none(serve: Serve, body: str) -> None:
    before = serve.house.artifacts.read("releases/m.json").content
    answer = serve.house.client("training_trigger").post("/models/m/traffic", content=body, headers=_JSON)
    assert told(answer, answer.status_code) and answer.status_code in (404, 422)
    assert serve.house.artifacts.read("releases/m.json").content == before


@pytest.mark.parametrize("hours", HOURS)
def test_hours_that_are_none(serve: Serve, hours: str) -> None:
    answer = serve.house.client("prediction_log").get(f"/stats/m/comparison?hours={hours}&production=1&challenger=2")
    assert told(answer, 422)["field"] == "hours"


def test_the_shortest_time_that_there_is(serve: Serve) -> None:
    client = serve.house.client("prediction_log")
    assert client.get("/stats/m/comparison?hours=1e-320&production=1&challenger=2").status_code == 200


@pytest.mark.parametrize("body", BATCHES, ids=range(len(BATCHES)))
def test_a_file_that_leads_elsewhere(serve: Serve, body: str) -> None:
    answer = serve.house.client("training_trigger").post("/models/m/batch", content=body, headers=_JSON)
    assert told(answer, answer.status_code) and answer.status_code in (404, 422)
