"""How a run is looked at: how often, how long, what may fail on the way."""

from collections import deque
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from cli.polling import MOST_POLL_SECONDS, PATIENCE_SECONDS, POLL_SECONDS, CallFailed, TookTooLong, looks
from tests.unit.cli.stack import RUN, Stack, Time, released, step

GOES_ON, DONE = {"status": "running"}, {"status": "succeeded"}
AWAY, GONE = httpx.ConnectError("away"), CallFailed(404, {"code": "not_found"})


def watched(time: Time, *answers: Any, seconds: float | None = None, attempt: int | None = None) -> Iterator[Any]:
    """The last answer is given for ever."""
    left = deque(answers)

    def look() -> dict[str, Any]:
        told = left.popleft() if len(left) > 1 else left[0]
        if isinstance(told, Exception):
            raise told
        return dict(told)

    def over(told: Any) -> bool:
        return bool(told["status"] != "running")

    return looks(look, over, "the run", time.clock(), seconds=seconds, attempt=attempt)


def test_it_ends_with_the_run() -> None:
    time = Time()
    assert list(watched(time, GOES_ON, GOES_ON, DONE)) == [GOES_ON, GOES_ON, DONE]
    assert time.pauses == [POLL_SECONDS] * 2


def test_what_goes_on_for_long_is_asked_less_often_and_never_too_seldom() -> None:
    time = Time()
    looked = watched(time, *[GOES_ON] * 400, DONE)
    list(looked)
    assert sorted(time.pauses) == time.pauses
    assert time.pauses[0] == POLL_SECONDS
    assert time.pauses[-1] == MOST_POLL_SECONDS
    assert all(each <= max(POLL_SECONDS, sum(time.pauses[:at]) / 10) + 1e-9 for at, each in enumerate(time.pauses))


def test_a_change_is_a_reason_to_ask_often_again() -> None:
    time = Time()
    list(watched(time, *[GOES_ON] * 100, {**GOES_ON, "steps": [1]}, DONE))
    assert time.pauses[-1] == POLL_SECONDS < time.pauses[-2]


def test_a_limit_is_kept() -> None:
    time = Time()
    with pytest.raises(TookTooLong, match="the run is still running after 60 s"):
        list(watched(time, GOES_ON, seconds=60))
    assert 160 <= time.now < 166


@pytest.mark.parametrize("error", [AWAY, GONE, CallFailed(503, {}), CallFailed(500, {})])
def test_the_first_answer_is_wanted_at_once(error: Exception) -> None:
    time = Time()
    with pytest.raises(type(error)):
        list(watched(time, error, DONE))
    assert time.pauses == []


@pytest.mark.parametrize("error", [AWAY, *[CallFailed(status, {}) for status in (429, 502, 503, 504)]])
def test_what_passes_is_waited_out(error: Exception) -> None:
    assert list(watched(Time(), GOES_ON, error, error, DONE)) == [GOES_ON, DONE]


@pytest.mark.parametrize("error", [GONE, CallFailed(500, {}), CallFailed(401, {}), CallFailed(422, {})])
def test_what_does_not_pass_is_told_at_once(error: Exception) -> None:
    time = Time()
    with pytest.raises(CallFailed):
        list(watched(time, GOES_ON, error, DONE))
    assert len(time.pauses) == 1


def test_patience_has_an_end_and_begins_anew_with_each_answer() -> None:
    time = Time()
    with pytest.raises(httpx.ConnectError):
        list(watched(time, GOES_ON, AWAY))
    assert PATIENCE_SECONDS <= time.now - 100 < PATIENCE_SECONDS + MOST_POLL_SECONDS
    answers = [GOES_ON, *([AWAY] * 3 + [GOES_ON]) * 20, DONE]
    assert list(watched(Time(), *answers))[-1] == DONE


@pytest.mark.parametrize("error", [GONE, AWAY, CallFailed(503, {})])
def test_what_was_just_begun_may_take_a_moment_to_appear(error: Exception) -> None:
    assert list(watched(Time(), error, error, GOES_ON, DONE, attempt=1)) == [GOES_ON, DONE]
    with pytest.raises(type(error)):
        list(watched(Time(), error, attempt=1))


def test_the_attempt_before_is_not_taken_for_the_one_that_began() -> None:
    before, after = {"status": "failed", "attempt": 1}, {"status": "succeeded", "attempt": 2}
    assert list(watched(Time(), before, before, after, attempt=2)) == [after]
    time = Time()
    assert list(watched(time, before, attempt=2)) == [before]  # it never came: what is known is told
    assert time.now - 100 >= PATIENCE_SECONDS


# --- through the client -----------------------------------------------------------------------------------------------


def test_follow_tells_changes_alone(stack: Stack) -> None:
    """As those who waited for runs before there was a search do it."""
    stack.begin("monitor_1")
    nothing = [lambda: None] * 5
    stack.next.extend([*nothing, lambda: stack.on(step("Window", "running"), run="monitor_1"), *nothing])
    stack.next.append(lambda: stack.on(step("Window"), run="monitor_1", status="succeeded"))
    told = list(stack.client().follow("/runs/monitor_1"))
    assert [(each["status"], len(each["steps"])) for each in told] == [("running", 0), ("running", 1), ("succeeded", 1)]


def test_follow_keeps_its_limit(stack: Stack) -> None:
    stack.begin("monitor_1")
    with pytest.raises(TookTooLong, match="/runs/monitor_1 is still running after 9 s"):
        list(stack.client().follow("/runs/monitor_1", 9))


def test_follow_stops_where_a_person_is_asked_and_goes_on_after_the_answer(stack: Stack) -> None:
    """Given a run that asks, when the answer is given, then whoever follows it again sees its end."""
    stack.begin()
    stack.register(1, run=RUN)
    stack.found("register", version=1)
    stack.on(step("Register"), step("Ask", "running"))
    client = stack.client()
    stack.next.extend([lambda: None] * 3)
    stack.next.append(lambda: stack.ask(1))
    *_, told = client.follow(f"/runs/{RUN}")
    assert told["steps"][-1] == {**told["steps"][-1], "name": "Ask", "status": "running"}
    assert not stack.next
    client.approve("wine", 1)
    stack.next.extend([lambda: None, lambda: released(stack)])
    stack.on(step("Ask"))
    *_, told = client.follow(f"/runs/{RUN}")
    assert told["status"] == "succeeded"
