"""gyre subject: what is kept about a person, and erasing one."""

import json
from dataclasses import replace
from typing import Any

import pytest

from gyre.pseudonyms import PSEUDONYM_KEYS, read_pseudonyms, with_newer_key
from gyre.subjects.erasure import keep_record, record_of
from tests.unit.cli.stack import Stack
from tests.unit.trials.trial_calls import record, row, served

ANNA = "anna/lund@example.org"
Out = pytest.CaptureFixture[str]
PROOF: dict[str, Any] = {
    "places": {"journal": {"rows": 2, "objects": 0, "removed": 0, "versions": []}},
    "trained": ({"model": "people", "version": 3, "dataset": 1},),
    "search": {"by": "the id and its pseudonyms", "objects": 1234, "bytes": 56789, "found": 0, "left": []},
}


@pytest.fixture
def people(stack: Stack) -> Stack:
    stack.house.artifacts.put(PSEUDONYM_KEYS, with_newer_key(None, "now"))
    return stack


def ended(stack: Stack, state: Any, **facts: Any) -> str:
    """The only erasure there is, as its run leaves it."""
    (run,) = stack.house.workflow.runs
    erasure = run.rpartition("-")[0]
    found, etag = record_of(erasure, stack.house.data)
    keep_record(replace(found, state=state, **facts), stack.house.data, etag)
    return erasure


def test_erasing_takes_a_yes(people: Stack, capsys: Out) -> None:
    assert people.call("subject", "erase", ANNA) == 1
    assert "--yes" in capsys.readouterr().err
    assert people.asked == []


def test_an_erasure_is_begun_and_its_name_told(people: Stack, capsys: Out) -> None:
    assert people.call("subject", "erase", ANNA, "--yes") == 0
    (run,) = people.house.workflow.runs
    assert capsys.readouterr().out == f"{run.rpartition('-')[0]} is running\n"
    assert people.asked[0][:2] == ("DELETE", "/subjects/anna%2Flund%40example.org")


def test_a_proof_is_shown(people: Stack, capsys: Out) -> None:
    people.call("subject", "erase", ANNA, "--yes")
    erasure = ended(people, "proven", **PROOF)
    capsys.readouterr()
    assert people.call("subject", "proof", erasure) == 0
    out, err = capsys.readouterr()
    assert "1,234 objects, 56,789 bytes, by the id and its pseudonyms" in out
    assert out.splitlines()[-1].split() == ["journal", "2", "0", "0"]
    assert "people 3 was trained on dataset 1" in err
    assert ANNA not in out + err


def test_what_is_left_is_told_and_is_no_success(people: Stack, capsys: Out) -> None:
    people.call("subject", "erase", ANNA, "--yes")
    left = {**PROOF["search"], "found": 1, "left": ["data/notes/\x1b[31m.txt"]}
    erasure = ended(people, "incomplete", **{**PROOF, "search": left})
    assert people.call("subject", "proof", erasure) == 1
    assert r"left in data/notes/\x1b[31m.txt" in capsys.readouterr().err
    assert people.call("subject", "proof", erasure, "--json") == 1
    assert json.loads(capsys.readouterr().out)["state"] == "incomplete"


def test_it_is_followed_to_its_end(people: Stack, capsys: Out) -> None:
    begun = people.time.pause

    def pause(seconds: float) -> None:
        begun(seconds)
        if len(people.time.pauses) == 3:
            ended(people, "proven", **PROOF)

    people.time.pause = pause  # type: ignore[method-assign]
    assert people.call("subject", "erase", ANNA, "--yes", "--follow") == 0
    assert len(people.time.pauses) == 3
    assert "proven" in capsys.readouterr().out


def test_what_is_kept_is_shown(people: Stack, capsys: Out) -> None:
    named = read_pseudonyms(people.house.artifacts).of(ANNA)
    people.house.journal.append([record([served(1)], [row(1, id=named)], event_id="event-0001")])
    assert people.call("subject", "show", ANNA) == 0
    out, err = capsys.readouterr()
    assert "event-0001" in out
    assert "ask again in a minute" in err
    assert people.call("subject", "show", ANNA, "--json") == 0
    assert json.loads(capsys.readouterr().out)["export"] == "running"


def test_while_a_person_is_erased_no_file_is_promised(people: Stack, capsys: Out) -> None:
    assert people.call("subject", "erase", ANNA, "--yes") == 0
    capsys.readouterr()
    assert people.call("subject", "show", ANNA) == 0
    told = capsys.readouterr()
    assert "is running" in told.err and "put together" not in told.err
    assert told.out.strip() == "no predictions"
