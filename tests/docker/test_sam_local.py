"""Every file in events/ through `sam local invoke`: in containers, with the layers and the image that were built."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from cli.client import GyreClient
from gyre_emulator import control
from infra.deploy.__main__ import deploy
from infra.deploy.record import StackRecord
from infra.packaging.template import load
from infra.packaging.workshop import Workshop
from tests.docker.engine import Engine, NoEngine
from tests.docker.sam_local import EVENTS, Sam, function_for, prepared
from tests.event_data import FILES, MODEL, SPEC, SPLIT, UPLOADED

CASES = sorted(path.stem for path in EVENTS.glob("*.json"))


@dataclass(frozen=True)
class Expected:
    """What an event's answer must look like, whatever else it says."""

    statuses: tuple[int, ...] = ()
    """HTTP statuses that are right; empty for an answer that is not HTTP's."""
    keys: tuple[str, ...] = ()
    """Keys of the answer, or of the JSON in its body."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """Some of them, with their values."""
    says: str = ""
    """A part of the body, where that is no JSON."""
    value: Any = None
    """The whole answer."""


EXPECTED = {
    "drift-metrics": Expected((200,), says="gyre_"),
    "drift-run": Expected((202,), keys=("run", "status_url")),
    "inference-docs": Expected((200,), says="<html"),
    "inference-health": Expected((200,), keys=("status", "version", "commit", "environment")),
    "inference-no-key": Expected((401,), keys=("error",)),
    # The stack may have released a model, or not yet.
    "inference-ready": Expected((200, 503)),
    "prediction_log-batch": Expected(value={"batchItemFailures": []}),
    "prediction_log-newest": Expected((200,), keys=("predictions",)),
    "prediction_log-poison": Expected(
        value={"batchItemFailures": [{"itemIdentifier": "00000002-0000-4000-8000-000000000000"}]}
    ),
    "science-monitor-watch": Expected(keys=("verdicts",)),
    "science-train-ingest": Expected(
        keys=("version", "spec_version", "total_rows", "report"),
        facts={"rows": 36, "rejected": 1, "alerts": [], "has_alerts": False},
    ),
    "science-train-pin": Expected(facts={"version": 1, "rows": 36, "rejected": 0, "total_rows": 36}),
    "science-train-split": Expected(keys=("key",), facts={"rows": SPLIT, "left_out": 0}),
    # It is declared before; a text that is declared already makes no new version.
    "training_trigger-declare": Expected((200,), facts={"model": MODEL, "features": ["alcohol", "colour"]}),
    "training_trigger-invalid": Expected((422,), keys=("error",)),
    "training_trigger-spec": Expected(keys=("spec_version",), facts={"model": MODEL}),
    "training_trigger-train": Expected((202,), keys=("run", "status_url", "dataset", "upload")),
    "training_trigger-upload": Expected(keys=("run",)),
}


def test_every_event_says_what_it_expects() -> None:
    assert sorted(EXPECTED) == CASES


@pytest.mark.parametrize("case", CASES)
def test_every_event_names_a_function(case: str) -> None:
    assert function_for(case, load(Workshop().template))


@pytest.fixture(scope="module")
def sam(docker: Engine, notes: list[str]) -> Iterator[Sam]:
    """The stack deployed, so that functions in containers find what they call. Our own emulator is stopped again."""
    ours = not control.status().running
    control.start()
    try:
        record = deploy("local")
        bring_data(record)
        try:
            with prepared(docker, record, Workshop()) as ready:
                notes.append(f"`sam local invoke` ran the functions in {ready.base}")
                yield ready
        except NoEngine as reason:
            pytest.skip(str(reason))
    finally:
        if ours:
            control.stop()


def bring_data(record: StackRecord) -> None:
    """What the events speak of; the upload becomes dataset version 1 by the run that it starts."""
    gyre = GyreClient(record)
    gyre.declare(SPEC)
    versions = {}
    for key, content in FILES.items():
        answer = gyre.aws("s3").put_object(Bucket=record.data_bucket, Key=key, Body=content)
        versions[key] = answer["VersionId"]
    *_, told = gyre.follow(f"/runs/{gyre.run_of_upload(UPLOADED, versions[UPLOADED])}")
    assert told["status"] == "succeeded", told


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("case", CASES)
def test_event(sam: Sam, case: str) -> None:
    told = sam.invoke(EVENTS / f"{case}.json")
    assert "REPORT RequestId" in told.log
    assert "errorType" not in (told.answer or {}), told
    expected = EXPECTED[case]
    body = told.answer
    if expected.statuses:
        assert told.answer["statusCode"] in expected.statuses, told
        body = told.answer["body"]
        assert expected.says in body
        body = json.loads(body) if expected.keys or expected.facts else body
    assert set(expected.keys) <= set(body)
    assert {key: body[key] for key in expected.facts} == expected.facts
    assert expected.value in (None, told.answer)
