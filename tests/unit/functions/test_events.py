"""Every file in events/ through the handler it is for, over moto: its answer is the one that `sam local invoke` must
give, too (tests/docker/test_sam_local.py)."""

from pathlib import Path
from typing import Any

import pytest

from gyre.aws.datasets import DeltaDatasets
from gyre.aws.labels import DeltaLabels
from gyre.aws.lake import DeltaJournal
from gyre.aws.looks import DeltaLooks
from gyre.aws.s3 import S3Bucket
from gyre.spec.versions import add_spec
from tests.event_answers import EXPECTED, check
from tests.event_data import EVENTS, FILES, SPEC, UPLOADED
from tests.fakes.journal import MemoryJournal
from tests.fakes.labels import MemoryLabels
from tests.fakes.tracking import MemoryTracking
from tests.fakes.traffic import MemoryTraffic
from tests.unit.functions.conftest import Aws, Load
from tests.unit.tasks.machine import Machine

# Before these are sent, the upload has become a version that serves.
OF_A_VERSION = {"science-batch-plan", "science-train-evaluate", "science-train-mirror", "training_trigger-promote"}
CASES = sorted(path.stem for path in EVENTS.glob("*.json"))


def test_every_event_says_what_it_expects() -> None:
    assert sorted(EXPECTED) == CASES


@pytest.fixture
def handlers(
    load: Load,
    aws: Aws,
    journal: MemoryJournal,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> dict[str, Any]:
    """By the beginning of an event's name, what it is for; the stack has what the events speak of."""
    monkeypatch.setattr("gyre.aws.datasets.DeltaDatasets", lambda _: DeltaDatasets(str(tmp_path)))
    tracking = MemoryTracking()  # MLflow's own is tested in tests/contract; it takes seconds to begin
    monkeypatch.setattr("gyre.aws.mlflow_tracking.MlflowTracking", lambda _: tracking)
    monkeypatch.setattr("gyre.aws.errands.LambdaErrands.send", lambda *_: None)
    monkeypatch.setenv("GYRE_TRAIN_TASKS", "train-tasks")
    monkeypatch.setenv("GYRE_TRAINING_STATE_MACHINE", aws.machine("training"))
    monkeypatch.setenv("GYRE_MONITORING_STATE_MACHINE", aws.machine("monitoring"))
    add_spec(SPEC, S3Bucket("artifacts"))
    for key, content in FILES.items():
        aws.put(key, content)
    monkeypatch.setenv("GYRE_NOTICES_TOPIC", "notices")
    monkeypatch.setenv("GYRE_SINK_SECRET", "gyre/postgres")
    for name in ("sink_queue", "sink_dead_letters"):
        monkeypatch.setenv(f"GYRE_{name.upper()}", aws.queue(name))
    science, log, guard = load("science"), load("prediction_log"), load("prediction_log", "guard")
    for app in (log, guard):
        monkeypatch.setattr(app, "DeltaJournal", lambda _: journal)
    drift = load("drift")
    monkeypatch.setattr(drift, "DeltaTraffic", lambda _: MemoryTraffic(journal))
    dropped, labels = load("prediction_log", "feedback"), MemoryLabels(journal)
    for app in (log, dropped):
        monkeypatch.setattr(app, "DeltaLabels", lambda _: labels)
    upload = {"key": UPLOADED, "version": None}
    if request.node.callspec.params["case"] in OF_A_VERSION:
        nothing = dict.fromkeys(("dataset", "fetch", "evaluate", "spec", "base", "search"))
        machine = Machine(lambda event: science.train(dict(event), None))
        machine.run({"run": "upload-1", "model": "wine", "upload": upload, **nothing})
    else:
        science.train({"task": "ingest", "run": "upload-1", "model": "wine", "upload": upload}, None)
        science.train({"task": "split", "run": "upload-1", "model": "wine", "dataset": 1, "spec_version": 1}, None)
    made = {name: load(name).handler for name in ("inference", "training_trigger")}
    made |= {"drift": drift.handler, "science-watching": load("science", "watching").handler}
    made["science-batch"] = load("science", "batch").handler
    made |= {"shadow": load("inference").shadow, "trial_guard": guard.handler, "feedback": dropped.handler}
    upkeep = load("prediction_log", "upkeep")
    monkeypatch.setattr(upkeep, "DeltaJournal", lambda _: DeltaJournal(str(tmp_path / "journal")))
    monkeypatch.setattr(upkeep, "DeltaLabels", lambda _: DeltaLabels(str(tmp_path / "journal")))
    monkeypatch.setattr(upkeep, "DeltaLooks", lambda _: DeltaLooks(str(tmp_path / "journal")))
    made["upkeep"] = upkeep.handler
    made["sink"] = load("prediction_log", "sink").handler
    made["sink_erasure"] = load("prediction_log", "sink_erasure").handler
    return made | {"prediction_log": log.handler, "science-train": science.train}


@pytest.mark.parametrize("case", CASES)
def test_an_event_is_answered_as_expected(handlers: dict[str, Any], aws: Aws, case: str) -> None:
    (handle,) = [handler for name, handler in handlers.items() if case.startswith(f"{name}-")]
    check(case, handle(aws.event(case), None))
