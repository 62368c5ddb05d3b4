import json

import pytest

from gyre.telemetry import logger


def test_each_line_is_one_object_with_what_never_changes(capsys: pytest.CaptureFixture[str]) -> None:
    log = logger("telemetry_test", environment="local")
    log.info("answered", extra={"status": 200})
    line = json.loads(capsys.readouterr().out)
    assert (line["service"], line["environment"], line["message"], line["status"]) == (
        "telemetry_test",
        "local",
        "answered",
        200,
    )


def test_what_lies_below_the_level_is_silent(capsys: pytest.CaptureFixture[str]) -> None:
    logger("telemetry_quiet", "WARNING").info("not told")
    assert capsys.readouterr().out == ""
