"""Every file in events/ through `sam local invoke`: in containers, with the layers and the image that were built."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import boto3
import pytest

from gyre_emulator import control
from infra.deploy.__main__ import deploy
from infra.packaging.template import load
from infra.packaging.workshop import Workshop
from tests.docker.engine import Engine, NoEngine
from tests.docker.sam_local import EVENTS, Sam, function_for, prepared

CASES = sorted(path.stem for path in EVENTS.glob("*.json"))
# What science-train-profile profiles.
TABLE = {"inbox/wine/wine.csv": b"alcohol,colour,cultivar\n13.2,red,1\n12.1,,2\n14.0,red,1\n"}


@dataclass(frozen=True)
class Expected:
    """What an event's answer must look like, whatever else it says."""

    statuses: tuple[int, ...] = ()
    """HTTP statuses that are right; empty for an answer that is not HTTP's."""
    keys: tuple[str, ...] = ()
    """Keys of the answer, or of the JSON in its body."""
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
    "science-train-profile": Expected(keys=("key", "rows", "columns")),
    "training_trigger-invalid": Expected((422,), keys=("error",)),
    "training_trigger-train": Expected((202,), keys=("run", "status_url", "dataset")),
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
        data = boto3.client(
            "s3", endpoint_url=record.endpoint_url, aws_access_key_id="local", aws_secret_access_key="local"
        )
        for key, content in TABLE.items():
            data.put_object(Bucket=record.data_bucket, Key=key, Body=content)
        try:
            with prepared(docker, record, Workshop()) as ready:
                notes.append(f"`sam local invoke` ran the functions in {ready.base}")
                yield ready
        except NoEngine as reason:
            pytest.skip(str(reason))
    finally:
        if ours:
            control.stop()


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
        body = json.loads(body) if expected.keys else body
    assert set(expected.keys) <= set(body)
    assert expected.value in (None, told.answer)
