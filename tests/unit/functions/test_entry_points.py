"""Each function, from its event to its answer."""

import json
from types import ModuleType
from typing import Any

import pytest

from gyre.errors import Invalid, NotFound
from gyre.settings import SettingsError
from gyre.training.start import run_of_upload
from tests.fakes.journal import MemoryJournal
from tests.unit.functions.conftest import Aws, Load
from tests.unit.journal.test_record import body
from tests.unit.parts import proxy_event

FUNCTIONS = ("inference", "training_trigger", "prediction_log", "drift", "science")
HTTP = FUNCTIONS[:4]


def with_journal(app: ModuleType, journal: MemoryJournal, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The fake in the table's place; returns where it was asked for."""
    asked: list[str] = []

    def opened(uri: str) -> MemoryJournal:
        asked.append(uri)
        return journal

    monkeypatch.setattr(app, "DeltaJournal", opened)
    return asked


@pytest.mark.parametrize("name", FUNCTIONS)
def test_an_import_reads_no_environment_and_opens_nothing(load: Load, name: str) -> None:
    load(name)


@pytest.mark.parametrize("name", HTTP)
def test_without_its_variables_a_function_says_which(load: Load, name: str) -> None:
    with pytest.raises(SettingsError, match="GYRE_ARTIFACT_BUCKET"):
        load(name).handler(proxy_event("GET", "/health"), None)


@pytest.mark.parametrize(
    ("case", "status"),
    [
        ("inference-health", 200),
        ("inference-docs", 200),
        ("inference-ready", 503),
        ("inference-no-key", 401),
        ("training_trigger-train", 202),
        ("training_trigger-invalid", 422),
        ("prediction_log-newest", 200),
        ("drift-metrics", 200),
        ("drift-run", 202),
    ],
)
def test_a_call_over_http_is_answered(
    load: Load, aws: Aws, journal: MemoryJournal, monkeypatch: pytest.MonkeyPatch, case: str, status: int
) -> None:
    app = load(case.split("-", maxsplit=1)[0])
    if "prediction_log" in case:
        with_journal(app, journal, monkeypatch)
    monkeypatch.setenv("GYRE_TRAINING_STATE_MACHINE", aws.machine("training"))
    monkeypatch.setenv("GYRE_MONITORING_STATE_MACHINE", aws.machine("monitoring"))
    aws.put("inbox/wine/wine.csv", b"a\n1\n")
    answer = app.handler(aws.event(case), None)
    assert answer["statusCode"] == status, answer["body"]
    assert answer["headers"]["x-request-id"] == aws.event(case)["requestContext"]["requestId"]


@pytest.mark.parametrize(("name", "path"), [("training_trigger", "/models"), ("drift", "/metrics")])
def test_a_wrong_key_is_refused_over_aws_too(
    load: Load, aws: Aws, monkeypatch: pytest.MonkeyPatch, name: str, path: str
) -> None:
    monkeypatch.setenv("GYRE_TRAINING_STATE_MACHINE", aws.machine("training"))
    monkeypatch.setenv("GYRE_MONITORING_STATE_MACHINE", aws.machine("monitoring"))
    event = proxy_event("GET", path, **{"x-api-key": "gyre_wrong"})
    assert load(name).handler(event, None)["statusCode"] == 401


def test_an_upload_told_twice_starts_one_run(load: Load, aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = aws.machine("training")
    monkeypatch.setenv("GYRE_TRAINING_STATE_MACHINE", machine)
    app, event = load("training_trigger"), aws.event("training_trigger-upload")
    answers = [app.handler(event, None) for _ in range(2)]
    run = run_of_upload("inbox/wine/wine.csv", "example-version")
    assert aws.runs(machine) == [run]
    assert answers == [{"run": run}, {"run": run}]


def test_an_upload_in_the_wrong_place_starts_nothing(load: Load, aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = aws.machine("training")
    monkeypatch.setenv("GYRE_TRAINING_STATE_MACHINE", machine)
    event: dict[str, Any] = {"detail": {"object": {"key": "inbox/loose.csv"}}}
    with pytest.raises(Invalid):
        load("training_trigger").handler(event, None)
    assert aws.runs(machine) == []


def test_a_batch_from_the_queue_gives_back_what_cannot_be_read(
    load: Load, aws: Aws, journal: MemoryJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = load("prediction_log")
    asked = with_journal(app, journal, monkeypatch)
    texts = {"m-1": body(event_id="event-0001"), "m-2": "poison", "m-3": body(event_id="event-0003")}
    event = {"Records": [{"messageId": name, "body": text} for name, text in texts.items()]}
    assert app.handler(event, None) == {"batchItemFailures": [{"itemIdentifier": "m-2"}]}
    assert [each.event_id for each in journal.records] == ["event-0001", "event-0003"]
    assert asked == ["s3://data/journal"]


@pytest.mark.parametrize(("case", "failures"), [("prediction_log-batch", 0), ("prediction_log-poison", 1)])
def test_the_committed_batches_are_taken(
    load: Load, aws: Aws, journal: MemoryJournal, monkeypatch: pytest.MonkeyPatch, case: str, failures: int
) -> None:
    app = load("prediction_log")
    with_journal(app, journal, monkeypatch)
    event = aws.event(case)
    assert len(app.handler(event, None)["batchItemFailures"]) == failures
    assert len(journal.records) == len(event["Records"]) - failures


def test_a_journal_that_is_down_gives_the_whole_batch_back(
    load: Load, aws: Aws, journal: MemoryJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = load("prediction_log")
    with_journal(app, journal, monkeypatch)
    journal.down = True
    event = aws.event("prediction_log-batch")
    failures = app.handler(event, None)["batchItemFailures"]
    assert [each["itemIdentifier"] for each in failures] == [each["messageId"] for each in event["Records"]]


def test_the_profile_task_reads_and_keeps(load: Load, aws: Aws) -> None:
    version = aws.put("inbox/wine/wine.csv", b"a,b\n1,x\n2,y\n")
    event = aws.event("science-train-profile")
    event["upload"]["version"] = version
    answer = load("science").train(event, None)
    assert answer == {"key": "runs/wine/example-run/profile.json", "rows": 2, "columns": 2}
    kept = json.load(aws.s3.get_object(Bucket="data", Key=answer["key"])["Body"])
    assert kept["upload"]["version"] == version


def test_a_missing_upload_fails_the_task_by_name(load: Load, aws: Aws) -> None:
    with pytest.raises(NotFound, match=r"inbox/wine/wine\.csv"):
        load("science").train(aws.event("science-train-profile"), None)


def test_the_watch_task_tells_its_verdicts(
    load: Load, aws: Aws, journal: MemoryJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = load("science")
    asked = with_journal(app, journal, monkeypatch)
    assert app.monitor(aws.event("science-monitor-watch"), None) == {"verdicts": {}}
    assert asked == ["s3://data/journal"]
    assert aws.s3.get_object(Bucket="data", Key="monitoring/latest.json")


@pytest.mark.parametrize(("entry", "task"), [("train", "watch"), ("monitor", "profile"), ("train", None)])
def test_an_unknown_task_is_invalid_and_names_the_known(load: Load, aws: Aws, entry: str, task: str | None) -> None:
    app = load("science")
    with pytest.raises(Invalid, match="there are: ") as refused:
        getattr(app, entry)({"task": task} if task else {}, None)
    assert refused.value.field == "task"
