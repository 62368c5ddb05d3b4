"""Giving a challenger a share: who may get one, what ends it, and that an older pointer is still read."""

import json
import math
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from gyre.errors import Conflict, Invalid, NotFound
from gyre.registry.moves import promote, retire, rollback, withdraw
from gyre.registry.releases import Traffic, history, move_key, pointer, pointer_key
from gyre.registry.traffic import on_trial, send_traffic
from gyre.registry.version import model_version
from tests.fakes.objects import MemoryBucket
from tests.unit.registry.house import ANNA, BEN, Meddled, registered, released
from tests.unit.registry.test_moves import refused


def shares(artifacts: MemoryBucket) -> tuple[float, float] | None:
    found = pointer("wine", artifacts).traffic
    return (found.share, found.shadow) if found else None


@pytest.fixture
def artifacts() -> MemoryBucket:
    """Four versions; the second serves, the first did before, the third has a tenth of the rows."""
    made = released(4, 1, 2)
    send_traffic("wine", 3, 0.1, 1.0, made, ANNA)
    return made


def test_a_version_goes_on_trial_and_gets_its_shares_in_one_move() -> None:
    artifacts, began = released(2, 1), datetime.now(UTC)
    made = send_traffic("wine", 2, 0.1, 1.0, artifacts, BEN)
    assert made == pointer("wine", artifacts)
    assert (made.revision, made.version("production"), made.version("challenger")) == (2, 1, 2)
    assert made.aliases["challenger"].bundle == model_version("wine", 2, artifacts).bundle
    assert made.traffic is not None and made.traffic.since is not None
    assert (made.traffic.share, made.traffic.shadow) == (0.1, 1.0)
    assert began <= made.traffic.since <= datetime.fromisoformat(made.last.at)
    move = made.last
    assert (move.action, move.alias, move.version, move.before) == ("traffic", "challenger", 2, None)
    assert (move.share, move.shadow, move.actor) == (0.1, 1.0, "ben")


def test_shares_are_moved_and_the_history_keeps_each(artifacts: MemoryBucket) -> None:
    before = pointer("wine", artifacts).traffic
    send_traffic("wine", 3, 0.5, 0, artifacts, ANNA)
    after = pointer("wine", artifacts).traffic
    assert before and after and before.since and after.since and before.since < after.since
    send_traffic("wine", 3, 0, 0, artifacts, ANNA)
    moves = [(each.action, each.share, each.shadow, each.before) for each in history("wine", artifacts)]
    assert moves[:3] == [("traffic", 0, 0, 3), ("traffic", 0.5, 0, 3), ("traffic", 0.1, 1, None)]
    assert (shares(artifacts), pointer("wine", artifacts).version("challenger")) == (None, 3)


def test_the_same_shares_are_no_move(artifacts: MemoryBucket) -> None:
    before = artifacts.read(pointer_key("wine")).content
    assert send_traffic("wine", 3, 0.1, 1.0, artifacts, BEN).last.actor == "anna"
    assert artifacts.read(pointer_key("wine")).content == before


def test_another_challenger_takes_over_with_shares_of_its_own(artifacts: MemoryBucket) -> None:
    made = send_traffic("wine", 4, 0.2, 0, artifacts, BEN)
    assert (made.version("challenger"), shares(artifacts), made.last.before) == (4, (0.2, 0), 3)


@pytest.mark.parametrize(
    "ends",
    [
        lambda it: withdraw("wine", it, ANNA),
        lambda it: promote("wine", 3, it, ANNA),
        lambda it: promote("wine", 4, it, ANNA, alias="challenger"),
        lambda it: send_traffic("wine", 4, 0, 0, it, ANNA),
    ],
)
def test_no_share_outlives_its_challenger(artifacts: MemoryBucket, ends: Callable[[MemoryBucket], object]) -> None:
    ends(artifacts)
    assert shares(artifacts) is None


def test_a_rollback_to_the_challenger_ends_its_trial(artifacts: MemoryBucket) -> None:
    send_traffic("wine", 1, 0.3, 0, artifacts, ANNA)
    assert rollback("wine", artifacts, ANNA).aliases.keys() == {"production", "champion"}
    assert shares(artifacts) is None


