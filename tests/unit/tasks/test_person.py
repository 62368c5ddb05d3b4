"""A person decides what serves."""

from typing import Any

import pytest

from gyre.registry.approval import pending
from gyre.registry.releases import pointer
from tests.unit.tasks.world import TOLERANT, World


@pytest.fixture(scope="module")
def asking(trained: World) -> World:
    """A spec that asks a person, and a run that did; nobody answered."""
    world = trained.again()
    world.declare(f"{TOLERANT}release: {{approval: person}}\n")
    world.train("run-3", dataset=2)
    return world


def test_who_is_asked_in_vain_releases_nothing(asking: World) -> None:
    assert [each["kind"] for each in asking.machine.notices] == ["approval_wanted", "approval_refused"]
    assert asking.machine.notices[-1]["actor"] == "nobody"
    assert (asking.serves(), asking.versions()) == (2, [1, 2, 3])
    assert asking.tracking.versions["pets"][3].tags["stage"] == "candidate"


def test_an_environment_may_ask_a_person_about_every_model(trained: World) -> None:
    world = trained.again(asks=True)
    world.declare(f"{TOLERANT}release: {{approval: automatic}}\n")
    world.train("run-3", dataset=2)
    assert world.machine.notices[0]["kind"] == "approval_wanted"
    assert world.serves() == 2


@pytest.mark.parametrize("approved", [True, False])
def test_a_person_says_whether_it_serves(asking: World, approved: bool) -> None:
    world = asking.again()
    tokens: list[str] = []

    def person(token: str) -> dict[str, Any]:
        waiting = pending("pets", 3, world.artifacts)
        assert (waiting.token, waiting.run, waiting.against) == (token, "run-3", 2)
        tokens.append(token)
        return {"approved": approved, "actor": "anna", "comment": "I looked"}

    world.machine.person = person
    world.train("run-3", dataset=2)
    assert len(tokens) == 1
    assert world.serves() == (3 if approved else 2)
    last = world.machine.notices[-1]
    assert (last["kind"], last["actor"]) == ("model_released" if approved else "approval_refused", "anna")
    if approved:
        assert pointer("pets", world.artifacts).last.actor == "anna"
        assert (last["before"], pointer("pets", world.artifacts).last.run) == (2, "run-3")


def test_a_person_is_asked_again_if_another_was_released_meanwhile(asking: World) -> None:
    world = asking.again()
    tokens: list[str] = []

    def person(token: str) -> dict[str, Any]:
        tokens.append(token)
        if len(tokens) == 1:
            world.promote(1)
        return {"approved": True, "actor": "anna", "comment": ""}

    world.machine.person = person
    world.train("run-3", dataset=2)
    assert (len(set(tokens)), world.serves()) == (2, 3)
    assert world.machine.notices[-1]["before"] == 1
