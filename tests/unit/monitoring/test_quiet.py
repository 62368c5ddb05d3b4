"""Windows in which nothing happened raise no alarm."""

import json
from dataclasses import dataclass

import pytest

from bench.measure import RESULTS
from bench.quiet import ANALYSES, MOST, WORLDS, Alarm, alarms, quiet
from gyre.monitoring.side import Pair

WINDOWS = 20
AT_ONCE = 5  # about 2 s each on a quiet machine, of which the domain classifier takes half


@pytest.mark.parametrize("first", range(0, WINDOWS, AT_ONCE))
def test_quiet_windows_of_all_worlds_raise_no_alarm(first: int) -> None:
    assert list(alarms(range(first, first + AT_ONCE))) == []


def test_at_most_1_of_100_of_the_quiet_windows_that_were_tried_raised_one() -> None:
    # given
    kept = json.loads((RESULTS / "quiet.json").read_text())["figures"]

    # then
    assert kept["windows"] >= 500
    assert kept["windows with an alarm"] <= MOST * kept["windows"]
    assert kept["promised"] == MOST == 0.01
    assert {name for name in ANALYSES if f"windows with an alarm: {name}" in kept} == set(ANALYSES)


@dataclass
class Listening:
    """An analysis that raises an alarm about each window of one world."""

    world_size: int = 0

    def __call__(self, both: Pair) -> tuple[str, ...]:
        self.world_size += 1
        return ("everything",) if both.spec.task == "regression" else ()


def test_an_alarm_that_is_raised_is_counted() -> None:
    # given
    listening = Listening()

    # when
    found = list(alarms(range(2 * len(WORLDS)), {"mine": listening}))

    # then
    assert listening.world_size == 2 * len(WORLDS)
    assert found == [
        Alarm("wide regression", number, "mine", ("everything",)) for number in (3, 3 + len(WORLDS))
    ]  # fmt: skip


@pytest.mark.parametrize("number", range(len(WORLDS)))
def test_a_quiet_window_is_the_same_each_time_and_differs_from_its_reference(number: int) -> None:
    # when
    (world, one), (same_world, same) = quiet(number), quiet(number)

    # then
    assert world == same_world == list(WORLDS)[number]
    assert one.window.prediction is not None and (one.window.prediction == same.window.prediction).all()
    assert one.reference.label is not None and one.window.label is not None
    rows = min(len(one.reference), len(one.window))
    assert (one.reference.label[:rows] != one.window.label[:rows]).any()
