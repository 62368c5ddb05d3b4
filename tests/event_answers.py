"""What the events in events/ are answered with, whatever runs them: a handler over moto, or a container."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.event_data import MODEL, SPLIT


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
    "feedback-file": Expected(facts={"status": "done", "kept": 2, "repeated": 0, "unknown": 2, "faulty": 1}),
    "inference-docs": Expected((200,), says="<html"),
    "inference-health": Expected((200,), keys=("status", "version", "commit", "environment")),
    # Whether wine was released depends on what ran before; how a released model answers is asked by other tests.
    "inference-infer": Expected((200, 404, 503)),
    "inference-predict": Expected((200, 404, 503)),
    "inference-no-key": Expected((401,), keys=("error",)),
    # The stack may have released a model, or not yet.
    "inference-ready": Expected((200, 503)),
    "prediction_log-batch": Expected(value={"batchItemFailures": []}),
    # The same label twice is one: it may have been told before.
    "prediction_log-feedback": Expected((200,), keys=("kept", "repeated", "warnings"), facts={"unknown_count": 2}),
    "prediction_log-newest": Expected((200,), keys=("predictions",)),
    # It is kept as a dead letter, and the queue may forget it.
    "prediction_log-poison": Expected(value={"batchItemFailures": []}),
    "science-batch-plan": Expected(
        keys=("manifest", "items", "version", "bundle", "workers"), facts={"rows": 36, "ranges": 1}
    ),
    "science-watching-models": Expected(keys=("looks", "count", "workers")),
    "science-train-evaluate": Expected(
        keys=("metric", "value", "key"), facts={"version": 1, "dataset": 1, "part": "all", "rows": 36}
    ),
    "science-train-ingest": Expected(
        keys=("version", "spec_version", "total_rows", "report"),
        facts={"rows": 36, "rejected": 1, "alerts": [], "has_alerts": False},
    ),
    "science-train-mirror": Expected(keys=("aliases", "revision")),
    "science-train-pin": Expected(facts={"version": 1, "rows": 36, "rejected": 0, "total_rows": 36}),
    "science-train-propose": Expected(facts={"round": 1, "numbers": [1], "done": False}),
    "science-train-split": Expected(keys=("key",), facts={"rows": SPLIT, "left_out": 0}),
    "shadow-poison": Expected(
        value={"batchItemFailures": [{"itemIdentifier": "00000001-0000-4000-8000-000000000000"}]}
    ),
    # Where nobody is on trial; a stack may have somebody.
    "trial_guard-clock": Expected(keys=("on_trial", "withdrawn"), facts={"faults": {}}),
    "upkeep-clock": Expected(keys=("compacted", "expired", "swept"), facts={"faults": {}}),
    # It is put aside, and the queue may forget it.
    "sink-poison": Expected(value={"batchItemFailures": []}),
    "sink_erasure-nobody": Expected(value={"erased": 0}),
    "training_trigger-batch": Expected(keys=("run",)),
    "training_trigger-clock": Expected(facts={"runs": {}, "faults": {}}),
    # It is declared before; a text that is declared already makes no new version.
    "training_trigger-declare": Expected((200,), facts={"model": MODEL, "features": ["alcohol", "colour"]}),
    "training_trigger-invalid": Expected((422,), keys=("error",)),
    "training_trigger-promote": Expected((200,), keys=("revision", "version", "mirror")),
    "training_trigger-spec": Expected(keys=("spec_version",), facts={"model": MODEL}),
    "training_trigger-train": Expected((202,), keys=("run", "status_url", "dataset", "upload")),
    "training_trigger-upload": Expected(keys=("run",)),
    "training_trigger-versions": Expected((200,), keys=("versions", "before")),
}


def check(case: str, answer: Any) -> None:
    """Fails if it is not what is expected."""
    expected = EXPECTED[case]
    body = answer
    if expected.statuses:
        assert answer["statusCode"] in expected.statuses, answer
        body = answer["body"]
        assert expected.says in body
        body = json.loads(body) if expected.keys or expected.facts else body
    assert set(expected.keys) <= set(body)
    assert {key: body[key] for key in expected.facts} == expected.facts
    assert expected.value in (None, answer)
