"""The copy in PostgreSQL is erased from by a function; what that says is believed, what it fails with is told."""

import io
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from gyre.aws import sink_erasure
from gyre.aws.clients import patient_client
from gyre.aws.sink_erasure import LambdaSink
from gyre.errors import Unavailable
from tests.infra.facts import functions as deployed


class Functions:
    """Lambda, with one function that answers so."""

    def __init__(self, answer: dict[str, Any] | None, **facts: Any) -> None:
        self._answer, self._facts, self.asked = answer, facts, list[tuple[str, Any]]()

    def invoke(self, FunctionName: str, Payload: bytes) -> dict[str, Any]:
        self.asked.append((FunctionName, json.loads(Payload)))
        if self._answer is None:
            raise ClientError({"Error": {"Code": "AccessDeniedException"}}, "Invoke")
        return {"Payload": io.BytesIO(json.dumps(self._answer).encode()), **self._facts}


def sink(monkeypatch: pytest.MonkeyPatch, functions: Functions) -> LambdaSink:
    monkeypatch.setattr(sink_erasure, "patient_client", lambda *_: functions)
    return LambdaSink("erase-there")


def test_it_is_told_how_many_rows_were_blanked(monkeypatch: pytest.MonkeyPatch) -> None:
    functions = Functions({"erased": 3})
    assert sink(monkeypatch, functions).erase(["p1:A", "p2:B"]) == 3
    assert functions.asked == [("erase-there", {"pseudonyms": ["p1:A", "p2:B"]})]


@pytest.mark.parametrize(
    "functions",
    [Functions({"errorType": "Unavailable", "errorMessage": "p1:A"}, FunctionError="Unhandled"), Functions(None)],
)
def test_a_failure_may_pass_and_names_nobody(monkeypatch: pytest.MonkeyPatch, functions: Functions) -> None:
    with pytest.raises(Unavailable) as told:
        sink(monkeypatch, functions).erase(["p1:A"])
    assert "p1:A" not in told.value.message


def test_it_is_asked_once_and_waited_for_as_long_as_it_may_take(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    config = patient_client("lambda", sink_erasure.SECONDS).meta.config
    assert config.read_timeout > deployed()["SinkErasureFunction"]["Timeout"]
    assert config.retries["total_max_attempts"] == 1
