"""What is no shadow call is told in the log, without what was sent."""

import json
from typing import Any, cast

import pytest

from gyre.journal.shadow import take_shadows
from gyre.serving.answer import Serving
from gyre.telemetry import logger
from tests.fakes.outlet import MemoryOutlet


def test_rows_of_a_message_that_cannot_be_read_are_not_logged(capsys: pytest.CaptureFixture[str]) -> None:
    """Given a message of another shape with a person in it, when it is refused, then the log says where it is wrong."""
    body = json.dumps({"event_id": "event-0001", "rows": [{"id": 1, "features": "Ann Miller"}]})
    outlet = MemoryOutlet()
    again = take_shadows({"m-1": body}, cast(Serving, cast(Any, None)), outlet, logger("shadow-log-test"))
    (line,) = [json.loads(each) for each in capsys.readouterr().out.splitlines()]
    assert (again, outlet.records) == (["m-1"], [])
    assert (line["message"], line["message_id"]) == ("no shadow call", "m-1")
    assert "rows.0.features" in line["reason"]
    assert "Miller" not in str(line)
