import json

import pytest

from gyre.telemetry import Progress, logger
from tests.unit.parts import Clock


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


# --- progress ---------------------------------------------------------------------------------------------------------


def told(clock: Clock, *steps: tuple[float, int]) -> list[int]:
    """What is said when so many seconds pass before each count."""
    said: list[int] = []
    progress = Progress(said.append, 5.0, clock)
    for seconds, count in steps:
        clock.now += seconds
        progress(count)
    return said


def test_a_short_work_says_nothing() -> None:
    assert told(Clock(), (0, 1), (1, 2), (3.9, 3)) == []


def test_a_long_one_is_heard_of_every_few_seconds() -> None:
    assert told(Clock(), *[(1, count) for count in range(1, 18)]) == [5, 10, 15]


def test_the_newest_count_is_said_and_none_twice() -> None:
    assert told(Clock(), (60, 1), (0, 2), (4.9, 3), (0.1, 4), (60, 5)) == [1, 4, 5]


def test_it_hears_of_every_count_and_speaks_by_itself_of_none() -> None:
    clock, said = Clock(), list[int]()
    Progress(said.append, 5.0, clock)
    clock.now += 100
    assert said == []


def test_without_a_clock_it_takes_the_machines() -> None:
    said: list[int] = []
    progress = Progress(said.append, seconds=0)
    progress(3)
    assert said == [3]
    quiet = Progress(said.append, seconds=1_000)
    quiet(4)
    assert said == [3]
