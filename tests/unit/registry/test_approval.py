import json

import pytest

from gyre.errors import Conflict, Invalid, NotFound, Unavailable
from gyre.registry.approval import Approval, ask, heard, pending, settle
from tests.fakes.objects import MemoryBucket
from tests.unit.registry.house import Meddled

KEY = "approvals/wine/00000004.json"
TOKEN = "AQCEAAAAKgAAAAMAAA-secret"


def asked(artifacts: MemoryBucket | None = None, token: str = TOKEN) -> MemoryBucket:
    artifacts = MemoryBucket() if artifacts is None else artifacts
    ask("wine", 4, "train-4", token, artifacts, against=3)
    return artifacts


def test_what_is_asked_waits() -> None:
    found = pending("wine", 4, asked())
    assert (found.version, found.run, found.token, found.against, found.decided) == (4, "train-4", TOKEN, 3, None)


@pytest.mark.parametrize("outcome", ["approved", "rejected"])
def test_a_decision_tells_who_and_why(outcome: str) -> None:
    artifacts = asked()
    found = settle("wine", 4, outcome, artifacts, actor="anna", comment="half \ud83d")
    assert found.token == TOKEN and found.decided
    assert (found.decided.outcome, found.decided.actor, found.decided.comment) == (outcome, "anna", "half ?")
    with pytest.raises(Conflict, match=rf"was {outcome} by anna at 2.*: half \?"):
        pending("wine", 4, artifacts)


def test_what_nobody_asked_cannot_be_decided() -> None:
    for version in (3, 5):
        with pytest.raises(NotFound, match="does not wait"):
            settle("wine", version, "approved", asked(), actor="anna")
        with pytest.raises(NotFound, match="does not wait"):
            pending("wine", version, asked())


@pytest.mark.parametrize(("outcome", "actor"), [("approved", "ben"), ("rejected", "ben"), ("rejected", "anna")])
def test_whoever_is_second_hears_who_was_first(outcome: str, actor: str) -> None:
    artifacts = asked()
    settle("wine", 4, "approved", artifacts, actor="anna")
    with pytest.raises(Conflict, match="approved by anna"):
        settle("wine", 4, outcome, artifacts, actor=actor)


@pytest.mark.parametrize("actor", ["anna", "ben"])
def test_of_two_at_once_one_is_refused(actor: str) -> None:
    artifacts = Meddled()
    asked(artifacts)
    artifacts.before("approvals/", lambda: settle("wine", 4, "rejected", artifacts, actor=actor) and None)
    with pytest.raises(Conflict, match="at the same time"):
        settle("wine", 4, "approved", artifacts, actor="anna")
    with pytest.raises(Conflict, match=f"rejected by {actor}"):
        pending("wine", 4, artifacts)


def test_a_run_that_did_not_hear_can_be_told_again_by_the_same_person() -> None:
    artifacts = asked()
    first = settle("wine", 4, "approved", artifacts, actor="anna")
    assert settle("wine", 4, "approved", artifacts, actor="anna") == first
    told = heard(first, artifacts)
    assert told.token == "" and told.decided and told.decided.heard
    assert TOKEN not in artifacts.read(KEY).content.decode()
    with pytest.raises(Conflict, match="approved by anna"):
        settle("wine", 4, "approved", artifacts, actor="anna")


def test_a_run_that_judged_again_asks_again() -> None:
    artifacts = asked()
    first = settle("wine", 4, "approved", artifacts, actor="anna")
    asked(artifacts, "another token")
    found = pending("wine", 4, artifacts)
    assert found.token == "another token" and [each.actor for each in found.earlier] == ["anna"]
    assert heard(first, artifacts) == first
    assert pending("wine", 4, artifacts) == found
    asked(artifacts, "a third")
    assert len(pending("wine", 4, artifacts).earlier) == 1
    settle("wine", 4, "rejected", artifacts, actor="ben")
    asked(artifacts)
    assert [each.outcome for each in pending("wine", 4, artifacts).earlier] == ["approved", "rejected"]


def test_the_token_is_in_no_answer() -> None:
    artifacts = asked()
    found = settle("wine", 4, "approved", artifacts, actor="anna")
    for each in (found, heard(found, artifacts)):
        assert TOKEN not in json.dumps(each.to_json()) and "token" not in each.to_json()
    assert TOKEN not in f"{found!r} {found}"
    assert found.to_json()["decided"]["outcome"] == "approved"


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b'{"decided": {"by": 1}, "earlier": []}'])
def test_what_is_no_approval_is_told(content: bytes) -> None:
    artifacts = asked()
    artifacts.put(KEY, content)
    with pytest.raises(Unavailable, match=KEY):
        pending("wine", 4, artifacts)


def test_a_novel_is_no_comment() -> None:
    artifacts = asked()
    with pytest.raises(Invalid, match="comment"):
        settle("wine", 4, "approved", artifacts, actor="anna", comment="x" * 2_001)
    assert isinstance(pending("wine", 4, artifacts), Approval)
