"""Labels within what the roles allow, and the rule that hears of files of them."""

from datetime import timedelta
from fnmatch import fnmatchcase

import pytest

from gyre.datasets.upload import SUFFIXES
from gyre.feedback.desk import feedback_over
from gyre.feedback.dropped import Dropped, is_dropped, take_file
from gyre.pseudonyms import PSEUDONYM_KEYS, with_newer_key
from tests.fakes.labels import MemoryLabels
from tests.infra.facts import functions, of_type, template
from tests.infra.test_policies import Guarded, allowed
from tests.unit.feedback.label_house import LATER, event
from tests.unit.http.test_feedback_routes import PEOPLE, WINE
from tests.unit.parts import House


def guarded(function: str, broken: list[str]) -> tuple[Guarded, Guarded]:
    """The buckets of a deployment with two models, one of people."""
    data, artifacts = Guarded(function, "data", broken), Guarded(function, "artifacts", broken)
    artifacts.put("specs/wine/00000001.yaml", WINE)
    artifacts.put("specs/people/00000001.yaml", PEOPLE)
    artifacts.put(PSEUDONYM_KEYS, with_newer_key(None, "now"))
    return data, artifacts


@pytest.mark.parametrize("content", [b"id,label\na,true\nb,perhaps\n", b"no labels"])
@pytest.mark.parametrize("model", ["people", "wine", "tea"])
def test_files_are_taken_and_told_within_what_the_role_allows(model: str, content: bytes) -> None:
    broken: list[str] = []
    data, artifacts = guarded("FeedbackFunction", broken)
    key = f"feedback/{model}/2026/truth.csv"
    dropped = Dropped(key, data.put(key, content), "etag", LATER + timedelta(days=1))
    feedback = feedback_over(MemoryLabels(), artifacts)
    report = take_file(dropped, data, feedback)
    assert take_file(dropped, data, feedback) == report
    assert data.read(f"feedback/{model}/reports/2026/truth.csv.json").content
    assert broken == []


def test_callers_labels_are_taken_within_what_the_role_allows() -> None:
    broken: list[str] = []
    data, artifacts = guarded("PredictionLogFunction", broken)
    house = House(data=data, artifacts=artifacts)
    client = house.client("prediction_log")
    body = {
        "labels": [{"model": "wine", "event_id": event(1), "label": "red"}, {"model": "people", "id": "a", "label": 1}]
    }
    assert client.post("/feedback", json=body).json()["kept"] == 2
    assert client.get("/feedback", params={"model": "people", "id": "a"}).status_code == 200
    assert broken == []


def test_who_takes_files_may_write_labels_and_nothing_else_of_the_journal() -> None:
    writable = allowed("FeedbackFunction", "data")["s3:PutObject"]
    assert writable == {"/journal/labels/*", "/feedback/*/reports/*"}
    assert allowed("FeedbackFunction", "data")["s3:DeleteObject"] == {"/journal/labels/_delta_log/*"}
    readable = allowed("FeedbackFunction", "data")["s3:GetObject"]
    for table in ("labels", "predictions"):
        assert any(fnmatchcase(f"/journal/{table}/_delta_log/0.json", each) for each in readable)
    logs = allowed("PredictionLogFunction", "data")["s3:DeleteObject"]
    assert any(fnmatchcase("/journal/labels/_delta_log/0.json", each) for each in logs)


def test_the_rule_hears_of_every_file_that_can_be_read_and_of_no_report() -> None:
    event_rule = functions()["FeedbackFunction"]["Events"]["Dropped"]["Properties"]["Pattern"]["detail"]
    patterns = [each["wildcard"] for each in event_rule["object"]["key"]]

    def heard(key: str) -> bool:
        return any(fnmatchcase(key, pattern) for pattern in patterns)

    for ending in (*SUFFIXES, ".xlsx", ".zip"):
        for folder in ("feedback/wine/", "feedback/wine/2026/11/"):
            assert heard(f"{folder}truth{ending}") and is_dropped(f"{folder}truth{ending}")
            assert not heard(f"feedback/wine/reports/truth{ending}.json")
    assert not heard("feedback/wine/") and not heard("inbox/wine/truth.csv")


def test_no_other_rule_hears_of_them() -> None:
    trigger = functions()["TrainingTriggerFunction"]["Events"]["Upload"]["Properties"]["Pattern"]["detail"]["object"]
    for each in trigger["key"]:
        assert not fnmatchcase("feedback/wine/in/truth.csv", each.get("wildcard", each.get("prefix", "") + "*"))


def test_a_file_that_cannot_be_taken_is_told() -> None:
    invoke = functions()["FeedbackFunction"]["EventInvokeConfig"]
    assert invoke["MaximumRetryAttempts"] == 2
    topic = invoke["DestinationConfig"]["OnFailure"]["Destination"]["Ref"]
    assert topic in of_type(template(), "AWS::SNS::Topic")