@pytest.mark.parametrize(
    "goes_on",
    [
        lambda it: promote("wine", 4, it, ANNA),
        lambda it: rollback("wine", it, ANNA),
        lambda it: retire("wine", 4, it, ANNA),
    ],
)
def test_a_trial_outlives_what_is_not_about_it(
    artifacts: MemoryBucket, goes_on: Callable[[MemoryBucket], object]
) -> None:
    before = pointer("wine", artifacts).traffic
    goes_on(artifacts)
    assert before is not None and pointer("wine", artifacts).traffic == before


# --- who gets none ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [-0.01, 1.01, math.nan, math.inf, -math.inf])
def test_what_is_no_share_is_refused(artifacts: MemoryBucket, value: float) -> None:
    refused(artifacts, lambda: send_traffic("wine", 4, value, 0, artifacts, ANNA), Invalid, "share: .* no share")
    refused(artifacts, lambda: send_traffic("wine", 4, 0, value, artifacts, ANNA), Invalid, "shadow: .* no share")


def test_who_may_not_be_promoted_gets_no_share(artifacts: MemoryBucket) -> None:
    retire("wine", 4, artifacts, ANNA)
    for version, error, says in ((4, Conflict, "restore it first"), (2, Conflict, "production already"),
                                 (9, NotFound, "no version 9")):  # fmt: skip
        refused(artifacts, lambda v=version: send_traffic("wine", v, 0.1, 0, artifacts, ANNA), error, says)
    artifacts.put(f"{model_version('wine', 1, artifacts).bundle.key}manifest.json", b"{}")
    refused(artifacts, lambda: send_traffic("wine", 1, 0.1, 0, artifacts, ANNA), Invalid, "SHA-256")


def test_without_production_there_is_nothing_to_share() -> None:
    artifacts = released(2)
    refused(artifacts, lambda: send_traffic("wine", 1, 0.1, 0, artifacts, ANNA), Conflict, "no production release")
    refused(artifacts, lambda: send_traffic("wine", 1, 0, 1, artifacts, ANNA), Conflict, "no production release")
    assert send_traffic("wine", 1, 0, 0, artifacts, ANNA).version("challenger") == 1
    refused(artifacts, lambda: send_traffic("wine", 1, 0.1, 0, artifacts, ANNA), Conflict, "no production release")


def test_of_two_who_move_at_once_one_is_told() -> None:
    artifacts = Meddled()
    for version in (1, 2, 3):
        registered("wine", version, artifacts)
    promote("wine", 1, artifacts, ANNA)
    artifacts.before("releases/", lambda: send_traffic("wine", 3, 0.9, 0, artifacts, BEN) and None)
    with pytest.raises(Conflict, match=r"ben did it at .*\(traffic 3\)"):
        send_traffic("wine", 2, 0.1, 0, artifacts, ANNA)
    assert (pointer("wine", artifacts).version("challenger"), shares(artifacts)) == (3, (0.9, 0))


# --- what is kept -----------------------------------------------------------------------------------------------------


def test_a_pointer_of_before_is_read(artifacts: MemoryBucket) -> None:
    """Given what was kept when there were no shares."""
    withdraw("wine", artifacts, ANNA)
    kept = json.loads(artifacts.read(pointer_key("wine")).content)
    assert "traffic" not in kept and "share" not in kept["last"]
    assert pointer("wine", artifacts).traffic is None
    assert "share" not in json.loads(artifacts.read(move_key("wine", 1)).content)


def test_a_pointer_comes_back_as_it_was_kept(artifacts: MemoryBucket) -> None:
    kept = json.loads(artifacts.read(pointer_key("wine")).content)["traffic"]
    assert (kept["share"], kept["shadow"]) == (0.1, 1)
    assert Traffic.model_validate_json(json.dumps(kept)) == pointer("wine", artifacts).traffic
    assert Traffic(share=0, shadow=1).since is None


# --- who is on trial --------------------------------------------------------------------------------------------------


def test_models_on_trial_are_found_and_a_broken_pointer_hides_none(artifacts: MemoryBucket) -> None:
    for model in ("beer", "rum"):
        registered(model, 1, artifacts)
        promote(model, 1, artifacts, ANNA)
    registered("rum", 2, artifacts)
    promote("rum", 2, artifacts, ANNA, alias="challenger")
    artifacts.put(pointer_key("ale"), b"{")
    artifacts.put("releases/", b"")
    found, faults = on_trial(artifacts)
    assert [each.model for each in found] == ["wine"]
    assert list(faults) == ["ale"] and "releases/ale.json" in faults["ale"]
