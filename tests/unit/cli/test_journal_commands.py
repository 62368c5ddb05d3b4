"""`gyre journal`: dead letters on a terminal, and their way back."""

import json
from datetime import UTC, datetime

import pytest

from gyre.journal import replay
from gyre.journal.dead_letters import DeadLetter, DeadLetters
from tests.contract.test_outlet import record
from tests.unit.cli.stack import Stack

Out = pytest.CaptureFixture[str]
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def keep(stack: Stack, number: int, body: str = "poison", cause: str = "no JSON") -> DeadLetter:
    return DeadLetters(stack.house.data).keep(f"m-{number:03}", body, cause, NOON, 3)


def said(stack: Stack, capsys: Out, *arguments: str, status: int = 0) -> tuple[str, str]:
    assert stack.call("journal", *arguments) == status
    out, errors = capsys.readouterr()
    return out, errors


def test_letters_are_listed_with_their_causes(stack: Stack, capsys: Out) -> None:
    keep(stack, 1, record(1).model_dump_json(), "shape 2 is newer\x1b[2J")
    keep(stack, 2)
    out, errors = said(stack, capsys, "dead-letters")
    head, first, second = out.splitlines()
    assert head.split() == ["letter", "kept", "(UTC)", "tries", "model", "event", "cause"]
    assert first.startswith("2026-11-21.m-001") and first.endswith("3  wine   event-0001  shape 2 is newer\\x1b[2J")
    assert second.split()[-5:] == ["3", "-", "-", "no", "JSON"]
    assert "gyre journal replay LETTER" in errors


def test_a_list_is_chosen_and_limited(stack: Stack, capsys: Out) -> None:
    keep(stack, 1, record(1).model_dump_json())
    for number in range(2, 7):
        keep(stack, number)
    told = json.loads(said(stack, capsys, "dead-letters", "--model", "wine", "--cause", "json", "--json")[0])
    assert ([each["id"] for each in told["dead_letters"]], told["cursor"]) == (["2026-11-21.m-001"], None)
    told = json.loads(said(stack, capsys, "dead-letters", "--limit", "4", "--json")[0])
    assert (len(told["dead_letters"]), told["cursor"]) == (4, "2026-11-21.m-004")
    assert "there are more" in said(stack, capsys, "dead-letters", "--limit", "4")[1]


def test_a_list_is_read_to_the_end_of_the_pages(stack: Stack, capsys: Out, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gyre.journal.dead_letters.MOST_LOOKED", 2)
    for number in range(7):
        keep(stack, number)
    told = json.loads(said(stack, capsys, "dead-letters", "--json")[0])
    assert (len(told["dead_letters"]), told["cursor"]) == (7, None)


def test_no_letters_are_told_as_none(stack: Stack, capsys: Out) -> None:
    assert said(stack, capsys, "dead-letters")[0] == "gyre: there are no dead letters\n"
    assert said(stack, capsys, "dead-letters", "--model", "wine")[0] == "gyre: there are no dead letters of these\n"


def test_one_letter_is_shown_with_its_message(stack: Stack, capsys: Out) -> None:
    made = keep(stack, 1, '{"a": "\x1b"', "no JSON")
    out, _ = said(stack, capsys, "dead-letters", made.id)
    assert 'message     {"a": "\\x1b"' in out and "cause       no JSON" in out
    told = json.loads(said(stack, capsys, "dead-letters", made.id, "--json")[0])
    assert told["body"] == made.body


def test_named_letters_are_sent_again(stack: Stack, capsys: Out) -> None:
    made = [keep(stack, number, f"body {number}") for number in range(3)]
    assert said(stack, capsys, "replay", made[0].id, made[2].id)[0] == "2 letters were sent to the journal again\n"
    assert sorted(stack.house.queue.bodies) == ["body 0", "body 2"]
    assert said(stack, capsys, "replay", made[1].id)[0] == "1 letter was sent to the journal again\n"


def test_more_than_a_call_takes_are_sent_in_several(stack: Stack, capsys: Out) -> None:
    made = [keep(stack, number, f"body {number}") for number in range(105)]
    assert said(stack, capsys, "replay", *(each.id for each in made))[0].startswith("105 letters")
    assert len(stack.house.queue.bodies) == 105


def test_all_are_sent_over_as_many_calls_as_it_takes(
    stack: Stack, capsys: Out, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replay, "MOST_LOOKED", 8)
    for number in range(20):
        keep(stack, number, f"body {number}", "is down" if number else "other")
    out, errors = said(stack, capsys, "replay", "--all", "--cause", "IS DOWN")
    assert out == "19 letters were sent to the journal again\n"
    assert "gyre: 7 sent, 8 or more to look at" in errors
    assert len(stack.house.queue.bodies) == 19


def test_letters_that_stay_are_named_and_fail_the_command(stack: Stack, capsys: Out) -> None:
    made = keep(stack, 1)
    stack.house.queue.down = True
    out, errors = said(stack, capsys, "replay", "--all", status=1)
    assert out == "0 letters were sent to the journal again\n"
    assert f"gyre: {made.id}: " in errors and "gyre: 1 of them could not be sent, or not be removed" in errors


@pytest.mark.parametrize(
    "arguments", [["replay"], ["replay", "2026-11-21.m-1", "--all"], ["replay", "2026-11-21.m-1", "--model", "wine"]]
)
def test_a_replay_says_which(stack: Stack, capsys: Out, arguments: list[str]) -> None:
    assert said(stack, capsys, *arguments, status=1)[1].startswith("gyre: ")
    assert stack.asked == []


@pytest.mark.parametrize("arguments", [["dead-letters", "../x"], ["replay", "m-1"], ["dead-letters", "--limit", "0"]])
def test_what_is_typed_wrong_is_never_sent(stack: Stack, arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        stack.call("journal", *arguments)
    assert (ended.value.code, stack.asked) == (2, [])
