"""What a run has done already, and rows that were read already."""

from typing import Any

import pytest

from gyre.errors import Unavailable
from gyre.run_folder import RunFolder
from gyre.tasks.step import Answer, Event, kept
from tests.unit.registry.house import Died, Meddled

EVENT = {"task": "fit", "run": "run-1", "model": "wine", "best": 1, "more": {"a": 1, "b": None}}


class Counted:
    """A task that tells how often it was done."""

    def __init__(self) -> None:
        self.done = 0

    def __call__(self, event: Event) -> Answer:
        self.done += 1
        return {"done": self.done, "best": event.get("best")}


@pytest.fixture
def artifacts() -> Meddled:
    return Meddled()


def test_what_was_found_is_not_looked_for_again(artifacts: Meddled) -> None:
    counted = Counted()
    task = kept(counted, artifacts, reused=True)
    assert task(EVENT) == task(EVENT) == {"done": 1, "best": 1}
    # The same question in another order of words, and after the function was loaded anew
    other = kept(counted, artifacts, reused=True)
    assert other({"more": {"b": None, "a": 1}, **dict(reversed(EVENT.items()))}) == {"done": 1, "best": 1}
    assert counted.done == 1


def test_what_may_have_changed_is_looked_at_again(artifacts: Meddled) -> None:
    counted = Counted()
    task = kept(counted, artifacts, reused=False)
    assert [task(EVENT)["done"], task(EVENT)["done"]] == [1, 2]
    # Whoever follows the run sees the newest
    assert RunFolder(artifacts, "wine", "run-1").read_json("steps/fit.json")["answer"]["done"] == 2


@pytest.mark.parametrize(
    "change", [{"best": 2}, {"more": {"a": 2, "b": None}}, {"run": "run-2"}, {"model": "beer"}, {"new": None}]
)
def test_another_question_is_another_answer(artifacts: Meddled, change: dict[str, Any]) -> None:
    counted = Counted()
    task = kept(counted, artifacts, reused=True)
    task(EVENT)
    task(EVENT | change)
    assert counted.done == 2


def test_of_two_questions_in_one_run_the_last_answer_is_kept(artifacts: Meddled) -> None:
    counted = Counted()
    task = kept(counted, artifacts, reused=True)
    answers = [task(EVENT | {"best": best}) for best in (1, 2, 2, 1)]
    assert [each["best"] for each in answers] == [1, 2, 2, 1]
    assert counted.done == 3


def test_what_failed_leaves_nothing_behind(artifacts: Meddled) -> None:
    left = [Unavailable("for now")]

    def failing(event: Event) -> Answer:
        if left:
            raise left.pop()
        return {"done": True}

    task = kept(failing, artifacts, reused=True)
    with pytest.raises(Unavailable):
        task(EVENT)
    assert list(artifacts.list("runs/")) == []
    assert task(EVENT) == {"done": True}


def test_who_dies_before_it_is_kept_does_it_again(artifacts: Meddled) -> None:
    counted = Counted()
    task = kept(counted, artifacts, reused=True)

    def die() -> None:
        raise Died

    artifacts.before("runs/wine/run-1/steps/", die)
    with pytest.raises(Died):
        task(EVENT)
    assert task(EVENT)["done"] == task(EVENT)["done"] == 2


def test_what_was_kept_tells_when_and_how_long(artifacts: Meddled) -> None:
    kept(Counted(), artifacts, reused=True)(EVENT)
    told = RunFolder(artifacts, "wine", "run-1").read_json("steps/fit.json")
    assert set(told) == {"asked", "at", "seconds", "answer"}
    assert 0 <= told["seconds"] < 5
    assert "wine" not in told["asked"]


def test_an_answer_that_is_no_json_fails_the_task(artifacts: Meddled) -> None:
    """A NaN would be read by no browser, and by no state machine."""
    for value in (float("nan"), float("inf")):
        with pytest.raises(ValueError, match="JSON compliant"):
            kept(lambda _, value=value: {"value": value}, artifacts, reused=True)(EVENT)  # type: ignore[misc]
    assert list(artifacts.list("runs/")) == []


def test_other_code_is_asked_anew(artifacts: Meddled) -> None:
    """What an earlier deployment answered may lack what the state machine asks for now."""
    counted = Counted()
    for code in ("c0ffee", "c0ffee", "decaf"):
        kept(counted, artifacts, reused=True, code=code)(EVENT)
    assert counted.done == 2
