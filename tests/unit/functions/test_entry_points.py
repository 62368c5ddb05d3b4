"""Each function, from its event to its answer."""

import io
import json
from http.client import HTTPResponse
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from gyre.aws.datasets import DeltaDatasets
from gyre.aws.s3 import S3Bucket
from gyre.errors import Invalid, NotFound, NotReady
from gyre.settings import SettingsError
from gyre.spec.document import MAX_BYTES
from gyre.spec.versions import add_spec
from gyre.training.start import run_of_upload
from tests.event_data import FETCHED, FILES, HEADER, SPEC, SPLIT, UPLOADED
from tests.fakes.journal import MemoryJournal
from tests.fakes.traffic import MemoryTraffic
from tests.unit.functions.conftest import ROOT, Aws, Load
from tests.unit.journal.test_record import body
from tests.unit.parts import NOT_WISHED, proxy_event

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
        ("training_trigger-declare", 201),
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
    if "drift" in case:
        monkeypatch.setattr(app, "DeltaTraffic", lambda _: MemoryTraffic(journal))
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


# --- training_trigger: what lands in the inbox ------------------------------------------------------------------------


@pytest.fixture
def machine(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> str:
    arn = aws.machine("training")
    monkeypatch.setenv("GYRE_TRAINING_STATE_MACHINE", arn)
    return arn


def created(key: str, version: str | None = None) -> dict[str, Any]:
    """EventBridge's event, as far as it matters."""
    return {"detail": {"object": {"key": key} | ({"version-id": version} if version else {})}}


def test_an_upload_told_twice_starts_one_run(load: Load, aws: Aws, machine: str) -> None:
    app, event = load("training_trigger"), aws.event("training_trigger-upload")
    answers = [app.handler(event, None) for _ in range(2)]
    run = run_of_upload("inbox/wine/wine.csv", "example-version")
    assert aws.runs(machine) == [run]
    assert answers == [{"run": run}, {"run": run}]


def test_a_run_is_told_what_the_state_machine_asks_for(load: Load, aws: Aws, machine: str) -> None:
    """Its first state looks at `fetch` and `dataset`, and the others at `upload`."""
    run = load("training_trigger").handler(aws.event("training_trigger-upload"), None)["run"]
    assert aws.input_of(machine, run) == {
        "run": run, "model": "wine", "upload": {"key": UPLOADED, "version": "example-version"}, "dataset": None,
        "fetch": None, **NOT_WISHED,
    }  # fmt: skip


@pytest.mark.parametrize("key", ["inbox/loose.csv", "inbox/Wine/a.csv", "elsewhere/wine/a.csv", "inbox/loose.yaml"])
def test_an_upload_in_the_wrong_place_starts_nothing(load: Load, aws: Aws, machine: str, key: str) -> None:
    with pytest.raises(Invalid):
        load("training_trigger").handler(created(key), None)
    assert aws.runs(machine) == []


@pytest.mark.parametrize("key", ["inbox/", "inbox/wine/", "inbox/wine/2026/", "inbox/NO NAME/"])
def test_the_marker_of_a_folder_is_no_upload(load: Load, aws: Aws, machine: str, key: str) -> None:
    assert load("training_trigger").handler(created(key), None) == {"ignored": "the marker of a folder"}
    assert aws.runs(machine) == []


@pytest.mark.parametrize("key", ["inbox/wine/model.yaml", "inbox/wine/2026/wine.YML"])
def test_a_model_yaml_is_declared_and_starts_no_run(load: Load, aws: Aws, machine: str, key: str) -> None:
    version = aws.put(key, SPEC)
    app = load("training_trigger")
    answers = [app.handler(created(key, version), None) for _ in range(2)]
    assert answers == [{"model": "wine", "spec_version": 1}] * 2
    assert aws.get("artifacts", "specs/wine/00000001.yaml") == SPEC
    assert aws.runs(machine) == []


def test_the_committed_event_declares_what_lies_there(load: Load, aws: Aws, machine: str) -> None:
    aws.put("inbox/wine/model.yaml", SPEC)
    event = aws.event("training_trigger-spec")
    assert load("training_trigger").handler(event, None) == {"model": "wine", "spec_version": 1}


def test_a_model_yaml_is_read_in_the_version_that_was_told(load: Load, aws: Aws, machine: str) -> None:
    """Two that come in a row are both declared, though the second lies there when the first is read."""
    key, second = "inbox/wine/model.yaml", b"# mended\n" + SPEC
    versions = [aws.put(key, text) for text in (SPEC, second)]
    app = load("training_trigger")
    assert [app.handler(created(key, version), None)["spec_version"] for version in versions] == [1, 2]
    assert aws.get("artifacts", "specs/wine/00000002.yaml") == second


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (SPEC.replace(b"task: multiclass", b"task: guess") + b"qualities: {}\n", ["line 3", "task", "qualities"]),
        (SPEC.replace(b"model: wine", b"model: beer"), ["inbox of wine", "declares beer", "inbox/beer/"]),
        (b"", ["empty"]),
        (b"#" * (MAX_BYTES + 1000), ["524,288"]),
    ],
)
def test_a_wrong_model_yaml_fails_with_everything_that_is_wrong(
    load: Load, aws: Aws, machine: str, text: bytes, says: list[str]
) -> None:
    """Lambda sends what is raised here on as a notice."""
    version = aws.put("inbox/wine/model.yaml", text)
    with pytest.raises(Invalid) as refused:
        load("training_trigger").handler(created("inbox/wine/model.yaml", version), None)
    assert [word for word in says if word not in refused.value.message] == []
    assert "Contents" not in aws.s3.list_objects_v2(Bucket="artifacts", Prefix="specs/")
    assert aws.runs(machine) == []


def test_of_a_file_called_yaml_by_mistake_only_a_little_is_read(
    load: Load, aws: Aws, machine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = aws.put("inbox/wine/huge.yaml", b"#" * (8 * MAX_BYTES))
    monkeypatch.setattr(S3Bucket, "read", None)  # which would take all of it into memory
    with pytest.raises(Invalid, match="524,288"):
        load("training_trigger").handler(created("inbox/wine/huge.yaml", version), None)


def test_a_model_yaml_that_is_gone_is_not_found(load: Load, aws: Aws, machine: str) -> None:
    with pytest.raises(NotFound, match=r"inbox/wine/model\.yaml"):
        load("training_trigger").handler(created("inbox/wine/model.yaml"), None)


def test_a_file_brought_through_the_api_is_the_one_whose_event_starts_the_run(
    load: Load, aws: Aws, machine: str
) -> None:
    """PUT tells the run's name before it exists; the event that S3 sends of the same object starts it."""
    app, content = load("training_trigger"), bytes(range(256))
    event = proxy_event("PUT", "/models/wine/uploads/a.csv", content, **{"x-api-key": aws.secret})
    answer = app.handler(event, None)
    told = json.loads(answer["body"])
    assert (answer["statusCode"], aws.runs(machine)) == (202, [])
    head = aws.s3.head_object(Bucket="data", Key=told["upload"])
    assert aws.get("data", told["upload"]) == content
    assert app.handler(created(told["upload"], head["VersionId"]), None) == {"run": told["run"]}
    assert aws.runs(machine) == [told["run"]]
    shown = app.handler(proxy_event("GET", told["status_url"], **{"x-api-key": aws.secret}), None)
    assert json.loads(shown["body"])["run"] == told["run"]


def test_the_allowed_hosts_come_from_the_deployment(
    load: Load, aws: Aws, machine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GYRE_FETCH_HOSTS", "Files.Example")
    app = load("training_trigger")
    statuses = []
    for host in ("files.example", "elsewhere.example"):
        body = json.dumps({"url": f"https://{host}/a.csv"})
        headers = {"x-api-key": aws.secret, "content-type": "application/json"}
        event = proxy_event("POST", "/models/wine/uploads", body, **headers)
        statuses.append(app.handler(event, None)["statusCode"])
    assert statuses == [202, 422]
    (run,) = aws.runs(machine)
    assert aws.input_of(machine, run)["fetch"] == {"url": "https://files.example/a.csv", "name": "a.csv"}


def test_what_cannot_be_read_holds_up_nothing_of_its_batch(
    load: Load, aws: Aws, journal: MemoryJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = load("prediction_log")
    asked = with_journal(app, journal, monkeypatch)
    texts = {"m-1": body(event_id="event-0001"), "m-2": "poison", "m-3": body(event_id="event-0003")}
    event = {"Records": [{"messageId": name, "body": text} for name, text in texts.items()]}
    assert app.handler(event, None) == {"batchItemFailures": []}
    assert [each.event_id for each in journal.records] == ["event-0001", "event-0003"]
    assert asked == ["s3://data/journal"]


@pytest.mark.parametrize(("case", "poison"), [("prediction_log-batch", 0), ("prediction_log-poison", 1)])
def test_the_committed_batches_are_taken(
    load: Load, aws: Aws, journal: MemoryJournal, monkeypatch: pytest.MonkeyPatch, case: str, poison: int
) -> None:
    app = load("prediction_log")
    with_journal(app, journal, monkeypatch)
    event = aws.event(case)
    assert app.handler(event, None) == {"batchItemFailures": []}
    assert len(journal.records) == len(event["Records"]) - poison


def test_a_journal_that_is_down_gives_the_whole_batch_back(
    load: Load, aws: Aws, journal: MemoryJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = load("prediction_log")
    with_journal(app, journal, monkeypatch)
    journal.down = True
    event = aws.event("prediction_log-batch")
    failures = app.handler(event, None)["batchItemFailures"]
    assert [each["itemIdentifier"] for each in failures] == [each["messageId"] for each in event["Records"]]


# --- science: the tasks of a training run -----------------------------------------------------------------------------


@pytest.fixture
def science(load: Load, aws: Aws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The real tasks over moto, with what the events speak of; their tables in a folder, because Delta's own client
    of S3 is none that moto can stand in for."""

    class InFolder(DeltaDatasets):
        def __init__(self, uri: str) -> None:
            assert uri == "s3://data/datasets"
            super().__init__(str(tmp_path))

    monkeypatch.setattr("gyre.aws.datasets.DeltaDatasets", InFolder)
    add_spec(SPEC, S3Bucket("artifacts"))
    for key, content in FILES.items():
        aws.put(key, content)
    return load("science")


def test_an_upload_becomes_a_dataset_version_with_its_report(science: ModuleType, aws: Aws) -> None:
    answer = science.train(aws.event("science-train-ingest"), None)
    assert answer == {
        "version": 1, "spec_version": 1, "rows": 36, "rejected": 1, "total_rows": 36,
        "report": "runs/wine/example-run/ingest.json", "alerts": [], "has_alerts": False, "train": True,
    }  # fmt: skip
    report = json.loads(aws.get("data", answer["report"]))
    assert (report["outcome"], report["upload"], report["spec_version"]) == ("accepted", FETCHED, 1)
    assert [(each["code"], each["column"], each["count"]) for each in report["findings"]] == [("range", "alcohol", 1)]
    assert aws.get("data", "runs/wine/example-run/ingest.html").startswith(b"<!doctype html>")
    kept = json.loads(aws.get("data", "datasets/wine/versions/00000001.json"))
    assert (kept["version"], kept["run"], kept["upload"]) == (1, "example-run", FETCHED)


def test_a_task_that_runs_again_after_a_failure_doubles_nothing(science: ModuleType, aws: Aws) -> None:
    answers = [science.train(aws.event("science-train-ingest"), None) for _ in range(2)]
    assert answers[0] == answers[1]


def test_an_upload_that_is_odd_is_told(science: ModuleType, aws: Aws) -> None:
    event = aws.event("science-train-ingest")
    aws.put(event["upload"]["key"], HEADER.replace("\n", ",more\n").encode() + b"12,red,1,x\n" * 3)
    answer = science.train(event, None)
    assert answer["has_alerts"] is True
    assert "more" in answer["alerts"][0]


def test_an_ingest_reads_the_very_version_that_it_was_told(science: ModuleType, aws: Aws) -> None:
    event = aws.event("science-train-ingest")
    event["upload"]["version"] = aws.put(FETCHED, HEADER.encode() + b"12,red,1\n")
    aws.put(FETCHED, HEADER.encode() + b"12,red,1\n" * 5)
    assert science.train(event, None)["rows"] == 1


def test_a_version_is_pinned_and_split(science: ModuleType, aws: Aws) -> None:
    """Given what the upload of the events makes, as it does in a deployment."""
    ingest = aws.event("science-train-ingest") | {"upload": {"key": UPLOADED, "version": None}}
    assert science.train(ingest, None)["version"] == 1
    assert science.train(aws.event("science-train-pin"), None) == {
        "version": 1, "spec_version": 1, "rows": 36, "rejected": 0, "total_rows": 36,
        "report": "runs/wine/example-run/ingest.json", "train": True,
    }  # fmt: skip
    split = science.train(aws.event("science-train-split"), None)
    assert (split["rows"], split["left_out"]) == (SPLIT, 0)
    assert aws.get("data", split["key"]).startswith(b"PAR1")
    assert science.train(aws.event("science-train-split"), None) == split


def test_what_the_state_machine_picks_of_an_answer_is_there(science: ModuleType, aws: Aws) -> None:
    machine = json.loads((ROOT / "infra/statemachines/training.asl.json").read_text())["States"]
    for state in ("Ingest", "Pin", "Split"):
        answer = science.train(aws.event(f"science-train-{state.lower()}"), None)
        wanted = {path.removeprefix("$.Payload.") for path in machine[state]["ResultSelector"].values()}
        assert wanted <= set(answer), state
        json.dumps(answer)


@pytest.mark.parametrize("case", ["science-train-ingest", "science-train-pin", "science-train-split"])
def test_an_event_is_what_the_state_machine_sends(case: str, aws: Aws) -> None:
    machine = json.loads((ROOT / "infra/statemachines/training.asl.json").read_text())["States"]
    event = aws.event(case)
    payload = machine[event["task"].capitalize()]["Parameters"]["Payload"]
    assert {key.removesuffix(".$") for key in payload} == set(event)
    assert payload["task"] == event["task"]


def test_a_file_from_elsewhere_is_copied_first(science: ModuleType, aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a fetch does with an answer is tested against a real server: tests/contract/test_fetch.py."""
    asked: list[str] = []

    def answered(self: object, url: str) -> Any:
        asked.append(url)
        answer = HTTPResponse(FakeSocket(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\na\n1\n"))  # type: ignore[arg-type]
        answer.begin()
        return answer

    monkeypatch.setenv("GYRE_FETCH_HOSTS", "files.example, Other.Example")
    monkeypatch.setattr("gyre.datasets.fetch.FileFetcher._opened", answered)
    wanted = {"url": "https://other.example/a.csv", "name": "a.csv"}
    event = {"task": "fetch", "run": "run-1", "model": "wine", "fetch": wanted}
    answer = science.train(event, None)
    assert (answer["model"], answer["key"]) == ("wine", "fetched/wine/run-1/a.csv")
    assert aws.get("data", answer["key"], answer["version"]) == b"a\n1\n"
    assert asked == ["https://other.example/a.csv"]
    with pytest.raises(Invalid, match=r"elsewhere\.example"):
        science.train(event | {"fetch": {"url": "https://elsewhere.example/a.csv", "name": "a.csv"}}, None)


class FakeSocket:
    """An answer that has come already."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def makefile(self, _: str) -> io.BytesIO:
        return io.BytesIO(self._content)


def test_a_missing_upload_fails_the_task_by_name_and_is_reported(science: ModuleType, aws: Aws) -> None:
    event = aws.event("science-train-ingest") | {"upload": {"key": "inbox/wine/gone.csv", "version": None}}
    with pytest.raises(NotFound, match=r"inbox/wine/gone\.csv"):
        science.train(event, None)
    assert json.loads(aws.get("data", "runs/wine/example-run/ingest.json"))["outcome"] == "refused"


def test_a_bad_upload_fails_the_task_by_name_and_is_reported(science: ModuleType, aws: Aws) -> None:
    event = aws.event("science-train-ingest")
    aws.put(FETCHED, HEADER.encode() + b"99,red,1\n" * 10)
    with pytest.raises(Invalid, match=r"quality\.rejected"):
        science.train(event, None)
    report = json.loads(aws.get("data", "runs/wine/example-run/ingest.json"))
    assert (report["outcome"], report["rows"]["rejected"]) == ("refused", 10)
    with pytest.raises(NotFound):
        science.train(aws.event("science-train-pin"), None)


def test_a_model_that_nobody_declared_is_waited_for(science: ModuleType, aws: Aws) -> None:
    """The state machine tries NotReady again: the model.yaml may come a moment after the data."""
    with pytest.raises(NotReady, match="beer"):
        science.train(aws.event("science-train-ingest") | {"model": "beer"}, None)


def test_nothing_is_due_where_nothing_is_released(load: Load, aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GYRE_TRAINING_STATE_MACHINE", aws.machine("training"))
    monkeypatch.setenv("GYRE_NOTICES_TOPIC", "notices")
    found = load("science", "watching").handler(aws.event("science-watching-models"), None)
    assert (found["looks"], found["count"]) == ([], 0)


@pytest.mark.parametrize("task", ["watch", None])
def test_an_unknown_task_is_invalid_and_names_the_known(load: Load, aws: Aws, task: str | None) -> None:
    with pytest.raises(Invalid, match="there are: ") as refused:
        load("science").train({"task": task} if task else {}, None)
    assert refused.value.field == "task"
